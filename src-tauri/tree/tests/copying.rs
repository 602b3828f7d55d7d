//! A copy by hand: what is named goes over what is there, whole or not at all, and nowhere else.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use stigmer_tree::{Copied, give, take};

fn copy(from: &Path, to: &Path) -> io::Result<Copied> {
    let mut stream = Vec::new();
    let given = give(from, false, &mut stream)?;
    let taken = take(to, None, &mut stream.as_slice())?;
    if taken.problems.is_empty() {
        assert_eq!(given, taken);
    }
    let mut answer = Vec::new();
    stigmer_tree::answer(&taken, &mut answer)?;
    assert_eq!(stigmer_tree::answered(&mut answer.as_slice())?, taken);
    Ok(taken)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_goes_into_a_folder_or_in_the_place_of_another_or_under_a_new_name() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other) = (one.path(), other.path());
    write(&one.join("a"), "new");
    fs::set_permissions(one.join("a"), fs::Permissions::from_mode(0o751)).unwrap();
    write(&other.join("a"), "old");
    for to in [other.to_owned(), other.join("a"), other.join("b")] {
        let copied = copy(&one.join("a"), &to).unwrap();
        assert_eq!(copied, Copied { entries: 1, bytes: 3, problems: vec![] });
    }
    assert_eq!(names(other), ["a", "b"]);
    for name in ["a", "b"] {
        assert_eq!(fs::read_to_string(other.join(name)).unwrap(), "new");
        assert_eq!(fs::metadata(other.join(name)).unwrap().permissions().mode() & 0o777, 0o751);
    }
}

#[test]
fn a_folder_goes_with_all_that_is_in_it_and_over_what_is_there() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (from, other) = (one.path().join("from"), other.path());
    write(&from.join("deep/er/file"), "new");
    write(&from.join("plain"), "new");
    symlink("deep/er", from.join("link")).unwrap();
    fs::create_dir(from.join("closed")).unwrap();
    fs::set_permissions(from.join("closed"), fs::Permissions::from_mode(0o550)).unwrap();
    let copied = copy(&from, &other.join("to")).unwrap();
    assert_eq!((copied.entries, copied.bytes, copied.problems.len()), (7, 6, 0));
    write(&other.join("to/plain"), "mine, and longer");
    write(&other.join("to/kept"), "mine");
    fs::remove_file(other.join("to/link")).unwrap();
    write(&other.join("to/link"), "a file");
    // Into what is there, and over it.
    assert_eq!(copy(&from, other).unwrap().problems, []);
    fs::rename(other.join("to"), other.join("from/nested")).unwrap();
    fs::rename(other.join("from/nested"), other.join("again")).unwrap();
    fs::remove_dir_all(other.join("from")).unwrap();
    fs::rename(other.join("again"), other.join("from")).unwrap();
    assert_eq!(copy(&from, other).unwrap().problems, []);
    assert_eq!(names(&other.join("from")), ["closed", "deep", "kept", "link", "plain"]);
    assert_eq!(fs::read_to_string(other.join("from/plain")).unwrap(), "new");
    assert_eq!(fs::read_link(other.join("from/link")).unwrap(), Path::new("deep/er"));
    assert_eq!(fs::read_to_string(other.join("from/link/file")).unwrap(), "new");
}

#[test]
fn a_folder_with_something_in_it_gives_way_to_no_file() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&one.path().join("from/a"), "file");
    write(&other.path().join("from/a/inside"), "mine");
    let copied = copy(&one.path().join("from"), other.path()).unwrap();
    assert_eq!(copied.problems.len(), 1, "{copied:?}");
    assert_eq!(fs::read_to_string(other.path().join("from/a/inside")).unwrap(), "mine");
}

