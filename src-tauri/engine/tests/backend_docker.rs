//! Containers keep the contract of backends, on a real engine.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

#[expect(dead_code, reason = "every test program uses its own part of this")]
mod common;
mod contract;
#[expect(dead_code, reason = "every test program uses its own part of this")]
#[path = "common/docker.rs"]
mod docker;
#[expect(dead_code, reason = "every test program uses its own part of this")]
#[path = "common/line.rs"]
mod line;

use std::path::Path;
use std::time::Duration;

use common::Marker;
use contract::Place;
use stigmer_engine::backend::docker::{Docker, Recipe, Supply, Wish};
use stigmer_engine::backend::{Backend, RUN_ID};
use stigmer_engine::home::Home;
use stigmer_engine::spec::{Mount, Network, Text};
use tempfile::TempDir;

/// A container of a test, which sees the folder of the test under the same path.
struct Sandbox {
    backend: Docker,
    recipe: Recipe,
    _folder: TempDir,
    _line: Option<line::Line>,
}

impl Sandbox {
    fn new() -> Self {
        docker::require("stigmer-test/debian");
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("place");
        std::fs::create_dir(&place).unwrap();
        let mounts = vec![Mount {
            source: place.clone(),
            target: place.to_str().unwrap().to_owned(),
            read_only: false,
        }];
        let recipe = Recipe {
            image: "stigmer-test/debian".to_owned(),
            workspace: place,
            hidden: None,
            network: Network::None,
            cpus: None,
            memory: None,
            pids: 4096,
            mounts,
            ports: Vec::new(),
            user: docker::own_ids(),
            dns: Vec::new(),
            read_only: false,
            env: std::collections::BTreeMap::default(),
            loosened: Vec::new(),
            supply: Supply {
                engine: Wish::default(),
                auto_pull: false,
                fresh: false,
                keep: false,
                within: None,
                ttl: Some(Duration::from_secs(2)),
                warm: 0,
            },
        };
        let backend = Docker::new(Home::at(folder.path().join("home")));
        Self { backend, recipe, _folder: folder, _line: None }
    }

    /// The same in a virtual machine, where the engine has to join us to the runner.
    fn joined() -> Self {
        let line = line::Line::machine();
        let mut place = Self::new();
        place.recipe.supply.engine.host = Some((line.address().to_owned(), "the test".to_owned()));
        Self { _line: Some(line), ..place }
    }
}

impl Place for Sandbox {
    fn backend(&self) -> &dyn Backend {
        &self.backend
    }

    fn folder(&self) -> &Path {
        &self.recipe.workspace
    }

    fn variables(&self) -> Vec<(Text, Text)> {
        Vec::new()
    }

    fn own_variables(&self) -> &[&str] {
        &[RUN_ID, "PATH", "HOSTNAME", "HOME"]
    }

    fn recipe(&self) -> Option<Box<stigmer_engine::backend::Recipe>> {
        Some(Box::new(stigmer_engine::backend::Recipe::Sandbox(self.recipe.clone())))
    }

    fn alive(&self, marker: &Marker) -> usize {
        marker.alive().len()
    }
}

contract::keeps_the_contract!(Sandbox::new());

mod joined {
    use super::{Sandbox, contract};

    contract::keeps_the_contract!(Sandbox::joined());
}
