//! Daytona: programs run in sandboxes in its cloud.
//!
//! A run takes the sandbox of its workspace: found by its labels, started, created. The runner is sent there once and
//! listens; a terminal of the sandbox carries the conversation (`wire.rs`). Everything about a run is the same as in any other
//! place then: exact arguments and bytes, whole trees, and a log that goes on where a connection broke.

mod account;
mod execution;
mod place;
mod reach;
mod recipe;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use stigmer_daytona::{Client, Sandbox};
use stigmer_runner::Keep;
use tokio::sync::{Mutex, RwLock};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::account::Account;
pub(crate) use self::account::cloud;
pub use self::recipe::Recipe;
pub(crate) use self::recipe::label;

use self::execution::InCloud;
use self::place::Placed;
use self::reach::Reached;
use super::runner::{self, Keeping, Started};
use super::{Back, Backend, Execution, Launch, RUN_ID, Reporter, SESSIONS};
use crate::config::{Config, Sources};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::os;
use crate::secrets::Secrets;
use crate::spec::{Mode, RunId};
use crate::workspace::sync::Copy;

/// Bytes of output that a run keeps until they are in its log.
const SPOOL: u32 = 8 << 20;

/// Bytes that may be under way: a terminal that is not read as fast as it is written to is closed by the sandbox.
const WINDOW: u32 = 128 << 10;

/// How output is kept and sent.
const KEEPING: Keeping = Keeping { spool: SPOOL, window: WINDOW };

/// Time that a run goes on without its engine, in milliseconds: one that stays comes again, others reconnect.
const LINGER_MS: [u32; 2] = [5 * 60_000, 24 * 3_600_000];

/// Longest time for a sandbox to end what is left of a run, and to be found.
const SWEEPING: Duration = Duration::from_secs(30);

/// Longest time for what is under way in the background when an engine goes.
const LEAVING: Duration = Duration::from_secs(30);

/// Longest time for a sandbox to come into being that was asked for by somebody who gave up.
const COMING: Duration = Duration::from_secs(5);

/// Longest time for one to be made or changed, so that it can be deleted.
const SETTLING: Duration = Duration::from_mins(5);

/// Time between two looks for what nothing tells.
const LOOK: Duration = Duration::from_millis(500);

/// Shortest and longest time between two words that a sandbox is still in use.
const AWAKE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_mins(5));

/// Runs programs in Daytona's cloud. Clones are the same.
#[derive(Clone)]
pub struct Daytona(Arc<Inner>);

struct Inner {
    home: Home,
    folder: PathBuf,
    secrets: Arc<Secrets>,
    /// Where the key is, if not in the keychain.
    sources: Sources,
    stays: AtomicBool,
    /// What is seen through though nobody waits for it.
    tasks: TaskTracker,
}

/// What must be known of a run to find it again, or to clean up after it.
#[derive(Serialize, Deserialize)]
struct Note {
    api_url: Option<String>,
    organization: Option<String>,
    /// The sandbox, once it is known.
    sandbox: Option<String>,
    is_thrown_away: bool,
    /// Whether an engine that stays may come for it again.
    is_kept: bool,
    /// The workspace, where what changed comes back.
    back: Option<PathBuf>,
}

impl Daytona {
    /// The cloud sandboxes of this home. Nothing is asked before it is needed.
    pub fn new(home: Home, secrets: Arc<Secrets>, sources: Sources) -> Self {
        Self(Arc::new(Inner {
            folder: home.root().join("cloud"),
            home,
            secrets,
            sources,
            stays: AtomicBool::new(false),
            tasks: TaskTracker::new(),
        }))
    }

    /// A client for an account, with the key of the keychain or of the settings.
    pub async fn client(&self, account: &Account) -> Result<Client> {
        account.client(&self.0.secrets).await
    }

    /// Names this home in the labels of its sandboxes.
    pub(crate) fn owner(&self) -> Result<String> {
        super::docker::owner(&self.0.home)
    }

    fn note_file(&self, id: RunId) -> PathBuf {
        self.0.folder.join(format!("run-{id}.json"))
    }

    fn note(&self, id: RunId, note: &Note) -> Result<()> {
        let file = self.note_file(id);
        let write = || {
            os::create_private_dir(&self.0.folder)?;
            std::fs::write(&file, serde_json::to_vec(note)?)
        };
        write().map_err(Error::storage("writing", &file))
    }

    fn noted(&self, id: RunId) -> Option<Note> {
        serde_json::from_slice(&std::fs::read(self.note_file(id)).ok()?).ok()
    }

    /// There is nothing to find again, or to clean up.
    fn let_go(&self, id: RunId) {
        let _ = std::fs::remove_file(self.note_file(id));
    }

    /// The account that a note is of, with the key as it is now.
    fn account_of(&self, note: &Note) -> Account {
        let key = self.account().ok().and_then(|account| account.key);
        Account { api_url: note.api_url.clone(), organization: note.organization.clone(), target: None, key }
    }

