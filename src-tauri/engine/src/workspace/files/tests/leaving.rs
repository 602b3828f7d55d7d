//! Nothing leads out of the workspace.

use super::*;

/// What every operation says about a path.
fn all(place: &Place, path: &str) -> Vec<&'static str> {
    let (files, path) = (place.files(), Path::new(path));
    vec![
        code(files.read(path, 100)),
        code(files.write(path, b"x", &Expected::Any)),
        code(files.write(path, b"x", &Expected::Absent)),
        code(files.create(path, New::File)),
        code(files.create(path, New::Folder)),
        code(files.rename(path, Path::new("new"))),
        code(files.rename(Path::new("mine"), path)),
        code(files.delete(path)),
        code(files.list(path)),
    ]
}

#[test]
fn dots_absolute_paths_and_links_that_lead_out_are_refused() {
    let place = Place::with(&["mine", "sub/x"]);
    place.link(place.outside(), "out");
    place.link("../outside", "sideways");
    place.link("sub/../../outside", "roundabout");
    place.link("out", "twice");
    let absolute = place.outside().join("new").to_str().unwrap().to_owned();
    for path in [
        "../outside/new",
        "sub/../../outside/new",
        "out/new",
        "sideways/new",
        "roundabout/new",
        "twice/new",
        &absolute,
    ] {
        assert!(all(&place, path).iter().all(|code| *code == "outside-workspace"), "{path}");
    }
    assert_eq!(fs::read_dir(place.outside()).unwrap().count(), 1);
    assert_eq!(place.text("mine"), "mine");
}

#[test]
fn a_link_to_a_file_outside_is_neither_read_nor_written() {
    let place = Place::with(&[]);
    place.link(place.outside().join("secret"), "link");
    place.link("../outside/new", "made");
    assert_eq!(code(place.read("link")), "outside-workspace");
    assert_eq!(code(place.write("link", "x", &Expected::Any)), "outside-workspace");
    assert_eq!(code(place.write("made", "x", &Expected::Any)), "outside-workspace");
    assert_eq!(fs::read_to_string(place.outside().join("secret")).unwrap(), "secret");
    assert!(!place.outside().join("new").exists());
}

#[test]
fn links_that_stay_inside_are_followed_relative_or_absolute() {
    let place = Place::with(&["sub/deep/file"]);
    place.link("sub/deep", "relative");
    place.link(place.path("sub"), "absolute");
    place.link("../deep/../deep/file", "sub/deep/around");
    for path in ["relative/file", "absolute/deep/file", "relative/around"] {
        assert_eq!(place.read(path).unwrap().bytes, b"sub/deep/file", "{path}");
    }
}

#[test]
fn a_circle_of_links_ends() {
    let place = Place::with(&[]);
    place.link("b", "a");
    place.link("a", "b");
    assert_eq!(code(place.read("a")), "file-unreadable");
    assert_eq!(code(place.read("a/x")), "file-unreadable");
}

#[test]
fn the_workspace_itself_is_not_deleted_moved_or_made() {
    let place = Place::with(&["mine"]);
    for path in ["", "."] {
        let path = Path::new(path);
        assert_eq!(code(place.files().delete(path)), "outside-workspace");
        assert_eq!(code(place.files().rename(path, Path::new("new"))), "outside-workspace");
        assert_eq!(code(place.files().create(path, New::Folder)), "outside-workspace");
    }
    assert!(place.path("mine").exists());
}

#[test]
fn a_folder_that_is_swapped_for_a_link_meanwhile_leads_nowhere_else() {
    let place = Place::with(&["sub/x"]);
    let (root, path) = (place.root(), Path::new("sub/new"));
    let spot = Walk::new(&root, path).unwrap().spot(spot::Missing::Fail).unwrap();
    fs::rename(place.path("sub"), place.path("moved")).unwrap();
    place.link(place.outside(), "sub");
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    openat(&spot.folder, spot.name.as_os_str(), flags, Mode::from_raw_mode(0o600)).unwrap();
    assert!(place.path("moved/new").exists() && !place.outside().join("new").exists());
}
