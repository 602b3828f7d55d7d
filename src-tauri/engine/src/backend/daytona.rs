//! Daytona: programs run in sandboxes in its cloud.
//!
//! A run takes the sandbox of its workspace: found by its labels, started, created. The runner is sent there once and
//! listens; a terminal of the sandbox carries the conversation (`wire.rs`). Everything about a run is the same as in any other
//! place then: exact arguments and bytes, whole trees, and a log that goes on where a connection broke.

mod account;
mod discard;
mod execution;
mod known;
mod note;
mod place;
mod reach;
mod ready;
mod recipe;
mod start;
mod sweep;
mod transfer;
mod wire;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use stigmer_daytona::{Client, Limits};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::account::Account;
pub(crate) use self::account::cloud;
pub use self::recipe::Recipe;
pub(crate) use self::recipe::label;

use self::execution::{InCloud, give_signs, is_over, keep_awake};
use self::note::{Note, Notes};
use self::reach::Turns;
use self::ready::{Era, Lines};
use super::runner::{Keeping, RunnerExecution};
use super::{Back, Backend, Cleaned, Execution, Launch, Reporter};
use crate::config::{Config, Sources};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::secrets::{Secret, Secrets};
use crate::spec::{Mode, RunId};
use crate::workspace::sync::{Copy, Watches};
use crate::workspace::upload::Mark;

/// Bytes of output that a run keeps until they are in its log.
const SPOOL: u32 = 8 << 20;

/// Bytes that may be under way: a terminal that is not read as fast as it is written to is closed by the sandbox.
const WINDOW: u32 = 128 << 10;

/// How output is kept and sent.
const KEEPING: Keeping = Keeping { spool: SPOOL, window: WINDOW };

/// Longest time for a run to answer an engine that came for it.
const RESUMING: Duration = Duration::from_mins(1);

/// Longest time for what is under way in the background when an engine goes.
const LEAVING: Duration = Duration::from_secs(30);

/// Runs programs in Daytona's cloud. Clones are the same.
#[derive(Clone)]
pub struct Daytona(Arc<Inner>);

struct Inner {
    home: Home,
    folder: PathBuf,
    notes: Notes,
    secrets: Arc<Secrets>,
    /// Where the key is, if not in the keychain.
    sources: Sources,
    limits: std::sync::Mutex<Limits>,
    stays: AtomicBool,
    /// The client of the last run.
    client: Mutex<Option<Kept>>,
    /// Conversations for the next runs, had with that client.
    lines: Lines,
    watches: Watches,
    /// What others left was looked for.
    has_swept: AtomicBool,
    /// What is seen through though nobody waits for it.
    tasks: TaskTracker,
    /// What is only held ready is let go of.
    leaving: CancellationToken,
}

/// A client, and whose it is.
struct Kept {
    api_url: Option<String>,
    organization: Option<String>,
    key: Secret,
    limits: Limits,
    client: Client,
}

impl Daytona {
    /// The cloud sandboxes of this home. Nothing is asked before it is needed.
    pub(crate) fn new(home: Home, secrets: Arc<Secrets>, sources: Sources, watches: Watches) -> Self {
        Self(Arc::new(Inner {
            folder: home.root().join("cloud"),
            notes: Notes(home.root().join("cloud")),
            home,
            secrets,
            sources,
            limits: std::sync::Mutex::default(),
            stays: AtomicBool::new(false),
            client: Mutex::default(),
            lines: Lines::default(),
            watches,
            has_swept: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            leaving: CancellationToken::new(),
        }))
    }

    /// A client for an account, with the key of the keychain or of the settings.
    pub async fn client(&self, account: &Account) -> Result<Client> {
        account.client(&self.0.secrets, self.limits()).await
    }

