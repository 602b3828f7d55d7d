//! Building images, and copies of them with more in them.

use std::time::Duration;

use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::{Build, BuildSource, Customize, ImageTask, RunSpec};
use stigmer_engine::state::Outcome;

use crate::common::{until, within};
use crate::desk::{end, happenings, outcome, read_until, start_attached};
use crate::docker::docker;
use crate::images::task;
use crate::yard::{TINY, Yard, ran, refused, succeeds};

/// A build of this Dockerfile in the workspace.
fn build(yard: &Yard, dockerfile: &str) -> RunSpec {
    std::fs::write(yard.workspace.join("Dockerfile"), dockerfile).unwrap();
    let source = BuildSource::Folder { path: yard.workspace.clone(), dockerfile: "Dockerfile".to_owned() };
    task(yard, ImageTask::Build(Build { source, tags: vec![tag(yard)], ..Build::default() }))
}

/// Removes what steps left behind that were not the last: images without a name, known by a label.
fn prune(label: &str) {
    docker(&["image", "prune", "--force", "--filter", &format!("label={label}")]);
}

fn tag(yard: &Yard) -> String {
    format!("stigmer-test/{}:built", yard.marker.name())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_built_from_a_folder_without_what_it_leaves_out() {
    let yard = Yard::new();
    let engine = yard.open().await;
    std::fs::write(yard.workspace.join("given"), "given").unwrap();
    std::fs::write(yard.workspace.join("secret"), "secret").unwrap();
    std::fs::write(yard.workspace.join(".dockerignore"), "secret\n").unwrap();
    let mut spec = build(
        &yard,
        &format!(
            "FROM {TINY}\nARG WORD=none\nUSER root\nCOPY . /context\nRUN echo $WORD >/word && echo said\nUSER sandbox\n"
        ),
    );
    let Some(ImageTask::Build(build)) = image_task(&mut spec) else { panic!() };
    build.args.insert("WORD".to_owned(), "a word".to_owned());
    build.tags.push(format!("{}-too", tag(&yard)));
    let (record, said) = succeeds(&engine, spec).await;
    assert!(said.contains("Step 5/6 : RUN echo $WORD") && said.contains("\nsaid\n"), "{said}");
    assert!(happenings(&engine, record.id).contains(&"progress"));
    let mut inside = yard.line("cat /word; ls /context");
    inside.target.sandbox.image = Some(tag(&yard));
    let (_, said) = succeeds(&engine, inside).await;
    assert!(said.starts_with("a word\n") && said.contains("given") && !said.contains("secret"), "{said}");
    assert!(docker(&["image", "ls", "--quiet", &format!("{}-too", tag(&yard))]).len() > 5);
    for name in yard.containers() {
        docker(&["rm", "--force", &name]);
    }
    docker(&["rmi", &tag(&yard), &format!("{}-too", tag(&yard))]);
}

fn image_task(spec: &mut RunSpec) -> Option<&mut ImageTask> {
    match &mut spec.work {
        stigmer_engine::spec::Work::Image { task } => Some(task),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_is_named_and_what_it_said_is_kept() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let label = format!("stigmer-test={}", yard.marker.name());
    let text = format!("FROM {TINY}\nLABEL {label}\nRUN echo said >&2; exit 7\nRUN echo never\n");
    let (record, said) = ran(&engine, build(&yard, &text)).await;
    let Outcome::Error { error } = outcome(&record) else { panic!("{record:?}") };
    assert_eq!(error.code, "build-failed");
    assert!(error.message.contains("Step 3/4 : RUN echo said") && error.message.contains('7'), "{error:?}");
    assert!(said.contains("said\n") && !said.contains("Step 4/4"), "{said}");
    assert_eq!(docker(&["ps", "--all", "--quiet", "--filter", &format!("label={label}")]), "");
    prune(&label);
    for (wrong, part) in [
        ("FORM x\n", "FORM"),
        ("", "empty"),
        (&format!("FROM {TINY}\nCOPY missing /\n") as &str, "missing"),
        ("FROM 127.0.0.1:1/no/such:image\n", "Step 1/1 : FROM 127.0.0.1:1/no/such:image"),
    ] {
        let error = refused(&engine, build(&yard, wrong)).await;
        assert_eq!((error.code.as_str(), error.hint.is_some()), ("build-failed", true), "{wrong} {error:?}");
        assert!(error.message.contains(part), "{part} {error:?}");
    }
    let mut spec = build(&yard, &format!("FROM {TINY}\n"));
    let Some(ImageTask::Build(build)) = image_task(&mut spec) else { panic!() };
    build.tags = vec!["UPPER".to_owned()];
    assert_eq!(refused(&engine, spec).await.code, "invalid-spec");
    std::fs::remove_file(yard.workspace.join("Dockerfile")).unwrap();
    let source = BuildSource::Folder { path: yard.workspace.clone(), dockerfile: "Dockerfile".to_owned() };
    let spec = task(&yard, ImageTask::Build(Build { source, ..Build::default() }));
    assert_eq!(refused(&engine, spec).await.code, "file-unreadable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_is_stopped_leaves_no_container() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let label = format!("stigmer-test={}", yard.marker.name());
    let text = format!("FROM {TINY}\nLABEL {label}\nRUN echo began; sleep 1000\n");
    let (id, mut tail) = start_attached(&engine, build(&yard, &text)).await;
    read_until(&mut tail, "\nbegan\n").await;
    let containers = || docker(&["ps", "--all", "--quiet", "--filter", &format!("label={label}")]);
    assert_ne!(containers(), "");
    within(engine.stop(id, Stop::Ask(Manner::Interrupt))).await.unwrap();
    drop(tail);
    let record = end(&engine, id).await;
    assert_eq!(outcome(&record).word(), "cancelled");
    assert!(record.duration().unwrap() < Duration::from_mins(1));
    until("its container is gone", || containers().is_empty().then_some(())).await;
    prune(&label);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_with_more_in_it_is_made_and_asked_for_its_tools() {
    let yard = Yard::of("stigmer-sandbox-basic:local", "");
    let engine = yard.open().await;
    let name = format!("stigmer-test/{}:custom", yard.marker.name());
    let customize = Customize {
        base: "stigmer-sandbox-basic:local".to_owned(),
        name: name.clone(),
        pip: vec!["iniconfig==2.0.0".to_owned()],
        ..Customize::default()
    };
    let (record, said) = ran(&engine, task(&yard, ImageTask::Customize(customize))).await;
    assert_eq!(outcome(&record), &Outcome::Succeeded, "{said}");
    assert!(said.contains("'iniconfig==2.0.0'"), "{said}");
    let mut spec =
        yard.program(["python3", "-c", "import iniconfig, os; print(iniconfig.__file__, os.getuid())"]);
    spec.target.sandbox.image = Some(name.clone());
    succeeds(&engine, spec).await;
    assert_eq!(
        docker(&["image", "inspect", "--format", "{{.Config.User}}", &name]),
        docker(&["image", "inspect", "--format", "{{.Config.User}}", "stigmer-sandbox-basic:local"])
    );
    for name in yard.containers() {
        docker(&["rm", "--force", &name]);
    }
    docker(&["rmi", &name]);
    let nothing = Customize { base: TINY.to_owned(), name, ..Customize::default() };
    assert_eq!(refused(&engine, task(&yard, ImageTask::Customize(nothing))).await.code, "invalid-spec");
}
