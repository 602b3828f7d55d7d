//! From a sandbox that runs to its runner: there once, and then spoken to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use stigmer_daytona::{Client, Error as Failure, Permissions, Sandbox, Toolbox, Upload};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use super::Daytona;
use super::account::cloud;
use super::known::{Known, Runner};
use super::wire::{self, Terminal, Wire};
use crate::backend::runner::Greeted;
use crate::backend::{Reporter, static_runner};
use crate::error::{Error, Result};
use crate::spec::RunId;

/// How often a conversation is begun at the most.
const TRIES: u32 = 4;

/// Time after which it is not begun again.
const TRYING: Duration = Duration::from_mins(1);

/// The first pause between two tries.
const AGAIN: Duration = Duration::from_millis(200);

/// Time after which a terminal there ends by itself whose conversation nobody used: one that this side holds is let go of before,
/// but where this side is gone nothing else ends it.
const UNUSED: Duration = Duration::from_secs(90);

/// A sandbox whose runner can be spoken to.
#[derive(Clone)]
pub(super) struct Reached {
    pub client: Client,
    pub id: String,
    toolbox: Toolbox,
    /// The folder of ours there: the runner, its socket, what is remembered of the workspace.
    folder: String,
    home: String,
    runner: Runner,
    program: PathBuf,
    /// It was there the last time, and nobody looked since.
    is_assumed: bool,
    /// The first conversation has begun.
    begun: Arc<OnceCell<()>>,
    /// How many conversations the terminal of a run carries.
    pub turns: Turns,
    /// What an engine that goes waits for.
    tasks: TaskTracker,
}

/// A conversation in which nothing was asked yet.
pub(super) struct Line {
    pub greeted: Greeted,
    pub terminal: Terminal,
}

impl Line {
    async fn hear(wire: Wire) -> Result<Self> {
        let Wire { replies, requests, terminal } = wire;
        Ok(Self { greeted: Greeted::hear(replies, requests).await?, terminal })
    }
}

/// How many conversations a terminal carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turns {
    One,
    /// One after another.
    Many,
}

impl Daytona {
    /// Sees to a runner in a sandbox that runs. With what is known of that sandbox nothing is asked yet.
    pub(super) async fn reach(
        &self,
        client: &Client,
        sandbox: &Sandbox,
        known: Option<&Known>,
        turns: Turns,
        reporter: &Reporter,
    ) -> Result<Reached> {
        let known = known.filter(|known| known.sandbox == sandbox.id);
        let toolbox = client.sandboxes().toolbox(sandbox).await.map_err(cloud)?;
        let program = static_runner("Daytona")?;
        let runner = {
            let (program, known) = (program.clone(), known.map(|known| known.runner.clone()));
            crate::run::blocking(move || Runner::of(&program, known.as_ref())).await?
        };
        let home = match known {
            Some(known) => known.home.clone(),
            None => toolbox.home_dir().await.map_err(cloud)?.trim_end_matches('/').to_owned(),
        };
        let folder = format!("{home}/.stigmer/{}", runner.digest);
        let is_assumed = known.is_some_and(|known| known.runner.digest == runner.digest);
        let (client, tasks, id) = (client.clone(), self.0.tasks.clone(), sandbox.id.clone());
        let begun = Arc::default();
        let reached =
            Reached { client, id, toolbox, folder, home, runner, program, is_assumed, begun, turns, tasks };
        if !is_assumed {
            reached.see_to_runner(reporter).await?;
        }
        Ok(reached)
    }
}

impl Reached {
    /// What is to be known of it the next time.
    pub(super) fn known(&self, api_url: Option<String>) -> Known {
        Known { api_url, sandbox: self.id.clone(), home: self.home.clone(), runner: self.runner.clone() }
    }

    /// Sends the runner where it is not there.
    async fn see_to_runner(&self, reporter: &Reporter) -> Result<()> {
        match self.toolbox.files().info(&self.runner()).await {
            Ok(_) => Ok(()),
            Err(Failure::NotFound(_)) => {
                reporter.step("send the runner").await;
                self.send(&self.program).await
            }
            Err(error) => Err(cloud(error)),
        }
    }

