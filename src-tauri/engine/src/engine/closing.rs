//! The end of an engine, and what would end with it.

use super::Engine;
use crate::live::Stop;
use crate::spec::RunId;

impl Engine {
    /// The runs of this engine that go on: those that would end with it.
    pub fn going_on(&self) -> Vec<RunId> {
        let live = self.live();
        let mut runs: Vec<_> =
            live.iter().filter(|(_, run)| run.state.borrow().ending().is_none()).map(|(id, _)| *id).collect();
        runs.sort_unstable();
        runs
    }

    /// Asks every run of this engine to end, at least this urgently.
    pub fn stop_all(&self, stop: Stop) {
        for live in self.live().values() {
            live.stop(stop);
        }
    }

    /// Asks every run of this engine to end and waits until they have.
    pub async fn close(&self, stop: Stop) {
        self.0.tasks.close();
        self.0.closing.cancel();
        self.stop_all(stop);
        self.0.tasks.wait().await;
        for backend in &self.0.backends {
            backend.leave().await;
        }
        self.0.closed.cancel();
        self.0.views.forget();
        self.0.host.leave();
    }
}
