//! Engines that do not have this machine's disk: the workspace is copied there, and what changed comes back.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use stigmer_engine::engine::Engine;
use stigmer_engine::home::Home;
use stigmer_engine::live::Stop;
use stigmer_engine::spec::{Input, Mount, RunSpec, Sandbox};
use stigmer_engine::state::{Outcome, RunRecord};

use crate::common::{Child, MARKER, Marker, process, until, within};
use crate::desk::{end, happenings, outcome, output, read_until, start, start_attached};
use crate::docker::docker;
use crate::line::Line;
use crate::yard::{self, Yard, facts, fresh, ran, refused};

const HOME: &str = "STIGMER_TEST_HOME";

/// A yard whose engine is far away.
async fn far() -> (Line, Yard, Engine) {
    let line = Line::tcp().await;
    let yard = Yard::with(&line.setting());
    let engine = yard.open().await;
    (line, yard, engine)
}

/// What a run is told of the first copy of its workspace begins so.
const FIRST: &str = "the first copy of this workspace goes to ";

/// What a run that must succeed printed, and not what it was told of the first copy.
async fn succeeds(engine: &Engine, spec: RunSpec) -> (RunRecord, String) {
    let (record, said) = yard::succeeds(engine, spec).await;
    (record, String::from_utf8(printed(said.as_bytes()).to_vec()).unwrap())
}

