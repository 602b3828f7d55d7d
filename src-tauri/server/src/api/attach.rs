//! The server's side of a run that belongs to its connection, see [`crate::attach`].

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use stigmer_engine::Error;
use stigmer_engine::backend::Size;
use stigmer_engine::config::Sources;
use stigmer_engine::engine::Engine;
use stigmer_engine::live::{Manner, Stop};
use stigmer_engine::log::Tail;
use stigmer_engine::spec::{Base, RunId};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::{Reach, Shared};
use crate::attach::{self, Asked, INPUT, Opening, Told};
use crate::detached::failure_at_once;
use crate::leash::Leash;
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::Upgrade;

/// How long a client may take to say what to run.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_attach_run, attach_run)
}

/// A WebSocket that a run belongs to: it ends when the connection does. For `stigmer run` of the same version; what is
/// said there may change with every version.
#[utoipa::path(get, path = "/api/v1/runs/attach", tag = "websocket",
    responses((status = 101), Refusal))]
async fn attach_run(
    State(engine): State<Engine>,
    State(reach): State<Reach>,
    upgrade: Upgrade,
) -> Result<Response, Refusal> {
    let told_to_the_end = reach.attached().token();
    Ok(upgrade.with(async move |socket| {
        // Large: it can wait for everything that may happen to a run.
        Box::pin(carry(socket, engine)).await;
        drop(told_to_the_end);
    }))
}

type Sink = SplitSink<WebSocket, Message>;

async fn carry(socket: WebSocket, engine: Engine) {
    let (mut to, mut from) = socket.split();
    let opening = timeout(PATIENCE, first(&mut from)).await.ok().flatten();
    let Some(Opening { spec, user, detached }) = opening else { return };
    let environment = match &spec.env.base {
        Base::Caller(variables) => {
            variables.iter().map(|(name, value)| (name.as_os(), value.as_os())).collect()
        }
        Base::LoginShell => engine.sources().environment.clone(),
    };
    let sources = Sources { user: user.into(), workspace: None, environment, options: Vec::new() };
    let (id, tail) = match engine.start_under(spec, sources).await {
        Ok(started) => started,
        Err(error) => return drop(say(&mut to, &Told::Refused { error: error.into() }).await),
    };
    if detached {
        let answer = match failure_at_once(&engine, id).await {
            Some(error) => Told::Refused { error },
            None => Told::Started { run_id: id },
        };
        return drop(say(&mut to, &answer).await);
    }
    // From here on the run ends with this function, however it is left.
    let leash = Leash::new(engine.clone(), id);
    let (shared, taken) = watch::channel(0_u64);
    let (input, inputs) = mpsc::channel(INPUT);
    let listening = Listening { engine: engine.clone(), id, taken: shared, input };
    let mut heard = std::pin::pin!(listening.listen(&mut from));
    let told = tokio::select! {
        told = tell(&mut to, &engine, id, tail, taken, inputs) => told,
        () = &mut heard => return drop(leash),
    };
    match told {
        Ok(()) => leash.release(),
        Err(Gone) => drop(leash),
    }
    // The client leaves first: to close while it still speaks would take away what it has not read yet.
    let _ = to.close().await;
    let _ = timeout(PATIENCE, heard).await;
}

/// What to run.
async fn first(from: &mut SplitStream<WebSocket>) -> Option<Opening> {
    match from.next().await?.ok()? {
        Message::Text(text) => serde_json::from_str(&text).ok(),
        _ => None,
    }
}

/// The client is gone, or has nothing more to stay for though the run goes on.
struct Gone;

async fn say(to: &mut Sink, told: &Told) -> Result<(), Gone> {
    let text = serde_json::to_string(told).map_err(|_| Gone)?;
    to.send(Message::text::<String>(text)).await.map_err(|_| Gone)
}

