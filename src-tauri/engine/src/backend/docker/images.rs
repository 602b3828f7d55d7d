//! What images there are, and the quick things that are done with them.

use std::collections::HashMap;

use bollard::models::{ImageInspect, ImageSummary};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder,
};
use jiff::Timestamp;

use super::pull::{refused, tagged};
use super::{Docker, Engine, Wish, client};
use crate::error::{Error, Result};
use crate::image::tiers::TIER_LABEL;
use crate::image::{Detail, Image, Kept, Layer, Prunable, Removed, kept};

impl Docker {
    /// Every image of the engine, the newest first.
    pub async fn images(&self, wish: &Wish) -> Result<Vec<Image>> {
        let engine = self.engine(wish)?;
        let options = ListImagesOptionsBuilder::new().build();
        let found = engine.api.list_images(Some(options)).await;
        let found = found.map_err(|failure| client::unreachable(&engine.address, &failure))?;
        let counts = containers(&engine).await?;
        let home = self.0.home.clone();
        let read = move || {
            let mut images: Vec<_> = found
                .into_iter()
                .map(|summary| {
                    let kept = kept::read(&home, &summary.id);
                    image(summary, &counts, kept)
                })
                .collect();
            images.sort_by(|one, other| other.created.cmp(&one.created).then_with(|| one.id.cmp(&other.id)));
            Ok(images)
        };
        crate::run::blocking(read).await
    }

    /// Everything about an image.
    pub async fn image_detail(&self, wish: &Wish, name: &str) -> Result<Detail> {
        let engine = self.engine(wish)?;
        let failed = |failure| not_found(name, &failure, &engine);
        let found = engine.api.inspect_image(name).await.map_err(failed)?;
        let history = engine.api.image_history(name).await.map_err(failed)?;
        let layers = history.into_iter().map(|layer| Layer {
            by: layer.created_by,
            size: u64::try_from(layer.size).unwrap_or(0),
            created: Timestamp::from_second(layer.created).unwrap_or_default(),
        });
        let layers = layers.collect();
        let counts = containers(&engine).await?;
        let kept = kept::read(&self.0.home, found.id.as_deref().unwrap_or_default());
        Ok(detail(found, layers, &counts, kept))
    }

    /// Gives an image one more name.
    pub async fn tag_image(&self, wish: &Wish, image: &str, name: &str) -> Result<()> {
        let engine = self.engine(wish)?;
        self.tag(&engine, image, name).await
    }

    pub(super) async fn tag(&self, engine: &Engine, image: &str, name: &str) -> Result<()> {
        let full = tagged(name);
        let Some((repository, tag)) = full.rsplit_once(':').filter(|_| !full.contains('@')) else {
            return Err(Error::InvalidSpec {
                what: format!("`{name}` is no name for an image"),
                hint: "write NAME or NAME:TAG, in small letters",
            });
        };
        let options = TagImageOptionsBuilder::new().repo(repository).tag(tag).build();
        engine.api.tag_image(image, Some(options)).await.map_err(|failure| match client::status(&failure) {
            Some(404) => Error::ImageNotFound { image: image.to_owned() },
            _ => refused(name, "named", &failure, engine),
        })
    }

    /// Writes a note about an image; an empty one takes it off.
    pub async fn note_image(&self, wish: &Wish, name: &str, note: &str) -> Result<()> {
        let engine = self.engine(wish)?;
        let found =
            engine.api.inspect_image(name).await.map_err(|failure| not_found(name, &failure, &engine))?;
        let (home, id, note) = (self.0.home.clone(), found.id.unwrap_or_default(), note.trim().to_owned());
        let note = (!note.is_empty()).then_some(note);
        crate::run::blocking(move || kept::change(&home, &id, |kept| kept.note = note)).await
    }