fn printed(said: &[u8]) -> &[u8] {
    let end = said.iter().position(|&byte| byte == b'\n').filter(|_| said.starts_with(FIRST.as_bytes()));
    end.map_or(said, |end| &said[end + 1..])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workspace_is_there_and_what_changed_comes_back() {
    let (line, yard, engine) = far().await;
    let write = |path: &str, text: &str| {
        let path = yard.workspace.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("in/deep", "text");
    write("script", "#!/bin/sh\necho ran $1\n");
    fs::set_permissions(yard.workspace.join("script"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("in/deep", yard.workspace.join("link")).unwrap();
    write("goes", "");
    write(".gitignore", "*.o\n");
    write(".dockerignore", "private\n");
    write("private/key", "secret");
    write("a.o", "object");
    let line_ = "cat link && ./script x && ls && rm goes && mkdir out && echo result >out/file && echo b >b.o \
                 && chmod 600 in/deep && pwd";
    let (record, said) = succeeds(&engine, yard.line(line_)).await;
    assert_eq!(said, "textran x\ngoes\nin\nlink\nscript\n/workspace\n");
    assert_eq!(fs::read_to_string(yard.workspace.join("out/file")).unwrap(), "result\n");
    assert_eq!(fs::read_to_string(yard.workspace.join("a.o")).unwrap(), "object");
    assert!(!yard.workspace.join("goes").exists() && !yard.workspace.join("b.o").exists());
    let mode = fs::metadata(yard.workspace.join("in/deep")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!((facts(&record).engine.as_str(), facts(&record).copied), (line.address(), true));
    let told = format!("{:?}", engine.events(record.id, 0).unwrap().0);
    assert!(told.contains("copy the workspace") && told.contains("bring back what changed"), "{told}");
    assert!(told.contains(&format!("{FIRST}{}: 5 files", line.address())), "{told}");
    // The next one finds what is there, what changed here, and what only it has.
    write("in/deep", "changed");
    fs::remove_dir_all(yard.workspace.join("out")).unwrap();
    let (record, said) = succeeds(&engine, yard.line("cat link b.o; ls")).await;
    assert_eq!(said, "changedb\nb.o\nin\nlink\nscript\n");
    assert!(facts(&record).reused);
    let told = format!("{:?}", engine.events(record.id, 0).unwrap().0);
    assert!(told.contains("3 entries, 7 B") && !told.contains(FIRST), "{told}");
    // And where nothing changed nothing is copied.
    let (record, _) = succeeds(&engine, yard.line("true")).await;
    let told = format!("{:?}", engine.events(record.id, 0).unwrap().0);
    assert!(!told.contains("copy the workspace"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_streams_input_terminals_and_ends_are_those_of_any_run() {
    let (_line, yard, engine) = far().await;
    let (id, mut tail) = start_attached(&engine, {
        let mut spec =
            yard.line("read a; echo got $a; echo err >&2; head -c 3000000 /dev/urandom >r; cat r; exit 3");
        spec.input = Input::Piped;
        spec
    })
    .await;
    within(engine.input(id, "x\n".into())).await.unwrap();
    read_until(&mut tail, "got x\n").await;
    drop(tail);
    let record = end(&engine, id).await;
    assert_eq!(outcome(&record), &Outcome::Failed { exit: stigmer_engine::backend::Exit::Code(3) });
    let (said, sent) = (output(&engine, id), fs::read(yard.workspace.join("r")).unwrap());
    let said = printed(&said);
    assert_eq!(said.len(), 6 + 4 + sent.len());
    assert!(said.windows(1000).any(|part| part == &sent[..1000]));
    let mut spec = yard.line("tty; stty size");
    spec.input = Input::Terminal { cols: 91, rows: 33 };
    let (_, said) = succeeds(&engine, spec).await;
    assert!(said.contains("/dev/pts/") && said.contains("33 91"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_its_own_goes_with_its_run_and_its_files_come_back_also_after_a_stop() {
    let (_line, yard, engine) = far().await;
    succeeds(&engine, yard.within(fresh(), "echo x >made")).await;
    assert!(yard.workspace.join("made").exists());
    until("it is gone", || yard.containers().is_empty().then_some(())).await;
    let line = "echo half >half; sleep 1000 & trap '' TERM; echo ready; wait; wait; sleep 1000";
    let (id, mut tail) = start_attached(&engine, yard.within(fresh(), line)).await;
    read_until(&mut tail, "ready\n").await;
    drop(tail);
    assert_ne!(yard.marker.alive().len(), 0);
    let format = "{{range .Mounts}}{{.Name}} {{end}}";
    let mut inspect = vec!["inspect", "--format", format];
    let names = yard.containers();
    inspect.extend(names.iter().map(String::as_str));
    let volumes = docker(&inspect);
    assert_ne!(volumes.split_whitespace().count(), 0);
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    assert_eq!(fs::read_to_string(yard.workspace.join("half")).unwrap(), "half\n");
    until("it is gone", || yard.containers().is_empty().then_some(())).await;
    assert!(yard.marker.alive().is_empty());
    let left = docker(&["volume", "ls", "--quiet"]);
    assert!(!left.lines().any(|volume| volumes.split_whitespace().any(|its| its == volume)), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_held_ready_gets_the_workspace_when_it_is_taken() {
    let line = Line::tcp().await;
    let yard = Yard::with(&format!("warm: 1, {}", line.setting()));
    let engine = yard.open().await;
    within(engine.stay()).await;
    let listens = || {
        let names = yard.containers();
        !names.is_empty() && names.iter().all(|name| docker(&["exec", name, "ls", "/workspace"]).is_empty())
    };
    succeeds(&engine, yard.within(fresh(), "true")).await;
    until("one is ready", || listens().then_some(())).await;
    let ready = yard.containers();
    fs::write(yard.workspace.join("a"), "x").unwrap();
    let (record, said) = succeeds(&engine, yard.within(fresh(), "cat a")).await;
    assert_eq!(said, "x");
    assert!(ready.contains(&facts(&record).container), "{ready:?}");
    within(engine.close(Stop::Force)).await;
    assert_eq!(yard.containers(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_in_both_places_is_kept_twice_and_told() {
    let (_line, yard, engine) = far().await;
    fs::write(yard.workspace.join("a"), "old").unwrap();
    let (id, mut tail) = start_attached(&engine, yard.line("echo there >a; echo ready; sleep 0.3")).await;
    read_until(&mut tail, "ready\n").await;
    fs::write(yard.workspace.join("a"), "here").unwrap();
    drop(tail);
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
    assert_eq!(fs::read_to_string(yard.workspace.join("a")).unwrap(), "here");
    assert_eq!(fs::read_to_string(yard.workspace.join("a.from-sandbox")).unwrap(), "there\n");
    let told = format!("{:?}", engine.events(id, 0).unwrap().0);
    assert!(told.contains("a changed both here and in the sandbox"), "{told}");
    let (_, said) = succeeds(&engine, yard.line("cat a; cat a.from-sandbox")).await;
    assert_eq!(said, "herethere\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_go_along_is_told_and_what_cannot_be_shown_is_refused() {
    let (_line, yard, engine) = far().await;
    symlink("/etc/passwd", yard.workspace.join("out")).unwrap();
    fs::write(yard.workspace.join("a"), "").unwrap();
    let (record, said) = succeeds(&engine, yard.line("ls")).await;
    assert!(said.ends_with("\na\n"), "{said}");
    let told = format!("{:?}", engine.events(record.id, 0).unwrap().0);
    assert!(told.contains("not copied: out: the link leads out"), "{told}");
    let mount = Mount { source: "/usr/share".into(), target: "/there".into(), read_only: true };
    let error =
        refused(&engine, yard.within(Sandbox { mounts: vec![mount], ..Sandbox::default() }, "true")).await;
    assert_eq!(error.code, "mount-unusable");
    assert!(error.message.contains("another disk"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_only_reads_has_a_workspace_all_the_same() {
    let line = Line::tcp().await;
    let yard = Yard::with(&format!("read_only: true, {}", line.setting()));
    let engine = yard.open().await;
    fs::write(yard.workspace.join("a"), "x").unwrap();
    succeeds(&engine, yard.line("cat a >b && ! touch /usr/x")).await;
    assert!(yard.workspace.join("b").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_copy_tells_how_far_it_is_and_can_be_stopped() {
    let (_line, yard, engine) = far().await;
    let piece = vec![7; 1 << 20];
    for number in 0..80 {
        fs::write(yard.workspace.join(format!("f{number}")), &piece).unwrap();
    }
    let id = start(&engine, yard.line("ls | wc -l; sha256sum f79")).await;
    until("it tells how far it is", || {
        let told = format!("{:?}", engine.events(id, 0).unwrap().0);
        told.contains("Progress").then_some(())
    })
    .await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    // The next one brings the rest.
    let (_, said) = succeeds(&engine, yard.line("ls | wc -l")).await;
    assert_eq!(said, "80\n");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_runs_far_away() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let yard = Yard::at(Home::at(home), Marker::named(std::env::var(MARKER).unwrap()));
    let engine = yard.open().await;
    let (_, mut tail) = start_attached(&engine, yard.within(fresh(), "echo x; sleep 1000")).await;
    read_until(&mut tail, "x\n").await;
    println!("RUNS .");
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_killed_leaves_nothing_running_there() {
    let (line, yard, engine) = far().await;
    drop(engine);
    let mut child = process("far::child_runs_far_away");
    child.env(HOME, yard.home.root()).env(MARKER, yard.marker.name());
    let mut child = Child::start(&mut child);
    child.says("RUNS");
    assert_ne!(yard.marker.alive().len(), 0);
    child.kill();
    until("nothing runs", || yard.marker.alive().is_empty().then_some(())).await;
    // Whoever looks next removes the container.
    let engine = yard.open().await;
    within(engine.stay()).await;
    until("none is left", || yard.containers().is_empty().then_some(())).await;
    drop(line);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_gone_under_a_run_is_told_and_what_was_printed_is_kept() {
    let (line, yard, engine) = far().await;
    let (id, mut tail) = start_attached(&engine, yard.line("echo began; sleep 1000")).await;
    read_until(&mut tail, "began\n").await;
    docker(&["kill", &yard.containers()[0]]);
    drop(tail);
    let record = end(&engine, id).await;
    let Outcome::Error { error } = outcome(&record) else { panic!("{record:?}") };
    assert_eq!(error.code, "sandbox-lost", "{error:?}");
    assert_eq!(output(&engine, id), b"began\n");
    assert!(happenings(&engine, id).contains(&"running"));
    drop(line);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_encrypted_where_that_is_asked_for_and_nobody_else_is_let_in() {
    let line = Line::tls().await;
    let keys = line.keys().display().to_string();
    let yard =
        Yard::with(&format!("docker_tls_verify: true, docker_cert_path: '{keys}', {}", line.setting()));
    let engine = yard.open().await;
    fs::write(yard.workspace.join("a"), "x").unwrap();
    let (_, said) = succeeds(&engine, yard.line("cat a")).await;
    assert_eq!(said, "x");
    for (settings, why) in [
        (line.setting(), "without encryption"),
        (format!("docker_tls_verify: true, docker_cert_path: /nowhere, {}", line.setting()), "without keys"),
    ] {
        let yard = Yard::with(&settings);
        let error = refused(&yard.open().await, yard.line("true")).await;
        assert_eq!(error.code, "backend-unavailable", "{why}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_virtual_machine_the_engine_joins_us_to_the_runner() {
    let line = Line::machine();
    let yard = Yard::with(&line.setting());
    let engine = yard.open().await;
    fs::write(yard.workspace.join("a"), "x").unwrap();
    for _ in 0..2 {
        let (record, said) = ran(&engine, yard.line("cat a; echo y >b; echo err >&2; exit 4")).await;
        assert_eq!(outcome(&record).word(), "failed");
        assert_eq!(said, "xerr\n");
        assert_eq!(fs::read_to_string(yard.workspace.join("b")).unwrap(), "y\n");
    }
    let (id, mut tail) = start_attached(&engine, yard.line("echo ready; sleep 1000")).await;
    read_until(&mut tail, "ready\n").await;
    drop(tail);
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    assert!(yard.marker.alive().is_empty());
    // It is known by now, also for others: nothing is waited for in vain.
    assert!(fs::read_to_string(yard.home.root().join("sandboxes/joined")).unwrap() == line.address());
    succeeds(&engine, yard.within(fresh(), "cat b")).await;
}
