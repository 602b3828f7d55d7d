//! What both places had, as one of them remembers it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use serde_bytes::ByteBuf;

use crate::{Change, Entry, Word, get, put};

/// The first bytes of the file, with the version of its format.
const MAGIC: &[u8; 8] = b"stigtre1";

/// Every entry as it was when both places had the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub(crate) entries: BTreeMap<Vec<u8>, Entry>,
}

impl State {
    /// Reads it from a file. Where there is none, or one that cannot be understood, nothing was agreed on: everything is
    /// then compared by its content, and nothing is lost.
    pub fn load(file: &Path) -> Self {
        Self::try_load(file).unwrap_or_default()
    }

    fn try_load(file: &Path) -> io::Result<Self> {
        let mut from = BufReader::new(File::open(file)?);
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic)?;
        if &magic != MAGIC {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut state = Self::default();
        loop {
            match get(&mut from)? {
                Word::Change(change) => state.agree(change),
                Word::End => return Ok(state),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// Writes it to a file, which is the old one or the new one at any time.
    pub fn save(&self, file: &Path) -> io::Result<()> {
        let part = file.with_extension("part");
        let mut to = BufWriter::new(File::create(&part)?);
        to.write_all(MAGIC)?;
        for (path, entry) in &self.entries {
            let change = Change { path: ByteBuf::from(path.as_slice()), entry: Some(entry.clone()) };
            put(&mut to, &Word::Change(change))?;
        }
        put(&mut to, &Word::End)?;
        to.into_inner().map_err(io::IntoInnerError::into_error)?;
        fs::rename(part, file)
    }

    /// From now on both have this.
    pub fn agree(&mut self, change: Change) {
        match change.entry {
            Some(entry) => self.entries.insert(change.path.into_vec(), entry),
            None => self.entries.remove(change.path.as_slice()),
        };
    }

    /// A path and everything below it.
    pub(crate) fn below(&self, path: &[u8]) -> impl Iterator<Item = &[u8]> + use<'_> {
        let own = self.entries.get_key_value(path).map(|(path, _)| path.as_slice());
        let ends = [b'/', b'/' + 1].map(|end| [path, &[end]].concat());
        let [from, to] = ends;
        own.into_iter().chain(self.entries.range(from..to).map(|(path, _)| path.as_slice()))
    }

    /// Whether nothing was ever agreed on.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
