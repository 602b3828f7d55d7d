//! The cloud from the command line, against a stand-in for Daytona's API: its key, its snapshots, its sandboxes, and runs
//! there.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod auth;
mod costs;
mod editing;
#[path = "../harness/mod.rs"]
mod harness;
mod keychain;
mod running;
mod sandboxes;
mod secrecy;
mod sky;
mod snapshots;
