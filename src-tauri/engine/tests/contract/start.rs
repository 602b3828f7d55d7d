//! A program gets exactly what it was given, or it is told why it was not started; and what is left of a start
//! can always be cleaned up.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use stigmer_engine::Error;
use stigmer_engine::backend::{Exit, Launch, Reporter};
use stigmer_engine::spec::{RunId, Text};
use tokio::runtime::Handle;

use super::{Place, marked, program, run, script, until_none_is_alive};

/// Any text that a program can be given.
fn words() -> impl Strategy<Value = Text> {
    prop::collection::vec(1..=255_u8, 0..40).prop_map(|bytes| OsString::from_vec(bytes).into())
}

/// Puts a promise to the test with many values; each costs a program.
fn always<S: Strategy>(values: &S, promise: impl AsyncFn(S::Value)) {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) });
    let check = |value| {
        tokio::task::block_in_place(|| Handle::current().block_on(promise(value)));
        Ok(())
    };
    runner.run(values, check).unwrap();
}

/// The output of a program, cut at NUL characters.
async fn list(place: &dyn Place, launch: Launch) -> Vec<Vec<u8>> {
    let (program, _) = run(place, launch).await;
    let mut all: Vec<Vec<u8>> = program.stdout.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect();
    assert_eq!(all.pop(), Some(Vec::new()), "the last one is complete");
    all
}

pub(crate) async fn arguments_arrive_exactly_as_they_were_given(place: &dyn Place) {
    always(&prop::collection::vec(words(), 1..8), async |words| {
        let mut launch = script(place, r#"printf '%s\0' "$@""#);
        launch.argv.push("sh".into());
        launch.argv.extend(words.iter().cloned());
        let expected: Vec<_> = words.iter().map(Text::as_bytes).collect();
        assert_eq!(list(place, launch).await, expected);
    });
}

pub(crate) async fn the_environment_is_exactly_the_one_that_was_given(place: &dyn Place) {
    let variables = prop::collection::btree_map("[A-Za-z_][A-Za-z0-9_]{0,20}", words(), 0..8);
    always(&variables, async |variables| {
        let mut launch = program(place, ["env", "-0"]);
        let given = variables.into_iter().map(|(name, value)| (Text::from(format!("X_{name}")), value));
        launch.env.extend(given);
        let entry = |(name, value): &(Text, Text)| [name.as_bytes(), b"=", value.as_bytes()].concat();
        let mut expected: Vec<_> = launch.env.iter().map(entry).collect();
        let mut found = list(place, launch).await;
        found.retain(|entry| {
            !place.own_variables().iter().any(|own| entry.starts_with(format!("{own}=").as_bytes()))
        });
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    });
}

pub(crate) async fn a_program_starts_in_its_folder(place: &dyn Place) {
    let folder = place.folder().join(OsString::from_vec(b"spaces and \xff".to_vec()));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("here"), "yes").unwrap();
    let mut launch = program(place, ["cat", "here"]);
    launch.dir = folder;
    let (program, _) = run(place, launch).await;
    assert_eq!(program.text(), "yes");
}

pub(crate) async fn exit_codes_are_told(place: &dyn Place) {
    for code in [0, 1, 2, 125, 126, 127, 128, 255] {
        let (_, finish) = run(place, script(place, &format!("exit {code}"))).await;
        assert_eq!(finish.exit, Exit::Code(code));
    }
}

pub(crate) async fn signals_that_end_a_program_are_told(place: &dyn Place) {
    for signal in [1, 2, 6, 9, 13, 15] {
        let (_, finish) = run(place, script(place, &format!("kill -{signal} $$"))).await;
        assert_eq!(finish.exit, Exit::Signal(signal));
    }
}

/// The error of a start that must fail.
async fn refusal(place: &dyn Place, launch: Launch) -> Error {
    let id = launch.id;
    let error = place.backend().start(launch, &Reporter::silent()).await.err().expect("it must not start");
    place.backend().cleanup(id).await.unwrap();
    error
}

pub(crate) async fn a_missing_program_is_told_as_such(place: &dyn Place) {
    for missing in ["no-such-program", "/no/such/program", "./no-such-program"] {
        let error = refusal(place, program(place, [missing])).await;
        assert!(matches!(&error, Error::ProgramNotFound { program } if program == missing), "{error:?}");
    }
}

pub(crate) async fn a_program_that_may_not_be_executed_is_told_as_such(place: &dyn Place) {
    let plain = place.folder().join("plain");
    std::fs::write(&plain, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o644)).unwrap();
    for program_of_nobody in [plain.as_path(), place.folder()] {
        let error = refusal(place, program(place, [program_of_nobody])).await;
        assert!(matches!(error, Error::ProgramNotExecutable { .. }), "{error:?}");
    }
}

pub(crate) async fn a_missing_folder_is_told_as_such(place: &dyn Place) {
    let missing = place.folder().join("no-such-folder");
    let file = place.folder().join("file");
    std::fs::write(&file, "").unwrap();
    for dir in [missing, file] {
        let error = refusal(place, Launch { dir: dir.clone(), ..script(place, "true") }).await;
        assert!(matches!(&error, Error::Folder { path, .. } if *path == dir), "{error:?}");
    }
}

pub(crate) async fn a_start_that_is_dropped_leaves_nothing_after_a_clean_up(place: &dyn Place) {
    for micros in (0..40).map(|n| n * 250) {
        let (launch, marker) = marked(place, "setsid sleep 1000 & sleep 1000");
        let id = launch.id;
        // Dropped at another moment each time; when it was quicker, the execution is dropped instead.
        drop(
            tokio::time::timeout(
                Duration::from_micros(micros),
                place.backend().start(launch, &Reporter::silent()),
            )
            .await,
        );
        place.backend().cleanup(id).await.unwrap();
        until_none_is_alive(place, &marker).await;
    }
}

pub(crate) async fn cleaning_up_may_be_repeated_and_does_not_mind_unknown_runs(place: &dyn Place) {
    place.backend().cleanup(RunId::new()).await.unwrap();
    let launch = script(place, "true");
    let id = launch.id;
    run(place, launch).await;
    for _ in 0..3 {
        place.backend().cleanup(id).await.unwrap();
    }
}

pub(crate) async fn a_run_that_is_over_is_not_found_again(place: &dyn Place) {
    let launch = script(place, "true");
    let id = launch.id;
    run(place, launch).await;
    place.backend().cleanup(id).await.unwrap();
    assert!(place.backend().reattach(id, 0).await.unwrap().is_none());
}