#[test]
fn what_cannot_be_copied_is_said_and_changes_nothing() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other) = (one.path(), other.path());
    write(&one.join("a"), "text");
    assert_eq!(copy(&one.join("missing"), other).unwrap_err().kind(), io::ErrorKind::NotFound);
    copy(Path::new("/"), other).unwrap_err();
    copy(Path::new("/dev/null"), other).unwrap_err();
    for to in ["no/such/b", "no/"] {
        let error = copy(&one.join("a"), &other.join(to)).unwrap_err();
        assert!(error.to_string().contains("no folder"), "{error}");
    }
    assert_eq!(names(other), [""; 0]);
    // One that breaks off leaves what was there.
    write(&other.join("a"), "mine");
    let mut stream = Vec::new();
    give(&one.join("a"), false, &mut stream).unwrap();
    for length in 0..stream.len() {
        take(&other.join("a"), None, &mut &stream[..length]).unwrap_err();
        let is_old = fs::read_to_string(other.join("a")).unwrap() == "mine";
        assert!(is_old || fs::read_to_string(other.join("a")).unwrap() == "text");
        assert_eq!(names(other), ["a"]);
    }
}

#[test]
fn a_giver_that_lies_about_names_writes_nowhere_else() {
    use stigmer_tree::{Change, Entry, Kind, Stamp, Word, put};

    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    fs::create_dir(&inner).unwrap();
    for name in ["../out", "/tmp/out", "..", "a/b", ""] {
        for kind in [Kind::Folder { mode: 0o755 }, Kind::File { mode: 0o644, size: 0, modified: 0 }] {
            let entry = Some(Entry { kind, stamp: Stamp::default(), digest: None });
            let mut stream = Vec::new();
            let path = serde_bytes::ByteBuf::from(name);
            put(&mut stream, &Word::Change(Change { path, entry })).unwrap();
            put(&mut stream, &Word::End).unwrap();
            put(&mut stream, &Word::End).unwrap();
            take(&inner, None, &mut stream.as_slice()).unwrap_err();
        }
    }
    assert_eq!((names(outer.path()), names(&inner).len()), (vec!["inner".to_owned()], 0));
    // One that is asked for a name gives no other.
    write(&outer.path().join(".profile"), "theirs");
    let mut stream = Vec::new();
    give(&outer.path().join(".profile"), false, &mut stream).unwrap();
    take(&inner, Some("asked".as_ref()), &mut stream.as_slice()).unwrap();
    assert_eq!(names(&inner), ["asked"]);
}

#[test]
fn a_link_that_somebody_else_put_there_leads_nowhere() {
    let (one, other, home) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&one.path().join("results/key"), "theirs");
    write(&home.path().join("key"), "mine");
    symlink(home.path(), other.path().join("results")).unwrap();
    symlink(home.path().join("key"), other.path().join("file")).unwrap();
    let results = one.path().join("results");
    // Where the folder would go, and where the user says.
    copy(&results, other.path()).unwrap_err();
    copy(&results, &other.path().join("results")).unwrap_err();
    copy(&results.join("key"), &other.path().join("results")).unwrap_err();
    // A link to a file gives way itself.
    copy(&results.join("key"), &other.path().join("file")).unwrap();
    assert_eq!(fs::read_to_string(other.path().join("file")).unwrap(), "theirs");
    assert!(!other.path().join("file").is_symlink());
    assert_eq!(
        (names(home.path()), fs::read_to_string(home.path().join("key")).unwrap()),
        (vec!["key".to_owned()], "mine".to_owned())
    );
    // Nor does one that is to be copied, unless it is said.
    copy(&other.path().join("results"), one.path()).unwrap_err();
    copy(&other.path().join("results/"), &one.path().join("said")).unwrap();
    assert_eq!(names(&one.path().join("said")), ["key"]);
}

#[test]
fn a_folder_takes_the_place_of_a_link_to_a_folder_and_not_of_what_is_behind_it() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&one.path().join("from/link/file"), "theirs");
    write(&other.path().join("from/deep/file"), "mine");
    symlink("deep", other.path().join("from/link")).unwrap();
    assert_eq!(copy(&one.path().join("from"), other.path()).unwrap().problems, []);
    assert_eq!(fs::read_to_string(other.path().join("from/deep/file")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(other.path().join("from/link/file")).unwrap(), "theirs");
    assert!(!other.path().join("from/link").is_symlink());
}

#[test]
fn what_is_neither_file_nor_folder_is_not_replaced() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&one.path().join("a"), "text");
    let _socket = std::os::unix::net::UnixListener::bind(other.path().join("socket")).unwrap();
    copy(&one.path().join("a"), &other.path().join("socket")).unwrap_err();
    assert_eq!(names(other.path()), ["socket"]);
}