    /// The account of the user's own settings.
    fn account(&self) -> Result<Account> {
        Ok(Account::of(&Config::load(&self.0.sources)?))
    }

    /// Deletes a sandbox in the background; an engine that goes waits for it.
    fn delete_later(&self, client: Client, name: String) {
        self.0.tasks.spawn(async move {
            if let Err(error) = delete(&client, &name).await {
                tracing::warn!(%error, name, "a cloud sandbox could not be deleted; it deletes itself when it stops");
            }
        });
    }

    /// Tells the sandbox that it is in use until the guard is dropped.
    fn keep_awake(reached: &Reached, sandbox: &Sandbox) -> tokio_util::sync::DropGuard {
        let minutes =
            sandbox.auto_stop_interval.and_then(|minutes| u64::try_from(minutes).ok()).unwrap_or(15);
        let auto_stop = Duration::from_secs(60 * minutes);
        let over = CancellationToken::new();
        let guard = over.clone().drop_guard();
        if auto_stop.is_zero() {
            return guard;
        }
        let (client, id) = (reached.client.clone(), reached.id.clone());
        let pause = (auto_stop / 3).clamp(AWAKE.0, AWAKE.1);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = over.cancelled() => return,
                    () = sleep(pause) => {}
                }
                if let Err(error) = client.sandboxes().touch(&id).await {
                    tracing::debug!(%error, id, "a sandbox was not told that it is in use");
                }
            }
        });
        guard
    }

    fn copy(&self, workspace: &std::path::Path, sandbox: &str) -> Copy {
        Copy {
            workspace: workspace.to_owned(),
            home: self.0.home.root().to_owned(),
            folder: self.0.folder.join(format!("copy-{sandbox}")),
        }
    }

    /// Everything that comes before the program.
    async fn make_ready(
        &self,
        client: &Client,
        recipe: &Recipe,
        id: RunId,
        note: &mut Note,
        reporter: &Reporter,
    ) -> Result<(Sandbox, Reached, Option<Back>)> {
        let Placed { sandbox, reused } = self.place(client, recipe, id, reporter).await?;
        note.sandbox = Some(sandbox.id.clone());
        self.note(id, note)?;
        reporter.cloud(recipe::facts(&sandbox, reused)).await;
        let reached = Reached::reach(client, &sandbox, reporter).await?;
        if recipe.within.is_some() {
            // It is taken as it is: what is in it may be another folder's.
            return Ok((sandbox, reached, None));
        }
        let copy = self.copy(&recipe.workspace, &sandbox.id);
        copy.bring_there(&reached, reporter).await?;
        let back = recipe.bring_back.then(|| Back::new(copy, Arc::new(reached.clone()), reporter.clone()));
        Ok((sandbox, reached, back))
    }

    async fn start_in(
        &self,
        launch: &Launch,
        recipe: &Recipe,
        client: &Client,
        reporter: &Reporter,
    ) -> Result<Box<dyn Execution>> {
        let id = launch.id;
        let mut note = Note {
            api_url: recipe.account.api_url.clone(),
            organization: recipe.account.organization.clone(),
            sandbox: None,
            is_thrown_away: recipe.is_thrown_away(),
            is_kept: launch.may_be_kept && self.0.stays.load(Ordering::Relaxed),
            back: recipe.bring_back.then(|| recipe.workspace.clone()),
        };
        self.note(id, &note)?;
        let ready = Box::pin(self.make_ready(client, recipe, id, &mut note, reporter)).await?;
        let (sandbox, reached, back) = ready;
        let mut start = launch.request();
        start.interpreter = launch.interpreter(SESSIONS);
        let dir = PathBuf::from(reached.workspace()).join(&launch.dir);
        start.dir = ByteBuf::from(dir.into_os_string().into_encoded_bytes());
        let linger_ms = LINGER_MS[usize::from(note.is_kept)];
        start.keep = Some(Keep { socket: ByteBuf::from(reached.door(id)), linger_ms });
        (start.spool, start.window) = (SPOOL, WINDOW);
        match reached.greet().await?.start(start).await? {
            Started::Running(inner) => {
                launch.tell(&inner, reporter).await;
                let awake = Self::keep_awake(&reached, &sandbox);
                let started = inner.started();
                Ok(Box::new(InCloud {
                    daytona: self.clone(),
                    reached,
                    id,
                    start: started,
                    inner: RwLock::new(Arc::from(inner)),
                    finding: Mutex::new(()),
                    back,
                    is_thrown_away: note.is_thrown_away,
                    awake,
                }))
            }
            Started::Refused(refusal, message) => Err(launch.refused(refusal, message)),
        }
    }

    /// Ends what is left of a run, by what was noted of it.
    async fn clean(&self, id: RunId, note: &Note) -> Result<()> {
        let client = self.client(&self.account_of(note)).await?;
        if note.is_thrown_away {
            // By its name: it may have been created without our having heard of it.
            self.delete_later(client, name_of(id));
            return Ok(());
        }
        let Some(sandbox) = &note.sandbox else { return Ok(()) };
        let found = match client.sandboxes().get(sandbox).await {
            Ok(found) if found.state.is_usable() => found,
            // Where nothing runs nothing is left.
            Ok(_) | Err(stigmer_daytona::Error::NotFound(_)) => return Ok(()),
            Err(error) => return Err(cloud(error)),
        };
        let reached = Reached::reach(&client, &found, &Reporter::silent()).await?;
        let (replies, requests) = reached.converse().await?;
        runner::sweep(replies, requests, &format!("{RUN_ID}={id}")).await
    }
}

