//! The shell of Stigmer Desktop: tray and window around the engine.

/// Runs until the app quits.
pub fn run() {
    let app = tauri::Builder::default().build(tauri::generate_context!());
    app.expect("the configuration of the app is right").run(|_, _| {});
}
