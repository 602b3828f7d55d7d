//! A folder goes to and fro between two places, and whatever happens in both, nothing is lost.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use stigmer_tree::{Choice, Everything, Side, State, changes, inside, open, receive, send};

mod place;

use place::{Place, back, there};

#[test]
fn everything_that_a_folder_has_gets_across_with_its_permissions_and_times() {
    let (mut home, mut away) = (Place::new(), Place::new());
    home.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(home.root.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    home.write("deep/er/still", &"x".repeat(1_000_000));
    fs::create_dir(home.root.join("empty")).unwrap();
    fs::set_permissions(home.root.join("empty"), fs::Permissions::from_mode(0o550)).unwrap();
    home.write("-rf *\n'\"", "a name is a name");
    symlink("deep/er", home.root.join("link")).unwrap();
    symlink("../run.sh", home.root.join("deep/up")).unwrap();
    let received = there(&mut home, &mut away);
    assert_eq!((received.problems, received.conflicts), (vec![], vec![]));
    assert_eq!(away.tree(), home.tree());
    let modified = |place: &Place| fs::metadata(place.root.join("run.sh")).unwrap().mtime_nsec();
    assert_eq!(modified(&home), modified(&away));
    assert_eq!((home.changed(), away.changed()), (vec![], vec![]));
}

#[test]
fn only_what_changed_goes_across_and_a_touch_is_no_change() {
    let (mut home, mut away) = (Place::new(), Place::new());
    for number in 0..20 {
        home.write(&format!("f{number}"), &format!("{number}"));
    }
    there(&mut home, &mut away);
    home.write("f1", "changed");
    home.write("f2", "2"); // the same again
    fs::remove_file(home.root.join("f3")).unwrap();
    fs::rename(home.root.join("f4"), home.root.join("g4")).unwrap();
    assert_eq!(home.changed(), ["f1", "f3", "f4", "g4"]);
    there(&mut home, &mut away);
    assert_eq!(away.tree(), home.tree());
    away.write("out/result", "made there");
    fs::remove_file(away.root.join("f5")).unwrap();
    assert_eq!(away.changed(), ["f5", "out", "out/result"]);
    back(&mut home, &mut away);
    assert_eq!(away.tree(), home.tree());
    assert!(home.changed().is_empty() && away.changed().is_empty());
}

#[test]
fn a_change_right_after_the_look_with_the_same_length_is_found() {
    let (mut home, mut away) = (Place::new(), Place::new());
    for round in 0..50 {
        home.write("a", &format!("{round:02}"));
        there(&mut home, &mut away);
        home.write("a", &format!("{:02}", 99 - round));
        there(&mut home, &mut away);
        assert_eq!(away.read("a"), format!("{:02}", 99 - round));
    }
}

#[test]
fn what_changed_in_both_places_is_kept_twice_and_home_keeps_its_name() {
    let (mut home, mut away) = (Place::new(), Place::new());
    for name in ["a", "b", "same", "gone-here", "gone-there"] {
        home.write(name, "old");
    }
    there(&mut home, &mut away);
    home.write("a", "home");
    away.write("a", "away");
    home.write("same", "new");
    away.write("same", "new");
    fs::remove_file(home.root.join("gone-here")).unwrap();
    away.write("gone-here", "still wanted");
    home.write("gone-there", "still wanted");
    fs::remove_file(away.root.join("gone-there")).unwrap();
    let received = back(&mut home, &mut away);
    assert_eq!(received.conflicts.len(), 1, "{received:?}");
    assert_eq!((home.read("a").as_str(), home.read("a.from-sandbox").as_str()), ("home", "away"));
    assert_eq!(home.read("gone-here"), "still wanted");
    there(&mut home, &mut away);
    back(&mut home, &mut away);
    assert_eq!(home.tree(), away.tree());
    assert_eq!((away.read("a"), away.read("gone-there")), ("home".to_owned(), "still wanted".to_owned()));
    // The same the other way round: home comes while something was changed away.
    home.write("b", "home");
    away.write("b", "away");
    let received = there(&mut home, &mut away);
    assert_eq!(received.conflicts.len(), 1);
    assert_eq!((away.read("b").as_str(), away.read("b.from-sandbox").as_str()), ("home", "away"));
    back(&mut home, &mut away);
    assert_eq!(home.tree(), away.tree());
}

#[test]
fn a_thing_takes_the_place_of_another_kind_of_thing() {
    let (mut home, mut away) = (Place::new(), Place::new());
    home.write("file", "x");
    home.write("folder/in/it", "x");
    symlink("file", home.root.join("link")).unwrap();
    there(&mut home, &mut away);
    fs::remove_file(home.root.join("file")).unwrap();
    home.write("file/now/a/folder", "y");
    fs::remove_dir_all(home.root.join("folder")).unwrap();
    symlink("file", home.root.join("folder")).unwrap();
    fs::remove_file(home.root.join("link")).unwrap();
    home.write("link", "now a file");
    let received = there(&mut home, &mut away);
    assert_eq!((received.problems, received.conflicts), (vec![], vec![]));
    assert_eq!(away.tree(), home.tree());
}

#[test]
fn nothing_outside_is_read_or_written_whatever_the_other_side_sends() {
    let (mut home, outside) = (Place::new(), tempfile::tempdir().unwrap());
    let secret = outside.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    symlink(&secret, home.root.join("out")).unwrap();
    symlink(outside.path(), home.root.join("door")).unwrap();
    symlink("../../x", home.root.join("up")).unwrap();
    let survey = changes(&open(&home.root).unwrap(), &mut home.state, &mut Everything).unwrap();
    assert_eq!(survey.changes, []);
    assert_eq!(survey.problems.len(), 3, "{:?}", survey.problems);
    // A program there that names what it likes.
    let mut evil = Place::new();
    evil.write("door/owned", "x");
    evil.write("secret", "overwritten");
    let paths = evil.changes();
    let mut stream = Vec::new();
    let names: Vec<_> = paths.into_iter().map(|change| change.path).collect();
    send(&open(&evil.root).unwrap(), &names, &mut stream).unwrap();
    let mut bent = Vec::new();
    let mut from = stream.as_slice();
    while let Ok(word) = stigmer_tree::get(&mut from) {
        let word = match word {
            stigmer_tree::Word::Change(mut change) if &change.path[..] == b"secret" => {
                change.path = secret.to_str().unwrap().as_bytes().to_vec().into();
                stigmer_tree::Word::Change(change)
            }
            other => other,
        };
        stigmer_tree::put(&mut bent, &word).unwrap();
    }
    let received =
        receive(&open(&home.root).unwrap(), &mut bent.as_slice(), &mut home.state, Side::Home).unwrap();
    assert_eq!(received.problems.len(), 1, "{received:?}");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(inside(b"../x"), None);
}

#[test]
fn a_stream_that_is_cut_anywhere_leaves_each_file_whole_and_is_made_up_for() {
    let (mut home, mut away) = (Place::new(), Place::new());
    home.write("a", "old a");
    home.write("b/c", "old c");
    there(&mut home, &mut away);
    home.write("a", "new a");
    home.write("b/c", "new c");
    home.write("d", &"d".repeat(5000));
    let paths: Vec<_> = home.changes().into_iter().map(|change| change.path).collect();
    let mut stream = Vec::new();
    send(&open(&home.root).unwrap(), &paths, &mut stream).unwrap();
    for cut in (0..stream.len()).step_by(37) {
        let cut = receive(&open(&away.root).unwrap(), &mut &stream[..cut], &mut away.state, Side::Away);
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        for (path, one, other) in [("a", "old a", "new a"), ("b/c", "old c", "new c")] {
            assert!([one, other].contains(&away.read(path).as_str()), "{path}");
        }
        let parts = away.tree().into_keys().filter(|path| path.contains(".tmp")).count();
        assert_eq!(parts, 0);
    }
    let received = there(&mut home, &mut away);
    assert_eq!(received.conflicts, []);
    assert_eq!(home.tree(), away.tree());
}

#[test]
fn what_is_left_out_neither_goes_nor_counts_as_gone() {
    struct NoLogs(BTreeSet<PathBuf>);
    impl Choice for NoLogs {
        fn enters(&mut self, path: &Path) {
            self.0.insert(path.to_owned());
        }
        fn leaves_out(&self, path: &Path, is_folder: bool) -> bool {
            assert!(self.0.contains(path.parent().unwrap()), "{path:?} is asked about before its folder");
            (is_folder && path.ends_with("target")) || path.extension().is_some_and(|end| end == "log")
        }
    }
    let (mut home, mut away) = (Place::new(), Place::new());
    home.write("a", "x");
    home.write("a.log", "x");
    home.write("target/x", "x");
    there(&mut home, &mut away); // all of it: nothing was left out yet
    fs::remove_dir_all(home.root.join("target")).unwrap();
    fs::remove_file(home.root.join("a")).unwrap();
    let mut choice = NoLogs(BTreeSet::new());
    let survey = changes(&open(&home.root).unwrap(), &mut home.state, &mut choice).unwrap();
    let paths: Vec<_> = survey.changes.iter().map(|change| &change.path[..]).collect();
    assert_eq!(paths, [b"a"]);
}

#[test]
fn a_state_is_kept_in_a_file_and_a_damaged_one_costs_nothing_but_time() {
    let (mut home, mut away) = (Place::new(), Place::new());
    home.write("a", "x");
    there(&mut home, &mut away);
    let file = home.root.parent().unwrap().join("state");
    home.state.save(&file).unwrap();
    assert_eq!(State::load(&file), home.state);
    fs::write(&file, &fs::read(&file).unwrap()[..20]).unwrap();
    home.state = State::load(&file);
    assert!(home.state.is_empty());
    assert_eq!(there(&mut home, &mut away).conflicts, []);
}

/// Something that happens in one of the places.
#[derive(Debug, Clone)]
enum Act {
    Write(bool, u8),
    Remove(bool, u8),
    Sync,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (any::<bool>(), 0..6u8).prop_map(|(home, file)| Act::Write(home, file)),
        1 => (any::<bool>(), 0..6u8).prop_map(|(home, file)| Act::Remove(home, file)),
        2 => Just(Act::Sync),
    ];
    proptest::collection::vec(act, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_happens_in_both_places_they_become_the_same_and_no_text_is_lost(acts in acts()) {
        let (mut home, mut away) = (Place::new(), Place::new());
        // Some of the names are folders for others: kinds change, too.
        let names = ["a", "b", "d/a", "d/b", "d/e/f", "d"];
        // What was written since the last exchange is in some file in the end, whatever its name.
        let mut wanted: BTreeMap<String, String> = BTreeMap::new();
        for (number, act) in acts.into_iter().enumerate() {
            match act {
                Act::Write(at_home, file) => {
                    let place = if at_home { &home } else { &away };
                    // Each text once: writing the same again would be no change.
                    let (name, text) = (names[file as usize], format!("text {number}"));
                    let path = place.root.join(name);
                    if path.is_dir() || path.ancestors().any(|path| path.is_file() && path != place.root.join(name)) {
                        continue;
                    }
                    place.write(name, &text);
                    wanted.insert(format!("{at_home} {name}"), text);
                }
                Act::Remove(at_home, file) => {
                    let place = if at_home { &home } else { &away };
                    if fs::remove_file(place.root.join(names[file as usize])).is_ok() {
                        wanted.clear(); // what it had is not wanted any more, in whatever place
                    }
                }
                Act::Sync => {
                    there(&mut home, &mut away);
                    back(&mut home, &mut away);
                    wanted.clear();
                }
            }
        }
        there(&mut home, &mut away);
        back(&mut home, &mut away);
        there(&mut home, &mut away);
        back(&mut home, &mut away);
        prop_assert_eq!(home.tree(), away.tree());
        let tree = home.tree();
        for text in wanted.values() {
            prop_assert!(tree.values().any(|is| is.ends_with(&format!(" {text}"))), "{} in {:?}", text, tree);
        }
    }
}
