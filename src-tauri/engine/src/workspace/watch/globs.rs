//! Which files count.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::{Error, Result};

/// The globs of a watch. None means that every file counts.
#[derive(Debug)]
pub(super) struct Globs(Option<GlobSet>);

impl Globs {
    /// A glob without `/` fits names in any folder, as in `.gitignore`; one with `/` fits from the root.
    pub(super) fn new(globs: &[String]) -> Result<Self> {
        if globs.is_empty() {
            return Ok(Self(None));
        }
        let mut set = GlobSetBuilder::new();
        for given in globs {
            let glob = given.strip_prefix("./").unwrap_or(given);
            let anchored = match glob.strip_suffix('/') {
                Some(folder) => format!("{}/**", folder.trim_start_matches('/')),
                None if glob.contains('/') => glob.trim_start_matches('/').to_owned(),
                None => format!("**/{glob}"),
            };
            let bad = |error: globset::Error| Error::Pattern {
                pattern: given.clone(),
                why: error.kind().to_string(),
            };
            set.add(GlobBuilder::new(&anchored).literal_separator(true).build().map_err(bad)?);
        }
        let bad = |error: globset::Error| Error::Pattern { pattern: globs.join(" "), why: error.to_string() };
        Ok(Self(Some(set.build().map_err(bad)?)))
    }

    /// Whether a file counts; its path is relative to the root.
    pub(super) fn fit(&self, path: &Path) -> bool {
        self.0.as_ref().is_none_or(|globs| globs.is_match(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_fit_names_anywhere_and_paths_from_the_root() {
        for (glob, fits, fits_not) in [
            ("*.py", &["a.py", "x/y/a.py"][..], &["a.pyc", "py"][..]),
            ("src/*.py", &["src/a.py"], &["a.py", "x/src/a.py", "src/x/a.py"]),
            ("./src/**/*.{c,h}", &["src/a.c", "src/x/a.h"], &["a.c"]),
            ("src/", &["src/a", "src/x/a"], &["a", "x/src/a"]),
            ("/Makefile", &["Makefile"], &["x/Makefile"]),
        ] {
            let globs = Globs::new(&[glob.to_owned()]).unwrap();
            assert!(fits.iter().all(|path| globs.fit(Path::new(path))), "{glob}");
            assert!(!fits_not.iter().any(|path| globs.fit(Path::new(path))), "{glob}");
        }
        assert!(Globs::new(&[]).unwrap().fit(Path::new("anything")));
    }

    #[test]
    fn a_glob_that_is_none_is_named() {
        let error = Globs::new(&["*.py".to_owned(), "a[".to_owned()]).unwrap_err();
        assert_eq!(error.code(), "pattern");
        assert!(error.to_string().contains("`a[`"), "{error}");
    }
}
