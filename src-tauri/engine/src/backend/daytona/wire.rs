//! A conversation with the runner in a cloud sandbox, over a terminal that carries bytes as they are.
//!
//! Of what Daytona offers a terminal is the one stream that goes both ways and changes no byte once it is told to: the logs
//! of sessions are made of lines, repeat and lose some, and take input as text. What a terminal does not do, keep what is
//! not read in time and go on where it broke, the runner does.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use stigmer_daytona::{Pty, PtyEvent, PtyInput, PtyOptions, Toolbox};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::account::cloud;
use crate::backend::runner::{Reader, Writer};
use crate::error::{Error, Result};

/// Longest time for the shell of a terminal to start what it is told to.
const BEGIN: Duration = Duration::from_secs(30);

/// Longest time for a terminal to be ended that is of no use: one that nobody uses ends itself.
const END: Duration = Duration::from_secs(10);

/// Most that a shell says before it starts that, in bytes.
const GREETING: usize = 256 << 10;

/// Bytes that wait on this side in each direction.
const BUFFER: usize = 256 << 10;

/// Both ways of a conversation, and the terminal that carries it. Whoever lets go of both ways ends the terminal.
pub(super) struct Wire {
    pub replies: Reader,
    pub requests: Writer,
    pub terminal: Terminal,
}

/// A terminal by its name.
#[derive(Clone)]
pub(super) struct Terminal {
    toolbox: Toolbox,
    id: String,
}

impl Terminal {
    /// Ends it: what was not carried by then never is. What runs in it only carries bytes.
    pub(super) async fn end(&self) -> Result<()> {
        self.toolbox.kill_pty(&self.id).await.map(drop).map_err(cloud)
    }

    async fn end_anyway(&self) {
        match timeout(END, self.end()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a terminal stays open"),
            Err(_) => tracing::debug!("a terminal stays open that could not be ended in time"),
        }
    }
}

/// Opens a terminal, has it execute `program` with these words and those that say where its stream begins, and returns the
/// stream from there on. Who leaves waits for `tasks`, so that no terminal stays: not one either whose opening was given up.
pub(super) async fn open(
    toolbox: &Toolbox,
    tasks: &TaskTracker,
    program: &str,
    words: &[&str],
    last: &[&str],
) -> Result<Wire> {
    let word = uuid::Uuid::new_v4().simple().to_string();
    // Two halves, so that the shell repeating its command line does not say the word.
    let (one, other) = word.split_at(16);
    let words = words.iter().chain([&one, &other]).chain(last);
    let words: Vec<_> = [program].into_iter().chain(words.copied()).map(quoted).collect();
    // A shell that somebody could type into stays where it cannot execute something.
    let line = format!(" exec {}; exit\n", words.join(" "));
    let terminal = Terminal { toolbox: toolbox.clone(), id: format!("stigmer-{word}") };
    let (to, opened) = oneshot::channel();
    tasks.spawn(begin(terminal, tasks.clone(), line, word, to));
    opened.await.unwrap_or(Err(Error::Stopped))
}

/// Hands over the stream, if anybody still wants it. A terminal that carries none is ended.
async fn begin(
    terminal: Terminal,
    tasks: TaskTracker,
    line: String,
    word: String,
    mut to: oneshot::Sender<Result<Wire>>,
) {
    let begun = async {
        // Seen through: what was asked for and given up could come into being after it was ended.
        let mut pty = terminal.toolbox.open_pty(&PtyOptions::new(&terminal.id)).await.map_err(cloud)?;
        let start = async {
            pty.input().send(line.into_bytes()).await.map_err(cloud)?;
            until_begun(&mut pty, word.as_bytes()).await
        };
        let rest = tokio::select! {
            started = timeout(BEGIN, start) => started.unwrap_or_else(|_| Err(late())),
            () = to.closed() => Err(Error::Stopped),
        };
        rest.map(|rest| (pty, rest))
    };
    let (pty, rest) = match begun.await {
        Ok(begun) => begun,
        Err(error) => {
            // Whoever waits need not wait for the rest.
            let _ = to.send(Err(error));
            return terminal.end_anyway().await;
        }
    };
    // Whichever side lets go of both halves, the other one learns it: here, too, where nobody takes it.
    let (engine, wire) = duplex(BUFFER);
    let ((from, to_there), (from_engine, to_engine)) = (split(engine), split(wire));
    let over = CancellationToken::new();
    tasks.spawn(carry_requests(pty.input(), from_engine, over.clone()));
    tasks.spawn(carry_replies(pty, terminal.clone(), rest, to_engine, over));
    let _ = to.send(Ok(Wire { replies: Box::new(from), requests: Box::new(to_there), terminal }));
}

