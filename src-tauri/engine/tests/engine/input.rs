//! Input and terminals through the engine.

use bytes::Bytes;
use stigmer_engine::backend::Size;
use stigmer_engine::live::Stop;
use stigmer_engine::spec::Input;
use stigmer_engine::state::Outcome;

use crate::common::{assert_same, numbers, within};
use crate::desk::{Desk, end, outcome, output, read_until, run, start, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_before_the_program_runs_arrives_too() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let mut spec = desk.line("cat");
    spec.input = Input::Piped;
    let id = start(&engine, spec).await;
    let sent = numbers(1, 300_000);
    within(engine.input(id, Bytes::from(sent.clone()))).await.unwrap();
    within(engine.end_input(id)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
    assert_same(&output(&engine, id), &sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_input_finds_the_end_of_it_at_once() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let record = run(&engine, desk.line("cat; echo end")).await;
    assert_same(&output(&engine, record.id), b"end\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn input_that_waits_for_a_program_ends_with_it() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let mut spec = desk.line(&format!("echo >ready; {}", wait_for("never")));
    spec.input = Input::Piped;
    let id = start(&engine, spec).await;
    let (typist, plenty) = (engine.clone(), Bytes::from(vec![b'x'; 4 << 20]));
    let typing = tokio::spawn(async move { typist.input(id, plenty).await });
    desk.until_said("ready").await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    end(&engine, id).await;
    within(typing).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_over_takes_no_input() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let record = run(&engine, desk.line("true")).await;
    let refused = within(engine.input(record.id, Bytes::from_static(b"x"))).await;
    assert_eq!(refused.unwrap_err().code(), "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_resized_and_typed_into() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let line = "stty size; while [ \"$(stty size)\" = '24 80' ]; do sleep 0.01; done; stty size; cat";
    let mut spec = desk.line(line);
    spec.input = Input::Terminal { cols: 80, rows: 24 };
    let id = start(&engine, spec).await;
    let mut tail = engine.tail(id, 0).await.unwrap();
    read_until(&mut tail, "24 80\r\n").await;
    within(engine.resize(id, Size { cols: 100, rows: 40 })).await.unwrap();
    read_until(&mut tail, "40 100\r\n").await;
    within(engine.input(id, Bytes::from_static(b"typed\n"))).await.unwrap();
    within(engine.end_input(id)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
    assert_same(&output(&engine, id), b"24 80\r\n40 100\r\ntyped\r\ntyped\r\n");
}
