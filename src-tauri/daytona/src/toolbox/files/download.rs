//! Fetching files, one or any number in one request.

use bytes::Bytes;
use reqwest::header::{HeaderValue, IF_RANGE, RANGE};

use super::multipart::{Form, Item, boundary_of};
use super::{Files, Toolbox};
use crate::error::{Answer, Error, Result};
use crate::http::{Call, Incoming};

/// Breaks in a row after which a download fails.
const BREAKS: u32 = 5;
/// Of a refusal no more than this is read.
const MAX_REFUSAL: usize = 64 << 10;

/// A file that is being fetched. What breaks is continued where it was, if the file is still the same.
pub struct Download {
    toolbox: Toolbox,
    path: String,
    incoming: Incoming,
    length: Option<u64>,
    /// What tells whether the file is still the same.
    version: Option<String>,
    received: u64,
    breaks: u32,
}

impl Files {
    /// Begins to fetch a file.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Forbidden`], [`Error::Invalid`] for a folder.
    pub async fn download(&self, path: &str) -> Result<Download> {
        let (toolbox, path) = (self.toolbox.clone(), path.to_owned());
        let incoming =
            toolbox.http.stream(Download::call(&toolbox, &path)?, toolbox.http.limits().stall).await?;
        let length = incoming.length();
        let version = incoming.header("etag").or(incoming.header("last-modified")).map(str::to_owned);
        Ok(Download { toolbox, path, incoming, length, version, received: 0, breaks: 0 })
    }

    /// Begins to fetch files, in one request. Those that cannot be read are told one by one.
    pub async fn download_many(&self, paths: &[impl AsRef<str>]) -> Result<Downloads> {
        let paths: Vec<_> = paths.iter().map(AsRef::as_ref).collect();
        let call = self.toolbox.post(&["files", "bulk-download"])?.harmless();
        let call = call.json(&serde_json::json!({ "paths": paths }))?.accept("multipart/form-data");
        let incoming = self.toolbox.http.stream(call, self.toolbox.http.limits().stall).await?;
        let kind = incoming.header("content-type").unwrap_or_default();
        let Some(boundary) = boundary_of(kind) else {
            let (operation, why) = (incoming.operation().to_owned(), "it is no form".to_owned());
            return Err(Error::Unexpected { operation, why });
        };
        let form = Form::new(boundary);
        Ok(Downloads { incoming, form, inside: false, refused: None, ended: false })
    }
}

impl Download {
    fn call(toolbox: &Toolbox, path: &str) -> Result<Call> {
        Ok(toolbox.get(&["files", "download"])?.query("path", path).accept("*/*"))
    }

