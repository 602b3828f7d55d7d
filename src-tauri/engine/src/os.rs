//! What differs between systems, under the same names on each. Chosen once, here.

#[cfg(unix)]
#[path = "os/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "os/windows.rs"]
mod system;

pub(crate) use system::*;