/// The name of the sandbox that a run has for itself.
fn name_of(id: RunId) -> String {
    format!("stigmer-{id}")
}

/// Deletes a sandbox, also one that is just being made. One that is not there is not waited for any longer than it takes
/// a request that was given up to be carried out.
async fn delete(client: &Client, name: &str) -> stigmer_daytona::Result<()> {
    let sandboxes = client.sandboxes();
    let until = Instant::now() + COMING;
    loop {
        match sandboxes.delete(name).await {
            Ok(Some(_)) => return Ok(()),
            Ok(None) if Instant::now() >= until => return Ok(()),
            Ok(None) => sleep(LOOK).await,
            Err(stigmer_daytona::Error::Conflict(_) | stigmer_daytona::Error::Invalid(_)) => {
                // Nothing can be done with one that is changing.
                let is_settled = |sandbox: &Sandbox| sandbox.state.is_settled();
                sandboxes.wait_until(name, SETTLING, is_settled).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

#[async_trait]
impl Backend for Daytona {
    fn mode(&self) -> Mode {
        Mode::Daytona
    }

    async fn probe(&self) -> Result<()> {
        self.client(&self.account()?).await.map(drop)
    }

    async fn start(&self, launch: Launch, reporter: &Reporter) -> Result<Box<dyn Execution>> {
        let Some(super::Recipe::Cloud(recipe)) = launch.recipe.as_deref() else {
            return Err(Error::InvalidSpec {
                what: "the run does not say what its cloud sandbox is made of".to_owned(),
                hint: "name a snapshot with --snapshot",
            });
        };
        let client = self.client(&recipe.account).await?;
        Box::pin(self.start_in(&launch, recipe, &client, reporter)).await
    }

    async fn cleanup(&self, id: RunId) -> Result<()> {
        let Some(note) = self.noted(id) else { return Ok(()) };
        match timeout(SWEEPING, self.clean(id, &note)).await {
            Ok(Ok(())) => self.let_go(id),
            Ok(Err(error)) => {
                tracing::warn!(%error, run = %id, "what is left of a run in the cloud was not ended");
            }
            Err(_) => tracing::warn!(run = %id, "what is left of a run in the cloud was not ended in time"),
        }
        Ok(())
    }

    async fn awaits(&self, id: RunId) -> bool {
        self.noted(id).is_some_and(|note| note.is_kept && note.sandbox.is_some())
    }

    async fn reattach(&self, id: RunId, offset: u64) -> Result<Option<Box<dyn Execution>>> {
        let Some(note) = self.noted(id) else { return Ok(None) };
        let Some(sandbox) = &note.sandbox else { return Ok(None) };
        let client = self.client(&self.account_of(&note)).await?;
        let found = match client.sandboxes().get(sandbox).await {
            Ok(found) if found.state.is_usable() => found,
            Ok(_) | Err(stigmer_daytona::Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(cloud(error)),
        };
        let reached = Reached::reach(&client, &found, &Reporter::silent()).await?;
        let Ok(greeted) = reached.greet_again(id).await else { return Ok(None) };
        let inner = greeted.resume(offset, KEEPING).await?;
        let awake = Self::keep_awake(&reached, &found);
        let back = note.back.map(|workspace| {
            let copy = self.copy(&workspace, &found.id);
            Back::new(copy, Arc::new(reached.clone()), Reporter::silent())
        });
        Ok(Some(Box::new(InCloud {
            daytona: self.clone(),
            start: inner.started(),
            reached,
            id,
            inner: RwLock::new(Arc::from(inner)),
            finding: Mutex::new(()),
            back,
            is_thrown_away: note.is_thrown_away,
            awake,
        })))
    }

    async fn stay(&self) {
        self.0.stays.store(true, Ordering::Relaxed);
    }

    async fn leave(&self) {
        self.0.tasks.close();
        if timeout(LEAVING, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(
                "Daytona does not answer; sandboxes that should go delete themselves when they stop"
            );
        }
    }
}
