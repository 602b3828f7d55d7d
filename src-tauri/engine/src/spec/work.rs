//! What a run executes.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::text::path_form;
use super::{ImageTask, Text};

/// What a run executes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "snake_case", tag = "kind")]
pub enum Work {
    /// A line for a shell.
    Line {
        /// The line.
        line: Text,
        /// The shell; by default the setting `local.shell`, else `sh`.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "path_form::optional")]
        shell: Option<PathBuf>,
    },
    /// A program and its arguments, passed exactly as they are.
    Program {
        /// Program first; not empty.
        argv: Vec<Text>,
    },
    /// A script in a language that has an interpreter.
    Script {
        /// The language.
        language: Language,
        /// Where the code is.
        code: Code,
        /// Arguments for the script.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        args: Vec<Text>,
    },
    /// Something that is done with an image, by the engine of sandboxes itself.
    Image {
        /// What.
        #[serde(flatten)]
        task: ImageTask,
    },
}

impl fmt::Display for Work {
    /// The work as one line that a person recognises. For a program it can be pasted into a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { line, .. } => line.fmt(f),
            Self::Program { argv } => {
                for (index, word) in argv.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" ")?;
                    }
                    f.write_str(&word.quoted())?;
                }
                Ok(())
            }
            Self::Image { task } => task.fmt(f),
            Self::Script { language, code, args } => {
                write!(f, "{}", language.name())?;
                match code {
                    Code::File { path } => write!(f, " {}", path.display())?,
                    Code::Inline { text } => {
                        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
                        write!(f, ": {}", first.trim())?;
                    }
                }
                args.iter().try_for_each(|word| write!(f, " {}", word.quoted()))
            }
        }
    }
}

/// Languages that scripts may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Python 3.
    Python,
    /// JavaScript, on Node.js.
    Javascript,
    /// TypeScript, on whatever runs it without a build.
    Typescript,
    /// Bash.
    Bash,
}

impl Language {
    /// Every language, in the order they are listed to people.
    pub const ALL: [Self; 4] = [Self::Python, Self::Javascript, Self::Typescript, Self::Bash];

    /// Its name in options and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Javascript => "javascript",
            Self::Typescript => "typescript",
            Self::Bash => "bash",
        }
    }

    /// The ending of its files.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Python => "py",
            Self::Javascript => "js",
            Self::Typescript => "ts",
            Self::Bash => "sh",
        }
    }
}

/// Where the code of a script is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// In a file; absolute.
    File {
        /// The file.
        #[serde(with = "path_form")]
        path: PathBuf,
    },
    /// In the specification itself.
    Inline {
        /// The code.
        text: String,
    },
}
