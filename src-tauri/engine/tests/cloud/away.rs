//! Daytona or the way to it is gone for a while, at a bad moment: nothing that goes on is given up, nothing that should end
//! goes on, and nothing of ours stays there.

use std::time::Duration;

use daytona_double::{Effect, Ending, Fault};
use stigmer_daytona::Limits;
use stigmer_engine::backend::RUN_ID;
use stigmer_engine::live::Stop;
use stigmer_engine::spec::Input;
use stigmer_engine::state::Outcome;

use crate::common::{MARKER, Marker, numbers, until, within};
use crate::desk::{end, outcome, output, read_until, start, start_attached};
use crate::kept::orphan;
use crate::sky::{Sky, asked, bringing_back, fresh, succeeds};

const TERMINAL: &str = "*/process/pty/create-connect*";

fn unreachable(sky: &Sky, paths: &[&str]) {
    for path in paths {
        sky.double.fault(Fault::always("*", path, Effect::bad_gateway()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_be_taken_up_at_first_is_taken_up_later() {
    for gone in ["/api/sandbox/*", TERMINAL] {
        let Some(sky) = Sky::new() else { return };
        let id = tokio::task::block_in_place(|| orphan(&sky, true));
        unreachable(&sky, &[gone]);
        let engine = sky.open().await;
        within(engine.stay()).await;
        assert!(engine.going_on().is_empty(), "{gone}");
        assert_eq!(within(engine.get(id)).await.unwrap().state.word(), "running", "{gone}");
        // Whoever follows it sees no end before there is one.
        let mut progress = within(engine.progress(id)).await.unwrap();
        let first_end = tokio::spawn(async move { progress.wait_for(|it| it.ended).await.unwrap().bytes });
        sky.double.clear_faults();
        until("it is taken up", || (!engine.going_on().is_empty()).then_some(())).await;
        succeeds(&engine, sky.line("touch enough")).await;
        assert_eq!(outcome(&end(&engine, id).await).exit_code(), Some(7), "{gone}");
        let (_, said) = succeeds(&engine, sky.line("cat last")).await;
        assert!(output(&engine, id) == numbers(1, said.trim().parse().unwrap()), "{gone}");
        assert_eq!(within(first_end).await.unwrap(), output(&engine, id).len() as u64, "{gone}");
        within(engine.close(Stop::Force)).await;
        assert!(sky.notes().is_empty(), "{gone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_to_be_taken_up_can_be_stopped_and_is_ended_once_it_can_be() {
    let Some(sky) = Sky::new() else { return };
    let id = tokio::task::block_in_place(|| orphan(&sky, true));
    unreachable(&sky, &["/api/sandbox/*"]);
    let engine = sky.open().await;
    within(engine.stay()).await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_ne!(end(&engine, id).await.state.word(), "running");
    sky.double.clear_faults();
    until("nothing is noted any more", || sky.notes().is_empty().then_some(())).await;
    let line = format!("grep -lz '{RUN_ID}={id}' /proc/[0-9]*/environ 2>/dev/null | wc -l");
    assert_eq!(succeeds(&engine, sky.line(&line)).await.1, "0\n");
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_whose_engine_was_killed_is_not_held_up_by_what_nobody_reads() {
    let Some(sky) = Sky::new() else { return };
    let id = tokio::task::block_in_place(|| orphan(&sky, true));
    // By then it has printed what may be under way. That it is enough is seen by a program that goes on nevertheless.
    let guest = sky.open().await;
    succeeds(&guest, sky.line("sleep 5; touch enough; until [ -e last ]; do sleep 0.2; done")).await;
    within(guest.close(Stop::Force)).await;
    let engine = sky.open().await;
    within(engine.stay()).await;
    assert_eq!(outcome(&end(&engine, id).await).exit_code(), Some(7));
    let (_, said) = succeeds(&engine, sky.line("cat last")).await;
    assert!(output(&engine, id) == numbers(1, said.trim().parse().unwrap()));
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stopped_now_is_said_and_stopped_once_it_can_be() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    succeeds(&engine, sky.line("true")).await;
    within(engine.stay()).await;
    let marker = Marker::new();
    let mut spec = sky.line("echo began; sleep 1000");
    spec.env.set.insert(MARKER.to_owned(), Some(marker.name().into()));
    spec.input = Input::Piped;
    sky.double.fault(Fault::once("GET", TERMINAL, Effect::Hears { after: 3_000, then: Ending::Stall }));
    let (id, mut tail) = start_attached(&engine, spec).await;
    read_until(&mut tail, "began\n").await;
    drop(tail);
    // From here on nothing is heard there.
    within(engine.input(id, vec![0; 5_000].into())).await.unwrap();
    unreachable(&sky, &[TERMINAL, "/api/sandbox/*"]);
    within(engine.stop(id, Stop::Force)).await.unwrap();
    let record = end(&engine, id).await;
    assert_eq!(outcome(&record), &Outcome::Cancelled { forced: true });
    let said = String::from_utf8_lossy(&output(&engine, id)).into_owned();
    assert!(said.contains("cannot be reached"), "{said}");
    assert!(!marker.alive().is_empty());
    sky.double.clear_faults();
    marker.until_none_is_alive().await;
    until("nothing is noted any more", || sky.notes().is_empty().then_some(())).await;
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_of_one_run_that_cannot_be_deleted_now_is_deleted_once_it_can_be() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    within(engine.stay()).await;
    let spec = sky.asking(fresh(), "echo began; sleep 1000");
    let (id, mut tail) = start_attached(&engine, spec).await;
    read_until(&mut tail, "began\n").await;
    drop(tail);
    unreachable(&sky, &[TERMINAL, "/api/sandbox/*"]);
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Cancelled { forced: true });
    assert_eq!(sky.sandboxes().len(), 1);
    sky.double.clear_faults();
    until("it is deleted", || sky.sandboxes().is_empty().then_some(())).await;
    until("nothing is noted any more", || sky.notes().is_empty().then_some(())).await;
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_given_up_while_a_terminal_opens_leaves_none() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    succeeds(&engine, sky.line("true")).await;
    let counts = || {
        let requests = sky.double.requests();
        let count = |method, part| {
            requests.iter().filter(|one| one.method == method && one.path.contains(part)).count()
        };
        (count("GET", "/create-connect"), count("DELETE", "/pty/"))
    };
    // Those of its own are no proof below.
    until("its terminals are ended", || (counts().0 == counts().1).then_some(())).await;
    asked(&sky);
    // Its shell is told nothing.
    sky.double.fault(Fault::once("GET", TERMINAL, Effect::Hears { after: 0, then: Ending::Stall }));
    let id = start(&engine, sky.line("true")).await;
    until("it opens", || {
        let requests = sky.double.requests();
        requests.iter().any(|one| one.path.ends_with("/create-connect")).then_some(())
    })
    .await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    end(&engine, id).await;
    within(engine.close(Stop::Force)).await;
    let (opened, ended) = counts();
    assert!(opened > 0 && ended == opened, "an engine that goes waits for that: {opened}, {ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_another_account_leaves_no_conversation() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    within(engine.stay()).await;
    let mut spec = sky.line("cat");
    spec.input = Input::Piped;
    let id = start(&engine, spec).await;
    within(engine.input(id, "began".into())).await.unwrap();
    until("it runs", || (output(&engine, id) == b"began").then_some(())).await;
    // From here on another client is used.
    let limits = Limits { silence: Duration::from_secs(50), ..Limits::default() };
    engine.daytona(None).unwrap().0.set_limits(limits);
    succeeds(&engine, sky.asking(fresh(), "true")).await;
    within(engine.end_input(id)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
    asked(&sky);
    succeeds(&engine, sky.line("true")).await;
    assert!(asked(&sky).contains(&"GET create-connect".to_owned()));
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_over_a_connection_that_takes_nothing_any_more_comes_to_an_end() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let silence = Duration::from_millis(900);
    engine.daytona(None).unwrap().0.set_limits(Limits { silence, ..Limits::default() });
    succeeds(&engine, sky.line("true")).await;
    // More than everything on the way holds.
    std::fs::write(sky.workspace.join("big"), vec![7; 64 << 20]).unwrap();
    let stall = Effect::Hears { after: 1_000_000, then: Ending::Stall };
    sky.double.fault(Fault::always("GET", TERMINAL, stall).times(2));
    let record = crate::desk::run(&engine, sky.line("true")).await;
    assert!(matches!(outcome(&record), Outcome::Error { .. }), "{record:?}");
    sky.double.clear_faults();
    engine.daytona(None).unwrap().0.set_limits(Limits::default());
    assert_eq!(succeeds(&engine, sky.line("wc -c <big")).await.1, format!("{}\n", 64 << 20));
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_brought_back_late_is_no_time_that_the_program_took() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    succeeds(&engine, sky.line("true")).await;
    let mut spec = sky.asking(bringing_back(), "echo made >new");
    spec.limits.timeout = Some(Duration::from_secs(3));
    // The run's own terminal comes first.
    sky.double.fault(Fault::always("GET", TERMINAL, Effect::Slow { ms: 5_000 }).after(1).times(1));
    succeeds(&engine, spec).await;
    assert_eq!(std::fs::read_to_string(sky.workspace.join("new")).unwrap(), "made\n");
    assert!(sky.double.faults().is_empty());
    within(engine.close(Stop::Force)).await;
}
