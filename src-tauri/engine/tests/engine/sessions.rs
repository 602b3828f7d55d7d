//! Runs of one session: what the next one finds, and when it ends.

use stigmer_engine::engine::Engine;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::{Code, Language, RunSpec, Work};
use stigmer_engine::state::Outcome;

use crate::common::{until, within};
use crate::desk::{Desk, end, outcome, output, read_until, run, start_attached};

fn python(desk: &Desk, session: &str, code: &str) -> RunSpec {
    let code = Code::Inline { text: code.to_owned() };
    let work = Work::Script { language: Language::Python, code, args: Vec::new() };
    RunSpec { session: Some(session.to_owned()), ..desk.work(work) }
}

/// What a run that must succeed printed, and whether it was told that its session has no variables yet.
async fn says(engine: &Engine, spec: RunSpec) -> (String, bool) {
    let begins = format!("session `{}` begins: it has no variables yet\n", spec.session.clone().unwrap());
    let record = run(engine, spec).await;
    assert_eq!(*outcome(&record), Outcome::Succeeded, "{record:?}");
    let said = String::from_utf8(output(engine, record.id)).unwrap();
    (said.replace(&begins, ""), said.contains(&begins))
}

fn says_so(said: &str, is_new: bool) -> (String, bool) {
    (said.to_owned(), is_new)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_keeps_its_variables_for_the_next_run_and_others_do_not_see_them() {
    let desk = Desk::new();
    let engine = desk.open().await;
    engine.stay().await;
    assert_eq!(says(&engine, python(&desk, "a", "x = 42")).await, says_so("", true));
    assert_eq!(says(&engine, python(&desk, "a", "print(x)")).await, says_so("42\n", false));
    assert_eq!(says(&engine, python(&desk, "b", "print('x' in globals())")).await, says_so("False\n", true));
    let mut elsewhere = python(&desk, "a", "print('x' in globals())");
    elsewhere.workspace = desk.workspace.join("other");
    std::fs::create_dir(&elsewhere.workspace).unwrap();
    assert_eq!(says(&engine, elsewhere).await, says_so("False\n", true));
    within(engine.close(Stop::Force)).await;
    until("every interpreter has ended with the engine", || desk.marker.alive().is_empty().then_some(()))
        .await;
    until("nothing of them is left", || {
        std::fs::read_dir(desk.home.root().join("sessions")).unwrap().next().is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_of_one_command_each_share_a_session_and_an_app_takes_it_over() {
    let desk = Desk::new();
    for (code, said, is_new) in [("x = 1", "", true), ("x += 1; print(x)", "2\n", false)] {
        let engine = desk.open().await;
        assert_eq!(says(&engine, python(&desk, "s", code)).await, says_so(said, is_new));
        within(engine.close(Stop::Force)).await;
    }
    let app = desk.open().await;
    app.stay().await;
    assert_eq!(says(&app, python(&desk, "s", "print(x)")).await, says_so("2\n", false));
    within(app.close(Stop::Force)).await;
    until("it has ended with the app", || desk.marker.alive().is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_run_is_over_and_the_session_goes_on_with_its_variables() {
    let desk = Desk::new();
    let engine = desk.open().await;
    engine.stay().await;
    let code = "x = 1\nprint('on')\nwhile True: pass";
    let (id, mut tail) = start_attached(&engine, python(&desk, "s", code)).await;
    read_until(&mut tail, "on\n").await;
    engine.stop(id, Stop::Ask(Manner::Interrupt)).await.unwrap();
    drop(tail);
    assert_eq!(*outcome(&end(&engine, id).await), Outcome::Cancelled { forced: false });
    assert_eq!(says(&engine, python(&desk, "s", "print(x)")).await, says_so("1\n", false));
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_in_no_session_is_refused() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let bash = Work::Script {
        language: Language::Bash,
        code: Code::Inline { text: "true".to_owned() },
        args: Vec::new(),
    };
    let secret = RunSpec { secrets: vec!["TOKEN".to_owned()], ..python(&desk, "s", "1") };
    let mut fresh = python(&desk, "s", "1");
    fresh.target.sandbox.fresh = true;
    for spec in [
        python(&desk, "", "1"),
        python(&desk, "../up", "1"),
        python(&desk, &"x".repeat(33), "1"),
        RunSpec { session: Some("s".to_owned()), ..desk.work(bash) },
        RunSpec { session: Some("s".to_owned()), ..desk.line("true") },
        secret,
        fresh,
    ] {
        let refused = engine.start(spec.clone()).await.map(drop).unwrap_err();
        assert_eq!(refused.code(), "invalid-spec", "{spec:?}");
    }
}
