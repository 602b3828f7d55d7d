//! What is known of a run's cloud sandbox before Daytona is asked.

use std::path::PathBuf;

use serde::Serialize;

use super::Engine;
use crate::backend::daytona::Recipe;
use crate::config::Config;
use crate::cost::{Shape, rounded};
use crate::error::Result;
use crate::history::Filter;
use crate::launch;
use crate::run::blocking;
use crate::spec::{Mode, RunSpec, Work};
use crate::state::CloudFacts;

/// How many of the last runs in the cloud are asked what they got.
const LAST: u32 = 50;

/// What an hour in the cloud would cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// What the sandbox has.
    #[serde(flatten)]
    pub shape: Shape,
    /// What an hour costs in which it runs, in US dollars.
    pub per_hour: f64,
}

impl Engine {
    /// What an hour of a run on this workspace would cost in the cloud: in a sandbox of this shape where it is known, else in
    /// one as earlier runs got it. Nobody is asked.
    pub async fn estimate(
        &self,
        workspace: PathBuf,
        snapshot: Option<String>,
        shape: Option<Shape>,
    ) -> Result<Estimate> {
        let engine = self.clone();
        blocking(move || {
            let mut spec = RunSpec::new(Work::Program { argv: Vec::new() }, workspace);
            spec.target.sandbox.snapshot = snapshot;
            let config = engine.config(&spec.workspace)?;
            let recipe = launch::cloud::recipe(&spec, &config)?;
            let shape = shape.map_or_else(|| engine.expected_shape(&recipe, &config), Ok)?;
            Ok(Estimate { shape, per_hour: rounded(recipe.rates.running(shape)) })
        })
        .await
    }

    /// What the sandbox of a run will have, as far as earlier runs tell: that of the last one from the same snapshot, or in
    /// the same sandbox. Else what the settings say, which is what Daytona's own snapshot has.
    pub(super) fn expected_shape(&self, recipe: &Recipe, config: &Config) -> Result<Shape> {
        let filter = Filter { modes: vec![Mode::Daytona], limit: LAST, ..Filter::default() };
        let is_same = |asked: Option<&String>, got: &CloudFacts| match (&recipe.within, &recipe.snapshot) {
            (Some(name), _) => *name == got.name || *name == got.id,
            (None, Some(snapshot)) => got.snapshot.as_ref() == Some(snapshot),
            (None, None) => asked.is_none(),
        };
        let runs = self.0.history.list(&filter)?;
        let last = runs.into_iter().find_map(|run| {
            let asked = run.spec.target.sandbox.snapshot;
            run.place.cloud.filter(|got| got.cpu > 0 && is_same(asked.as_ref(), got))
        });
        Ok(last.map_or_else(
            || {
                let setting =
                    |name, usual| config.integer(name).and_then(|it| u32::try_from(it).ok()).unwrap_or(usual);
                Shape {
                    cpu: setting("daytona.cpu", 1),
                    memory: setting("daytona.memory", 1),
                    disk: setting("daytona.disk", 3),
                }
            },
            |got| Shape { cpu: got.cpu, memory: got.memory, disk: got.disk },
        ))
    }
}

/// What the settings, the options and earlier runs say.
pub(super) fn expected(recipe: &Recipe, shape: Shape) -> CloudFacts {
    CloudFacts {
        snapshot: recipe.snapshot.clone(),
        region: recipe.target.clone().unwrap_or_default(),
        name: recipe.within.clone().unwrap_or_default(),
        cpu: shape.cpu,
        memory: shape.memory,
        disk: shape.disk,
        auto_stop: u32::try_from(recipe.auto_stop.as_secs().div_ceil(60)).ok(),
        reused: recipe.within.is_some(),
        per_hour: Some(rounded(recipe.rates.running(shape))),
        ..CloudFacts::default()
    }
}
