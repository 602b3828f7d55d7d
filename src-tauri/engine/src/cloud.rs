//! The cloud as an account sees it: the key and what it may do, and the sandboxes there.
//!
//! Owns what is asked of Daytona outside of a run. Everything here asks the control API alone: nothing wakes a sandbox,
//! touches it or prolongs it, unless that is what was asked for.

mod cost;
mod edit;
mod key;
mod sandboxes;

pub use self::cost::{Costed, SandboxCost, unused_words};
pub(crate) use self::cost::{is_unused, of_sandbox};
pub use self::edit::{Preview, Size, Timers};
pub use self::key::{Access, Kept, KeySource, NEEDED, check, find, masked};
pub use self::sandboxes::{CloudDetail, CloudSandbox};
