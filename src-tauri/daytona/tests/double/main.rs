//! The client against the stand-in for Daytona: real requests, real processes, scripted failures.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod account;
mod code;
mod faults;
mod files;
mod ground;
mod sandboxes;
mod sessions;
mod silence;
mod snapshots;
mod terminals;
