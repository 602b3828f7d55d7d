//! From a run to its program in a cloud sandbox: the place, the runner, the workspace, and a start that happens once.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_bytes::ByteBuf;
use stigmer_daytona::{Client, Sandbox};
use stigmer_runner::Keep;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::execution::{InCloud, Next, give_signs, keep_awake};
use super::known::names;
use super::note::{Held, Note};
use super::place::Placed;
use super::reach::{Line, Reached, Turns};
use super::ready::Era;
use super::wire::Terminal;
use super::{Daytona, KEEPING, Recipe, SPOOL, WINDOW, recipe};
use crate::backend::runner::Started;
use crate::backend::{Back, Execution, Launch, Reporter, SESSIONS};
use crate::error::{Error, Result};
use crate::spec::RunId;

/// Time that a run goes on without its engine, in milliseconds: one that stays comes again, others reconnect.
const LINGER_MS: [u32; 2] = [5 * 60_000, 24 * 3_600_000];

/// Time without a word after which a runner takes its engine for gone, in milliseconds: when a program here is killed, its
/// terminal there stays open.
const SILENCE_MS: u32 = 60_000;

/// Longest time for a conversation to answer a start: it may have broken without a word.
const ANSWER: Duration = Duration::from_secs(5);

/// How often a start is sent at the most.
const TRIES: u32 = 4;

/// Everything that a program is started with.
struct Made {
    sandbox: Sandbox,
    reached: Reached,
    line: Line,
    /// The name under which it is left to the next one.
    name: Option<String>,
    back: Option<Back>,
}

impl Daytona {
    /// Everything that comes before the program.
    async fn make_ready(
        &self,
        client: &Client,
        recipe: &Recipe,
        id: RunId,
        era: Era,
        (held, note): (&mut Held, &mut Note),
        reporter: &Reporter,
    ) -> Result<Made> {
        let labels = recipe.of_workspace(&self.owner()?);
        let name =
            (self.0.stays.load(Ordering::Relaxed) && !recipe.is_fresh_or_named()).then(|| names(&labels));
        let ready = match &name {
            Some(name) => self.0.lines.take(name, era).await,
            None => None,
        };
        let placed = match &ready {
            Some(ready) => Placed { sandbox: ready.sandbox.clone(), reused: true },
            None => self.place(client, recipe, id, reporter).await?,
        };
        let Placed { sandbox, reused } = placed;
        note.sandbox = Some(sandbox.id.clone());
        held.write(note)?;
        reporter.cloud(recipe::facts(&sandbox, reused, &recipe.rates)).await;
        let api_url = &recipe.account.api_url;
        let turns = if name.is_some() { Turns::Many } else { Turns::One };
        let (reached, line) = if let Some(ready) = ready {
            (ready.reached, Some(ready.line))
        } else {
            let known = self.known(&labels, api_url.as_deref());
            let reached = self.reach(client, &sandbox, known.as_ref(), turns, reporter).await?;
            let now = reached.known(api_url.clone());
            if !recipe.is_fresh_or_named() && known.as_ref() != Some(&now) {
                self.remember(&labels, &now);
            }
            (reached, None)
        };
        if recipe.within.is_some() {
            // It is taken as it is: what is in it may be another folder's.
            let line = reached.greet(reached.turns).await?;
            return Ok(Made { sandbox, reached, line, name, back: None });
        }
        let copy = self.copy(&recipe.workspace, &sandbox.id, api_url.as_deref());
        // Nobody waits for the other: the terminal opens while the workspace is looked at. One that is closed meanwhile is noticed
        // by the start.
        let greet = async {
            match line {
                Some(line) => Ok(line),
                None => reached.greet(reached.turns).await,
            }
        };
        let (line, ()) = tokio::try_join!(greet, copy.bring_there(&reached, reporter))?;
        let back = recipe.bring_back.then(|| Back::new(copy, Arc::new(reached.clone()), reporter.clone()));
        Ok(Made { sandbox, reached, line, name, back })
    }

    pub(super) async fn start_in(
        &self,
        launch: &Launch,
        recipe: &Recipe,
        (client, era): (&Client, Era),
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
        let ready =
            Box::pin(self.make_ready(client, recipe, id, era, (&mut held, &mut note), reporter)).await?;
        let Made { sandbox, reached, line, name, back } = ready;
        let mut start = launch.request();
        start.interpreter = launch.interpreter(SESSIONS);
        let dir = PathBuf::from(reached.workspace()).join(&launch.dir);
        start.dir = ByteBuf::from(dir.into_os_string().into_encoded_bytes());
        let linger_ms = LINGER_MS[usize::from(note.is_kept)];
        start.keep =
            Some(Keep { socket: ByteBuf::from(reached.door(id)), linger_ms, silence_ms: SILENCE_MS });
        (start.spool, start.window) = (SPOOL, WINDOW);
        let (started, terminal) = self.started(&reached, id, line, start).await?;
        match started {
            Started::Running(inner) => {
                launch.tell(&inner, reporter).await;
                let inner = Arc::from(inner);
                let mut alive: Vec<_> =
                    keep_awake(&reached, &sandbox, recipe.auto_stop).into_iter().collect();
                alive.push(give_signs(&inner));
                let (daytona, finding) = (self.clone(), Mutex::new(()));
                let noted = Some((held, note));
                let next = name.zip(terminal).map(|(name, terminal)| Next { name, era, sandbox, terminal });
                let next = std::sync::Mutex::new(next);
                Ok(Box::new(InCloud { daytona, reached, id, inner, finding, back, noted, next, alive }))
            }
            Started::Refused(refusal, message) => Err(launch.refused(refusal, message)),
        }
    }

    /// Starts a program, once. Where the answer is lost, the place itself says whether it began.
    async fn started(
        &self,
        reached: &Reached,
        id: RunId,
        mut line: Line,
        start: stigmer_runner::Start,
    ) -> Result<(Started, Option<Terminal>)> {
        let mut tries = 0;
        loop {
            let Line { greeted, terminal } = line;
            let lost = match timeout(ANSWER, greeted.start(start.clone())).await {
                Ok(Err(error @ Error::Connection { .. })) => error,
                Ok(done) => return Ok((done?, Some(terminal))),
                Err(_) => Error::Connection { source: std::io::ErrorKind::TimedOut.into() },
            };
            tracing::info!(%lost, run = %id, "a start got no answer; the run is looked for");
            // What is still under way must not begin it after the look. Where that cannot be seen to, it may have begun.
            let has_begun = match terminal.end().await {
                Ok(()) => reached.has(id).await,
                Err(error) => Err(error),
            };
            let Ok(has_begun) = has_begun else { return Err(lost) };
            if has_begun {
                let run = reached.greet_again(id).await?.resume(0, KEEPING).await?;
                return Ok((Started::Running(run), None));
            }
            tries += 1;
            if tries == TRIES {
                return Err(lost);
            }
            line = reached.greet(reached.turns).await?;
        }
    }
}
