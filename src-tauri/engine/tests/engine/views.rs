//! The log of a run as a viewer shows it, through the façade.

use stigmer_engine::compare::{Extent, Side};
use stigmer_engine::export::Format;
use stigmer_engine::log::Stream;
use stigmer_engine::log::view::{Pattern, View};
use stigmer_engine::spec::RunId;

use crate::common::within;
use crate::desk::{Desk, end, run, start, wait_for};

fn matching(text: &str) -> View {
    let pattern = Pattern { text: text.to_owned(), regex: true, case_sensitive: false };
    View { pattern: Some(pattern), ..View::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_grows_with_its_run_and_says_when_it_is_over() {
    let desk = Desk::new();
    let (host, guest) = (desk.open().await, desk.open().await);
    let line = format!("seq 1 5000; echo error 1 >&2; {}; seq 5001 9000; echo ERROR 2", wait_for("go"));
    let id = start(&host, desk.line(&line)).await;
    let (whole, errors) = (View::default(), matching("error"));
    for engine in [&host, &guest] {
        let mut progress = within(engine.progress(id)).await.unwrap();
        within(progress.wait_for(|progress| progress.bytes >= 23_893 + 8)).await.unwrap();
        let viewed = within(engine.view(id, &whole)).await.unwrap();
        assert_eq!((viewed.rows, viewed.complete, viewed.ended), (5_001, true, false));
        let rows = within(engine.rows(id, &whole, 4_999, 10, 100)).await.unwrap();
        let texts: Vec<_> = rows.iter().map(|row| &row.bytes[..]).collect();
        assert_eq!(texts, [&b"5000"[..], b"error 1"]);
        while !within(engine.view(id, &errors)).await.unwrap().complete {}
        assert_eq!(within(engine.view(id, &errors)).await.unwrap().matches, 1);
    }
    desk.say("go");
    end(&host, id).await;
    for engine in [&host, &guest] {
        let viewed = loop {
            let viewed = within(engine.view(id, &errors)).await.unwrap();
            if viewed.complete {
                break viewed;
            }
        };
        assert_eq!((viewed.rows, viewed.lines, viewed.ended), (2, 9_002, true));
        let hit = within(engine.find(id, &errors, 5_001, false)).await.unwrap();
        assert_eq!((hit.line, hit.index, hit.total), (Some(9_001), 1, 2));
        assert_eq!(within(engine.row_of(id, &errors, 9_001)).await.unwrap(), 1);
        assert_eq!(within(engine.line_at(id, 4)).await.unwrap(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_no_run_and_a_pattern_that_is_none_are_errors() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = run(&engine, desk.line("echo")).await.id;
    assert_eq!(within(engine.view(id, &matching("("))).await.unwrap_err().code(), "pattern");
    let nobody = RunId::new();
    assert_eq!(within(engine.view(nobody, &View::default())).await.unwrap_err().code(), "run-not-found");
    let rows = within(engine.rows(nobody, &View::default(), 0, 1, 1)).await;
    assert_eq!(rows.unwrap_err().code(), "run-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_filtered_by_stream() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = run(&engine, desk.line("echo out; echo err >&2; sleep 0.05; echo out")).await.id;
    let view = View { streams: [Stream::Stderr].into_iter().collect(), ..View::default() };
    let rows = within(engine.rows(id, &view, 0, 10, 100)).await.unwrap();
    assert_eq!(rows.iter().map(|row| &row.bytes[..]).collect::<Vec<_>>(), [b"err"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_are_compared_and_differences_in_time_counted_apart() {
    let desk = Desk::new();
    let engine = desk.open().await;
    let before = run(&engine, desk.line("echo same; echo took 1.5 s; echo old")).await;
    let after = run(&engine, desk.line("echo same; echo took 12 ms; echo new; echo more; exit 1")).await;
    let compared = within(engine.compare(before.id, after.id, Extent::default())).await.unwrap();
    let all = &compared.difference;
    assert_eq!(
        (all.gone, all.new, all.times, compared.same_output, compared.too_large),
        (1, 2, 1, false, false)
    );
    assert_eq!((&compared.before, &compared.after), (&before, &after));
    let shown: Vec<_> = all.hunks[0].lines.iter().map(|line| (line.side, line.content.as_str())).collect();
    assert_eq!(shown[..2], [(Side::Both, "same\n"), (Side::Before, "took 1.5 s\n")]);
    let again = within(engine.compare(before.id, before.id, Extent::default())).await.unwrap();
    assert!(again.same_output && again.difference.hunks.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_cannot_be_written_says_so() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let desk = Desk::new();
    let engine = desk.open().await;
    let id = run(&engine, desk.line("echo out")).await.id;
    for format in [Format::Raw, Format::Text, Format::Json] {
        assert_eq!(within(engine.export(id, format, Full)).await.unwrap_err().code(), "output");
    }
}
