//! The notices, for browsers.

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use stigmer_engine::engine::Engine;
use tokio::sync::watch;

use super::Shared;
use crate::changes::{Watch, changes};
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::Upgrade;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_listen, listen)
}

/// What a listener says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    watch: Watch,
}

/// A WebSocket with notices: that something changed, never what. Send `{"watch":{"runs":["ID"],"workspace":"/abs"}}`
/// to be told about these, too; each such message replaces the one before.
#[utoipa::path(get, path = "/api/v1/changes", tag = "websocket",
    responses((status = 101), Refusal))]
async fn listen(State(engine): State<Engine>, upgrade: Upgrade) -> Result<Response, Refusal> {
    Ok(upgrade.with(async move |socket| tell(socket, engine).await))
}

async fn tell(socket: WebSocket, engine: Engine) {
    let (mut to, mut from) = socket.split();
    let (wanted, watch) = watch::channel(Watch::default());
    let telling = async {
        let mut notices = std::pin::pin!(changes(engine, watch));
        while let Some(notice) = notices.next().await {
            let Ok(text) = serde_json::to_string(&notice) else { continue };
            if to.send(Message::text::<String>(text)).await.is_err() {
                return;
            }
        }
    };
    let listening = async {
        while let Some(Ok(message)) = from.next().await {
            match message {
                Message::Text(text) => match serde_json::from_str(&text) {
                    Ok(Wanted { watch }) => {
                        wanted.send_replace(watch);
                    }
                    // Whoever says what we do not understand would wait in vain.
                    Err(_) => return,
                },
                Message::Binary(_) => return,
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) => {}
            }
        }
    };
    tokio::select! {
        () = telling => {}
        () = listening => {}
    }
}
