//! `stigmer sandbox cp`: files from here to a sandbox, and back.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use stigmer_engine::size::size;
use stigmer_engine::workspace::transfer::{Going, Transfer, Transferred};
use tokio::time::{sleep, timeout};

use super::cloud::Cloud;
use super::edit::Yard;
use crate::exit::{Exit, Failure};
use crate::output::{Tone, answer};
use crate::run::Signals;

/// Time between two looks at how far a copy is.
const LOOK: Duration = Duration::from_millis(200);

/// Longest time for what a copy began to be taken back, when it is stopped.
const TAKING_BACK: Duration = Duration::from_secs(2);

const HINT: &str = "one is a path here, the other NAME:PATH; see `stigmer sandbox list` for names";

/// Both ends of a copy.
#[derive(Debug, PartialEq, Eq)]
struct Copy {
    /// The sandbox.
    name: String,
    transfer: Transfer,
}

impl Copy {
    /// By what was typed.
    fn between(from: &OsStr, to: &OsStr) -> Result<Self, Failure> {
        let here = |path: &OsStr| std::path::absolute(path).map(|whole| kept(path, whole));
        match (there(from), there(to)) {
            (Some((name, from)), None) => Ok(Self { name, transfer: Transfer::Out { from, to: here(to)? } }),
            (None, Some((name, to))) => Ok(Self { name, transfer: Transfer::In { from: here(from)?, to } }),
            (None, None) => Err(Failure::usage("neither of both is in a sandbox", HINT)),
            (Some(_), Some(_)) => Err(Failure::usage("both are in a sandbox", HINT)),
        }
    }
}

/// With the slash at its end, which asks for a folder.
fn kept(typed: &OsStr, whole: PathBuf) -> PathBuf {
    if typed.as_bytes().ends_with(b"/") { whole.join("") } else { whole }
}

/// The sandbox and the path there, if it is one.
fn there(typed: &OsStr) -> Option<(String, PathBuf)> {
    let at = typed.as_bytes().iter().position(|&byte| byte == b':')?;
    let (name, path) = (&typed.as_bytes()[..at], &typed.as_bytes()[at + 1..]);
    let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty() && !name.contains('/'))?;
    Some((name.to_owned(), Path::new(OsStr::from_bytes(path)).to_owned()))
}

impl Yard<'_> {
    /// Copies; Ctrl-C leaves each file as it was before, or copied.
    pub(super) async fn cp(&self, from: &OsString, to: &OsString, as_json: bool) -> Result<Exit, Failure> {
        let Copy { name, transfer } = Copy::between(from, to)?;
        let mut signals = Signals::new()?;
        let Cloud { daytona, account, .. } = &self.cloud;
        let going = Going::default();
        let here = self.docker.transfer(&self.wish, &name, transfer.clone(), &going);
        let mut copying = Box::pin(Cloud::either(here, daytona.transfer(account, &name, transfer, &going)));
        let copied = loop {
            self.output.status(&format!("copying: {}", size(going.bytes())));
            tokio::select! {
                copied = &mut copying => break copied,
                signal = signals.stop() => {
                    going.stop();
                    // What was begun there is taken back there.
                    let _ = timeout(TAKING_BACK, copying).await;
                    self.output.status("");
                    return Ok(Exit::Signal(signal));
                }
                () = sleep(LOOK) => {}
            }
        };
        self.output.status("");
        let copied = copied?;
        if as_json {
            answer(&json!(copied).to_string())?;
        }
        self.tell(&copied);
        Ok(if copied.problems.is_empty() { Exit::Success } else { Exit::No })
    }

    fn tell(&self, Transferred { entries, bytes, problems }: &Transferred) {
        for problem in problems {
            self.output.warning(format_args!("not copied: {problem}"));
        }
        let what = match entries {
            1 => "1 entry".to_owned(),
            _ => format!("{entries} entries"),
        };
        self.output.note(Tone::Dim, format_args!("copied {what}, {}", size(*bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(from: &str, to: &str) -> Option<(String, Transfer)> {
        Copy::between(from.as_ref(), to.as_ref()).ok().map(|copy| (copy.name, copy.transfer))
    }

    #[test]
    fn one_of_both_names_a_sandbox() {
        let out = Transfer::Out { from: "a:b".into(), to: "/tmp/x".into() };
        assert_eq!(between("box:a:b", "/tmp/x"), Some(("box".to_owned(), out)));
        let here = Transfer::In { from: "/a".into(), to: "".into() };
        assert_eq!(between("/a", "box:"), Some(("box".to_owned(), here)));
        let Some((_, Transfer::In { from, .. })) = between("./a:b", "box:/x/") else { panic!() };
        assert!(from.ends_with("a:b") && from.is_absolute());
        assert_eq!((between("a", "b"), between("a:x", "b:x"), between(":x", "b")), (None, None, None));
    }

    #[test]
    fn a_slash_at_the_end_still_asks_for_a_folder() {
        let Some((_, Transfer::Out { to, .. })) = between("box:a", "no/") else { panic!() };
        assert!(to.as_os_str().as_bytes().ends_with(b"/no/"));
    }
}
