//! The documents name what the code has: no error without an explanation, no explanation without an error.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_error_code_is_explained_and_no_other() {
    let mut used = codes_of_the_engine();
    used.extend(codes_of_the_server());
    used.extend(codes_of_the_faces());
    assert_eq!(explained(), used, "left: docs/errors.md, right: the code");
}

/// The headings of `docs/errors.md`.
fn explained() -> BTreeSet<String> {
    let document = fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let headings = document.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    headings.map(str::to_owned).collect()
}

/// The words in the body of `Error::code`. Read from the source: a list beside it could be forgotten.
fn codes_of_the_engine() -> BTreeSet<String> {
    let codes = codes_in("src-tauri/engine/src/error.rs");
    assert!(codes.contains("program-not-found") && codes.contains("stopped"), "{codes:?}");
    let of_the_cloud = codes_in("src-tauri/engine/src/error/cloud.rs");
    assert!(of_the_cloud.contains("daytona-quota"), "{of_the_cloud:?}");
    codes.into_iter().chain(of_the_cloud).collect()
}

/// The same of `Problem::code`.
fn codes_of_the_server() -> BTreeSet<String> {
    let codes = codes_in("src-tauri/server/src/problem.rs");
    assert!(codes.contains("token") && codes.contains("no-route"), "{codes:?}");
    codes
}

/// The words in the body of the function `code` of a file.
fn codes_in(file: &str) -> BTreeSet<String> {
    let source = fs::read_to_string(root().join(file)).unwrap();
    let (before, body) = source.split_once("fn code(").unwrap();
    let line = before.rsplit('\n').next().unwrap();
    let indent = &line[..line.len() - line.trim_start().len()];
    let body = body.split_once(&format!("\n{indent}}}\n")).unwrap().0;
    body.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The reports that the command line and the shell make themselves.
fn codes_of_the_faces() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for file in ["src-tauri/cli/src", "src-tauri/src"].iter().flat_map(|face| rust_files(&root().join(face)))
    {
        let source = fs::read_to_string(file).unwrap();
        let after = source.split("code: \"").skip(1);
        codes.extend(after.map(|rest| rest.split_once('"').unwrap().0.to_owned()));
    }
    assert!(codes.contains("usage"), "{codes:?}");
    codes
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
