//! Writing, making, moving, deleting and bringing back.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use super::super::sample::sample_with;
use super::*;

#[test]
fn a_write_takes_the_place_of_the_version_that_was_read_and_of_no_other() {
    let place = Place::with(&["a"]);
    let read = place.read("a").unwrap().version;
    let written = place.write("a", "mine", &Expected::Version(read.clone())).unwrap();
    assert_eq!(place.read("a").unwrap().version, written);
    assert_eq!(code(place.write("a", "again", &Expected::Version(read))), "conflict");
    place.put("a", "same length"[..4].into());
    assert_eq!(code(place.write("a", "again", &Expected::Version(written.clone()))), "conflict");
    fs::remove_file(place.path("a")).unwrap();
    assert_eq!(code(place.write("a", "again", &Expected::Version(written))), "conflict");
    assert!(!place.path("a").exists());
    place.write("a", "anyway", &Expected::Any).unwrap();
    assert_eq!(place.text("a"), "anyway");
}

#[test]
fn a_new_file_never_takes_the_place_of_another() {
    let place = Place::with(&["a"]);
    assert_eq!(code(place.write("a", "x", &Expected::Absent)), "conflict");
    assert_eq!(place.text("a"), "a");
    place.write("b", "b", &Expected::Absent).unwrap();
    assert_eq!(place.names(""), ["a", "b"]);
}

#[test]
fn a_file_that_was_only_touched_is_still_the_same_version() {
    let place = Place::with(&["a"]);
    let read = place.read("a").unwrap().version;
    place.put("a", "a");
    place.write("a", "mine", &Expected::Version(read)).unwrap();
}

#[test]
fn a_write_keeps_the_mode_and_the_link() {
    let place = Place::with(&["sub/script"]);
    fs::set_permissions(place.path("sub/script"), fs::Permissions::from_mode(0o751)).unwrap();
    place.link("sub/script", "link");
    place.write("link", "new", &Expected::Any).unwrap();
    assert_eq!(fs::read_link(place.path("link")).unwrap(), Path::new("sub/script"));
    assert_eq!(place.text("sub/script"), "new");
    assert_eq!(fs::metadata(place.path("sub/script")).unwrap().mode() & 0o7777, 0o751);
    assert_eq!(place.names("sub"), ["script"], "nothing stays beside it");
}

#[test]
fn what_is_no_file_is_not_written() {
    let place = Place::with(&["folder/x"]);
    assert_eq!(code(place.write("folder", "x", &Expected::Any)), "file-unreadable");
    assert_eq!(code(place.write("missing/x", "x", &Expected::Any)), "file-unreadable");
    assert_eq!(place.names("folder"), ["x"]);
}

#[test]
fn making_makes_the_folders_on_the_way_and_overwrites_nothing() {
    let place = Place::with(&["a"]);
    place.files().create(Path::new("x/y/file"), New::File).unwrap();
    place.files().create(Path::new("x/z"), New::Folder).unwrap();
    assert_eq!((place.text("x/y/file"), place.names("x")), (String::new(), vec!["y".into(), "z".into()]));
    for new in [New::File, New::Folder] {
        assert_eq!(code(place.files().create(Path::new("a"), new)), "conflict");
    }
    assert_eq!(code(place.files().create(Path::new("a/b"), New::File)), "file-unreadable");
    assert_eq!(place.text("a"), "a");
}

#[test]
fn moving_never_overwrites_and_takes_links_as_links() {
    let place = Place::with(&["a", "b", "sub/x"]);
    place.link("a", "link");
    let rename = |from: &str, to: &str| place.files().rename(Path::new(from), Path::new(to));
    assert_eq!(code(rename("a", "b")), "conflict");
    assert_eq!(code(rename("sub", "b")), "conflict");
    assert_eq!(code(rename("sub", "sub/deeper")), "conflict");
    assert_eq!(code(rename("missing", "c")), "file-unreadable");
    rename("link", "sub/link").unwrap();
    rename("a", "sub/a").unwrap();
    rename("sub", "moved").unwrap();
    assert_eq!(fs::read_link(place.path("moved/link")).unwrap(), Path::new("a"));
    assert_eq!((place.text("moved/a"), place.text("b")), ("a".into(), "b".into()));
}

