//! Ways into a sandbox from outside: its ports and SSH.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use super::Sandboxes;
use crate::error::Result;
use crate::model::lenient;

/// The address of a port of a sandbox.
#[derive(Clone, Deserialize)]
pub struct PreviewUrl {
    /// The address. A signed one lets in whoever knows it, so it is a secret.
    pub url: String,
    /// For the header `X-Daytona-Preview-Token` where the address is not signed. Changes when the sandbox is restarted.
    pub token: String,
}

impl fmt::Debug for PreviewUrl {
    /// Nothing: both are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreviewUrl").finish_non_exhaustive()
    }
}

/// Access to a sandbox by SSH.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SshAccess {
    /// The command, as `ssh [-p PORT] TOKEN@HOST`. It has the token in it.
    pub ssh_command: String,
    /// The token, which is the user name.
    pub token: String,
    /// Until when it works.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for SshAccess {
    /// Without what lets in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshAccess").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Sandboxes {
    /// The address of a port, to be used with its token.
    pub async fn preview_url(&self, id: &str, port: u16) -> Result<PreviewUrl> {
        let call = self.client.base.get(&["sandbox", id, "ports", &port.to_string(), "preview-url"])?;
        self.client.http.json(call).await
    }

    /// An address of a port with the token in it, for browsers; it works for `seconds`, 1 to 86400.
    pub async fn signed_preview_url(&self, id: &str, port: u16, seconds: u32) -> Result<PreviewUrl> {
        let path = ["sandbox", id, "ports", &port.to_string(), "signed-preview-url"];
        let call = self.client.base.get(&path)?.query("expiresInSeconds", seconds.to_string());
        self.client.http.json(call).await
    }

    /// Lets in by SSH for so many minutes. Ends every access that was given before.
    pub async fn ssh_access(&self, id: &str, minutes: u32) -> Result<SshAccess> {
        let call = self.client.base.post(&["sandbox", id, "ssh-access"])?.harmless();
        self.client.http.json(call.query("expiresInMinutes", minutes.to_string())).await
    }

    /// Ends every access by SSH.
    pub async fn revoke_ssh_access(&self, id: &str) -> Result<()> {
        let call = self.client.base.delete(&["sandbox", id, "ssh-access"])?.harmless();
        self.client.http.done(call).await
    }
}
