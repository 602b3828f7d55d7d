//! The reference of all settings as Markdown, for `docs/configuration.md`.

use std::fmt::Write as _;

use super::keys::KEYS;

/// A table of every setting: name, meaning, what it may be, default, variable.
pub fn reference() -> String {
    let mut out = String::from(
        "| setting | meaning | accepts | default | variable |\n| --- | --- | --- | --- | --- |\n",
    );
    for key in KEYS {
        let default = key.default.map(|default| format!("`{default}`")).unwrap_or_default();
        let variables: Vec<_> = key.variables.iter().map(|known| format!("`{}`", known.name)).collect();
        let mark = if key.personal { " ¹" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "| `{}`{mark} | {} | {} | {default} | {} |",
            key.name,
            key.doc,
            key.kind.accepted(),
            variables.join(", ")
        );
    }
    out
}
