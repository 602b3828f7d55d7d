//! Asking an image for its tools.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::timeout;

use super::super::container::Held;
use super::super::make::NewContainer;
use super::super::recipe::Kind;
use super::super::{Docker, Engine, WORKSPACE, client};
use super::Work;
use crate::backend::runner::{Reader, RunnerExecution, Started, Writer};
use crate::backend::{Execution as _, Exit};
use crate::error::{Error, Result};
use crate::image::manifest::{LONGEST_ANSWER, Question, questions};
use crate::image::tiers::TIER_LABEL;
use crate::image::{Tool, Verified, kept, short};
use crate::os;
use crate::spec::Network;

/// Longest time for a tool to answer.
const ANSWER: Duration = Duration::from_mins(1);

impl Work {
    /// Asks every tool of the manifest for its version, and keeps the answers with the image.
    pub(super) async fn verify(&self, image: &str, tier: Option<&str>) -> Result<()> {
        let found =
            self.engine.api.inspect_image(image).await.map_err(|failure| match client::status(&failure) {
                Some(404) => Error::ImageNotFound { image: image.to_owned() },
                _ => client::unreachable(&self.engine.address, &failure),
            })?;
        let id = found.id.clone().unwrap_or_default();
        let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
        let tier = tier.or_else(|| labels.get(TIER_LABEL).map(String::as_str)).unwrap_or("basic").to_owned();
        let questions = questions(&tier)?;
        self.reporter.step(format!("start a sandbox of {}", short(&id))).await;
        let empty = self.home.root().join("images/empty");
        os::create_private_dir(&empty).map_err(Error::storage("creating", &empty))?;
        let mut recipe = self.recipe.clone();
        recipe.image = image.to_owned();
        recipe.workspace = empty;
        recipe.network = Network::None;
        (recipe.hidden, recipe.mounts, recipe.ports) = (None, Vec::new(), Vec::new());
        // Should we not come to remove it.
        recipe.supply.ttl = Some(ANSWER);
        let owner = self.docker.0.folders.owner()?;
        let making = NewContainer {
            docker: self.docker.clone(),
            engine: self.engine.clone(),
            recipe,
            owner,
            image_id: id.clone(),
            run: self.run.clone(),
            again: false,
        };
        // Its first conversation is not its only one: it is removed when all were held.
        let reached = making.make(self.docker.hold_new()?, Kind::Serving, None).await?;
        let sandbox =
            Needed { docker: self.docker.clone(), engine: self.engine.clone(), held: Some(reached.held) };
        let Some(held) = &sandbox.held else { return Err(Error::Stopped) };
        let width = questions.iter().map(|question| question.name.len()).max().unwrap_or(0);
        let mut tools = Vec::new();
        for (index, question) in questions.iter().enumerate() {
            self.reporter.progress("ask the tools", index as u64, Some(questions.len() as u64));
            let asked = timeout(ANSWER, async {
                let connected = self.engine.connect(held).await;
                let (replies, requests) = connected.map_err(|source| Error::Connection { source })?;
                ask(question, replies, requests).await
            });
            let tool = match asked.await {
                Ok(asked) => asked?,
                Err(_) => question.judge("no answer within a minute", false),
            };
            let (mark, said) = match (&tool.version, &tool.problem) {
                (Some(version), _) => ("ok     ", version.as_str()),
                (None, problem) => ("missing", problem.as_deref().unwrap_or_default()),
            };
            self.lines.say(&format!("{:width$}  {mark}  {said}", tool.name)).await;
            tools.push(tool);
        }
        let verified = Verified { at: Timestamp::now(), tier, tools };
        let missing: Vec<_> = verified.missing().map(|tool| tool.name.clone()).collect();
        let (home, keep) = (self.home.clone(), verified);
        crate::run::blocking(move || kept::change(&home, &id, |kept| kept.verified = Some(keep))).await?;
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::Incomplete { count: missing.len(), names: missing.join(", ") })
    }
}

/// Asks one tool.
async fn ask(question: &Question, replies: Reader, requests: Writer) -> Result<Tool> {
    let bytes = |text: &str| serde_bytes::ByteBuf::from(text.as_bytes());
    let start = stigmer_runner::Start {
        argv: question.ask.iter().map(|word| bytes(word)).collect(),
        dir: bytes(WORKSPACE),
        drain_ms: 500,
        ..stigmer_runner::Start::default()
    };
    let execution = match RunnerExecution::start(replies, requests, start).await? {
        Started::Running(execution) => execution,
        Started::Refused(_, message) => return Ok(question.judge(&message, false)),
    };
    let mut answer = Vec::new();
    while let Some(output) = execution.output().await? {
        let room = LONGEST_ANSWER.saturating_sub(answer.len());
        answer.extend_from_slice(&output.bytes[..output.bytes.len().min(room)]);
    }
    let exit = execution.wait().await?.exit;
    Ok(question.judge(&String::from_utf8_lossy(&answer), exit == Exit::Code(0)))
}

/// A container that is removed when it is not needed any more, also when the task is given up.
struct Needed {
    docker: Docker,
    engine: Engine,
    held: Option<Held>,
}

impl Drop for Needed {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            let (docker, engine) = (self.docker.clone(), self.engine.clone());
            self.docker.0.tasks.spawn(async move { docker.discard(&engine, held).await });
        }
    }
}
