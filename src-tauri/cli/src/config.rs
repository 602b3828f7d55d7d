//! `stigmer config`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;
use stigmer_engine::config::{self, Config, Findings, PROJECT_FILE, Sources, UserFile, project_file};
use stigmer_engine::home::Home;
use stigmer_engine::{Error, Report};

use crate::args::{Arguments, ConfigArguments, ConfigCommand};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};

/// Where the settings of this call come from.
pub(crate) fn sources(arguments: &Arguments) -> Result<Sources, Failure> {
    let user = match &arguments.config {
        Some(file) => UserFile::Named(std::path::absolute(file)?),
        None => UserFile::Usual(Home::of_user()?.config()),
    };
    // Without a folder there is no project; whoever needs the folder says so.
    let workspace = std::env::current_dir().ok();
    let environment = std::env::vars_os().collect();
    Ok(Sources { user, workspace, environment, options: Vec::new() })
}

/// Carries out `stigmer config`.
pub(crate) fn config(
    arguments: ConfigArguments,
    sources: &Sources,
    output: &Output,
) -> Result<Exit, Failure> {
    match arguments.command.unwrap_or(ConfigCommand::List { json: false }) {
        ConfigCommand::List { json } => list(sources, json, output),
        ConfigCommand::Get { key, json } => {
            let config = load(sources, output)?;
            let setting = config.get(&key)?;
            answer(&if json { json!(setting).to_string() } else { setting.shown() })?;
            Ok(Exit::Success)
        }
        ConfigCommand::Set { key, value, project } => {
            let file = file(sources, project)?;
            config::set(&file, &key, &value)?;
            output.note(Tone::Dim, format_args!("{key} is set in {}", file.display()));
            Ok(Exit::Success)
        }
        ConfigCommand::Unset { key, project } => {
            let file = file(sources, project)?;
            let removed = config::unset(&file, &key)?;
            let what = if removed { "is removed from" } else { "was not set in" };
            output.note(Tone::Dim, format_args!("{key} {what} {}", file.display()));
            Ok(Exit::Success)
        }
        ConfigCommand::Path => {
            answer(&sources.user.path().display().to_string())?;
            Ok(Exit::Success)
        }
        ConfigCommand::Edit => edit(sources, output),
        ConfigCommand::Check { json } => check(sources, json, output),
    }
}

fn load(sources: &Sources, output: &Output) -> Result<Config, Failure> {
    let config = Config::load(sources)?;
    for warning in config.warnings() {
        output.warning(warning);
    }
    Ok(config)
}

fn list(sources: &Sources, as_json: bool, output: &Output) -> Result<Exit, Failure> {
    let config = load(sources, output)?;
    if as_json {
        let lines: Vec<_> = config.settings().iter().map(|setting| json!(setting).to_string()).collect();
        answer(&lines.join("\n"))?;
        return Ok(Exit::Success);
    }
    let name_width = config.settings().iter().map(|setting| setting.key.name.len()).max().unwrap_or(0);
    let value_width =
        config.settings().iter().map(|setting| setting.shown().len().min(40)).max().unwrap_or(0);
    let mut text = String::new();
    for setting in config.settings() {
        let (name, shown) = (setting.key.name, setting.shown());
        let origin = output.paint(Tone::Dim, &setting.origin);
        let _ = writeln!(text, "{name:name_width$}  {shown:value_width$}  {origin}");
    }
    answer(&text)?;
    Ok(Exit::Success)
}

/// The file that a change goes to.
fn file(sources: &Sources, project: bool) -> Result<PathBuf, Failure> {
    if !project {
        return Ok(sources.user.path().to_owned());
    }
    let here = std::env::current_dir().map_err(|source| Error::Folder { path: ".".into(), source })?;
    Ok(project_file(&here).unwrap_or_else(|| here.join(PROJECT_FILE)))
}

fn edit(sources: &Sources, output: &Output) -> Result<Exit, Failure> {
    let named = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()));
    let editor = named.unwrap_or_else(|| "vi".to_owned());
    let path = sources.user.path();
    config::create_if_missing(path)?;
    // An editor may come with options, as in `code --wait`.
    let status = Command::new("sh").args(["-c", &format!("{editor} \"$1\""), "sh"]).arg(path).status();
    let failed = |why: String| Report {
        code: "editor".to_owned(),
        message: format!("the editor `{editor}` failed"),
        causes: vec![why],
        hint: Some("set EDITOR to your editor".to_owned()),
    };
    match status {
        Ok(status) if status.success() => check(sources, false, output),
        Ok(status) => Err(failed(status.to_string()).into()),
        Err(error) => Err(failed(error.to_string()).into()),
    }
}

fn check(sources: &Sources, as_json: bool, output: &Output) -> Result<Exit, Failure> {
    let Findings { problems, warnings } = config::check(sources);
    let good = problems.is_empty();
    let problems: Vec<Report> = problems.into_iter().map(Report::from).collect();
    if as_json {
        answer(&json!({ "ok": good, "problems": problems, "warnings": warnings }).to_string())?;
    } else {
        for problem in &problems {
            output.report(problem);
        }
        for warning in &warnings {
            output.warning(warning);
        }
        if good && warnings.is_empty() {
            output.note(Tone::Good, "every setting is understood");
        }
    }
    Ok(if good { Exit::Success } else { Exit::No })
}
