//! Engines that are not there, break off, or lose a sandbox under a run: each is told as what it is, and nothing is left.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::time::Duration;

use stigmer_engine::home::Home;
use stigmer_engine::live::Stop;
use stigmer_engine::spec::{Mode, Sandbox};
use stigmer_engine::state::Outcome;

use crate::common::{Child, MARKER, Marker, process, until, within};
use crate::desk::{bytes, drain, end, happenings, outcome, output, read_until, start, start_attached};
use crate::docker::docker;
use crate::wire::{Broken, Wire};
use crate::yard::{TINY, Yard, facts, fresh, ran, refused, succeeds};

const HOME: &str = "STIGMER_TEST_HOME";

/// Settings that the processes of these tests have.
const TO_ALL: &str =
    "mode: sandbox\nsandbox: { image: 'stigmer-test/tiny:1', auto_pull: false, network: none, warm: 0, ";

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_not_there_is_told_with_what_to_do() {
    let yard = Yard::with("docker_host: 'unix:///no/such.sock'");
    let engine = yard.open().await;
    let error = refused(&engine, yard.line("true")).await;
    assert_eq!(error.code, "backend-unavailable");
    assert!(error.message.contains("no such socket") && error.message.contains("/no/such.sock"), "{error:?}");
    assert!(error.hint.unwrap().contains("start Docker"));
    let wire = Broken::new();
    wire.set(Wire::Refuses);
    yard.set(&format!("image: '{TINY}', {}", wire.setting()));
    let error = refused(&engine, yard.line("true")).await;
    assert!(error.message.contains("nobody answers"), "{error:?}");
    assert!(error.message.contains("named by `sandbox.docker_host`"), "{error:?}");
    // And everything that asks for lists says the same.
    let (docker, wish) = engine.docker(None).unwrap();
    assert_eq!(within(docker.sandboxes(&wish, true)).await.unwrap_err().code(), "backend-unavailable");
    assert_eq!(within(docker.images(&wish)).await.unwrap_err().code(), "backend-unavailable");
    // Runs of this machine go on.
    let mut spec = yard.line("true");
    spec.target.mode = Some(Mode::Local);
    assert_eq!(outcome(&ran(&engine, spec).await.0), &Outcome::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_hangs_is_given_up_and_meanwhile_a_stop_is_heard() {
    let wire = Broken::new();
    let yard = Yard::with(&wire.setting());
    wire.set(Wire::Hangs);
    let engine = yard.open().await;
    assert_eq!(within(engine.docker_address(None)).await.unwrap_err().code(), "backend-unavailable");
    let id = start(&engine, yard.line("true")).await;
    until("it waits", || happenings(&engine, id).contains(&"preparing").then_some(())).await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    let error = refused(&engine, yard.line("true")).await;
    assert!(error.message.contains("no answer"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_just_starting_is_waited_for() {
    let wire = Broken::new();
    let yard = Yard::with(&wire.setting());
    let engine = yard.open().await;
    wire.set(Wire::Starts(4));
    let (record, _) = succeeds(&engine, yard.line("true")).await;
    let told = format!("{:?}", engine.events(record.id, 0).unwrap().0);
    assert!(told.contains("wait for Docker"), "{told}");
    // One that takes its first callers and drops them.
    wire.set(Wire::Drops(2));
    succeeds(&engine, yard.within(fresh(), "true")).await;
    // One that holds the door shut while it starts.
    wire.set(Wire::Hangs);
    let id = start(&engine, yard.within(fresh(), "true")).await;
    until("it waits", || happenings(&engine, id).contains(&"preparing").then_some(())).await;
    wire.set(Wire::Works);
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_broke_between_runs_is_made_again() {
    let wire = Broken::new();
    let yard = Yard::with(&wire.setting());
    let engine = yard.open().await;
    for _ in 0..3 {
        succeeds(&engine, yard.line("true")).await;
        wire.set(Wire::Refuses);
        wire.set(Wire::Works);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_without_the_engine_while_its_sandbox_does() {
    let wire = Broken::new();
    let yard = Yard::with(&wire.setting());
    let engine = yard.open().await;
    let line = "echo began; while [ ! -e end ]; do sleep 0.01; done; seq 1 1000";
    let (id, mut tail) = start_attached(&engine, yard.line(line)).await;
    read_until(&mut tail, "began\n").await;
    wire.set(Wire::Refuses);
    yard.say("end");
    drop(tail);
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
    assert!(output(&engine, id).ends_with(b"\n1000\n"));
    wire.set(Wire::Works);
    // The engine and all its containers gone.
    std::fs::remove_file(yard.workspace.join("end")).unwrap();
    let (id, mut tail) = start_attached(&engine, yard.line(line)).await;
    read_until(&mut tail, "began\n").await;
    wire.set(Wire::Refuses);
    docker(&["kill", &yard.containers()[0]]);
    drop(tail);
    let record = end(&engine, id).await;
    let Outcome::Error { error } = outcome(&record) else { panic!("{record:?}") };
    assert_eq!(error.code, "sandbox-lost");
    assert!(error.message.contains("Docker was stopped"), "{error:?}");
    assert_eq!(output(&engine, id), b"began\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_is_taken_away_under_a_run_is_told_and_what_was_printed_is_kept() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let ways: [&[&str]; 4] =
        [&["rm", "--force"], &["kill"], &["stop", "--time", "3"], &["restart", "--time", "0"]];
    for way in ways {
        for sandbox in [fresh(), Sandbox::default()] {
            let line = "trap '' TERM; echo printed; while :; do sleep 0.05; done";
            let (id, mut tail) = start_attached(&engine, yard.within(sandbox, line)).await;
            read_until(&mut tail, "printed\n").await;
            let name = until("it is known", || {
                let (events, _) = engine.events(id, 0).unwrap();
                events.iter().find_map(|event| match &event.what {
                    stigmer_engine::history::What::Placed { place } => Some(place.sandbox.clone()?.container),
                    _ => None,
                })
            })
            .await;
            docker(&[way, &[name.as_str()]].concat());
            assert_eq!(bytes(&drain(tail).await), b"");
            let record = end(&engine, id).await;
            let Outcome::Error { error } = outcome(&record) else { panic!("{way:?} {:?}", record.state) };
            assert_eq!(error.code, "sandbox-lost", "{way:?} {error:?}");
            assert!(error.message.contains("stopped or removed"), "{way:?} {error:?}");
            assert_eq!(output(&engine, id), b"printed\n");
            assert_eq!(yard.marker.alive(), [0_u32; 0]);
        }
    }
    // A runner that is killed alone takes its command along, and the sandbox serves on.
    let (record, _) = succeeds(&engine, yard.line("true")).await;
    let name = facts(&record).container.clone();
    let id = start(&engine, yard.line("echo >began; sleep 1000")).await;
    yard.until_said("began").await;
    docker(&[
        "exec",
        &name,
        "sh",
        "-c",
        "kill -9 $(ps -o pid,ppid | awk '$2 == 1 && $1 != 1 { print $1 }' | head -n 1)",
    ]);
    let record = end(&engine, id).await;
    let Outcome::Error { error } = outcome(&record) else { panic!("{record:?}") };
    assert_eq!(error.code, "sandbox-lost", "{error:?}");
    yard.marker.until_none_is_alive().await;
    let (record, _) = succeeds(&engine, yard.line("true")).await;
    assert_eq!(facts(&record).container, name);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_was_deleted_is_told_and_one_that_changed_gets_a_sandbox_of_its_own() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let image = format!("stigmer-test/mine:{}", yard.marker.name());
    docker(&["tag", TINY, &image]);
    let spec = || yard.within(Sandbox { image: Some(image.clone()), ..Sandbox::default() }, "echo >here");
    let (first, _) = succeeds(&engine, spec()).await;
    docker(&["rmi", &image]);
    let error = refused(&engine, spec()).await;
    assert_eq!(error.code, "image-not-found");
    assert!(error.message.contains(&image) && error.hint.unwrap().contains("stigmer image pull"));
    docker(&["tag", "stigmer-test/debian", &image]);
    let (second, _) = succeeds(&engine, spec()).await;
    assert_ne!(facts(&first).image_id, facts(&second).image_id);
    assert_ne!(facts(&first).container, facts(&second).container);
    docker(&["rmi", &image]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_that_breaks_at_any_moment_leaves_no_sandbox_behind() {
    let wire = Broken::new();
    let yard = Yard::with(&wire.setting());
    let engine = yard.open().await;
    within(engine.stay()).await;
    for delay in [0, 1, 3, 6, 10, 20, 50, 100, 150, 200] {
        let id = start(&engine, yard.within(fresh(), "true")).await;
        tokio::time::sleep(Duration::from_millis(delay)).await; // the moment is what this test is about
        wire.set(Wire::Refuses);
        let record = end(&engine, id).await;
        wire.set(Wire::Works);
        match outcome(&record) {
            Outcome::Succeeded => {}
            Outcome::Error { error } => assert_ne!(error.code, "stopped", "{delay} {error:?}"),
            other => panic!("{delay} {other:?}"),
        }
    }
    within(engine.close(Stop::Force)).await;
    let engine = yard.open().await;
    within(engine.stay()).await;
    until("no container is left", || yard.containers().is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_works_as_somebody_else() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let yard = Yard::at(Home::at(home), Marker::named(std::env::var(MARKER).unwrap()));
    let engine = yard.open().await;
    let error = refused(&engine, yard.line("true")).await;
    assert!(error.message.contains("you may not use it"), "{error:?}");
    assert!(error.hint.unwrap().contains("group"));
    println!("REFUSED .");
    // Whoever started this process mends the settings.
    let mended = yard.home.root().join("mended");
    until("the settings are mended", || mended.exists().then_some(())).await;
    let home = "id -u; cd; echo >mine && cat mine && rm mine";
    let (record, said) = succeeds(&engine, yard.line(&format!("echo >/workspace/made; {home}"))).await;
    assert_eq!(said, "4711\n\n");
    let facts = facts(&record);
    assert_eq!((facts.user.as_str(), facts.loosened.as_slice()), ("4711:4711", [].as_slice()));
    assert_eq!(std::fs::metadata(yard.workspace.join("made")).unwrap().uid(), 4711);
    within(engine.stay()).await;
    for (user, id) in [("0:0", "0"), ("sandbox", "1000"), ("1:1", "1")] {
        // The second time there is the folder that the first one left.
        for _ in 0..2 {
            let sandbox = Sandbox { user: Some(user.to_owned()), ..Sandbox::default() };
            let (record, said) = succeeds(&engine, yard.within(sandbox, home)).await;
            assert_eq!(said, format!("{id}\n\n"), "{user}");
            let (docker, wish) = engine.docker(None).unwrap();
            let name = &record.place.sandbox.as_ref().unwrap().container;
            within(docker.remove_sandbox(&wish, name)).await.unwrap();
        }
    }
    within(engine.close(Stop::Force)).await;
    let left = std::fs::read_dir(yard.home.root().join("sandboxes")).unwrap().flatten();
    assert_eq!(left.filter(|entry| entry.path().is_dir()).count(), 0);
    println!("DONE .");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_may_not_use_the_engine_is_told_so_and_works_once_he_may() {
    let wire = Broken::new();
    let yard = Yard::new();
    if !nix::unistd::getuid().is_root() {
        // Only root can be somebody else.
        return;
    }
    let home = tempfile::tempdir().unwrap();
    std::fs::write(
        home.path().join("config.yaml"),
        format!("{TO_ALL}docker_host: 'unix:///var/run/docker.sock' }}\n"),
    )
    .unwrap();
    for path in [home.path().to_owned(), home.path().join("config.yaml")] {
        std::os::unix::fs::chown(path, Some(4711), Some(4711)).unwrap();
    }
    let mut child = process("failing::child_works_as_somebody_else");
    child.env(HOME, home.path()).env(MARKER, yard.marker.name()).env("TMPDIR", "/tmp").uid(4711).gid(4711);
    let mut child = Child::start(&mut child);
    child.says("REFUSED");
    std::fs::write(home.path().join("config.yaml"), format!("{TO_ALL}{} }}\n", wire.setting())).unwrap();
    std::fs::write(home.path().join("mended"), "").unwrap();
    child.says("DONE");
    child.succeed();
}
