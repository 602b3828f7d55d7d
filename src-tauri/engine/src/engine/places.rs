//! The places of runs: what a sandbox is made of, and looking after sandboxes and their images.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::{Engine, cloud};
use crate::backend;
use crate::backend::Recipe;
use crate::backend::daytona::{Account, Daytona};
use crate::backend::docker::{Address, Docker, Wish};
use crate::config::Config;
use crate::error::Result;
use crate::launch;
use crate::launch::sandbox::{Machine, wish};
use crate::os;
use crate::run::blocking;
use crate::spec::{Mode, RunSpec};
use crate::state::Place;
use crate::workspace::upload::{self, Upload};

impl Engine {
    /// Where a run would go and why. Runs nothing.
    pub fn place(&self, spec: &RunSpec) -> Result<Place> {
        launch::check(spec)?;
        let config = self.config(&spec.workspace)?;
        let mut place = launch::place(spec, &config);
        backend::of(&self.0.backends, place.mode)?;
        let recipe = self.recipe(spec, &place, &config)?;
        // As far as it is known before the engine, or Daytona, is asked.
        match recipe {
            Some(Recipe::Sandbox(recipe)) => place.sandbox = Some(Box::new(recipe.facts("", None, ""))),
            Some(Recipe::Cloud(recipe)) => {
                let shape = self.expected_shape(&recipe, &config)?;
                place.cloud = Some(Box::new(cloud::expected(&recipe, shape)));
            }
            None => {}
        }
        Ok(place)
    }

    /// What the sandbox of a run is made of, where it gets one.
    pub(super) fn recipe(&self, spec: &RunSpec, place: &Place, config: &Config) -> Result<Option<Recipe>> {
        match place.mode {
            Mode::Sandbox => {}
            Mode::Daytona => {
                return launch::cloud::recipe(spec, config).map(|recipe| Some(Recipe::Cloud(recipe)));
            }
            Mode::Local | Mode::Auto => return Ok(None),
        }
        let user_home = std::env::home_dir();
        let machine = Machine {
            home: &self.0.home,
            user_home: user_home.as_deref(),
            ids: os::ids(),
            memory: os::memory(),
        };
        launch::sandbox::recipe(spec, config, &machine).map(|recipe| Some(Recipe::Sandbox(recipe)))
    }

    /// This engine stays: it takes up the runs of one that died, may hold places ready, and removes what others left of
    /// theirs. For the app and the
    /// server; what runs one command leaves that to them.
    pub async fn stay(&self) {
        // In the background: the cloud may take its time to answer.
        self.0.tasks.spawn(self.clone().look_for_unused());
        // First: what goes on is not to be removed.
        self.take_up_orphans().await;
        for backend in &self.0.backends {
            backend.stay().await;
        }
    }

    /// What would leave this machine with the first copy of a workspace to the cloud; `None` where it was copied there
    /// before. A caller that is dropped ends the look.
    pub async fn upload(&self, workspace: &Path) -> Result<Option<Upload>> {
        let config = self.config(workspace)?;
        let (home, workspace) = (self.0.home.clone(), workspace.to_owned());
        let stop = CancellationToken::new();
        let _guard = stop.clone().drop_guard();
        blocking(move || {
            let is_first = upload::is_first(&workspace, &config, &home);
            is_first.then(|| Upload::survey(&workspace, &home, &stop)).transpose()
        })
        .await
    }

    /// Where sandboxes are made, and which engine the settings of a workspace want for them.
    pub fn docker(&self, workspace: Option<&Path>) -> Result<(&Docker, Wish)> {
        let config = self.settings(workspace.map(Path::to_owned))?;
        Ok((&self.0.docker, wish(&config)))
    }

    /// Where cloud sandboxes are made, and whom the settings of a workspace have ask for them.
    pub fn daytona(&self, workspace: Option<&Path>) -> Result<(&Daytona, Account)> {
        let config = self.settings(workspace.map(Path::to_owned))?;
        Ok((&self.0.daytona, Account::of(&config)))
    }

    /// Where the engine of sandboxes is, if it answers.
    pub async fn docker_address(&self, workspace: Option<&Path>) -> Result<Address> {
        let (docker, wish) = self.docker(workspace)?;
        docker.probe_engine(&wish).await
    }
}
