//! A folder that exists in two places: what changed in one of them since both were the same, and how that gets across.
//!
//! # Theory of operation
//!
//! Each place keeps a [`State`]: every entry as it was when both had it, with a [`Stamp`] that changes whenever the
//! entry may have changed, and a digest of the content. [`changes`] compares the folder with it. What has another stamp
//! and the same content did not change; so a `touch` or a fresh checkout moves nothing.
//!
//! One place is *home*, where the user works; the other is *away*. What changed goes across as a stream of [`Word`]s,
//! made by [`send`] and taken by [`receive`]. Both places decide alike about what changed in both: the version of home
//! keeps its name, the other one gets a name beside it. Nothing is lost, and nothing is asked.
//!
//! A place writes into its state what it sent only when the other said that it has it, so whatever breaks off is
//! done again. Away, [`serve`] answers what home asks.
//!
//! Nothing outside the folder is ever read or written: every path is opened below the folder by the system itself
//! (`openat2` and its like, in `cap-std`), and links that lead out are not taken along.

mod copy;
mod receive;
mod send;
mod serve;
mod state;
mod survey;
mod word;

pub use cap_std::fs::Dir;

pub use copy::{Copied, answer, answered, give, take};
pub use receive::{Received, Side, receive};
pub use send::send;
pub use serve::serve;
pub use state::State;
pub use survey::{Choice, Everything, Survey, changes, changes_at, list};
pub use word::{Ask, Change, Entry, Kind, Problem, Stamp, Word, get, put};

use std::io;
use std::path::{Component, Path, PathBuf};

/// Opens a folder as the one that everything happens in.
pub fn open(folder: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(folder, cap_std::ambient_authority())
}

/// The path that these bytes name below a folder; `None` if they name anything else.
pub fn inside(path: &[u8]) -> Option<PathBuf> {
    let path = to_path(path)?;
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    // What components leave out, such as `a//b` and `a/.`, is another name for the same: refused, too.
    let same = path.components().collect::<PathBuf>().as_os_str() == path.as_os_str();
    (is_plain && same && !path.as_os_str().is_empty()).then_some(path)
}

/// Whether a link at `path` with this target stays below the folder, by the letters of both.
fn stays_inside(path: &Path, target: &Path) -> bool {
    let mut depth = path.components().count().saturating_sub(1);
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere a name may be none")]
fn to_path(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn to_path(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

/// The bytes of a path, as [`inside`] reads them.
fn to_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_are_not_plainly_inside_are_none() {
        for bad in ["", "/", "/a", "..", "../a", "a/../b", "a/..", ".", "./a", "a/.", "a//b", "a/"] {
            assert_eq!(inside(bad.as_bytes()), None, "{bad}");
        }
        for good in ["a", "a/b", "...", "a/..b", " ", "a\nb", "-rf"] {
            assert_eq!(inside(good.as_bytes()), Some(good.into()), "{good}");
        }
    }

    #[test]
    fn links_lead_out_by_an_absolute_target_or_by_more_steps_up_than_there_are() {
        let leads = |path: &str, target: &str| stays_inside(Path::new(path), Path::new(target));
        assert!(leads("a", "b") && leads("a/b", "../c") && leads("a/b/c", "./../../d") && leads("a/b", ".."));
        assert!(
            !leads("a", "..") && !leads("a", "/etc") && !leads("a/b", "../../c") && !leads("a", "x/../../y")
        );
    }
}
