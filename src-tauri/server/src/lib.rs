//! The API of Stigmer Desktop: one [`axum::Router`] over the engine, for every face that is not the engine's own
//! process, and the notices that go with it.
//!
//! # Theory of operation
//!
//! [`api()`] makes the router, without guards. The window calls it in its own process; [`host`] puts it behind
//! guards on a loopback address, with the pages of the window beside it, and writes down where. [`client`] is the
//! other side: the command line finds that address and hands its runs over.
//!
//! A push says *that* something changed ([`changes()`]), a pull fetches *what*. No notice carries output, so a
//! reader that is slow or late costs nothing and loses nothing. The two streams that do carry output, for programs
//! and for the command line, are read from the log at the pace of whoever reads them.
//!
//! The description of the API (`/api/openapi.json`) is made from the handlers and the types that they take.

mod api;
mod attach;
mod changes;
pub mod client;
mod detached;
pub mod form;
mod guard;
pub mod host;
mod leash;
pub mod problem;
mod routes;
mod take;
mod ui;

pub use api::{Reach, api, description};
pub use changes::{Notice, Watch, changes};
pub use detached::failure_at_once;
