//! The runner: a small program that starts one command in the place where it runs, and the protocol
//! that it speaks with the engine.
//!
//! # Theory of operation
//!
//! Every place has its own way to start, watch and end a process, and each is weak somewhere. The runner
//! makes them one problem. It reads [`Request`]s from its standard input and writes [`Reply`]s to its
//! standard output; the engine does not care whether those are pipes of a child, a container's attached
//! stream or a cloud session. One runner process serves one command, so everything that descends from the
//! runner is the command's tree. In a sandbox the first process is a runner that listens, and makes such a process
//! for each connection.
//!
//! ```text
//! engine → Start                         runner → Hello
//! engine → Input, EndInput, Resize       runner → Started | NotStarted
//! engine → Ack, Resume, Stop             runner → Output*, InputTaken*, Resumed, Exited, Ended
//! ```
//!
//! A run may be kept for a while when its engine is gone: then an engine that comes back finds it at a socket of its own.
//!
//! `Exited` says how the command itself ended, `Ended` that all output was sent and nothing is left that
//! could write more. When the request stream ends before that, the engine is gone: the runner forces the
//! whole tree to end and exits.
//!
//! This crate is the protocol; the program's own modules stand beside `main.rs`.

pub mod protocol;

pub use protocol::{
    Decoder, Exit, Frame, Guard, Heard, Interpreter, Keep, Left, ProtocolError, Refusal, Reply, Request,
    Script, Signal, Size, Start, Stream, Usage,
};
