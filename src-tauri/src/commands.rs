//! What the pages may ask of the shell. Each is listed in `permissions/window.toml`; everything else is refused.
#![expect(clippy::needless_pass_by_value, reason = "Tauri hands the arguments of commands over by value")]

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt as _;
use serde::Serialize;
use stigmer_engine::export::Format;
use stigmer_engine::spec::RunId;
use stigmer_engine::{Error, Report};
use stigmer_server::problem::Problem;
use stigmer_server::{Notice, Watch};
use tauri::async_runtime::{JoinHandle, spawn};
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager as _, State};
use tauri_plugin_dialog::DialogExt as _;
use tauri_plugin_opener::OpenerExt as _;
use tokio::sync::{oneshot, watch};

use crate::core::Core;
use crate::{paint, quit, window};

/// Who listens to notices: the pages that are loaded now.
#[derive(Default)]
pub(crate) struct Listener(Mutex<Option<(watch::Sender<Watch>, JoinHandle<()>)>>);

impl Listener {
    /// Takes the place of whoever listened before: a page that was loaded again does not say goodbye.
    fn replace(&self, listener: Option<(watch::Sender<Watch>, JoinHandle<()>)>) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, task)) = std::mem::replace(&mut *place, listener) {
            task.abort();
        }
    }

    /// Nobody listens any more: the window is closed.
    pub(crate) fn leave(&self) {
        self.replace(None);
    }

    fn watch(&self, watch: Watch) {
        if let Some((wanted, _)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            wanted.send_replace(watch);
        }
    }
}

/// What this app is.
#[derive(Serialize)]
pub(crate) struct About {
    version: &'static str,
    /// Whether the window is drawn without the graphics driver.
    safe_rendering: bool,
    /// Whether there is a tray to find the app in when the window is closed.
    tray: bool,
}

#[tauri::command]
pub(crate) fn about() -> About {
    let version = env!("CARGO_PKG_VERSION");
    About { version, safe_rendering: paint::is_safe(), tray: quit::can_be_found() }
}

/// Notices come over the channel from now on.
#[tauri::command]
pub(crate) async fn subscribe(
    app: AppHandle,
    core: State<'_, Core>,
    channel: Channel<Notice>,
    watch: Watch,
) -> Result<(), Report> {
    let engine = core.ready().await?.engine;
    let (wanted, wants) = watch::channel(watch);
    let listening = spawn(async move {
        let mut notices = std::pin::pin!(stigmer_server::changes(engine, wants));
        while let Some(notice) = notices.next().await {
            // It fails when the page is gone.
            if channel.send(notice).is_err() {
                return;
            }
        }
    });
    app.state::<Listener>().replace(Some((wanted, listening)));
    Ok(())
}

/// Other runs or another workspace are shown now.
#[tauri::command]
pub(crate) fn watch(listener: State<'_, Listener>, watch: Watch) {
    listener.watch(watch);
}

/// The first picture is on the screen.
#[tauri::command]
pub(crate) fn painted(app: AppHandle) {
    paint::painted(&app);
}

/// Lets the user choose a folder; `None` when they did not.
#[tauri::command]
pub(crate) async fn choose_folder(app: AppHandle, start: Option<PathBuf>) -> Option<String> {
    let (chosen, choice) = oneshot::channel();
    let mut dialog = app.dialog().file().set_title("Open a folder");
    if let Some(start) = start.filter(|start| start.is_dir()) {
        dialog = dialog.set_directory(start);
    }
    if let Some(window) = app.get_webview_window(window::MAIN) {
        dialog = dialog.set_parent(&window);
    }
    dialog.pick_folder(move |folder| drop(chosen.send(folder)));
    let folder = choice.await.ok().flatten()?.into_path().ok()?;
    folder.into_os_string().into_string().ok()
}

/// Lets the user choose a file and writes a run to it; `false` when they did not. The pages could only do so through
/// their memory.
#[tauri::command]
pub(crate) async fn save_output(
    app: AppHandle,
    id: RunId,
    format: Format,
    name: String,
) -> Result<bool, Report> {
    let Some(path) = choose_file(&app, &name).await else { return Ok(false) };
    let engine = app.state::<Core>().ready().await?.engine;
    let file = File::create(&path).map_err(Error::storage("writing", &path))?;
    engine.export(id, format, BufWriter::new(file)).await?;
    Ok(true)
}

