use std::os::unix::fs::symlink;

use super::tally::LARGE;
use super::*;

struct Place {
    _top: tempfile::TempDir,
    root: PathBuf,
    home: Home,
}

impl Place {
    fn with(files: &[(&str, usize)]) -> Self {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().join("root");
        for (path, length) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![b'x'; *length]).unwrap();
        }
        Self { root, home: Home::at(top.path().join("home")), _top: top }
    }

    fn survey(&self) -> Upload {
        Upload::survey(&self.root, &self.home, &CancellationToken::new()).unwrap()
    }
}

#[test]
fn what_would_leave_is_counted_and_the_largest_come_first() {
    let place = Place::with(&[("a", 3), ("b/c", 5), ("b/d", 1), ("e", 9), ("f", 2), ("g", 4)]);
    let upload = place.survey();
    assert_eq!((upload.files, upload.bytes, upload.more, upload.problems), (6, 24, false, 0));
    let largest: Vec<_> = upload.largest.iter().map(|one| (one.path.as_str(), one.bytes)).collect();
    assert_eq!(largest, [("e", 9), ("b/c", 5), ("g", 4), ("a", 3), ("f", 2)]);
    assert_eq!((upload.unwanted, upload.left_out), (vec![], vec![]));
}

#[test]
fn repositories_keys_and_what_is_large_are_named_and_samples_are_not() {
    let place = Place::with(&[
        (".git/HEAD", 4),
        (".git/objects/aa/b", 6),
        (".env", 1),
        (".env.local", 1),
        (".env.example", 1),
        ("deep/id_ed25519", 1),
        ("deep/server.pem", 1),
        (".aws/config", 7),
        ("keyboard.rs", 1),
        ("environment", 1),
    ]);
    let data = fs::File::create(place.root.join("deep/data")).unwrap();
    data.set_len(LARGE + 1).unwrap();
    let upload = place.survey();
    let unwanted: Vec<_> =
        upload.unwanted.iter().map(|one| (one.path.as_str(), one.kind, one.files)).collect();
    assert_eq!(
        unwanted,
        [
            (".aws", UnwantedKind::Secret, 1),
            (".env", UnwantedKind::Secret, 1),
            (".env.local", UnwantedKind::Secret, 1),
            ("deep/id_ed25519", UnwantedKind::Secret, 1),
            ("deep/server.pem", UnwantedKind::Secret, 1),
            (".git", UnwantedKind::Repository, 2),
            ("deep", UnwantedKind::Large, 1),
        ]
    );
    let summary = upload.summary();
    assert!(summary.contains("among them .aws, .env, .env.local and 4 more"), "{summary}");
}

#[test]
fn what_stays_is_told_by_the_file_that_keeps_it() {
    let place = Place::with(&[
        ("kept", 1),
        ("a.log", 1),
        ("sub/b.log", 1),
        ("build/x", 1),
        ("build/y", 1),
        ("private", 1),
        ("sub/own", 1),
        ("a~", 1),
    ]);
    for (file, rules) in
        [(".gitignore", "*.log\nbuild/\n"), (".dockerignore", "private\n"), ("sub/.stigmerignore", "own\n")]
    {
        fs::write(place.root.join(file), rules).unwrap();
    }
    symlink("/etc", place.root.join("out")).unwrap();
    let upload = place.survey();
    let mut left: Vec<_> = upload.left_out.iter().map(|one| (one.by.as_str(), one.entries)).collect();
    left.sort_unstable();
    assert_eq!(
        left,
        [
            (".dockerignore", 1),
            (".gitignore", 3),
            ("sub/.stigmerignore", 1),
            ("what editors make for a moment", 1)
        ]
    );
    assert_eq!(upload.files, 4, "kept and the three files of rules");
    assert_eq!(upload.problems, 1, "the link that leads out");
}

#[test]
fn a_survey_that_nobody_waits_for_ends() {
    let place = Place::with(&[("a", 1)]);
    let stop = CancellationToken::new();
    stop.cancel();
    assert_eq!(Upload::survey(&place.root, &place.home, &stop).unwrap_err().code(), Error::Stopped.code());
}

#[test]
fn a_workspace_that_was_copied_is_known_under_every_name_and_only_for_that_cloud() {
    let place = Place::with(&[("a", 1)]);
    let other = place.root.with_file_name("other");
    symlink(&place.root, &other).unwrap();
    let of = |path: &Path, url| Mark::of(&place.home, path, url);
    assert!(!of(&place.root, None).is_set());
    of(&place.root, None).set().unwrap();
    assert!(of(&other, None).is_set());
    assert!(!of(&place.root, Some("https://elsewhere")).is_set());
}
