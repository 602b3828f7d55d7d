//! Snapshots as text.

use std::fmt::Write as _;

use stigmer_engine::snapshot::Snapshot;

use crate::image::{age, ago};
use crate::output::{Output, Tone};
use crate::table::Table;

fn tone(snapshot: &Snapshot) -> Tone {
    match () {
        () if snapshot.is_active() => Tone::Good,
        () if snapshot.failed() => Tone::Bad,
        () if snapshot.is_settled() => Tone::Dim,
        () => Tone::Warning,
    }
}

fn gib(size: Option<f64>) -> String {
    size.map(|size| format!("{size:.1} GiB")).unwrap_or_default()
}

/// The list of snapshots.
pub(super) fn list(all: &[Snapshot], usual: Option<&str>, output: &Output) -> String {
    let heads = ["SNAPSHOT", "STATE", "SIZE", "CPU", "MEMORY", "DISK", "REGIONS", "AGE", "USED", "FROM", ""];
    let mut table = Table::new(heads);
    for one in all {
        let is_usual = usual.is_some_and(|usual| usual == one.name || usual == one.id);
        let note = match (is_usual, one.is_general) {
            (true, _) => (Tone::Good, "in use".to_owned()),
            (false, true) => (Tone::Dim, "Daytona's".to_owned()),
            (false, false) => (Tone::Dim, String::new()),
        };
        table.row([
            (Tone::Strong, one.name.clone()),
            (tone(one), one.state.clone()),
            (Tone::Plain, gib(one.size)),
            (Tone::Plain, one.cpu.to_string()),
            (Tone::Plain, format!("{} GiB", one.memory)),
            (Tone::Plain, format!("{} GiB", one.disk)),
            (Tone::Dim, one.regions.join(" ")),
            (Tone::Dim, one.created.map(age).unwrap_or_default()),
            (Tone::Dim, one.used.map(age).unwrap_or_default()),
            (Tone::Plain, from(one)),
            note,
        ]);
    }
    table.text(output)
}

fn from(snapshot: &Snapshot) -> String {
    match (&snapshot.image, &snapshot.dockerfile) {
        (_, Some(_)) => "a Dockerfile".to_owned(),
        (Some(image), None) => image.clone(),
        (None, None) => "a sandbox".to_owned(),
    }
}

/// Everything about a snapshot.
pub(super) fn detail(snapshot: &Snapshot, is_usual: bool, output: &Output) -> String {
    let when = |at: Option<jiff::Timestamp>| at.map(ago).unwrap_or_default();
    let sandboxes =
        format!("{} CPU, {} GiB of memory, {} GiB of disk", snapshot.cpu, snapshot.memory, snapshot.disk);
    let facts = [
        ("snapshot", snapshot.name.clone()),
        ("id", snapshot.id.clone()),
        ("state", format!("{} – {}", snapshot.state, snapshot.words())),
        ("reason", snapshot.error.clone().unwrap_or_default()),
        ("next", snapshot.next_step()),
        ("owner", (if snapshot.is_general { "Daytona, for everybody" } else { "" }).to_owned()),
        ("in use", (if is_usual { "cloud sandboxes are made from it" } else { "" }).to_owned()),
        ("from", from(snapshot)),
        ("size", gib(snapshot.size)),
        ("sandboxes", sandboxes),
        ("starts", snapshot.entrypoint.join(" ")),
        ("regions", snapshot.regions.join(", ")),
        ("made", when(snapshot.created)),
        ("used", when(snapshot.used)),
    ];
    let mut text = String::new();
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let value = value.replace(char::is_control, " ");
        let _ = writeln!(text, "{} {value}", output.paint(Tone::Dim, format_args!("{name:9}")));
    }
    if let Some(dockerfile) = &snapshot.dockerfile {
        let shown = dockerfile.replace(|letter: char| letter.is_control() && letter != '\n', " ");
        let _ = write!(text, "\n{}", shown.trim_end());
    }
    text.trim_end().to_owned()
}
