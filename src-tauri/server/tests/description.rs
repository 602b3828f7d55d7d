//! The description of the API that lies in the repository, for those who read it and for the pages' types.

use std::path::Path;

#[test]
fn the_description_in_docs_is_the_one_that_the_server_gives_out() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let current = stigmer_server::description().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == current,
        "docs/openapi.json is not current: UPDATE_DOCS=1 cargo test -p stigmer-server --test description"
    );
}

#[test]
fn everything_that_the_description_refers_to_is_in_it() {
    let description = serde_json::to_value(stigmer_server::description()).unwrap();
    let mut references = Vec::new();
    collect(&description, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let path = reference.strip_prefix('#').expect("everything is in the one document");
        assert!(description.pointer(path).is_some(), "{reference} is nowhere");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let description = serde_json::to_value(stigmer_server::description()).unwrap();
    let mut names: Vec<_> = description["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "{names:?}");
}

fn collect<'a>(value: &'a serde_json::Value, into: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(|reference| reference.as_str()));
            fields.values().for_each(|field| collect(field, into));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}
