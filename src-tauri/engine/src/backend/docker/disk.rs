//! What takes how much of the engine's disk, as the engine itself sums it up.
//!
//! Asked by hand: the client library knows the newest form of the answer alone, and engines of many years give another.

use std::io;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Docker, Wish};
use crate::error::{Error, Result};
use crate::image::{DiskUse, Share};

/// Largest answer that is read, in bytes.
const LARGEST: u64 = 64 << 20;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Answer {
    layers_size: u64,
    images: Option<Vec<Image>>,
    containers: Option<Vec<Container>>,
    volumes: Option<Vec<Volume>>,
    build_cache: Option<Vec<Cache>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Image {
    containers: i64,
    size: i64,
    shared_size: i64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Container {
    size_rw: u64,
    state: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Volume {
    usage_data: Option<VolumeUse>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct VolumeUse {
    size: i64,
    ref_count: i64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Cache {
    size: u64,
    in_use: bool,
    shared: bool,
}

impl Docker {
    /// What takes how much of the engine's disk.
    pub async fn disk_use(&self, wish: &Wish) -> Result<DiskUse> {
        let engine = self.engine(wish)?;
        super::client::ping(&engine.api, &engine.address).await?;
        let uri = engine.address.uri;
        let lost = |source| Error::Connection { source };
        let body = match uri.split_once("://") {
            Some(("unix", path)) => ask(tokio::net::UnixStream::connect(path).await.map_err(lost)?).await,
            Some((_, host)) => ask(tokio::net::TcpStream::connect(host).await.map_err(lost)?).await,
            None => Err(io::ErrorKind::InvalidInput.into()),
        };
        let answer: Answer =
            serde_json::from_slice(&body.map_err(lost)?).map_err(|error| lost(error.into()))?;
        Ok(answer.into())
    }
}

/// One request and its whole answer. In the first version of the protocol an answer ends with its connection.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<Vec<u8>> {
    stream.write_all(b"GET /system/df HTTP/1.0\r\nHost: docker\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.take(LARGEST).read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    if head.split(' ').nth(1) != Some("200") {
        return Err(io::Error::other(head.lines().next().unwrap_or_default().to_owned()));
    }
    answer.drain(..end + 4);
    Ok(answer)
}

impl From<Answer> for DiskUse {
    fn from(answer: Answer) -> Self {
        let positive = |number: i64| u64::try_from(number).unwrap_or(0);
        let images = answer.images.unwrap_or_default();
        // What an image that is in use takes alone and with others cannot be freed.
        let used = images.iter().filter(|image| image.containers > 0);
        let used: u64 = used
            .map(|image| positive(image.size) - positive(image.shared_size).min(positive(image.size)))
            .sum();
        let containers = answer.containers.unwrap_or_default();
        let volumes = answer.volumes.unwrap_or_default();
        let volumes: Vec<_> = volumes.into_iter().filter_map(|volume| volume.usage_data).collect();
        let cache = answer.build_cache.unwrap_or_default();
        Self {
            images: Share {
                count: images.len() as u64,
                active: images.iter().filter(|image| image.containers > 0).count() as u64,
                size: answer.layers_size,
                reclaimable: answer.layers_size.saturating_sub(used),
            },
            containers: share(&containers, |one| one.size_rw, |one| one.state == "running"),
            volumes: share(&volumes, |one| positive(one.size), |one| one.ref_count > 0),
            build_cache: share(&cache, |one| if one.shared { 0 } else { one.size }, |one| one.in_use),
        }
    }
}

fn share<T>(all: &[T], size: impl Fn(&T) -> u64, is_active: impl Fn(&T) -> bool) -> Share {
    Share {
        count: all.len() as u64,
        active: all.iter().filter(|one| is_active(one)).count() as u64,
        size: all.iter().map(&size).sum(),
        reclaimable: all.iter().filter(|one| !is_active(one)).map(&size).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_use_can_be_freed() {
        let answer = r#"{"LayersSize":300,
            "Images":[{"Containers":1,"Size":200,"SharedSize":100},{"Containers":0,"Size":200,"SharedSize":100}],
            "Containers":[{"State":"running","SizeRw":5},{"State":"exited","SizeRw":7}],
            "Volumes":[{"UsageData":{"Size":11,"RefCount":1}},{"UsageData":{"Size":-1,"RefCount":-1}}],
            "BuildCache":null}"#;
        let used = DiskUse::from(serde_json::from_str::<Answer>(answer).unwrap());
        let shares = [&used.images, &used.containers, &used.volumes, &used.build_cache];
        let numbers = shares.map(|share| (share.count, share.active, share.size, share.reclaimable));
        assert_eq!(numbers, [(2, 1, 300, 200), (2, 1, 12, 7), (2, 1, 11, 0), (0, 0, 0, 0)]);
    }
}
