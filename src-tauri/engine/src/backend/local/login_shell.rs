//! The environment of the user's login shell. An app that is started from a desktop's menu does not have it,
//! so it is asked for once, in the background and with a time limit; until it answers, runs wait for it.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::os;
use crate::spec::Text;

/// Longest time that a shell is given to start, with all that its profile does.
const LIMIT: Duration = Duration::from_secs(5);

/// Largest environment that is believed, in bytes.
const LARGEST: u64 = 4 << 20;

/// Stands before the variables, since a profile may print things of its own.
const MARK: &str = "-- variables of the login shell --";

/// The variables of the login shell, and where they came from.
#[derive(Debug, Clone)]
pub struct LoginShell {
    /// Names and values.
    pub variables: Vec<(Text, Text)>,
    /// The shell that was asked; `None` when it gave no answer and the app's own variables are used.
    pub shell: Option<String>,
}

/// Asks the login shell at its first use, and remembers the answer.
#[derive(Debug, Default)]
pub struct Resolver {
    answer: OnceCell<LoginShell>,
}

impl Resolver {
    /// The answer; waits for it at most five seconds, the first time only.
    pub async fn get(&self) -> &LoginShell {
        self.answer.get_or_init(|| resolve(os::login_shell(), LIMIT)).await
    }
}

/// Asks `shell` for its variables as a login would see them.
pub async fn resolve(shell: Option<std::path::PathBuf>, limit: Duration) -> LoginShell {
    if let Some(shell) = shell
        && let Ok(Some(variables)) = tokio::time::timeout(limit, ask(&shell)).await
    {
        return LoginShell { variables, shell: Some(shell.display().to_string()) };
    }
    let variables = std::env::vars_os().map(|(name, value)| (name.into(), value.into())).collect();
    LoginShell { variables, shell: None }
}

async fn ask(shell: &std::path::Path) -> Option<Vec<(Text, Text)>> {
    let mut command = Command::new(shell);
    command
        .args(["-l", "-i", "-c", &format!("printf '%s' '{MARK}'; env -0; printf '%s' '{MARK}'")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    // Without a terminal of its own an interactive shell cannot take ours away.
    os::in_new_session(&mut command);
    let mut child = command.spawn().ok()?;
    let mut stdout = child.stdout.take()?.take(LARGEST);
    let mut answer = Vec::new();
    // Up to the second mark and not to the end: something that the profile started may keep the pipe open.
    let (start, end) = loop {
        let mut marks = memchr::memmem::find_iter(&answer, MARK.as_bytes());
        if let (Some(start), Some(end)) = (marks.next(), marks.next()) {
            break (start + MARK.len(), end);
        }
        drop(marks);
        if stdout.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
    };
    let variables: Vec<_> = answer[start..end].split(|&byte| byte == 0).filter_map(variable).collect();
    (!variables.is_empty()).then_some(variables)
}

fn variable(entry: &[u8]) -> Option<(Text, Text)> {
    let equals = memchr::memchr(b'=', entry).filter(|&at| at > 0)?;
    let text = |bytes: &[u8]| os::text_from_bytes(bytes.to_vec()).ok().map(Text::from);
    let name = text(&entry[..equals])?;
    // These describe the shell that was asked and not the run.
    let own = ["_", "SHLVL", "PWD", "OLDPWD"].iter().any(|own| name.as_os() == *own);
    if own { None } else { Some((name, text(&entry[equals + 1..])?)) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn shell(script: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shell");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        (folder, path)
    }

    #[tokio::test]
    async fn variables_of_the_profile_are_found_behind_what_it_prints() {
        let (_folder, shell) =
            shell("echo welcome to this machine; export FROM_PROFILE='a\nb=c'; eval \"$4\"");
        let answer = resolve(Some(shell), LIMIT).await;
        let found = answer.variables.iter().find(|(name, _)| name.as_os() == "FROM_PROFILE");
        assert_eq!(found.map(|(_, value)| value.as_bytes()), Some(&b"a\nb=c"[..]));
        assert!(answer.shell.is_some());
    }

    #[tokio::test]
    async fn a_program_that_the_profile_leaves_running_does_not_hold_up_the_answer() {
        let (_folder, shell) = shell("sleep 1000 & eval \"$4\"; kill $!");
        assert!(resolve(Some(shell), LIMIT).await.shell.is_some());
    }

    #[tokio::test]
    async fn a_shell_that_never_answers_leaves_the_variables_of_the_app() {
        let (_folder, shell) = shell("exec sleep 1000");
        let answer = resolve(Some(shell), Duration::from_millis(100)).await;
        assert_eq!(answer.shell, None);
        assert!(answer.variables.iter().any(|(name, _)| name.as_os() == "PATH"));
    }

    #[tokio::test]
    async fn a_missing_shell_leaves_the_variables_of_the_app() {
        assert_eq!(resolve(Some("/no/such/shell".into()), LIMIT).await.shell, None);
    }
}
