//! `stigmer host`, not for people: carries out one run that was detached. Reads its specification from standard
//! input, answers on standard output, closes it, and stays until the run is over.

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};
use stigmer_engine::config::Sources;
use stigmer_engine::engine::Engine;
use stigmer_engine::home::Home;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::spec::{RunId, RunSpec};
use stigmer_engine::{Error, Report};
use stigmer_server::failure_at_once;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::{Exit, Failure};

/// What a host tells the one who started it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// The run goes on.
    Started {
        /// Its id.
        run_id: RunId,
    },
    /// There is no run, or it could not be started.
    Refused {
        /// Why.
        error: Report,
    },
}

/// Carries out `stigmer host`.
pub(crate) async fn host(sources: Sources) -> Result<Exit, Failure> {
    let started = start(sources).await;
    let reply = match &started {
        Ok((engine, run_id)) => match failure_at_once(engine, *run_id).await {
            Some(error) => Answer::Refused { error },
            None => Answer::Started { run_id: *run_id },
        },
        Err(error) => Answer::Refused { error: error.into() },
    };
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, &reply).map_err(std::io::Error::from)?;
    stdout.flush()?;
    drop(stdout);
    close_stdout();
    let Ok((engine, id)) = started else { return Ok(Exit::Engine) };
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = engine.finished(id) => engine.close(Stop::Force).await,
        _ = terminate.recv() => engine.close(Stop::Ask(Manner::Terminate)).await,
    }
    Ok(Exit::Success)
}

async fn start(sources: Sources) -> Result<(Engine, RunId), Error> {
    let mut request = Vec::new();
    let unreadable = |source| Error::File { path: "standard input".into(), source };
    std::io::stdin().lock().read_to_end(&mut request).map_err(unreadable)?;
    let spec: RunSpec = serde_json::from_slice(&request).map_err(|error| unreadable(error.into()))?;
    let engine = Engine::open(Home::of_user()?, sources).await?;
    let id = engine.start(spec).await?;
    Ok((engine, id))
}

/// Tells the reader of our answer that it is complete, while we live on.
pub(crate) fn close_stdout() {
    if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        // Nothing of ours writes there any more; a failure leaves the reader waiting, not wrong.
        let _ = nix::unistd::dup2_stdout(null);
    }
}
