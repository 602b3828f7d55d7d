//! The documentation says what the table says.

use super::super::reference;
use super::read;

const FROM: &str = "<!-- settings: generated, see the end of this file -->\n";
const TO: &str = "<!-- end of settings -->\n";

#[test]
fn the_documentation_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = read(&path).replace("\r\n", "\n");
    let (head, rest) = text.split_once(FROM).unwrap();
    let (_, tail) = rest.split_once(TO).unwrap();
    let current = format!("{head}{FROM}\n{}\n{TO}{tail}", reference());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &current).unwrap();
        return;
    }
    assert!(
        text == current,
        "docs/configuration.md is stale; run: UPDATE_DOCS=1 cargo test -p stigmer-engine --lib config"
    );
}
