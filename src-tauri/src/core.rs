//! The engine of this process, opened in the background.

use stigmer_engine::config::{Sources, UserFile};
use stigmer_engine::engine::Engine;
use stigmer_engine::home::Home;
use stigmer_engine::workspace::files;
use stigmer_engine::{Error, Report};
use stigmer_server::Reach;
use tauri::async_runtime::spawn;
use tauri::{AppHandle, Manager as _};
use tokio::sync::watch;

/// The engine and its API.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) engine: Engine,
    pub(crate) api: axum::Router,
}

/// Waits for the engine to be open; known to everything in the app.
pub(crate) struct Core {
    state: watch::Sender<Option<Result<Ready, Report>>>,
}

impl Default for Core {
    fn default() -> Self {
        Self { state: watch::channel(None).0 }
    }
}

impl Core {
    /// The engine once it is open, or why it cannot be opened.
    pub(crate) fn ready(&self) -> impl Future<Output = Result<Ready, Report>> + Send + use<> {
        let mut state = self.state.subscribe();
        async move {
            match state.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(ready)) => ready.clone(),
                // The app is going down.
                _ => Err(Error::Stopped.into()),
            }
        }
    }

    /// The engine if it is open already.
    pub(crate) fn engine(&self) -> Option<Engine> {
        self.state.borrow().as_ref()?.as_ref().ok().map(|ready| ready.engine.clone())
    }
}

/// Begins to open the engine.
pub(crate) fn open(app: &AppHandle) {
    let app = app.clone();
    spawn(async move {
        let opened = engine().await;
        if let Err(error) = &opened {
            tracing::error!(%error, "the engine could not be opened");
        }
        let ready = opened.map(|engine| {
            let reach = Reach::default();
            Ready { api: stigmer_server::api(engine.clone(), reach), engine }
        });
        let engine = ready.as_ref().ok().map(|ready| ready.engine.clone());
        app.state::<Core>().state.send_replace(Some(ready.map_err(Report::from)));
        // Old runs and what was deleted go when nobody waits for anything any more.
        if let Some(engine) = engine
            && let Err(error) = engine.tidy().await
        {
            tracing::warn!(%error, "old runs could not be removed");
        }
    });
}

async fn engine() -> Result<Engine, Error> {
    let home = Home::of_user()?;
    let workspace = home.workspace();
    // Its failure is told when the workspace is used.
    let made = tauri::async_runtime::spawn_blocking(move || files::sample(&workspace)).await;
    if let Ok(Err(error)) = made {
        tracing::warn!(%error, "the workspace could not be made");
    }
    let sources = Sources {
        user: UserFile::Usual(home.config()),
        workspace: None,
        environment: std::env::vars_os().collect(),
        options: Vec::new(),
    };
    Engine::open(home, sources).await
}
