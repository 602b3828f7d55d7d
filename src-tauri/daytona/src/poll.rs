//! Looking again and again, less and less often.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Result};

const FIRST: Duration = Duration::from_millis(250);
const LAST: Duration = Duration::from_secs(2);

/// The rhythm of one wait.
pub(crate) struct Poll {
    begun: Instant,
    within: Duration,
    pause: Duration,
    /// A pause that the server asked for.
    told: Option<Duration>,
    last: String,
}

impl Poll {
    pub(crate) fn new(within: Duration) -> Self {
        Self { begun: Instant::now(), within, pause: FIRST, told: None, last: "unknown".to_owned() }
    }

    /// One look, cut off at the deadline. `None` for a failure that may pass.
    pub(crate) async fn look<T>(&mut self, look: impl Future<Output = Result<T>>) -> Result<Option<T>> {
        match tokio::time::timeout(self.left(), look).await {
            Ok(Ok(value)) => Ok(Some(value)),
            Ok(Err(error)) if error.is_transient() => {
                tracing::debug!(%error, "a look while waiting failed");
                if let Error::RateLimited { retry_after, .. } = error {
                    self.told = retry_after;
                }
                Ok(None)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Remembers the state for the error.
    pub(crate) fn saw(&mut self, state: &str) {
        state.clone_into(&mut self.last);
    }

    /// Waits before the next look.
    ///
    /// # Errors
    ///
    /// [`Error::Deadline`] when the time is over.
    pub(crate) async fn pause(&mut self, what: impl Fn() -> String) -> Result<()> {
        if self.left().is_zero() {
            return Err(Error::Deadline { what: what(), last: self.last.clone(), after: self.within });
        }
        // Many that wait for the same moment should not ask in the same moment.
        let pause = self.pause.mul_f64(0.8 + fastrand::f64() * 0.4);
        let pause = pause.max(self.told.take().unwrap_or_default()).min(self.left());
        tokio::time::sleep(pause).await;
        self.pause = self.pause.mul_f64(1.3).min(LAST);
        Ok(())
    }

    fn left(&self) -> Duration {
        self.within.saturating_sub(self.begun.elapsed())
    }
}
