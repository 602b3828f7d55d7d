//! Real folders, real links.

mod changing;
mod leaving;
mod listing;
mod watching;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::*;

/// A workspace with files, beside a folder that is none of its business.
struct Place {
    top: tempfile::TempDir,
}

impl Place {
    /// Each file contains its own path.
    fn with(files: &[&str]) -> Self {
        let place = Self { top: tempfile::tempdir().unwrap() };
        fs::create_dir(place.root()).unwrap();
        fs::create_dir(place.outside()).unwrap();
        fs::write(place.outside().join("secret"), "secret").unwrap();
        for file in files {
            place.put(file, file);
        }
        place
    }

    fn root(&self) -> PathBuf {
        self.top.path().join("workspace")
    }

    fn outside(&self) -> PathBuf {
        self.top.path().join("outside")
    }

    fn home(&self) -> Home {
        Home::at(self.top.path().join("home"))
    }

    fn files(&self) -> Files {
        Files::new(self.root(), &self.home())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn link(&self, target: impl AsRef<Path>, path: &str) {
        symlink(target, self.path(path)).unwrap();
    }

    fn read(&self, path: &str) -> Result<Content> {
        self.files().read(Path::new(path), 1 << 20)
    }

    fn write(&self, path: &str, text: &str, expected: &Expected) -> Result<Version> {
        self.files().write(Path::new(path), text.as_bytes(), expected)
    }

    /// Names in a folder, in the order of the list.
    fn names(&self, path: &str) -> Vec<String> {
        self.files().list(Path::new(path)).unwrap().into_iter().map(|entry| entry.name).collect()
    }
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.unwrap_err().code()
}
