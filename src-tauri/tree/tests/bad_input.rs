//! What names, clocks, links and other programs may do to a folder while it goes across.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stigmer_tree::{Everything, Side, changes, changes_at, open, receive, send};

mod place;

use place::{Place, back, there};

/// Takes a stream, and does something to the world when so much of it has come.
struct Meanwhile<F> {
    stream: Vec<u8>,
    at: usize,
    act: Option<F>,
}

impl<F: FnOnce()> Write for Meanwhile<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.extend_from_slice(bytes);
        if self.stream.len() >= self.at
            && let Some(act) = self.act.take()
        {
            act();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Brings what changed at home there, while something happens at home when the stream has come so far.
fn there_while(home: &mut Place, away: &mut Place, at: usize, act: impl FnOnce()) {
    let paths: Vec<_> = home.changes().into_iter().map(|change| change.path).collect();
    let mut stream = Meanwhile { stream: Vec::new(), at, act: Some(act) };
    let (sent, problems) = send(&open(&home.root).unwrap(), &paths, &mut stream).unwrap();
    assert_eq!(problems, []);
    assert!(stream.act.is_none(), "it happened");
    let mut stream = stream.stream.as_slice();
    let received = receive(&open(&away.root).unwrap(), &mut stream, &mut away.state, Side::Away).unwrap();
    assert_eq!((received.problems, received.conflicts), (vec![], vec![]));
    for change in sent {
        home.state.agree(change);
    }
}

#[test]
fn a_file_that_changes_while_it_is_sent_is_never_taken_for_the_same_and_comes_again() {
    const LENGTH: usize = 1 << 20;
    for at in [200_000, 500_000, 900_000] {
        let (mut home, mut away) = (Place::new(), Place::new());
        let path = home.root.join("big");
        home.write("big", &"a".repeat(LENGTH));
        let change = || fs::write(&path, "b".repeat(LENGTH)).unwrap();
        there_while(&mut home, &mut away, at, change);
        let arrived = away.read("big");
        assert!(arrived.starts_with('a') && arrived.ends_with('b'), "it is a mixture");
        assert_eq!(home.changed(), ["big"], "and counts as changed");
        assert_eq!(there(&mut home, &mut away).conflicts, []);
        assert_eq!(away.tree(), home.tree());
        assert!(home.changed().is_empty() && away.changed().is_empty());
    }
}

#[test]
fn one_that_grows_shrinks_or_goes_while_it_is_sent_is_right_the_next_time() {
    type Act = fn(&Path);
    let acts: [Act; 4] = [
        |path| fs::OpenOptions::new().append(true).open(path).unwrap().write_all(&[b'x'; 100]).unwrap(),
        |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(10).unwrap(),
        |path| fs::remove_file(path).unwrap(),
        |path| {
            fs::write(path.with_extension("new"), "other").unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        },
    ];
    for act in acts {
        let (mut home, mut away) = (Place::new(), Place::new());
        home.write("big", &"a".repeat(1 << 20));
        let path = home.root.join("big");
        there_while(&mut home, &mut away, 300_000, || act(&path));
        assert_eq!(there(&mut home, &mut away).conflicts, []);
        assert_eq!(away.tree(), home.tree());
    }
}

#[test]
fn what_changes_away_while_it_comes_back_is_right_the_next_time_and_kept_once() {
    let (mut home, mut away) = (Place::new(), Place::new());
    away.write("big", &"a".repeat(1 << 20));
    let paths: Vec<_> = away.changes().into_iter().map(|change| change.path).collect();
    let path = away.root.join("big");
    let act = || fs::write(&path, "b".repeat(1 << 20)).unwrap();
    let mut stream = Meanwhile { stream: Vec::new(), at: 300_000, act: Some(act) };
    send(&open(&away.root).unwrap(), &paths, &mut stream).unwrap();
    let mut stream = stream.stream.as_slice();
    let received = receive(&open(&home.root).unwrap(), &mut stream, &mut home.state, Side::Home).unwrap();
    for change in received.taken {
        away.state.agree(change);
    }
    assert_eq!(away.changed(), ["big"]);
    assert_eq!(back(&mut home, &mut away).conflicts, []);
    assert_eq!(home.tree(), away.tree());
}

#[test]
fn every_name_that_a_file_may_have_goes_across_and_back() {
    let (mut home, mut away) = (Place::new(), Place::new());
    let mut names: Vec<Vec<u8>> =
        (1..=255u8).filter(|byte| *byte != b'/').map(|byte| vec![b'n', byte]).collect();
    names.extend((1..=255u8).filter(|byte| !b"/.".contains(byte)).map(|byte| vec![byte]));
    names.extend([
        vec![b'x'; 255],
        "ü".repeat(127).into_bytes(),
        b"-rf".to_vec(),
        b"--".to_vec(),
        b"a\nb".to_vec(),
        b"\xff\xfe".to_vec(),
        b"...".to_vec(),
        b" ".to_vec(),
        b"$(reboot)`'\"\\".to_vec(),
    ]);
    let names: BTreeSet<Vec<u8>> = names.into_iter().collect();
    for name in &names {
        let path = home.root.join(OsStr::from_bytes(name));
        // Some are folders.
        if name.len() == 1 {
            fs::create_dir(&path).unwrap();
            fs::write(path.join(OsStr::from_bytes(name)), name).unwrap();
        } else {
            fs::write(path, name).unwrap();
        }
    }
    let received = there(&mut home, &mut away);
    assert_eq!((received.problems, received.conflicts), (vec![], vec![]));
    let listed: BTreeSet<Vec<u8>> = fs::read_dir(&away.root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().as_bytes().to_vec())
        .collect();
    assert_eq!(listed, names);
    for name in &names {
        let path = away.root.join(OsStr::from_bytes(name));
        let path = if name.len() == 1 { path.join(OsStr::from_bytes(name)) } else { path };
        assert_eq!(&fs::read(&path).unwrap(), name);
        fs::write(path, "changed there").unwrap();
    }
    assert_eq!(back(&mut home, &mut away).conflicts, []);
    assert_eq!(home.tree(), away.tree());
    // As deep as a path may be.
    let mut deep = home.root.clone();
    for _ in 0..12 {
        deep.push("d".repeat(250));
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("x"), "deep").unwrap();
    assert_eq!(there(&mut home, &mut away).problems, []);
    assert_eq!(home.changed(), Vec::<String>::new());
    assert_eq!(home.tree(), away.tree());
}

#[test]
fn a_link_that_leads_out_is_no_way_for_anything_whichever_side_makes_it() {
    let (mut home, mut away) = (Place::new(), Place::new());
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    home.write("folder/a", "x");
    there(&mut home, &mut away);
    // A program away puts a link in the place of the folder, and home still writes into it.
    fs::remove_dir_all(away.root.join("folder")).unwrap();
    symlink(outside.path(), away.root.join("folder")).unwrap();
    home.write("folder/b", "new");
    let received = there(&mut home, &mut away);
    assert_eq!(received.problems, []);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1, "nothing was written there");
    // The link itself does not come here either.
    let survey = changes(&open(&away.root).unwrap(), &mut away.state, &mut Everything).unwrap();
    assert!(survey.changes.iter().all(|change| !change.path.starts_with(b"folder.from-sandbox/")));
    assert!(!home.root.join("folder.from-sandbox").exists());
    // Relative ones and those to a folder inside are kept as what they are.
    symlink("folder", home.root.join("inside")).unwrap();
    symlink("nowhere", home.root.join("broken")).unwrap();
    there(&mut home, &mut away);
    assert_eq!(fs::read_link(away.root.join("inside")).unwrap(), Path::new("folder"));
    assert_eq!(fs::read_link(away.root.join("broken")).unwrap(), Path::new("nowhere"));
}

