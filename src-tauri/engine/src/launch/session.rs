//! Which runs may be in a session.

use crate::error::{Error, Result};
use crate::spec::{Language, RunSpec, Work};

/// Longest name of a session, in bytes: it is part of a socket's path, which has little room.
const LONGEST: usize = 32;

/// Refuses what can be in no session.
pub(super) fn check(spec: &RunSpec, name: &str) -> Result<()> {
    let invalid = |what: String, hint| Err(Error::InvalidSpec { what, hint });
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || name.len() > LONGEST || !name.bytes().all(is_plain) {
        return invalid(
            format!("`{name}` is no name for a session"),
            "use up to 32 letters, digits, dashes and underscores",
        );
    }
    if !matches!(spec.work, Work::Script { language: Language::Python, .. }) {
        return invalid(
            "a session keeps a Python interpreter, and this is no Python script".to_owned(),
            "add --lang python, or leave out --session",
        );
    }
    if !spec.secrets.is_empty() {
        // The next run prints what this one kept, and does not know what to mask.
        return invalid(
            "a session goes on when the run is over, and could show a secret to a run that does not mask it"
                .to_owned(),
            "leave out --secret, or --session",
        );
    }
    let asked = &spec.target.sandbox;
    if asked.fresh {
        return invalid(
            "a sandbox that is thrown away with its run has no session for the next one".to_owned(),
            "leave out --fresh, or --session",
        );
    }
    Ok(())
}
