//! What to do about each failure.

use std::io;

use super::{Error, cloud, is_full, is_locked};

const FREE_SPACE: &str =
    "free some space on that disk; old runs are the folders in `runs` of the home folder";

impl Error {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::InvalidSpec { hint, .. }
            | Self::BackendUnavailable { hint, .. }
            | Self::Registry { hint, .. }
            | Self::Build { hint, .. }
            | Self::MountUnusable { hint, .. }
            | Self::SandboxRefused { hint, .. }
            | Self::Conflict { hint, .. } => hint,
            Self::ImageNotFound { .. } => {
                "check the name, get it with `stigmer image pull`, or build the basic one with `stigmer image build basic`"
            }
            Self::Incomplete { .. } => "see the table above; build the image again, or name another --tier",
            Self::Cloud(source) => cloud::hint(source),
            Self::NoCloudKey { .. } => {
                "make one at https://app.daytona.io/dashboard/keys, then: stigmer auth login"
            }
            Self::OverLimit { .. } => {
                "run it with --over-limit all the same, elsewhere with --mode, or raise `daytona.monthly_limit`"
            }
            Self::Copy { .. } => {
                "look at both paths; one in a sandbox begins at its workspace unless it is absolute"
            }
            Self::Sync { .. } => {
                "run it again, which brings the rest; leave out what should not go with a .stigmerignore file"
            }
            Self::PortInUse { .. } => "choose another with --port, or end the program that has it",
            Self::SandboxNotFound { .. } => "see `stigmer sandbox list` for what there is",
            Self::SessionNotFound { .. } => "see `stigmer session list` for those that go on",
            Self::ProgramNotFound { program } if program.contains(char::is_whitespace) => {
                "a line for the shell is one argument and comes last; options of `stigmer` stand before it"
            }
            Self::ProgramNotFound { .. } => "check the name, or install it where the run happens",
            Self::ProgramNotExecutable { .. } => {
                "check its permissions and that it is built for this machine"
            }
            Self::InterpreterNotFound { tried, .. } => {
                return Some(format!("install one of: {}", tried.join(", ")));
            }
            Self::Folder { .. } => "check that the folder exists and may be entered",
            Self::GuardUnavailable { .. } => "use a newer Linux kernel, or run it without --guard",
            Self::File { .. } => "check its name, that you may read it, and what it says",
            Self::FileTooLarge { .. } => "open it in another program",
            Self::OutsideWorkspace { .. } => {
                "use a path in the workspace; links that lead out of it are not followed"
            }
            Self::Connection { .. } | Self::SandboxLost { .. } => {
                "run it again; what it printed so far is kept"
            }
            Self::Storage { source, path, .. } => match source.kind() {
                io::ErrorKind::StorageFull => FREE_SPACE,
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    return Some(format!(
                        "make `{}` writable, or set STIGMER_HOME to a folder that is",
                        path.display()
                    ));
                }
                _ => "check that the folder is there and may be written to",
            },
            Self::History { source } if is_locked(source) => {
                "another program holds the database; close it and try again"
            }
            Self::History { source } if is_full(source) => FREE_SPACE,
            Self::HistoryNewer { .. } => "upgrade Stigmer to the version that wrote it; nothing was changed",
            Self::History { .. } => "run `stigmer doctor`; the logs of the runs are not affected",
            Self::NoHome => "set STIGMER_HOME to a folder that may be written",
            Self::RunNotFound { .. } => "see `stigmer runs` for what there is",
            Self::RunAmbiguous { .. } => "give more of the id",
            Self::Config { hint, .. } => return Some(hint.clone()),
            Self::SecretNotFound { .. } => "see `stigmer secret list`, or add it with `stigmer secret set`",
            Self::KeychainLocked => "unlock the keychain of your desktop and try again",
            Self::KeychainAbsent { .. } => {
                "start a Secret Service such as gnome-keyring, or pass the value as an environment variable"
            }
            Self::Pattern { .. } => "escape special characters, or search for plain text with --fixed",
            Self::Output { .. } | Self::Stopped => return None,
        };
        Some(hint.to_owned())
    }
}
