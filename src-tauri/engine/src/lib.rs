//! The engine of Stigmer Desktop: runs commands in places, keeps every byte that they print, and looks
//! after those places. Faces (command line, window, server) translate; they decide nothing.
//!
//! # Theory of operation
//!
//! A face calls [`engine::Engine::start`] with a [`spec::RunSpec`] and gets a [`spec::RunId`]. From then on the run
//! belongs to the engine: one task drives it from `queued` to its end, writes what the program prints to the
//! run's log and publishes *that* there is more. Viewers pull *what* from the log at their own pace, so the
//! program never waits for a viewer and a viewer that comes late misses nothing.
//!
//! The folder of a run is the truth: its log and its events. The database is an index over these folders and
//! can be rebuilt from them.

pub mod backend;
pub mod cloud;
pub mod compare;
pub mod config;
pub mod cost;
pub mod doctor;
pub mod engine;
pub mod error;
pub mod export;
pub mod history;
pub mod home;
pub mod image;
pub mod json;
mod launch;
pub mod live;
pub mod log;
mod os;
mod run;
pub mod sandbox;
pub mod secrets;
pub mod size;
pub mod snapshot;
pub mod spec;
pub mod state;
pub mod workspace;

pub use error::{Error, Report, Result};
