//! Everything that the command line says itself. A program's output does not pass through here, and what this
//! module writes about a run goes to standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use stigmer_engine::Report;

use crate::exit::{Exit, Failure};

/// How much is said, and whether in colour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    notes: bool,
    warnings: bool,
    colour_out: bool,
    colour_err: bool,
    status: bool,
}

/// The meaning of a piece of text, shown as colour where there is any.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tone {
    Plain,
    Dim,
    Strong,
    Good,
    Bad,
    Warning,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "2",
            Self::Strong => "1",
            Self::Good => "32",
            Self::Bad => "31",
            Self::Warning => "33",
        }
    }
}

impl Output {
    pub(crate) fn new(verbose: bool, quiet: bool) -> Self {
        let coloured = |is_terminal: bool| {
            let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
            is_terminal && !unwanted && !dumb
        };
        Self {
            notes: verbose || (io::stderr().is_terminal() && !quiet),
            warnings: !quiet,
            colour_out: coloured(io::stdout().is_terminal()),
            colour_err: coloured(io::stderr().is_terminal()),
            status: io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
        }
    }

    /// Text in a tone, for standard output.
    pub(crate) fn paint(&self, tone: Tone, text: impl Display) -> String {
        paint(self.colour_out, tone, text)
    }

    /// A line of our own about what happens; left out where nobody watches.
    pub(crate) fn note(&self, tone: Tone, text: impl Display) {
        if self.notes {
            to_stderr(&paint(self.colour_err, tone, text));
        }
    }

    /// What happens right now, on a line that the next one replaces; an empty one takes it away. Shown on a terminal
    /// alone.
    pub(crate) fn status(&self, text: &str) {
        if self.notes && self.status {
            let text: String = text.chars().filter(|letter| !letter.is_control()).take(78).collect();
            // A terminal that is gone shows nothing.
            let _ = write!(io::stderr(), "\r\x1b[2K{}", paint(self.colour_err, Tone::Dim, text));
        }
    }

    /// Something that the user should know, whoever watches.
    pub(crate) fn warning(&self, text: impl Display) {
        if self.warnings {
            to_stderr(&format!("{} {text}", paint(self.colour_err, Tone::Warning, "warning:")));
        }
    }

    /// A failure in full: what, why, what next.
    pub(crate) fn report(&self, report: &Report) {
        let mut text = format!("{} {}", paint(self.colour_err, Tone::Bad, "error:"), report.message);
        for cause in &report.causes {
            text.push_str("\n  caused by: ");
            text.push_str(cause);
        }
        if let Some(hint) = &report.hint {
            text.push('\n');
            text.push_str(&paint(self.colour_err, Tone::Good, "hint:"));
            text.push(' ');
            text.push_str(hint);
        }
        text.push_str("   ");
        text.push_str(&paint(self.colour_err, Tone::Dim, format_args!("[{}]", report.code)));
        to_stderr(&text);
    }

    /// Says why the program ends, and with which code.
    pub(crate) fn failure(&self, failure: &Failure) -> Exit {
        match failure {
            Failure::OutputClosed => Exit::PIPE,
            Failure::Report(report) => {
                self.report(report);
                Exit::Engine
            }
        }
    }
}

fn to_stderr(text: &str) {
    // A standard error that is closed is nothing that could be told anybody.
    let _ = writeln!(io::stderr(), "{text}");
}

fn paint(colour: bool, tone: Tone, text: impl Display) -> String {
    match tone.code() {
        "" => text.to_string(),
        code if colour => format!("\x1b[{code}m{text}\x1b[0m"),
        _ => text.to_string(),
    }
}

/// Writes a whole answer to standard output.
pub(crate) fn answer(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    Ok(stdout.flush()?)
}
