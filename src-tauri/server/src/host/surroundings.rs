//! What a run has from the process that starts it and that no specification carries: user, limits, mask, namespaces.
//!
//! A server starts runs as a call of its own would only where these are the same; else the call starts them itself.
//! So a run in a container, under `sudo`, after `ulimit` or `umask` is what it would be without a server.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// The surroundings of this process as one word, to be compared.
pub(crate) fn surroundings() -> String {
    let mut hasher = DefaultHasher::new();
    let runner = std::env::var_os("STIGMER_RUNNER").filter(|runner| !runner.is_empty());
    runner.map(std::path::absolute).transpose().ok().flatten().hash(&mut hasher);
    // Where there is no such file (another system) nothing is known, on both sides alike.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let counts = |line: &&str| STATUS.iter().any(|name| line.starts_with(name));
    status.lines().filter(counts).for_each(|line| line.hash(&mut hasher));
    fs::read("/proc/self/limits").unwrap_or_default().hash(&mut hasher);
    fs::read("/proc/self/attr/current").unwrap_or_default().hash(&mut hasher);
    for link in LINKS {
        fs::read_link(format!("/proc/self/{link}")).ok().hash(&mut hasher);
    }
    nice().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Lines of `/proc/self/status`.
const STATUS: [&str; 10] = [
    "Umask:",
    "Uid:",
    "Gid:",
    "Groups:",
    "CapInh:",
    "CapPrm:",
    "CapEff:",
    "CapBnd:",
    "NoNewPrivs:",
    "Seccomp:",
];

/// Root folder and namespaces.
const LINKS: [&str; 7] = ["root", "ns/mnt", "ns/net", "ns/pid", "ns/user", "ns/ipc", "ns/uts"];

/// How nice this process is to others: the nineteenth field of its line, the sixteenth behind the name, which is in
/// brackets and may have blanks.
fn nice() -> Option<String> {
    let line = fs::read_to_string("/proc/self/stat").ok()?;
    line.rsplit_once(") ")?.1.split(' ').nth(16).map(str::to_owned)
}
