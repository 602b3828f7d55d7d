//! Requests between engines: a file beside the lock of the engine that hosts a run. A file works on every
//! system, needs no port and no permission beyond the user's own, and one notice wakes the host.

use std::path::Path;

use uuid::Uuid;

use super::Engine;
use super::changes::Changes;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::live::{Manner, Stop};
use crate::spec::RunId;

/// Asks the engine `host` to stop a run.
pub(super) fn ask(home: &Home, host: Uuid, id: RunId, stop: Stop) -> Result<()> {
    let word = match stop {
        Stop::No => return Ok(()),
        Stop::Ask(Manner::Interrupt) => "interrupt",
        Stop::Ask(Manner::Terminate) => "terminate",
        Stop::Force => "force",
    };
    let path = home.hosts().join(format!("{host}.{id}.{word}"));
    std::fs::write(&path, "").map_err(Error::storage("writing", &path))
}

/// Understands the name of a request to `host`.
fn understand(host: Uuid, path: &Path) -> Option<(RunId, Stop)> {
    let name = path.file_name()?.to_str()?.strip_prefix(&format!("{host}."))?;
    let (id, word) = name.split_once('.')?;
    let stop = match word {
        "interrupt" => Stop::Ask(Manner::Interrupt),
        "terminate" => Stop::Ask(Manner::Terminate),
        "force" => Stop::Force,
        _ => return None,
    };
    Some((id.parse().ok()?, stop))
}

/// Carries out requests of other engines from here on until this one closes.
pub(super) fn listen(engine: &Engine) {
    let changes = Changes::of(&engine.home().hosts());
    tokio::spawn(serve(engine.clone(), changes));
}

async fn serve(engine: Engine, mut changes: Changes) {
    let closing = engine.0.closing.clone();
    loop {
        take_all(&engine);
        tokio::select! {
            () = closing.cancelled() => return,
            () = changes.next() => {}
        }
    }
}

fn take_all(engine: &Engine) {
    // Without the folder there are no requests.
    for path in std::fs::read_dir(engine.home().hosts()).into_iter().flatten().flatten().map(|it| it.path()) {
        let Some((id, stop)) = understand(engine.0.host.id(), &path) else { continue };
        if std::fs::remove_file(&path).is_ok()
            && let Some(live) = engine.find_live(id)
        {
            live.stop(stop);
        }
    }
}
