//! `stigmer secret`. Values come from a hidden prompt or standard input, never from the command line, where
//! other programs and the shell's history would see them.

use std::io::{self, IsTerminal, Read};

use serde_json::json;
use stigmer_engine::Error;
use stigmer_engine::secrets::{Secret, SecretName, Secrets};

use crate::args::SecretCommand;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};
use crate::run::hidden_line;

/// Longest value that is read, in bytes: one more than is accepted, so that a longer one is refused and not cut.
const LONGEST: u64 = (64 << 10) + 2;

/// Carries out `stigmer secret`.
pub(crate) async fn secret(command: SecretCommand, output: &Output) -> Result<Exit, Failure> {
    let secrets = Secrets::new();
    match command {
        SecretCommand::Set { name } => {
            let name: SecretName = name.parse()?;
            secrets.set(&name, value(&format!("Value of {name}: "))?).await?;
            output.note(Tone::Dim, format_args!("{name} is kept; use it with `stigmer run --secret {name}`"));
        }
        SecretCommand::List { json } => {
            let names = secrets.names().await?;
            if json {
                let names: Vec<_> = names.iter().map(SecretName::as_str).collect();
                answer(&json!(names).to_string())?;
            } else if names.is_empty() {
                output.note(Tone::Dim, "no secrets; `stigmer secret set NAME` keeps one");
            } else {
                answer(&names.iter().map(SecretName::as_str).collect::<Vec<_>>().join("\n"))?;
            }
        }
        SecretCommand::Rm { names } => {
            for name in names {
                let name: SecretName = name.parse()?;
                secrets.remove(&name).await?;
                output.note(Tone::Dim, format_args!("{name} is removed"));
            }
        }
    }
    Ok(Exit::Success)
}

/// The value of a secret, without the line end that a prompt or `echo` puts behind it.
pub(crate) fn value(prompt: &str) -> Result<Secret, Failure> {
    let unreadable = |source| Error::File { path: "standard input".into(), source };
    let mut stdin = io::stdin();
    let mut value = Vec::new();
    if stdin.is_terminal() {
        value = hidden_line(prompt).map_err(unreadable)?;
    } else {
        Read::by_ref(&mut stdin).take(LONGEST).read_to_end(&mut value).map_err(unreadable)?;
    }
    if value.last() == Some(&b'\n') {
        value.pop();
        if value.last() == Some(&b'\r') {
            value.pop();
        }
    }
    Ok(Secret::new(value)?)
}
