//! What runs in the cloud does what it does anywhere.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use sha2::Digest as _;
use stigmer_engine::backend::Exit;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::{Code, Input, Language, RunSpec, Work};
use stigmer_engine::state::Outcome;

use crate::common::{until, within};
use crate::desk::{end, outcome, output, read_until, start_attached};
use crate::sky::{Sky, bringing_back, facts, fresh, ran, succeeds};

#[tokio::test(flavor = "multi_thread")]
async fn streams_arguments_and_the_exit_code_are_those_of_any_run() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let (record, said) = ran(&engine, sky.line("echo out; echo err >&2; exit 3")).await;
    assert_eq!(outcome(&record), &Outcome::Failed { exit: Exit::Code(3) });
    assert!(said == "out\nerr\n" || said == "err\nout\n", "{said}");
    assert!(!facts(&record).reused);
    let id = facts(&record).id.clone();
    let (record, said) =
        succeeds(&engine, sky.program(["printf", "%s|", "a b", "$HOME", "'\"\\", "", "ü\n", "-x"])).await;
    assert_eq!(said, "a b|$HOME|'\"\\||ü\n|-x|");
    assert_eq!((facts(&record).id.as_str(), facts(&record).reused), (id.as_str(), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_arrive_as_they_were() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let line = "head -c 268435456 /dev/urandom >r; cat r; sha256sum <r >&2";
    let record = crate::desk::run(&engine, sky.line(line)).await;
    assert_eq!(outcome(&record), &Outcome::Succeeded);
    let all = output(&engine, record.id);
    let (bytes, sum) = all.split_at(268_435_456);
    let sum = String::from_utf8_lossy(sum);
    let told: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&sum[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert_eq!(told, sha2::Sha256::digest(bytes)[..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn input_and_terminals_work() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let mut spec = sky.line("read a; echo got $a; sha256sum");
    spec.input = Input::Piped;
    let (id, mut tail) = start_attached(&engine, spec).await;
    within(engine.input(id, "x\n".into())).await.unwrap();
    read_until(&mut tail, "got x\n").await;
    within(engine.input(id, vec![0; 1_000_000].into())).await.unwrap();
    within(engine.end_input(id)).await.unwrap();
    drop(tail);
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
    assert!(
        String::from_utf8_lossy(&output(&engine, id))
            .contains("d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025")
    );
    let mut spec = sky.line("tty; stty size");
    spec.input = Input::Terminal { cols: 91, rows: 33 };
    let (_, said) = succeeds(&engine, spec).await;
    assert!(said.contains("/dev/pts/") && said.contains("33 91"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workspace_goes_along_and_comes_back_where_that_was_asked_for() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    fs::create_dir(sky.workspace.join("in")).unwrap();
    fs::write(sky.workspace.join("in/script.sh"), "#!/bin/sh\necho ran; echo result >../out\n").unwrap();
    fs::set_permissions(sky.workspace.join("in/script.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let (_, said) = succeeds(&engine, sky.line("cd in && ./script.sh; pwd")).await;
    let note = "the first copy of this workspace goes to the cloud: 1 file, 40 B\n";
    assert!(said.starts_with(&format!("{note}ran\n")) && said.ends_with("/workspace/in\n"), "{said}");
    assert!(!sky.workspace.join("out").exists(), "nobody asked for it");
    succeeds(&engine, sky.asking(bringing_back(), "echo more >>out")).await;
    assert_eq!(fs::read_to_string(sky.workspace.join("out")).unwrap(), "result\nmore\n");
    let mut spec = sky.work(Work::Script {
        language: Language::Bash,
        code: Code::File { path: "in/script.sh".into() },
        args: Vec::new(),
    });
    spec.workdir = Some(sky.workspace.join("in"));
    let (_, said) = succeeds(&engine, spec).await;
    assert_eq!(said, "ran\n");
    let code = Code::Inline { text: "import sys; print(sys.argv[1:])".to_owned() };
    let work = Work::Script { language: Language::Python, code, args: vec!["a b".into()] };
    let (_, said) = succeeds(&engine, sky.work(work)).await;
    assert_eq!(said, "['a b']\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_its_variables_for_the_next_run_in_the_sandbox() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let python = |code: &str| {
        let code = Code::Inline { text: code.to_owned() };
        let work = Work::Script { language: Language::Python, code, args: Vec::new() };
        RunSpec { session: Some("s".to_owned()), ..sky.work(work) }
    };
    succeeds(&engine, python("x = 42")).await;
    let (id, mut tail) = start_attached(&engine, python("print('on', flush=True)\nwhile True: pass")).await;
    read_until(&mut tail, "on\n").await;
    drop(tail);
    within(engine.stop(id, Stop::Ask(Manner::Interrupt))).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    assert_eq!(succeeds(&engine, python("print(x)")).await.1, "42\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_its_own_is_deleted_whatever_happened() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let (record, _) = succeeds(&engine, sky.asking(fresh(), "true")).await;
    let gone = facts(&record).id.clone();
    let (id, mut tail) = start_attached(&engine, sky.asking(fresh(), "echo ready; sleep 1000")).await;
    read_until(&mut tail, "ready\n").await;
    drop(tail);
    within(engine.stop(id, Stop::Force)).await.unwrap();
    let record = end(&engine, id).await;
    assert_eq!(outcome(&record).word(), "cancelled");
    let (record2, _) = ran(&engine, sky.asking(fresh(), "exec /no/such/program")).await;
    within(engine.close(Stop::Force)).await;
    for id in [&gone, &facts(&record).id, &facts(&record2).id] {
        until("it is deleted", || (!sky.sandboxes().contains(id)).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_whole_tree() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let line = "setsid sleep 1000 & nohup sleep 1000 >/dev/null 2>&1 & trap '' TERM; echo ready; while :; do sleep 1; done";
    let (id, mut tail) = start_attached(&engine, sky.line(line)).await;
    read_until(&mut tail, "ready\n").await;
    drop(tail);
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    let (_, said) = succeeds(&engine, sky.line("ps ax | grep -c '[s]leep 1000' || true")).await;
    assert_eq!(said, "0\n");
}
