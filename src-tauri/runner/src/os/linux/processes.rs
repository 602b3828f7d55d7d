//! Who descends from the runner, as `/proc` tells it.
//!
//! A listing is never exact: processes come and go while it is read. So it is used to send signals and to
//! name what is left, while the end of the tree is told by `reap` alone, which cannot miss anyone.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

/// A living process below the runner.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    /// Its id.
    pub(crate) pid: Pid,
    /// The session that it belongs to.
    pub(crate) session: Pid,
}

/// Every living process below this one: children, their children, and orphans that came back to us.
pub(crate) fn descendants() -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Stat>> = HashMap::new();
    for stat in all() {
        children.entry(stat.parent).or_default().push(stat);
    }
    let mut found = Vec::new();
    let mut parents = vec![getpid().as_raw()];
    while let Some(parent) = parents.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            parents.push(child.pid);
            if child.alive {
                found.push(Process { pid: Pid::from_raw(child.pid), session: Pid::from_raw(child.session) });
            }
        }
    }
    found
}

/// The name of a process, empty when it is gone.
pub(crate) fn name(pid: Pid) -> String {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(name.trim_ascii_end()).into_owned()
}

/// Ends every process but this one that has `variable`, as `NAME=VALUE`, in its environment, until none is left.
pub(crate) fn end_processes_with(variable: &[u8]) {
    let own = getpid().as_raw();
    end_all(|| all().filter(|stat| stat.alive && stat.pid != own).map(|stat| stat.pid).collect(), variable);
}

/// The same of those below this process.
pub(crate) fn end_descendants_with(variable: &[u8]) {
    end_all(|| descendants().iter().map(|process| process.pid.as_raw()).collect(), variable);
}

fn end_all(among: impl Fn() -> Vec<i32>, variable: &[u8]) {
    let has_it = |pid: &i32| {
        // Unreadable where it is somebody else's, who is not ours to end.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|found| found == variable)
    };
    // A process that is just being born is found by the next pass; a few passes outrun every honest program.
    for _ in 0..100 {
        let mut found = among();
        found.retain(has_it);
        if found.is_empty() {
            return;
        }
        for pid in found {
            // It may have ended meanwhile, which is what is wanted.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    pid: i32,
    parent: i32,
    session: i32,
    alive: bool,
}

fn all() -> impl Iterator<Item = Stat> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name();
        let pid = name.to_str()?.parse().ok()?;
        parse(pid, &fs::read(format!("/proc/{pid}/stat")).ok()?)
    })
}

/// Reads a line of `/proc/<pid>/stat`: `pid (name) state parent group session …`.
fn parse(pid: i32, line: &[u8]) -> Option<Stat> {
    // The name may contain anything, also `) R 1 1 1`; nothing after it contains a parenthesis.
    let after_name = line.iter().rposition(|&byte| byte == b')')? + 1;
    let fields: Vec<&str> = str::from_utf8(&line[after_name..]).ok()?.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<i32>().ok();
    // A zombie with more than one thread is a process whose first thread ended: the others run.
    let alive = !matches!(*fields.first()?, "Z" | "X") || number(17)? > 1;
    Some(Stat { pid, parent: number(1)?, session: number(3)?, alive })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_have_any_name() {
        let line = b"7 (a) R 1 1 1 \xff) S 3 7 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0";
        assert_eq!(parse(7, line), Some(Stat { pid: 7, parent: 3, session: 5, alive: true }));
    }

    #[test]
    fn a_zombie_is_not_alive_unless_other_threads_run() {
        let zombie = |threads| format!("7 (x) Z 3 7 5 0 -1 0 0 0 0 0 0 0 0 0 20 0 {threads} 0");
        assert!(!parse(7, zombie(1).as_bytes()).unwrap().alive);
        assert!(parse(7, zombie(2).as_bytes()).unwrap().alive);
    }

    #[test]
    fn a_line_that_was_cut_off_is_no_process() {
        assert_eq!(parse(7, b"7 (x) S 3"), None);
        assert_eq!(parse(7, b""), None);
    }
}
