//! Opening the database, whatever state it is in.
//!
//! Every command opens a current database, so they share the lock file for that moment. Everything else (making it, bringing
//! it to a new format, setting a damaged one aside) happens under that lock alone, so that of many processes that start at once
//! one does the work and the others wait for it and use it. Nobody may be about to open a database that is set aside: the library
//! would take the log of the new one, which has its name, for that of the old one, and delete it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use super::{History, costs, events, row, schema};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::os;
use crate::spec::RunId;
use crate::state::RunRecord;

/// How long a call waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements that stay prepared: all fixed ones and the filters in use.
const STATEMENTS: usize = 48;

/// An open history.
#[derive(Debug)]
pub struct Opened {
    /// It.
    pub history: History,
    /// Where the damaged database was put that stood in its place: then it was rebuilt from the folders of
    /// the runs, and people should be told.
    pub recovered: Option<PathBuf>,
}

impl History {
    /// Opens the history of a home. Makes it if there is none, brings an older one to the current format, and
    /// rebuilds a damaged one from the folders of the runs.
    pub fn open(home: &Home) -> Result<Opened> {
        Self::open_within(home, BUSY_TIMEOUT)
    }

    /// The same with another limit on every wait for other processes.
    pub(super) fn open_within(home: &Home, busy_timeout: Duration) -> Result<Opened> {
        let found = {
            // Where it cannot be had, there is no home yet, or none in which anything is mended.
            let _shared = open_lock(home).and_then(|file| file.lock_shared().map(|()| file));
            look(&home.database(), busy_timeout)
        };
        match found {
            Ok(Found::Current(connection)) => Ok(Opened { history: connection.into(), recovered: None }),
            Err(error) if !matches!(error, Error::History { .. }) => Err(error),
            // Also where it could not be read: somebody may be mending it.
            Ok(Found::Nothing | Found::Older(_) | Found::Damaged) | Err(_) => {
                let _lock = lock(home)?;
                mend(home, busy_timeout, false)
            }
        }
    }

    /// Sets the database aside even if it opens, and rebuilds it from the folders of the runs: for `stigmer
    /// doctor`, when [`History::check`] finds damage. Histories that are open meanwhile stay with the old one.
    pub fn recover(home: &Home) -> Result<Opened> {
        let _lock = lock(home)?;
        mend(home, BUSY_TIMEOUT, true)
    }

    /// Adds a row for every folder of a run that has none, and says how many. A run without an end in its
    /// events comes back as un-ended.
    pub fn rebuild_from(&self, home: &Home) -> Result<usize> {
        self.write(|to| rebuild(to, home))
    }
}

impl From<Connection> for History {
    fn from(connection: Connection) -> Self {
        let path = connection.path().map(PathBuf::from).unwrap_or_default();
        Self { connection: Mutex::new(connection), path, reader: OnceLock::new() }
    }
}

impl History {
    /// The connection that only reads.
    pub(super) fn reader(&self) -> Result<&Mutex<Connection>> {
        if let Some(reader) = self.reader.get() {
            return Ok(reader);
        }
        let (reader, _) = connect(&self.path, BUSY_TIMEOUT)?;
        reader.pragma_update(None, "query_only", true)?;
        Ok(self.reader.get_or_init(|| Mutex::new(reader)))
    }
}

/// What stands where the database should.
enum Found {
    Nothing,
    Damaged,
    Older(Connection),
    Current(Connection),
}

/// Opens what is there and changes nothing.
fn look(path: &Path, busy_timeout: Duration) -> Result<Found> {
    let (connection, found) = match connect(path, busy_timeout) {
        Ok(connected) => connected,
        Err(error) => return not_opened(path, error),
    };
    if found > schema::CURRENT {
        return Err(Error::HistoryNewer { found, known: schema::CURRENT });
    }
    if connection.is_readonly("main")? {
        // The library reads what it cannot write, also what was not there at its first try and at the second was.
        return in_the_systems_words(path)
            .map_or(Ok(Found::Nothing), |system| Err(Error::storage("writing", path)(system)));
    }
    Ok(if found == schema::CURRENT { Found::Current(connection) } else { Found::Older(connection) })
}

/// What it means that a database did not open.
fn not_opened(path: &Path, error: rusqlite::Error) -> Result<Found> {
    match error.sqlite_error_code() {
        _ if is_damage(&error) => Ok(Found::Damaged),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            match in_the_systems_words(path) {
                Some(system) if system.kind() != io::ErrorKind::NotFound => {
                    Err(Error::storage("opening", path)(system))
                }
                // It is not there, or was not a moment ago: another process makes it just now.
                _ => Ok(Found::Nothing),
            }
        }
        _ => Err(error.into()),
    }
}

