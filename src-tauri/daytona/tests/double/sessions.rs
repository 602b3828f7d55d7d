//! Commands in sandboxes, and their output to the last byte.

use std::time::Duration;

use daytona_double::{Effect, Ending, Fault, Options};
use stigmer_daytona::{Error, Event, Execute, Follow, Position, Session, Stream};

use crate::ground::{Ground, ground, ground_with, kind};

/// What a command printed, and its exit code.
struct Seen {
    stdout: String,
    stderr: String,
    exit: Option<i64>,
}

async fn read(follow: &mut Follow) -> Result<Seen, Error> {
    let (mut stdout, mut stderr, mut exit) = (Vec::new(), Vec::new(), None);
    let position = follow.position();
    while let Some(event) = follow.next().await? {
        match event {
            Event::Output(output) if output.stream == Stream::Stdout => {
                stdout.extend_from_slice(&output.bytes);
            }
            Event::Output(output) => stderr.extend_from_slice(&output.bytes),
            Event::Exit(code) => exit = Some(code),
        }
    }
    let delivered = follow.position();
    assert_eq!(delivered.stdout, position.stdout + stdout.len() as u64);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Seen { stdout: text(stdout), stderr: text(stderr), exit })
}

async fn session(ground: &Ground) -> Option<Session> {
    Some(ground.toolbox().await?.create_session("s").await.unwrap())
}

const LOGS: &str = "*/logs";
/// A thousand lines on each stream, with every kind of character, over about a second.
const LINES: &str = "(for i in $(seq 1000); do echo \"out $i grün 😀\"; echo \"err $i\" >&2; \
                     [ $((i % 100)) = 0 ] && sleep 0.1; done; exit 7)";

fn lines(prefix: &str, suffix: &str) -> String {
    (1..=1000).flat_map(|number| [format!("{prefix} {number}"), format!("{suffix}\n")]).collect()
}

fn is_whole(seen: &Seen) {
    assert_eq!(seen.exit, Some(7));
    assert!(seen.stdout == lines("out", " grün 😀"), "{}", seen.stdout.len());
    assert!(seen.stderr == lines("err", ""), "{}", seen.stderr.len());
}

#[tokio::test]
async fn a_single_command_gives_its_output_and_exit_code() {
    let ground = ground();
    let Some(toolbox) = ground.toolbox().await else { return };
    let mut execute = Execute::new("echo $A; pwd; exit 3");
    execute.env.insert("A".to_owned(), "b c".to_owned());
    execute.cwd = Some("/tmp".to_owned());
    let executed = toolbox.execute(&execute).await.unwrap();
    assert_eq!((executed.exit_code, executed.result.as_str()), (Some(3), "b c\n/tmp\n"));
    let slow = Execute { timeout: Duration::from_secs(1), ..Execute::new("sleep 20") };
    assert_eq!(kind(&toolbox.execute(&slow).await), "CommandTimeout");
    assert!(!toolbox.version().await.unwrap().is_empty());
    assert!(toolbox.home_dir().await.unwrap().starts_with('/'));
}

#[tokio::test]
async fn output_and_errors_come_apart_and_the_exit_code_comes_last() {
    let ground = ground();
    let Some(session) = session(&ground).await else { return };
    let command = session.exec(LINES).await.unwrap();
    is_whole(&read(&mut session.follow(&command)).await.unwrap());
    let logs = session.logs(&command).await.unwrap();
    assert_eq!(logs.stdout, lines("out", " grün 😀"));
    assert_eq!(session.command(&command).await.unwrap().exit_code, Some(7));
    // Late, and from a position.
    is_whole(&read(&mut session.follow(&command)).await.unwrap());
    let rest = read(&mut session.follow_from(&command, Position { stdout: 8, stderr: 0 })).await.unwrap();
    assert!(lines("out", " grün 😀").ends_with(&rest.stdout) && rest.stderr == lines("err", ""));
    assert!(session.follow(&command).position() == Position::default());
}

#[tokio::test]
async fn a_command_is_over_before_its_log_closes() {
    let ground = ground_with(Options { log_close: Duration::from_hours(1), ..Options::quick() }, |_| {});
    let Some(session) = session(&ground).await else { return };
    let command = session.exec("(echo hi)").await.unwrap();
    let seen = read(&mut session.follow(&command)).await.unwrap();
    assert_eq!((seen.stdout.as_str(), seen.exit), ("hi\n", Some(0)));
}

#[tokio::test]
async fn a_stream_that_ends_early_in_any_way_loses_and_repeats_nothing() {
    let endings = [Ending::Close { code: 1000 }, Ending::Close { code: 1011 }, Ending::Drop];
    for then in endings {
        let ground = ground();
        let Some(session) = session(&ground).await else { return };
        for (skip, after) in [(0, 1), (1, 1000), (2, 9_999)] {
            let effect = Effect::Socket { after, then: then.clone() };
            ground.double.fault(Fault::once("GET", LOGS, effect).after(skip));
        }
        let command = session.exec(LINES).await.unwrap();
        is_whole(&read(&mut session.follow(&command)).await.unwrap());
    }
}

