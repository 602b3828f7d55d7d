use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use stigmer_tree::send;

use super::super::{Copy, Looked};
use super::*;

/// A workspace with a copy of which only the state is kept.
struct Desk {
    top: tempfile::TempDir,
    copy: Copy,
}

impl Desk {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let path = |name: &str| top.path().join(name);
        fs::create_dir(path("work")).unwrap();
        let copy = Copy {
            workspace: path("work"),
            home: path("home"),
            folder: path("home/copy"),
            mark: None,
            watches: Some(Watches::default()),
        };
        Self { top, copy }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.top.path().join("work").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What a copy would bring, and whether all was looked at; from then on it is there.
    fn brings(&self) -> (Vec<String>, bool) {
        let here = self.copy.clone().hold().unwrap();
        let Looked { state, survey, look } = here.look().unwrap();
        let is_whole = look.as_ref().is_none_or(|look| look.paths.is_none());
        let names =
            survey.changes.iter().map(|change| String::from_utf8_lossy(&change.path).into_owned()).collect();
        let all: Vec<_> = survey.changes.iter().map(|change| change.path.clone()).collect();
        let (sent, _) = send(&here.dir, &all, &mut io::sink()).unwrap();
        if let Some(mut state) = state {
            for change in sent {
                state.agree(change);
            }
            here.keep(&state).unwrap();
        }
        let pending =
            survey.problems.iter().filter_map(|problem| stigmer_tree::inside(&problem.path)).collect();
        here.done(look, survey, pending);
        (names, is_whole)
    }

    /// What a copy brings that looks only at what changed.
    #[track_caller]
    fn brings_quickly(&self) -> Vec<String> {
        let (names, is_whole) = self.brings();
        assert!(!is_whole, "all was looked at");
        // A look at everything finds nothing more.
        let here = Copy { watches: None, ..self.copy.clone() }.hold().unwrap();
        assert_eq!(here.look().unwrap().survey.changes, []);
        names
    }

    #[track_caller]
    fn brings_after_a_look_at_all(&self) -> Vec<String> {
        let (names, is_whole) = self.brings();
        assert!(is_whole, "not all was looked at");
        names
    }
}

