//! The double, seen from outside: over HTTP and sockets, as its clients see it.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod faults;
mod files;
mod gate;
mod harness;
mod leftovers;
mod logs;
mod sandboxes;
mod sessions;