    fn limits(&self) -> Limits {
        *self.0.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for Daytona no longer than this, from the next client on.
    pub fn set_limits(&self, limits: Limits) {
        *self.0.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// The same, with the connections of the one before if it was for the same account and key.
    async fn kept_client(&self, account: &Account) -> Result<(Client, Era)> {
        let (key, limits) = (account.key(&self.0.secrets).await?, self.limits());
        let mut kept = self.0.client.lock().await;
        let is_theirs = |kept: &&Kept| {
            (&kept.api_url, &kept.organization, kept.key.expose(), kept.limits)
                == (&account.api_url, &account.organization, key.expose(), limits)
        };
        if let Some(kept) = kept.as_ref().filter(is_theirs) {
            return Ok((kept.client.clone(), self.0.lines.era()));
        }
        let client = account.client_within(&key, limits)?;
        self.let_go();
        let (api_url, organization) = (account.api_url.clone(), account.organization.clone());
        *kept = Some(Kept { api_url, organization, key, limits, client: client.clone() });
        Ok((client, self.0.lines.era()))
    }

    /// Names this home in the labels of its sandboxes.
    pub(crate) fn owner(&self) -> Result<String> {
        super::docker::owner(&self.0.home)
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

    fn copy(&self, workspace: &Path, sandbox: &str, api_url: Option<&str>) -> Copy {
        Copy {
            mark: Some(Mark::of(&self.0.home, workspace, api_url)),
            watches: self.0.stays.load(Ordering::Relaxed).then(|| self.0.watches.clone()),
            workspace: workspace.to_owned(),
            home: self.0.home.root().to_owned(),
            folder: self.0.folder.join(format!("copy-{sandbox}")),
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
        let (client, era) = self.kept_client(&recipe.account).await?;
        self.sweep_later();
        Box::pin(self.start_in(&launch, recipe, (&client, era), reporter)).await
    }

    async fn cleanup(&self, id: RunId) -> Result<Cleaned> {
        Ok(self.clean_up(id).await)
    }

    async fn awaits(&self, id: RunId) -> bool {
        self.0.notes.read(id).is_some_and(|note| note.is_awaited())
    }

    async fn reattach(&self, id: RunId, offset: u64) -> Result<Option<Box<dyn Execution>>> {
        let Some(note) = self.0.notes.read(id) else { return Ok(None) };
        let Some(held) = self.0.notes.hold(id) else { return Ok(None) };
        let Some(sandbox) = &note.sandbox else { return Ok(None) };
        let client = self.client(&self.account_of(&note)).await?;
        let found = match client.sandboxes().get(sandbox).await {
            Ok(found) if is_over(&found.state) => return Ok(None),
            Ok(found) => found,
            Err(stigmer_daytona::Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(cloud(error)),
        };
        let reached = self.reach(&client, &found, None, Turns::One, &Reporter::silent()).await?;
        let resumed = async { reached.greet_again(id).await?.resume(offset, KEEPING).await };
        let inner: Arc<RunnerExecution> = match timeout(RESUMING, resumed).await {
            // Nobody is at its door any more.
            Ok(Err(Error::SandboxRefused { .. })) => return Ok(None),
            Ok(resumed) => Arc::from(resumed?),
            Err(_) => return Err(Error::Connection { source: io::ErrorKind::TimedOut.into() }),
        };
        let mut alive: Vec<_> = keep_awake(&reached, &found, Duration::MAX).into_iter().collect();
        alive.push(give_signs(&inner));
        let back = note.back.as_ref().map(|workspace| {
            let copy = self.copy(workspace, &found.id, note.api_url.as_deref());
            Back::new(copy, Arc::new(reached.clone()), Reporter::silent())
        });
        let (daytona, finding) = (self.clone(), Mutex::new(()));
        let noted = Some((held, note));
        let next = std::sync::Mutex::default();
        Ok(Some(Box::new(InCloud { daytona, reached, id, inner, finding, back, noted, next, alive })))
    }

    async fn stay(&self) {
        self.0.stays.store(true, Ordering::Relaxed);
        self.0.has_swept.store(false, Ordering::Relaxed);
        self.sweep_later();
    }

    async fn leave(&self) {
        self.0.leaving.cancel();
        self.0.tasks.close();
        if timeout(LEAVING, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(
                "Daytona does not answer; sandboxes that should go delete themselves when they stop"
            );
        }
    }
}
