//! Files that a Dockerfile copies: they lie in the server's storage, in archives that builds name.
//!
//! The storage speaks S3's language. The server lends credentials for an hour that reach the organization's own folder
//! and nothing else; the key itself is not sent there.

mod signature;

use std::fmt;
use std::io::{self, Read as _};
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::stream;
use futures_util::{StreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use reqwest::Method;
use ring::digest;
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use self::signature::{Signer, hex};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::http::{Base, Call, Source};

/// A tar archive, not compressed. Its entries have the paths that the Dockerfile names; several archives are unpacked one
/// over the other.
#[derive(Debug, Clone)]
pub enum Archive {
    /// At hand.
    Bytes(Bytes),
    /// A file of this machine, read while it is sent.
    File(PathBuf),
}

/// The archives that builds copy from.
#[derive(Debug, Clone)]
pub struct Contexts {
    client: Client,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Access {
    access_key: String,
    secret: String,
    session_token: String,
    storage_url: String,
    organization_id: String,
    bucket: String,
    /// Not said by servers before autumn 2026.
    #[serde(default)]
    region: Option<String>,
}

impl fmt::Debug for Access {
    /// Without what opens the storage.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

impl Contexts {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Sends an archive unless it is there already, and gives the name by which
    /// [`Build::context_hashes`](crate::Build::context_hashes) mentions it: the SHA-256 of its bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Server`] where the server has no storage, [`Error::File`] when the file cannot be read.
    pub async fn upload(&self, archive: Archive) -> Result<String> {
        let (hash, length) = archive.measured().await?;
        let call = self.client.base.get(&["object-storage", "push-access"])?;
        let answer = self.client.http.buffered(call).await?;
        let access: Access = answer.json("GET /object-storage/push-access")?;
        // The storage refuses what is signed at another time than its own; that of this machine may be wrong.
        let now = answer.date().unwrap_or_else(Timestamp::now);
        let place = Base::new(self.client.http.trust().named(&access.storage_url)?);
        let url = place.join(&[&access.bucket, &access.organization_id, &hash, "context.tar"])?;
        let call = |method: Method| {
            let operation = format!("{method} context.tar");
            Call::new(method, url.clone(), operation).anonymous().harmless().accept("*/*")
        };
        let signer = Signer {
            key: &access.access_key,
            secret: &access.secret,
            token: &access.session_token,
            region: access.region.as_deref().unwrap_or("us-east-1"),
            now,
        };
        let nothing = hex(digest::digest(&digest::SHA256, b"").as_ref());
        let looked = self.client.http.open(signer.sign(call(Method::HEAD), &nothing)?).await;
        match looked {
            Ok(_) => return Ok(hash),
            // Who may not look may still write.
            Err(Error::NotFound(_) | Error::Forbidden(_)) => {}
            Err(error) => return Err(error),
        }
        let source = archive.source().length(length);
        self.client.http.upload(signer.sign(call(Method::PUT), &hash)?, source).await?.not_a_page()?;
        Ok(hash)
    }
}

impl Archive {
    /// The SHA-256 of the archive, and its length in bytes.
    async fn measured(&self) -> Result<(String, u64)> {
        match self.clone() {
            Self::Bytes(bytes) => {
                Ok((hex(digest::digest(&digest::SHA256, &bytes).as_ref()), bytes.len() as u64))
            }
            Self::File(path) => {
                let measured = path.clone();
                let work = tokio::task::spawn_blocking(move || measure(&measured));
                let done = work.await.unwrap_or_else(|why| Err(io::Error::other(why)));
                done.map_err(|why| Error::file(path, &why))
            }
        }
    }

    fn source(self) -> Source {
        let open = move || -> futures_util::future::BoxFuture<'static, Result<Pieces>> {
            let archive = self.clone();
            Box::pin(async move {
                Ok(match archive {
                    Self::Bytes(bytes) => stream::once(std::future::ready(Ok(bytes))).boxed(),
                    Self::File(path) => {
                        let file =
                            tokio::fs::File::open(&path).await.map_err(|why| Error::file(path, &why))?;
                        ReaderStream::with_capacity(file, 128 << 10).boxed()
                    }
                })
            })
        };
        Source::new("application/x-tar".to_owned(), true, Box::new(open))
    }
}

type Pieces = BoxStream<'static, io::Result<Bytes>>;

fn measure(path: &std::path::Path) -> io::Result<(String, u64)> {
    let mut file = std::fs::File::open(path)?;
    let mut context = digest::Context::new(&digest::SHA256);
    let (mut piece, mut length) = (vec![0; 128 << 10], 0);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((hex(context.finish().as_ref()), length));
        }
        context.update(&piece[..read]);
        length += read as u64;
    }
}
