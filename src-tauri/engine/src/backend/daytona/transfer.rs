//! Copying by hand between this machine and a cloud sandbox.

use std::time::Duration;

use super::execution::keep_awake;
use super::reach::Turns;
use super::{Account, Daytona, SPOOL, WINDOW};
use crate::backend::Reporter;
use crate::error::{Error, Result};
use crate::workspace::transfer::{Going, Transfer, Transferred};

impl Daytona {
    /// Copies between this machine and one of ours that runs.
    pub async fn transfer(
        &self,
        account: &Account,
        name: &str,
        transfer: Transfer,
        going: &Going,
    ) -> Result<Transferred> {
        let (client, found) = self.own(account, name).await?;
        if !found.state.is_usable() {
            return Err(Error::Conflict {
                what: format!("the sandbox `{name}` does not run: it is `{}`", found.state),
                hint: "start it first: stigmer sandbox start NAME; it costs while it runs",
            });
        }
        let reached = self.reach(&client, &found, None, Turns::One, &Reporter::silent()).await?;
        let _awake = keep_awake(&reached, &found, Duration::MAX);
        let start = stigmer_runner::Start {
            spool: SPOOL,
            window: WINDOW,
            ..transfer.request(&reached.runner(), reached.workspace().as_ref())
        };
        let started = reached.greet(Turns::One).await?.greeted.start(start).await?;
        transfer.with(started.execution(), going).await
    }
}
