//! `stigmer-desktop`: the tray and the window.

use std::process::ExitCode;

fn main() -> ExitCode {
    stigmer_desktop_lib::run()
}
