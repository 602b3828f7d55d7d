use std::fs;

use rusqlite::Connection;

use super::*;
use crate::history::schema;

#[test]
fn opening_makes_a_private_database_and_a_second_opening_finds_it() {
    let (_folder, home) = home();
    let record = run("make");
    open(&home).insert(&record).unwrap();

    let opened = History::open(&home).unwrap();

    assert_eq!(opened.recovered, None);
    assert_eq!(opened.history.get(record.id).unwrap(), record);
    assert_eq!(opened.history.check().unwrap(), [""; 0]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for path in [home.database(), home.root().join("stigmer.db-wal")] {
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600,
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn readers_and_a_writer_do_not_wait_for_each_other() {
    let (_folder, home) = home();
    let (reader, writer) = (open(&home), Connection::open(home.database()).unwrap());
    let mode: String = writer.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(reader.count(&Filter::default()).unwrap(), 0);
}

#[test]
fn a_database_of_a_later_version_is_refused_and_left_alone() {
    let (_folder, home) = home();
    drop(open(&home));
    let later = Connection::open(home.database()).unwrap();
    later.pragma_update(None, "user_version", schema::CURRENT + 1).unwrap();
    drop(later);
    let before = fs::read(home.database()).unwrap();

    let error = History::open(&home).unwrap_err();

    assert_eq!(error.code(), "history-newer");
    assert!(error.hint().unwrap().contains("upgrade"));
    assert_eq!(fs::read(home.database()).unwrap(), before);
}

#[test]
fn a_step_that_fails_leaves_the_database_as_it_was() {
    let (_folder, home) = home();
    home.create().unwrap();
    let taken = Connection::open(home.database()).unwrap();
    taken
        .execute_batch("CREATE TABLE run_details (other TEXT); INSERT INTO run_details VALUES ('kept')")
        .unwrap();

    assert_eq!(History::open(&home).unwrap_err().code(), "history");

    let tables: i64 = taken.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!((tables, schema::version(&taken).unwrap()), (1, 0));
}

#[test]
fn a_locked_database_says_so() {
    let (_folder, home) = home();
    drop(open(&home));
    let history = History::open_within(&home, Duration::ZERO).unwrap().history;
    let other = Connection::open(home.database()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();

    let error = history.insert(&run("make")).unwrap_err();

    assert_eq!(error.code(), "history-locked");
    assert!(error.hint().unwrap().contains("another program"));
    other.execute_batch("ROLLBACK").unwrap();
    history.insert(&run("make")).unwrap();
}

#[test]
fn a_database_that_another_program_keeps_to_itself_cannot_be_opened() {
    let (_folder, home) = home();
    drop(open(&home));
    let other = Connection::open(home.database()).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;").unwrap();

    let error = History::open_within(&home, Duration::ZERO).unwrap_err();

    assert_eq!(error.code(), "history-locked");
}

#[test]
fn a_folder_in_place_of_the_database_is_named() {
    let (_folder, home) = home();
    fs::create_dir_all(home.database()).unwrap();
    let error = History::open(&home).unwrap_err();
    assert_eq!(error.code(), "storage");
    assert!(error.to_string().contains("stigmer.db"), "{error}");
}

#[test]
fn a_file_in_place_of_the_home_is_named() {
    let (_folder, home) = home();
    fs::write(home.root(), "").unwrap();
    let error = History::open(&home).unwrap_err();
    assert_eq!(error.code(), "storage");
    assert!(error.to_string().contains(".stigmer"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_database_or_a_home_that_may_not_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    for (of_home, mode) in [(false, 0o400), (false, 0o000), (true, 0o500)] {
        let (_folder, home) = home();
        drop(open(&home));
        let path = if of_home { home.root().to_owned() } else { home.database() };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        if fs::write(home.root().join("probe"), "").is_ok()
            && fs::OpenOptions::new().write(true).open(home.database()).is_ok()
        {
            return; // nothing is forbidden to root
        }
        let error = History::open(&home).and_then(|opened| opened.history.insert(&run("make"))).unwrap_err();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(error.code(), "storage", "{mode:o}");
        assert!(error.hint().unwrap().contains("writable"), "{mode:o}");
    }
}
