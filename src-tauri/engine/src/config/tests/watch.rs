//! Changes are seen as they happen. Nothing here sleeps: each test waits for what it expects, with a deadline.

use std::fs;
use std::time::Duration;

use tokio::sync::watch::Receiver;

use super::super::{State, set, watch};
use super::*;
use crate::spec::Mode;

async fn seen(states: &mut Receiver<State>, expected: impl Fn(&State) -> bool) -> State {
    let wait = states.wait_for(|state| expected(state));
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("no change was seen").unwrap().clone()
}

async fn mode_becomes(states: &mut Receiver<State>, mode: Mode) {
    seen(states, |state| state.config.mode() == mode && state.problem.is_none()).await;
}

#[tokio::test]
async fn a_file_replaced_by_rename_is_seen_again_and_again() {
    let desk = Desk::with_user("mode: local\n");
    let mut states = watch(desk.sources.clone()).unwrap();
    for mode in [Mode::Auto, Mode::Sandbox, Mode::Daytona] {
        let draft = desk.folder.path().join("draft");
        fs::write(&draft, format!("mode: {}\n", mode.name())).unwrap();
        fs::rename(&draft, desk.user()).unwrap();
        mode_becomes(&mut states, mode).await;
    }
    set(&desk.user(), "mode", "local").unwrap();
    mode_becomes(&mut states, Mode::Local).await;
}

#[tokio::test]
async fn a_broken_file_keeps_the_last_good_settings_until_it_is_mended() {
    let desk = Desk::with_user("mode: auto\n");
    let mut states = watch(desk.sources.clone()).unwrap();
    fs::write(desk.user(), "mode: [").unwrap();
    let broken = seen(&mut states, |state| state.problem.is_some()).await;
    assert_eq!(broken.config.mode(), Mode::Auto);
    assert_eq!(broken.problem.unwrap().code, "config");
    fs::write(desk.user(), "mode: sandbox\n").unwrap();
    mode_becomes(&mut states, Mode::Sandbox).await;
}

#[tokio::test]
async fn a_file_in_a_folder_that_appears_later_is_seen_also_when_it_goes_and_comes_back() {
    let mut desk = Desk::new();
    let folder = desk.folder.path().join("later/still");
    desk.sources.user = UserFile::Usual(folder.join("config.yaml"));
    let mut states = watch(desk.sources.clone()).unwrap();
    for _ in 0..2 {
        fs::create_dir_all(&folder).unwrap();
        fs::write(desk.user(), "mode: auto\n").unwrap();
        mode_becomes(&mut states, Mode::Auto).await;
        fs::remove_dir_all(desk.folder.path().join("later")).unwrap();
        mode_becomes(&mut states, Mode::Local).await;
    }
}

#[tokio::test]
async fn a_project_file_that_appears_nearer_takes_over() {
    let desk = Desk::new();
    let mut states = watch(desk.sources.clone()).unwrap();
    fs::write(desk.project(), "mode: auto\n").unwrap();
    mode_becomes(&mut states, Mode::Auto).await;
    let nearer = desk.sources.workspace.as_ref().unwrap().join(".stigmer.yaml");
    fs::write(&nearer, "mode: sandbox\n").unwrap();
    mode_becomes(&mut states, Mode::Sandbox).await;
    fs::remove_file(&nearer).unwrap();
    mode_becomes(&mut states, Mode::Auto).await;
}

#[tokio::test]
async fn what_changes_no_value_wakes_nobody() {
    let desk = Desk::with_user("mode: auto\n");
    let mut states = watch(desk.sources.clone()).unwrap();
    states.mark_unchanged();
    fs::write(desk.user(), "# moved\nmode: auto\n").unwrap();
    // The next change that is told is the later one: the comment was none.
    fs::write(desk.project(), "ui: {}\nmode: sandbox\n").unwrap();
    tokio::time::timeout(Duration::from_secs(30), states.changed()).await.unwrap().unwrap();
    assert_eq!(states.borrow().config.mode(), Mode::Sandbox);
}

#[cfg(unix)]
#[tokio::test]
async fn a_change_behind_a_link_is_seen() {
    let desk = Desk::new();
    let real = desk.folder.path().join("dotfiles/config.yaml");
    fs::create_dir(real.parent().unwrap()).unwrap();
    fs::write(&real, "mode: local\n").unwrap();
    std::os::unix::fs::symlink("dotfiles/config.yaml", desk.user()).unwrap();
    let mut states = watch(desk.sources.clone()).unwrap();
    fs::write(&real, "mode: auto\n").unwrap();
    mode_becomes(&mut states, Mode::Auto).await;
}
