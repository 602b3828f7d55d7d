//! `stigmer server`: hosts the engine and its API without a window.

mod background;

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use stigmer_engine::Report;
use stigmer_engine::cloud::unused_words;
use stigmer_engine::config::Sources;
use stigmer_engine::engine::Engine;
use stigmer_engine::home::Home;
use stigmer_engine::live::{Manner, Stop};
use stigmer_server::host::{Claim, Kind, Listen, Record, Server, Token, wait_until_gone};
use stigmer_server::{Reach, api};
use tokio::net::TcpStream;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::args::{ServerCommand, ServerStart};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};
use crate::run::Signals;

/// How long another server may take to say where it is.
const SETTLED: Duration = Duration::from_secs(10);

/// Time between two looks for it.
const LOOK: Duration = Duration::from_millis(20);

/// Time between two looks for runs that are old; whether it is time for them is decided there.
const TIDY: Duration = Duration::from_hours(1);

/// Carries out `stigmer server`.
pub(crate) async fn server(
    command: ServerCommand,
    sources: Sources,
    output: &Output,
) -> Result<Exit, Failure> {
    let home = Home::of_user()?;
    match command {
        ServerCommand::Start(options) if options.background => {
            background::start(&home, &options, &sources, output).await
        }
        ServerCommand::Start(options) => start(home, options, sources, output).await,
        ServerCommand::Stop => stop(&home, output).await,
        ServerCommand::Status { json } => status(&home, json, output).await,
    }
}

async fn start(home: Home, options: ServerStart, sources: Sources, output: &Output) -> Result<Exit, Failure> {
    let opened = match open(&home, &options, sources, output).await {
        Ok(opened) => opened,
        Err(Failure::Report(error)) if options.answer => {
            background::refuse(&error)?;
            return Ok(Exit::Engine);
        }
        Err(failure) => return Err(failure),
    };
    let (engine, server) = match opened {
        Found::Us(engine, server) => (engine, server),
        Found::Another(record) => {
            if options.answer {
                background::tell(&record)?;
            } else {
                output.note(Tone::Dim, "a server runs already");
                print(&home, &record, options.json, output)?;
            }
            return Ok(Exit::Success);
        }
    };
    let mut signals = Signals::new()?;
    if options.answer {
        background::tell(server.record())?;
    } else {
        print(&home, server.record(), options.json, output)?;
        output.note(Tone::Dim, "Ctrl-C ends the server and its runs");
    }
    serve(engine, server, &mut signals, output).await;
    Ok(Exit::Success)
}

/// Who is the server of a home.
enum Found {
    Us(Engine, Server),
    Another(Record),
}

/// Becomes the server of the home, unless there is one.
async fn open(
    home: &Home,
    options: &ServerStart,
    sources: Sources,
    output: &Output,
) -> Result<Found, Failure> {
    let claim = match claim(home).await? {
        Ok(claim) => claim,
        Err(record) => return Ok(Found::Another(record)),
    };
    let engine = crate::run::open(sources, output).await?;
    let listen = Listen { address: options.listen, port: options.port };
    let server = claim.open(&engine, Kind::Server, listen).await?;
    if !server.address().ip().is_loopback() {
        output.warning(format_args!(
            "other machines can reach {}, unencrypted; whoever has the token can run anything here",
            server.address()
        ));
    }
    Ok(Found::Us(engine, server))
}

/// Serves until a signal; the runs are asked to end, and a second signal forces them.
async fn serve(engine: Engine, server: Server, signals: &mut Signals, output: &Output) {
    let (reach, stop) = (Reach::default(), CancellationToken::new());
    let router = api(engine.clone(), reach.clone());
    let ended = stop.clone();
    let serving = tokio::spawn(async move { server.serve(router, &reach, ended).await });
    let tidying = tokio::spawn(stay(engine.clone(), *output));
    signals.stop().await;
    tidying.abort();
    output.note(Tone::Dim, "ending; once more forces the runs that go on");
    {
        let mut closing = std::pin::pin!(engine.close(Stop::Ask(Manner::Terminate)));
        loop {
            tokio::select! {
                () = &mut closing => break,
                _ = signals.stop() => engine.stop_all(Stop::Force),
            }
        }
    }
    stop.cancel();
    // It cannot fail, and whatever happened there is over.
    let _ = serving.await;
}

