//! The one window.

use tauri::webview::NewWindowResponse;
use tauri::window::Color;
use tauri::{AppHandle, Manager as _, Theme, Url, WebviewUrl, WebviewWindowBuilder, WindowEvent, Wry};
use tauri_plugin_window_state::{AppHandleExt as _, StateFlags};

use crate::paint;

/// Its label, by which the one capability knows it.
pub(crate) const MAIN: &str = "main";

/// `--bg` of the pages, in each theme.
const LIGHT: Color = Color(0xf6, 0xf6, 0xf4, 0xff);
const DARK: Color = Color(0x0e, 0x10, 0x12, 0xff);

/// What of a window is the same the next time. Not whether it is visible: it always is.
fn kept() -> StateFlags {
    StateFlags::all() - StateFlags::VISIBLE - StateFlags::DECORATIONS
}

/// Puts windows where they were.
pub(crate) fn keep_state() -> tauri::plugin::TauriPlugin<Wry> {
    tauri_plugin_window_state::Builder::new().with_state_flags(kept()).build()
}

/// Shows the window: makes it, or brings it to the front.
pub(crate) fn show(app: &AppHandle) {
    let handle = app.clone();
    // Asked for by the tray, by a second start, by a command: on any thread.
    let asked = app.run_on_main_thread(move || {
        let shown = match handle.get_webview_window(MAIN) {
            Some(window) => {
                window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus())
            }
            None => make(&handle),
        };
        if let Err(error) = shown {
            tracing::error!(%error, "the window could not be shown");
        }
    });
    if let Err(error) = asked {
        tracing::error!(%error, "the window could not be shown");
    }
}

fn make(app: &AppHandle) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::default())
        .title("Stigmer")
        .inner_size(1280.0, 820.0)
        .min_inner_size(640.0, 480.0)
        .on_navigation(is_ours)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .build()?;
    // What is seen before the first picture has the colour of the pages, so that nothing flashes.
    let dark = window.theme().is_ok_and(|theme| theme == Theme::Dark);
    window.set_background_color(Some(if dark { DARK } else { LIGHT }))?;
    paint::expect(app);
    let app = app.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::CloseRequested { .. } = event {
            // The process lives on, and may end in a way that saves nothing.
            if let Err(error) = app.save_window_state(kept()) {
                tracing::warn!(%error, "the place of the window is not kept");
            }
        }
    });
    Ok(())
}

/// No page of anybody else is ever loaded.
fn is_ours(url: &Url) -> bool {
    let ours = match (url.scheme(), url.host_str()) {
        ("tauri", Some("localhost")) | ("http" | "https", Some("tauri.localhost")) => true,
        ("http", Some("127.0.0.1")) => cfg!(debug_assertions) && url.port() == Some(1420),
        _ => url.as_str() == "about:blank",
    };
    if !ours {
        tracing::warn!(%url, "the window does not go there");
    }
    ours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_goes_nowhere_else() {
        for (url, ours) in [
            ("tauri://localhost/index.html", true),
            ("https://example.org/", false),
            ("http://127.0.0.1:8080/", false),
            ("file:///etc/passwd", false),
            ("stigmer://localhost/api/v1/app", false),
            ("data:text/html,x", false),
        ] {
            assert_eq!(is_ours(&url.parse().unwrap()), ours, "{url}");
        }
    }
}
