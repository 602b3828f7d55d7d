//! Handing a run out.

use std::io::Write;

use super::Engine;
use crate::error::Result;
use crate::export::{Format, write};
use crate::run::blocking;
use crate::spec::RunId;

impl Engine {
    /// Writes a run to `to`, and returns how many bytes of output are missing because the size limit left them out:
    /// they are no part of what the program printed, so only JSON says so in its place. An error of `to` comes back
    /// as [`crate::Error::Output`].
    pub async fn export(
        &self,
        id: RunId,
        format: Format,
        mut to: impl Write + Send + 'static,
    ) -> Result<u64> {
        let record = self.get(id).await?;
        let mut log = self.log(id);
        let engine = self.clone();
        blocking(move || {
            let (events, _) = engine.events(id, 0)?;
            write(&record, &events, &mut log, format, &mut to)
        })
        .await
    }
}
