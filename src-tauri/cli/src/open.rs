//! `stigmer open`: starts the app, or shows the window of the one that runs.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use stigmer_engine::Report;

use crate::exit::{Exit, Failure};

/// The app's program.
const PROGRAM: &str = "stigmer-desktop";

/// Where it is from the folder of `stigmer`, beside the folders of `PATH`.
const BESIDE: [&str; 2] = [".", "../lib/stigmer"];

/// How long it is watched for a failure. One that shows the window of another ends by itself within it; the first
/// stays.
const AT_ONCE: Duration = Duration::from_millis(700);

/// Carries out `stigmer open`.
pub(crate) fn open() -> Result<Exit, Failure> {
    if !has_display() {
        return Err(no_display().into());
    }
    let program = find().ok_or_else(not_found)?;
    let failed = |why: String| Failure::from(not_started(why));
    let mut command = Command::new(&program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // The terminal is not its own: closing it or Ctrl-C in it must not end the app.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let begun = Instant::now();
    while begun.elapsed() < AT_ONCE {
        match child.try_wait()? {
            Some(status) => return ended(status).map_err(failed),
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    Ok(Exit::Success)
}

fn ended(status: ExitStatus) -> Result<Exit, String> {
    if status.success() { Ok(Exit::Success) } else { Err(format!("it ended at once: {status}")) }
}

fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

fn find() -> Option<PathBuf> {
    let own = std::env::current_exe().ok();
    let own = own.as_deref().and_then(Path::parent).map(Path::to_owned);
    let beside = own.into_iter().flat_map(|folder| BESIDE.map(|way| folder.join(way)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = beside.chain(std::env::split_paths(&path)).collect();
    folders.into_iter().map(|folder| folder.join(PROGRAM)).find(|program| program.is_file())
}

fn no_display() -> Report {
    Report {
        code: "no-display".to_owned(),
        message: "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)".to_owned(),
        causes: Vec::new(),
        hint: Some("without one, `stigmer run` runs commands and `stigmer runs` shows them".to_owned()),
    }
}

fn not_found() -> Report {
    Report {
        code: "app-not-found".to_owned(),
        message: "the app is not installed: there is no `stigmer-desktop`".to_owned(),
        causes: Vec::new(),
        hint: Some(
            "put it beside `stigmer` or into a folder of PATH; `make run` builds and starts it".to_owned(),
        ),
    }
}

fn not_started(why: String) -> Report {
    Report {
        code: "app-not-started".to_owned(),
        message: "the app could not be started".to_owned(),
        causes: vec![why],
        hint: Some("start `stigmer-desktop` in a terminal to see what it says".to_owned()),
    }
}