/// Tells events and output until both are over.
async fn tell(
    to: &mut Sink,
    engine: &Engine,
    id: RunId,
    mut tail: Tail,
    mut taken: watch::Receiver<u64>,
    inputs: mpsc::Receiver<Option<Bytes>>,
) -> Result<(), Gone> {
    say(to, &Told::Started { run_id: id }).await?;
    let (feeding, mut fed) = mpsc::channel(INPUT);
    // Waits for the program, which may not read; told and heard is meanwhile.
    let feeder = tokio::spawn(feed(engine.clone(), id, inputs, feeding));
    let _abort = AbortOnDrop(feeder.abort_handle());
    let mut over = std::pin::pin!(engine.finished(id));
    let mut news = engine.happenings(id).await.map_err(|_| Gone)?;
    let (mut told, mut sent, mut output_ended, mut is_over) = (0, 0, false, false);
    while !output_ended || !is_over {
        news.mark_unchanged();
        told += tell_events(to, engine, id, told).await?;
        let has_room = sent < *taken.borrow_and_update() + attach::OUTPUT;
        tokio::select! {
            biased;
            Ok(()) = news.changed() => {}
            Some(()) = fed.recv() => say(to, &Told::InputTaken).await?,
            result = &mut over, if !is_over => {
                // Told whether or not anybody takes the output.
                is_over = true;
                told += tell_events(to, engine, id, told).await?;
                let end = result.map_or_else(|error| Told::Failed { error: error.into() }, |_| Told::Over);
                say(to, &end).await?;
            }
            Ok(()) = taken.changed(), if !has_room => {}
            piece = tail.next(), if has_room && !output_ended => match piece {
                Ok(Some(piece)) => {
                    sent += attach::weight(&piece);
                    to.send(Message::Binary(attach::encode(&piece))).await.map_err(|_| Gone)?;
                }
                Ok(None) => {
                    output_ended = true;
                    say(to, &Told::OutputEnded).await?;
                }
                Err(error) => {
                    say(to, &Told::Failed { error: error.into() }).await?;
                    // Whoever is told that leaves, and what the run prints further reaches nobody.
                    return Err(Gone);
                }
            },
        }
    }
    Ok(())
}

/// Tells the events from number `from` on, and says how many there were.
async fn tell_events(to: &mut Sink, engine: &Engine, id: RunId, from: usize) -> Result<usize, Gone> {
    let (events, _) = engine.events(id, from).unwrap_or_default();
    let count = events.len();
    for event in events {
        say(to, &Told::Event(Box::new(event))).await?;
    }
    Ok(count)
}

/// Hands input to the program, a piece at a time; `None` ends it.
async fn feed(
    engine: Engine,
    id: RunId,
    mut inputs: mpsc::Receiver<Option<Bytes>>,
    fed: mpsc::Sender<()>,
) -> Result<(), Error> {
    while let Some(input) = inputs.recv().await {
        match input {
            Some(bytes) => engine.input(id, bytes).await?,
            None => engine.end_input(id).await?,
        }
        if fed.send(()).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// What hears the client.
struct Listening {
    engine: Engine,
    id: RunId,
    taken: watch::Sender<u64>,
    input: mpsc::Sender<Option<Bytes>>,
}

impl Listening {
    /// Hears the client until it is gone, or says what no client of ours would.
    async fn listen(self, from: &mut SplitStream<WebSocket>) {
        while let Some(Ok(message)) = from.next().await {
            let understood = match message {
                Message::Binary(bytes) => self.input(Some(bytes)),
                Message::Text(text) => match serde_json::from_str(&text) {
                    Ok(asked) => self.hear(asked).await,
                    Err(_) => false,
                },
                Message::Ping(_) | Message::Pong(_) => true,
                Message::Close(_) => false,
            };
            if !understood {
                return;
            }
        }
    }

    /// No client sends more than there is room for. One whose program takes nothing any more may not know yet.
    fn input(&self, piece: Option<Bytes>) -> bool {
        !matches!(self.input.try_send(piece), Err(TrySendError::Full(_)))
    }

    async fn hear(&self, asked: Asked) -> bool {
        match asked {
            Asked::Taken { bytes } => self.taken.send_modify(|taken| *taken = taken.saturating_add(bytes)),
            Asked::EndInput => return self.input(None),
            Asked::Resize { cols, rows } => {
                let (engine, id) = (self.engine.clone(), self.id);
                // Waits until the program runs.
                tokio::spawn(async move { engine.resize(id, Size { cols, rows }).await });
            }
            Asked::Stop { interrupt, force } => {
                let manner = if interrupt { Manner::Interrupt } else { Manner::Terminate };
                let stop = if force { Stop::Force } else { Stop::Ask(manner) };
                // A run that is over meanwhile has nothing to be told.
                let _ = self.engine.stop(self.id, stop).await;
            }
        }
        true
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
