//! Frames between the engine and the runner, and their decoder.
//!
//! A frame is `length: u32 LE`, `kind: u8`, body; the length counts kind and body. Control messages are
//! encoded with postcard (its wire format is stable and specified). Output is the hot path and has a fixed
//! header instead: `offset: u64 LE`, `at: u64 LE`, then the bytes as they came.

mod decoder;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::decoder::Decoder;

/// Version of this protocol, sent in [`Reply::Hello`]. Raised when an older peer could not follow.
pub const VERSION: u16 = 4;

/// The variable that names the run in the environment of its processes.
pub const RUN_ID: &str = "STIGMER_RUN_ID";

/// What an app says to the socket of an [`Interpreter`] that is to end with it: when that connection does.
pub const OWN: u8 = b'o';

/// What is said to the socket of an [`Interpreter`] that is to end now, with the script that it runs.
pub const END: u8 = b'x';

/// Largest frame that is accepted, in bytes: a script with its arguments. A longer one means that the stream is not
/// ours.
pub const MAX_FRAME: usize = 24 << 20;

/// Largest piece of input in one [`Request::Input`], in bytes.
pub const MAX_INPUT: usize = 64 << 10;

/// Input that the engine may send before it must wait for [`Reply::InputTaken`], in bytes.
pub const INPUT_CREDIT: usize = 256 << 10;

const KIND_CONTROL: u8 = 0;

/// What the engine asks of the runner.
///
/// Anything before [`Request::Start`] or [`Request::Sweep`], a second one, and more input than allowed are malformed: the runner
/// forces everything to end and leaves. What comes too late for its purpose is ignored, and input is reported
/// as taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Starts the command. The first request, sent once.
    Start(Start),
    /// Instead of a start: ends every process that has `variable`, as `NAME=VALUE`, in its environment, whoever started
    /// it, until none is left.
    Sweep {
        /// The variable.
        variable: serde_bytes::ByteBuf,
    },
    /// Bytes for the command's standard input, at most [`MAX_INPUT`] and never more than [`INPUT_CREDIT`]
    /// under way.
    Input(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Closes the command's standard input once what was sent is written (end of file on a terminal).
    EndInput,
    /// The viewer's terminal has a new size.
    Resize(Size),
    /// Ends the whole tree: `signal` to every process, force after `grace_ms`. A grace of zero forces at
    /// once. A second `Stop` may shorten the grace, never lengthen it.
    Stop {
        /// The polite signal.
        signal: Signal,
        /// Milliseconds between asking and forcing.
        grace_ms: u32,
    },
    /// Everything before `offset` has arrived and may leave the spool. After [`Reply::Ended`], `u64::MAX` also
    /// acknowledges the end: until then a runner with a spool stays for a resume; one without [`Keep`] leaves when the requests end, too.
    Ack {
        /// Offset in the runner's output.
        offset: u64,
    },
    /// An engine that came back: send `Started`, `Exited` and `Ended` again as far as they happened, and all
    /// output from `offset` that is still in the spool. Acknowledges everything before `offset`. Without a
    /// spool it means nothing. [`Reply::Resumed`] says what arrived of what was asked before; the rest is to be asked again.
    Resume {
        /// Offset in the runner's output.
        offset: u64,
    },
}

