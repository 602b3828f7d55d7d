//! What is done with images, as programs that a run can follow: output in lines, progress, a stop, an end.

mod build;
mod push;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Docker, Engine, Recipe, pull};
use crate::backend::{Execution, Exit, Finish, Output, Reporter, Signal, Size, Start, Stream, Usage};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::spec::ImageTask;

/// Where a task says what it does, line by line. A slow reader holds it up, as a pipe would.
#[derive(Debug, Clone)]
pub(super) struct Lines(Option<mpsc::Sender<Output>>);

impl Lines {
    /// Nobody reads them.
    pub(super) const fn unseen() -> Self {
        Self(None)
    }

    /// Says a line.
    pub(super) async fn say(&self, line: &str) {
        self.write(Bytes::from(format!("{line}\n"))).await;
    }

    /// Says text as it is.
    pub(super) async fn write(&self, bytes: Bytes) {
        if let Some(to) = &self.0 {
            // Whoever stopped reading does not want to know.
            let _ = to.send(Output { stream: Stream::Stdout, at: now(), bytes }).await;
        }
    }
}

fn now() -> u64 {
    u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default()
}

/// Everything that a task needs.
pub(super) struct Work {
    pub docker: Docker,
    pub home: Home,
    pub engine: Engine,
    /// For containers that are needed on the way.
    pub recipe: Recipe,
    pub run: String,
    pub reporter: Reporter,
    pub lines: Lines,
}

/// A task under way.
pub(super) struct Operation {
    started: Start,
    lines: Mutex<mpsc::Receiver<Output>>,
    ended: Mutex<Ended>,
    stop: CancellationToken,
}

enum Ended {
    Not(JoinHandle<Result<()>>),
    With(Exit),
}

impl Operation {
    /// Begins a task.
    pub(super) fn start(task: ImageTask, mut work: Work) -> Self {
        let (to, lines) = mpsc::channel(64);
        work.lines = Lines(Some(to));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let doing = tokio::spawn(async move {
            tokio::select! {
                biased;
                // What the engine does for us ends with the connection.
                () = stopped.cancelled() => Err(Error::Stopped),
                done = work.carry_out(task) => done,
            }
        });
        let started = Start { pid: None, at: now() };
        Self { started, lines: Mutex::new(lines), ended: Mutex::new(Ended::Not(doing)), stop }
    }
}

impl Work {
    async fn carry_out(&self, task: ImageTask) -> Result<()> {
        match task {
            ImageTask::Pull { image } => pull::pull(&self.engine, &image, &self.reporter, &self.lines).await,
            ImageTask::Push { image } => self.push(&image).await,
            ImageTask::Build(build) => self.build(&build).await.map(drop),
            ImageTask::Verify { image, tier } => self.verify(&image, tier.as_deref()).await,
            ImageTask::Customize(task) => self.customize(&task).await,
        }
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[async_trait]
impl Execution for Operation {
    fn started(&self) -> Start {
        self.started
    }

    async fn output(&self) -> Result<Option<Output>> {
        if let Some(output) = self.lines.lock().await.recv().await {
            return Ok(Some(output));
        }
        let mut ended = self.ended.lock().await;
        let result = match &mut *ended {
            Ended::With(_) => return Ok(None),
            Ended::Not(doing) => doing.await.unwrap_or(Err(Error::Stopped)),
        };
        *ended = Ended::With(match result {
            Ok(()) => Exit::Code(0),
            Err(Error::Stopped) => Exit::Signal(15),
            Err(_) => Exit::Code(1),
        });
        match result {
            Ok(()) | Err(Error::Stopped) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn wait(&self) -> Result<Finish> {
        while self.output().await?.is_some() {}
        let exit = match &*self.ended.lock().await {
            Ended::With(exit) => *exit,
            Ended::Not(_) => Exit::Code(1),
        };
        Ok(Finish { exit, usage: Usage::default(), left: Vec::new() })
    }

    async fn input(&self, _: Bytes) -> Result<()> {
        Ok(())
    }

    async fn end_input(&self) -> Result<()> {
        Ok(())
    }

    async fn resize(&self, _: Size) -> Result<()> {
        Ok(())
    }

    async fn stop(&self, _: Signal, _: Duration) -> Result<()> {
        self.stop.cancel();
        Ok(())
    }
}

/// A task of a run, with what it needs from here.
impl Docker {
    pub(super) fn operation(
        &self,
        task: ImageTask,
        recipe: &Recipe,
        run: String,
        reporter: &Reporter,
    ) -> Result<Box<dyn Execution>> {
        let work = Work {
            docker: self.clone(),
            home: self.0.home.clone(),
            engine: self.engine(&recipe.supply.engine)?,
            recipe: recipe.clone(),
            run,
            reporter: reporter.clone(),
            lines: Lines::unseen(),
        };
        Ok(Box::new(Operation::start(task, work)))
    }
}

/// A reader of a file in pieces, as the body of a request.
fn pieces(file: std::fs::File) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    let file = Arc::new(std::sync::Mutex::new(file));
    futures_util::stream::try_unfold(file, async |file| {
        let reader = Arc::clone(&file);
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; 256 << 10];
            let mut file = reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let length = std::io::Read::read(&mut *file, &mut piece)?;
            piece.truncate(length);
            std::io::Result::Ok(piece)
        });
        let piece = read.await.map_err(std::io::Error::other)??;
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
    })
}