#[test]
fn the_first_look_is_at_everything_and_the_next_only_at_what_changed() {
    let desk = Desk::new();
    for path in ["a", "b", "d/c", "d/e/f", "x/y"] {
        desk.write(path, "one");
    }
    assert_eq!(desk.brings_after_a_look_at_all(), ["a", "b", "d", "d/c", "d/e", "d/e/f", "x", "x/y"]);
    assert_eq!(desk.brings_quickly(), Vec::<String>::new());
    desk.write("d/e/f", "two");
    desk.write("b", "one"); // the same again
    fs::remove_file(desk.path("a")).unwrap();
    fs::set_permissions(desk.path("d/c"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(desk.brings_quickly(), ["a", "d/c", "d/e/f"]);
    assert_eq!(desk.brings_quickly(), Vec::<String>::new());
}

#[test]
fn what_is_in_new_folders_and_in_moved_ones_is_found_however_late_it_comes() {
    let desk = Desk::new();
    desk.write("old/deep/a", "x");
    desk.brings_after_a_look_at_all();
    desk.write("new/deep/a", "x");
    assert_eq!(desk.brings_quickly(), ["new", "new/deep", "new/deep/a"]);
    desk.write("new/deep/b", "x");
    fs::rename(desk.path("old"), desk.path("moved")).unwrap();
    desk.write("moved/deep/b", "x");
    assert_eq!(
        desk.brings_quickly(),
        [
            "moved",
            "moved/deep",
            "moved/deep/a",
            "moved/deep/b",
            "new/deep/b",
            "old",
            "old/deep",
            "old/deep/a"
        ]
    );
    desk.write("moved/deep/a", "changed after the folder has moved");
    assert_eq!(desk.brings_quickly(), ["moved/deep/a"]);
    fs::remove_dir_all(desk.path("new")).unwrap();
    symlink("moved", desk.path("new")).unwrap();
    assert_eq!(desk.brings_quickly(), ["new", "new/deep", "new/deep/a", "new/deep/b"]);
}

#[test]
fn more_changes_than_are_remembered_make_the_next_look_one_at_everything() {
    let desk = Desk::new();
    let write = |text: &str| {
        for number in 0..10_000 {
            desk.write(&format!("d{}/f{number}", number % 50), text);
        }
    };
    write("one");
    assert_eq!(desk.brings_after_a_look_at_all().len(), 10_050);
    write("two");
    assert_eq!(desk.brings_after_a_look_at_all().len(), 10_000);
    desk.write("d7/f7", "changed");
    assert_eq!(desk.brings_quickly(), ["d7/f7"]);
}

#[test]
fn rules_that_change_make_the_next_look_one_at_everything() {
    let desk = Desk::new();
    desk.write(".gitignore", "build/\n");
    desk.write("build/out", "x");
    fs::create_dir(desk.path(".git")).unwrap();
    assert_eq!(desk.brings_after_a_look_at_all(), [".git", ".gitignore"]);
    desk.write("build/more", "x");
    assert_eq!(desk.brings_quickly(), Vec::<String>::new());
    desk.write(".gitignore", "# nothing\n");
    assert_eq!(desk.brings_after_a_look_at_all(), [".gitignore", "build", "build/more", "build/out"]);
    desk.write("build/out", "seen from now on");
    assert_eq!(desk.brings_quickly(), ["build/out"]);
    desk.write("sub/.dockerignore", "of no meaning here");
    desk.write(".dockerignore", "sub\n");
    assert_eq!(desk.brings_after_a_look_at_all(), [".dockerignore"]);
    // Those above the workspace are not watched, and are found to have changed all the same.
    fs::remove_dir(desk.path(".git")).unwrap();
    fs::create_dir(desk.top.path().join(".git")).unwrap();
    fs::write(desk.top.path().join(".gitignore"), "above\n").unwrap();
    desk.write("above", "x");
    assert_eq!(desk.brings_after_a_look_at_all(), [".git"]);
    fs::write(desk.top.path().join(".gitignore"), "nothing at all\n").unwrap();
    assert_eq!(desk.brings_after_a_look_at_all(), ["above"]);
}

#[test]
fn a_state_that_somebody_else_wrote_or_damaged_is_compared_with_everything() {
    let desk = Desk::new();
    desk.write("a", "x");
    desk.brings_after_a_look_at_all();
    // An engine without a watch has copied meanwhile.
    desk.write("b", "x");
    let other = Desk { top: tempfile::tempdir().unwrap(), copy: Copy { watches: None, ..desk.copy.clone() } };
    assert_eq!(other.brings_after_a_look_at_all(), ["b"]);
    assert_eq!(desk.brings_after_a_look_at_all(), Vec::<String>::new());
    assert_eq!(desk.brings_quickly(), Vec::<String>::new());
    fs::write(desk.copy.folder.join("state"), "damaged").unwrap();
    assert_eq!(desk.brings_after_a_look_at_all(), ["a", "b"]);
    fs::remove_file(desk.copy.folder.join("state")).unwrap();
    assert_eq!(desk.brings_after_a_look_at_all(), ["a", "b"]);
}

#[test]
fn a_workspace_that_was_replaced_is_watched_anew() {
    let desk = Desk::new();
    desk.write("a", "x");
    desk.brings_after_a_look_at_all();
    fs::rename(desk.path(""), desk.top.path().join("before")).unwrap();
    desk.write("b", "x");
    assert_eq!(desk.brings_after_a_look_at_all(), ["a", "b"]);
    desk.write("c", "x");
    assert_eq!(desk.brings_quickly(), ["c"]);
}

#[test]
fn two_copies_of_a_workspace_each_get_what_they_lack() {
    let desk = Desk::new();
    let folder = desk.top.path().join("home/other");
    let other = Desk { top: tempfile::tempdir().unwrap(), copy: Copy { folder, ..desk.copy.clone() } };
    desk.write("a", "x");
    desk.brings_after_a_look_at_all();
    assert_eq!(other.brings_after_a_look_at_all(), ["a"]);
    desk.write("b", "x");
    assert_eq!(desk.brings_quickly(), ["b"]);
    desk.write("c", "x");
    assert_eq!(other.brings_quickly(), ["b", "c"]);
    assert_eq!(desk.brings_quickly(), ["c"]);
}

#[test]
fn what_could_not_go_is_looked_at_again_and_what_has_other_names_always() {
    let desk = Desk::new();
    desk.write("a", "x");
    symlink("/etc/passwd", desk.path("out")).unwrap();
    let elsewhere = desk.top.path().join("elsewhere");
    fs::write(&elsewhere, "one").unwrap();
    fs::hard_link(&elsewhere, desk.path("shared")).unwrap();
    assert_eq!(desk.brings_after_a_look_at_all(), ["a", "shared"]);
    // Nothing tells of this in the folder that is watched.
    fs::write(&elsewhere, "two").unwrap();
    assert_eq!(desk.brings_quickly(), ["shared"]);
    let here = desk.copy.clone().hold().unwrap();
    let problems = here.look().unwrap().survey.problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn a_copy_that_broke_off_is_made_up_for() {
    let desk = Desk::new();
    desk.write("a", "x");
    desk.brings_after_a_look_at_all();
    desk.write("b", "x");
    {
        let here = desk.copy.clone().hold().unwrap();
        assert_eq!(here.look().unwrap().survey.changes.len(), 1);
        // … and nothing arrives.
    }
    desk.write("c", "x");
    assert_eq!(desk.brings_quickly(), ["b", "c"]);
}

#[test]
fn a_workspace_that_nobody_copies_is_not_watched_for_ever() {
    let desk = Desk::new();
    desk.write("a", "x");
    desk.brings_after_a_look_at_all();
    let (watches, root) = (desk.copy.watches.clone().unwrap(), desk.path("").canonicalize().unwrap());
    let watch = match &watches.lock()[&root] {
        Slot::Watched(watch) => Arc::downgrade(watch),
        Slot::Unwatchable(_) => panic!("it is watched"),
    };
    assert!(watches.end_if_unused(&root, &watch).is_some_and(|rest| rest <= UNUSED));
    watch.upgrade().unwrap().state().used = Instant::now().checked_sub(UNUSED).unwrap();
    assert_eq!(watches.end_if_unused(&root, &watch), None);
    assert!(watches.lock().is_empty() && watch.upgrade().is_none());
    desk.write("b", "x");
    assert_eq!(desk.brings_after_a_look_at_all(), ["b"]);
}
