//! What is kept about images in `~/.stigmer/images`, a file for each id.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::Kept;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::os;

/// Longest note, in bytes.
const LONGEST_NOTE: usize = 64 << 10;

fn path(home: &Home, id: &str) -> Result<PathBuf> {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::ImageNotFound { image: id.to_owned() });
    }
    Ok(home.root().join("images").join(format!("{digits}.json")))
}

/// What is kept about an image; nothing where nothing can be read.
pub(crate) fn read(home: &Home, id: &str) -> Kept {
    let text = path(home, id).ok().and_then(|path| fs::read(path).ok());
    text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Changes what is kept about an image.
pub(crate) fn change(home: &Home, id: &str, change: impl FnOnce(&mut Kept)) -> Result<()> {
    let path = path(home, id)?;
    let mut kept = read(home, id);
    change(&mut kept);
    if kept.note.as_ref().is_some_and(|note| note.len() > LONGEST_NOTE) {
        return Err(Error::InvalidSpec {
            what: "the note is too long".to_owned(),
            hint: "write at most 64 KiB",
        });
    }
    let write = || {
        let folder = path.parent().unwrap_or(home.root());
        os::create_private_dir(folder)?;
        // Replaced and not written over: who reads it meanwhile finds the old or the new.
        let part = path.with_extension(format!("{}.part", uuid::Uuid::new_v4().simple()));
        fs::write(&part, serde_json::to_vec_pretty(&kept).map_err(io::Error::other)?)?;
        fs::rename(&part, &path)
    };
    write().map_err(Error::storage("writing", &path))
}

/// Forgets an image that is gone.
pub(crate) fn forget(home: &Home, id: &str) {
    if let Ok(path) = path(home, id) {
        // There may have been nothing.
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_an_image_comes_back_and_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let id = format!("sha256:{}", "a".repeat(64));
        assert_eq!(read(&home, &id), Kept::default());
        change(&home, &id, |kept| kept.note = Some("first".to_owned())).unwrap();
        change(&home, &id, |kept| kept.note = kept.note.as_ref().map(|note| format!("{note}, second")))
            .unwrap();
        assert_eq!(read(&home, &id).note.as_deref(), Some("first, second"));
        forget(&home, &id);
        assert_eq!(read(&home, &id), Kept::default());
        assert!(change(&home, "../../etc", |_| {}).is_err());
        assert!(change(&home, &id, |kept| kept.note = Some("x".repeat(70_000))).is_err());
    }
}
