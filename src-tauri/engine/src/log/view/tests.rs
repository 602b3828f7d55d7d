//! Views against what splitting, filtering and counting the whole log gives.

mod model;

use proptest::prelude::*;
use tempfile::TempDir;

use self::model::{Model, shown};
use super::{Hit, Kind, MOST_ROWS, Pattern, Row, View, Viewed, Views};
use crate::log::{LogWriter, Stream};

const NO_LIMIT: u64 = 1 << 40;

/// A log that is written and looked at.
struct Desk {
    folder: TempDir,
    views: Views,
    runtime: tokio::runtime::Runtime,
}

impl Desk {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        Self { folder: tempfile::tempdir().unwrap(), views: Views::default(), runtime }
    }

    fn writer(&self, limit: u64) -> LogWriter {
        LogWriter::create(self.folder.path(), limit).unwrap()
    }

    /// A log with these pieces, a hundredth of a second apart.
    fn write(&self, pieces: &[(Stream, &[u8])]) -> LogWriter {
        let mut log = self.writer(NO_LIMIT);
        for (at, (stream, bytes)) in pieces.iter().enumerate() {
            log.append(*stream, at as u64 * 10_000, bytes).unwrap();
        }
        log
    }

    /// Asks until the filter has seen everything.
    fn view(&self, view: &View) -> Viewed {
        let _runtime = self.runtime.enter();
        loop {
            let viewed = self.views.view(self.folder.path(), view, false).unwrap();
            if viewed.complete {
                return viewed;
            }
        }
    }

    fn rows(&self, view: &View, from: u64, count: usize, cut: usize) -> Vec<Row> {
        self.view(view);
        let _runtime = self.runtime.enter();
        self.views.rows(self.folder.path(), view, from, count, cut).unwrap()
    }

    fn find(&self, view: &View, from: u64, backwards: bool) -> Hit {
        self.view(view);
        let _runtime = self.runtime.enter();
        self.views.find(self.folder.path(), view, true, from, backwards).unwrap()
    }

    fn row_of(&self, view: &View, line: u64) -> u64 {
        let _runtime = self.runtime.enter();
        self.views.row_of(self.folder.path(), view, line).unwrap()
    }

    fn texts(&self, view: &View) -> Vec<String> {
        let rows = self.rows(view, 0, 1_000, 1 << 20);
        rows.iter().map(|row| String::from_utf8_lossy(&row.bytes).into_owned()).collect()
    }
}

fn matching(text: &str) -> View {
    let pattern = Pattern { text: text.to_owned(), regex: false, case_sensitive: true };
    View { pattern: Some(pattern), ..View::default() }
}

