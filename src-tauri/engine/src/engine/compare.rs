//! Two runs side by side.

use super::Engine;
use crate::compare::{Comparison, Extent, compare};
use crate::error::Result;
use crate::run::blocking;
use crate::spec::RunId;

impl Engine {
    /// Compares what two runs printed. Both may go on: then it is what they printed so far.
    pub async fn compare(&self, before: RunId, after: RunId, extent: Extent) -> Result<Comparison> {
        let runs = (self.get(before).await?, self.get(after).await?);
        let mut logs = (self.log(before), self.log(after));
        blocking(move || compare(runs, &mut logs, extent)).await
    }
}
