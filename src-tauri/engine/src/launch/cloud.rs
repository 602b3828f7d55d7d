//! From what was asked for to a cloud sandbox and what is started in it.
//!
//! Where the workspace is there shows only once the sandbox runs, so paths below it are relative.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::inside::{self, Names};
use super::{Surroundings, directory};
use crate::backend::daytona::{Account, Recipe};
use crate::backend::docker::WORKSPACE;
use crate::backend::{self, Launch};
use crate::config::Config;
use crate::cost::Rates;
use crate::error::{Error, Result};
use crate::spec::{Network, RunId, RunSpec};

/// What a cloud sandbox for this run is made of.
pub(crate) fn recipe(spec: &RunSpec, config: &Config) -> Result<Recipe> {
    let asked = &spec.target.sandbox;
    let cannot = |what: &str| {
        Err(Error::InvalidSpec {
            what: format!("{what} is a matter of mode `sandbox`"),
            hint: "leave it out, or choose --mode sandbox",
        })
    };
    if asked.image.is_some() {
        return cannot("--image");
    }
    if !asked.mounts.is_empty() {
        return cannot("--mount");
    }
    if !asked.ports.is_empty() {
        return cannot("--port");
    }
    if spec.network.as_ref().is_some_and(|network| *network != Network::Bridge) {
        return cannot("--network");
    }
    if asked.within.is_some() && asked.bring_back {
        return Err(Error::InvalidSpec {
            what: "nothing is copied to a sandbox that is named, so nothing comes back from it".to_owned(),
            hint: "leave out --bring-back, or --within",
        });
    }
    let minutes = |name, usual: u64| config.time(name).unwrap_or(Duration::from_secs(60 * usual));
    let named = |name| config.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    Ok(Recipe {
        account: Account::of(config),
        workspace: spec.workspace.canonicalize().unwrap_or_else(|_| spec.workspace.clone()),
        snapshot: asked.snapshot.clone().or_else(|| named("sandbox.snapshot_id")),
        target: named("daytona.target"),
        fresh: asked.fresh || asked.keep || config.flag("daytona.ephemeral").unwrap_or_default(),
        keep: asked.keep,
        within: asked.within.clone(),
        bring_back: asked.bring_back,
        auto_stop: minutes("daytona.auto_stop", 15),
        auto_archive: minutes("daytona.auto_archive", 7 * 24 * 60),
        auto_delete: config.time("daytona.auto_delete"),
        env: config.texts("daytona.env"),
        labels: config.texts("daytona.labels"),
        rates: Rates::of(config),
    })
}

/// Resolves what is started in the cloud sandbox of `recipe`.
pub(crate) fn resolve(
    id: RunId,
    spec: &RunSpec,
    recipe: Recipe,
    around: &Surroundings<'_>,
) -> Result<Launch> {
    directory(spec)?;
    let workspace = recipe.workspace.clone();
    let place = |path: &Path| -> Result<PathBuf> {
        let there = inside::path(spec, &workspace, path)?;
        Ok(there.strip_prefix(WORKSPACE).unwrap_or(Path::new("")).to_owned())
    };
    let dir = place(spec.workdir.as_deref().unwrap_or(&spec.workspace))?;
    let file = |path: &Path| Ok(from(&dir, &place(path)?));
    let names = Names { dir: dir.clone(), modules: ".".into(), file };
    inside::resolve(id, spec, backend::Recipe::Cloud(recipe), around, names)
}

/// A path as it is from a folder; both are below the same one.
fn from(folder: &Path, path: &Path) -> PathBuf {
    let up: PathBuf = folder.components().map(|_| "..").collect();
    Path::new(".").join(up).join(path)
}
