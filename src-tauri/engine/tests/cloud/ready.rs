//! Conversations that a run leaves to the next one of its workspace, in an engine that stays.

use std::fs;
use std::time::Duration;

use daytona_double::{Effect, Ending, Fault};
use stigmer_daytona::Limits;
use stigmer_engine::cloud::Size;
use stigmer_engine::engine::Engine;
use stigmer_engine::live::Stop;
use stigmer_engine::state::Outcome;

use crate::common::within;
use crate::desk::{end, outcome, start};
use crate::sky::{Sky, asked, facts, refused, succeeds};

/// Says how many terminals of ours there are in the sandbox, that of this run among them.
const TERMINALS: &str = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -cx '[a]ttach'";

async fn staying(sky: &Sky) -> Engine {
    let engine = sky.open().await;
    within(engine.stay()).await;
    engine
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_soon_after_another_asks_nothing_before_it_starts() {
    let Some(sky) = Sky::new() else { return };
    let engine = staying(&sky).await;
    let (first, _) = succeeds(&engine, sky.line("true")).await;
    asked(&sky);
    for round in 0..5 {
        let (record, said) = succeeds(&engine, sky.line(&format!("echo {round}; {TERMINALS}"))).await;
        assert_eq!(said, format!("{round}\n1\n"));
        assert_eq!((&facts(&record).id, facts(&record).reused), (&facts(&first).id, true));
    }
    assert_eq!(asked(&sky), [""; 0]);
    // A file that changed still goes there first.
    fs::write(sky.workspace.join("a"), "new").unwrap();
    assert_eq!(succeeds(&engine, sky.line("cat a")).await.1, "new");
    assert_eq!(asked(&sky), ["GET create-connect"]);
    within(engine.close(Stop::Force)).await;
    let (_, said) = succeeds(&sky.open().await, sky.line(TERMINALS)).await;
    assert_eq!(said, "1\n", "an engine that goes leaves no terminal");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_beside_each_other_leave_a_conversation_each() {
    let Some(sky) = Sky::new() else { return };
    let engine = staying(&sky).await;
    succeeds(&engine, sky.line("true")).await;
    // Each of them runs until the last one does.
    let beside = async |round: u32| {
        let waits = format!("until [ -e ~/all{round} ]; do sleep 0.05; done");
        let mut ids = Vec::new();
        for line in [&waits, &waits, &format!("touch ~/all{round}")] {
            ids.push(start(&engine, sky.line(line)).await);
        }
        for id in ids {
            assert_eq!(outcome(&end(&engine, id).await), &Outcome::Succeeded);
        }
    };
    beside(1).await;
    asked(&sky);
    beside(2).await;
    assert_eq!(asked(&sky), [""; 0]);
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_stopped_or_went_meanwhile_is_found_as_ever() {
    let Some(sky) = Sky::new() else { return };
    let engine = staying(&sky).await;
    fs::write(sky.workspace.join("a"), "x").unwrap();
    let (first, _) = succeeds(&engine, sky.line("cat a")).await;
    sky.change(&facts(&first).name, "stopped", None);
    let (second, said) = succeeds(&engine, sky.line("cat a")).await;
    assert_eq!((said.as_str(), &facts(&second).id), ("x", &facts(&first).id));
    sky.change(&facts(&first).name, "destroyed", None);
    let (third, said) = succeeds(&engine, sky.line("cat a")).await;
    assert_eq!((said.as_str(), facts(&third).reused), ("x", false));
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_after_a_change_of_its_sandbox_knows_the_new_size() {
    let Some(sky) = Sky::new() else { return };
    let engine = staying(&sky).await;
    let (first, _) = succeeds(&engine, sky.line("true")).await;
    let cpu = facts(&first).cpu + 1;
    let (daytona, account) = engine.daytona(None).unwrap();
    let size = Size { cpu: Some(cpu), ..Size::default() };
    within(daytona.resize_sandbox(&account, &facts(&first).name, size)).await.unwrap();
    let (second, _) = succeeds(&engine, sky.line("true")).await;
    assert_eq!(facts(&second).cpu, cpu);
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_replaced_or_removed_opens_nothing_any_more() {
    let Some(sky) = Sky::new() else { return };
    let engine = staying(&sky).await;
    for (key, code) in [("api_key: dtn_another,", "daytona-key-refused"), ("", "daytona-no-key")] {
        sky.set("");
        succeeds(&engine, sky.line("true")).await;
        let text = format!("mode: daytona\ndaytona: {{ {key} api_url: '{}' }}\n", sky.double.url());
        fs::write(sky.home.config(), text).unwrap();
        assert_eq!(refused(&engine, sky.line("true")).await.code, code);
    }
    within(engine.close(Stop::Force)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_terminal_of_many_runs_breaks_each_of_them_runs_once() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    succeeds(&engine, sky.line("rm -f ~/ran")).await;
    within(engine.close(Stop::Force)).await;
    let mut expected = String::new();
    let drops = (100..1_500).step_by(75).flat_map(|after| {
        [
            Effect::Socket { after, then: Ending::Drop },
            Effect::Hears { after, then: Ending::Close { code: 1000 } },
        ]
    });
    let stalls = [300, 700].into_iter().flat_map(|after| {
        [Effect::Socket { after, then: Ending::Stall }, Effect::Hears { after, then: Ending::Stall }]
    });
    for (number, effect) in drops.chain(stalls).enumerate() {
        let engine = staying(&sky).await;
        let silence = Duration::from_millis(900);
        engine.daytona(None).unwrap().0.set_limits(Limits { silence, ..Limits::default() });
        sky.double.clear_faults();
        sky.double.fault(Fault::once("GET", "*/process/pty/create-connect*", effect.clone()));
        for run in 0..3 {
            let line = format!("echo {number}.{run} >> ~/ran; cat ~/ran");
            expected = format!("{expected}{number}.{run}\n");
            assert_eq!(succeeds(&engine, sky.line(&line)).await.1, expected, "{effect:?}");
        }
        within(engine.close(Stop::Force)).await;
    }
}
