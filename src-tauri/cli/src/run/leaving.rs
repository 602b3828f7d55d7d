//! What leaves this machine with the first copy of a workspace: shown before it does, to whoever sits there.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use stigmer_engine::config::{Config, Sources};
use stigmer_engine::home::Home;
use stigmer_engine::size::size;
use stigmer_engine::spec::{Mode, RunSpec};
use stigmer_engine::workspace::upload::{self, Upload};
use tokio_util::sync::CancellationToken;

use crate::args::Run;
use crate::exit::Failure;
use crate::output::Output;

/// Lines for what looks as if it should not go, and for the largest files.
const NAMED: usize = 6;

/// Looks at what would leave; `None` where the workspace was copied before.
pub(super) fn survey(spec: &RunSpec, config: &Config, home: &Home) -> Result<Option<Upload>, Failure> {
    let mode = spec.target.mode.unwrap_or_else(|| config.mode());
    if mode != Mode::Daytona || !upload::is_first(&spec.workspace, config, home) {
        return Ok(None);
    }
    // Whoever gives up ends this program.
    Ok(Some(Upload::survey(&spec.workspace, home, &CancellationToken::new())?))
}

/// Whether a run may go on: nothing leaves for the first time, nobody is to be asked, or they agree.
pub(super) fn agreed(
    options: &Run,
    spec: &RunSpec,
    sources: &Sources,
    output: &Output,
) -> Result<bool, Failure> {
    // Where nobody sits there the log of the run says it.
    let asks = !options.yes && !options.json && io::stdin().is_terminal() && io::stderr().is_terminal();
    if !asks {
        return Ok(true);
    }
    let sources = Sources { workspace: Some(spec.workspace.clone()), ..sources.clone() };
    // What is wrong with the settings is told by whoever starts the run.
    let Ok(config) = Config::load(&sources) else { return Ok(true) };
    let home = Home::of_user()?;
    if !config.flag("daytona.confirm_upload").unwrap_or(true) {
        return Ok(true);
    }
    let Some(upload) = survey(spec, &config, &home)?.filter(|upload| upload.files > 0) else {
        return Ok(true);
    };
    writeln!(io::stderr(), "{}", list("This folder goes to the cloud for the first time: ", &upload))?;
    write!(io::stderr(), "Copy it to the cloud? [y]es, [N]o, [a]lways for this folder: ")?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "a" | "always" => upload::allow(&spec.workspace, &config, &home).map(|()| true).map_err(Into::into),
        _ => {
            output
                .warning("nothing was copied and nothing run; `.stigmerignore` names what should stay here");
            Ok(false)
        }
    }
}

/// What would leave, in lines that follow this heading.
fn list(heading: &str, upload: &Upload) -> String {
    let mut text = format!("{heading}{}", amount(upload));
    for one in upload.unwanted.iter().take(NAMED) {
        let _ = write!(text, "\n  look at  {one}");
    }
    if upload.unwanted.len() > NAMED {
        let _ = write!(text, "\n           and {} more", upload.unwanted.len() - NAMED);
    }
    for one in upload.largest.iter().take(3) {
        let _ = write!(text, "\n  largest  {} ({})", shown(&one.path), size(one.bytes));
    }
    for one in upload.left_out.iter().take(NAMED) {
        let entries = if one.entries == 1 { "entry" } else { "entries" };
        let _ = write!(text, "\n  stays    {} {entries} by {}", one.entries, shown(&one.by));
    }
    text
}

/// How much would leave, in words.
pub(super) fn amount(upload: &Upload) -> String {
    let more = if upload.more { "more than " } else { "" };
    let files = if upload.files == 1 { "file" } else { "files" };
    format!("{more}{} {files}, {}", upload.files, size(upload.bytes))
}

/// What would leave, in lines that follow a heading of ten characters.
pub(super) fn details(upload: &Upload) -> String {
    list("", upload)
}

/// A name that cannot do anything to a terminal.
fn shown(name: &str) -> String {
    name.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
