//! From what was asked for to a cloud sandbox and what is started in it.
//!
//! Where the workspace is there shows only once the sandbox runs, so paths below it are relative.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_bytes::ByteBuf;
use stigmer_runner::Script;

use super::sandbox::{inside, interpreter};
use super::{Surroundings, directory};
use crate::backend::daytona::{Account, Recipe};
use crate::backend::docker::WORKSPACE;
use crate::backend::{self, Launch};
use crate::config::{Config, Value};
use crate::cost::Rates;
use crate::error::{Error, Result};
use crate::spec::{Code, Input, Network, RunId, RunSpec, Text, Work};

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
    let texts = |name| -> BTreeMap<String, String> {
        let entries = config.map(name).into_iter().flatten();
        entries.filter_map(|(name, value)| text(value).map(|value| (name.clone(), value))).collect()
    };
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
        env: texts("daytona.env"),
        labels: texts("daytona.labels"),
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
    let place = |path: &Path| -> Result<PathBuf> {
        let there = inside(spec, &recipe.workspace, path)?;
        Ok(there.strip_prefix(WORKSPACE).unwrap_or(Path::new("")).to_owned())
    };
    let dir = place(spec.workdir.as_deref().unwrap_or(&spec.workspace))?;
    let mut script = None;
    let argv = match &spec.work {
        Work::Line { line, shell } => {
            let shell = shell.clone().map_or_else(|| Text::from("sh"), Text::from);
            vec![shell, "-c".into(), line.clone()]
        }
        Work::Program { argv } => argv.clone(),
        Work::Image { .. } => return Err(super::not_here()),
        Work::Script { language, code, args } => {
            let path = match code {
                Code::File { path } => from(&dir, &place(path)?).into(),
                Code::Inline { text } => {
                    let extension = super::interpreter::extension(*language, text);
                    let path = format!("/tmp/stigmer-{id}/script.{extension}");
                    let code = ByteBuf::from(text.as_bytes());
                    script = Some(Script { path: ByteBuf::from(path.as_bytes()), code });
                    Text::from(path)
                }
            };
            interpreter(*language).iter().map(Text::from).chain([path]).chain(args.iter().cloned()).collect()
        }
    };
    let mut env: BTreeMap<Text, Text> = BTreeMap::new();
    if matches!(spec.input, Input::Terminal { .. }) {
        env.insert("TERM".into(), "xterm-256color".into());
    }
    if script.is_some() {
        // The script lies elsewhere; modules of the workspace are meant all the same.
        env.insert("PYTHONPATH".into(), ".".into());
    }
    env.extend(around.secrets.iter().map(|(name, value)| (name.into(), value.expose().into())));
    env.extend(spec.env.set.iter().filter_map(|(name, value)| Some((name.into(), value.clone()?))));
    Ok(Launch {
        id,
        argv,
        env: env.into_iter().collect(),
        dir,
        input: spec.input,
        guard: None,
        script,
        session: around.session(spec),
        recipe: Some(Box::new(backend::Recipe::Cloud(recipe))),
        task: None,
        may_be_kept: around.secrets.is_empty(),
    })
}

/// A path as it is from a folder; both are below the same one.
fn from(folder: &Path, path: &Path) -> PathBuf {
    let up: PathBuf = folder.components().map(|_| "..").collect();
    Path::new(".").join(up).join(path)
}

fn text(value: &Value) -> Option<String> {
    if let Value::Text(text) = value { Some(text.clone()) } else { None }
}
