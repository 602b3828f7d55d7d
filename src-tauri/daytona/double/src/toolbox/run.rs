//! A command of a session, and how its shell tells us about it.
//!
//! The shell reads the command's text as a file (`. FILE`), without a process of its own, with its streams on named
//! pipes. So `cd` and variables last for the session, and a plain `exit` ends the shell, after which nobody learns the
//! command's exit code. A command is finished when its exit code is known *and* both pipes are at their end, which
//! whatever it left behind may hold; the shell waits for our word before it takes the next.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use nix::sys::stat::Mode;
use serde_json::{Value, json};
use std::os::unix::fs::OpenOptionsExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};
use tokio_util::sync::CancellationToken;

use super::log::{Log, Stream};
use super::session::Session;
use crate::cloud::lock;
use crate::world::new_id;

/// Bytes of output that are read at once.
const PIECE: usize = 64 << 10;

/// A command that was given to a session's shell.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: String,
    command: String,
    pub(super) log: Arc<Log>,
    /// Where its input goes, while it takes some.
    pub(super) input: tokio::sync::Mutex<Option<Sender>>,
    pub(super) echo: bool,
    /// Tells the shell to go on. What is written to a pipe that has no other end yet is lost with the last end, so it
    /// stays.
    word: tokio::sync::Mutex<Sender>,
    /// Set when its session is deleted.
    pub(super) gone: CancellationToken,
}

/// What a command's pipes are read from.
struct Pipes {
    out: Receiver,
    err: Receiver,
    exit: Receiver,
    /// Keep `out` and `err` open until the shell has said that the command ended, so that there is no end before the
    /// beginning.
    held: Vec<std::fs::File>,
}

impl Run {
    /// Gives a command to the shell of a session. With `open` its input stays open, otherwise there is none.
    pub(super) async fn start(
        session: &Session,
        text: &str,
        open: bool,
        echo: bool,
    ) -> io::Result<Arc<Self>> {
        let id = new_id();
        let outside = session.outside.join(&id);
        std::fs::create_dir_all(&outside)?;
        std::fs::write(outside.join("command"), format!("{text}\n"))?;
        let pipes = pipes(&outside)?;
        let input = if open { Some(writer(&fifo(&outside, "in")?)?) } else { None };
        let inside = format!("{}/{id}", session.inside);
        let stdin = if open { format!("{inside}/in") } else { "/dev/null".to_owned() };
        let line = format!(
            ". {inside}/command <{stdin} >{inside}/out 2>{inside}/err; \
             printf '%s\\n' \"$?\" >{inside}/exit; IFS= read -r _ <{inside}/word\n"
        );
        let run = Arc::new(Self {
            id,
            command: text.to_owned(),
            log: Arc::new(Log::new()),
            input: tokio::sync::Mutex::new(input),
            echo,
            word: tokio::sync::Mutex::new(writer(&fifo(&outside, "word")?)?),
            gone: CancellationToken::new(),
        });
        lock(&session.commands).push(Arc::clone(&run));
        tokio::spawn(Arc::clone(&run).followed(pipes));
        session.input.lock().await.write_all(line.as_bytes()).await?;
        Ok(run)
    }

    async fn followed(self: Arc<Self>, pipes: Pipes) {
        let gone = self.gone.clone();
        tokio::select! {
            finished = self.finish(pipes) => drop(finished),
            () = gone.cancelled() => {}
        }
    }

    async fn finish(&self, pipes: Pipes) -> io::Result<()> {
        let Pipes { out, err, exit, held } = pipes;
        let code = async move {
            let mut line = String::new();
            BufReader::new(exit).read_line(&mut line).await?;
            drop(held);
            Ok(line.trim().parse().unwrap_or(-1))
        };
        let lines = (pump(out, Stream::Out, &self.log), pump(err, Stream::Err, &self.log));
        let (code, ..) = tokio::try_join!(code, lines.0, lines.1)?;
        self.input.lock().await.take();
        self.log.finish(code);
        self.word.lock().await.write_all(b"\n").await
    }

    pub(super) fn json(&self) -> Value {
        let mut value = json!({ "id": self.id, "command": self.command });
        if let Some(exit) = self.log.exit() {
            value["exitCode"] = json!(exit);
        }
        value
    }

    /// Its session is gone.
    pub(super) fn forget(&self) {
        self.gone.cancel();
    }
}

fn fifo(folder: &Path, name: &str) -> io::Result<std::path::PathBuf> {
    let path = folder.join(name);
    nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
    Ok(path)
}

/// A writing end that is also a reading one, so that it can be opened before there is a reader.
fn writer(path: &Path) -> io::Result<Sender> {
    OpenOptions::new().read_write(true).open_sender(path)
}

fn pipes(folder: &Path) -> io::Result<Pipes> {
    let reader = |path: &Path| OpenOptions::new().open_receiver(path);
    let hold = |path: &Path| {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits()).open(path)
    };
    let (out, err) = (fifo(folder, "out")?, fifo(folder, "err")?);
    let exit = fifo(folder, "exit")?;
    let (out_end, err_end) = (reader(&out)?, reader(&err)?);
    Ok(Pipes {
        out: out_end,
        err: err_end,
        // Read and written, so that it has no end before the shell has opened it.
        exit: OpenOptions::new().read_write(true).open_receiver(&exit)?,
        held: vec![hold(&out)?, hold(&err)?],
    })
}

/// Takes one stream into the log, in whole lines.
async fn pump(mut stream: impl AsyncRead + Unpin, of: Stream, log: &Log) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    let mut held = Vec::new();
    loop {
        let read = stream.read(&mut piece).await?;
        if read == 0 {
            log.lines(of, &held);
            return Ok(());
        }
        match piece[..read].iter().rposition(|&byte| byte == b'\n') {
            None => held.extend_from_slice(&piece[..read]),
            Some(last) => {
                held.extend_from_slice(&piece[..=last]);
                log.lines(of, &held);
                held.clear();
                held.extend_from_slice(&piece[last + 1..read]);
            }
        }
    }
}

/// The commands of a session have ids of their own.
pub(super) fn find(session: &Session, id: &str) -> Option<Arc<Run>> {
    let commands: &Mutex<Vec<Arc<Run>>> = &session.commands;
    lock(commands).iter().find(|each| each.id == id).cloned()
}
