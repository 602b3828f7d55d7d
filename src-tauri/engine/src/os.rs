//! What differs between systems, under the same names on each. Chosen once, here.
//!
//! A port to another system is a file beside `os/unix.rs` with the same names: [`Mailbox`], [`Line`], private files and
//! folders, reading and writing at a position, the login shell, sessions, and the end of marked processes.

#[cfg(unix)]
#[path = "os/unix.rs"]
mod system;
#[cfg(not(unix))]
compile_error!("write os/<system>.rs with the names of os/unix.rs and choose it in os.rs");

pub(crate) use system::*;
