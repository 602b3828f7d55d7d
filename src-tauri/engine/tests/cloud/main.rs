//! Runs in Daytona's cloud through the engine's façade, against the stand-in for it, which runs real processes.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

#[expect(dead_code, reason = "every test program uses its own part of this")]
#[path = "../common/mod.rs"]
mod common;
#[expect(dead_code, reason = "every test program uses its own part of this")]
#[path = "../engine/desk.rs"]
mod desk;
mod sky;
mod states;

mod away;
mod broken;
mod copying;
mod costs;
mod failing;
mod kept;
mod killed;
mod matrix;
mod odd;
mod ready;
mod running;
