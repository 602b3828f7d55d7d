//! A stand-in for Daytona's API, for tests: the control plane and the toolbox of its sandboxes over HTTP and
//! sockets, with real processes behind them and failures on request.
//!
//! # Theory of operation
//!
//! A [`Double`] is a server on an address of this machine, with a runtime of its own, so that it serves tests with
//! and without one. A sandbox is a folder and, while it is started, a namespace: an init process in a mount and a
//! process namespace of its own, whose root is that folder with the programs of this machine mounted into it,
//! read-only. What a program is told as `/home/daytona/x` or `/workspace/x` it finds there, two sandboxes never see
//! each other's files or processes, and whatever runs in one ends with its init. The init ends at the end of a pipe
//! that the double holds, so nothing outlives the double, however that ends.
//!
//! Every request passes one gate: it is recorded, a [`Fault`] that matches it is taken, the key is looked at, and only
//! then a handler runs. What a handler refuses becomes an error body at the gate too, in the form of the side that it
//! belongs to.
//!
//! The states of sandboxes and snapshots take time, as they do there: [`Options::delay`] for each state that passes.
//!
//! Not like the original: images are not pulled and Dockerfiles not built, so every sandbox sees the programs of this
//! machine; the user in a sandbox is root; the limits on memory and processors are numbers; the network is that of
//! this machine.
#![cfg(target_os = "linux")]

mod api;
mod clock;
mod cloud;
mod control;
mod double;
mod fault;
mod folder;
mod gate;
mod journal;
mod options;
mod place;
mod reply;
mod sandbox;
mod serve;
mod snapshot;
mod toolbox;
mod world;

pub use double::Double;
pub use fault::{Effect, Ending, Fault};
pub use journal::Recorded;
pub use options::{Limits, Options};
pub use place::possible;