/// What to start and how.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The program (looked up in the command's `PATH` when it has no slash) and its arguments, as bytes.
    pub argv: Vec<serde_bytes::ByteBuf>,
    /// Variables of the command, on top of those that the runner itself was given.
    pub env: Vec<(serde_bytes::ByteBuf, serde_bytes::ByteBuf)>,
    /// The working directory.
    pub dir: serde_bytes::ByteBuf,
    /// Runs the command on a pseudo-terminal of this size instead of pipes.
    pub terminal: Option<Size>,
    /// Whether input will be sent. Without it the command's standard input is `/dev/null`, also on a terminal.
    pub input: bool,
    /// Bytes of output that may be under way before an [`Request::Ack`]; they are kept for
    /// [`Request::Resume`]. Small pieces count a little more than their bytes. Zero keeps nothing and leaves the
    /// pressure to the stream itself.
    pub spool: u32,
    /// Bytes of output that may be under way before an [`Request::Ack`] while an engine listens, where that is less than the
    /// spool takes: for streams that break when they are not read as fast as they are written. Zero for no such limit.
    pub window: u32,
    /// Has the run go on without its engine for a while. Needs a spool.
    pub keep: Option<Keep>,
    /// Confines the command and everything that it starts.
    pub guard: Option<Guard>,
    /// Milliseconds that output is still read after the command exited while something holds its pipe.
    pub drain_ms: u32,
    /// A file that is there while the command runs, in a folder that is made for it.
    pub script: Option<Script>,
    /// Counts what the kernel kills for want of memory: where the runner shares its memory limit with nobody else.
    pub watch_memory: bool,
    /// Has an interpreter run the script that `argv` names behind it, one that goes on afterwards.
    pub interpreter: Option<Box<Interpreter>>,
}

impl fmt::Debug for Start {
    /// Without the environment, which may have secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let argv: Vec<_> = self.argv.iter().map(|word| String::from_utf8_lossy(word)).collect();
        f.debug_struct("Start").field("argv", &argv).finish_non_exhaustive()
    }
}

/// Where an engine that comes back finds a run.
///
/// It connects there, hears [`Reply::Hello`] and sends [`Request::Resume`]; until then it is told nothing else. Of two the
/// later one has the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// The socket that the run listens at, absolute. It goes with the run, and is no other run's: where it is there, this one
    /// does not start.
    pub socket: serde_bytes::ByteBuf,
    /// Milliseconds that a run without an engine goes on, and that one which ended waits to tell. Then everything is
    /// forced to end.
    pub linger_ms: u32,
    /// Milliseconds without a request after which the engine counts as gone, although the stream still stands: where a
    /// stream does not end with who opened it. Zero for never.
    pub silence_ms: u32,
}

/// A Python interpreter that runs one script after another, each with the variables that those before it left.
///
/// Started with the first, with the program, the folder, the variables (but not [`RUN_ID`]) and the guard of its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interpreter {
    /// The socket by which it is found, absolute. Its folder is this interpreter's alone and goes with it.
    pub socket: serde_bytes::ByteBuf,
    /// Bytes of memory that it, and each process that it starts, may write to. Zero for no limit.
    pub memory: u64,
    /// Milliseconds after its last script until it ends, where no app owns it.
    pub idle_ms: u32,
}

/// Code that has no file where it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The file; absolute. Its folder must not exist yet, and goes with the run.
    pub path: serde_bytes::ByteBuf,
    /// The code.
    pub code: serde_bytes::ByteBuf,
}

/// What a confined command may do beside reading and executing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Files and folders that it may write to, with all that is below them. Those that do not exist are left out.
    pub writable: Vec<serde_bytes::ByteBuf>,
    /// Whether it may open and accept TCP connections.
    pub network: bool,
}

/// Size of a terminal in character cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

/// The polite signal of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// What Ctrl-C sends.
    Interrupt,
    /// What `kill` sends.
    Terminate,
    /// What a closing terminal sends.
    Hangup,
}

/// Where a piece of output was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Stream {
    /// Standard output, or everything that a terminal shows.
    Stdout = 1,
    /// Standard error.
    Stderr = 2,
}