    /// Its length in bytes, where the sandbox says it.
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next bytes, `None` at the end. May be dropped and asked again.
    ///
    /// # Errors
    ///
    /// [`Error::Cut`] when it broke and cannot be continued.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        loop {
            match self.incoming.chunk().await {
                Ok(Some(bytes)) => {
                    self.received += bytes.len() as u64;
                    self.breaks = 0;
                    return Ok(Some(bytes));
                }
                Ok(None) => return Ok(None),
                Err(error) => self.resume(error).await?,
            }
        }
    }

    /// Asks for the rest. Gives `error` back when that is not possible.
    async fn resume(&mut self, error: Error) -> Result<()> {
        let Some(version) = self.version.as_deref().and_then(|version| HeaderValue::from_str(version).ok())
        else {
            return Err(error);
        };
        if !error.is_transient() || self.breaks >= BREAKS {
            return Err(error);
        }
        self.breaks += 1;
        tracing::debug!(%error, received = self.received, "a download is continued");
        let range = HeaderValue::from_str(&format!("bytes={}-", self.received));
        let range = range.map_err(|_| error.clone())?;
        let call = Self::call(&self.toolbox, &self.path)?.header(RANGE, range).header(IF_RANGE, version);
        let incoming = self.toolbox.http.stream(call, self.toolbox.http.limits().stall).await?;
        // Anything else is the whole of another file.
        if incoming.status() != 206 {
            return Err(error);
        }
        self.incoming = incoming;
        Ok(())
    }

    /// Everything that is left, for files that are known to be small.
    pub async fn bytes(mut self) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(bytes) = self.chunk().await? {
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download")
            .field("path", &self.path)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

/// Files that are being fetched, one after another.
pub struct Downloads {
    incoming: Incoming,
    form: Form,
    inside: bool,
    /// The file whose refusal is being read, and as much of that as there is.
    refused: Option<(String, Vec<u8>)>,
    ended: bool,
}

/// One of them.
#[derive(Debug)]
pub enum Part {
    /// It comes: its bytes are read with [`Downloads::chunk`].
    File {
        /// Its path, as it was asked for.
        path: String,
    },
    /// It cannot be read.
    Failed {
        /// Its path, as it was asked for.
        path: String,
        /// Why.
        error: Error,
    },
}

impl Downloads {
    /// The next file, `None` after the last one. What was not read of the one before is passed over.
    ///
    /// # Errors
    ///
    /// [`Error::Cut`] when the sandbox broke off in the middle, which is how it tells that reading a file failed.
    /// May be dropped and asked again, like [`Downloads::chunk`].
    pub async fn next(&mut self) -> Result<Option<Part>> {
        loop {
            while let Some(bytes) = self.chunk().await? {
                self.refusal_goes_on(&bytes);
            }
            if let Some((path, body)) = self.refused.take() {
                let error = refusal(self.incoming.operation(), &body);
                return Ok(Some(Part::Failed { path, error }));
            }
            if self.ended {
                return Ok(None);
            }
            match self.item().await? {
                Item::Head(head) => {
                    self.inside = true;
                    if head.name != "error" {
                        return Ok(Some(Part::File { path: head.filename }));
                    }
                    self.refused = Some((head.filename, Vec::new()));
                }
                Item::End => self.ended = true,
                _ => {}
            }
        }
    }

    fn refusal_goes_on(&mut self, bytes: &Bytes) {
        if let Some((_, body)) = &mut self.refused
            && body.len() < MAX_REFUSAL
        {
            body.extend_from_slice(bytes);
        }
    }

    /// The next bytes of the current file, `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        while self.inside {
            match self.item().await? {
                Item::Data(bytes) => return Ok(Some(bytes)),
                Item::EndOfPart => self.inside = false,
                _ => {}
            }
        }
        Ok(None)
    }

    /// What the form says next, with as much of it as that takes.
    async fn item(&mut self) -> Result<Item> {
        loop {
            let cut = |why: &str, incoming: &Incoming| Error::Cut {
                operation: incoming.operation().to_owned(),
                why: why.to_owned(),
            };
            match self.form.next() {
                Item::More => match self.incoming.chunk().await? {
                    Some(bytes) => self.form.feed(&bytes),
                    None => return Err(cut("it ended before its last boundary", &self.incoming)),
                },
                Item::Broken(why) => return Err(cut(why, &self.incoming)),
                item => return Ok(item),
            }
        }
    }
}

impl std::fmt::Debug for Downloads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Downloads").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// The error in a part: it has its own status, or at least a word for it.
fn refusal(operation: &str, body: &[u8]) -> Error {
    #[derive(serde::Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Wire {
        status_code: Option<u16>,
        code: Option<String>,
        message: Option<String>,
        error: Option<String>,
    }
    let wire: Wire = serde_json::from_slice(body).unwrap_or_default();
    let message = wire.message.or(wire.error).unwrap_or_else(|| "it cannot be read".to_owned());
    let answer = Answer {
        operation: operation.to_owned(),
        status: wire.status_code.unwrap_or(400),
        message: message.chars().take(300).collect(),
        code: wire.code.clone(),
        request_id: None,
    };
    match (wire.code.as_deref(), answer.status) {
        (Some("FILE_NOT_FOUND"), _) | (_, 404) => Error::NotFound(answer),
        (Some("FILE_ACCESS_DENIED"), _) | (_, 403) => Error::Forbidden(answer),
        (_, 500..) => Error::Server(answer),
        _ => Error::Invalid(answer),
    }
}
