//! Exit codes, and failures that end the program.

use stigmer_engine::state::Outcome;
use stigmer_engine::{Error, Report};

/// The exit codes that are ours; everything else is the program's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Success,
    /// Done, and the answer is no: differences found, nothing found, a check failed.
    No,
    /// The program's own code.
    Program(i32),
    /// The time limit ended the run.
    TimedOut,
    /// The engine could not do it.
    Engine,
    /// The program was found and could not be executed.
    NotExecutable,
    /// The program was not found.
    NotFound,
    /// A signal ended the run, or us.
    Signal(i32),
}

impl Exit {
    pub(crate) const INTERRUPT: Self = Self::Signal(2);
    pub(crate) const PIPE: Self = Self::Signal(13);

    pub(crate) const fn code(self) -> i32 {
        match self {
            Self::Success => 0,
            Self::No => 1,
            Self::Program(code) => code,
            Self::TimedOut => 124,
            Self::Engine => 125,
            Self::NotExecutable => 126,
            Self::NotFound => 127,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

impl From<&Outcome> for Exit {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::TimedOut { .. } => Self::TimedOut,
            Outcome::Cancelled { .. } => Self::INTERRUPT,
            Outcome::Error { error } => match error.code.as_str() {
                "program-not-found" | "interpreter-not-found" => Self::NotFound,
                "program-not-executable" => Self::NotExecutable,
                _ => Self::Engine,
            },
            Outcome::Lost => Self::Engine,
            Outcome::Succeeded | Outcome::Failed { .. } => {
                outcome.exit_code().map_or(Self::Engine, Self::Program)
            }
        }
    }
}

/// Why the program ends without having done what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// To be shown.
    Report(Report),
    /// Standard output was closed by its reader: nothing to say, and nobody to say it to.
    OutputClosed,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Output { source } => source.into(),
            error => Self::Report(error.into()),
        }
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Self::Report(report)
    }
}

impl From<std::io::Error> for Failure {
    /// Errors of input and output that reach this far are those of our own standard streams.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::OutputClosed;
        }
        Self::Report(Report {
            code: "output".to_owned(),
            message: "writing the output failed".to_owned(),
            causes: vec![error.to_string()],
            hint: None,
        })
    }
}

impl Failure {
    /// A wrong use of options that only shows when they are looked at together.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Report(Report {
            code: "usage".to_owned(),
            message: message.into(),
            causes: Vec::new(),
            hint: Some(hint.into()),
        })
    }
}
