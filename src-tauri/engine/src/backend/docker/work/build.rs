//! Building images, and copies of them with more packages.

use bollard::body_try_stream;
use bollard::models::BuildInfo;
use bollard::query_parameters::BuildImageOptionsBuilder;
use futures_util::StreamExt as _;
use std::collections::HashMap;

use super::super::{client, pull};
use super::{Work, pieces};
use crate::error::{Error, Result};
use crate::image::{context, custom, short, tiers};
use crate::spec::{Build, BuildSource, Customize};

impl Work {
    /// Builds an image; its id.
    pub(super) async fn build(&self, build: &Build) -> Result<String> {
        let source = build.source.clone();
        self.reporter.step("pack what is built from").await;
        let (context, dockerfile, mut tags) = match source {
            BuildSource::Tier(name) => {
                let tier = tiers::find(&name)?;
                let tags = vec![tier.tag.to_owned()];
                let certificates = build.certificates.clone();
                let context = blocking(move || context::of_tiers(certificates.as_deref())).await?;
                (context, tier.dockerfile.to_owned(), tags)
            }
            BuildSource::Folder { path, dockerfile } => {
                let file = dockerfile.clone();
                (blocking(move || context::of_folder(&path, &dockerfile)).await?, file, Vec::new())
            }
        };
        if !build.tags.is_empty() {
            tags.clone_from(&build.tags);
        }
        self.build_from(context, &dockerfile, tags, build).await
    }

    /// Builds a copy of an image with more packages, and verifies it.
    pub(super) async fn customize(&self, task: &Customize) -> Result<()> {
        let base = self.engine.api.inspect_image(&task.base).await;
        let base = base.map_err(|failure| match client::status(&failure) {
            Some(404) => Error::ImageNotFound { image: task.base.clone() },
            _ => client::unreachable(&self.engine.address, &failure),
        })?;
        let user = base.config.and_then(|config| config.user).unwrap_or_default();
        let text = custom::dockerfile(task, &user)?;
        let (home, name, kept) = (self.home.clone(), task.name.clone(), text.clone());
        let before = blocking(move || custom::keep(&home, &name, &kept)).await?;
        self.lines.say(&format!("# {}", custom::path(&self.home, &task.name).display())).await;
        let shown =
            before.as_deref().map_or_else(|| text.clone(), |before| custom::difference(before, &text));
        self.lines.say(shown.trim_end()).await;
        let context = blocking(move || context::of_dockerfile(&text)).await?;
        let id = self.build_from(context, "Dockerfile", vec![task.name.clone()], &Build::default()).await?;
        self.verify(&id, None).await
    }

    async fn build_from(
        &self,
        context: context::Context,
        dockerfile: &str,
        tags: Vec<String>,
        build: &Build,
    ) -> Result<String> {
        let args: HashMap<&str, &str> =
            build.args.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let first = tags.first().cloned().unwrap_or_default();
        let mut options = BuildImageOptionsBuilder::new()
            .dockerfile(dockerfile)
            .t(&first)
            .nocache(build.no_cache)
            .rm(true)
            // What a failed step leaves behind is of no use to anybody.
            .forcerm(true)
            .buildargs(&args);
        if build.pull {
            options = options.pull("true");
        }
        if let Some(target) = &build.target {
            options = options.target(target);
        }
        if let Some(network) = &build.network {
            options = options.networkmode(network);
        }
        if let Some(platform) = &build.platform {
            options = options.platform(platform);
        }
        self.lines.say(&format!("sending {} bytes of context", context.size)).await;
        let body = body_try_stream(pieces(context.file));
        let mut stream = std::pin::pin!(self.engine.api.build_image(options.build(), None, Some(body)));
        let (mut id, mut step) = (None, Step::default());
        while let Some(next) = stream.next().await {
            match next {
                Ok(info) => self.heed(info, &mut id, &mut step).await?,
                Err(failure) => return Err(self.failed(&failure, &step)),
            }
        }
        let id = id.ok_or_else(|| step.failed("the engine does not say what it built"))?;
        for tag in tags.iter().skip(1) {
            self.docker.tag(&self.engine, &id, tag).await?;
        }
        self.lines.say(&format!("built {} {}", short(&id), tags.join(" "))).await;
        Ok(id)
    }

    async fn heed(&self, info: BuildInfo, id: &mut Option<String>, step: &mut Step) -> Result<()> {
        if let Some(text) = info.stream {
            if let Some(now) = Step::read(&text) {
                *step = now;
                self.reporter.step(&step.text).await;
                self.reporter.progress(&step.text, step.number, Some(step.of));
            }
            self.lines.write(text.into()).await;
        } else if let Some(status) = info.status {
            // An image that the build begins with is fetched.
            if info.progress_detail.is_none_or(|progress| progress.total.is_none()) {
                let layer = info.id.map(|id| format!("{id}: ")).unwrap_or_default();
                self.lines.say(&format!("{layer}{status}")).await;
            }
        }
        if let Some(built) = info.aux.and_then(|aux| aux.id) {
            *id = Some(built);
        }
        if let Some(error) = info.error_detail {
            return Err(step.failed(&error.message.unwrap_or_default()));
        }
        Ok(())
    }

    fn failed(&self, failure: &bollard::errors::Error, step: &Step) -> Error {
        if client::is_gone(failure) {
            return client::unreachable(&self.engine.address, failure);
        }
        let said = client::words(failure);
        if step.number == 0 && said.contains("invalid reference format") {
            return Error::InvalidSpec {
                what: format!("the name of the image cannot be: {said}"),
                hint: "write NAME or NAME:TAG, in small letters",
            };
        }
        if said.contains("no basic auth") || said.contains("pull access denied") {
            return pull::refused(step.image(), "pulled", failure, &self.engine);
        }
        step.failed(&said)
    }
}

/// Where a build is.
#[derive(Default)]
struct Step {
    text: String,
    number: u64,
    of: u64,
}

impl Step {
    /// The step that a line of the engine begins: `Step 2/9 : RUN …`.
    fn read(line: &str) -> Option<Self> {
        let (counts, _) = line.strip_prefix("Step ")?.split_once(" : ")?;
        let (number, of) = counts.split_once('/')?;
        let text = line.trim().chars().take(200).collect();
        Some(Self { text, number: number.parse().ok()?, of: of.parse().ok()? })
    }

    /// The image that the step begins with.
    fn image(&self) -> &str {
        self.text.split_once("FROM ").map_or("", |(_, rest)| rest.split_whitespace().next().unwrap_or(""))
    }

    fn failed(&self, why: &str) -> Error {
        let hint = if why.contains("dockerfile parse error") || why.contains("unknown instruction") {
            "mend the Dockerfile at the line that is named"
        } else if why.contains("no space left") {
            "free space for Docker with `stigmer image prune`"
        } else if self.number == 0 {
            "see what the engine says above"
        } else {
            "see what the step printed above, mend it, and build again: the steps before it are kept"
        };
        let step = if self.text.is_empty() { "its beginning".to_owned() } else { format!("`{}`", self.text) };
        Error::Build { step, why: why.trim().to_owned(), hint }
    }
}

/// Does what waits for the disk on a thread that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    crate::run::blocking(work).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_read_from_the_line_that_begins_it() {
        let step = Step::read("Step 2/9 : FROM debian:12 AS base\n").unwrap();
        assert_eq!((step.number, step.of, step.image()), (2, 9, "debian:12"));
        for other in ["Step by step", " ---> abc", "Step x/9 : RUN", ""] {
            assert!(Step::read(other).is_none(), "{other}");
        }
    }
}
