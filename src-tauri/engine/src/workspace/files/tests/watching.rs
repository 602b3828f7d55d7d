//! Watching real folders. Waits are ended by events; the deadline is only there to fail.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;

const DEADLINE: Duration = Duration::from_secs(30);

async fn watch(place: &Place) -> Watched {
    Watched::new(&place.root(), &place.home()).await.unwrap()
}

async fn next(watched: &mut Watched) -> Change {
    tokio::time::timeout(DEADLINE, watched.changed()).await.expect("no change").unwrap()
}

/// Waits until all of these were told, and gives everything that was.
async fn told(watched: &mut Watched, expected: &[&str]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    while !expected.iter().all(|path| seen.contains(*path)) {
        match next(watched).await {
            Change::Paths(paths) => seen.extend(paths.iter().map(|path| path.to_str().unwrap().to_owned())),
            other => panic!("{other:?} and not {expected:?}"),
        }
    }
    seen
}

#[tokio::test]
async fn files_and_folders_that_come_change_and_go_are_told() {
    let place = Place::with(&["a", "sub/b"]);
    let mut watched = watch(&place).await;
    place.put("a", "changed");
    place.files().create(Path::new("new/deep"), New::Folder).unwrap();
    assert_eq!(told(&mut watched, &["a", "new"]).await.iter().next().unwrap(), "a");
    place.put("new/deep/file", "x");
    told(&mut watched, &["new/deep/file"]).await;
    fs::remove_dir_all(place.path("sub")).unwrap();
    told(&mut watched, &["sub"]).await;
    fs::rename(place.path("a"), place.path("c")).unwrap();
    told(&mut watched, &["a", "c"]).await;
}

#[tokio::test]
async fn inside_ignored_folders_nothing_is_told_but_an_ignored_file_may_be_open() {
    let place = Place::with(&["node_modules/x/y", ".git/HEAD"]);
    place.put(".gitignore", "node_modules/\n*.log\n");
    let mut watched = watch(&place).await;
    place.put("node_modules/x/y", "changed");
    place.put(".git/HEAD", "changed");
    place.write("out.log", "x", &Expected::Any).unwrap();
    let seen = told(&mut watched, &["out.log"]).await;
    assert_eq!(seen, BTreeSet::from(["out.log".to_owned()]));
}

#[tokio::test]
async fn a_folder_that_is_no_longer_ignored_is_watched() {
    let place = Place::with(&["build/x"]);
    place.put(".gitignore", "build/\n");
    let mut watched = watch(&place).await;
    place.put(".gitignore", "\n");
    told(&mut watched, &[".gitignore"]).await;
    place.put("build/x", "changed");
    told(&mut watched, &["build/x"]).await;
}

#[tokio::test]
async fn more_changes_than_anyone_shows_are_told_as_too_many() {
    let place = Place::with(&[]);
    let mut watched = watch(&place).await;
    for number in 0..3000 {
        place.put(&format!("file{number}"), "");
    }
    while next(&mut watched).await != Change::TooMany {}
}

#[tokio::test]
async fn a_workspace_that_goes_and_comes_back_is_told_and_watched_again() {
    let place = Place::with(&["a"]);
    let mut watched = watch(&place).await;
    fs::rename(place.root(), place.top.path().join("away")).unwrap();
    assert_eq!(next(&mut watched).await, Change::Gone);
    fs::create_dir(place.root()).unwrap();
    assert_eq!(next(&mut watched).await, Change::Back);
    place.put("new", "x");
    told(&mut watched, &["new"]).await;
}

#[tokio::test]
async fn another_folder_in_the_place_of_the_workspace_is_noticed() {
    let place = Place::with(&["a"]);
    let mut watched = watch(&place).await;
    fs::rename(place.root(), place.top.path().join("away")).unwrap();
    fs::create_dir(place.root()).unwrap();
    while next(&mut watched).await != Change::Back {}
    place.put("new", "x");
    told(&mut watched, &["new"]).await;
}

#[tokio::test]
async fn a_workspace_that_was_never_there_is_told_as_gone() {
    let place = Place::with(&[]);
    fs::remove_dir(place.root()).unwrap();
    let mut watched = watch(&place).await;
    assert_eq!(next(&mut watched).await, Change::Gone);
}

#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    let place = Place::with(&["a"]);
    let mut watched = watch(&place).await;
    place.put("a", "changed");
    for _ in 0..20 {
        let _ = tokio::time::timeout(Duration::from_millis(5), watched.changed()).await;
    }
    told(&mut watched, &["a"]).await;
}