    /// Removes a name, and the image with its last one. `force` also removes one that stopped containers need.
    pub async fn remove_image(&self, wish: &Wish, name: &str, force: bool) -> Result<Removed> {
        let engine = self.engine(wish)?;
        let options = RemoveImageOptionsBuilder::new().force(force).build();
        let gone = engine.api.remove_image(name, Some(options), None).await;
        let gone = gone.map_err(|failure| match client::status(&failure) {
            Some(409) => Error::Conflict {
                what: format!("the image `{name}` is in use: {}", client::words(&failure)),
                hint: "remove its containers first, see `stigmer sandbox list`; or use --force",
            },
            _ => not_found(name, &failure, &engine),
        })?;
        let mut removed = Removed::default();
        for item in gone {
            removed.untagged.extend(item.untagged);
            if let Some(id) = item.deleted {
                kept::forget(&self.0.home, &id);
                removed.deleted.push(id);
            }
        }
        Ok(removed)
    }

    /// Images that nothing needs: without a name, or ours of an earlier version. Removes none.
    pub async fn prunable_images(&self, wish: &Wish, with_unused: bool) -> Result<Vec<Prunable>> {
        let images = self.images(wish).await?;
        let unused = images.into_iter().filter(|image| image.containers == 0).filter_map(|image| {
            let why = match image.tags.is_empty() {
                true => "it has no name",
                false if with_unused => "no container is made from it",
                false => return None,
            };
            Some(Prunable { id: image.id, tags: image.tags, size: image.size, why })
        });
        Ok(unused.collect())
    }
}

/// How many containers are made from each image.
async fn containers(engine: &Engine) -> Result<HashMap<String, u64>> {
    let options = ListContainersOptionsBuilder::new().all(true).build();
    let found = engine.api.list_containers(Some(options)).await;
    let mut counts = HashMap::new();
    for container in found.map_err(|failure| client::unreachable(&engine.address, &failure))? {
        *counts.entry(container.image_id.unwrap_or_default()).or_default() += 1;
    }
    Ok(counts)
}

fn image(summary: ImageSummary, counts: &HashMap<String, u64>, kept: Kept) -> Image {
    let named = |names: Vec<String>| names.into_iter().filter(|name| !name.contains("<none>")).collect();
    Image {
        containers: counts.get(&summary.id).copied().unwrap_or(0),
        tags: named(summary.repo_tags),
        digests: named(summary.repo_digests),
        size: u64::try_from(summary.size).unwrap_or(0),
        created: Timestamp::from_second(summary.created).unwrap_or_default(),
        tier: summary.labels.get(TIER_LABEL).cloned(),
        id: summary.id,
        kept,
    }
}

fn detail(found: ImageInspect, layers: Vec<Layer>, counts: &HashMap<String, u64>, kept: Kept) -> Detail {
    let config = found.config.unwrap_or_default();
    let labels = config.labels.unwrap_or_default();
    let id = found.id.unwrap_or_default();
    let platform = [found.os, found.architecture, found.variant].into_iter().flatten();
    Detail {
        image: Image {
            containers: counts.get(&id).copied().unwrap_or(0),
            tags: found.repo_tags.unwrap_or_default(),
            digests: found.repo_digests.unwrap_or_default(),
            size: found.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            created: found.created.and_then(|at| at.parse().ok()).unwrap_or_default(),
            tier: labels.get(TIER_LABEL).cloned(),
            id,
            kept,
        },
        layers,
        env: config.env.unwrap_or_default(),
        entrypoint: config.entrypoint.unwrap_or_default(),
        command: config.cmd.unwrap_or_default(),
        user: config.user.unwrap_or_default(),
        workdir: config.working_dir.unwrap_or_default(),
        platform: platform.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"),
        labels: labels.into_iter().collect(),
    }
}

fn not_found(name: &str, failure: &bollard::errors::Error, engine: &Engine) -> Error {
    match client::status(failure) {
        Some(404) => Error::ImageNotFound { image: name.to_owned() },
        Some(_) => refused(name, "found", failure, engine),
        None => client::unreachable(&engine.address, failure),
    }
}
