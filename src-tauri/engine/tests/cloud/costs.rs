//! What runs in the cloud cost, the limit of a month, and what nobody uses any more.

use stigmer_engine::live::Stop;
use stigmer_engine::spec::{Base, Origin, RunSpec};
use stigmer_engine::state::Outcome;

use crate::common::within;
use crate::desk::{outcome, output, run};
use crate::sky::{Sky, facts, fresh, ran, refused, succeeds};

/// Seconds of days.
const fn days(days: i64) -> i64 {
    days * 24 * 3600
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_costs_its_sandbox_from_when_it_has_it_and_later_rates_change_nothing() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let (before, _) = succeeds(&engine, sky.line("true")).await;
    let (per_hour, since) = facts(&before).meter().unwrap();
    assert!((per_hour - 0.0666).abs() < 1e-9, "{per_hour}");
    let ended = before.state.ending().unwrap().at;
    assert!(before.created <= since && since <= before.started.unwrap(), "{before:?}");
    let cost = before.cost(ended).unwrap();
    let seconds = ended.duration_since(since).as_secs_f64();
    assert!(cost > 0.0 && (cost - 0.0666 * seconds / 3600.0).abs() < 1e-8, "{cost} for {seconds} s");

    sky.set("rates: { cpu: 1, memory: 0 }");
    let (after, _) = succeeds(&engine, sky.line("true")).await;
    assert_eq!(facts(&after).per_hour, Some(3600.0));
    let kept = engine.get(before.id).await.unwrap();
    assert_eq!(kept.cost(ended), Some(cost), "{kept:?}");

    let report = engine.costs(None).await.unwrap();
    let sum = cost + after.cost(ended).unwrap();
    assert!((report.cost - sum).abs() < 1e-8 && report.runs == 2, "{report:?}");
    assert_eq!(report.sandboxes.len(), 1, "they shared it: {report:?}");
    assert_eq!(report.sandboxes[0].of, facts(&after).name);

    let mut elsewhere = sky.line("true");
    elsewhere.target.mode = Some(stigmer_engine::spec::Mode::Local);
    assert_eq!(run(&engine, elsewhere).await.cost(ended), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_never_starts_in_its_sandbox_costs_what_that_did() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let (record, said) = ran(&engine, sky.program(["/no/such/program"])).await;
    assert!(matches!(outcome(&record), Outcome::Error { .. }), "{record:?} {said}");
    let kept = engine.get(record.id).await.unwrap();
    assert_eq!(kept.place, record.place, "the history knows its sandbox, too");
    assert!(kept.cost(kept.created).unwrap() > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_over_its_limit_asks_and_one_near_it_warns() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    sky.set("rates: { cpu: 1 }, monthly_limit: 0.01");
    let (first, said) = succeeds(&engine, sky.line("sleep 0.1")).await;
    assert_eq!(said, "", "nothing is spent yet");

    let report = refused(&engine, sky.line("true")).await;
    assert_eq!(report.code, "daytona-over-limit");
    assert!(report.message.contains("the limit is $0.01"), "{report:?}");
    assert!(report.hint.unwrap().contains("--over-limit"));
    let allowed = RunSpec { over_limit: true, ..sky.line("true") };
    let (allowed, said) = succeeds(&engine, allowed).await;
    assert!(said.contains("over the limit of $0.01"), "{said}");
    let again = engine.again(allowed.id, None, Origin::CommandLine, Base::default()).await.unwrap();
    assert_eq!(refused(&engine, again).await.code, "daytona-over-limit", "it was allowed once");

    let spent = engine.month_limit().await.unwrap().unwrap().spent;
    sky.set(&format!("monthly_limit: {}", spent * 1.1));
    let (_, said) = succeeds(&engine, sky.line("true")).await;
    assert!(
        said.starts_with("runs in the cloud cost about $") && said.contains(" so far this month"),
        "{said}"
    );
    sky.set(&format!("monthly_limit: {}", spent * 2.0));
    assert_eq!(succeeds(&engine, sky.line("true")).await.1, "");
    assert!(!String::from_utf8_lossy(&output(&engine, first.id)).contains("limit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_over_its_limit_asks_also_when_its_runs_were_removed() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    sky.set("rates: { cpu: 1 }, monthly_limit: 0.01");
    let (first, _) = succeeds(&engine, sky.line("sleep 0.1")).await;
    let (limit, report) = (engine.month_limit().await.unwrap(), engine.costs(None).await.unwrap());
    engine.remove(vec![first.id]).await.unwrap();
    assert_eq!(engine.get(first.id).await.unwrap_err().code(), "run-not-found");
    assert_eq!(engine.month_limit().await.unwrap(), limit);
    assert_eq!(engine.costs(None).await.unwrap(), report);
    assert_eq!(refused(&engine, sky.line("true")).await.code, "daytona-over-limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_used_for_days_is_found_when_an_engine_comes_to_stay_and_is_left_as_it_is() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    sky.double.set_clock_ahead(-days(4));
    let (old, _) = succeeds(&engine, sky.line("true")).await;
    // What is still being taken down there would count as use.
    sky.change(&facts(&old).name, "stopped", None);
    sky.double.set_clock_ahead(0);
    let mut kept = fresh();
    kept.keep = true;
    let (new, _) = succeeds(&engine, sky.asking(kept, "true")).await;
    within(engine.close(Stop::Force)).await;
    let (old, new) = (&facts(&old).name, &facts(&new).name);
    let before = sky.double.sandboxes();
    sky.double.clear_requests();

    let staying = sky.open().await;
    within(staying.stay()).await;
    let found = within(staying.unused_at_start()).await;
    assert_eq!(found.iter().map(|one| &one.sandbox.name).collect::<Vec<_>>(), [old]);
    let stops_by_itself = 0.0666 / 4.0;
    assert!(found[0].cost.per_hour < 1e-9 && found[0].cost.at_most.unwrap() > stops_by_itself, "{found:?}");
    assert!(found[0].runs_cost > 0.0 && found[0].runs_cost < 0.01, "{found:?}");
    let asked: Vec<_> =
        sky.double.requests().iter().map(|one| format!("{} {}", one.method, one.path)).collect();
    assert!(asked.iter().all(|one| one.starts_with("GET /api/sandbox")), "nothing is woken: {asked:?}");
    assert_eq!(sky.double.sandboxes(), before);

    let all = within(staying.cloud_sandboxes(None)).await.unwrap();
    let unused: Vec<_> = all.iter().map(|one| (&one.sandbox.name, one.is_unused)).collect();
    assert!(unused.contains(&(old, true)) && unused.contains(&(new, false)), "{unused:?}");
    within(staying.close(Stop::Force)).await;
}
