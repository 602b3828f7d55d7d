//! Commands that are hard to carry: long, with every byte, ending in odd ways, or printing what no terminal likes.

use std::os::unix::ffi::OsStringExt as _;

use sha2::Digest as _;
use stigmer_engine::spec::{Code, Input, Language, Text, Work};

use crate::common::assert_same;
use crate::desk::{outcome, output, run};
use crate::sky::{Sky, ran, refused, succeeds};

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_a_mebibyte_runs_and_a_line_of_one_is_refused_with_a_reason() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let text = format!(": {}\necho over\n", "x".repeat(1 << 20));
    let code = Code::Inline { text: text.clone() };
    let script = Work::Script { language: Language::Bash, code, args: Vec::new() };
    assert_eq!(succeeds(&engine, sky.work(script)).await.1, "over\n");
    // No system gives a program an argument of this length, and the line is one.
    let error = refused(&engine, sky.line(&text)).await;
    assert_eq!(error.code, "invalid-spec");
    assert!(error.message.contains("Argument list too long") && error.hint.is_some(), "{error:?}");
    let words: Vec<Text> = ["printf", "%s", &"x".repeat(100_000)].map(Into::into).into();
    assert_eq!(succeeds(&engine, sky.program(words)).await.1.len(), 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_in_a_line_and_an_exit_in_its_middle_are_the_shells_business() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let line = "cat <<'END'\n$HOME `id` 'quoted'\nEND\ncat <<END | tr a-z A-Z\n$((6*7)) pieces\nEND";
    assert_eq!(succeeds(&engine, sky.line(line)).await.1, "$HOME `id` 'quoted'\n42 PIECES\n");
    let (record, said) = ran(&engine, sky.line("echo before; exit 5; echo after")).await;
    assert_eq!((outcome(&record).exit_code(), said.as_str()), (Some(5), "before\n"));
    let (record, said) = ran(&engine, sky.line("cat <<END")).await;
    assert!(outcome(&record).exit_code().is_some(), "{record:?} {said}");
    let (record, _) = ran(&engine, sky.line("echo 'not closed")).await;
    assert_eq!(outcome(&record).word(), "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn children_that_hold_the_terminal_do_not_hold_the_run() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    for input in [Input::Closed, Input::Piped, Input::Terminal { cols: 80, rows: 24 }] {
        let mut spec = sky.line("sleep 1234 & setsid sleep 4321 & sleep 0.1; echo over");
        spec.input = input;
        let (_, said) = succeeds(&engine, spec).await;
        let said = said.replace('\r', "");
        assert!(said.starts_with("over\nleft running by its own wish: sleep ("), "{said}");
    }
    // What was only in the background goes with its run; what made itself independent was named, and stays.
    let (_, said) = succeeds(&engine, sky.line("pgrep -fc '^sleep 1234'; pgrep -fc '^sleep 4321'")).await;
    assert_eq!(said, "0\n3\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_carry_every_byte_but_the_one_that_none_can() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let all: Vec<u8> = (1..=255).collect();
    let odd: Text = std::ffi::OsString::from_vec(all.clone()).into();
    let record = run(&engine, sky.program(["printf".into(), "%s".into(), odd])).await;
    assert_same(&output(&engine, record.id), &all);
    let error = refused(&engine, sky.program(["echo", "a\0b"])).await;
    assert_eq!(error.code, "invalid-spec");
    assert!(error.message.contains("NUL") && error.hint.is_some(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_a_hundred_megabytes_arrives_without_its_end() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    // Bytes that are no text, in one line.
    let line = "head -c 100000000 /dev/zero | tr '\\0' '\\377'; printf 'no end'";
    let record = run(&engine, sky.line(line)).await;
    assert_eq!(outcome(&record).word(), "succeeded");
    let said = output(&engine, record.id);
    assert_eq!((record.bytes, said.len()), (100_000_006, 100_000_006));
    let mut expected = vec![0xff; 100_000_000];
    expected.extend_from_slice(b"no end");
    assert_eq!(sha2::Sha256::digest(&said), sha2::Sha256::digest(&expected));
    assert_eq!(engine.log(record.id).line_count().unwrap(), 1);
}
