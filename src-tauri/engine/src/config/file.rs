//! One settings file: reading it, and finding the settings in it.
//!
//! A file that is missing has no settings. Whatever else keeps it from being read is an error with its name,
//! and its line where there is one.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::keys::{self, Key};
use super::yaml::{self, Data, Entry, Node};
use super::{Origin, Warning, Which};
use crate::error::{Error, Result};

/// Largest file that is read. Settings have a few KiB; more is another file by mistake.
const MAX_BYTES: u64 = 1 << 20;

/// What stands in a settings file.
pub(super) struct Contents {
    /// The text, without a byte order mark.
    pub(super) text: String,
    /// Whether it began with a byte order mark.
    pub(super) marked: bool,
    /// The settings as a tree; its root is a map or nothing.
    pub(super) root: Node,
}

/// Reads a file. `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Contents>> {
    let wrong = |what: String, hint: &str| Error::Config {
        what: format!("{}: {what}", path.display()),
        hint: hint.to_owned(),
    };
    let mut bytes = Vec::new();
    // The limit counts bytes read instead of asking for the size, so that a pipe works and cannot fill memory.
    match File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => {
            return Err(wrong(format!("cannot be read: {error}"), "make it a file that you may read"));
        }
    }
    if bytes.len() as u64 > MAX_BYTES {
        return Err(wrong("is larger than 1 MiB".to_owned(), "check that this is the settings file"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = memchr::memchr_iter(b'\n', good).count() + 1;
        at(path, line, "this is not UTF-8", "save the file as UTF-8")
    })?;
    parse(path, &text).map(Some)
}

/// Understands the text of a file.
pub(super) fn parse(path: &Path, text: &str) -> Result<Contents> {
    let (text, marked) = text.strip_prefix('\u{feff}').map_or((text, false), |rest| (rest, true));
    let root = yaml::parse(text).map_err(|trouble| at(path, trouble.line, &trouble.what, trouble.hint))?;
    match root.data {
        Data::Null | Data::Map(_) => Ok(Contents { text: text.to_owned(), marked, root }),
        Data::List(_) => Err(at(path, root.line, "a list is not settings", "write `name: value` lines")),
        Data::Scalar(_) => {
            Err(at(path, root.line, "a lone text is not settings", "write `name: value` lines"))
        }
    }
}

fn at(path: &Path, line: usize, what: &str, hint: &str) -> Error {
    Error::Config { what: format!("{}:{line}: {what}", path.display()), hint: hint.to_owned() }
}

/// A setting that stands in a file.
pub(super) struct Found<'a> {
    pub(super) key: &'static Key,
    pub(super) entry: &'a Entry,
}

/// What was found in a file: settings, names that mean nothing, mistakes.
pub(super) struct Survey<'a> {
    path: &'a Path,
    pub(super) found: Vec<Found<'a>>,
    pub(super) warnings: Vec<Warning>,
    /// Mistakes, each with its line.
    pub(super) problems: Vec<(usize, Error)>,
}

/// Goes through a file's tree. `sandbox.ttl` may stand in its section or, in full, on its own.
pub(super) fn survey<'a>(path: &'a Path, root: &'a Node, which: Which) -> Survey<'a> {
    let mut survey = Survey { path, found: Vec::new(), warnings: Vec::new(), problems: Vec::new() };
    survey.section("", root, which);
    survey
}

impl<'a> Survey<'a> {
    fn section(&mut self, prefix: &str, node: &'a Node, which: Which) {
        let Data::Map(entries) = &node.data else { return };
        for entry in entries {
            let name = format!("{prefix}{}", entry.name);
            if let Some(key) = keys::find(&name) {
                self.setting(key, entry, which);
            } else if keys::is_section(&name) {
                self.subsection(&name, entry, which);
            } else {
                self.warn(entry, name.clone(), "is not a setting", keys::nearest(&name));
            }
        }
    }

    fn subsection(&mut self, name: &str, entry: &'a Entry, which: Which) {
        if matches!(entry.value.data, Data::Map(_) | Data::Null) {
            return self.section(&format!("{name}."), &entry.value, which);
        }
        let example = keys::KEYS.iter().find(|key| key.name.starts_with(&format!("{name}.")));
        let hint =
            example.map_or_else(String::new, |key| format!("for instance `{}`, indented below it", key.name));
        let what = format!("{}:{}: `{name}` must be a section of settings", self.path.display(), entry.line);
        self.problems.push((entry.line, Error::Config { what, hint }));
    }

    fn setting(&mut self, key: &'static Key, entry: &'a Entry, which: Which) {
        // A name without a value is a line that somebody has not filled in yet.
        if entry.value.data == Data::Null {
            return;
        }
        if let Some(first) = self.found.iter().find(|found| found.key.name == key.name) {
            let what = format!("`{}` is there twice, first on line {}", key.name, first.entry.line);
            self.problems.push((entry.line, at(self.path, entry.line, &what, "keep one of them")));
            return;
        }
        if which == Which::Project && key.personal {
            let what = "is ignored in a project file; it belongs into your own settings";
            return self.warn(entry, key.name.to_owned(), what, None);
        }
        if key.is_secret() {
            let what =
                "stands in a plain file; `stigmer auth login --from-config` moves it into the keychain";
            self.warn(entry, key.name.to_owned(), what, None);
        }
        self.found.push(Found { key, entry });
    }

    fn warn(&mut self, entry: &Entry, key: String, what: &str, nearest: Option<&'static str>) {
        let path = self.path.to_owned();
        self.warnings.push(Warning { path, line: entry.line, key, what: what.to_owned(), nearest });
    }
}

impl Found<'_> {
    /// Where it stands.
    pub(super) fn origin(&self, path: &Path, which: Which) -> Origin {
        Origin::File { path: path.to_owned(), line: self.entry.line, which }
    }
}
