//! An [`Execution`] over any byte stream that leads to a `stigmer-runner`. How the runner got there and what
//! carries the stream is the backend's business; everything about the run is told here once for all of them.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use stigmer_runner::protocol::{INPUT_CREDIT, MAX_INPUT, VERSION, encode};
use stigmer_runner::{Decoder, Frame, Refusal, Reply, Request, Signal, Size, Start};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, Semaphore};

use super::{Execution, Exit, Finish, Output};
use crate::error::{Error, Result};

/// Room that is made for each read, in bytes: a whole output frame of the runner.
const READ: usize = 264 << 10;

/// What the runner says.
pub(super) type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// What the runner is asked.
pub(super) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// A command that a runner looks after.
pub(super) struct RunnerExecution {
    started: super::Start,
    incoming: Mutex<Incoming>,
    requests: Mutex<Requests>,
    /// Bytes of input that the runner has room for.
    credit: Semaphore,
    /// How the runner keeps what it sent.
    keeping: Keeping,
    has_new_interpreter: bool,
}

/// How a runner keeps what it sent until that is acknowledged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keeping {
    /// Bytes that it keeps; none, where nothing is to be acknowledged.
    pub spool: u32,
    /// Bytes that it has under way, where that is less.
    pub window: u32,
}

impl Keeping {
    /// Bytes after which the next acknowledgement is due, so that the runner never waits for one that is on its way.
    fn due(self) -> Option<u64> {
        let most = if self.window == 0 { self.spool } else { self.spool.min(self.window) };
        (most > 0).then(|| u64::from(most / 4).max(1))
    }
}

struct Incoming {
    stream: Reader,
    decoder: Decoder,
    exit: Option<Exit>,
    finish: Option<Finish>,
    /// Bytes of output that were handed on, and of those that were acknowledged.
    received: u64,
    acknowledged: u64,
}

/// The way to the runner. A request whose sender was dropped half-way is completed by the next one.
struct Requests {
    stream: Writer,
    unsent: Vec<u8>,
}

/// Ends every process that has a variable, in the place that the streams lead to.
pub(super) async fn sweep(stream: Reader, requests: Writer, variable: &str) -> Result<()> {
    let mut incoming = Incoming::new(stream);
    let mut requests = Requests { stream: requests, unsent: Vec::new() };
    requests.put(&Request::Sweep { variable: variable.as_bytes().to_vec().into() });
    requests.send().await.map_err(lost)?;
    while incoming.control().await? != Reply::Swept {}
    Ok(())
}

/// What the runner answered to a start.
pub(super) enum Started {
    /// The command runs.
    Running(Box<RunnerExecution>),
    /// It does not, and why.
    Refused(Refusal, String),
}

/// A runner that greeted and was asked for nothing yet.
pub(super) struct Greeted {
    incoming: Incoming,
    requests: Requests,
}

impl Greeted {
    /// Waits for the runner's first word.
    pub(super) async fn hear(stream: Reader, requests: Writer) -> Result<Self> {
        let mut incoming = Incoming::new(stream);
        let requests = Requests { stream: requests, unsent: Vec::new() };
        match incoming.control().await? {
            Reply::Hello { version: VERSION, .. } => Ok(Self { incoming, requests }),
            Reply::Hello { version, .. } => {
                Err(broken(format!("the runner speaks version {version}, not {VERSION}")))
            }
            _ => Err(broken("the runner did not greet".to_owned())),
        }
    }

    /// Asks it to start a command.
    pub(super) async fn start(self, start: Start) -> Result<Started> {
        let keeping = Keeping { spool: start.spool, window: start.window };
        self.ask(&Request::Start(start), keeping, INPUT_CREDIT).await
    }

    /// Goes on with the command that it has, of whose output so much is here. How much input it takes it says later.
    pub(super) async fn resume(mut self, offset: u64, keeping: Keeping) -> Result<Box<RunnerExecution>> {
        (self.incoming.received, self.incoming.acknowledged) = (offset, offset);
        match self.ask(&Request::Resume { offset }, keeping, 0).await? {
            Started::Running(execution) => Ok(execution),
            Started::Refused(_, why) => Err(broken(why)),
        }
    }

    async fn ask(self, request: &Request, keeping: Keeping, credit: usize) -> Result<Started> {
        let Self { mut incoming, mut requests } = self;
        requests.put(request);
        requests.send().await.map_err(lost)?;
        let mut has_new_interpreter = false;
        loop {
            match incoming.control().await? {
                Reply::Interpreter { is_new } => has_new_interpreter = is_new,
                Reply::Started { pid, at } => {
                    let execution = RunnerExecution {
                        started: super::Start { pid: Some(pid), at },
                        incoming: Mutex::new(incoming),
                        requests: Mutex::new(requests),
                        credit: Semaphore::new(credit),
                        keeping,
                        has_new_interpreter,
                    };
                    return Ok(Started::Running(Box::new(execution)));
                }
                Reply::NotStarted { refusal, message } => return Ok(Started::Refused(refusal, message)),
                _ => {}
            }
        }
    }
}

impl RunnerExecution {
    /// Whether an interpreter was started for it that goes on.
    pub(super) fn has_new_interpreter(&self) -> bool {
        self.has_new_interpreter
    }

    /// Bytes of output that were handed on.
    pub(super) async fn received(&self) -> u64 {
        self.incoming.lock().await.received
    }

