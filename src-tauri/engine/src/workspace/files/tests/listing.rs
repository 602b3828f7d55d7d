//! Lists, reading and completion.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::*;

#[test]
fn folders_come_first_and_names_in_natural_order() {
    let place = Place::with(&["b.txt", "a10", "a2", "z/x", "Src/y", ".env"]);
    assert_eq!(place.names(""), ["Src", "z", ".env", "a2", "a10", "b.txt"]);
    assert_eq!(place.names("./z/"), ["x"]);
}

#[test]
fn an_entry_tells_kind_size_time_and_whether_it_is_ignored() {
    let place = Place::with(&["a.py", "out.log", "build/x", "sub/keep.log"]);
    place.put(".gitignore", "*.log\nbuild/\n");
    place.put("sub/.gitignore", "!keep.log\n");
    place.link("a.py", "to-file");
    place.link("sub", "to-folder");
    place.link("nowhere", "to-nothing");
    place.link(place.outside(), "out");
    let list = place.files().list(Path::new("")).unwrap();
    let entry = |name: &str| list.iter().find(|entry| entry.name == name).unwrap();
    assert_eq!((entry("a.py").kind, entry("a.py").size, entry("a.py").ignored), (Kind::File, 4, false));
    assert!(entry("a.py").modified.is_some());
    assert!(entry("out.log").ignored && entry("build").ignored);
    assert_eq!((entry("to-file").kind, entry("to-file").leads_to), (Kind::Link, Some(Kind::File)));
    assert_eq!(entry("to-folder").leads_to, Some(Kind::Folder));
    assert_eq!((entry("to-nothing").leads_to, entry("out").leads_to), (None, None));
    let sub = place.files().list(Path::new("sub")).unwrap();
    assert!(sub.iter().all(|entry| !entry.ignored), "{sub:?}");
}

#[test]
fn names_that_are_no_text_are_listed_and_cannot_be_opened() {
    let place = Place::with(&["fine"]);
    let name = OsStr::from_bytes(b"caf\xe9.txt");
    fs::write(place.root().join(name), "x").unwrap();
    let list = place.files().list(Path::new("")).unwrap();
    let shown: Vec<_> = list.iter().map(|entry| (entry.name.as_str(), entry.openable)).collect();
    assert_eq!(shown, [("caf\u{fffd}.txt", false), ("fine", true)]);
    assert_eq!(place.files().complete("ca", 10), Vec::<String>::new());
}

#[test]
fn a_folder_of_ten_thousand_files_is_listed_whole() {
    let place = Place::with(&[]);
    for number in 0..10_000 {
        fs::write(place.path(&format!("file{number}")), "").unwrap();
    }
    let names = place.names("");
    assert_eq!(names.len(), 10_000);
    assert_eq!((names[2].as_str(), names[9_999].as_str()), ("file2", "file9999"));
}

#[test]
fn a_content_is_text_only_if_an_editor_gives_it_back_unchanged() {
    let place = Place::with(&[]);
    for (name, bytes, is_text) in [
        ("text", "é\r\nno end".as_bytes(), true),
        ("empty", b"", true),
        ("nul", b"a\0b", false),
        ("latin", b"caf\xe9", false),
    ] {
        fs::write(place.path(name), bytes).unwrap();
        let content = place.read(name).unwrap();
        assert_eq!((content.bytes.as_slice(), content.is_text), (bytes, is_text), "{name}");
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_with_its_size() {
    let place = Place::with(&[]);
    place.put("big", "12345");
    let error = place.files().read(Path::new("big"), 4).unwrap_err();
    assert!(matches!(error, Error::FileTooLarge { size: 5, limit: 4, .. }), "{error:?}");
    assert!(place.files().read(Path::new("big"), 5).is_ok());
}

#[test]
fn what_is_no_file_is_refused_without_waiting_for_it() {
    let place = Place::with(&["folder/x"]);
    nix::unistd::mkfifo(&place.path("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for name in ["folder", "pipe", "missing", "folder/x/y"] {
        assert_eq!(code(place.read(name)), "file-unreadable", "{name}");
    }
    assert_eq!(code(Files::new("/nowhere/at/all", &place.home()).list(Path::new(""))), "folder-unusable");
}

#[test]
fn completion_gives_paths_of_one_folder_with_what_git_ignores_last() {
    let place =
        Place::with(&["src/main.py", "src/Make.txt", "src/mod/x", "script.sh", ".hidden", "src/m.log"]);
    place.put(".gitignore", "*.log\n");
    let complete = |prefix: &str| place.files().complete(prefix, 10);
    assert_eq!(complete("s"), ["src/", "script.sh"]);
    assert_eq!(complete("src/m"), ["src/mod/", "src/main.py", "src/Make.txt", "src/m.log"]);
    assert_eq!(complete("src/M"), ["src/Make.txt", "src/mod/", "src/main.py", "src/m.log"]);
    assert_eq!(complete("."), [".gitignore", ".hidden"]);
    assert_eq!(complete("nowhere/x"), Vec::<String>::new());
    assert_eq!(complete("../o"), Vec::<String>::new());
    assert_eq!(place.files().complete("", 1), ["src/"]);
}
