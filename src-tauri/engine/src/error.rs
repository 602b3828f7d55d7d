//! What can go wrong, named by its remedy.
//!
//! `Display` is a lowercase fragment without a full stop, [`Error::code`] a stable word that
//! `docs/errors.md` explains, [`Error::hint`] an imperative sentence. [`Report`] is the only error that
//! leaves the engine. A program that exits with 1 is a result, not an error.

mod cloud;
mod hint;
mod report;

use std::io;
use std::path::{Path, PathBuf};

pub use self::report::Report;

/// Result of the engine's own functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of the engine, a variant per remedy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A specification that can never run, whatever the machine.
    #[error("{what}")]
    InvalidSpec {
        /// What is wrong with it.
        what: String,
        /// What would be right.
        hint: &'static str,
    },
    /// There is no such program in the place where the run should happen.
    #[error("`{program}` was not found")]
    ProgramNotFound {
        /// The program as it was asked for.
        program: String,
    },
    /// The program is there and cannot be executed.
    #[error("`{program}` cannot be executed")]
    ProgramNotExecutable {
        /// The program as it was asked for.
        program: String,
        /// The system's words.
        source: io::Error,
    },
    /// No interpreter for a language was found.
    #[error("no interpreter for {language} was found")]
    InterpreterNotFound {
        /// The language.
        language: &'static str,
        /// What was looked for, in order.
        tried: &'static [&'static str],
    },
    /// A workspace or working directory cannot be used.
    #[error("the folder `{}` cannot be used", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that was named cannot be read.
    #[error("the file `{}` cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than what was asked for can take.
    #[error("`{}` is too large: {size} bytes, and {limit} is the limit", path.display())]
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        size: u64,
        /// The largest that is taken.
        limit: u64,
    },
    /// A path leads out of the workspace that it is given for.
    #[error("`{}` is not in the workspace", path.display())]
    OutsideWorkspace {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The place where the run should happen is not there.
    #[error("{backend} is not available: {why}")]
    BackendUnavailable {
        /// Name of the backend.
        backend: &'static str,
        /// What was found instead.
        why: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// There is no such image here, or nowhere.
    #[error("the image `{image}` was not found")]
    ImageNotFound {
        /// The image as it was asked for.
        image: String,
    },
    /// An image could not be fetched or sent.
    #[error("the image `{image}` could not be {done}: {why}")]
    Registry {
        /// The image as it was asked for.
        image: String,
        /// `pulled` or `pushed`.
        done: &'static str,
        /// The engine's or the registry's words.
        why: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// A step of a build failed.
    #[error("the build failed at {step}: {why}")]
    Build {
        /// The step, as the engine counts it.
        step: String,
        /// The engine's words.
        why: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// An image lacks tools that it should have.
    #[error("{count} of its tools are missing: {names}")]
    Incomplete {
        /// How many.
        count: usize,
        /// Which.
        names: String,
    },
    /// A port that a sandbox should have is taken.
    #[error("a port of the sandbox is in use: {why}")]
    PortInUse {
        /// The engine's words, which name it.
        why: String,
    },
    /// Something that a sandbox should see cannot be shown to it.
    #[error("{what}")]
    MountUnusable {
        /// Which, and why.
        what: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// The engine does not make or start the sandbox.
    #[error("{what}")]
    SandboxRefused {
        /// What was tried, and the engine's words.
        what: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// There is no such sandbox.
    #[error("there is no sandbox named `{name}`")]
    SandboxNotFound {
        /// What was asked for.
        name: String,
    },
    /// There is no session of this name here.
    #[error("no session named `{name}` goes on here")]
    SessionNotFound {
        /// What was asked for.
        name: String,
    },
    /// The sandbox went away under the run.
    #[error("the sandbox of the run is gone: {why}")]
    SandboxLost {
        /// What is known of it.
        why: String,
    },
    /// Daytona refused, failed or could not be reached.
    #[error("Daytona: {0}")]
    Cloud(Box<stigmer_daytona::Error>),
    /// There is no key for Daytona.
    #[error("there is no key for Daytona{}", why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    NoCloudKey {
        /// Why the keychain gave none, where that is not simply because there is none.
        why: Option<String>,
    },
    /// The runs of this month cost as much as the user wants to be asked about.
    #[error("runs in the cloud cost about {spent} this month, and the limit is {limit}")]
    OverLimit {
        /// What they cost so far, estimated, as people read it.
        spent: String,
        /// The limit, as people read it.
        limit: String,
    },
    /// The workspace and its copy in a sandbox could not be made the same.
    #[error("the copy of the workspace could not be brought up to date: {why}")]
    Sync {
        /// The words of whichever side it failed on.
        why: String,
    },
    /// What was to be copied between this machine and a sandbox was not.
    #[error("it could not be copied: {why}")]
    Copy {
        /// The words of whichever side it failed on.
        why: String,
    },
    /// The run should be confined, and this system cannot do it.
    #[error("this system cannot guard the run as asked; it was not started")]
    GuardUnavailable {
        /// The system's words.
        source: io::Error,
    },
    /// The stream to a running program broke.
    #[error("the connection to the run was lost")]
    Connection {
        /// How it broke.
        source: io::Error,
    },
    /// Data under the home folder could not be read or written.
    #[error("{action} `{}` failed", path.display())]
    Storage {
        /// What was tried, as "reading", "writing".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// What was asked for could not be handed over to whoever asked.
    #[error("writing the output failed")]
    Output {
        /// The system's words.
        source: io::Error,
    },
    /// The database of runs failed.
    #[error("the history of runs failed")]
    History {
        /// The database's words.
        #[from]
        source: rusqlite::Error,
    },
    /// The database was written by a later version than this one.
    #[error("the history of runs has format {found}, and this version knows formats up to {known}")]
    HistoryNewer {
        /// The format of the database.
        found: i64,
        /// The latest format that this version knows.
        known: i64,
    },
    /// There is no home folder to keep runs in.
    #[error("no home folder was found")]
    NoHome,
    /// No run has this id.
    #[error("no run is named `{given}`")]
    RunNotFound {
        /// What was asked for.
        given: String,
    },
    /// The beginning or end of an id fits several runs.
    #[error("`{given}` fits the ids of {count} runs")]
    RunAmbiguous {
        /// What was asked for.
        given: String,
        /// How many it fits.
        count: usize,
    },
    /// What was asked for does not fit the state of a thing.
    #[error("{what}")]
    Conflict {
        /// The request and the state.
        what: String,
        /// What to do instead.
        hint: &'static str,
    },
    /// A setting is wrong.
    #[error("{what}")]
    Config {
        /// File and line, or the variable, and what is wrong.
        what: String,
        /// What is accepted.
        hint: String,
    },
    /// A named secret is not in the keychain.
    #[error("there is no secret named `{name}`")]
    SecretNotFound {
        /// Its name.
        name: String,
    },
    /// The OS keychain is locked or did not answer in time.
    #[error("the keychain is locked")]
    KeychainLocked,
    /// There is no OS keychain.
    #[error("no keychain was found: {why}")]
    KeychainAbsent {
        /// What was found instead.
        why: String,
    },
    /// A pattern or filter cannot be understood.
    #[error("the pattern `{pattern}` cannot be used: {why}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// The library's words.
        why: String,
    },
    /// The run was stopped before this could be done. Never shown: the run's outcome tells it.
    #[error("stopped")]
    Stopped,
}

impl Error {
    /// A failed read or write below the home folder.
    pub fn storage(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Storage { action, path, source }
    }

    /// The stable name of this failure.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidSpec { .. } => "invalid-spec",
            Self::ProgramNotFound { .. } => "program-not-found",
            Self::ProgramNotExecutable { .. } => "program-not-executable",
            Self::InterpreterNotFound { .. } => "interpreter-not-found",
            Self::Folder { .. } => "folder-unusable",
            Self::File { .. } => "file-unreadable",
            Self::FileTooLarge { .. } => "file-too-large",
            Self::OutsideWorkspace { .. } => "outside-workspace",
            Self::BackendUnavailable { .. } => "backend-unavailable",
            Self::ImageNotFound { .. } => "image-not-found",
            Self::Registry { .. } => "registry",
            Self::Build { .. } => "build-failed",
            Self::Incomplete { .. } => "image-incomplete",
            Self::PortInUse { .. } => "port-in-use",
            Self::MountUnusable { .. } => "mount-unusable",
            Self::SandboxRefused { .. } => "sandbox-refused",
            Self::SandboxNotFound { .. } => "sandbox-not-found",
            Self::SessionNotFound { .. } => "session-not-found",
            Self::SandboxLost { .. } => "sandbox-lost",
            Self::Cloud(source) => cloud::code(source),
            Self::NoCloudKey { .. } => "daytona-no-key",
            Self::OverLimit { .. } => "daytona-over-limit",
            Self::Sync { .. } => "sync-failed",
            Self::Copy { .. } => "copy-failed",
            Self::GuardUnavailable { .. } => "guard-unavailable",
            Self::Connection { .. } => "connection-lost",
            Self::Storage { source, .. } if source.kind() == io::ErrorKind::StorageFull => "storage-full",
            Self::Storage { .. } => "storage",
            Self::Output { .. } => "output",
            Self::History { source } if is_locked(source) => "history-locked",
            Self::History { source } if is_full(source) => "storage-full",
            Self::History { .. } => "history",
            Self::HistoryNewer { .. } => "history-newer",
            Self::NoHome => "no-home",
            Self::RunNotFound { .. } => "run-not-found",
            Self::RunAmbiguous { .. } => "run-ambiguous",
            Self::Conflict { .. } => "conflict",
            Self::Config { .. } => "config",
            Self::SecretNotFound { .. } => "secret-not-found",
            Self::KeychainLocked => "keychain-locked",
            Self::KeychainAbsent { .. } => "keychain-absent",
            Self::Pattern { .. } => "pattern",
            Self::Stopped => "stopped",
        }
    }
}

fn is_full(source: &rusqlite::Error) -> bool {
    // Without space the database cannot even be opened: its index in shared memory is a file that cannot grow.
    let cannot_grow =
        source.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE);
    cannot_grow || source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}

fn is_locked(source: &rusqlite::Error) -> bool {
    matches!(
        source.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    )
}