#[tokio::test]
async fn a_stream_that_stalls_does_not_hold_the_end_up() {
    let ground = ground();
    let Some(session) = session(&ground).await else { return };
    ground.always("GET", LOGS, Effect::Socket { after: 5000, then: Ending::Stall });
    let command = session.exec(LINES).await.unwrap();
    is_whole(&read(&mut session.follow(&command)).await.unwrap());
}

#[tokio::test]
async fn a_websocket_that_never_says_anything_is_made_up_for_while_the_command_runs() {
    for then in [Ending::Close { code: 1000 }, Ending::Drop] {
        let ground = ground();
        let Some(session) = session(&ground).await else { return };
        ground.always("GET", LOGS, Effect::Socket { after: 0, then });
        let command = session.exec("(echo one; sleep 4; echo two; exit 7)").await.unwrap();
        let mut follow = session.follow(&command);
        let first = follow.next().await.unwrap();
        assert!(matches!(first, Some(Event::Output(output)) if output.bytes == "one\n"));
        assert_eq!(session.command(&command).await.unwrap().exit_code, None, "it still runs");
        let rest = read(&mut follow).await.unwrap();
        assert_eq!((rest.stdout.as_str(), rest.exit), ("two\n", Some(7)));
    }
}

#[tokio::test]
async fn a_websocket_that_is_refused_is_tried_again() {
    for effect in [Effect::bad_gateway(), Effect::status(403), Effect::Drop, Effect::html(200)] {
        let ground = ground();
        let Some(session) = session(&ground).await else { return };
        ground.double.fault(Fault::always("GET", LOGS, effect).times(3));
        let command = session.exec(LINES).await.unwrap();
        is_whole(&read(&mut session.follow(&command)).await.unwrap());
    }
}

#[tokio::test]
async fn a_sandbox_that_is_out_of_reach_for_a_while_loses_and_repeats_nothing() {
    let ground = ground();
    let Some(session) = session(&ground).await else { return };
    let command = session.exec(LINES).await.unwrap();
    ground.double.fault(Fault::always("GET", "*/command/*", Effect::bad_gateway()).after(2).times(25));
    is_whole(&read(&mut session.follow(&command)).await.unwrap());
}

#[tokio::test]
async fn patience_has_an_end_and_following_goes_on_from_where_it_was() {
    let ground = ground();
    let Some(session) = session(&ground).await else { return };
    let command = session.exec("(echo one; sleep 2; echo two)").await.unwrap();
    let mut follow = session.follow(&command).patience(Duration::from_millis(300));
    let first = follow.next().await.unwrap();
    assert!(matches!(first, Some(Event::Output(_))), "{first:?}");
    ground.always("GET", "*/command/*", Effect::bad_gateway());
    // The connection that is open lives on, so it is not cut off by this alone.
    let position = follow.position();
    drop(follow);
    let mut follow = session.follow_from(&command, position).patience(Duration::from_millis(300));
    assert_eq!(kind(&read(&mut follow).await), "Server");
    ground.double.clear_faults();
    let seen = read(&mut follow).await.unwrap();
    assert_eq!((seen.stdout.as_str(), seen.exit), ("two\n", Some(0)));
}

#[tokio::test]
async fn following_may_be_dropped_at_any_moment() {
    let ground = ground();
    let Some(session) = session(&ground).await else { return };
    let command = session.exec(LINES).await.unwrap();
    let mut follow = session.follow(&command);
    let (mut stdout, mut exit) = (Vec::new(), None);
    while exit.is_none() {
        let next = tokio::time::timeout(Duration::from_millis(3), follow.next()).await;
        let Ok(event) = next else { continue };
        match event.unwrap().unwrap() {
            Event::Output(output) if output.stream == Stream::Stdout => {
                stdout.extend_from_slice(&output.bytes);
            }
            Event::Output(_) => {}
            Event::Exit(code) => exit = Some(code),
        }
    }
    assert_eq!(String::from_utf8(stdout).unwrap(), lines("out", " grün 😀"));
}

#[tokio::test]
async fn a_session_that_is_deleted_under_it_ends_following() {
    let ground = ground();
    let Some(session) = session(&ground).await else { return };
    let command = session.exec("(echo one; sleep 60)").await.unwrap();
    let mut follow = session.follow(&command);
    follow.next().await.unwrap();
    assert!(session.delete().await.unwrap());
    assert!(!session.delete().await.unwrap());
    assert_eq!(kind(&read(&mut follow).await), "NotFound");
}