/// Whether the database itself is broken, rather than what was asked of it.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// A connection and the format of its database.
fn connect(path: &Path, busy_timeout: Duration) -> rusqlite::Result<(Connection, i64)> {
    // Used under a mutex, so SQLite needs none of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // With a write-ahead log, NORMAL loses the last writes in a power cut at worst, and never the database.
    connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;")?;
    let version = schema::version(&connection)?;
    if version == schema::CURRENT {
        // Reads the tables' definitions, which the next query needs anyway: damage there shows here.
        connection.query_row("SELECT 1 FROM runs LIMIT 1", [], |_| Ok(())).optional()?;
    }
    Ok((connection, version))
}

/// Why a database cannot be opened for writing: its library does not pass that on. A database that could be
/// has a write-ahead log that cannot be made beside it.
fn in_the_systems_words(path: &Path) -> Option<io::Error> {
    let database = OpenOptions::new().read(true).write(true).open(path);
    let log = || os::private(OpenOptions::new().create(true).append(true)).open(beside(path, "-wal"));
    database.and_then(|_| log()).err()
}

/// Makes a current database of whatever is there. The caller holds the lock, and looks again after it waited.
fn mend(home: &Home, busy_timeout: Duration, set_aside_anyway: bool) -> Result<Opened> {
    let path = home.database();
    let mut found = look(&path, busy_timeout)?;
    let mut recovered = None;
    if matches!(found, Found::Damaged) || (set_aside_anyway && !matches!(found, Found::Nothing)) {
        drop(found);
        recovered = Some(set_aside(&path)?);
        found = Found::Nothing;
    }
    if matches!(found, Found::Nothing) {
        // An empty file is an empty database; made here because the library would make it readable for others.
        os::private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&path)
            .map_err(Error::storage("creating", &path))?;
        found = look(&path, busy_timeout)?;
    }
    match found {
        Found::Current(connection) => Ok(Opened { history: connection.into(), recovered }),
        Found::Older(mut connection) => {
            schema::migrate(&mut connection, home)?;
            let kept = recovered.as_ref().map_or(Ok(()), |aside| costs::take_over(&connection, aside));
            if let Err(error) = kept {
                tracing::warn!(%error, "what removed runs cost was lost with the damaged history");
            }
            Ok(Opened { history: connection.into(), recovered })
        }
        Found::Nothing | Found::Damaged => {
            Err(Error::storage("opening", &path)(io::Error::other("it changed while it was opened")))
        }
    }
}

/// Waits until no other process makes or mends the database. The lock ends when the file is dropped.
fn lock(home: &Home) -> Result<File> {
    home.create()?;
    let locked = open_lock(home).and_then(|file| file.lock().map(|()| file));
    locked.map_err(Error::storage("locking", &lock_file(home)))
}

fn open_lock(home: &Home) -> io::Result<File> {
    os::private(OpenOptions::new().create(true).append(true)).open(lock_file(home))
}

fn lock_file(home: &Home) -> PathBuf {
    home.database().with_extension("db.lock")
}

/// Moves a database and the files that belong to it out of the way.
fn set_aside(path: &Path) -> Result<PathBuf> {
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ");
    let aside = beside(path, &format!(".damaged-{now}"));
    fs::rename(path, &aside).map_err(Error::storage("moving", path))?;
    for companion in ["-wal", "-shm"] {
        let from = beside(path, companion);
        match fs::rename(&from, beside(&aside, companion)) {
            // Left behind it would be taken for the new database's.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::storage("moving", &from)(error));
            }
            _ => {}
        }
    }
    Ok(aside)
}

/// The path with more at the end of its name.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// Adds what the folders know and the database does not. The caller opened a transaction.
pub(super) fn rebuild(to: &Connection, home: &Home) -> Result<usize> {
    let mut known = to.prepare("SELECT 1 FROM runs WHERE id = ?1")?;
    let mut added = 0;
    for id in folders(home)? {
        if known.exists([id.to_string()])? {
            continue;
        }
        // One folder that cannot be read must not take the others with it.
        let events = events::read(&home.run(id)).unwrap_or_else(|error| {
            tracing::warn!(run = %id, %error, "a run was left out of the history");
            Vec::new()
        });
        if let Some(record) = RunRecord::from_events(events).filter(|record| record.id == id) {
            row::insert(to, &record)?;
            added += 1;
        }
    }
    Ok(added)
}

/// The runs that have a folder, oldest first.
fn folders(home: &Home) -> Result<Vec<RunId>> {
    let path = home.runs();
    let list = || fs::read_dir(&path)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
    let names = list().map_err(Error::storage("reading", &path))?;
    let mut ids: Vec<RunId> = names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect();
    ids.sort_unstable();
    Ok(ids)
}
