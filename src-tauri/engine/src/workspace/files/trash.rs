//! What was deleted, kept for a day so that it can be brought back.
//!
//! `trash/<id>/` of the home folder holds the thing itself, as `item`, and where it was, as `origin.json`.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::change::{place_unless_there, spot_for};
use super::spot::{Missing, Spot, Walk};
use super::{Files, tree};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::os;
use crate::spec::Text;

/// How long something stays in the trash.
const KEPT: Duration = Duration::from_hours(24);

const ITEM: &str = "item";
const ORIGIN: &str = "origin.json";

/// Where something was before it was deleted.
#[derive(Debug, Serialize, Deserialize)]
struct Origin {
    root: Text,
    path: Text,
}

impl Files {
    /// Deletes a file, a link or a folder with everything in it. The answer brings it back, with [`restore`],
    /// for a day. Fails with [`Error::File`] if there is nothing, and with nothing changed if it cannot be kept.
    pub fn delete(&self, path: &Path) -> Result<Uuid> {
        let spot = self.walk(path)?.spot(Missing::Fail)?;
        let fails = |source: io::Error| Error::File { path: path.to_owned(), source };
        if spot.stat().map_err(fails)?.is_none() {
            return Err(fails(io::ErrorKind::NotFound.into()));
        }
        let id = Uuid::now_v7();
        let place = self.home.trash().join(id.to_string());
        os::create_private_dir(&place).map_err(Error::storage("creating", &place))?;
        let kept = self.keep(path, &spot, &place);
        // A copy that is complete stays: not everything of the original may have been there to come back to.
        if kept.is_err() && place.join(ITEM).symlink_metadata().is_err() {
            let _ = std::fs::remove_dir_all(&place);
        }
        kept.map(|()| id)
    }

    fn keep(&self, path: &Path, spot: &Spot, place: &Path) -> Result<()> {
        let origin = Origin { root: Text::from(self.root.as_os_str()), path: Text::from(path.as_os_str()) };
        let origin = serde_json::to_vec(&origin).expect("text is always JSON");
        let file = place.join(ORIGIN);
        std::fs::write(&file, origin).map_err(Error::storage("writing", &file))?;
        let item = item(place)?;
        move_to(spot, &item).map_err(|source| Error::File { path: path.to_owned(), source })
    }
}

/// Brings back what was deleted, and says where it is: the workspace, and the path in it. Folders that are gone
/// meanwhile are made again; something else in its place is a [`Error::Conflict`], and so is an id that is not
/// there any more.
pub fn restore(home: &Home, id: Uuid) -> Result<(PathBuf, PathBuf)> {
    let place = home.trash().join(id.to_string());
    let gone = || Error::Conflict {
        what: "what was deleted is not there any more".to_owned(),
        hint: "deleted files are kept for a day, and can be brought back once",
    };
    let origin = std::fs::read(place.join(ORIGIN)).map_err(|_| gone())?;
    let origin: Origin = serde_json::from_slice(&origin).map_err(|_| gone())?;
    let (root, path) = (PathBuf::from(origin.root.as_os()), PathBuf::from(origin.path.as_os()));
    let spot = spot_for(&root, &path)?;
    match move_to(&item(&place)?, &spot) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Error::Conflict {
                what: format!("there is another `{}` now", path.display()),
                hint: "rename or delete that one first",
            });
        }
        Err(source) => return Err(Error::File { path, source }),
    }
    let _ = std::fs::remove_dir_all(&place);
    Ok((root, path))
}

/// Removes for good what has been in the trash for a day at `now`.
pub fn clear_trash(home: &Home, now: SystemTime) -> Result<()> {
    let trash = home.trash();
    let entries = match std::fs::read_dir(&trash) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::Storage { action: "reading", path: trash, source }),
    };
    for entry in entries.flatten() {
        // Written when the thing came; the thing itself is as old as it was in the workspace.
        let came = std::fs::metadata(entry.path().join(ORIGIN)).and_then(|found| found.modified());
        let age = came.ok().and_then(|came| now.duration_since(came).ok());
        if age.is_some_and(|age| age >= KEPT) {
            // Another process may be at it, too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Where the thing itself is kept.
fn item(place: &Path) -> Result<Spot> {
    Walk::new(place, Path::new(ITEM))?.spot(Missing::Fail)
}

/// Moves a thing to a place where nothing is; to another file system by copying it.
fn move_to(from: &Spot, to: &Spot) -> io::Result<()> {
    match place_unless_there(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
        result => return result,
    }
    if to.stat()?.is_some() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    if let Err(error) = tree::copy(from, to) {
        let _ = tree::remove(to);
        return Err(error);
    }
    tree::remove(from)
}
