//! Copying by hand between this machine and a sandbox: what is named, over what is there.
//!
//! The runner there speaks with `stigmer-tree` here, over the same streams as a copy of the workspace; but nothing is left out,
//! agreed on or remembered.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;
use serde_bytes::ByteBuf;
use stigmer_tree::{answered, give, take};

use super::sync::talk::talk;
use crate::backend::Execution;
use crate::error::{Error, Result};

/// What is copied, and which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transfer {
    /// From this machine.
    In {
        /// A path here.
        from: PathBuf,
        /// A path there; a relative one begins at the workspace.
        to: PathBuf,
    },
    /// To this machine.
    Out {
        /// A path there; a relative one begins at the workspace.
        from: PathBuf,
        /// A path here.
        to: PathBuf,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transferred {
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// What could not be read or written; the rest was copied all the same.
    pub problems: Vec<String>,
}

/// A copy that goes on, for whoever asked for it.
#[derive(Debug, Clone, Default)]
pub struct Going(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicU64,
    is_stopped: AtomicBool,
}

impl Going {
    /// Bytes that went across so far.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Ends it, and leaves each file as it was before, or copied.
    pub fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::Relaxed);
    }

    fn went(&self, bytes: usize) -> io::Result<usize> {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if self.0.is_stopped.load(Ordering::Relaxed) {
            Err(io::Error::other("it was stopped"))
        } else {
            Ok(bytes)
        }
    }
}

/// A stream that is counted and can be stopped.
struct Through<'a, T>(&'a mut T, &'a Going);

impl<T: Read> Read for Through<'_, T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into).and_then(|read| self.1.went(read))
    }
}

impl<T: Write> Write for Through<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).and_then(|written| self.1.went(written))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Transfer {
    /// What the runner in a sandbox is asked for, where that has its workspace.
    pub(crate) fn request(&self, runner: &str, workspace: &Path) -> stigmer_runner::Start {
        let (verb, there) = match self {
            Self::In { to, .. } => ("take", to),
            Self::Out { from, .. } => ("give", from),
        };
        let mut path = OsString::from(workspace.join(there));
        // What joins paths would keep it; what makes a folder of a name must.
        if there.as_os_str().as_encoded_bytes().ends_with(b"/") && !path.as_encoded_bytes().ends_with(b"/") {
            path.push("/");
        }
        stigmer_runner::Start {
            argv: vec![runner.into(), verb.into(), path.into_encoded_bytes()]
                .into_iter()
                .map(|word: Vec<u8>| ByteBuf::from(word))
                .collect(),
            dir: ByteBuf::from("/"),
            input: matches!(self, Self::In { .. }),
            drain_ms: 500,
            ..stigmer_runner::Start::default()
        }
    }

    /// Does it with a runner that was asked so.
    pub(crate) async fn with(
        self,
        started: std::result::Result<Box<dyn Execution>, String>,
        going: &Going,
    ) -> Result<Transferred> {
        let (execution, going) = (started.map_err(|why| failed(&why))?, going.clone());
        let copied = talk(execution, move |talk| {
            let talk = &mut Through(talk, &going);
            let copied = match self {
                Self::In { from, .. } => match give(&from, false, talk) {
                    Ok(_) => answered(talk),
                    // The other side gave up, and says why.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => answered(talk),
                    Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", from.display()))),
                },
                Self::Out { from, to } => {
                    let is_whole = from.as_os_str().is_empty() || from == Path::new(".");
                    match from.file_name().or(is_whole.then_some(OsStr::new("workspace"))) {
                        Some(name) => take(&to, Some(name), talk),
                        None => Err(io::Error::other("name what is copied by its own name")),
                    }
                }
            };
            copied.map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => failed("what copies in the sandbox ended early"),
                _ => failed(&error.to_string()),
            })
        });
        let copied = copied.await?;
        let problems = copied.problems.iter().map(|problem| shown(&problem.to_string())).collect();
        Ok(Transferred { entries: copied.entries, bytes: copied.bytes, problems })
    }
}

fn failed(why: &str) -> Error {
    Error::Copy { why: shown(why) }
}

/// Words of the other side, which may be anything, for a terminal.
fn shown(words: &str) -> String {
    words.replace(char::is_control, "\u{fffd}")
}
