//! `stigmer server start --background`: the server is a process of its own that outlives us and our terminal.

use std::io::Write as _;

use serde::{Deserialize, Serialize};
use stigmer_engine::config::Sources;
use stigmer_engine::home::Home;
use stigmer_engine::{Error, Report};
use stigmer_server::host::Record;

use crate::args::ServerStart;
use crate::exit::{Exit, Failure};
use crate::host::close_stdout;
use crate::output::Output;
use crate::run::{ask, options_for_host};

/// What the server tells the one who started it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// It answers requests.
    Serving(Record),
    /// It cannot.
    Refused(Report),
}

/// Starts a server and waits until it answers.
pub(super) async fn start(
    home: &Home,
    options: &ServerStart,
    sources: &Sources,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut arguments = options_for_host(sources);
    arguments.extend(["server", "start", "--answer"].map(Into::into));
    if let Some(port) = options.port {
        arguments.extend(["--port".into(), port.to_string().into()]);
    }
    if let Some(listen) = options.listen {
        arguments.extend(["--listen".into(), listen.to_string().into()]);
    }
    let reply =
        tokio::task::spawn_blocking(move || ask(b"", arguments)).await.map_err(std::io::Error::other)?;
    let reply = reply.map_err(|source| Error::Connection { source })?;
    match serde_json::from_slice(&reply) {
        Ok(Answer::Serving(record)) => {
            super::print(home, &record, options.json, output)?;
            Ok(Exit::Success)
        }
        Ok(Answer::Refused(error)) => Err(error.into()),
        Err(_) => Err(Failure::Report(Report {
            code: "connection-lost".to_owned(),
            message: "the server ended before it answered".to_owned(),
            causes: Vec::new(),
            hint: Some("start it without --background to see why".to_owned()),
        })),
    }
}

/// Tells the one who started us where we are, and that this was all.
pub(super) fn tell(record: &Record) -> Result<(), Failure> {
    say(&Answer::Serving(record.clone()))
}

/// Tells the one who started us why there is no server.
pub(super) fn refuse(error: &Report) -> Result<(), Failure> {
    say(&Answer::Refused(error.clone()))
}

fn say(answer: &Answer) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, answer).map_err(std::io::Error::from)?;
    stdout.flush()?;
    drop(stdout);
    close_stdout();
    Ok(())
}