/// What the runner tells the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The first reply, sent at once.
    Hello {
        /// [`VERSION`] of the runner.
        version: u16,
        /// Process id of the runner, in its own namespace.
        pid: u32,
    },
    /// The command runs.
    Started {
        /// Process id of the command, in the runner's namespace.
        pid: u32,
        /// Microseconds since 1970.
        at: u64,
    },
    /// The command could not be started. The last reply.
    NotStarted {
        /// What stood in the way.
        refusal: Refusal,
        /// The system's words for it.
        message: String,
    },
    /// None that has the variable of a [`Request::Sweep`] is left. The last reply.
    Swept,
    /// So many bytes of input were written to the command, or discarded because it closed its input.
    InputTaken {
        /// Number of bytes, since the last time.
        bytes: u32,
    },
    /// The command itself ended. More output may follow.
    Exited {
        /// How.
        exit: Exit,
        /// Microseconds since 1970.
        at: u64,
    },
    /// All output was sent and the tree is ended. The last reply. `Exited` came before, unless even force
    /// could not end the command.
    Ended {
        /// What the tree used.
        usage: Usage,
        /// Processes that made themselves independent of the run and live on.
        left: Vec<Left>,
    },
    /// Before [`Reply::Started`]: there is the interpreter that was asked for.
    Interpreter {
        /// Whether it was just started, so that it has no variables yet.
        is_new: bool,
    },
    /// Answers a [`Request::Resume`], after the first replies that it repeats: what arrived of all that was asked since the
    /// start. Requests after that were lost on their way, and input reported as taken here is not reported again.
    Resumed(Heard),
}

/// What a runner heard from its engines since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Bytes of input that arrived.
    pub input: u64,
    /// Bytes of them that were written to the command, or discarded because it closed its input.
    pub taken: u64,
    /// Whether the end of the input arrived.
    pub end_of_input: bool,
    /// How many times it was asked to stop.
    pub stops: u32,
}

/// Why a command could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// There is no such program.
    NotFound,
    /// The program is there, but may not or cannot be executed.
    NotExecutable,
    /// The working directory cannot be entered.
    Directory,
    /// The kernel cannot confine it as asked; it was not started unconfined.
    Guard,
    /// Anything else, such as too many processes.
    Other,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

/// What a process tree used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time in user mode, microseconds.
    pub user_us: u64,
    /// Processor time in the kernel, microseconds.
    pub system_us: u64,
    /// Largest resident size of a single process, KiB.
    pub max_rss_kib: u64,
    /// Processes that the kernel killed for want of memory, where that was watched.
    pub oom_kills: u32,
}

/// A process that outlives its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Process id, in the runner's namespace.
    pub pid: u32,
    /// Its name as the system has it.
    pub name: String,
}

/// One decoded frame: a control message, or a piece of output that borrows the decoder's buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a, T> {
    /// A [`Request`] or a [`Reply`].
    Control(T),
    /// A piece of output.
    Output {
        /// Where it was written.
        stream: Stream,
        /// Bytes of output, of both streams together, before this piece.
        offset: u64,
        /// Microseconds since 1970 when it was read.
        at: u64,
        /// The bytes, as they came.
        bytes: &'a [u8],
    },
}

/// The peer does not speak this protocol.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProtocolError {
    /// A frame is longer than [`MAX_FRAME`].
    #[error("a frame of {0} bytes is too long")]
    TooLong(usize),
    /// A frame cannot be read.
    #[error("a frame cannot be read")]
    Malformed,
}

/// Encodes a control message as a frame at the end of `to`.
pub fn encode<T: Serialize>(message: &T, to: &mut Vec<u8>) {
    let body = postcard::to_allocvec(message).expect("our messages have no part that cannot be encoded");
    let length = u32::try_from(1 + body.len()).expect("messages are far below MAX_FRAME");
    to.extend_from_slice(&length.to_le_bytes());
    to.push(KIND_CONTROL);
    to.extend_from_slice(&body);
}

/// Size of [`output_header`], in bytes: length, kind, offset, time.
pub const OUTPUT_HEADER: usize = 4 + 1 + 8 + 8;

/// The header of an output frame; `length` bytes of output must follow it.
pub fn output_header(stream: Stream, offset: u64, at: u64, length: usize) -> [u8; OUTPUT_HEADER] {
    let mut header = [0; OUTPUT_HEADER];
    let counted = u32::try_from(OUTPUT_HEADER - 4 + length).unwrap_or(u32::MAX);
    header[..4].copy_from_slice(&counted.to_le_bytes());
    header[4] = stream as u8;
    header[5..13].copy_from_slice(&offset.to_le_bytes());
    header[13..21].copy_from_slice(&at.to_le_bytes());
    header
}
