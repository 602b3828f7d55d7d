//! What costs something in the cloud though nobody uses it.

use std::time::Duration;

use super::{Finding, Verdict, judged};
use crate::cloud::unused_words;
use crate::config::Sources;
use crate::cost::about;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::live::Stop;

/// Longest time for it: one question to Daytona, which has a limit of its own.
pub(super) const LIMIT: Duration = Duration::from_secs(12);

/// Looks for sandboxes that nobody uses any more, where no keychain must be unlocked for that.
pub(super) async fn nothing_is_left(home: Home, sources: Sources) -> Finding {
    let engine = match Engine::open(home, sources).await {
        Ok(engine) => engine,
        Err(error) => return judged(Err(error)),
    };
    let found = looked(&engine).await;
    engine.close(Stop::Force).await;
    match found {
        Ok(finding) => finding,
        Err(Error::NoCloudKey { .. }) => (Verdict::Ok, "not asked: there is no key".to_owned(), None),
        Err(error) => {
            let hint = error.hint();
            (Verdict::Limited, error.to_string(), hint)
        }
    }
}

async fn looked(engine: &Engine) -> Result<Finding> {
    if engine.quiet_account().await?.is_none() {
        return Ok((Verdict::Ok, "not asked: no run was there, or the keychain is locked".to_owned(), None));
    }
    let all = engine.cloud_sandboxes(None).await?;
    let month = about(engine.costs(None).await?.cost);
    Ok(match unused_words(&all) {
        Some(words) => (Verdict::Limited, words, Some("see them: stigmer sandbox list".to_owned())),
        None => (Verdict::Ok, format!("every sandbox is in use; runs cost {month} this month"), None),
    })
}
