//! Changing one setting in a file without touching the rest of it.
//!
//! The tree says where a setting stands; only that part of the text is replaced, so comments, order, blank
//! lines and line endings stay. No edit is trusted: the new text is read again, and unless it says exactly the
//! old settings with this one changed, the file is left as it is.

mod place;
mod write;

use std::path::Path;

use self::place::Text;
use super::file::{self, Contents};
use super::keys::{self, Key};
use super::kind::Kind;
use super::sources::wrong;
use super::yaml::{Data, Entry, Node};
use super::{Origin, PROJECT_FILE, unknown};
use crate::error::{Error, Result};

/// Sets a setting in a file, and makes the file, private to the user, if there is none.
///
/// `text` is understood as in a variable or on the command line. Fails, and changes nothing, if there is no
/// such setting, if the value does not fit, if the file cannot be read or is written in a way that cannot be
/// edited, and for secrets, which belong into the keychain, and what a project may not say in its file.
pub fn set(path: &Path, name: &str, text: &str) -> Result<()> {
    let key = keys::find(name).ok_or_else(|| unknown(name))?;
    if key.is_secret() {
        return Err(Error::Config {
            what: format!("`{name}` is not written to a file"),
            hint: "keep it in the keychain: stigmer auth login".to_owned(),
        });
    }
    if key.personal && path.file_name().is_some_and(|file| file == PROJECT_FILE) {
        return Err(Error::Config {
            what: format!("`{name}` is ignored in a project file"),
            hint: "set it without --project: it belongs into your own settings".to_owned(),
        });
    }
    let value = key.kind.read_text(text).map_err(|mismatch| wrong(key, Origin::Option, &mismatch))?;
    let path = write::target(path);
    let old = read(&path)?;
    let written = match key.kind {
        // A list is written in our words, a single value in the user's: `2h` stays `2h`.
        Kind::List(_) | Kind::Map | Kind::Records(_) => key.kind.inline(&value),
        Kind::Text => super::kind::quoted(text),
        _ => super::kind::quoted(text.trim()),
    };
    let new = match found(&old.root, name) {
        Some(way) => place::replace(&old, &way, &written),
        None => Some(place::insert(&old, name, &written)),
    };
    commit(&path, &old, new, key, Some(&written))
}

/// Removes a setting from a file, and its section if nothing else is in it. Says whether it was there.
///
/// Fails, and changes nothing, as [`set`] does. A secret may be removed.
pub fn unset(path: &Path, name: &str) -> Result<bool> {
    let key = keys::find(name).ok_or_else(|| unknown(name))?;
    let path = write::target(path);
    let old = read(&path)?;
    let Some(way) = found(&old.root, name) else { return Ok(false) };
    let new = place::remove(&old, &way);
    commit(&path, &old, new, key, None)?;
    Ok(true)
}

fn read(path: &Path) -> Result<Contents> {
    match file::read(path)? {
        Some(contents) => Ok(contents),
        None => file::parse(path, ""),
    }
}

/// The entries that lead to a setting, from the root; the last one is the setting's own.
fn found<'a>(root: &'a Node, name: &str) -> Option<Vec<&'a Entry>> {
    let Data::Map(entries) = &root.data else { return None };
    for entry in entries {
        if entry.name == name {
            return Some(vec![entry]);
        }
        let rest = name.strip_prefix(&entry.name).and_then(|rest| rest.strip_prefix('.'));
        if let Some(mut way) = rest.and_then(|rest| found(&entry.value, rest)) {
            way.insert(0, entry);
            return Some(way);
        }
    }
    None
}

/// Writes the new text if it says what it should.
fn commit(path: &Path, old: &Contents, new: Option<Text>, key: &Key, written: Option<&str>) -> Result<()> {
    let refused = || Error::Conflict {
        what: format!(
            "{}: `{}` cannot be changed without touching what stands around it",
            path.display(),
            key.name
        ),
        hint: "change the file in an editor",
    };
    let new = new.ok_or_else(refused)?;
    let read = file::parse(path, &new).map_err(|_| refused())?;
    let mut expected = leaves(&old.root);
    expected.retain(|(name, _)| name != key.name);
    if let Some(written) = written {
        let node = super::yaml::parse(written).map_err(|_| refused())?;
        expected.push((key.name.to_owned(), node));
    }
    let mut actual = leaves(&read.root);
    expected.sort_by(|one, two| one.0.cmp(&two.0));
    actual.sort_by(|one, two| one.0.cmp(&two.0));
    if actual != expected {
        return Err(refused());
    }
    let mark = if old.marked { "\u{feff}" } else { "" };
    write::replace(path, format!("{mark}{new}").as_bytes())
}

/// Everything that a file says, known or not, under full names. Names without a value say nothing.
fn leaves(root: &Node) -> Vec<(String, Node)> {
    fn collect(prefix: &str, node: &Node, into: &mut Vec<(String, Node)>) {
        let Data::Map(entries) = &node.data else { return };
        for entry in entries {
            let name = format!("{prefix}{}", entry.name);
            match &entry.value.data {
                Data::Map(_) if keys::is_section(&name) => collect(&format!("{name}."), &entry.value, into),
                Data::Null => {}
                _ => into.push((name, entry.value.clone())),
            }
        }
    }
    let mut all = Vec::new();
    collect("", root, &mut all);
    all
}
