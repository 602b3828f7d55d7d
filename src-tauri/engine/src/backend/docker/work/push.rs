//! Sending images to their registries.

use bollard::query_parameters::PushImageOptionsBuilder;
use futures_util::StreamExt as _;

use super::super::pull::{refused, tagged};
use super::super::{client, credentials};
use super::Work;
use crate::error::{Error, Result};

impl Work {
    pub(super) async fn push(&self, image: &str) -> Result<()> {
        let step = format!("push {image}");
        self.reporter.step(&step).await;
        let tagged = tagged(image);
        // A digest cannot be pushed, and a registry may have a port.
        let Some((name, tag)) = tagged.rsplit_once(':').filter(|_| !tagged.contains('@')) else {
            return Err(Error::InvalidSpec {
                what: format!("`{image}` has no tag to be pushed under"),
                hint: "name it with `stigmer image tag IMAGE NAME:TAG` first",
            });
        };
        match self.engine.api.inspect_image(&tagged).await {
            Err(failure) if client::status(&failure) == Some(404) => {
                return Err(Error::ImageNotFound { image: image.to_owned() });
            }
            Err(failure) => return Err(refused(image, "pushed", &failure, &self.engine)),
            Ok(_) => {}
        }
        let options = PushImageOptionsBuilder::new().tag(tag).build();
        let credentials = credentials::of(image).await;
        let mut stream = std::pin::pin!(self.engine.api.push_image(name, Some(options), credentials));
        let mut pushed = 0;
        while let Some(next) = stream.next().await {
            let info = next.map_err(|failure| refused(image, "pushed", &failure, &self.engine))?;
            if let Some(progress) = info.progress_detail.filter(|progress| progress.total.is_some()) {
                let bytes = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
                // The engine counts what it packs, which may be a little more than it announced.
                let total = bytes(progress.total);
                let current = bytes(progress.current).unwrap_or(0).min(total.unwrap_or(u64::MAX));
                self.reporter.progress(&step, current, total);
            }
            match info.status.as_deref() {
                Some("Pushed" | "Layer already exists") => {
                    pushed += 1;
                    self.lines.say(&format!("layer {pushed}: {}", info.status.unwrap_or_default())).await;
                }
                Some(status) if status.contains("digest: ") || status.starts_with("The push refers") => {
                    self.lines.say(status).await;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
