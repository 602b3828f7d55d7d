//! From a specification to a started program: everything that may wait for a disk, a shell or a place.

use std::path::PathBuf;
use std::sync::Arc;

use super::blocking;
use crate::backend::docker::Recipe;
use crate::backend::local::login_shell::Resolver;
use crate::backend::{Backend, Execution, Reporter};
use crate::error::Result;
use crate::launch::{self, Surroundings};
use crate::secrets::Secret;
use crate::spec::{Base, RunId, RunSpec};

/// What it takes to start a run's program.
pub(super) struct Launcher {
    pub id: RunId,
    pub spec: RunSpec,
    pub folder: PathBuf,
    pub shell: Option<PathBuf>,
    pub recipe: Option<Recipe>,
    pub backend: Arc<dyn Backend>,
    pub login_shell: Arc<Resolver>,
    pub secrets: Vec<(String, Secret)>,
}

impl Launcher {
    /// Starts the program. May be dropped half-way.
    pub(super) async fn launch(self, reporter: Reporter) -> Result<Box<dyn Execution>> {
        let Self { id, spec, folder, shell, recipe, backend, login_shell, secrets } = self;
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
            let around = Surroundings { folder: &folder, base, secrets: &secrets, shell: shell.as_deref() };
            match recipe {
                Some(recipe) => launch::sandbox::resolve(id, &spec, recipe, &around),
                None => launch::resolve(id, &spec, &around),
            }
        });
        let launch = launch.await?;
        backend.start(launch, &reporter).await
    }
}
