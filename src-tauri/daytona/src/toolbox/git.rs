//! Repositories. Only cloning: everything else is better done by `git` itself, as a command.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::Toolbox;
use crate::error::Result;

/// A repository to clone.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct GitClone {
    /// Where it is.
    pub url: String,
    /// The folder that it becomes.
    pub path: String,
    /// The only branch to fetch, if not the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit to check out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_id: Option<String>,
    /// How many commits to fetch. Ignored by sandboxes before autumn 2026.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// The user; anything with a token of GitHub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password, or a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

impl fmt::Debug for GitClone {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitClone").field("url", &self.url).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Toolbox {
    /// Clones a repository into a folder of the sandbox, within a time limit. It is never repeated, and goes on when
    /// this future is dropped.
    pub async fn git_clone(&self, clone: &GitClone, within: Duration) -> Result<()> {
        let call = self.post(&["git", "clone"])?.json(clone)?.within(within);
        self.http.done(call).await
    }
}
