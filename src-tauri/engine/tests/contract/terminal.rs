//! A program that asked for a terminal has a real one.

use bytes::Bytes;
use stigmer_engine::backend::{Exit, Launch, Size};
use stigmer_engine::spec::Input;

use super::{Place, Started, run, script};

fn on_terminal(place: &dyn Place, text: &str) -> Launch {
    Launch { input: Input::Terminal { cols: 100, rows: 30 }, ..script(place, text) }
}

pub(crate) async fn a_terminal_has_the_size_that_was_asked_for(place: &dyn Place) {
    let text = "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && stty size";
    let (program, finish) = run(place, on_terminal(place, text)).await;
    assert_eq!((program.text().as_str(), finish.exit), ("30 100\r\n", Exit::Code(0)));
}

pub(crate) async fn a_terminal_takes_a_new_size(place: &dyn Place) {
    let text = "echo ready; while [ \"$(stty size)\" = '30 100' ]; do sleep 0.01; done; stty size";
    let mut program = Started::new(place, on_terminal(place, text)).await;
    program.until_it_says("ready").await;
    program.execution.resize(Size { cols: 132, rows: 43 }).await.unwrap();
    program.finish().await;
    assert_eq!(program.text(), "ready\r\n43 132\r\n");
}

pub(crate) async fn a_terminal_takes_input_and_its_end(place: &dyn Place) {
    let mut program = Started::new(place, on_terminal(place, "stty -echo; echo ready; cat")).await;
    program.until_it_says("ready").await;
    program.execution.input(Bytes::from_static(b"one\ntwo")).await.unwrap();
    program.execution.end_input().await.unwrap();
    let finish = program.finish().await;
    assert_eq!((program.text().as_str(), finish.exit), ("ready\r\none\r\ntwo", Exit::Code(0)));
}
