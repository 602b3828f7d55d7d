//! The folder that a run works on.

pub mod files;
mod ignored;
pub(crate) mod sync;
pub mod transfer;
pub mod upload;
pub mod watch;
