//! Questions to whoever sits at the terminal.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use crate::exit::Failure;

/// Asks whether to go on. Where nobody sits there, what should have been asked is an error with this hint.
pub(crate) fn agreed(question: &str, unasked: &str, hint: &'static str) -> Result<bool, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::usage(unasked.to_owned(), hint));
    }
    write!(std::io::stderr(), "{question} [y/N] ")?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}
