//! Requests between engines: each engine has a mailbox beside its lock, where others ask it to stop a run.

use std::io;

use tracing::warn;
use uuid::Uuid;

use super::Engine;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::live::{Manner, Stop};
use crate::os::Mailbox;
use crate::spec::RunId;

/// Asks the engine `host` to stop a run.
pub(super) fn ask(home: &Home, host: Uuid, id: RunId, stop: Stop) -> Result<()> {
    let word = match stop {
        Stop::No => return Ok(()),
        Stop::Ask(Manner::Interrupt) => "interrupt",
        Stop::Ask(Manner::Terminate) => "terminate",
        Stop::Force => "force",
    };
    let path = home.mailbox(host);
    Mailbox::post(&path, &format!("{id} {word}\n")).map_err(Error::storage("writing", &path))
}

fn understand(request: &str) -> Option<(RunId, Stop)> {
    let (id, word) = request.split_once(' ')?;
    let stop = match word {
        "interrupt" => Stop::Ask(Manner::Interrupt),
        "terminate" => Stop::Ask(Manner::Terminate),
        "force" => Stop::Force,
        _ => return None,
    };
    Some((id.parse().ok()?, stop))
}

/// Carries out the requests of other engines until this one closes.
pub(super) async fn serve(engine: Engine, mut mailbox: Mailbox) {
    let closed = engine.0.closed.clone();
    loop {
        let request = tokio::select! {
            () = closed.cancelled() => return,
            request = mailbox.next() => request,
        };
        match request {
            Ok(request) => match understand(&request).map(|(id, stop)| (id, engine.find_live(id), stop)) {
                Some((_, Some(live), stop)) => live.stop(stop),
                // If it is none that is taken up, it ended while the request was on its way.
                Some((id, None, stop)) => drop(engine.0.taking_up.stop(id, stop)),
                None => warn!(request, "a request of another program is not understood"),
            },
            // A line that is no text, from whatever wrote it.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
            Err(error) => return warn!(%error, "other programs cannot stop the runs of this one"),
        }
    }
}
