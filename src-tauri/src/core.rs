//! The engine of this process, opened in the background.

use axum::Router;
use stigmer_engine::config::{Sources, UserFile};
use stigmer_engine::engine::Engine;
use stigmer_engine::home::Home;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::{Error, Report};
use stigmer_server::host::{Claim, Kind, Listen};
use stigmer_server::{Reach, api};
use tauri::async_runtime::spawn;
use tauri::{AppHandle, Manager as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The engine and its API.
#[derive(Clone)]
pub(crate) struct Ready {
    pub(crate) engine: Engine,
    pub(crate) api: Router,
}

/// The engine of the app, from before it is open until it is closed.
pub(crate) struct Core {
    state: watch::Sender<Option<Result<Ready, Report>>>,
    /// The API over HTTP.
    serving: TaskTracker,
    closing: CancellationToken,
}

impl Default for Core {
    fn default() -> Self {
        let (serving, closing) = (TaskTracker::new(), CancellationToken::new());
        Self { state: watch::channel(None).0, serving, closing }
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

    /// Asks all runs to end, waits for them, and then lets those who watched them over HTTP hear of it.
    pub(crate) async fn close(&self) {
        if let Some(engine) = self.engine() {
            engine.close(Stop::Ask(Manner::Terminate)).await;
        }
        self.closing.cancel();
        self.serving.close();
        self.serving.wait().await;
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
        let reach = Reach::default();
        let ready = opened.map(|engine| Ready { api: api(engine.clone(), reach.clone()), engine });
        let ready = ready.map_err(Report::from);
        let core = app.state::<Core>();
        core.state.send_replace(Some(ready.clone()));
        let Ok(Ready { engine, api }) = ready else { return };
        core.serving.spawn(serve(engine.clone(), api, reach, core.closing.clone()));
        engine.stay().await;
        // Old runs and what was deleted go when nobody waits for anything any more.
        if let Err(error) = engine.tidy().await {
            tracing::warn!(%error, "old runs could not be removed");
        }
    });
}

/// Hosts the API over HTTP, for browsers and for the command line, which hands its runs over. Where another process
/// does that for this home already, the window works all the same.
async fn serve(engine: Engine, api: Router, reach: Reach, stop: CancellationToken) {
    let server = match Claim::take(engine.home()) {
        Ok(Some(claim)) => claim.open(&engine, Kind::App, Listen::default()).await,
        Ok(None) => return tracing::info!("another process is the server of this home"),
        Err(error) => Err(error.into()),
    };
    match server {
        Ok(server) => server.serve(api, &reach, stop).await,
        Err(report) => tracing::warn!(?report, "there is no server for browsers and the command line"),
    }
}

async fn engine() -> Result<Engine, Error> {
    let home = Home::of_user()?;
    let sources = Sources {
        user: UserFile::Usual(home.config()),
        workspace: None,
        environment: std::env::vars_os().collect(),
        options: Vec::new(),
    };
    Engine::open(home, sources).await
}
