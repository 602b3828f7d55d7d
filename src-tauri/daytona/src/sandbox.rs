//! Sandboxes: made, listed, started, stopped, kept, deleted.
//!
//! Every change is asynchronous: the call answers when the server has accepted it (creating and starting are held up
//! to 30 s), and [`Sandboxes::wait`] waits for what comes of it. Calls take an id or a name.
//!
//! A call whose answer is lost is not made again blindly. Creating looks the name up first; starting, stopping and
//! the like look at the sandbox. Dropping a future leaves the server to do what it was asked if the request had
//! arrived: after dropping [`Sandboxes::create`], look for the name.

mod access;
mod create;
mod life;
mod list;
mod model;
mod settings;
mod wait;

pub use self::access::{PreviewUrl, SshAccess};
pub use self::create::{Build, NewSandbox, Resources, Template, VolumeMount};
pub use self::list::{Filter, Page, Pages, Sort};
pub use self::model::{BackupState, BuildInfo, DesiredState, Sandbox, State};
pub use self::settings::Resize;
use crate::build_log::{BuildLog, Subject};
use crate::client::Client;
use crate::error::Result;
use crate::toolbox::Toolbox;

/// The sandboxes of the key's organization.
#[derive(Debug, Clone)]
pub struct Sandboxes {
    client: Client,
}

impl Sandboxes {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// One sandbox, by id or name.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none, or it was destroyed.
    pub async fn get(&self, id: &str) -> Result<Sandbox> {
        self.client.http.json(self.client.base.get(&["sandbox", id])?).await
    }

    /// What happens inside of a sandbox, also where its object does not say how to get there.
    pub async fn toolbox(&self, sandbox: &Sandbox) -> Result<Toolbox> {
        #[derive(serde::Deserialize)]
        struct Url {
            url: String,
        }
        if !sandbox.toolbox_proxy_url.is_empty() {
            return self.client.toolbox(sandbox);
        }
        let call = self.client.base.get(&["sandbox", &sandbox.id, "toolbox-proxy-url"])?;
        let Url { url } = self.client.http.json(call).await?;
        Toolbox::at(self.client.http.clone(), &url, &sandbox.id)
    }

    /// The log of the build of a sandbox's image, from its start, followed to the end of the build.
    pub fn build_log(&self, id: impl Into<String>) -> BuildLog {
        BuildLog::new(self.client.clone(), Subject::Sandbox(id.into()))
    }
}
