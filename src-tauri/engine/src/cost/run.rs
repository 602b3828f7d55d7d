//! What a run costs.

use jiff::Timestamp;

use super::{between, of_time};
use crate::state::{Ending, Outcome, RunRecord};

impl RunRecord {
    /// What its cloud sandbox cost it, estimated, in US dollars; so far while it goes on. `None` for runs elsewhere, and
    /// where nobody knows: of one that is lost nobody knows the end.
    pub fn cost(&self, now: Timestamp) -> Option<f64> {
        let (per_hour, since) = self.place.cloud.as_ref()?.meter()?;
        let until = match self.state.ending() {
            Some(Ending { outcome: Outcome::Lost, .. }) => return None,
            Some(ending) => ending.at,
            None => now,
        };
        Some(of_time(per_hour, between(since, until)))
    }
}
