//! `stigmer session`: the interpreters that go on between runs.

use serde_json::json;
use stigmer_engine::backend::local::sessions;
use stigmer_engine::home::Home;

use crate::args::SessionCommand;
use crate::exit::{Exit, Failure};
use crate::image::age;
use crate::output::{Output, Tone, answer};
use crate::table::Table;

/// Carries out `stigmer session`.
pub(crate) fn session(command: &SessionCommand, output: &Output) -> Result<Exit, Failure> {
    let home = Home::of_user()?;
    match command {
        SessionCommand::List { json } => {
            let sessions = sessions::list(&home);
            if *json {
                answer(&json!(sessions).to_string())?;
            } else if sessions.is_empty() {
                output.note(Tone::Dim, "no sessions; `stigmer run --session NAME -c CODE` begins one");
            } else {
                let mut table = Table::new(["SESSION", "SINCE", "WORKSPACE"]);
                for session in sessions {
                    table.row([
                        (Tone::Strong, session.name),
                        (Tone::Dim, age(session.since)),
                        (Tone::Plain, session.workspace.display().to_string()),
                    ]);
                }
                answer(&table.text(output))?;
            }
        }
        SessionCommand::End { names, workspace } => {
            for name in names {
                sessions::end(&home, name, workspace.as_deref())?;
                output.note(Tone::Dim, format_args!("{name} has ended"));
            }
        }
    }
    Ok(Exit::Success)
}
