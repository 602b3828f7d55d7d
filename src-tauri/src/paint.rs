//! The first picture. On some machines the web view draws nothing with their graphics driver; then the app starts
//! once more without it, and remembers.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stigmer_engine::home::Home;
use tauri::async_runtime::spawn;
use tauri::{AppHandle, Manager as _};

use crate::core::Core;

/// What the web view is told to draw without the graphics driver.
const SAFE: (&str, &str) = ("WEBKIT_DISABLE_COMPOSITING_MODE", "1");

/// Longest time until the first picture, in milliseconds; a variable for tests.
const LIMIT: (&str, u64) = ("STIGMER_FIRST_PAINT_MS", 5000);

/// Which windows have been drawn.
#[derive(Default)]
pub(crate) struct Paint {
    made: AtomicU64,
    painted: AtomicU64,
}

/// Draws safely if an earlier start found that it must. Before there is a second thread.
pub(crate) fn prepare() {
    if marker().is_some_and(|marker| marker.exists()) {
        // SAFETY: the caller is the only thread.
        unsafe { std::env::set_var(SAFE.0, SAFE.1) };
    }
}

/// Whether the web view draws without the graphics driver.
pub(crate) fn is_safe() -> bool {
    std::env::var_os(SAFE.0).is_some_and(|value| value == SAFE.1)
}

/// A window was made: it must be drawn soon.
pub(crate) fn expect(app: &AppHandle) {
    let window = app.state::<Paint>().made.fetch_add(1, Ordering::Relaxed) + 1;
    let app = app.clone();
    let limit = std::env::var(LIMIT.0).ok().and_then(|limit| limit.parse().ok()).unwrap_or(LIMIT.1);
    spawn(async move {
        tokio::time::sleep(Duration::from_millis(limit)).await;
        let drawn = app.state::<Paint>().painted.load(Ordering::Relaxed) >= window;
        if !drawn && app.get_webview_window(crate::window::MAIN).is_some() {
            start_again(&app).await;
        }
    });
}

/// The window has drawn its first picture.
pub(crate) fn painted(app: &AppHandle) {
    tracing::info!("the window is on the screen");
    let paint = app.state::<Paint>();
    paint.painted.store(paint.made.load(Ordering::Relaxed), Ordering::Relaxed);
}

async fn start_again(app: &AppHandle) {
    if is_safe() {
        tracing::error!("the window has drawn nothing, in the safe mode neither");
        return;
    }
    let Some(marker) = marker() else { return };
    let remembered = marker.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
        std::fs::write(
            &marker,
            "The window drew nothing once. Remove this file to let it use the graphics driver again.\n",
        )
    });
    if let Err(error) = remembered {
        // Starting again would find the same, again and again.
        tracing::error!(%error, "the window has drawn nothing, and that cannot be remembered");
        return;
    }
    let runs = app.state::<Core>().engine().map_or(0, |engine| engine.going_on().len());
    if runs > 0 {
        tracing::error!(
            runs,
            "the window has drawn nothing; the next start is in the safe mode, since runs go on"
        );
        return;
    }
    tracing::error!("the window has drawn nothing; starting again in the safe mode");
    app.state::<Core>().close().await;
    app.request_restart();
}

/// The file that says to draw safely.
fn marker() -> Option<PathBuf> {
    Some(Home::of_user().ok()?.root().join("safe-rendering"))
}
