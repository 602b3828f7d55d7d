//! What a closed window leaves behind is given back, so that a tray costs little.
//!
//! The web view has processes of its own, and one of them outlives every window; it starts again by itself when it
//! is needed. In our process stay the pages of code that only a window runs, and memory that the allocator keeps.

use std::time::Duration;

use tauri::async_runtime::spawn;
use tauri::{AppHandle, Manager as _};

use crate::window;

/// Time for the web view to end by itself, and for a user who closed the wrong window.
const REST: Duration = Duration::from_secs(2);

/// Gives back what the closed window does not need any more, unless there is a window again by then.
pub(crate) fn window_closed(app: &AppHandle) {
    let app = app.clone();
    spawn(async move {
        tokio::time::sleep(REST).await;
        // On the main thread, where windows are made: none can come in between.
        let handle = app.clone();
        let _ = app.run_on_main_thread(move || {
            if handle.get_webview_window(window::MAIN).is_none() {
                #[cfg(target_os = "linux")]
                linux::give_back();
            }
        });
    });
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::c_void;
    use std::fs;
    use std::ptr::NonNull;

    use nix::sys::mman::{MmapAdvise, madvise};
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    pub(super) fn give_back() {
        for process in children("WebKitNetworkPr") {
            // Whoever makes the next window starts it again.
            let _ = kill(process, Signal::SIGTERM);
        }
        #[cfg(target_env = "gnu")]
        // SAFETY: it touches only what the allocator has not given out.
        unsafe {
            nix::libc::malloc_trim(0);
        }
        forget_code();
    }

    /// The children of this process that have this name, as far as the system keeps names.
    fn children(name: &str) -> Vec<Pid> {
        let Ok(tasks) = fs::read_dir("/proc/self/task") else { return Vec::new() };
        let children =
            tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        let children: Vec<i32> = children
            .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
            .collect();
        let is_named = |pid: &i32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|found| found.trim_end() == name)
        };
        children.into_iter().filter(is_named).map(Pid::from_raw).collect()
    }

    /// Lets go of the pages of code. Those that run are read again at once, from the memory of the system if they
    /// are there still.
    fn forget_code() {
        let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
        for (address, length) in maps.lines().filter_map(code) {
            // SAFETY: the range is code of a file, mapped privately and never written: what is read there again is
            // the same.
            if let Err(error) = unsafe { madvise(address, length, MmapAdvise::MADV_DONTNEED) } {
                tracing::debug!(%error, "code stays in memory");
            }
        }
    }

    /// The range that a line of `/proc/self/maps` is about, if that is the code of a file.
    fn code(line: &str) -> Option<(NonNull<c_void>, usize)> {
        let mut words = line.split_whitespace();
        let (range, rights, file) = (words.next()?, words.next()?, words.nth(3)?);
        if rights != "r-xp" || !file.starts_with('/') {
            return None;
        }
        let (from, to) = range.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        let (from, to) = (number(from)?, number(to)?);
        Some((NonNull::new(std::ptr::with_exposed_provenance_mut(from))?, to.checked_sub(from)?))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_the_code_of_files_is_let_go() {
            let range = code("7f00-7f10 r-xp 00001000 fe:01 42 /usr/lib/libx.so");
            assert_eq!(
                range.map(|(address, length)| (address.as_ptr().addr(), length)),
                Some((0x7f00, 0x10))
            );
            for other in [
                "7f00-7f10 r--p 00001000 fe:01 42 /usr/lib/libx.so",
                "7f00-7f10 rw-p 00001000 fe:01 42 /usr/lib/libx.so",
                "7f00-7f10 rwxp 00000000 00:00 0",
                "7f00-7f10 r-xp 00000000 00:00 0",
                "7f00-7f10 r-xp 00000000 00:00 0 [vdso]",
                "",
            ] {
                assert_eq!(code(other), None, "{other}");
            }
        }

        #[test]
        fn what_runs_goes_on_after_its_code_was_let_go() {
            forget_code();
            assert_eq!(children("no such name"), []);
        }
    }
}
