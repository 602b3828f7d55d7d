//! The ways to the runner of a container: its socket, in a folder that both sides share; or, where the engine has another
//! disk, or a kernel of its own as in a virtual machine, a program that the engine starts to join it.

use std::io;

use bollard::container::LogOutput;
use bollard::errors::Error as Failure;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio_util::io::StreamReader;

use super::container::{Held, SOCKET};
use super::recipe::{RUNNER, SHARED};
use super::{Engine, client};
use crate::backend::runner::{Reader, Writer};
use crate::error::{Error, Result};

impl Engine {
    /// Whether files of this machine are not the engine's.
    pub(super) fn is_far(&self) -> bool {
        !self.address.is_local()
    }

    /// Connects to the runner of a container.
    pub(super) async fn connect(&self, held: &Held) -> io::Result<(Reader, Writer)> {
        self.connect_to(held, SOCKET).await
    }

    /// Connects to a socket in the shared folder of a container.
    pub(super) async fn connect_to(&self, held: &Held, socket: &str) -> io::Result<(Reader, Writer)> {
        if !self.is_far() {
            match held.connect_to(socket).await {
                Ok(stream) => {
                    let (replies, requests) = stream.into_split();
                    return Ok((Box::new(replies), Box::new(requests)));
                }
                Err(error) if !held.was_heard() => return Err(error),
                Err(_) => {}
            }
        }
        self.join(&held.name, socket).await
    }

    /// Connects to it through the engine.
    pub(super) async fn join(&self, name: &str, socket: &str) -> io::Result<(Reader, Writer)> {
        // What is not there any more is not waited for.
        let verb = if socket == SOCKET { "join" } else { "rejoin" };
        let words = vec![RUNNER.to_owned(), verb.to_owned(), format!("{SHARED}/{socket}")];
        let config = ExecConfig { attach_stdin: Some(true), cmd: Some(words), ..ExecConfig::default() };
        let (output, input) = self.attached(name, config).await.map_err(not_connected)?;
        let name = name.to_owned();
        let replies = output.filter_map(move |said| {
            let reply = match said {
                Ok(LogOutput::StdErr { message }) => {
                    tracing::debug!(name, said = %String::from_utf8_lossy(&message), "what joins a sandbox says");
                    None
                }
                Ok(other) => Some(Ok(other.into_bytes())),
                Err(failure) => Some(Err(io::Error::other(failure))),
            };
            std::future::ready(reply)
        });
        Ok((Box::new(StreamReader::new(Box::pin(replies))), Box::new(input)))
    }

    /// Lets whoever works in a container write to a folder of it, which is root's.
    pub(super) async fn open_folder(&self, name: &str, folder: &str) -> Result<()> {
        let failed = |why: String| Error::SandboxRefused {
            what: format!("the sandbox could not be given a workspace: {why}"),
            hint: "see whether the engine may start programs in its containers: `docker exec`",
        };
        let words = [RUNNER, "open", folder].map(str::to_owned).into();
        let config = ExecConfig { user: Some("0:0".to_owned()), cmd: Some(words), ..ExecConfig::default() };
        let started = self.attached(name, config).await;
        let (mut output, _input) = started.map_err(|failure| failed(client::words(&failure)))?;
        let mut said = Vec::new();
        while let Some(Ok(piece)) = output.next().await {
            said.extend_from_slice(&piece.into_bytes());
        }
        if said.is_empty() { Ok(()) } else { Err(failed(String::from_utf8_lossy(&said).trim().to_owned())) }
    }

    async fn attached(&self, name: &str, config: ExecConfig) -> std::result::Result<Attached, Failure> {
        let config = ExecConfig { attach_stdout: Some(true), attach_stderr: Some(true), ..config };
        let exec = self.api.create_exec(name, config).await?;
        match self.api.start_exec(&exec.id, None::<StartExecOptions>).await? {
            StartExecResults::Attached { output, input } => Ok((output, input)),
            StartExecResults::Detached => Err(Failure::RequestTimeoutError),
        }
    }
}

/// The output and the input of a program that the engine started.
type Attached = (
    std::pin::Pin<Box<dyn futures_util::Stream<Item = std::result::Result<LogOutput, Failure>> + Send>>,
    std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>,
);

/// There is nobody to connect to.
fn not_connected(failure: Failure) -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, failure)
}

/// An archive with the runner, for [`super::recipe::OURS`], and the folder for what its commands may write.
pub(super) fn ours(runner: &[u8]) -> io::Result<Bytes> {
    let mut archive = tar::Builder::new(Vec::with_capacity(runner.len() + 4096));
    let mut header = tar::Header::new_gnu();
    header.set_size(runner.len() as u64);
    header.set_mode(0o555);
    archive.append_data(&mut header, "runner", runner)?;
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_size(0);
    header.set_mode(0o1777);
    archive.append_data(&mut header, "shared/", io::empty())?;
    Ok(archive.into_inner()?.into())
}