fn late() -> Error {
    let why = "a terminal in the cloud sandbox did not start in time";
    Error::Connection { source: io::Error::new(io::ErrorKind::TimedOut, why) }
}

/// Reads past what the shell says, to the word; what came after it.
async fn until_begun(pty: &mut Pty, word: &[u8]) -> Result<Bytes> {
    let mut said = Vec::new();
    loop {
        match pty.next().await.map_err(cloud)? {
            Some(PtyEvent::Output(bytes)) => said.extend_from_slice(&bytes),
            // Closed without a word about the shell: that is how a connection ends, not a program.
            Some(PtyEvent::Exit { code: None, .. }) | None => {
                return Err(Error::Connection { source: io::ErrorKind::ConnectionAborted.into() });
            }
            Some(PtyEvent::Exit { .. }) => {
                let text = String::from_utf8_lossy(&said);
                let last = text.lines().map(str::trim).rfind(|line| !line.is_empty());
                return Err(refused(last.unwrap_or("its shell ended")));
            }
        }
        if let Some(at) = said.windows(word.len()).position(|part| part == word) {
            return Ok(said.split_off(at + word.len()).into());
        }
        if said.len() > GREETING {
            return Err(refused("its shell says too much"));
        }
    }
}

fn refused(why: &str) -> Error {
    Error::SandboxRefused {
        what: format!("the runner could not be started in the cloud sandbox: {why}"),
        hint: "see whether a terminal in it works; use --fresh for another one",
    }
}

async fn carry_requests(input: PtyInput, mut from: ReadHalf<DuplexStream>, over: CancellationToken) {
    let _over = over.clone().drop_guard();
    let mut piece = vec![0; 32 << 10];
    loop {
        let length = tokio::select! {
            () = over.cancelled() => return,
            read = from.read(&mut piece) => read.unwrap_or(0),
        };
        if length == 0 {
            return;
        }
        // A connection that takes nothing any more is only noticed by what does not come over it.
        tokio::select! {
            () = over.cancelled() => return,
            sent = input.send(Bytes::copy_from_slice(&piece[..length])) => if sent.is_err() { return },
        }
    }
}

async fn carry_replies(
    mut pty: Pty,
    terminal: Terminal,
    rest: Bytes,
    to: WriteHalf<DuplexStream>,
    over: CancellationToken,
) {
    let has_exited = carry_until_over(&mut pty, rest, to, &over).await;
    // First of all the other side learns it: what follows may take its time.
    over.cancel();
    if !has_exited {
        terminal.end_anyway().await;
    }
}

/// Whether the terminal's own end is why.
async fn carry_until_over(
    pty: &mut Pty,
    rest: Bytes,
    mut to: WriteHalf<DuplexStream>,
    over: &CancellationToken,
) -> bool {
    if to.write_all(&rest).await.is_err() {
        return false;
    }
    loop {
        let event = tokio::select! {
            () = over.cancelled() => return false,
            event = pty.next() => event,
        };
        let written = match event {
            Ok(Some(PtyEvent::Output(bytes))) => to.write_all(&bytes).await,
            // Closed without a word about the shell: the terminal may still be there.
            Ok(Some(PtyEvent::Exit { code, .. })) => return code.is_some(),
            Ok(None) => return false,
            Err(error) => {
                tracing::debug!(%error, "a terminal broke off");
                return false;
            }
        };
        if written.is_err() {
            return false;
        }
    }
}

/// A word as a shell takes it for one.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
