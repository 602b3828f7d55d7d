//! What an engine says about itself.

use super::{Docker, Wish, client};
use crate::error::Result;

/// An engine that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Where it is.
    pub address: super::Address,
    /// Its version.
    pub version: String,
    /// The system that it runs on, in its own words.
    pub system: String,
    /// Bytes that are free where it keeps its images, where this machine can see that.
    pub free: Option<u64>,
}

impl Docker {
    /// What the engine says about itself.
    pub async fn about(&self, wish: &Wish) -> Result<About> {
        let engine = self.engine(wish)?;
        client::ping(&engine.api, &engine.address).await?;
        let found = engine.api.info().await;
        let found = found.map_err(|failure| client::unreachable(&engine.address, &failure))?;
        let folder = found.docker_root_dir.filter(|_| engine.address.is_local());
        let free = match folder {
            Some(folder) => crate::run::blocking(move || Ok(crate::os::free_space(folder.as_ref()))).await?,
            None => None,
        };
        Ok(About {
            address: engine.address,
            version: found.server_version.unwrap_or_default(),
            system: found.operating_system.unwrap_or_default(),
            free,
        })
    }
}