#[test]
fn what_was_deleted_comes_back_once_with_all_that_was_in_it() {
    let place = Place::with(&["sub/deep/a", "sub/b"]);
    place.link("/nowhere", "sub/link");
    let id = place.files().delete(Path::new("sub")).unwrap();
    assert_eq!(place.names(""), Vec::<String>::new());
    let (root, path) = restore(&place.home(), id).unwrap();
    assert_eq!((root, path), (place.root(), PathBuf::from("sub")));
    assert_eq!(place.names("sub"), ["deep", "b", "link"]);
    assert_eq!(place.text("sub/deep/a"), "sub/deep/a");
    assert_eq!(code(restore(&place.home(), id)), "conflict");
}

#[test]
fn a_link_is_deleted_itself_and_not_what_it_leads_to() {
    let place = Place::with(&[]);
    place.link(place.outside(), "out");
    let id = place.files().delete(Path::new("out")).unwrap();
    assert!(place.outside().join("secret").exists());
    restore(&place.home(), id).unwrap();
    assert_eq!(fs::read_link(place.path("out")).unwrap(), place.outside());
}

#[test]
fn bringing_back_makes_folders_again_and_overwrites_nothing() {
    let place = Place::with(&["sub/a"]);
    let id = place.files().delete(Path::new("sub/a")).unwrap();
    place.put("sub/a", "another");
    assert_eq!(code(restore(&place.home(), id)), "conflict");
    fs::remove_dir_all(place.path("sub")).unwrap();
    restore(&place.home(), id).unwrap();
    assert_eq!(place.text("sub/a"), "sub/a");
}

#[test]
fn bringing_back_does_not_go_through_a_link_that_leads_out() {
    let place = Place::with(&["sub/a"]);
    let id = place.files().delete(Path::new("sub/a")).unwrap();
    fs::remove_dir(place.path("sub")).unwrap();
    place.link(place.outside(), "sub");
    assert_eq!(code(restore(&place.home(), id)), "outside-workspace");
    assert!(!place.outside().join("a").exists());
}

#[test]
fn a_tree_is_copied_with_modes_times_and_links_and_then_removed() {
    let place = Place::with(&["sub/deep/a"]);
    let file = place.path("sub/deep/a");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    File::options().write(true).open(&file).unwrap().set_modified(then).unwrap();
    place.link("deep/a", "sub/link");
    let (root, copy) = (place.root(), place.outside());
    let spot = |root: &Path, name: &str| {
        Walk::new(root, Path::new(name)).unwrap().spot(spot::Missing::Fail).unwrap()
    };
    tree::copy(&spot(&root, "sub"), &spot(&copy, "copy")).unwrap();
    tree::remove(&spot(&root, "sub")).unwrap();
    assert!(!place.path("sub").exists());
    let found = fs::metadata(copy.join("copy/deep/a")).unwrap();
    assert_eq!((found.mode() & 0o7777, found.modified().unwrap()), (0o640, then));
    assert_eq!(fs::read_to_string(copy.join("copy/link")).unwrap(), "sub/deep/a");
}

#[test]
fn the_trash_is_emptied_after_a_day() {
    let place = Place::with(&["a", "b"]);
    let id = place.files().delete(Path::new("a")).unwrap();
    clear_trash(&place.home(), SystemTime::now() + Duration::from_hours(23)).unwrap();
    restore(&place.home(), id).unwrap();
    let id = place.files().delete(Path::new("a")).unwrap();
    clear_trash(&place.home(), SystemTime::now() + Duration::from_hours(25)).unwrap();
    assert_eq!(code(restore(&place.home(), id)), "conflict");
    assert_eq!(fs::read_dir(place.home().trash()).unwrap().count(), 0);
}

#[test]
fn the_sample_is_made_once_and_runs_with_what_is_there() {
    let place = Place::with(&["mine"]);
    assert!(!sample(&place.root()).unwrap());
    assert_eq!(place.names(""), ["mine"], "what is there is not touched");
    for (python, program, script) in [(true, "python3", "hello.py"), (false, "bash", "hello.sh")] {
        let root = place.path(script.trim_end_matches(".py"));
        assert!(sample_with(&root, python).unwrap());
        assert!(!sample_with(&root, python).unwrap());
        assert!(fs::read_to_string(root.join("README.md")).unwrap().contains(&format!("{program} {script}")));
        let Ok(output) = std::process::Command::new(program).arg(script).current_dir(&root).output() else {
            eprintln!("SKIPPED: the sample of {program}: there is no {program}");
            continue;
        };
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(
            output.status.success() && out.contains("20/20") && out.contains("\u{1b}[32mdone"),
            "{out}{err}"
        );
        assert!(err.starts_with("warning: "), "{err}");
    }
}
