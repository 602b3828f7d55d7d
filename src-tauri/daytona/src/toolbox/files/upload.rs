//! Sending files, any number in one request.
//!
//! The form has two parts for each file, its destination and then its bytes. Sandboxes make the folders that lead there and
//! overwrite what is there, so sending something twice is like sending it once.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use tokio_util::io::ReaderStream;

use super::Files;
use super::multipart::Boundary;
use crate::error::{Error, Result};
use crate::http::Source;

/// How much of a file is read at once. A file up to this length is read in one go: of a tree of sources that is nearly
/// every one, and each step to the disk costs more than its bytes.
const PIECE: usize = 128 << 10;
/// How many files are opened before their turn.
const AHEAD: usize = 16;

/// A file to send.
pub struct Upload {
    destination: String,
    content: Content,
}

type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

enum Content {
    Bytes(Bytes),
    File(PathBuf),
    Stream(Mutex<Option<Pieces>>),
}

impl Upload {
    /// Bytes that are at hand.
    pub fn bytes(destination: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { destination: destination.into(), content: Content::Bytes(bytes.into()) }
    }

    /// A file of this machine, read while it is sent.
    pub fn file(destination: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { destination: destination.into(), content: Content::File(path.into()) }
    }

    /// Bytes as they come. What is sent this way cannot be repeated when something fails.
    pub fn stream(
        destination: impl Into<String>,
        stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Self {
        let content = Content::Stream(Mutex::new(Some(Box::pin(stream))));
        Self { destination: destination.into(), content }
    }

    const fn is_repeatable(&self) -> bool {
        !matches!(self.content, Content::Stream(_))
    }

    async fn open(&self) -> Result<Opened> {
        match &self.content {
            Content::Bytes(bytes) => Ok(Opened::Whole(bytes.clone())),
            Content::File(path) => open(path.clone()).await.map_err(|source| Error::file(path, &source)),
            Content::Stream(stream) => {
                let taken = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
                let again = || Error::misuse("a stream cannot be sent a second time");
                taken.map(Opened::Pieces).ok_or_else(again)
            }
        }
    }
}

enum Opened {
    Whole(Bytes),
    Pieces(Pieces),
}

async fn open(path: PathBuf) -> io::Result<Opened> {
    let open = move || {
        let mut file = std::fs::File::open(&path)?;
        if file.metadata()?.len() > PIECE as u64 {
            return Ok(Err(file));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Ok(Bytes::from(bytes)))
    };
    let opened: io::Result<Result<Bytes, std::fs::File>> =
        tokio::task::spawn_blocking(open).await.map_err(io::Error::other)?;
    Ok(match opened? {
        Ok(bytes) => Opened::Whole(bytes),
        Err(file) => {
            let file = tokio::fs::File::from_std(file);
            Opened::Pieces(Box::pin(ReaderStream::with_capacity(file, PIECE)))
        }
    })
}

/// Looks for the first file that cannot be read, so that it is told as that and not as a broken transfer.
async fn readable(uploads: &[Upload]) -> Result<()> {
    let files = uploads.iter().filter_map(|upload| match &upload.content {
        Content::File(path) => Some(path.clone()),
        _ => None,
    });
    let files: Vec<_> = files.collect();
    let look = move || {
        let unreadable = |path: PathBuf| std::fs::File::open(&path).err().map(|why| Error::file(path, &why));
        files.into_iter().find_map(unreadable)
    };
    let found = tokio::task::spawn_blocking(look).await.map_err(|why| Error::misuse(why.to_string()))?;
    found.map_or(Ok(()), Err)
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("destination", &self.destination).finish_non_exhaustive()
    }
}

impl Files {
    /// Sends one file.
    pub async fn upload(&self, upload: Upload) -> Result<()> {
        self.upload_many(vec![upload]).await
    }

    /// Sends files, in one request. There is no time limit for the whole, only for a standstill. What breaks off may
    /// leave the beginning of a file where it belongs.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when a file of this machine cannot be read, [`Error::Invalid`] when the sandbox cannot write one:
    /// those before it are there then.
    pub async fn upload_many(&self, uploads: Vec<Upload>) -> Result<()> {
        if uploads.is_empty() {
            return Ok(());
        }
        if let Some(bad) = uploads.iter().find(|upload| upload.destination.contains(['\r', '\n'])) {
            return Err(Error::misuse(format!("`{}` cannot be sent", bad.destination.escape_debug())));
        }
        readable(&uploads).await?;
        let boundary = Boundary::new();
        let repeatable = uploads.iter().all(Upload::is_repeatable);
        let (kind, uploads) = (boundary.content_type(), Arc::new(uploads));
        let open = Box::new(move || -> BoxFuture<'static, Result<BoxStream<'static, io::Result<Bytes>>>> {
            let (boundary, uploads) = (boundary.clone(), uploads.clone());
            Box::pin(std::future::ready(Ok(form(boundary, uploads))))
        });
        let call = self.toolbox.post(&["files", "bulk-upload"])?;
        let call = if repeatable { call.harmless() } else { call };
        self.toolbox.http.upload(call, Source::new(kind, repeatable, open)).await?.not_a_page()
    }
}

/// The whole form. Files are opened shortly before their turn, so that any number can be sent.
fn form(boundary: Boundary, uploads: Arc<Vec<Upload>>) -> BoxStream<'static, io::Result<Bytes>> {
    let end = boundary.end();
    let parts = stream::iter(0..uploads.len()).map(move |index| {
        let (boundary, uploads) = (boundary.clone(), uploads.clone());
        async move {
            let upload = &uploads[index];
            let head = boundary.file_head(index, &upload.destination);
            let tail = Bytes::from_static(b"\r\n");
            Ok::<_, io::Error>(match upload.open().await.map_err(io::Error::other)? {
                // Small files go out with what is around them in one piece.
                Opened::Whole(bytes) if bytes.len() <= PIECE => one([head, bytes, tail].concat().into()),
                Opened::Whole(bytes) => stream::iter([head, bytes, tail].map(Ok)).boxed(),
                Opened::Pieces(pieces) => one(head).chain(pieces).chain(one(tail)).boxed(),
            })
        }
    });
    parts.buffered(AHEAD).try_flatten().chain(one(end)).boxed()
}

fn one(bytes: Bytes) -> BoxStream<'static, io::Result<Bytes>> {
    stream::once(std::future::ready(Ok(bytes))).boxed()
}
