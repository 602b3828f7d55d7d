//! What differs between operating systems, behind one set of names, chosen once below.
//!
//! A system's module provides:
//!
//! | name | duty |
//! | --- | --- |
//! | `prepare()` | makes this process the parent of every orphan below it; returns the `Signals` |
//! | `Signals` | a file descriptor to poll, and `take()`: whether the runner itself was asked to end |
//! | `Exec`, `execute(..)` | starts a program exactly as told; it dies with the runner, its children do not |
//! | `Fence` | confines the process that enters it and all that it starts, or cannot be made |
//! | `open_terminal`, `resize`, `end_of_file` | a pseudo-terminal, its size, its character for end of file |
//! | `widen` | gives a pipe the largest buffer that the system grants; whether it is a pipe |
//! | `available`, `splice` | how much a pipe holds, and moving that to another pipe without copying it |
//! | `carry_bytes`, `start_apart` | has a terminal carry bytes as they are; becomes something in a process that nobody takes for ours |
//! | `start_outside` | the same in a process that is not below this one |
//! | `listen_to_signals`, `end_by` | for a process that starts nothing: its `Signals`, and ending by one |
//! | `let_go_of_streams` | has the standard streams lead nowhere |
//! | `lend`, `borrow` | passes descriptors on to another process |
//! | `fork` | makes a second process of this one |
//! | `reap` | takes the next ended child |
//! | `oom_kills` | what was killed for want of memory, in a place of its own |
//! | `end_processes_with` | ends every process that has a variable, until none is left |
//! | `end_descendants_with` | the same of those below this process |
//! | `descendants`, `name` | every process below this one, and what the system calls it |
//!
//! Processes are named by `Pid` and ended by signals, so a system without those needs its own `ending.rs` too.

#[cfg(target_os = "linux")]
#[path = "os/linux.rs"]
mod system;

#[cfg(not(target_os = "linux"))]
compile_error!(
    "stigmer-runner has no module for this system yet: write the names listed in src/os.rs \
     (macOS: process groups and sysctl KERN_PROC for `descendants`; Windows: a job object that is killed on close)"
);

pub(crate) use system::*;
