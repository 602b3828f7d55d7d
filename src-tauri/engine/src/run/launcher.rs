//! From a specification to a started program: everything that may wait for a disk, a shell or a place.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::{Run, blocking, stopped_early};
use crate::backend::local::login_shell::Resolver;
use crate::backend::{Backend, Execution, Recipe, Reporter, Told};
use crate::error::{Error, Result};
use crate::history::events::What;
use crate::launch::{self, Sessions, Surroundings};
use crate::log::mask::Masks;
use crate::secrets::Secret;
use crate::spec::{Base, RunId, RunSpec};

impl Run {
    /// Launches it, and writes down what is told on the way.
    pub(super) async fn launch(&mut self) -> Result<Box<dyn Execution>> {
        let mut stopped = Box::pin(stopped_early(self.live.stop.subscribe()));
        let secrets = tokio::select! {
            biased;
            () = &mut stopped => return Err(Error::Stopped),
            secrets = self.secret_values() => secrets?,
        };
        self.mask(&secrets);
        let launcher = Launcher {
            id: self.id,
            spec: self.spec.clone(),
            folder: self.folder.clone(),
            shell: self.shell.clone(),
            sessions: self.sessions,
            recipe: self.recipe.take(),
            backend: Arc::clone(&self.backend),
            login_shell: Arc::clone(&self.login_shell),
            secrets,
        };
        let (reporter, mut told) = Reporter::new();
        let mut launching = Box::pin(launcher.launch(reporter));
        let launched = loop {
            tokio::select! {
                biased;
                () = &mut stopped => break Err(Error::Stopped),
                Some(told) = told.recv() => self.heed(told),
                launched = &mut launching => break launched,
            }
        };
        drop(launching);
        while let Ok(told) = told.try_recv() {
            self.heed(told);
        }
        self.told = Some(told);
        launched
    }

    /// Writes down what a backend tells.
    pub(super) fn heed(&mut self, told: Told) {
        match told {
            Told::Step(step) => self.happened(What::Preparing { step }),
            Told::Progress { step, current, total } => {
                self.happened(What::Progress { step, current, total });
            }
            Told::Note(line) => self.say(&line),
            Told::Cloud(facts) => {
                self.place.cloud = Some(facts);
                self.placed();
            }
            Told::Sandbox(facts) => {
                self.place.sandbox = Some(facts);
                self.placed();
            }
        }
    }

    /// Writes down what the place is. The history is told before the program starts: what costs something costs it from
    /// here on, also where nothing ever starts. It is not waited for, for another program may hold the database.
    fn placed(&mut self) {
        self.happened(What::Placed { place: self.place.clone() });
        let (history, id, place) = (Arc::clone(&self.history), self.id, self.place.clone());
        let before = self.placing.take();
        self.placing = Some(tokio::spawn(async move {
            if let Some(before) = before {
                let _ = before.await;
            }
            blocking(move || history.placed(id, &place)).await
        }));
    }

    /// Waits until the history was told the place: it takes nothing about a run that is over.
    pub(super) async fn place_told(placing: Option<JoinHandle<Result<()>>>) {
        if let Some(placing) = placing
            && let Ok(Err(error)) = placing.await
        {
            tracing::warn!(%error, "the history does not know the place of the run");
        }
    }

    async fn secret_values(&self) -> Result<Vec<(String, Secret)>> {
        let mut values = Vec::new();
        for name in &self.spec.secrets {
            values.push((name.clone(), self.secrets.get(&name.parse()?).await?));
        }
        Ok(values)
    }

    /// Masks these values from the first byte of output on.
    fn mask(&mut self, secrets: &[(String, Secret)]) {
        let masks = Masks::new(secrets.iter().map(|(_, value)| value.expose().as_bytes()));
        let short: Vec<_> = masks.unmasked().iter().map(|&index| secrets[index].0.as_str()).collect();
        if !short.is_empty() {
            self.say(&format!("too short to be masked: {}", short.join(", ")));
        }
        self.maskers = masks.into();
    }
}

/// What it takes to start a run's program.
pub(super) struct Launcher {
    pub id: RunId,
    pub spec: RunSpec,
    pub folder: PathBuf,
    pub shell: Option<PathBuf>,
    pub sessions: Sessions,
    pub recipe: Option<Recipe>,
    pub backend: Arc<dyn Backend>,
    pub login_shell: Arc<Resolver>,
    pub secrets: Vec<(String, Secret)>,
}

impl Launcher {
    /// Starts the program. May be dropped half-way.
    pub(super) async fn launch(self, reporter: Reporter) -> Result<Box<dyn Execution>> {
        let Self { id, spec, folder, shell, sessions, recipe, backend, login_shell, secrets } = self;
        let login_shell = match (&spec.env.base, &recipe) {
            // Nothing of it gets into a sandbox.
            (_, Some(_)) | (Base::Caller(_), _) => None,
            (Base::LoginShell, None) => Some(login_shell.get().await.variables.clone()),
        };
        // Folders and files may be on a disk that does not answer, and stops must be heard all the same.
        let launch = blocking(move || {
            let base = match (&spec.env.base, &login_shell) {
                (Base::Caller(variables), _) => variables.as_slice(),
                (Base::LoginShell, found) => found.as_deref().unwrap_or_default(),
            };
            let shell = shell.as_deref();
            let around = Surroundings { folder: &folder, base, secrets: &secrets, shell, sessions };
            match recipe {
                Some(Recipe::Sandbox(recipe)) => launch::sandbox::resolve(id, &spec, recipe, &around),
                Some(Recipe::Cloud(recipe)) => launch::cloud::resolve(id, &spec, recipe, &around),
                None => launch::resolve(id, &spec, &around),
            }
        });
        let launch = launch.await?;
        backend.start(launch, &reporter).await
    }
}
