//! The folder that a run works on.

pub mod watch;
