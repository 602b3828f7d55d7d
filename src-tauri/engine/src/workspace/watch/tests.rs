//! Watching real folders. Waits are ended by events; the deadline is only there to fail.

use std::collections::BTreeSet;
use std::fs;

use super::*;

const DEADLINE: Duration = Duration::from_secs(30);

/// A folder with a watch on it.
struct Watched {
    folder: tempfile::TempDir,
    watcher: Watcher,
    /// What was expected so far: the last event of a change may come after the burst that told of it.
    known: BTreeSet<String>,
}

impl Watched {
    /// Watches a folder that has these files; each contains its own name, or its rules.
    fn new(globs: &[&str], files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            write(&folder.path().join(file), file);
        }
        let watcher = watch(folder.path(), globs).unwrap();
        Self { folder, watcher, known: BTreeSet::new() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str) {
        write(&self.path(path), path);
    }

    async fn changed(&mut self) -> Vec<String> {
        let changed = tokio::time::timeout(DEADLINE, self.watcher.changed()).await.expect("no change");
        changed.unwrap().iter().map(|path| path.to_str().unwrap().replace('\\', "/")).collect()
    }

    /// Waits until these have changed and nothing else, in one burst or several.
    async fn change(&mut self, expected: &[&str]) {
        self.known.extend(expected.iter().map(|path| (*path).to_owned()));
        let mut seen = BTreeSet::new();
        while !expected.iter().all(|path| seen.contains(*path)) {
            seen.extend(self.changed().await);
            assert!(seen.is_subset(&self.known), "{seen:?} and not {expected:?}");
        }
    }
}

