//! What a program in a sandbox finds, and that what it says arrives.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use sha2::{Digest as _, Sha256};
use stigmer_engine::engine::Engine;
use stigmer_engine::log::Piece;
use stigmer_engine::spec::{Input, RunId};
use stigmer_engine::state::Outcome;

use crate::common::{MARKER, until, within};
use crate::desk::{end, outcome, output, read_until, start, start_attached};
use crate::docker::docker;
use crate::yard::{TINY, Yard, facts, fresh, ran, refused, succeeds};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_works_on_the_workspace_and_what_it_makes_is_the_users() {
    let yard = Yard::new();
    let engine = yard.open().await;
    std::fs::create_dir(yard.workspace.join("folder")).unwrap();
    std::fs::write(yard.workspace.join("folder/given"), "given").unwrap();
    let (record, said) =
        ran(&engine, yard.line("pwd; cat folder/given; echo error >&2; echo made >folder/made; exit 3"))
            .await;
    assert_eq!(outcome(&record).exit_code(), Some(3));
    assert_eq!(said.replace("error\n", ""), "/workspace\ngiven");
    assert!(said.contains("error\n"));
    let made = yard.workspace.join("folder/made");
    assert_eq!(std::fs::read_to_string(&made).unwrap(), "made\n");
    let (made, own) = (made.metadata().unwrap(), yard.workspace.metadata().unwrap());
    assert_eq!((made.uid(), made.gid()), (own.uid(), own.gid()));
    let facts = facts(&record);
    assert_eq!(facts.image, TINY);
    assert_eq!(facts.image_id, docker(&["image", "inspect", "--format", "{{.Id}}", TINY]));
    assert_eq!((facts.engine.as_str(), facts.reused), ("unix:///var/run/docker.sock", false));
    assert_eq!(yard.containers(), std::slice::from_ref(&facts.container));
    // And the same is what the history says later.
    assert_eq!(within(engine.get(record.id)).await.unwrap(), record);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_given_its_words_and_its_folder() {
    let yard = Yard::new();
    let engine = yard.open().await;
    std::fs::create_dir(yard.workspace.join("a b")).unwrap();
    let mut spec = yard.program(["printf", "%s|", "a b", "$HOME", "", "*", "'\"\n"]);
    spec.workdir = Some("a b".into());
    assert_eq!(succeeds(&engine, spec).await.1, "a b|$HOME||*|'\"\n|");
    let mut spec = yard.line("pwd");
    spec.workdir = Some(yard.workspace.join("a b"));
    assert_eq!(succeeds(&engine, spec).await.1, "/workspace/a b\n");
    let missing = refused(&engine, yard.program(["no-such-program"])).await;
    assert_eq!(missing.code, "program-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_this_machines_environment_comes_along() {
    let yard = Yard::with("env: { OF_SETTINGS: x, OF_BOTH: x }");
    let engine = yard.open().await;
    let mut spec = yard.line("env");
    spec.env.set.insert("OF_BOTH".to_owned(), Some("y".into()));
    let (_, said) = succeeds(&engine, spec).await;
    let names: BTreeSet<_> = said.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let expected =
        ["HOME", "HOSTNAME", "OF_BOTH", "OF_SETTINGS", "PATH", "PWD", "SHLVL", "STIGMER_RUN_ID", MARKER];
    assert!(names.is_subset(&expected.into()), "{names:?}");
    assert!(said.contains("OF_BOTH=y\n") && said.contains("OF_SETTINGS=x\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn input_is_piped_and_a_terminal_is_a_terminal() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let mut spec = yard.line("test ! -t 0 && sort");
    spec.input = Input::Piped;
    let id = start(&engine, spec).await;
    within(engine.input(id, "b\na\n".into())).await.unwrap();
    within(engine.end_input(id)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
    assert_eq!(output(&engine, id), b"a\nb\n");
    let mut spec =
        yard.line("test -t 0 -a -t 1 -a -t 2 && stty size && echo $TERM && read line && echo \"<$line>\"");
    spec.input = Input::Terminal { cols: 91, rows: 17 };
    let (id, mut tail) = start_attached(&engine, spec).await;
    let said = read_until(&mut tail, "xterm-256color\r\n").await;
    assert_eq!(said, b"17 91\r\nxterm-256color\r\n");
    within(engine.input(id, "typed\n".into())).await.unwrap();
    read_until(&mut tail, "<typed>\r\n").await;
    drop(tail);
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
}

/// The digest of everything in the log of a run.
fn digest(engine: &Engine, id: RunId) -> (u64, String) {
    let (mut length, mut hash) = (0, Sha256::new());
    let mut reader = engine.log(id);
    while let Some(piece) = reader.next_piece().unwrap() {
        let Piece::Bytes { bytes, .. } = piece else { panic!("something is left out") };
        length += bytes.len() as u64;
        hash.update(&bytes);
    }
    let digits: Vec<_> = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    (length, digits.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_gigabyte_of_lines_arrives_whole() {
    let yard = Yard::of("stigmer-test/debian", "");
    let engine = yard.open().await;
    let line = "mkfifo f; sha256sum <f >sum & seq 1 57000000 | tee f; wait";
    let record = crate::desk::run(&engine, yard.line(line)).await;
    assert_eq!(outcome(&record), &Outcome::Succeeded);
    let expected = std::fs::read_to_string(yard.workspace.join("sum")).unwrap();
    let (length, sum) = digest(&engine, record.id);
    assert_eq!((length, sum.as_str()), (501_888_897, expected.split_whitespace().next().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_arrive_as_they_were() {
    let yard = Yard::of("stigmer-test/debian", "");
    let engine = yard.open().await;
    let line = "head -c 268435456 /dev/urandom >random; sha256sum <random >sum; cat random; rm random";
    let record = crate::desk::run(&engine, yard.line(line)).await;
    assert_eq!(outcome(&record), &Outcome::Succeeded);
    let expected = std::fs::read_to_string(yard.workspace.join("sum")).unwrap();
    let (length, sum) = digest(&engine, record.id);
    assert_eq!((length, sum.as_str()), (256 << 20, expected.split_whitespace().next().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_a_shell_runs_its_programs_and_says_that_it_has_no_shell() {
    let yard = Yard::of("stigmer-test/no-shell:1", "");
    let engine = yard.open().await;
    let error = refused(&engine, yard.line("true")).await;
    assert_eq!(error.code, "program-not-found");
    assert!(error.message.contains("`sh`"), "{}", error.message);
    let error = refused(&engine, yard.program(["/only-file"])).await;
    assert_eq!(error.code, "program-not-executable");
    // The only program that surely runs there: one of ours that needs nothing.
    let runner = std::env::current_exe().unwrap();
    let runner = runner.parent().unwrap().join("../stigmer-runner-linux-x86_64");
    std::fs::copy(runner, yard.workspace.join("program")).unwrap();
    let (_, said) = succeeds(&engine, yard.program(["./program", "--version"])).await;
    assert!(said.starts_with("stigmer-runner "), "{said}");
    assert_eq!(outcome(&ran(&engine, yard.program(["./program", "nonsense"])).await.0).exit_code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_for_another_processor_is_told_as_such() {
    let yard = Yard::new();
    let image = format!("stigmer-test/arm:{}", yard.marker.name());
    // The head of a program for ARM, which no other processor takes.
    let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0\x01\0\0\0".to_vec();
    head.resize(4096, 0);
    std::fs::write(yard.workspace.join("sh"), head).unwrap();
    let script = r#"
        chmod 755 sh; tar -c --transform s,^,bin/, sh >layer.tar
        diff=$(sha256sum layer.tar | cut -d' ' -f1)
        echo '{"architecture":"arm64","os":"linux","config":{"Env":["PATH=/bin"]},
            "rootfs":{"type":"layers","diff_ids":["sha256:'$diff'"]}}' >config.json
        echo '[{"Config":"config.json","RepoTags":["'$0'"],"Layers":["layer.tar"]}]' >manifest.json
        tar -c manifest.json config.json layer.tar | docker load"#;
    let made =
        Command::new("sh").args(["-ec", script, &image]).current_dir(&yard.workspace).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let engine = yard.open().await;
    let mut spec = yard.within(fresh(), "true");
    spec.target.sandbox.image = Some(image.clone());
    let error = refused(&engine, spec).await;
    // Its sandbox goes first, which may take a moment.
    until("it is removed", || docker(&["image", "rm", &image]).contains("Untagged").then_some(())).await;
    let told = format!("{} {:?} {:?}", error.message, error.causes, error.hint);
    assert!(told.contains("arm64") && told.contains("processor"), "{told}");
}
