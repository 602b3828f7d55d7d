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
mod recipe;
mod sweep;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_bytes::ByteBuf;
use stigmer_daytona::{Client, Limits, Sandbox};
use stigmer_runner::Keep;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

pub use self::account::Account;
pub(crate) use self::account::cloud;
pub use self::recipe::Recipe;
pub(crate) use self::recipe::label;

use self::execution::{InCloud, give_signs, keep_awake};
use self::note::{Held, Note, Notes};
use self::place::Placed;
use self::reach::Reached;
use super::runner::{Greeted, Keeping, Started};
use super::{Back, Backend, Execution, Launch, Reporter, SESSIONS};
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

/// Time that a run goes on without its engine, in milliseconds: one that stays comes again, others reconnect.
const LINGER_MS: [u32; 2] = [5 * 60_000, 24 * 3_600_000];

/// Time without a word after which a runner takes an engine that does not stay for gone, in milliseconds: when a command
/// here is killed, its terminal there stays open.
const SILENCE_MS: u32 = 60_000;

/// Longest time for what is under way in the background when an engine goes.
const LEAVING: Duration = Duration::from_secs(30);

/// Time for which a terminal that is not used is relied on.
const FRESH: Duration = Duration::from_secs(10);

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
    watches: Watches,
    /// What others left was looked for.
    has_swept: AtomicBool,
    /// What is seen through though nobody waits for it.
    tasks: TaskTracker,
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
            watches,
            has_swept: AtomicBool::new(false),
            tasks: TaskTracker::new(),
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
    async fn kept_client(&self, account: &Account) -> Result<Client> {
        let (key, limits) = (account.key(&self.0.secrets).await?, self.limits());
        let mut kept = self.0.client.lock().await;
        let is_theirs = |kept: &&Kept| {
            (&kept.api_url, &kept.organization, kept.key.expose(), kept.limits)
                == (&account.api_url, &account.organization, key.expose(), limits)
        };
        if let Some(kept) = kept.as_ref().filter(is_theirs) {
            return Ok(kept.client.clone());
        }
        let client = account.client_within(&key, limits)?;
        let (api_url, organization) = (account.api_url.clone(), account.organization.clone());
        *kept = Some(Kept { api_url, organization, key, limits, client: client.clone() });
        Ok(client)
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

    /// Everything that comes before the program.
    async fn make_ready(
        &self,
        client: &Client,
        recipe: &Recipe,
        id: RunId,
        (held, note): (&mut Held, &mut Note),
        reporter: &Reporter,
    ) -> Result<(Sandbox, Reached, Greeted, Option<Back>)> {
        let Placed { sandbox, reused } = self.place(client, recipe, id, reporter).await?;
        note.sandbox = Some(sandbox.id.clone());
        held.write(note)?;
        reporter.cloud(recipe::facts(&sandbox, reused, &recipe.rates)).await;
        let labels = recipe.of_workspace(&self.owner()?);
        let api_url = &recipe.account.api_url;
        let known = self.known(&labels, api_url.as_deref());
        let reached = Reached::reach(client, &sandbox, known.as_ref(), reporter).await?;
        let now = reached.known(api_url.clone());
        if !recipe.is_fresh_or_named() && known.as_ref() != Some(&now) {
            self.remember(&labels, &now);
        }
        if recipe.within.is_some() {
            // It is taken as it is: what is in it may be another folder's.
            let greeted = reached.greet().await?;
            return Ok((sandbox, reached, greeted, None));
        }
        let copy = self.copy(&recipe.workspace, &sandbox.id, api_url.as_deref());
        // Nobody waits for the other: the terminal opens while the workspace is looked at.
        let begun = Instant::now();
        let (greeted, ()) = tokio::try_join!(reached.greet(), copy.bring_there(&reached, reporter))?;
        // One that nobody used for long may have been closed on the way.
        let greeted = if begun.elapsed() < FRESH { greeted } else { reached.greet().await? };
        let back = recipe.bring_back.then(|| Back::new(copy, Arc::new(reached.clone()), reporter.clone()));
        Ok((sandbox, reached, greeted, back))
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
        let mut held = self.0.notes.begin(id, &note)?;
        let ready = Box::pin(self.make_ready(client, recipe, id, (&mut held, &mut note), reporter)).await?;
        let (sandbox, reached, greeted, back) = ready;
        let mut start = launch.request();
        start.interpreter = launch.interpreter(SESSIONS);
        let dir = PathBuf::from(reached.workspace()).join(&launch.dir);
        start.dir = ByteBuf::from(dir.into_os_string().into_encoded_bytes());
        let linger_ms = LINGER_MS[usize::from(note.is_kept)];
        let silence_ms = if note.is_kept { 0 } else { SILENCE_MS };
        start.keep = Some(Keep { socket: ByteBuf::from(reached.door(id)), linger_ms, silence_ms });
        (start.spool, start.window) = (SPOOL, WINDOW);
        match self.started(&reached, id, greeted, start).await? {
            Started::Running(inner) => {
                launch.tell(&inner, reporter).await;
                let inner = Arc::from(inner);
                let mut alive: Vec<_> =
                    keep_awake(&reached, &sandbox, recipe.auto_stop).into_iter().collect();
                if !note.is_kept {
                    alive.push(give_signs(&inner));
                }
                let (daytona, finding) = (self.clone(), Mutex::new(()));
                let noted = Some((held, note));
                Ok(Box::new(InCloud { daytona, reached, id, inner, finding, back, noted, alive }))
            }
            Started::Refused(refusal, message) => Err(launch.refused(refusal, message)),
        }
    }

    /// Starts a program. Where the answer is lost, the run itself says whether it began.
    async fn started(
        &self,
        reached: &Reached,
        id: RunId,
        greeted: Greeted,
        start: stigmer_runner::Start,
    ) -> Result<Started> {
        match greeted.start(start).await {
            Err(error @ Error::Connection { .. }) => {
                tracing::info!(%error, run = %id, "a start got no answer; the run is looked for");
                let found = match reached.greet_again(id).await {
                    Ok(greeted) => greeted.resume(0, KEEPING).await,
                    Err(error) => Err(error),
                };
                found.map(Started::Running).map_err(|_| error)
            }
            done => done,
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
        let client = self.kept_client(&recipe.account).await?;
        self.sweep_later();
        Box::pin(self.start_in(&launch, recipe, &client, reporter)).await
    }

    async fn cleanup(&self, id: RunId) -> Result<()> {
        self.clean_up(id).await;
        Ok(())
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
            Ok(found) if found.state.is_usable() => found,
            Ok(_) | Err(stigmer_daytona::Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(cloud(error)),
        };
        let reached = Reached::reach(&client, &found, None, &Reporter::silent()).await?;
        let Ok(greeted) = reached.greet_again(id).await else { return Ok(None) };
        let inner = greeted.resume(offset, KEEPING).await?;
        let alive = keep_awake(&reached, &found, Duration::MAX).into_iter().collect();
        let back = note.back.as_ref().map(|workspace| {
            let copy = self.copy(workspace, &found.id, note.api_url.as_deref());
            Back::new(copy, Arc::new(reached.clone()), Reporter::silent())
        });
        let (daytona, inner, finding) = (self.clone(), Arc::from(inner), Mutex::new(()));
        let noted = Some((held, note));
        Ok(Some(Box::new(InCloud { daytona, reached, id, inner, finding, back, noted, alive })))
    }

    async fn stay(&self) {
        self.0.stays.store(true, Ordering::Relaxed);
        self.sweep_later();
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
