//! What a build is given: a folder, or the files of a tier, as one archive.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::tiers;
use crate::error::{Error, Result};

/// An archive, and how large it is.
pub(crate) struct Context {
    /// At its beginning; it has no name any more and goes when it is closed.
    pub file: File,
    /// Its length in bytes.
    pub size: u64,
}

/// The files of the tiers, and certificates that they trust.
pub(crate) fn of_tiers(certificates: Option<&Path>) -> Result<Context> {
    let read = |path: &Path| -> Result<_> {
        let content = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        Ok(("ca/extra.crt".to_owned(), content))
    };
    let certificates = certificates.map(read).transpose()?;
    packed(|archive| {
        for (path, content) in tiers::files().chain(certificates) {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(if Path::new(&path).extension().is_some_and(|ending| ending == "sh") {
                0o755
            } else {
                0o644
            });
            archive.append_data(&mut header, path, content.as_slice())?;
        }
        Ok(())
    })
    .map_err(Error::storage("packing", &std::env::temp_dir()))
}

/// A Dockerfile alone.
pub(crate) fn of_dockerfile(text: &str) -> Result<Context> {
    packed(|archive| {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, "Dockerfile", text.as_bytes())
    })
    .map_err(Error::storage("packing", &std::env::temp_dir()))
}

/// A folder without what its `.dockerignore` leaves out. Links are packed as links.
pub(crate) fn of_folder(folder: &Path, dockerfile: &str) -> Result<Context> {
    let unusable = |source| Error::Folder { path: folder.to_owned(), source };
    let file = folder.join(dockerfile);
    if !file.is_file() {
        return Err(Error::File { path: file, source: io::ErrorKind::NotFound.into() });
    }
    let ignored = ignored(folder)?;
    packed(|archive| {
        archive.follow_symlinks(false);
        pack(archive, folder, Path::new(""), &ignored, dockerfile)
    })
    .map_err(unusable)
}

fn pack(
    archive: &mut tar::Builder<io::BufWriter<File>>,
    root: &Path,
    inside: &Path,
    ignored: &Gitignore,
    dockerfile: &str,
) -> io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(root.join(inside))?.collect::<io::Result<_>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = inside.join(entry.file_name());
        let kind = entry.file_type()?;
        let is_needed = path == Path::new(dockerfile) || path == Path::new(".dockerignore");
        let is_ignored = !is_needed && ignored.matched_path_or_any_parents(&path, kind.is_dir()).is_ignore();
        if kind.is_dir() {
            if !is_ignored {
                archive.append_dir(&path, entry.path())?;
            }
            // A folder that is left out may hold what an exception brings back.
            if !is_ignored || ignored.num_whitelists() > 0 {
                pack(archive, root, &path, ignored, dockerfile)?;
            }
        } else if !is_ignored && (kind.is_file() || kind.is_symlink()) {
            archive.append_path_with_name(entry.path(), &path)?;
        }
    }
    Ok(())
}

/// The patterns of `.dockerignore`. Unlike those for git they all begin at the folder itself.
pub(crate) fn ignored(folder: &Path) -> Result<Gitignore> {
    let path = folder.join(".dockerignore");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Gitignore::empty()),
        Err(source) => return Err(Error::File { path, source }),
    };
    let mut builder = GitignoreBuilder::new("");
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (not, pattern) = line.strip_prefix('!').map_or(("", line), |rest| ("!", rest.trim()));
        let pattern = pattern.trim_start_matches("./").trim_matches('/');
        let added = builder.add_line(None, &format!("{not}/{pattern}"));
        added.map_err(|error| Error::Pattern { pattern: line.to_owned(), why: error.to_string() })?;
    }
    builder
        .build()
        .map_err(|error| Error::Pattern { pattern: path.display().to_string(), why: error.to_string() })
}

fn packed(
    fill: impl FnOnce(&mut tar::Builder<io::BufWriter<File>>) -> io::Result<()>,
) -> io::Result<Context> {
    let mut archive = tar::Builder::new(io::BufWriter::new(crate::os::nameless_file()?));
    fill(&mut archive)?;
    let mut writer = archive.into_inner()?;
    writer.flush()?;
    let mut file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    let size = file.stream_position()?;
    file.rewind()?;
    Ok(Context { file, size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(context: Context) -> Vec<String> {
        let mut archive = tar::Archive::new(context.file);
        let names =
            archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string());
        let mut names: Vec<_> = names.map(|name| name.trim_end_matches('/').to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_packed_without_what_it_leaves_out() {
        let folder = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        for path in
            ["Dockerfile", "a.log", "src/b.log", "src/c", "node_modules/x/y", "node_modules/keep", "z/secret"]
        {
            make(path);
        }
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        std::fs::write(
            folder.path().join(".dockerignore"),
            "# ours\n*.log\nnode_modules\n!node_modules/keep\n**/secret\nDockerfile\n",
        )
        .unwrap();
        let packed = of_folder(folder.path(), "Dockerfile").unwrap();
        assert_eq!(
            names(packed),
            [".dockerignore", "Dockerfile", "link", "node_modules/keep", "src", "src/b.log", "src/c", "z"]
        );
        assert_eq!(of_folder(folder.path(), "Other").err().unwrap().code(), "file-unreadable");
    }

    #[test]
    fn the_files_of_the_tiers_are_all_there() {
        let names = names(of_tiers(None).unwrap());
        for tier in tiers::TIERS {
            assert!(names.iter().any(|name| name == tier.dockerfile), "{}", tier.dockerfile);
        }
    }
}
