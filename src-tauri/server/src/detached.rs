//! A run that outlives whoever asked for it.

use std::time::Duration;

use stigmer_engine::Report;
use stigmer_engine::engine::Engine;
use stigmer_engine::spec::{Mode, RunId};
use stigmer_engine::state::Outcome;
use tokio::time::timeout;

/// Longest time that whoever asked waits to hear whether the run can be started: on this machine a start takes long
/// only where much else goes on.
const HERE: Duration = Duration::from_secs(5);

/// The same where the place of a run takes its time however healthy it is.
const ELSEWHERE: Duration = Duration::from_secs(1);

/// What stands in the way of a run that cannot even be started, if that shows at once.
pub async fn failure_at_once(engine: &Engine, id: RunId) -> Option<Report> {
    let patience = match engine.get(id).await.ok()?.place.mode {
        Mode::Local => HERE,
        _ => ELSEWHERE,
    };
    let state = timeout(patience, engine.started(id)).await.ok()?.ok()?;
    match state.ending().map(|ending| &ending.outcome) {
        Some(Outcome::Error { error }) => Some(error.clone()),
        _ => None,
    }
}