    pub(super) fn runner(&self) -> String {
        format!("{}/runner", self.folder)
    }

    /// The workspace there.
    pub(super) fn workspace(&self) -> String {
        format!("{}/workspace", self.home)
    }

    /// The socket of a run that may be found again.
    pub(super) fn door(&self, id: RunId) -> String {
        format!("{}/run-{id}", self.folder)
    }

    /// Words that start the runner's `tree` there.
    pub(super) fn tree(&self) -> [String; 4] {
        [self.runner(), "tree".to_owned(), self.workspace(), format!("{}/tree", self.folder)]
    }

    /// Puts the runner there: whole, or not at all.
    async fn send(&self, program: &Path) -> Result<()> {
        let files = self.toolbox.files();
        let part = format!("{}/runner.{}", self.folder, uuid::Uuid::new_v4().simple());
        files.create_folder(&self.folder, "0700").await.map_err(cloud)?;
        files.create_folder(&self.workspace(), "0755").await.map_err(cloud)?;
        files.upload(Upload::file(&part, program)).await.map_err(cloud)?;
        let executable = Permissions { mode: Some("0755".to_owned()), ..Permissions::default() };
        files.set_permissions(&part, &executable).await.map_err(cloud)?;
        match files.rename(&part, &self.runner()).await {
            // Somebody else was quicker, with the same.
            Err(Failure::Conflict(_)) => files.delete(&part, false).await.map(drop).map_err(cloud),
            renamed => renamed.map_err(cloud),
        }
    }

    /// Begins a conversation. The first one may have to start whoever listens there, so others wait for it.
    pub(super) async fn converse(&self, turns: Turns) -> Result<Wire> {
        let mut first = None;
        let begun = self.begun.get_or_try_init(|| async {
            first = Some(self.open(turns).await?);
            Ok::<_, Error>(())
        });
        begun.await?;
        match first {
            Some(opened) => Ok(opened),
            None => self.open(turns).await,
        }
    }

    async fn open(&self, turns: Turns) -> Result<Wire> {
        let socket = format!("{}/socket", self.folder);
        let unused = UNUSED.as_secs().to_string();
        let (program, words) = (self.runner(), ["attach", &socket]);
        let last = [self.home.as_str(), &unused, "once"];
        let last = if turns == Turns::Many { &last[..2] } else { &last[..] };
        let open = || wire::open(&self.toolbox, &self.tasks, &program, &words, last);
        match open().await {
            Err(Error::SandboxRefused { .. }) if self.is_assumed => {
                self.see_to_runner(&Reporter::silent()).await?;
                open().await
            }
            opened => opened,
        }
    }

    /// Begins a conversation in which nothing was asked yet: one that breaks before is begun again.
    pub(super) async fn greet(&self, turns: Turns) -> Result<Line> {
        let (mut pause, until) = (AGAIN, Instant::now() + TRYING);
        for _ in 1..TRIES {
            match async { Line::hear(self.converse(turns).await?).await }.await {
                Err(error) if is_passing(&error) && Instant::now() < until => {
                    tracing::debug!(%error, "a conversation did not begin; it is tried again");
                    sleep(pause).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
        Line::hear(self.converse(turns).await?).await
    }

    /// Whether a run began there and waits for whoever comes back to it.
    pub(super) async fn has(&self, id: RunId) -> Result<bool> {
        match self.toolbox.files().info(&self.door(id)).await {
            Ok(_) => Ok(true),
            Err(Failure::NotFound(_)) => Ok(false),
            Err(error) => Err(cloud(error)),
        }
    }

    /// Comes back to a run of whose output so much is here.
    pub(super) async fn greet_again(&self, id: RunId) -> Result<Greeted> {
        let (program, door) = (self.runner(), self.door(id));
        let wire = wire::open(&self.toolbox, &self.tasks, &program, &["attach", &door], &[]).await?;
        Ok(Line::hear(wire).await?.greeted)
    }
}

/// Whether it may work the next time.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::Connection { .. } => true,
        Error::Cloud(error) => error.is_transient(),
        _ => false,
    }
}
