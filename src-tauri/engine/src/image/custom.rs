//! Copies of an image with more packages: the Dockerfile that makes one, and how it differs from the one before.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::home::Home;
use crate::os;
use crate::spec::Customize;

/// The Dockerfile of a copy, whose usual user is `user`.
pub fn dockerfile(task: &Customize, user: &str) -> Result<String> {
    let invalid = |what: String, hint| Err(Error::InvalidSpec { what, hint });
    for (name, what) in [(&task.base, "begin with"), (&task.name, "make")] {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "._-/:@".contains(letter);
        if name.is_empty() || name.starts_with('-') || !name.chars().all(is_name) {
            return invalid(
                format!("`{name}` is no name of an image to {what}"),
                "write NAME or NAME:TAG, in small letters",
            );
        }
    }
    if task.apt.is_empty() && task.pip.is_empty() && task.npm.is_empty() {
        return invalid("there is nothing to add".to_owned(), "name packages with --apt, --pip or --npm");
    }
    for package in task.apt.iter().chain(&task.pip).chain(&task.npm) {
        // Nothing that a shell or the package manager would take for something else.
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "._-+=@/~:[],<>!".contains(letter);
        if package.is_empty() || package.starts_with('-') || !package.chars().all(is_letter) {
            return invalid(
                format!("`{package}` is no name of a package"),
                "write NAME, or with a version as its manager does",
            );
        }
    }
    let mut text = format!(
        "# Made by Stigmer. Changes are kept until it is customised again.\nFROM {}\nUSER root\n",
        task.base
    );
    let list = |packages: &[String]| {
        packages.iter().map(|package| format!("'{package}'")).collect::<Vec<_>>().join(" ")
    };
    if !task.apt.is_empty() {
        let _ = writeln!(
            text,
            "RUN apt-get update && apt-get install -y --no-install-recommends {} && rm -rf /var/lib/apt/lists/*",
            list(&task.apt)
        );
    }
    if !task.pip.is_empty() {
        let _ = writeln!(text, "RUN pip install --no-cache-dir {}", list(&task.pip));
    }
    if !task.npm.is_empty() {
        let _ = writeln!(text, "RUN npm install --global {} && npm cache clean --force", list(&task.npm));
    }
    if !user.is_empty() {
        let _ = writeln!(text, "USER {user}");
    }
    Ok(text)
}

/// Keeps the Dockerfile of a copy; what stood there before.
pub(crate) fn keep(home: &Home, name: &str, text: &str) -> Result<Option<String>> {
    let path = path(home, name);
    let before = fs::read_to_string(&path).ok();
    let write = || {
        os::create_private_dir(path.parent().unwrap_or(home.root()))?;
        fs::write(&path, text)
    };
    write().map_err(Error::storage("writing", &path))?;
    Ok(before)
}

/// Where the Dockerfile of a copy is kept.
pub fn path(home: &Home, name: &str) -> PathBuf {
    let safe =
        |letter: char| if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '_' };
    let folder: String = name.chars().map(safe).collect();
    home.root().join("images/custom").join(folder.trim_start_matches('.')).join("Dockerfile")
}

/// The lines that are new, and those that are gone.
pub fn difference(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    diff.unified_diff().context_radius(2).header("before", "after").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(apt: &[&str], pip: &[&str], npm: &[&str]) -> Customize {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Customize {
            base: "base:1".into(),
            name: "mine:1".into(),
            apt: owned(apt),
            pip: owned(pip),
            npm: owned(npm),
        }
    }

    #[test]
    fn packages_become_steps_of_their_managers() {
        let text =
            dockerfile(&task(&["htop", "vim=2:9"], &["pandas==2.2.0"], &["@angular/cli@17"]), "sandbox")
                .unwrap();
        assert!(text.contains("FROM base:1\nUSER root\n") && text.ends_with("\nUSER sandbox\n"));
        assert!(text.contains("install -y --no-install-recommends 'htop' 'vim=2:9' &&"));
        assert!(text.contains("pip install --no-cache-dir 'pandas==2.2.0'\n"));
        assert!(text.contains("npm install --global '@angular/cli@17' &&"));
        assert!(!dockerfile(&task(&["htop"], &[], &[]), "").unwrap().contains("pip"));
    }

    #[test]
    fn what_is_no_package_is_refused() {
        for bad in ["", "-x", "a b", "a;b", "$(x)", "a'b", "a\nb"] {
            assert!(dockerfile(&task(&[bad], &[], &[]), "").is_err(), "{bad:?}");
        }
        assert!(dockerfile(&task(&[], &[], &[]), "").is_err());
        let named = Customize { name: "a\nRUN x".into(), ..task(&["a"], &[], &[]) };
        assert!(dockerfile(&named, "").is_err());
    }

    #[test]
    fn a_copy_is_kept_and_told_from_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        assert_eq!(keep(&home, "me/mine:1", "a\n").unwrap(), None);
        let before = keep(&home, "me/mine:1", "a\nb\n").unwrap().unwrap();
        assert!(difference(&before, "a\nb\n").contains("+b\n"));
        assert!(path(&home, "../../x").starts_with(folder.path().join("images/custom")));
    }
}
