//! `stigmer run --detach`: the run belongs to a process of its own that outlives us and our terminal.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use serde_json::json;
use stigmer_engine::config::{Sources, UserFile};
use stigmer_engine::home::Home;
use stigmer_engine::spec::{RunId, RunSpec};
use stigmer_engine::{Error, Report};
use stigmer_server::client::Server;

use crate::exit::{Exit, Failure};
use crate::host::Answer;
use crate::output::{Output, Tone, answer};

/// Hands the run to the server, or to a new host where there is none, and prints its id.
pub(crate) async fn detach(
    spec: RunSpec,
    sources: &Sources,
    as_json: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let run_id = match Server::find(&Home::of_user()?).await {
        Some(server) => server.detach(spec, sources).await?,
        None => to_a_host(&spec, sources).await?,
    };
    answer(&if as_json { json!({ "run_id": run_id }).to_string() } else { run_id.to_string() })?;
    output.note(
        Tone::Dim,
        format_args!("follow it with `stigmer runs logs -f {}`", crate::runs::short(run_id)),
    );
    Ok(Exit::Success)
}

async fn to_a_host(spec: &RunSpec, sources: &Sources) -> Result<RunId, Failure> {
    let spec = serde_json::to_vec(spec).map_err(|error| Failure::from(std::io::Error::other(error)))?;
    let options = options_for_host(sources).into_iter().chain(["host".into()]).collect();
    let reply =
        tokio::task::spawn_blocking(move || ask(&spec, options)).await.map_err(std::io::Error::other)?;
    let reply = reply.map_err(|source| Error::Connection { source })?;
    match serde_json::from_slice(&reply) {
        Ok(Answer::Started { run_id }) => Ok(run_id),
        Ok(Answer::Refused { error }) => Err(Failure::Report(error)),
        Err(_) => Err(Failure::Report(Report {
            code: "connection-lost".to_owned(),
            message: "the host of the run gave no answer".to_owned(),
            causes: Vec::new(),
            hint: Some("run `stigmer doctor`".to_owned()),
        })),
    }
}

/// Starts ourselves in the background, without a terminal, sends the request, and returns what is answered on
/// standard output until that is closed.
pub(crate) fn ask(request: &[u8], arguments: Vec<OsString>) -> std::io::Result<Vec<u8>> {
    let home = Home::of_user().map_err(std::io::Error::other)?;
    let mut command = Command::new(std::env::current_exe()?);
    // Of its own, so that it keeps no folder of ours busy; what we name relative to ours is named in full.
    command.args(arguments).current_dir("/").env("STIGMER_HOME", home.root());
    if let Some(runner) = std::env::var_os("STIGMER_RUNNER").filter(|runner| !runner.is_empty()) {
        command.env("STIGMER_RUNNER", std::path::absolute(runner)?);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // SAFETY: setsid is one system call, allowed between fork and exec. It takes the host out of our terminal.
    unsafe { command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(Into::into)) };
    let mut host = command.spawn()?;
    if let Some(mut stdin) = host.stdin.take() {
        stdin.write_all(request)?;
    }
    let mut reply = Vec::new();
    if let Some(mut stdout) = host.stdout.take() {
        stdout.read_to_end(&mut reply)?;
    }
    Ok(reply)
}

/// The options that the host must read as we did.
pub(crate) fn options_for_host(sources: &Sources) -> Vec<OsString> {
    match &sources.user {
        UserFile::Named(file) => vec!["--config".into(), file.into()],
        UserFile::Usual(_) => Vec::new(),
    }
}
