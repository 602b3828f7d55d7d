//! The workspace of the first start.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::os;

/// Where an interpreter is found although an app that was started from a menu has a short `PATH`.
const USUAL: [&str; 4] = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/bin"];

/// Makes the folder `root` with a small project to try things on, unless there is anything at all of that name.
/// Tells whether it did. The project needs Python, or bash where there is no Python.
pub fn sample(root: &Path) -> Result<bool> {
    sample_with(root, has_python())
}

pub(super) fn sample_with(root: &Path, python: bool) -> Result<bool> {
    let fails = |source| Error::Folder { path: root.to_owned(), source };
    match fs::create_dir(root) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(fails(error)),
    }
    let (name, code, run) = if python {
        ("hello.py", include_str!("sample/hello.py"), "python3 hello.py")
    } else {
        ("hello.sh", include_str!("sample/hello.sh"), "bash hello.sh")
    };
    let readme = include_str!("sample/README.md").replace("{name}", name).replace("{run}", run);
    for (name, text, mode) in [(name, code, 0o755), ("README.md", readme.as_str(), 0o644)] {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(mode).open(root.join(name));
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(fails)?;
    }
    Ok(true)
}

fn has_python() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(USUAL.map(Into::into));
    folders.into_iter().any(|folder| os::is_program(&folder.join("python3")))
}
