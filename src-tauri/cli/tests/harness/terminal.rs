//! A call inside a terminal, driven from its other side.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc::winsize;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, openpty};

use super::{Call, until};

nix::ioctl_write_int_bad!(take_terminal, nix::libc::TIOCSCTTY);
nix::ioctl_write_ptr_bad!(resize, nix::libc::TIOCSWINSZ, winsize);

/// A terminal with a program that controls it.
pub(crate) struct Terminal {
    child: Child,
    master: Option<File>,
    screen: Arc<Mutex<Vec<u8>>>,
    unplugged: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    pub(crate) fn start(mut call: Call, cols: u16, rows: u16) -> Self {
        let size = winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
        // Only this side may hold the master, or the terminal would not be gone when it is unplugged.
        for end in [&master, &slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        let end = || Stdio::from(slave.try_clone().unwrap());
        call.command.stdin(end()).stdout(end()).stderr(end());
        let for_child: OwnedFd = slave.try_clone().unwrap();
        // SAFETY: two system calls, both allowed between fork and exec.
        unsafe {
            call.command.pre_exec(move || {
                nix::unistd::setsid()?;
                take_terminal(for_child.as_raw_fd(), 0)?;
                Ok(())
            });
        }
        let child = call.command.spawn().unwrap();
        // The command keeps the slave open, and the end of the terminal would not show.
        drop((call, slave));
        let (screen, unplugged) = (Arc::<Mutex<Vec<u8>>>::default(), Arc::<AtomicBool>::default());
        let (to, over, from) = (Arc::clone(&screen), Arc::clone(&unplugged), master.try_clone().unwrap());
        let reader = std::thread::spawn(move || read_screen(File::from(from), &to, &over));
        Self { child, master: Some(File::from(master)), screen, unplugged, reader: Some(reader) }
    }

    /// Takes the terminal away, as a window that is closed does.
    pub(crate) fn unplug(&mut self) {
        self.unplugged.store(true, Ordering::Relaxed);
        self.reader.take().unwrap().join().unwrap();
        self.master = None;
    }

    pub(crate) fn press(&self, keys: &[u8]) {
        self.master.as_ref().unwrap().write_all(keys).unwrap();
    }

    pub(crate) fn resize(&self, cols: u16, rows: u16) {
        let size = winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the pointer is to a `winsize` that lives.
        unsafe { resize(self.master.as_ref().unwrap().as_raw_fd(), &raw const size) }.unwrap();
    }

    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    #[track_caller]
    pub(crate) fn until_screen(&self, text: &str) {
        until(&format!("the screen shows {text:?}"), || self.screen().contains(text), || self.screen());
    }

    /// Waits for the end of the program: its exit code.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> i32 {
        let screen = Arc::clone(&self.screen);
        let child = Mutex::new(&mut self.child);
        let end = || child.lock().unwrap().try_wait().unwrap();
        let said = || String::from_utf8_lossy(&screen.lock().unwrap()).into_owned();
        until("the program in the terminal ends", || end().is_some(), said);
        end().as_ref().and_then(ExitStatus::code).unwrap_or(-1)
    }
}

fn read_screen(mut from: File, to: &Mutex<Vec<u8>>, over: &AtomicBool) {
    let mut buffer = [0; 4096];
    while !over.load(Ordering::Relaxed) {
        let mut ready = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, PollTimeout::from(50_u8)) != Ok(0) {
            let Ok(read @ 1..) = from.read(&mut buffer) else { return };
            to.lock().unwrap().extend_from_slice(&buffer[..read]);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