fn watch(root: &Path, globs: &[&str]) -> Result<Watcher> {
    let globs: Vec<_> = globs.iter().map(|glob| (*glob).to_owned()).collect();
    Watcher::new(root, &Home::at(root.join("home-of-stigmer")), &globs)
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn files_that_are_made_written_renamed_and_removed_have_changed() {
    let mut watched = Watched::new(&[], &["old", "sub/deep/old"]);
    watched.write("new");
    watched.change(&["new"]).await;
    watched.write("sub/deep/old");
    watched.change(&["sub/deep/old"]).await;
    fs::rename(watched.path("old"), watched.path("sub/older")).unwrap();
    watched.change(&["old", "sub/older"]).await;
    fs::remove_file(watched.path("new")).unwrap();
    watched.change(&["new"]).await;
}

#[tokio::test]
async fn changes_of_one_burst_come_together_and_sorted() {
    let mut watched = Watched::new(&[], &[]);
    let names: Vec<_> = (0..100).map(|index| format!("file-{index:02}")).collect();
    for name in &names {
        watched.write(name);
    }
    let (mut bursts, mut changed) = (0, BTreeSet::new());
    while changed.len() < names.len() {
        let burst = watched.changed().await;
        assert!(burst.is_sorted());
        changed.extend(burst);
        bursts += 1;
    }
    assert!(changed.into_iter().eq(names));
    assert!(bursts < 5, "{bursts} bursts, though only a stalled machine makes more than one");
}

#[tokio::test]
async fn reading_and_metadata_are_no_change() {
    let mut watched = Watched::new(&[], &["file", "last"]);
    fs::read(watched.path("file")).unwrap();
    let mut permissions = fs::metadata(watched.path("file")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(watched.path("file"), permissions).unwrap();
    watched.write("last");
    watched.change(&["last"]).await;
}

#[tokio::test]
async fn what_is_ignored_is_no_change_and_costs_no_watch() {
    let mut watched = Watched::new(&[], &["node_modules/a/b.js", "src/main.rs"]);
    fs::write(watched.path(".ignore"), "node_modules/\n*.log\n").unwrap();
    watched.change(&[".ignore"]).await;
    for ignored in
        ["node_modules/a/b.js", "x.log", ".git/HEAD", "src/main.rs~", "src/.main.rs.swp", "home-of-stigmer/a"]
    {
        watched.write(ignored);
    }
    watched.write("src/main.rs");
    watched.change(&["src/main.rs"]).await;
    let folders = watched.watcher.tree.lock().unwrap().folders();
    assert_eq!(folders, ["", "src"].map(PathBuf::from));
}

#[tokio::test]
async fn rules_that_change_hold_at_once() {
    let mut watched = Watched::new(&["*.py"], &["out/a.py"]);
    fs::write(watched.path(".gitignore"), "out/").unwrap();
    watched.write("before.py");
    watched.change(&["before.py"]).await;
    watched.write("out/a.py");
    fs::remove_file(watched.path(".gitignore")).unwrap();
    watched.write("between.py");
    // Whether `out` is watched again before this is written does not matter: it is listed then.
    watched.change(&["between.py"]).await;
    watched.write("out/a.py");
    watched.change(&["out/a.py"]).await;
}

#[tokio::test]
async fn files_in_new_folders_are_found_however_soon_they_are_made() {
    let mut watched = Watched::new(&["*.py"], &[]);
    watched.write("a/b/c/one.py");
    watched.write("a/b/two.txt");
    watched.change(&["a/b/c/one.py"]).await;
    watched.write("a/b/c/three.py");
    watched.change(&["a/b/c/three.py"]).await;
    // The same folder, made anew.
    fs::remove_dir_all(watched.path("a")).unwrap();
    watched.change(&["a/b/c/one.py", "a/b/c/three.py"]).await;
    watched.write("a/b/c/four.py");
    watched.change(&["a/b/c/four.py"]).await;
}

#[tokio::test]
async fn a_folder_that_is_moved_away_stands_for_its_files() {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut watched = Watched::new(&["*.py"], &["pkg/sub/a.py"]);
    fs::rename(watched.path("pkg"), elsewhere.path().join("pkg")).unwrap();
    watched.change(&["pkg"]).await;
    fs::rename(elsewhere.path().join("pkg"), watched.path("again")).unwrap();
    watched.change(&["again/sub/a.py"]).await;
    write(&watched.path("again/sub/b.py"), "");
    watched.change(&["again/sub/b.py"]).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_save_through_a_temporary_file_changes_one_file() {
    let mut watched = Watched::new(&[], &["file"]);
    watched.write("file.tmp-1234");
    fs::rename(watched.path("file.tmp-1234"), watched.path("file")).unwrap();
    assert_eq!(watched.changed().await, ["file"]);
}

#[tokio::test]
async fn changes_while_nobody_waits_and_of_a_wait_given_up_are_not_lost() {
    let mut watched = Watched::new(&[], &["a", "b"]);
    watched.write("a");
    for _ in 0..20 {
        // Given up at whatever point the wait has reached.
        if let Ok(changed) = tokio::time::timeout(Duration::from_millis(5), watched.watcher.changed()).await {
            assert_eq!(changed.unwrap(), [PathBuf::from("a")]);
            watched.write("a");
        }
    }
    watched.change(&["a"]).await;
}

#[tokio::test]
async fn when_events_were_lost_every_file_counts_as_changed() {
    let mut watched = Watched::new(&["*.py"], &["a.py", "sub/b.py", "c.txt"]);
    let lost = notify::Event::new(notify::EventKind::Other).set_flag(notify::event::Flag::Rescan);
    watched.watcher.inbox.take(Ok(lost), |_| true);
    assert_eq!(watched.changed().await, ["a.py", "sub/b.py"]);
}

#[tokio::test]
async fn a_root_that_is_gone_ends_the_watch() {
    let mut watched = Watched::new(&[], &["a"]);
    fs::remove_dir_all(watched.folder.path()).unwrap();
    for _ in 0..2 {
        let changed = tokio::time::timeout(DEADLINE, watched.watcher.changed()).await.unwrap();
        assert_eq!(changed.unwrap_err().code(), "folder-unusable");
    }
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for path in ["missing", "file"] {
        assert_eq!(watch(&folder.path().join(path), &[]).unwrap_err().code(), "folder-unusable");
    }
    assert_eq!(watch(folder.path(), &["["]).unwrap_err().code(), "pattern");
}
