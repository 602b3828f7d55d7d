//! An [`Execution`] over any byte stream that leads to a `stigmer-runner`. How the runner got there and what
//! carries the stream is the backend's business; everything about the run is told here once for all of them.

mod asked;
mod keeping;
mod streams;

use std::io;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use stigmer_runner::protocol::{INPUT_CREDIT, MAX_INPUT, VERSION};
use stigmer_runner::{Frame, Heard, Refusal, Reply, Request, Signal, Size, Start};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Mutex, Semaphore};

use self::asked::Asked;
pub(super) use self::keeping::Keeping;
use self::streams::{Incoming, Requests};
use super::{Execution, Finish, Output};
use crate::error::{Error, Result};

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
    /// What is asked again over the next connection, where there can be one.
    asked: Option<std::sync::Mutex<Asked>>,
    /// How many connections there were before this one.
    connection: AtomicU64,
    has_new_interpreter: bool,
    has_exited: AtomicBool,
    has_ended: AtomicBool,
}

/// Ends every process that has a variable, in the place that the streams lead to.
pub(super) async fn sweep(stream: Reader, requests: Writer, variable: &str) -> Result<()> {
    let mut incoming = Incoming::new(stream);
    let mut requests = Requests::new(requests);
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

impl Started {
    /// The command, where it is one of ours; else the words of why it does not start.
    pub(super) fn execution(self) -> std::result::Result<Box<dyn Execution>, String> {
        match self {
            Self::Running(execution) => Ok(execution),
            Self::Refused(_, why) => Err(why),
        }
    }
}

/// A runner that greeted and was asked for nothing yet.
pub(super) struct Greeted {
    incoming: Incoming,
    requests: Requests,
}

impl Greeted {
    /// Waits for the runner's first word.
    pub(super) async fn hear(stream: Reader, requests: Writer) -> Result<Self> {
        Self::begin(Incoming::new(stream), Requests::new(requests)).await
    }

    async fn begin(mut incoming: Incoming, requests: Requests) -> Result<Self> {
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
        let comes_back = start.keep.is_some();
        let Self { mut incoming, mut requests } = self;
        requests.put(&Request::Start(start));
        requests.send().await.map_err(lost)?;
        let mut has_new_interpreter = false;
        loop {
            match incoming.control().await? {
                Reply::Interpreter { is_new } => has_new_interpreter = is_new,
                Reply::Started { pid, at } => {
                    let started = super::Start { pid: Some(pid), at };
                    let asked = (comes_back.then(Asked::default), INPUT_CREDIT);
                    let mut execution = RunnerExecution::new(started, incoming, requests, asked, keeping);
                    execution.has_new_interpreter = has_new_interpreter;
                    return Ok(Started::Running(Box::new(execution)));
                }
                Reply::NotStarted { refusal, message } => return Ok(Started::Refused(refusal, message)),
                _ => {}
            }
        }
    }

    /// Returns when the runner leaves, or says something although it was asked nothing.
    pub(super) async fn broken(&mut self) {
        // Dropping the call loses nothing.
        let _ = self.incoming.fill().await;
    }

    /// Goes on with the command that it has, which another engine started, and of whose output so much is here.
    pub(super) async fn resume(mut self, offset: u64, keeping: Keeping) -> Result<Box<RunnerExecution>> {
        let (started, heard) = self.come_back(offset).await?;
        let (asked, credit) = Asked::after(&heard).ok_or_else(unheard_of)?;
        let Self { incoming, requests } = self;
        let asked = (Some(asked), credit);
        Ok(Box::new(RunnerExecution::new(started, incoming, requests, asked, keeping)))
    }

    /// Says how much of the output is here; when the command started, and what arrived of all that was asked.
    async fn come_back(&mut self, offset: u64) -> Result<(super::Start, Heard)> {
        (self.incoming.received, self.incoming.acknowledged) = (offset, offset);
        self.requests.put(&Request::Resume { offset });
        self.requests.send().await.map_err(lost)?;
        let mut started = None;
        loop {
            match self.incoming.control().await? {
                Reply::Started { pid, at } => started = Some(super::Start { pid: Some(pid), at }),
                Reply::Exited { exit, .. } => self.incoming.exit = Some(exit),
                Reply::Resumed(heard) => {
                    let started = started.ok_or_else(|| broken("it goes on before its start".to_owned()))?;
                    return Ok((started, heard));
                }
                Reply::NotStarted { message, .. } => return Err(broken(message)),
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

    fn new(
        started: super::Start,
        incoming: Incoming,
        requests: Requests,
        (asked, credit): (Option<Asked>, usize),
        keeping: Keeping,
    ) -> Self {
        Self {
            started,
            has_exited: AtomicBool::new(incoming.exit.is_some()),
            incoming: Mutex::new(incoming),
            requests: Mutex::new(requests),
            credit: Semaphore::new(credit),
            keeping,
            asked: asked.map(Into::into),
            connection: AtomicU64::new(0),
            has_new_interpreter: false,
            has_ended: AtomicBool::new(false),
        }
    }

    /// Whether nothing of it is left there, and all of its output is here.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// Names the connection that is in use.
    pub(super) fn connection(&self) -> u64 {
        self.connection.load(Ordering::Acquire)
    }

    /// Goes on over another connection: output where it broke off, and what did not arrive is asked again. Dropping the call
    /// leaves the old one in use.
    pub(super) async fn go_on(&self, mut greeted: Greeted) -> Result<()> {
        let mut incoming = self.incoming.lock().await;
        let (_, heard) = greeted.come_back(incoming.received).await?;
        let mut requests = self.requests.lock().await;
        let again = self.asked(|asked| asked.again(&heard));
        let (again, taken) = again.flatten().ok_or_else(unheard_of)?;
        *incoming = greeted.incoming;
        *requests = greeted.requests;
        // Sent by whoever waits for output next.
        for request in &again {
            requests.put(request);
        }
        self.credit.add_permits(taken as usize);
        self.has_exited.fetch_or(incoming.exit.is_some(), Ordering::Release);
        self.connection.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// The conversation that follows on this one over the same stream, once the end of the command was waited for. From then
    /// on nothing is said of this one any more.
    pub(super) async fn next(&self) -> Result<Greeted> {
        let (incoming, requests) = {
            let (mut incoming, mut requests) = (self.incoming.lock().await, self.requests.lock().await);
            (incoming.hand_over(), requests.hand_over())
        };
        Greeted::begin(incoming, requests).await
    }

    /// Gives a sign of life to a runner that would take silence for the end of its engine.
    pub(super) async fn give_sign(&self) -> Result<()> {
        self.request(&Request::Ack { offset: 0 }).await
    }

    async fn next_output(&self) -> Result<Option<Output>> {
        let mut incoming = self.incoming.lock().await;
        let incoming = &mut *incoming;
        self.acknowledge(incoming).await?;
        if self.connection() > 0 {
            self.deliver_again().await?;
        }
        while incoming.finish.is_none() {
            match incoming.decoder.next::<Reply>().map_err(|error| broken(error.to_string()))? {
                Some(Frame::Output { stream, offset, at, bytes }) => {
                    if offset != incoming.received {
                        return Err(broken(format!("output at {offset} after {}", incoming.received)));
                    }
                    incoming.received += bytes.len() as u64;
                    return Ok(Some(Output { stream, at, bytes: Bytes::copy_from_slice(bytes) }));
                }
                Some(Frame::Control(Reply::InputTaken { bytes })) => self.input_taken(bytes),
                Some(Frame::Control(Reply::Exited { exit, .. })) => {
                    incoming.exit = Some(exit);
                    self.has_exited.store(true, Ordering::Release);
                }
                Some(Frame::Control(Reply::Ended { usage, left })) => {
                    let exit = incoming.exit.ok_or_else(|| broken("an end without an exit".to_owned()))?;
                    incoming.finish = Some(Finish { exit, usage, left });
                    self.has_ended.store(true, Ordering::Release);
                    // Whoever waits to send input waits in vain.
                    self.credit.close();
                }
                Some(Frame::Control(_)) => {}
                None => incoming.fill().await?,
            }
        }
        Ok(None)
    }

    fn asked<T>(&self, what: impl FnOnce(&mut Asked) -> T) -> Option<T> {
        let asked = self.asked.as_ref()?;
        Some(what(&mut asked.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn input_taken(&self, bytes: u32) {
        self.asked(|asked| asked.taken(bytes));
        self.credit.add_permits(bytes as usize);
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
        self.put(&mut requests, request);
        self.deliver(&mut requests).await
    }

    /// Puts a request, and holds what must be asked again should the connection break.
    fn put(&self, requests: &mut Requests, request: &Request) {
        self.asked(|asked| asked.note(request));
        requests.put(request);
    }

    /// Sends what was put to a runner that may be gone because the command is over, or because the connection broke:
    /// `output` and `wait` tell how.
    async fn deliver(&self, requests: &mut Requests) -> Result<()> {
        match requests.send().await {
            Err(error) if self.asked.is_none() && error.kind() != io::ErrorKind::BrokenPipe => {
                Err(lost(error))
            }
            _ => Ok(()),
        }
    }

    /// Sends what a new connection has to carry first, unless somebody does.
    async fn deliver_again(&self) -> Result<()> {
        match self.requests.try_lock() {
            Ok(mut requests) if !requests.unsent.is_empty() => self.deliver(&mut requests).await,
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Execution for RunnerExecution {
    fn started(&self) -> super::Start {
        self.started
    }

    async fn output(&self) -> Result<Option<Output>> {
        let output = self.next_output().await;
        if output.is_err() && self.asked.is_none() {
            // Whoever waits to send input waits in vain: no other connection will come.
            self.credit.close();
        }
        output
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

    fn has_exited(&self) -> bool {
        self.has_exited.load(Ordering::Acquire)
    }

    async fn input(&self, bytes: Bytes) -> Result<()> {
        for piece in bytes.chunks(MAX_INPUT) {
            let Ok(credit) = self.credit.acquire_many(u32::try_from(piece.len()).unwrap_or(u32::MAX)).await
            else {
                return Ok(());
            };
            let mut requests = self.requests.lock().await;
            self.put(&mut requests, &Request::Input(piece.to_vec()));
            credit.forget();
            self.deliver(&mut requests).await?;
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

fn unheard_of() -> Error {
    broken("it heard what was not said".to_owned())
}

fn broken(why: String) -> Error {
    lost(io::Error::new(io::ErrorKind::InvalidData, why))
}
