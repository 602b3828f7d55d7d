//! Snapshots as programs ask for them, and the logs of their builds.

use serde::{Deserialize, Serialize};
use stigmer_engine::snapshot::{LogPiece, New, Source};
use utoipa::ToSchema;

use crate::problem::Problem;

/// A snapshot to make, from an image of a registry or from a Dockerfile: one of the two.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewSnapshot {
    /// Its name: letters, digits and `_.-:/`.
    pub name: String,
    /// The image, with a tag other than `latest`, or a digest; for linux/amd64.
    pub image: Option<String>,
    /// The text of a Dockerfile that copies no files; Daytona builds it.
    pub dockerfile: Option<String>,
    /// Virtual CPUs of its sandboxes.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(minimum = 1, maximum = 1024)]
    pub cpu: Option<u32>,
    /// Memory of its sandboxes in GiB.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(minimum = 1, maximum = 65536)]
    pub memory: Option<u32>,
    /// Disk of its sandboxes in GiB.
    #[serde(default, deserialize_with = "crate::take::maybe_whole")]
    #[schema(minimum = 1, maximum = 65536)]
    pub disk: Option<u32>,
    /// The region; that of the settings where none is named.
    pub region: Option<String>,
    /// What runs in its sandboxes from the start; of a Dockerfile it is said there.
    pub entrypoint: Vec<String>,
}

impl TryFrom<NewSnapshot> for New {
    type Error = Problem;

    fn try_from(form: NewSnapshot) -> Result<Self, Problem> {
        let source = match (form.image, form.dockerfile) {
            (Some(image), None) => Source::Image(image),
            (None, Some(text)) => Source::Dockerfile(text),
            _ => {
                let what = "a snapshot is made either from an image or from a Dockerfile".to_owned();
                return Err(Problem::Invalid { what, hint: "give one of `image` and `dockerfile`" });
            }
        };
        let NewSnapshot { name, cpu, memory, disk, region, entrypoint, .. } = form;
        Ok(Self { name, source, cpu, memory, disk, region, entrypoint })
    }
}

/// A piece of the log of a snapshot's build.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BuildLog {
    /// What follows where it was asked for; what is no text in it is replaced.
    pub text: String,
    /// Where to ask from for what follows that.
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    pub next: u64,
    /// Whether nothing will follow.
    pub is_end: bool,
}

impl BuildLog {
    /// A piece that begins at a byte. A character that is cut comes with the next piece.
    pub(crate) fn of(piece: &LogPiece, from: u64) -> Self {
        let cut = match std::str::from_utf8(&piece.bytes) {
            Err(error) if error.error_len().is_none() && !piece.is_end => error.valid_up_to(),
            _ => piece.bytes.len(),
        };
        Self {
            text: String::from_utf8_lossy(&piece.bytes[..cut]).into_owned(),
            next: from + cut as u64,
            is_end: piece.is_end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_is_cut_comes_whole_with_the_next_piece() {
        let all = "a€b".as_bytes();
        let piece = |bytes: &[u8], is_end| LogPiece { bytes: bytes.to_vec(), is_end };
        let first = BuildLog::of(&piece(&all[..2], false), 7);
        assert_eq!((first.text.as_str(), first.next), ("a", 8));
        let second = BuildLog::of(&piece(&all[1..], true), first.next);
        assert_eq!((second.text.as_str(), second.next, second.is_end), ("€b", 12, true));
        assert_eq!(BuildLog::of(&piece(&all[..2], true), 0).text, "a\u{fffd}");
    }
}
