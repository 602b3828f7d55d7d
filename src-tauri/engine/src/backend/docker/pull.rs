//! The image of a sandbox: looked up, and fetched when it is missing.

use std::collections::HashMap;
use std::time::Duration;

use bollard::errors::Error as Failure;
use bollard::models::{CreateImageInfo, ImageInspect};
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;
use tokio::time::{Instant, timeout};

use super::work::Lines;
use super::{Docker, Engine, Recipe, client, credentials};
use crate::backend::Reporter;
use crate::error::{Error, Result};
use crate::image::tiers::TIERS;

/// The image that the settings name if nobody changed them.
const USUAL_IMAGE: &str = "ghcr.io/stigmer/agent-sandbox-basic:latest";

/// Time without a byte after which a pull is said to stand still.
const STILL: Duration = Duration::from_secs(20);

/// Shortest time between two words about progress.
const BETWEEN: Duration = Duration::from_millis(100);

/// An image that is here.
pub(super) struct Image {
    /// The digest of its configuration: names it for ever.
    pub id: String,
    /// As a registry knows it, if it came from one.
    pub digest: Option<String>,
    /// The processor that it is for, in the engine's word.
    pub processor: Option<String>,
}

impl From<ImageInspect> for Image {
    fn from(found: ImageInspect) -> Self {
        Self {
            id: found.id.unwrap_or_default(),
            digest: found.repo_digests.unwrap_or_default().into_iter().next(),
            processor: found.architecture.filter(|processor| !processor.is_empty()),
        }
    }
}

impl Docker {
    /// The image of a recipe; fetched if it is missing and may be.
    pub(super) async fn image(&self, engine: &Engine, recipe: &Recipe, reporter: &Reporter) -> Result<Image> {
        let image = &recipe.image;
        let mut found = inspect(engine, image, reporter).await?;
        if image == USUAL_IMAGE && found.as_ref().is_err_and(|failure| client::status(failure) == Some(404)) {
            // The same tier, built here.
            let built = engine.api.inspect_image(TIERS[0].tag).await;
            found = if built.is_ok() { built } else { found };
        }
        match found {
            Ok(found) => Ok(found.into()),
            Err(failure) if client::status(&failure) == Some(404) && !recipe.supply.auto_pull => {
                Err(Error::ImageNotFound { image: image.clone() })
            }
            Err(failure) if client::status(&failure) == Some(404) => {
                pull(engine, image, reporter, &Lines::unseen()).await?;
                let found = engine.api.inspect_image(image).await;
                Ok(found.map_err(|_| Error::ImageNotFound { image: image.clone() })?.into())
            }
            Err(failure) => Err(refused(image, "pulled", &failure, engine)),
        }
    }
}

/// Asks the engine for an image: the first that a run asks of it, so this is where one that is still starting is waited
/// for, and one that hangs is given up.
async fn inspect(engine: &Engine, image: &str, reporter: &Reporter) -> Result<Result<ImageInspect, Failure>> {
    let mut asked = Box::pin(engine.api.inspect_image(image));
    match timeout(client::PING, &mut asked).await {
        Ok(Err(failure)) if client::status(&failure).is_none_or(|status| status >= 500) => {}
        Ok(found) => return Ok(found),
        // It is there, and busy.
        Err(_) if client::ping(&engine.api, &engine.address).await.is_ok() => return Ok(asked.await),
        Err(_) => {}
    }
    client::await_engine(&engine.api, &engine.address, reporter).await?;
    Ok(engine.api.inspect_image(image).await)
}

/// Fetches an image, tells how far it is, and says in `lines` what the engine says of each layer. What was fetched
/// before it was stopped is not fetched again.
pub(super) async fn pull(engine: &Engine, image: &str, reporter: &Reporter, lines: &Lines) -> Result<()> {
    let step = format!("pull {image}");
    reporter.step(&step).await;
    let credentials = credentials::of(image).await;
    let options = CreateImageOptionsBuilder::new().from_image(&tagged(image)).build();
    let mut stream = std::pin::pin!(engine.api.create_image(Some(options), None, credentials));
    let mut layers = Layers::default();
    let mut told = Instant::now();
    loop {
        let Ok(next) = timeout(STILL, stream.next()).await else {
            reporter.step(format!("{step}: {} stands still", layers.slowest())).await;
            lines.say(&format!("{}: nothing came for {} s", layers.slowest(), STILL.as_secs())).await;
            continue;
        };
        match next {
            None => return Ok(()),
            Some(Ok(info)) => {
                if let Some(line) = layers.note(&info) {
                    lines.say(&line).await;
                }
                if told.elapsed() >= BETWEEN {
                    told = Instant::now();
                    let (current, total) = layers.sum();
                    reporter.progress(&step, current, (total > 0).then_some(total));
                }
            }
            Some(Err(failure)) => return Err(refused(image, "pulled", &failure, engine)),
        }
    }
}

