//! Sandboxes through the engine's façade: real containers of a real Docker engine.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

#[expect(dead_code, reason = "every test program uses its own part of this")]
#[path = "../common/mod.rs"]
mod common;
#[expect(dead_code, reason = "every test program uses its own part of this")]
#[path = "../engine/desk.rs"]
mod desk;
#[expect(dead_code, reason = "every test program uses its own part of this")]
#[path = "../common/docker.rs"]
mod docker;
#[path = "../common/line.rs"]
mod line;
mod wire;
mod yard;

mod building;
mod doctor;
mod failing;
mod far;
mod images;
mod kept;
mod killed;
mod limits;
mod network;
mod reuse;
mod running;
mod scripts;
mod stopping;
mod strict;
mod users;
