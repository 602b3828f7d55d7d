//! A run that belongs to whoever asked for it: gone the one, gone the other.

use std::time::Duration;

use stigmer_engine::engine::Engine;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::RunId;

/// How long a run whose owner is gone has to end by itself, whatever its own grace period.
const PATIENCE: Duration = Duration::from_secs(5);

/// Holds a run. Dropped, it ends the run, unless that is over.
pub(crate) struct Leash {
    engine: Engine,
    id: RunId,
}

impl Leash {
    pub(crate) fn new(engine: Engine, id: RunId) -> Self {
        Self { engine, id }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        let (engine, id) = (self.engine.clone(), self.id);
        // Without a runtime the process ends, and its runs with it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            // A run that is over refuses both, which is as good.
            let _ = engine.stop(id, Stop::Ask(Manner::Terminate)).await;
            if tokio::time::timeout(PATIENCE, engine.finished(id)).await.is_err() {
                let _ = engine.stop(id, Stop::Force).await;
            }
        });
    }
}
