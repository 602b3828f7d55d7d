//! Requests between engines: a file beside the lock of the engine that hosts a run. A file works on every
//! system, needs no port and no permission beyond the user's own, and one notice wakes the host.

use std::path::Path;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tracing::warn;
use uuid::Uuid;

use super::Engine;
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

/// Carries out requests of other engines until this one closes.
pub(super) async fn serve(engine: Engine) {
    let (send, mut receive) = mpsc::unbounded_channel();
    let folder = engine.home().hosts();
    let tell = move |event: notify::Result<notify::Event>| {
        for path in event.into_iter().flat_map(|event| event.paths) {
            // The receiver is gone when the engine closes.
            let _ = send.send(path);
        }
    };
    let watching = notify::recommended_watcher(tell)
        .and_then(|mut watcher| watcher.watch(&folder, RecursiveMode::NonRecursive).map(|()| watcher));
    let _watcher = match watching {
        Ok(watcher) => watcher,
        Err(error) => return warn!(%error, "other programs cannot stop the runs of this one"),
    };
    let closing = engine.0.closing.clone();
    let host = engine.0.host.id();
    loop {
        let path = tokio::select! {
            () = closing.cancelled() => return,
            path = receive.recv() => path,
        };
        let Some(path) = path else { return };
        let Some((id, stop)) = understand(host, &path) else { continue };
        if std::fs::remove_file(&path).is_ok()
            && let Some(live) = engine.find_live(id)
        {
            live.stop(stop);
        }
    }
}
