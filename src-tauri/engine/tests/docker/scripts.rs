//! Scripts in the languages of the basic image, in files and without.

use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::{Code, Language, RunSpec, Work};

use crate::desk::{end, read_until, start_attached};
use crate::yard::{Yard, refused, succeeds};

const BASIC: &str = "stigmer-sandbox-basic:local";

fn script(yard: &Yard, language: Language, code: Code) -> RunSpec {
    yard.work(Work::Script { language, code, args: vec!["a b".into()] })
}

#[tokio::test(flavor = "multi_thread")]
async fn code_runs_from_a_file_and_from_none() {
    let yard = Yard::of(BASIC, "");
    let engine = yard.open().await;
    let code = [
        (Language::Python, "import sys, other; print(sys.argv[1:], other.said)"),
        (Language::Javascript, "console.log(process.argv.slice(2))"),
        (Language::Bash, "[[ $# == 1 ]] && printf \"['%s']\\n\" \"$1\""),
    ];
    std::fs::write(yard.workspace.join("other.py"), "said = 'other'").unwrap();
    for (language, text) in code {
        let expected = if language == Language::Python { "['a b'] other\n" } else { "['a b']\n" };
        let said = |said: String| said.replace("[ 'a b' ]", "['a b']");
        let inline = Code::Inline { text: text.to_owned() };
        assert_eq!(said(succeeds(&engine, script(&yard, language, inline)).await.1), expected);
        let path = yard.workspace.join(format!("job.{}", language.extension()));
        std::fs::write(&path, text).unwrap();
        assert_eq!(said(succeeds(&engine, script(&yard, language, Code::File { path })).await.1), expected);
    }
    // Nothing of the code stays behind.
    assert_eq!(succeeds(&engine, yard.line("ls -A /tmp | grep stigmer || echo none")).await.1, "none\n");
    let outside = Code::File { path: "/etc/hostname".into() };
    assert_eq!(refused(&engine, script(&yard, Language::Bash, outside)).await.code, "outside-workspace");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_that_the_image_does_not_have_is_named() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let error =
        refused(&engine, script(&yard, Language::Python, Code::Inline { text: "1".to_owned() })).await;
    assert_eq!(error.code, "program-not-found");
    assert!(error.message.contains("python3"), "{}", error.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_its_variables_in_the_container_as_long_as_that_is_there() {
    let yard = Yard::of(BASIC, "");
    let engine = yard.open().await;
    let python = |code: &str| {
        let spec = script(&yard, Language::Python, Code::Inline { text: code.to_owned() });
        RunSpec { session: Some("s".to_owned()), ..spec }
    };
    succeeds(&engine, python("import os; x = 42; uid = os.getuid()")).await;
    let (_, said) = succeeds(&engine, python("print(x, uid == os.getuid(), os.getcwd())")).await;
    assert_eq!(said, "42 True /workspace\n");
    // What cleans up after a run does not take the interpreter of others along.
    let (id, mut tail) = start_attached(&engine, python("print('on'); import time; time.sleep(1000)")).await;
    read_until(&mut tail, "on\n").await;
    engine.stop(id, Stop::Ask(Manner::Interrupt)).await.unwrap();
    drop(tail);
    end(&engine, id).await;
    assert_eq!(succeeds(&engine, python("print(x)")).await.1, "42\n");
}
