//! The side of the command line: finds the server of a home and hands a run over to it.

mod link;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use stigmer_engine::config::Sources;
use stigmer_engine::history::Event;
use stigmer_engine::home::Home;
use stigmer_engine::live::Stop;
use stigmer_engine::log::Piece;
use stigmer_engine::spec::{RunId, RunSpec};
use stigmer_engine::state::RunRecord;
use stigmer_engine::{Error, Report};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::attach::{self, Asked, INPUT, Opening, Told};
use crate::host::{Record, Token, surroundings};

/// How long a server has to answer, before it counts as not there. One that ended is known by its record at once, and
/// one that lives may be slow where the machine is busy.
const PATIENCE: Duration = Duration::from_secs(3);

/// A connection to a server that would start a run as this process would.
#[derive(Debug)]
pub struct Server {
    socket: WebSocketStream<TcpStream>,
}

impl Server {
    /// Connects to the server of a home. `None` if there is none, if it is of another version, if it would start
    /// runs with other rights or limits than this process, or if it does not answer in time: then whoever asks
    /// carries its runs out itself.
    pub async fn find(home: &Home) -> Option<Self> {
        let record = Record::find(home)?;
        if record.version != env!("CARGO_PKG_VERSION") || record.surroundings != surroundings() {
            return None;
        }
        let token = Token::read(home).ok()?;
        timeout(PATIENCE, Self::connect(&record, &token)).await.ok()?.ok()
    }

    async fn connect(record: &Record, token: &Token) -> io::Result<Self> {
        let url = record.url().replacen("http", "ws", 1);
        let address = record.url();
        let address = address.trim_start_matches("http://").trim_end_matches('/');
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut request = format!("{}{}", url.trim_end_matches('/'), attach::PATH)
            .into_client_request()
            .map_err(io::Error::other)?;
        let bearer = HeaderValue::try_from(format!("Bearer {}", token.as_str())).map_err(io::Error::other)?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config))
            .await
            .map_err(io::Error::other)?;
        Ok(Self { socket })
    }

    /// Starts a run that ends when this connection does.
    pub async fn attach(self, spec: RunSpec, sources: &Sources) -> Result<Attached, Report> {
        let (mut link, run_id) = self.open(spec, sources, false).await?;
        let (pieces, output) = mpsc::unbounded_channel();
        let (asks, asked) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            room: Semaphore::new(INPUT),
            events: Mutex::default(),
            count: watch::Sender::new(0),
            end: watch::Sender::new(None),
            output_ended: AtomicBool::new(false),
        });
        let to = Arc::clone(&shared);
        tokio::spawn(async move {
            let end = link.carry(&to, pieces, asked).await;
            to.room.close();
            // What the server said of the end stays said.
            to.end.send_if_modified(|told| told.is_none() && told.replace(end).is_none());
        });
        let control = Control { id: run_id, asks, shared };
        Ok(Attached { output: Output { pieces: output, control: control.clone(), given: 0 }, control })
    }

    /// Starts a run that belongs to the server.
    pub async fn detach(self, spec: RunSpec, sources: &Sources) -> Result<RunId, Report> {
        Ok(self.open(spec, sources, true).await?.1)
    }

    async fn open(
        self,
        spec: RunSpec,
        sources: &Sources,
        detached: bool,
    ) -> Result<(link::Link, RunId), Report> {
        let mut link = link::Link::new(self.socket);
        link.say(&Opening { spec, user: (&sources.user).into(), detached })
            .await
            .map_err(|_| attach::lost())?;
        match link.told().await {
            Some(Told::Started { run_id }) => Ok((link, run_id)),
            Some(Told::Refused { error }) => Err(error),
            _ => Err(attach::lost()),
        }
    }
}

/// A run that a server carries out for us.
#[derive(Debug)]
pub struct Attached {
    /// What it prints.
    pub output: Output,
    /// Everything else.
    pub control: Control,
}

/// What a run prints, to be taken in order.
#[derive(Debug)]
pub struct Output {
    // Bounded by what the server may send before it is told that something was taken.
    pieces: mpsc::UnboundedReceiver<Piece>,
    control: Control,
    /// Bytes that were given out and are not known to be taken.
    given: u64,
}

impl Output {
    /// The next piece; `None` behind the last. The piece before it counts as taken.
    pub async fn next(&mut self) -> Result<Option<Piece>, Report> {
        if self.given > 0 {
            self.control.ask(Asked::Taken { bytes: std::mem::take(&mut self.given) });
        }
        match self.pieces.recv().await {
            Some(piece) => {
                self.given = attach::weight(&piece);
                Ok(Some(piece))
            }
            None if self.control.shared.output_ended.load(Ordering::Acquire) => Ok(None),
            None => {
                self.control.finished().await?;
                Err(attach::lost())
            }
        }
    }
}

/// What is shared between those who use a connection and the task that carries it.
#[derive(Debug)]
struct Shared {
    /// For pieces of input.
    room: Semaphore,
    events: Mutex<Vec<Event>>,
    count: watch::Sender<usize>,
    end: watch::Sender<Option<Result<(), Report>>>,
    /// Whether the server said that it sent all of the output.
    output_ended: AtomicBool,
}

/// Speaks to a run that a server carries out. Clones speak to the same.
#[derive(Debug, Clone)]
pub struct Control {
    id: RunId,
    asks: mpsc::UnboundedSender<link::Ask>,
    shared: Arc<Shared>,
}

impl Control {
    /// The run.
    pub fn id(&self) -> RunId {
        self.id
    }

    fn ask(&self, asked: Asked) {
        // A connection that is gone has ended the run, which is told elsewhere.
        let _ = self.asks.send(link::Ask::Say(asked));
    }

    /// Asks the run to end.
    pub fn stop(&self, stop: Stop) {
        if let Some(asked) = Asked::stop(stop) {
            self.ask(asked);
        }
    }

    /// Tells its terminal a new size.
    pub fn resize(&self, cols: u16, rows: u16) {
        self.ask(Asked::Resize { cols, rows });
    }

    /// Sends bytes to its standard input. Waits while it does not read. Fails when it is over.
    pub async fn input(&self, bytes: Bytes) -> Result<(), Error> {
        let room = self.shared.room.acquire().await.map_err(|_| Error::Stopped)?;
        room.forget();
        self.asks.send(link::Ask::Input(bytes)).map_err(|_| Error::Stopped)
    }

    /// Closes its standard input.
    pub async fn end_input(&self) -> Result<(), Error> {
        let room = self.shared.room.acquire().await.map_err(|_| Error::Stopped)?;
        room.forget();
        self.asks.send(link::Ask::Say(Asked::EndInput)).map_err(|_| Error::Stopped)
    }

    /// What happened to it from event number `from` on, and a receiver that wakes up when there is more.
    pub fn events(&self, from: usize) -> (Vec<Event>, watch::Receiver<usize>) {
        let count = self.shared.count.subscribe();
        let events = self.shared.events.lock().unwrap_or_else(PoisonError::into_inner);
        (events.get(from..).unwrap_or_default().to_vec(), count)
    }

    /// Waits for its end. Fails if the server goes away before.
    pub async fn finished(&self) -> Result<RunRecord, Report> {
        let mut end = self.shared.end.subscribe();
        let ended = end.wait_for(Option::is_some).await.map_err(|_| attach::lost())?.clone();
        ended.unwrap_or_else(|| Err(attach::lost()))?;
        RunRecord::from_events(self.events(0).0).ok_or_else(attach::lost)
    }
}
