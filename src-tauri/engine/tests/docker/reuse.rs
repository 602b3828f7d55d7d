//! Which runs share a sandbox, how long it stays, and what is held ready.

use std::time::Duration;

use stigmer_engine::live::Stop;
use stigmer_engine::spec::Sandbox;
use stigmer_engine::state::RunRecord;

use crate::common::{until, within};
use crate::desk::{end, start};
use crate::docker::docker;
use crate::yard::{Yard, facts, fresh, refused, succeeds};

fn container(record: &RunRecord) -> (&str, bool) {
    let facts = facts(record);
    (&facts.container, facts.reused)
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_ask_for_the_same_share_a_sandbox_and_others_do_not() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let (first, _) = succeeds(&engine, yard.line("echo kept >/tmp/kept")).await;
    let (second, said) = succeeds(&engine, yard.line("cat /tmp/kept")).await;
    assert_eq!((container(&second), said.as_str()), ((container(&first).0, true), "kept\n"));
    std::fs::create_dir(yard.workspace.join("other")).unwrap();
    let mounts = vec![format!("{}:/data", yard.workspace.join("other").display()).parse().unwrap()];
    let asked = [
        Sandbox { memory: Some(64 << 20), ..Sandbox::default() },
        Sandbox { cpus: Some(0.5), ..Sandbox::default() },
        Sandbox { pids: Some(100), ..Sandbox::default() },
        Sandbox { mounts, ..Sandbox::default() },
        Sandbox { image: Some("stigmer-test/debian".into()), ..Sandbox::default() },
        Sandbox { user: Some("sandbox".into()), ..Sandbox::default() },
    ];
    let mut names = vec![container(&first).0.to_owned()];
    for sandbox in asked {
        let (record, _) = succeeds(&engine, yard.within(sandbox.clone(), "true")).await;
        assert!(!names.contains(&container(&record).0.to_owned()), "{sandbox:?}");
        names.push(container(&record).0.to_owned());
    }
    let mut elsewhere = yard.line("pwd; ls");
    elsewhere.workspace = yard.workspace.join("other");
    let (record, said) = succeeds(&engine, elsewhere).await;
    assert!(!names.contains(&container(&record).0.to_owned()) && said == "/workspace\n", "{said}");
    // Variables make no difference.
    let mut spec = yard.line("echo $A");
    spec.env.set.insert("A".to_owned(), Some("b".into()));
    assert_eq!(container(&succeeds(&engine, spec).await.0), (names[0].as_str(), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_that_start_together_share_one_sandbox() {
    let yard = Yard::new();
    let (one, other) = (yard.open().await, yard.open().await);
    let mut ids = Vec::new();
    for index in 0..8 {
        let engine = if index % 2 == 0 { &one } else { &other };
        ids.push((engine, start(engine, yard.line("echo said")).await));
    }
    let mut names = Vec::new();
    for (engine, id) in ids {
        let record = end(engine, id).await;
        assert_eq!(record.state.word(), "succeeded");
        names.push(container(&record).0.to_owned());
    }
    names.dedup();
    assert_eq!(names.len(), 1);
    assert_eq!(yard.containers(), names);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_its_own_is_gone_with_its_run() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let (first, _) = succeeds(&engine, yard.within(fresh(), "echo >/tmp/mine")).await;
    let (second, _) = succeeds(&engine, yard.within(fresh(), "test ! -e /tmp/mine")).await;
    assert!(container(&first).0 != container(&second).0 && !container(&second).1);
    until("they are gone", || yard.containers().is_empty().then_some(())).await;
    within(engine.close(Stop::Force)).await;
    assert_eq!(folders(&yard), Vec::<String>::new());
}

/// Folders of containers in the home.
fn folders(yard: &Yard) -> Vec<String> {
    let entries = std::fs::read_dir(yard.home.root().join("sandboxes")).unwrap().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_one_stays_and_takes_more_runs() {
    let yard = Yard::new();
    let engine = yard.open().await;
    within(engine.stay()).await;
    let keep = Sandbox { fresh: true, keep: true, ..Sandbox::default() };
    let (record, _) = succeeds(&engine, yard.within(keep, "echo >/tmp/mine")).await;
    let name = container(&record).0.to_owned();
    within(engine.close(Stop::Force)).await;
    let engine = yard.open().await;
    within(engine.stay()).await;
    assert_eq!(yard.containers(), std::slice::from_ref(&name));
    let inside = Sandbox { within: Some(name.clone()), ..Sandbox::default() };
    let (again, _) = succeeds(&engine, yard.within(inside.clone(), "test -e /tmp/mine")).await;
    assert_eq!(container(&again), (name.as_str(), true));
    // It is not the one that others share.
    assert_ne!(container(&succeeds(&engine, yard.line("true")).await.0).0, name);
    let (docker_, wish) = engine.docker(None).unwrap();
    within(docker_.stop_sandbox(&wish, &name)).await.unwrap();
    let error = refused(&engine, yard.within(inside.clone(), "true")).await;
    assert_eq!(error.code, "conflict");
    within(docker_.start_sandbox(&wish, &name)).await.unwrap();
    succeeds(&engine, yard.within(inside.clone(), "test -e /tmp/mine")).await;
    within(docker_.remove_sandbox(&wish, &name)).await.unwrap();
    assert_eq!(refused(&engine, yard.within(inside, "true")).await.code, "sandbox-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_goes_by_itself_when_its_time_is_over_and_the_next_run_gets_another() {
    let yard = Yard::with("ttl: 1");
    let engine = yard.open().await;
    let (first, _) = succeeds(&engine, yard.line("echo >/tmp/mine; sleep 1.5")).await;
    until("it is gone", || yard.containers().is_empty().then_some(())).await;
    let (second, _) = succeeds(&engine, yard.line("test ! -e /tmp/mine")).await;
    assert_eq!(container(&second), (container(&first).0, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_comes_just_when_the_time_is_over_is_carried_out_all_the_same() {
    let yard = Yard::with("ttl: 1");
    let engine = yard.open().await;
    for round in 0..12 {
        succeeds(&engine, yard.line("true")).await;
        tokio::time::sleep(Duration::from_millis(994 + round)).await; // the moment is what this test is about
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_time_to_live_a_sandbox_serves_its_run() {
    let yard = Yard::with("ttl: 0");
    let engine = yard.open().await;
    succeeds(&engine, yard.line("sleep 0.2; echo said")).await;
    succeeds(&engine, yard.within(fresh(), "sleep 0.2; echo said")).await;
    until("they are gone", || yard.containers().is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_cleaning_up_sandboxes_stay() {
    let yard = Yard::with("cleanup: false");
    let engine = yard.open().await;
    within(engine.stay()).await;
    let (shared, _) = succeeds(&engine, yard.line("true")).await;
    succeeds(&engine, yard.within(fresh(), "true")).await;
    assert_eq!(yard.containers().len(), 2);
    within(engine.close(Stop::Force)).await;
    let engine = yard.open().await;
    within(engine.stay()).await;
    assert_eq!(yard.containers().len(), 2);
    assert_eq!(container(&succeeds(&engine, yard.line("true")).await.0), (container(&shared).0, true));
    // Also one that somebody stopped serves on, with what is in it.
    succeeds(&engine, yard.line("echo >/tmp/mine")).await;
    docker(&["stop", container(&shared).0]);
    let (again, _) = succeeds(&engine, yard.line("test -e /tmp/mine")).await;
    assert_eq!(container(&again).0, container(&shared).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_somebody_stopped_or_restarted_is_no_hindrance() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let (first, _) = succeeds(&engine, yard.line("true")).await;
    docker(&["restart", "--time", "0", container(&first).0]);
    succeeds(&engine, yard.line("true")).await;
    docker(&["kill", container(&first).0]);
    succeeds(&engine, yard.line("true")).await;
    docker(&["rm", "--force", container(&first).0]);
    succeeds(&engine, yard.line("true")).await;
    std::fs::remove_dir_all(yard.home.root().join("sandboxes").join(container(&first).0)).unwrap();
    succeeds(&engine, yard.line("true")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_stays_holds_sandboxes_ready_and_takes_them_along_when_it_goes() {
    let yard = Yard::with("warm: 2");
    let engine = yard.open().await;
    within(engine.stay()).await;
    succeeds(&engine, yard.within(fresh(), "true")).await;
    // Two that wait, and none that served.
    until("two are ready", || (yard.containers().len() == 2).then_some(())).await;
    let sockets = || {
        let ready =
            |name: &String| yard.home.root().join("sandboxes").join(name).join("shared/socket").exists();
        (yard.containers().iter().filter(|name| ready(name)).count() == 2).then(|| yard.containers())
    };
    let ready = until("they listen", sockets).await;
    let (record, _) = succeeds(&engine, yard.within(fresh(), "true")).await;
    assert!(ready.contains(&container(&record).0.to_owned()), "{ready:?} {}", container(&record).0);
    assert!(!container(&record).1);
    until("another one is made", || {
        let now = yard.containers();
        (now.len() == 2 && !now.contains(&container(&record).0.to_owned())).then_some(())
    })
    .await;
    // At once after a run, while another one is just being made.
    succeeds(&engine, yard.within(fresh(), "true")).await;
    within(engine.close(Stop::Force)).await;
    until("the one that served is gone", || yard.containers().is_empty().then_some(())).await;
    assert_eq!(folders(&yard), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn homes_do_not_touch_each_others_sandboxes() {
    let (one, other) = (Yard::new(), Yard::new());
    let (engine, stays) = (one.open().await, other.open().await);
    let (record, _) = succeeds(&engine, one.line("true")).await;
    within(stays.stay()).await;
    succeeds(&stays, other.line("true")).await;
    within(stays.close(Stop::Force)).await;
    assert_eq!((other.containers(), one.containers()), (Vec::new(), vec![container(&record).0.to_owned()]));
    let others = Sandbox { within: Some(container(&record).0.to_owned()), ..Sandbox::default() };
    let stays = other.open().await;
    assert_eq!(refused(&stays, other.within(others, "true")).await.code, "conflict");
    assert_eq!(container(&succeeds(&engine, one.line("true")).await.0), (container(&record).0, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_stays_leaves_alone_what_another_uses() {
    let yard = Yard::new();
    let works = yard.open().await;
    let id = start(&works, yard.line("echo >began; while [ ! -e end ]; do sleep 0.01; done")).await;
    yard.until_said("began").await;
    let (shared, _) =
        succeeds(&works, yard.within(Sandbox { pids: Some(99), ..Sandbox::default() }, "true")).await;
    let stays = yard.open().await;
    within(stays.stay()).await;
    // What nobody uses went.
    assert!(!yard.containers().contains(&container(&shared).0.to_owned()));
    within(stays.close(Stop::Force)).await;
    yard.say("end");
    assert_eq!(end(&works, id).await.state.word(), "succeeded");
}
