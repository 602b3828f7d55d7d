//! The engine through its façade, with a home of its own for each test and the real runner.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

#[path = "../common/mod.rs"]
mod common;
mod desk;

mod adversity;
mod following;
mod input;
mod kept;
mod life;
mod logs;
mod lost;
mod memory;
mod notices;
mod places;
mod sessions;
mod stopping;
mod surroundings;
mod views;