fn regex(text: &str) -> View {
    let pattern = Pattern { text: text.to_owned(), regex: true, case_sensitive: true };
    View { pattern: Some(pattern), ..View::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_view_is_what_splitting_and_filtering_the_whole_gives(
        pieces in prop::collection::vec((0usize..3, "[ab\r\n]{0,60}|x{300,900}\n?|(a\r){20,40}\n?", 0u64..3_000), 1..60),
        needle in prop_oneof![Just(None), Just(Some("b")), Just(Some("ba"))],
        streams in prop::collection::hash_set(0usize..3, 0..3),
        context in 0usize..4,
        limit in prop_oneof![Just(NO_LIMIT), Just(64u64 << 10)],
        from in 0u64..80,
        count in 0usize..40,
        cut in 1usize..400,
    ) {
        const STREAMS: [Stream; 3] = [Stream::Stdout, Stream::Stderr, Stream::System];
        let desk = Desk::new();
        let mut log = desk.writer(limit);
        let mut model = Model::default();
        let mut at = 0;
        let view = View {
            context,
            streams: streams.iter().map(|&stream| STREAMS[stream]).collect(),
            ..needle.map(matching).unwrap_or_default()
        };
        for (index, (stream, text, pause)) in pieces.iter().enumerate() {
            at += pause;
            log.append(STREAMS[*stream], at, text.as_bytes()).unwrap();
            model.append(STREAMS[*stream], text.as_bytes());
            if index % 20 == 7 {
                // Looked at while it grows: what was found before must fit what is found later.
                prop_assert_eq!(desk.view(&view).rows, model.rows(&view, 1).len() as u64);
            }
        }
        let expected = model.rows(&view, cut);
        let viewed = desk.view(&view);
        prop_assert_eq!(viewed.rows, expected.len() as u64);
        prop_assert_eq!((viewed.lines, viewed.bytes), (model.lines().len() as u64, log.bytes()));
        prop_assert_eq!(viewed.matches, model.lines().iter().filter(|line| line.passes(&view)).count() as u64);
        let skipped = usize::try_from(from).unwrap();
        let window: Vec<_> = expected.iter().skip(skipped).take(count).cloned().collect();
        prop_assert_eq!(shown(&desk.rows(&view, from, count, cut)), window);
        for backwards in [false, true] {
            let hit = desk.find(&view, from, backwards);
            prop_assert_eq!(hit.line.map(|line| (line, hit.index)), model.find(&view, from, backwards));
        }
        prop_assert_eq!(desk.row_of(&view, from), expected.iter().filter(|row| row.line < from).count() as u64);
    }
}

#[test]
fn an_empty_log_has_no_rows_and_one_without_a_last_line_end_says_so() {
    let desk = Desk::new();
    let mut log = desk.writer(NO_LIMIT);
    for view in [View::default(), matching("a")] {
        assert_eq!(desk.view(&view), Viewed { complete: true, ..Viewed::default() });
        assert_eq!(desk.rows(&view, 0, 10, 10), []);
        assert_eq!(desk.find(&view, 0, false).line, None);
    }
    log.append(Stream::Stdout, 1, b"one\ntwo a").unwrap();
    let rows = desk.rows(&View::default(), 0, 10, 100);
    assert_eq!(rows.iter().map(|row| (row.line, row.unended)).collect::<Vec<_>>(), [(0, false), (1, true)]);
    assert_eq!(desk.texts(&matching("a")), ["two a"]);
    // What passed does not pass any more once there is more of it, and the other way round.
    assert_eq!(desk.texts(&regex("a$")), ["two a"]);
    log.append(Stream::Stdout, 2, b"b\nthree\n").unwrap();
    assert_eq!(desk.texts(&regex("a$")), [""; 0]);
    assert_eq!(desk.texts(&regex("b$")), ["two ab"]);
    assert!(desk.rows(&View::default(), 0, 10, 100).iter().all(|row| !row.unended));
}

#[test]
fn a_line_has_the_stream_and_time_in_which_it_began() {
    let desk = Desk::new();
    desk.write(&[
        (Stream::Stdout, b"out "),
        (Stream::Stderr, b"err\nerr\n"),
        (Stream::System, b"note\n"),
        (Stream::Stdout, b"out\n"),
    ]);
    let rows = desk.rows(&View::default(), 0, 10, 100);
    let seen: Vec<_> = rows.iter().map(|row| (row.kind, row.at, row.offset)).collect();
    let [out, err, system] = [Kind::Stdout, Kind::Stderr, Kind::System];
    assert_eq!(seen, [(out, 0, 0), (err, 10_000, 8), (system, 20_000, 12), (out, 30_000, 17)]);
    let only = |stream| View { streams: [stream].into_iter().collect(), ..View::default() };
    assert_eq!(desk.texts(&only(Stream::Stdout)), ["out err", "out"]);
    assert_eq!(desk.texts(&View { context: 1, ..only(Stream::Stderr) }), ["out err", "err", "note"]);
    assert_eq!(desk.texts(&View { streams: only(Stream::Stdout).streams, ..matching("r") }), ["out err"]);
}

#[test]
fn bytes_that_are_no_text_and_carriage_returns_are_found_and_shown_as_they_are() {
    let desk = Desk::new();
    desk.write(&[(Stream::Stdout, b"\xff\xfea\0b\r\n\xe4rger\r\nend\r")]);
    let rows = desk.rows(&View::default(), 0, 10, 100);
    let bytes: Vec<_> = rows.iter().map(|row| &row.bytes[..]).collect();
    assert_eq!(bytes, [&b"\xff\xfea\0b"[..], b"\xe4rger", b"end\r"]);
    assert_eq!(desk.rows(&regex("rger$"), 0, 10, 100)[0].line, 1);
    assert_eq!(desk.rows(&regex(r"(?-u:\xfe)a\x00b$"), 0, 10, 100)[0].line, 0);
}

#[test]
fn a_pattern_that_is_none_is_refused_at_once_and_plain_text_is_no_pattern() {
    let desk = Desk::new();
    desk.write(&[(Stream::Stdout, b"a+b\nAAB\n")]);
    let refused = desk.views.view(desk.folder.path(), &regex("("), false).unwrap_err();
    assert_eq!(refused.code(), "pattern");
    assert_eq!(desk.texts(&matching("a+b")), ["a+b"]);
    let any_case = Pattern { text: "a+b".to_owned(), regex: true, case_sensitive: false };
    assert_eq!(desk.texts(&View { pattern: Some(any_case), ..View::default() }), ["AAB"]);
}

#[test]
fn a_long_line_is_cut_and_one_that_was_redrawn_shows_what_it_showed_last() {
    let desk = Desk::new();
    let long = "x".repeat(10_000);
    let redrawn: String = (0..=100).map(|percent| " ".repeat(40) + &percent.to_string() + " %\r").collect();
    let text = format!("{long}\n{redrawn}\n{redrawn}done\r\n");
    desk.write(&[(Stream::Stdout, text.as_bytes())]);
    let rows = desk.rows(&View::default(), 0, 10, 64);
    let seen: Vec<_> =
        rows.iter().map(|row| (row.length, row.cut, row.begins_later, row.bytes.len())).collect();
    // The carriage return before the line feed is no part of it.
    let redrawn = redrawn.len() as u64 - 1;
    assert_eq!(seen, [(10_000, true, false, 64), (redrawn, false, true, 45), (redrawn + 5, false, true, 4)]);
    assert_eq!(rows[1].bytes.trim_ascii(), b"100 %");
    assert_eq!(rows[2].bytes, b"done");
}

#[test]
fn a_line_of_a_hundred_megabytes_costs_what_is_shown_of_it() {
    let desk = Desk::new();
    let mut log = desk.writer(NO_LIMIT);
    log.append(Stream::Stdout, 0, b"before\n").unwrap();
    for at in 0..1_600u64 {
        log.append(Stream::Stdout, at * 2_000, &vec![b'x'; 64 << 10]).unwrap();
    }
    log.append(Stream::Stdout, 4_000_000, b"needle\nafter\n").unwrap();
    let rows = desk.rows(&View::default(), 0, 10, 4_096);
    let seen: Vec<_> = rows.iter().map(|row| (row.length, row.bytes.len(), row.cut)).collect();
    assert_eq!(seen, [(6, 6, false), ((100 << 20) + 6, 4_096, true), (5, 5, false)]);
    let hit = desk.find(&matching("needle"), 0, false);
    assert_eq!((hit.line, hit.total), (Some(1), 1));
    let _runtime = desk.runtime.enter();
    assert_eq!(desk.views.line_at(desk.folder.path(), 50 << 20).unwrap(), 1);
    assert_eq!(desk.views.line_at(desk.folder.path(), log.bytes() - 1).unwrap(), 2);
}

#[test]
fn what_the_size_limit_left_out_is_one_row_and_goes_from_what_was_found() {
    let desk = Desk::new();
    let mut log = desk.writer(256 << 10);
    let needle = View { context: 1, ..matching("00") };
    for number in 0..200_000u64 {
        log.append(Stream::Stdout, number * 5, format!("line {number}\n").as_bytes()).unwrap();
        if number % 10_000 == 0 {
            desk.view(&needle);
        }
    }
    let whole = desk.view(&View::default());
    assert_eq!((whole.lines, whole.bytes), (200_000, log.bytes()));
    let pages = (0..whole.rows).step_by(MOST_ROWS);
    let rows: Vec<Row> = pages.flat_map(|from| desk.rows(&View::default(), from, usize::MAX, 100)).collect();
    assert_eq!(rows.len() as u64, whole.rows);
    let gaps: Vec<_> = rows.iter().filter(|row| row.kind == Kind::LeftOut).collect();
    assert_eq!(gaps.len(), 1);
    let kept: u64 = rows.iter().map(|row| if row.kind == Kind::LeftOut { 0 } else { row.length + 1 }).sum();
    // The line before the gap has no end of its own.
    assert!((kept - 1..=kept).contains(&(whole.bytes - gaps[0].length)));
    assert_eq!(rows.last().unwrap().bytes, b"line 199999");
    let passes = |row: &&Row| row.bytes.windows(2).any(|two| two == b"00");
    let expected = rows.iter().filter(passes).count() as u64;
    let filtered = desk.view(&needle);
    // The first line behind the gap may have lost its beginning, and was found when it had it.
    assert!(filtered.matches.abs_diff(expected) <= 1, "{} of {expected}", filtered.matches);
    let shown = desk.rows(&needle, filtered.rows - 5, 10, 100);
    assert_eq!(shown.len(), 5);
    assert_eq!(shown.last().unwrap().line, 199_901);
    assert!(shown[1].gap ^ shown[2].gap ^ shown[3].gap);
    let line = rows[rows.len() - 10].line;
    assert_eq!(desk.row_of(&View::default(), line), whole.rows - 10);
    assert_eq!(desk.find(&needle, 0, true).line, None);
    assert_eq!(desk.find(&needle, u64::MAX, true).line, Some(199_900));
}

#[test]
fn a_filter_that_nobody_asks_for_any_more_is_forgotten() {
    let desk = Desk::new();
    desk.write(&[(Stream::Stdout, b"one\n")]);
    for number in 0..40 {
        desk.view(&matching(&number.to_string()));
    }
    assert!(format!("{:?}", desk.views).matches("Sieve").count() <= 8);
}