/// The name with the tag that is meant where none is given.
pub(super) fn tagged(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

/// How far each layer is.
#[derive(Default)]
struct Layers {
    layers: HashMap<String, Layer>,
    last: Option<String>,
}

#[derive(Default)]
struct Layer {
    state: String,
    current: u64,
    total: u64,
}

impl Layers {
    /// Notes what the engine says; the line that tells it, if it says something new.
    fn note(&mut self, info: &CreateImageInfo) -> Option<String> {
        let status = info.status.clone().unwrap_or_default();
        let Some(id) = info.id.clone() else { return Some(status) };
        let layer = self.layers.entry(id.clone()).or_default();
        let line = (layer.state != status).then(|| format!("{id}: {status}"));
        let done = matches!(status.as_str(), "Download complete" | "Pull complete" | "Already exists");
        if let Some(progress) = info.progress_detail.as_ref().filter(|_| status == "Downloading") {
            let bytes =
                |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
            (layer.current, layer.total) = (bytes(progress.current), bytes(progress.total));
        } else if done {
            layer.current = layer.total;
        }
        layer.state = status;
        self.last = Some(id);
        line
    }

    fn sum(&self) -> (u64, u64) {
        let add = |(current, total), layer: &Layer| (current + layer.current, total + layer.total);
        self.layers.values().fold((0, 0), add)
    }

    /// The layer that is waited for, in words.
    fn slowest(&self) -> String {
        let unfinished = self.layers.iter().find(|(_, layer)| layer.state == "Downloading");
        match unfinished.map(|(id, _)| id).or(self.last.as_ref()) {
            Some(id) => format!("layer {id}"),
            None => "the registry".to_owned(),
        }
    }
}

/// Why an image could not be fetched or sent, named by what to do about it.
pub(super) fn refused(image: &str, done: &'static str, failure: &Failure, engine: &Engine) -> Error {
    if client::is_gone(failure) {
        return client::unreachable(&engine.address, failure);
    }
    let why = client::words(failure);
    let has = |part: &str| why.to_lowercase().contains(part);
    if client::status(failure) == Some(400) || has("invalid reference format") {
        return Error::InvalidSpec {
            what: format!("`{image}` is no name of an image: {why}"),
            hint: "write NAME, NAME:TAG or REGISTRY/NAME:TAG, in small letters",
        };
    }
    let hint =
        if has("unauthorized") || has("no basic auth") || has("denied") || has("authentication required") {
            "log in with `docker login REGISTRY`, and check that you may use this image"
        } else if has("manifest unknown") || has("not found") || has("does not exist") {
            "check name and tag; see what there is with `stigmer image list`"
        } else if has("no such host") || has("refused") || has("timeout") || has("network is unreachable") {
            "check the name of the registry and your network, then try again; what was fetched is kept"
        } else if has("no space left") {
            "free space for Docker with `stigmer image prune`"
        } else if has("no matching manifest") {
            "there is no such image for this machine's processor; choose another"
        } else {
            "try again; what was fetched is kept"
        };
    Error::Registry { image: image.to_owned(), done, why, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_tag_means_the_latest() {
        for (given, meant) in [
            ("a", "a:latest"),
            ("a:1", "a:1"),
            ("localhost:5000/a", "localhost:5000/a:latest"),
            ("localhost:5000/a:1", "localhost:5000/a:1"),
            ("a@sha256:00", "a@sha256:00"),
        ] {
            assert_eq!(tagged(given), meant);
        }
    }

    #[test]
    fn progress_is_the_sum_of_what_is_known_of_the_layers() {
        let mut layers = Layers::default();
        let mut lines = Vec::new();
        let mut say = |id: &str, status: &str, progress: Option<(i64, i64)>| {
            let progress_detail = progress.map(|(current, total)| bollard::models::ProgressDetail {
                current: Some(current),
                total: Some(total),
            });
            let (id, status) = (Some(id.to_owned()), Some(status.to_owned()));
            let info = CreateImageInfo { id, status, progress_detail, error_detail: None };
            lines.extend(layers.note(&info));
        };
        say("a", "Pulling fs layer", None);
        say("a", "Downloading", Some((10, 100)));
        say("a", "Downloading", Some((20, 100)));
        say("b", "Downloading", Some((1, 10)));
        say("a", "Download complete", None);
        assert_eq!(
            lines,
            ["a: Pulling fs layer", "a: Downloading", "b: Downloading", "a: Download complete"]
        );
        assert_eq!((layers.sum(), layers.slowest()), ((101, 110), "layer b".to_owned()));
    }
}