/// What only an engine that stays does: it looks after places, and forgets what is old.
async fn stay(engine: Engine, output: Output) {
    engine.stay().await;
    if let Some(words) = unused_words(&engine.unused_at_start().await) {
        output.note(Tone::Warning, format_args!("{words}; see them: stigmer sandbox list"));
    }
    let mut hours = interval(TIDY);
    loop {
        hours.tick().await;
        if let Err(error) = engine.tidy().await {
            tracing::warn!(%error, "old runs could not be removed");
        }
    }
}

/// The right to be the server, or where the one is that has it. That one may just be starting, and says so soon, or
/// ending, and then the right is free soon.
async fn claim(home: &Home) -> Result<Result<Claim, Record>, Failure> {
    let settled = timeout(SETTLED, async {
        loop {
            if let Some(claim) = Claim::take(home)? {
                return Ok(Ok(claim));
            }
            if let Some(record) = Record::find(home) {
                return Ok(Err(record));
            }
            sleep(LOOK).await;
        }
    });
    settled.await.unwrap_or_else(|_| {
        Err(Failure::Report(Report {
            code: "server-unsettled".to_owned(),
            message: "another process is about to start or end a server, and does not come to it".to_owned(),
            causes: Vec::new(),
            hint: Some("try again; if it stays so, end that process".to_owned()),
        }))
    })
}

/// Prints where a server is: the link that opens its pages.
fn print(home: &Home, record: &Record, as_json: bool, output: &Output) -> Result<(), Failure> {
    let link = link(home, record);
    if as_json {
        return answer(&told(record, &link).to_string());
    }
    answer(&output.paint(Tone::Strong, link))
}

/// The address of the pages with the token in it. What stands behind `#` is not sent to anybody.
fn link(home: &Home, record: &Record) -> String {
    match Token::read(home) {
        Ok(token) => format!("{}#token={}", record.url(), token.as_str()),
        Err(_) => record.url(),
    }
}

fn told(record: &Record, link: &str) -> Value {
    json!({
        "running": true,
        "address": record.url(),
        "link": link,
        "kind": record.kind,
        "version": record.version,
        "pid": record.pid,
    })
}

async fn stop(home: &Home, output: &Output) -> Result<Exit, Failure> {
    let Some(record) = Record::find(home) else {
        output.note(Tone::Dim, "no server runs");
        return Ok(Exit::Success);
    };
    if record.kind == Kind::App {
        return Err(Failure::Report(Report {
            code: "conflict".to_owned(),
            message: "the desktop app is the server".to_owned(),
            causes: Vec::new(),
            hint: Some("quit the app".to_owned()),
        }));
    }
    // Alive a moment ago, and it wrote its number while it held its lock. If it ended since then, all is well.
    let _ = kill(Pid::from_raw(i32::try_from(record.pid).unwrap_or(0)), Signal::SIGTERM);
    let gone = {
        let home = home.clone();
        tokio::task::spawn_blocking(move || wait_until_gone(&home))
    };
    tokio::select! {
        gone = gone => gone.map_err(std::io::Error::other)??,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            return Ok(Exit::INTERRUPT);
        }
    }
    output.note(Tone::Dim, "the server has ended");
    Ok(Exit::Success)
}

async fn status(home: &Home, as_json: bool, output: &Output) -> Result<Exit, Failure> {
    let Some(record) = Record::find(home) else {
        if as_json {
            answer(&json!({ "running": false }).to_string())?;
        } else {
            answer("no server runs; `stigmer server start` starts one")?;
        }
        return Ok(Exit::No);
    };
    let address = record.url();
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    let answers =
        timeout(Duration::from_secs(1), TcpStream::connect(address)).await.is_ok_and(|it| it.is_ok());
    let link = link(home, &record);
    if as_json {
        let mut line = told(&record, &link);
        line["answers"] = answers.into();
        answer(&line.to_string())?;
    } else {
        let what = if record.kind == Kind::App { "the desktop app" } else { "stigmer server" };
        let state = if answers { "" } else { ", and does not answer" };
        answer(&format!(
            "{}\n{what}, version {}, process {}{state}",
            output.paint(Tone::Strong, link),
            record.version,
            record.pid
        ))?;
    }
    Ok(Exit::Success)
}
