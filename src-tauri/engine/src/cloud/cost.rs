//! What a cloud sandbox costs now, and how much it may have cost so far.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use stigmer_daytona::State;

use super::CloudSandbox;
use crate::cost::{HOUR, Rates, Shape, about, between, rounded};

/// What a sandbox costs, estimated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SandboxCost {
    /// In an hour, in the state that it is in now.
    pub per_hour: f64,
    /// The most that it can have cost so far; missing where nobody says when it was made. Nobody tells when it ran and when
    /// it did not: as much as is possible by when it was made and used last, when it would have stopped by itself, and what
    /// it does now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
}

/// A cloud sandbox with what it costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Costed<T> {
    /// What is known of it.
    #[serde(flatten)]
    pub sandbox: T,
    /// What it costs, estimated.
    pub cost: SandboxCost,
    /// What the runs in it cost, removed ones too, in US dollars: a part of the same.
    pub runs_cost: f64,
    /// Whether no run is in it, and none was for `daytona.unused_days`.
    pub is_unused: bool,
}

/// Those of these that nobody uses any more, and what they cost, in words; `None` where all are in use.
pub fn unused_words(all: &[Costed<CloudSandbox>]) -> Option<String> {
    let unused: Vec<_> = all.iter().filter(|one| one.is_unused).collect();
    let per_hour = about(unused.iter().map(|one| one.cost.per_hour).sum());
    match unused.len() {
        0 => None,
        1 => Some(format!("1 cloud sandbox was not used for days and costs {per_hour} an hour")),
        count => Some(format!("{count} cloud sandboxes were not used for days and cost {per_hour} an hour")),
    }
}

/// What one costs at these rates.
pub(crate) fn of_sandbox(rates: &Rates, sandbox: &CloudSandbox, now: Timestamp) -> SandboxCost {
    let shape = Shape { cpu: sandbox.cpu, memory: sandbox.memory, disk: sandbox.disk };
    let (running, stopped) = (rates.running(shape), rates.stopped(shape));
    let per_hour = match State::from(sandbox.state.as_str()) {
        State::Archived | State::Destroyed | State::Destroying => 0.0,
        state if is_off(&state) => stopped,
        // Whatever is on its way, and what is not known: rather too much than too little.
        _ => running,
    };
    let at_most = sandbox.created.map(|created| {
        let ran = between(created, ran_until(sandbox, now).max(created));
        let existed = between(created, now).max(ran);
        rounded((running * ran.as_secs_f64() + stopped * existed.saturating_sub(ran).as_secs_f64()) / HOUR)
    });
    SandboxCost { per_hour: rounded(per_hour), at_most }
}

/// Whether nobody used a sandbox for so long. What is archived costs nothing, takes nothing from the quota, and was put
/// there on purpose; so it is none of them.
pub(crate) fn is_unused(sandbox: &CloudSandbox, after: Duration, now: Timestamp) -> bool {
    let state = State::from(sandbox.state.as_str());
    let used = sandbox.used.max(sandbox.created);
    !matches!(state, State::Archived | State::Archiving | State::Destroyed | State::Destroying)
        && used.is_some_and(|used| between(used, now) >= after)
}

/// The latest moment until which it can have run.
fn ran_until(sandbox: &CloudSandbox, now: Timestamp) -> Timestamp {
    let state = State::from(sandbox.state.as_str());
    let idle =
        sandbox.auto_stop.and_then(|minutes| u64::try_from(minutes).ok()).filter(|minutes| *minutes > 0);
    match (sandbox.used, idle) {
        (Some(used), Some(minutes)) if is_off(&state) => {
            used.checked_add(Duration::from_secs(60 * minutes)).map_or(now, |stopped| stopped.min(now))
        }
        _ => now,
    }
}

fn is_off(state: &State) -> bool {
    matches!(state, State::Stopped | State::Archiving | State::Archived | State::Error | State::BuildFailed)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "amounts are rounded")]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3600).unwrap()
    }

    /// 1 CPU, 1 GiB, 6 GiB of disk: $0.066708 an hour, $0.000108 while it is stopped.
    fn sandbox(state: &str) -> CloudSandbox {
        CloudSandbox {
            mode: "daytona",
            name: "stigmer-1".to_owned(),
            id: "1".to_owned(),
            state: state.to_owned(),
            error: None,
            is_recoverable: false,
            kind: "shared",
            made_for: None,
            snapshot: None,
            region: "us".to_owned(),
            cpu: 1,
            memory: 1,
            disk: 6,
            auto_stop: Some(60),
            auto_archive: None,
            auto_delete: None,
            created: Some(at(0)),
            used: Some(at(1)),
        }
    }

    #[test]
    fn an_hour_costs_what_the_state_takes() {
        let rates = Rates::default();
        let per_hour = |state: &str| of_sandbox(&rates, &sandbox(state), at(10)).per_hour;
        assert_eq!(
            [per_hour("started"), per_hour("stopped"), per_hour("archived")],
            [0.066_708, 0.000_108, 0.0]
        );
        assert_eq!(per_hour("something new"), 0.066_708, "rather too much than too little");
    }

    #[test]
    fn so_far_is_the_most_that_is_possible() {
        let rates = Rates::default();
        let at_most = |sandbox: CloudSandbox| of_sandbox(&rates, &sandbox, at(10)).at_most;
        assert_eq!(at_most(sandbox("started")), Some(0.667_08), "it may have run all ten hours");
        let stopped = 2.0 * 0.066_708 + 8.0 * 0.000_108;
        assert_eq!(at_most(sandbox("stopped")), Some(rounded(stopped)), "an hour, one until it stops, disk");
        let never_stops = CloudSandbox { auto_stop: Some(0), ..sandbox("stopped") };
        assert_eq!(at_most(never_stops), Some(0.667_08), "nobody knows when it was stopped");
        assert_eq!(at_most(CloudSandbox { created: None, ..sandbox("started") }), None);
    }

    #[test]
    fn what_nobody_used_for_days_is_unused_unless_it_is_archived() {
        let days = |days: u64| Duration::from_secs(24 * 3600 * days);
        let unused = |sandbox: &CloudSandbox| is_unused(sandbox, days(3), at(1 + 3 * 24));
        assert!(unused(&sandbox("stopped")) && unused(&sandbox("started")) && unused(&sandbox("error")));
        assert!(!is_unused(&sandbox("stopped"), days(3), at(3 * 24)), "an hour too early");
        assert!(!unused(&sandbox("archived")));
        let just_made = CloudSandbox { created: Some(at(70)), used: None, ..sandbox("stopped") };
        assert!(!unused(&just_made));
        assert!(!unused(&CloudSandbox { created: None, used: None, ..sandbox("stopped") }), "nobody knows");
    }
}
