//! A run that belongs to whoever asked for it: gone the one, gone the other.

use std::time::Duration;

use stigmer_engine::engine::Engine;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::RunId;

/// How long a run whose owner is gone has to end by itself, whatever its own grace period.
const PATIENCE: Duration = Duration::from_secs(5);

/// Holds a run. Dropped, it ends the run, unless it was released.
pub(crate) struct Leash {
    engine: Engine,
    id: RunId,
    released: bool,
}

impl Leash {
    pub(crate) fn new(engine: Engine, id: RunId) -> Self {
        Self { engine, id, released: false }
    }

    /// The run is over.
    pub(crate) fn release(mut self) {
        self.released = true;
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        if self.released {
            return;
        }
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
