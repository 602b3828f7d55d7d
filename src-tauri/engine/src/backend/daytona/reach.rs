//! From a sandbox that runs to its runner: there once, and then spoken to.

use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use stigmer_daytona::{Client, Error as Failure, Permissions, Sandbox, Toolbox, Upload};
use tokio::time::sleep;

use super::account::cloud;
use super::wire;
use crate::backend::runner::{Greeted, Reader, Writer};
use crate::backend::{Reporter, static_runner};
use crate::error::{Error, Result};
use crate::spec::RunId;

/// How often a conversation is begun at the most.
const TRIES: u32 = 4;

/// The first pause between two tries.
const AGAIN: Duration = Duration::from_millis(200);

/// A sandbox whose runner can be spoken to.
#[derive(Clone)]
pub(super) struct Reached {
    pub client: Client,
    pub id: String,
    toolbox: Toolbox,
    /// The folder of ours there: the runner, its socket, what is remembered of the workspace.
    folder: String,
    home: String,
}

impl Reached {
    /// Sees to a runner in a sandbox that runs.
    pub(super) async fn reach(client: &Client, sandbox: &Sandbox, reporter: &Reporter) -> Result<Self> {
        let toolbox = client.sandboxes().toolbox(sandbox).await.map_err(cloud)?;
        let home = toolbox.home_dir().await.map_err(cloud)?;
        let home = home.trim_end_matches('/').to_owned();
        let program = static_runner("Daytona")?;
        let digest = {
            let program = program.clone();
            crate::run::blocking(move || digest(&program)).await?
        };
        let folder = format!("{home}/.stigmer/{digest}");
        let reached = Self { client: client.clone(), id: sandbox.id.clone(), toolbox, folder, home };
        match reached.toolbox.files().info(&reached.runner()).await {
            Ok(_) => {}
            Err(Failure::NotFound(_)) => {
                reporter.step("send the runner").await;
                reached.send(&program).await?;
            }
            Err(error) => return Err(cloud(error)),
        }
        Ok(reached)
    }

    fn runner(&self) -> String {
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

    /// Begins a conversation.
    pub(super) async fn converse(&self) -> Result<(Reader, Writer)> {
        let socket = format!("{}/socket", self.folder);
        wire::open(&self.toolbox, &self.runner(), &["attach", &socket], Some(&self.home)).await
    }

    /// Begins a conversation in which nothing was asked yet: one that breaks before is begun again.
    pub(super) async fn greet(&self) -> Result<Greeted> {
        let mut pause = AGAIN;
        for _ in 1..TRIES {
            let greeted = async {
                let (replies, requests) = self.converse().await?;
                Greeted::hear(replies, requests).await
            };
            match greeted.await {
                Err(error) if is_passing(&error) => {
                    tracing::debug!(%error, "a conversation did not begin; it is tried again");
                    sleep(pause).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
        let (replies, requests) = self.converse().await?;
        Greeted::hear(replies, requests).await
    }

    /// Comes back to a run of whose output so much is here.
    pub(super) async fn greet_again(&self, id: RunId) -> Result<Greeted> {
        let (replies, requests) =
            wire::open(&self.toolbox, &self.runner(), &["attach", &self.door(id)], None).await?;
        Greeted::hear(replies, requests).await
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

/// Names a version of the runner.
fn digest(program: &Path) -> Result<String> {
    let content =
        std::fs::read(program).map_err(|source| Error::File { path: program.to_owned(), source })?;
    Ok(crate::backend::hex(&Sha256::digest(content)[..8]))
}