#[test]
fn clocks_that_are_wrong_hide_no_change() {
    let year = Duration::from_hours(365 * 24);
    let times: [SystemTime; 5] = [
        UNIX_EPOCH - 40 * year,
        UNIX_EPOCH,
        UNIX_EPOCH + 10 * year,
        SystemTime::now() + year,
        SystemTime::now() + 100 * year,
    ];
    for time in times {
        let (mut home, mut away) = (Place::new(), Place::new());
        home.write("a", "old");
        let set = |place: &Place| {
            let file = fs::OpenOptions::new().write(true).open(place.root.join("a")).unwrap();
            file.set_modified(time).unwrap();
        };
        set(&home);
        there(&mut home, &mut away);
        let times = |place: &Place| fs::metadata(place.root.join("a")).unwrap().mtime();
        assert_eq!(times(&home), times(&away));
        assert!(home.changed().is_empty() && away.changed().is_empty());
        // The same length and the same time again.
        home.write("a", "new");
        set(&home);
        assert_eq!(home.changed(), ["a"], "{time:?}");
        there(&mut home, &mut away);
        away.write("a", "did");
        set(&away);
        assert_eq!(away.changed(), ["a"], "{time:?}");
        back(&mut home, &mut away);
        assert_eq!(home.read("a"), "did");
    }
}

