//! Who carries a run out: the server of this user if there is one that would do it as we would, else this process.
//! Whoever watches the run does not notice which.

use std::future::Future;

use bytes::Bytes;
use stigmer_engine::backend::Size;
use stigmer_engine::config::Sources;
use stigmer_engine::engine::Engine;
use stigmer_engine::history::Event;
use stigmer_engine::home::Home;
use stigmer_engine::live::Stop;
use stigmer_engine::log::{Piece, Tail};
use stigmer_engine::spec::{RunId, RunSpec};
use stigmer_engine::state::RunRecord;
use stigmer_engine::{Error, Report};
use stigmer_server::client::{self, Control, Server};
use tokio::sync::watch;

use crate::exit::Failure;
use crate::output::Output;

/// Starts runs.
pub(crate) struct Carrier {
    sources: Sources,
    /// Opened when it is first needed, and kept for the next run.
    engine: Option<Engine>,
}

impl Carrier {
    pub(crate) fn new(sources: Sources) -> Self {
        Self { sources, engine: None }
    }

    /// One that has an engine already, for whatever is to be looked up.
    pub(crate) fn with(engine: Engine, sources: Sources) -> Self {
        Self { sources, engine: Some(engine) }
    }

    /// Starts a run. An error means that there is none.
    pub(super) async fn start(&mut self, spec: RunSpec, output: &Output) -> Result<(Run, Printed), Failure> {
        if let Some(server) = Server::find(&Home::of_user()?).await {
            let client::Attached { output, control } = server.attach(spec, &self.sources).await?;
            return Ok((Run::Served(control), Printed::Served(output)));
        }
        let engine = match &self.engine {
            Some(engine) => engine.clone(),
            None => self.engine.insert(super::open(self.sources.clone(), output).await?).clone(),
        };
        let (id, tail) = engine.start_attached(spec).await?;
        Ok((Run::Own(engine, id), Printed::Own(tail)))
    }

    /// Ends what was needed to carry runs out.
    pub(crate) async fn close(self) {
        if let Some(engine) = self.engine {
            super::close(engine).await;
        }
    }
}

/// A run that goes on. Clones are the same.
#[derive(Clone)]
pub(crate) enum Run {
    Own(Engine, RunId),
    Served(Control),
}

impl Run {
    pub(crate) fn id(&self) -> RunId {
        match self {
            Self::Own(_, id) => *id,
            Self::Served(control) => control.id(),
        }
    }

    /// What happened from event number `from` on, and a receiver that wakes up when there is more.
    pub(crate) fn events(
        &self,
        from: usize,
    ) -> Result<(Vec<Event>, Option<watch::Receiver<usize>>), Failure> {
        match self {
            Self::Own(engine, id) => Ok(engine.events(*id, from)?),
            Self::Served(control) => {
                let (events, more) = control.events(from);
                Ok((events, Some(more)))
            }
        }
    }

    /// Waits for the end. What it waits for is looked up when this is called, not when it is first waited for.
    pub(super) fn finished(&self) -> impl Future<Output = Result<RunRecord, Failure>> + use<> {
        let (own, served) = match self {
            Self::Own(engine, id) => (Some(engine.finished(*id)), None),
            Self::Served(control) => (None, Some(control.clone())),
        };
        async move {
            match (own, served) {
                (Some(finished), _) => Ok(finished.await?),
                (_, Some(control)) => Ok(control.finished().await?),
                (None, None) => Err(Report::from(Error::Stopped).into()),
            }
        }
    }

    /// Asks it to end. One that is over has nothing to be asked.
    pub(super) async fn stop(&self, stop: Stop) -> Result<(), Failure> {
        match self {
            Self::Own(engine, id) => match engine.stop(*id, stop).await {
                Ok(()) | Err(Error::Conflict { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            },
            Self::Served(control) => {
                control.stop(stop);
                Ok(())
            }
        }
    }

    /// Says what may become of it when this process leaves without having heard of its end. One of its own ends with it.
    pub(super) fn left(&self, output: &Output) {
        if let Self::Served(control) = self {
            let id = control.id();
            output.warning(format_args!(
                "no answer from the server: the run may go on until it hears that nobody waits; look with `stigmer runs show {id}`"
            ));
        }
    }

    pub(super) async fn input(&self, bytes: Bytes) -> Result<(), Error> {
        match self {
            Self::Own(engine, id) => engine.input(*id, bytes).await,
            Self::Served(control) => control.input(bytes).await,
        }
    }

    pub(super) async fn end_input(&self) -> Result<(), Error> {
        match self {
            Self::Own(engine, id) => engine.end_input(*id).await,
            Self::Served(control) => control.end_input().await,
        }
    }

    pub(super) async fn resize(&self, cols: u16, rows: u16) {
        match self {
            // Waits until the program runs; one that is over has no terminal.
            Self::Own(engine, id) => drop(engine.resize(*id, Size { cols, rows }).await),
            Self::Served(control) => control.resize(cols, rows),
        }
    }
}

/// What a run prints, in order.
pub(crate) enum Printed {
    Own(Tail),
    Served(client::Output),
}

impl Printed {
    /// The next piece; `None` behind the last. A call that is dropped loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<Piece>, Failure> {
        match self {
            Self::Own(tail) => Ok(tail.next().await?),
            Self::Served(output) => Ok(output.next().await?),
        }
    }
}
