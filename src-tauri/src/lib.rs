//! The shell of Stigmer Desktop: a tray, and a window while somebody looks, around the engine in the same process.
//!
//! # Theory of operation
//!
//! The process lives as long as the app: it holds the engine and the tray. A window is made when it is asked for
//! and destroyed when it is closed, with all of the web view; runs go on. The pages in it speak to the engine with
//! requests to `stigmer://localhost/api/…`, answered here by the same router that the server puts behind HTTP
//! ([`scheme`]); notices come over a channel ([`commands`]). So the shell has commands only for what a shell alone
//! can do: notices, dialogs, the file manager, quitting.
//!
//! Nothing waits on the main thread. What is asked before the engine is open waits for it ([`core::Core::ready`]).

mod commands;
mod core;
mod paint;
mod quit;
mod scheme;
mod thrift;
mod tray;
mod window;

use std::process::ExitCode;

use tauri::RunEvent;

use crate::core::Core;

/// Runs until the app quits.
pub fn run() -> ExitCode {
    if let Err(why) = prepare() {
        #[expect(clippy::print_stderr, reason = "there is no window to say it in")]
        {
            eprintln!("error: {why}");
        }
        return ExitCode::FAILURE;
    }
    match build() {
        Ok(app) => {
            app.run(|app, event| match event {
                // No window is left. The tray is, and whatever runs; only `quit` ends the app.
                RunEvent::ExitRequested { code: None, api, .. } => {
                    api.prevent_exit();
                    quit::last_window_closed(app);
                }
                #[cfg(target_os = "macos")]
                RunEvent::Reopen { .. } => window::show(app),
                _ => {}
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(%error, "the app could not start");
            ExitCode::FAILURE
        }
    }
}

/// What must be so before there is a second thread.
fn prepare() -> Result<(), String> {
    if let Ok(filter) = std::env::var("STIGMER_LOG") {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
    let has = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "linux") && !has("DISPLAY") && !has("WAYLAND_DISPLAY") {
        return Err("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)\n\
                    hint: without one, `stigmer run` runs commands and `stigmer runs` shows them"
            .to_owned());
    }
    paint::prepare();
    Ok(())
}

fn build() -> tauri::Result<tauri::App> {
    tauri::Builder::default()
        // First of all: a second start must not get as far as anything else.
        .plugin(tauri_plugin_single_instance::init(|app, _arguments, _folder| window::show(app)))
        .plugin(window::keep_state())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(tauri_plugin_shell::init())
        .manage(Core::default())
        .manage(commands::Listener::default())
        .manage(paint::Paint::default())
        .register_asynchronous_uri_scheme_protocol(scheme::NAME, scheme::answer)
        .invoke_handler(tauri::generate_handler![
            commands::about,
            commands::choose_folder,
            commands::open_url,
            commands::painted,
            commands::quit,
            commands::reveal,
            commands::save_output,
            commands::subscribe,
            commands::watch,
            commands::zoom,
        ])
        .setup(|app| {
            let app = app.handle();
            core::open(app);
            tray::begin(app);
            quit::on_signals(app);
            window::show(app);
            Ok(())
        })
        .build(tauri::generate_context!())
}