#[tokio::test]
async fn a_sandbox_that_stops_under_it_ends_following() {
    let ground = ground();
    let Some(session) = session(&ground).await else { return };
    let command = session.exec("(echo one; sleep 60)").await.unwrap();
    let mut follow = session.follow(&command);
    follow.next().await.unwrap();
    ground.sandboxes().stop("inside", true).await.unwrap();
    let error = read(&mut follow).await.err().unwrap();
    assert!(matches!(error, Error::Invalid(_) | Error::NotFound(_)), "{error:?}");
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_found_among_the_commands() {
    let ground = ground();
    let Some(session) = session(&ground).await else { return };
    session.exec("(echo x >>count)").await.unwrap();
    ground.once("POST", "*/exec", Effect::Lost);
    let command = session.exec("(echo x >>count)").await.unwrap();
    let seen = read(&mut session.follow(&command)).await.unwrap();
    assert_eq!(seen.exit, Some(0));
    let done = session.exec_sync("(wc -l <count)", Duration::from_secs(10)).await.unwrap();
    assert_eq!((done.stdout.trim(), done.exit_code), ("2", Some(0)));
    ground.once("POST", "*/exec", Effect::Drop);
    assert_eq!(kind(&session.exec("(echo x >>count)").await), "Unreachable sent");
    assert_eq!(session.info().await.unwrap().commands.len(), 3);
}

#[tokio::test]
async fn a_session_whose_creation_got_no_answer_is_found() {
    let ground = ground();
    let Some(toolbox) = ground.toolbox().await else { return };
    ground.once("POST", "*/process/session", Effect::Lost);
    toolbox.create_session("lost").await.unwrap();
    assert_eq!(kind(&toolbox.create_session("lost").await), "Conflict");
    ground.once("POST", "*/process/session", Effect::Drop);
    toolbox.create_session("dropped").await.unwrap();
    assert_eq!(toolbox.sessions().await.unwrap().len(), 2);
}

#[tokio::test]
async fn input_reaches_a_command_and_is_not_part_of_its_output() {
    let ground = ground();
    let Some(session) = session(&ground).await else { return };
    let command = session.exec("(read line; echo \"got $line\")").await.unwrap();
    session.input(&command, "some words\n").await.unwrap();
    let seen = read(&mut session.follow(&command)).await.unwrap();
    assert_eq!(seen.stdout, "got some words\n");
    assert!(matches!(session.input(&command, "more").await, Err(Error::Gone(_))));
}

#[tokio::test]
async fn looking_at_a_command_is_no_activity_and_starting_one_is() {
    let ground = ground();
    let Some(session) = session(&ground).await else { return };
    let command = session.exec("(sleep 0.5)").await.unwrap();
    read(&mut session.follow(&command)).await.unwrap();
    let quiet = "x-daytona-skip-last-activity-update";
    for request in ground.double.requests() {
        let looks = request.method == "GET" && request.path.contains("/command/");
        let follows = request.headers.contains_key("upgrade");
        if request.path.contains("/toolbox/") {
            assert_eq!(request.headers.contains_key(quiet), looks && !follows, "{request:?}");
        }
    }
}

#[tokio::test]
async fn an_unknown_session_is_told_as_that_by_every_call() {
    let ground = ground();
    let Some(toolbox) = ground.toolbox().await else { return };
    let session = toolbox.session("nobody");
    assert_eq!(kind(&session.exec("(true)").await), "NotFound");
    assert_eq!(kind(&session.info().await), "NotFound");
    assert_eq!(kind(&read(&mut session.follow("c")).await), "NotFound");
}

#[tokio::test]
async fn a_large_log_is_complete_and_never_held_as_a_whole() {
    const LENGTH: u64 = 20_200_000;
    let ground = ground_with(Options { chunk: 64 << 10, ..Options::quick() }, |_| {});
    let Some(session) = session(&ground).await else { return };
    let effect = Effect::Socket { after: 3_000_000, then: Ending::Drop };
    ground.double.fault(Fault::once("GET", LOGS, effect.clone()));
    let line = "x".repeat(100);
    let command = session.exec(&format!("(yes {line} | head -n 200000)")).await.unwrap();
    let mut follow = session.follow(&command);
    let mut longest = 0;
    while let Some(event) = follow.next().await.unwrap() {
        if let Event::Output(output) = event {
            assert!(output.bytes.iter().all(|byte| matches!(byte, b'x' | b'\n')));
            longest = longest.max(output.bytes.len());
        }
    }
    assert_eq!(follow.position(), Position { stdout: LENGTH, stderr: 0 });
    assert!(longest <= 1 << 20, "{longest}");
    let plain = |request: &&daytona_double::Recorded| {
        request.path.ends_with("/logs") && !request.headers.contains_key("upgrade")
    };
    let fetched = || ground.double.requests().iter().filter(plain).count();
    assert_eq!(fetched(), 0);
    // When even the last look breaks, there is still the plain log.
    ground.double.fault(Fault::once("GET", LOGS, effect).after(1));
    let mut again = session.follow(&command);
    while again.next().await.unwrap().is_some() {}
    assert_eq!((again.position().stdout, fetched()), (LENGTH, 1));
}