async fn choose_file(app: &AppHandle, name: &str) -> Option<PathBuf> {
    let (chosen, choice) = oneshot::channel();
    let mut dialog = app.dialog().file().set_title("Save the output").set_file_name(name);
    if let Some(window) = app.get_webview_window(window::MAIN) {
        dialog = dialog.set_parent(&window);
    }
    dialog.save_file(move |file| drop(chosen.send(file)));
    choice.await.ok().flatten()?.into_path().ok()
}

/// Shows everything in the window this much larger; 1 is the usual size.
#[tauri::command]
pub(crate) fn zoom(app: AppHandle, factor: f64) {
    let Some(window) = app.get_webview_window(window::MAIN) else { return };
    // What cannot be zoomed is shown as it is.
    if let Err(error) = window.set_zoom(factor.clamp(0.5, 3.0)) {
        tracing::warn!(%error, "the window cannot be zoomed");
    }
}

/// Shows a file or folder in the file manager.
#[tauri::command]
pub(crate) async fn reveal(app: AppHandle, path: PathBuf) -> Result<(), Report> {
    check_path(&path)?;
    // It may wait for the file manager to start.
    let shown = tauri::async_runtime::spawn_blocking(move || app.opener().reveal_item_in_dir(path)).await;
    match shown {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(no_desktop("the file manager could not be opened", &error)),
        Err(error) => Err(no_desktop("the file manager could not be opened", &error)),
    }
}

/// Opens a page in the browser.
#[tauri::command]
pub(crate) fn open_url(app: AppHandle, url: &str) -> Result<(), Report> {
    let url = check_url(url)?;
    app.opener()
        .open_url(url, None::<&str>)
        .map_err(|error| no_desktop("the browser could not be opened", &error))
}

/// Ends the app. While runs go on it asks first, unless it is forced.
#[tauri::command]
pub(crate) fn quit(app: AppHandle, force: bool) {
    if force {
        quit::end(&app);
    } else {
        quit::ask(&app);
    }
}

fn check_path(path: &Path) -> Result<(), Report> {
    if !path.is_absolute() {
        let what = format!("`{}` is no whole path", path.display());
        return Err((&Problem::Invalid { what, hint: "begin it at the root" }).into());
    }
    path.symlink_metadata().map(drop).map_err(|source| Error::File { path: path.to_owned(), source }.into())
}

/// Only pages: other schemes start programs.
fn check_url(url: &str) -> Result<String, Report> {
    match url.parse::<tauri::Url>() {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url.into()),
        _ => {
            let what = format!("`{url}` is no page");
            Err((&Problem::Invalid { what, hint: "only http and https are opened" }).into())
        }
    }
}

fn no_desktop(message: &str, error: &dyn std::error::Error) -> Report {
    Report {
        code: "desktop".to_owned(),
        message: message.to_owned(),
        causes: vec![error.to_string()],
        hint: Some("install a file manager and a browser, and the package `xdg-utils`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_are_opened() {
        for url in ["https://example.org/a?b", "http://127.0.0.1:8080/"] {
            assert_eq!(check_url(url).unwrap(), url);
        }
        for url in
            ["file:///etc/passwd", "javascript:alert(1)", "vscode://x", "/etc", "", "https://", "mailto:a@b"]
        {
            assert!(check_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn only_what_is_there_is_revealed() {
        assert!(check_path(Path::new("/")).is_ok());
        for path in ["relative", "", "/nowhere/at/all"] {
            assert!(check_path(Path::new(path)).is_err(), "{path}");
        }
    }

    /// A command that is not listed is refused, and one that is listed and not there helps nobody.
    #[test]
    fn the_permission_lists_exactly_the_commands_that_there_are() {
        let listed = include_str!("../permissions/window.toml");
        let listed = listed.split_once("commands.allow = [").unwrap().1.split_once(']').unwrap().0;
        let mut listed: Vec<_> = listed
            .split(',')
            .map(|name| name.trim().trim_matches('"'))
            .filter(|name| !name.is_empty())
            .collect();
        listed.sort_unstable();
        let source = include_str!("commands.rs");
        let mut there: Vec<_> = source
            .split("#[tauri::command]\npub(crate) ")
            .skip(1)
            .map(|rest| rest.split_once('(').unwrap().0.rsplit(' ').next().unwrap())
            .collect();
        there.sort_unstable();
        assert_eq!(listed, there);
    }
}