#[test]
fn ten_thousand_files_that_change_at_once_go_across() {
    let (mut home, mut away) = (Place::new(), Place::new());
    let write = |home: &Place, text: &str| {
        for number in 0..10_000 {
            home.write(&format!("d{}/f{number}", number % 100), &format!("{text} {number}"));
        }
    };
    write(&home, "one");
    there(&mut home, &mut away);
    write(&home, "two");
    fs::remove_dir_all(home.root.join("d7")).unwrap();
    assert_eq!(home.changes().len(), 9_900 + 101);
    there(&mut home, &mut away);
    assert_eq!(home.tree(), away.tree());
    assert!(home.changed().is_empty() && away.changed().is_empty());
}

/// The same look in full and only at some paths.
fn looks(place: &mut Place, paths: &[&str]) -> (Vec<String>, Vec<String>) {
    let names = |survey: stigmer_tree::Survey| -> Vec<String> {
        assert_eq!(survey.problems, []);
        survey.changes.iter().map(|change| String::from_utf8_lossy(&change.path).into_owned()).collect()
    };
    let paths: BTreeSet<PathBuf> = paths.iter().map(PathBuf::from).collect();
    let folder = open(&place.root).unwrap();
    let some = changes_at(&folder, &mut place.state.clone(), &mut Everything, &paths);
    let all = changes(&folder, &mut place.state, &mut Everything).unwrap();
    (names(some), names(all))
}

#[test]
fn a_look_at_what_changed_finds_what_a_look_at_everything_finds() {
    let (mut home, mut away) = (Place::new(), Place::new());
    for path in ["a", "b", "d/one", "d/two", "d/e/three", "x/y/z", "was-file", "was-folder/in"] {
        home.write(path, path);
    }
    symlink("a", home.root.join("link")).unwrap();
    there(&mut home, &mut away);
    assert_eq!(looks(&mut home, &[]), (vec![], vec![]));
    home.write("a", "changed");
    home.write("b", "b");
    fs::remove_dir_all(home.root.join("d/e")).unwrap();
    home.write("new/deep/file", "x");
    home.write("new/other", "x");
    fs::rename(home.root.join("x"), home.root.join("moved")).unwrap();
    fs::remove_file(home.root.join("was-file")).unwrap();
    home.write("was-file/now/folder", "x");
    fs::remove_dir_all(home.root.join("was-folder")).unwrap();
    home.write("was-folder", "x");
    fs::remove_file(home.root.join("link")).unwrap();
    symlink("b", home.root.join("link")).unwrap();
    // As a system tells it: of the folders that are new, gone or moved, and of some of what is in them.
    let told =
        ["a", "b", "d/e", "new", "new/deep/file", "x", "x/y/z", "moved", "was-file", "was-folder/in", "link"];
    let (some, all) = looks(&mut home, &told);
    assert!(all.len() > 12, "{all:?}");
    assert_eq!(some, all);
    // Names that lead out, or that are none, are nothing to look at.
    assert_eq!(looks(&mut away, &["../x", "/etc/passwd", "a/../b"]), (vec![], vec![]));
}

#[test]
fn a_path_behind_a_link_is_none_of_the_link() {
    let (mut home, mut away) = (Place::new(), Place::new());
    home.write("real/a", "x");
    home.write("folder/a", "x");
    there(&mut home, &mut away);
    fs::remove_dir_all(home.root.join("folder")).unwrap();
    symlink("real", home.root.join("folder")).unwrap();
    let (some, all) = looks(&mut home, &["folder/a"]);
    assert_eq!((&some, all), (&vec!["folder".to_owned(), "folder/a".to_owned()], some.clone()));
}

#[test]
fn a_folder_that_became_a_link_to_another_like_it_is_a_link_there_too() {
    let (mut home, mut away) = (Place::new(), Place::new());
    home.write("real/deep/a", "x");
    home.write("folder/deep/a", "y");
    there(&mut home, &mut away);
    fs::remove_dir_all(home.root.join("folder")).unwrap();
    symlink("real", home.root.join("folder")).unwrap();
    assert_eq!(there(&mut home, &mut away).conflicts, []);
    assert_eq!(home.tree(), away.tree());
    assert!(home.changed().is_empty() && away.changed().is_empty());
}