    /// Greets the runner and asks it to start a command.
    pub(super) async fn start(stream: Reader, requests: Writer, start: Start) -> Result<Started> {
        Greeted::hear(stream, requests).await?.start(start).await
    }

    /// What was handed on is kept by now: the runner need not keep all of it any more.
    async fn acknowledge(&self, incoming: &mut Incoming) -> Result<()> {
        let Some(due) = self.keeping.due() else { return Ok(()) };
        if incoming.received - incoming.acknowledged < due {
            return Ok(());
        }
        let offset = incoming.received;
        // Noted first: a call that is dropped has put it, and the next request takes it along.
        incoming.acknowledged = offset;
        self.request(&Request::Ack { offset }).await
    }

    async fn request(&self, request: &Request) -> Result<()> {
        let mut requests = self.requests.lock().await;
        requests.put(request);
        requests.deliver().await
    }
}

impl Requests {
    fn put(&mut self, request: &Request) {
        encode(request, &mut self.unsent);
    }

    /// Sends what was put. Dropping the call loses nothing.
    async fn send(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let sent = self.stream.write(&self.unsent).await?;
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.unsent.drain(..sent);
        }
        self.stream.flush().await
    }

    /// Sends what was put to a runner that may be gone because the command is over: `output` and `wait` tell how.
    async fn deliver(&mut self) -> Result<()> {
        match self.send().await {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(lost(error)),
            _ => Ok(()),
        }
    }
}

impl Incoming {
    fn new(stream: Reader) -> Self {
        Self { stream, decoder: Decoder::new(), exit: None, finish: None, received: 0, acknowledged: 0 }
    }

    /// Reads more of the stream. Dropping the call loses nothing.
    async fn fill(&mut self) -> Result<()> {
        let read = self.stream.read(self.decoder.space(READ)).await.map_err(lost)?;
        if read == 0 {
            return Err(lost(io::ErrorKind::UnexpectedEof.into()));
        }
        self.decoder.filled(read);
        Ok(())
    }

    /// The next reply before there is output.
    async fn control(&mut self) -> Result<Reply> {
        loop {
            match self.decoder.next::<Reply>().map_err(|error| broken(error.to_string()))? {
                Some(Frame::Control(reply)) => return Ok(reply),
                Some(Frame::Output { .. }) => return Err(broken("output before the start".to_owned())),
                None => {}
            }
            self.fill().await?;
        }
    }
}

#[async_trait]
impl Execution for RunnerExecution {
    fn started(&self) -> super::Start {
        self.started
    }

    async fn output(&self) -> Result<Option<Output>> {
        let mut incoming = self.incoming.lock().await;
        let incoming = &mut *incoming;
        self.acknowledge(incoming).await?;
        while incoming.finish.is_none() {
            match incoming.decoder.next::<Reply>().map_err(|error| broken(error.to_string()))? {
                Some(Frame::Output { stream, offset, at, bytes }) => {
                    if offset != incoming.received {
                        return Err(broken(format!("output at {offset} after {}", incoming.received)));
                    }
                    incoming.received += bytes.len() as u64;
                    return Ok(Some(Output { stream, at, bytes: Bytes::copy_from_slice(bytes) }));
                }
                Some(Frame::Control(Reply::InputTaken { bytes })) => self.credit.add_permits(bytes as usize),
                Some(Frame::Control(Reply::Exited { exit, .. })) => incoming.exit = Some(exit),
                Some(Frame::Control(Reply::Ended { usage, left })) => {
                    let exit = incoming.exit.ok_or_else(|| broken("an end without an exit".to_owned()))?;
                    incoming.finish = Some(Finish { exit, usage, left });
                    // Whoever waits to send input waits in vain.
                    self.credit.close();
                }
                Some(Frame::Control(_)) => {}
                None => incoming.fill().await?,
            }
        }
        Ok(None)
    }

    async fn wait(&self) -> Result<Finish> {
        while self.output().await?.is_some() {}
        if self.keeping.spool > 0 {
            // All of it is kept.
            self.request(&Request::Ack { offset: u64::MAX }).await?;
        }
        let incoming = self.incoming.lock().await;
        incoming.finish.clone().ok_or_else(|| broken("no end was told".to_owned()))
    }

    async fn input(&self, bytes: Bytes) -> Result<()> {
        for piece in bytes.chunks(MAX_INPUT) {
            let Ok(credit) = self.credit.acquire_many(u32::try_from(piece.len()).unwrap_or(u32::MAX)).await
            else {
                return Ok(());
            };
            let mut requests = self.requests.lock().await;
            requests.put(&Request::Input(piece.to_vec()));
            credit.forget();
            requests.deliver().await?;
        }
        Ok(())
    }

    async fn end_input(&self) -> Result<()> {
        self.request(&Request::EndInput).await
    }

    async fn resize(&self, size: Size) -> Result<()> {
        self.request(&Request::Resize(size)).await
    }

    async fn stop(&self, signal: Signal, grace: Duration) -> Result<()> {
        let grace_ms = u32::try_from(grace.as_millis()).unwrap_or(u32::MAX);
        self.request(&Request::Stop { signal, grace_ms }).await
    }
}

fn lost(source: io::Error) -> Error {
    Error::Connection { source }
}

fn broken(why: String) -> Error {
    lost(io::Error::new(io::ErrorKind::InvalidData, why))
}
