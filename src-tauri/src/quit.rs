//! The end of the app, which is the end of its runs. So it asks.

use std::sync::atomic::{AtomicBool, Ordering};

use stigmer_engine::live::Stop;
use tauri::async_runtime::spawn;
use tauri::{AppHandle, Manager as _};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons, MessageDialogKind};

use crate::commands::Listener;
use crate::core::Core;
use crate::{thrift, window};

/// Ends the app, at once if nothing runs; else if the user says so.
pub(crate) fn ask(app: &AppHandle) {
    static ASKING: AtomicBool = AtomicBool::new(false);
    let runs = app.state::<Core>().engine().map_or(0, |engine| engine.going_on().len());
    if runs == 0 {
        return end(app);
    }
    if ASKING.swap(true, Ordering::Relaxed) {
        return;
    }
    let buttons = MessageDialogButtons::OkCancelCustom("Stop them and quit".into(), "Leave open".into());
    let mut dialog =
        app.dialog().message(question(runs)).title("Quit Stigmer?").kind(MessageDialogKind::Warning);
    if let Some(window) = app.get_webview_window(window::MAIN) {
        dialog = dialog.parent(&window);
    }
    let app = app.clone();
    dialog.buttons(buttons).show(move |stop| {
        ASKING.store(false, Ordering::Relaxed);
        if stop {
            end(&app);
        }
    });
}

fn question(runs: usize) -> String {
    match runs {
        1 => "A run is still going on. It ends with the app; what it printed so far is kept.".to_owned(),
        _ => format!(
            "{runs} runs are still going on. They end with the app; what they printed so far is kept."
        ),
    }
}

/// Ends the app: asks its runs to end, waits for them, and exits. Asked again, it does not wait any longer.
pub(crate) fn end(app: &AppHandle) {
    static ENDING: AtomicBool = AtomicBool::new(false);
    if ENDING.swap(true, Ordering::Relaxed) {
        if let Some(engine) = app.state::<Core>().engine() {
            engine.stop_all(Stop::Force);
        }
        return;
    }
    if let Some(window) = app.get_webview_window(window::MAIN) {
        // Gone for the user, while runs take their time to end. Its place is kept first.
        let _ = window.close();
    }
    let app = app.clone();
    spawn(async move {
        app.state::<Core>().close().await;
        app.exit(0);
    });
}

/// The last window was closed. The app stays where its tray, or a second start, finds it.
pub(crate) fn last_window_closed(app: &AppHandle) {
    app.state::<Listener>().leave();
    if can_be_found() {
        thrift::window_closed(app);
    } else {
        ask(app);
    }
}

/// Whether there is a way back to an app without a window. On Linux both the tray and the second start come over
/// the session's D-Bus.
pub(crate) fn can_be_found() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("DBUS_SESSION_BUS_ADDRESS").is_some()
        || set("XDG_RUNTIME_DIR").is_some_and(|folder| std::path::Path::new(&folder).join("bus").exists())
}

/// Ends the app politely when the system or the user says so.
pub(crate) fn on_signals(app: &AppHandle) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
            let app = app.clone();
            spawn(async move {
                let Ok(mut signals) = signal(kind) else { return };
                while signals.recv().await.is_some() {
                    end(&app);
                }
            });
        }
    }
}
