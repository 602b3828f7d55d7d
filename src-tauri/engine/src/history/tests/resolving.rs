use super::*;

/// Ids that begin alike, as those of runs from the same second do.
const IDS: [&str; 3] = [
    "01998f3e-1c00-7abc-8123-0000c0ffee01",
    "01998f3e-1c01-7abc-8123-0000c0ffee02",
    "02aa8f3e-1c02-7abc-8123-000012345678",
];

fn history() -> (TempDir, History) {
    let (folder, home) = home();
    let history = open(&home);
    for id in IDS {
        history.insert(&RunRecord { id: id.parse().unwrap(), ..run("make") }).unwrap();
    }
    (folder, history)
}

#[test]
fn a_run_is_named_by_place_or_by_the_beginning_or_end_of_its_id() {
    let (_folder, history) = history();
    for (given, id) in [
        ("last", IDS[2]),
        ("@1", IDS[2]),
        ("@2", IDS[1]),
        ("@3", IDS[0]),
        (IDS[0], IDS[0]),
        ("01998f3e1c007abc81230000c0ffee01", IDS[0]),
        ("01998F3E-1C00", IDS[0]),
        ("01998f3e1c01", IDS[1]),
        ("02aa", IDS[2]),
        ("c0ffee01", IDS[0]),
        ("C0FFEE02", IDS[1]),
        ("ee01", IDS[0]),
        ("5678", IDS[2]),
        ("8123-000012345678", IDS[2]),
        ("8123000012345678", IDS[2]),
        ("-000012345678", IDS[2]),
    ] {
        assert_eq!(history.resolve(given).unwrap().to_string(), id, "{given}");
    }
}

#[test]
fn a_name_that_fits_no_run_is_not_found() {
    let (_folder, history) = history();
    for given in [
        "",
        "@0",
        "@4",
        "@",
        "@-1",
        "@x",
        "@99999999999999999999",
        "abc",
        "ffee",
        "fee",
        "make",
        "%%%%",
        "____",
        "01998f3e-1c00-7abc-8123-0000c0ffee99",
        "01998f3e-1c00-7abc-8123-0000c0ffee01ab",
        "é123",
    ] {
        assert_eq!(history.resolve(given).unwrap_err().code(), "run-not-found", "{given}");
    }
}

#[test]
fn a_name_that_fits_several_runs_says_how_many() {
    let (_folder, history) = history();
    let error = history.resolve("01998f3e").unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("run-ambiguous", "`01998f3e` fits the ids of 2 runs")
    );
}

#[test]
fn a_beginning_and_an_end_that_fit_different_runs_are_ambiguous() {
    let (_folder, history) = history();
    let id = "03000000-0000-7000-8000-0000000002aa".parse().unwrap();
    history.insert(&RunRecord { id, ..run("make") }).unwrap();
    assert_eq!(history.resolve("02aa").unwrap_err().code(), "run-ambiguous");
}

#[test]
fn nothing_is_last_in_an_empty_history() {
    let (_folder, home) = home();
    assert_eq!(open(&home).resolve("last").unwrap_err().code(), "run-not-found");
}
