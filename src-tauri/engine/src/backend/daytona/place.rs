//! The sandbox of a run: found by its labels, started, or created.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::time::Duration;

use stigmer_daytona::{Client, Error as Failure, Filter, Sandbox, State, Template};

use super::account::cloud;
use super::known::names;
use super::recipe::Recipe;
use super::{Daytona, Reporter};
use crate::error::{Error, Result};
use crate::os;
use crate::spec::RunId;

/// Longest time for a sandbox to run: it may have to be fetched from an archive, or its image pulled.
const STARTING: Duration = Duration::from_mins(10);

/// Longest time for a snapshot to be active again.
const ACTIVATING: Duration = Duration::from_mins(10);

/// A sandbox that runs, and whether it served others before.
pub(super) struct Placed {
    pub sandbox: Sandbox,
    pub reused: bool,
}

impl Daytona {
    /// Gets the sandbox for a run.
    pub(super) async fn place(
        &self,
        client: &Client,
        recipe: &Recipe,
        id: RunId,
        reporter: &Reporter,
    ) -> Result<Placed> {
        if let Some(name) = &recipe.within {
            let sandbox = client.sandboxes().get(name).await.map_err(cloud)?;
            let state = &sandbox.state;
            if state.is_failed() || matches!(usefulness(state), 1..=3) {
                // That costs, and takes its time: whoever names one says so first.
                return Err(Error::Conflict {
                    what: format!("the sandbox `{name}` does not run: it is `{state}`"),
                    hint: "start it first: stigmer sandbox start NAME; it costs while it runs",
                });
            }
            return Ok(Placed { sandbox: started(client, sandbox, reporter).await?, reused: true });
        }
        let owner = self.owner()?;
        if recipe.fresh {
            let labels = Recipe::of_run(&owner, &id.to_string());
            return self.create(client, recipe, super::discard::name_of(id), labels, reporter).await;
        }
        reporter.step("find the sandbox of this workspace").await;
        let labels = recipe.of_workspace(&owner);
        if let Some(known) = self.known(&labels, recipe.account.api_url.as_deref()) {
            match client.sandboxes().get(&known.sandbox).await {
                Ok(sandbox) if usefulness(&sandbox.state) > 0 && has(&sandbox, &labels) => {
                    return Ok(Placed { sandbox: started(client, sandbox, reporter).await?, reused: true });
                }
                Ok(_) | Err(Failure::NotFound(_)) => {}
                Err(error) => return Err(cloud(error)),
            }
        }
        // Of two who look at once one creates it.
        let _lock = self.alone(names(&labels)).await?;
        let found =
            client.sandboxes().list(Filter { labels: labels.clone(), ..Filter::default() }).all().await;
        let mut found = found.map_err(cloud)?;
        found.retain(|one| usefulness(&one.state) > 0);
        found.sort_by_key(|one| std::cmp::Reverse(usefulness(&one.state)));
        for one in found {
            // A list lags behind: the sandbox itself says how it is.
            match client.sandboxes().get(&one.id).await {
                Ok(sandbox) if usefulness(&sandbox.state) > 0 => {
                    return Ok(Placed { sandbox: started(client, sandbox, reporter).await?, reused: true });
                }
                Ok(_) | Err(Failure::NotFound(_)) => {}
                Err(error) => return Err(cloud(error)),
            }
        }
        let name = format!("stigmer-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        self.create(client, recipe, name, labels, reporter).await
    }

    async fn create(
        &self,
        client: &Client,
        recipe: &Recipe,
        name: String,
        labels: BTreeMap<String, String>,
        reporter: &Reporter,
    ) -> Result<Placed> {
        reporter.step("create a sandbox in the cloud").await;
        let new = recipe.sandbox(name, labels);
        let created = match client.sandboxes().create(&new).await {
            Err(error) if self.activated(client, &new.template, &error, reporter).await? => {
                client.sandboxes().create(&new).await.map_err(cloud)
            }
            created => created.map_err(cloud),
        };
        let started = match created {
            Ok(sandbox) => started(client, sandbox, reporter).await,
            Err(error) => Err(error),
        };
        if let Err(Error::Cloud(error)) = &started
            && !recipe.fresh
            && may_be_there(error)
        {
            // Nobody has used it, and the next run would not take it.
            self.delete_stray(client.clone(), new.name.clone());
        }
        Ok(Placed { sandbox: started?, reused: false })
    }

    /// Whether a sandbox could not be made because its snapshot slept, and it is awake now.
    async fn activated(
        &self,
        client: &Client,
        template: &Template,
        error: &Failure,
        reporter: &Reporter,
    ) -> Result<bool> {
        let (Failure::Invalid(answer), Template::Snapshot { snapshot, .. }) = (error, template) else {
            return Ok(false);
        };
        if !answer.message.contains("inactive") && !answer.message.contains("not active") {
            return Ok(false);
        }
        reporter.step(format!("activate the snapshot {snapshot}")).await;
        let snapshots = client.snapshots();
        let found = snapshots.get(snapshot).await.map_err(cloud)?;
        snapshots.activate(&found.id).await.map_err(cloud)?;
        snapshots.wait_active(&found.id, ACTIVATING).await.map_err(cloud)?;
        Ok(true)
    }

    /// Keeps others of this home from the same, until it is dropped.
    async fn alone(&self, what: String) -> Result<File> {
        let folder = self.0.folder.clone();
        crate::run::blocking(move || {
            let path = folder.join(format!("{what}.lock"));
            let lock = || {
                os::create_private_dir(&folder)?;
                let file = os::private(OpenOptions::new().create(true).append(true)).open(&path)?;
                file.lock()?;
                Ok(file)
            };
            lock().map_err(Error::storage("locking", &path))
        })
        .await
    }
}

/// Whether a sandbox may have been made although this came of it.
fn may_be_there(error: &Failure) -> bool {
    match error {
        Failure::Invalid(answer) => answer.message.contains("failed to start"),
        Failure::Failed { .. } | Failure::Deadline { .. } => true,
        error => error.may_have_happened(),
    }
}

fn has(sandbox: &Sandbox, labels: &BTreeMap<String, String>) -> bool {
    labels.iter().all(|(name, value)| sandbox.labels.get(name) == Some(value))
}

/// How near a sandbox is to running; zero for one that will not.
fn usefulness(state: &State) -> u8 {
    match state {
        State::Started => 5,
        State::Starting
        | State::Creating
        | State::Restoring
        | State::Resuming
        | State::PullingSnapshot
        | State::PendingBuild
        | State::BuildingSnapshot => 4,
        State::Stopped | State::Paused => 3,
        State::Stopping | State::Pausing | State::Resizing | State::Snapshotting | State::Forking => 2,
        // What it is, and what is in it, shows when that passes.
        State::Archived | State::Archiving | State::Unknown(_) => 1,
        _ => 0,
    }
}

/// The sandbox once it runs.
async fn started(client: &Client, sandbox: Sandbox, reporter: &Reporter) -> Result<Sandbox> {
    let sandboxes = client.sandboxes();
    let id = sandbox.id.clone();
    let step = match &sandbox.state {
        State::Started => return Ok(sandbox),
        State::Stopping | State::Pausing | State::Archiving => "wait until it has stopped".to_owned(),
        State::Resizing | State::Snapshotting | State::Forking => {
            "wait for another change of the sandbox".to_owned()
        }
        State::Unknown(state) => format!("wait for the sandbox, which is `{state}`"),
        _ => String::new(),
    };
    let sandbox = if step.is_empty() {
        sandbox
    } else {
        reporter.step(step).await;
        let is_settled = |sandbox: &Sandbox| sandbox.state.is_settled();
        sandboxes.wait_until(&id, STARTING, is_settled).await.map_err(cloud)?
    };
    if matches!(sandbox.state, State::Stopped | State::Paused | State::Archived) {
        let step = if sandbox.state == State::Archived {
            "fetch the sandbox from the archive"
        } else {
            "start the sandbox"
        };
        reporter.step(step).await;
        sandboxes.start(&id).await.map_err(cloud)?;
    } else if sandbox.state != State::Started {
        reporter.step("wait for the sandbox to start").await;
    }
    sandboxes.wait(&id, &State::Started, STARTING).await.map_err(cloud)
}
