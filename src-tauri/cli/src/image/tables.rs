//! Images as text.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::json;
use stigmer_engine::image::tiers::TIERS;
use stigmer_engine::image::{Detail, DiskUse, Image, Prunable, Share, Verified, short};
use stigmer_engine::size::decimal_size;

use crate::output::{Output, Tone};
use crate::runs::counted;
use crate::table::Table;

/// How long ago something was; empty for a time that nobody wrote down, which builds that repeat to the byte leave out.
pub(crate) fn age(at: Timestamp) -> String {
    let seconds = Timestamp::now().duration_since(at).as_secs();
    match seconds {
        _ if at <= Timestamp::UNIX_EPOCH => String::new(),
        ..60 => "now".to_owned(),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => counted(usize::try_from(seconds / 86_400).unwrap_or(0), "day"),
    }
}

/// The same as an answer to when.
pub(crate) fn ago(at: Timestamp) -> String {
    match age(at).as_str() {
        "" => String::new(),
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}

/// The list of images.
pub(super) fn images(images: &[Image], output: &Output) -> String {
    let mut table = Table::new(["IMAGE", "ID", "SIZE", "AGE", "CONTAINERS", "TIER", "VERIFIED"]);
    for image in images {
        let names = if image.tags.is_empty() { vec!["–".to_owned()] } else { image.tags.clone() };
        for name in names {
            table.row([
                (Tone::Strong, name),
                (Tone::Dim, short(&image.id).to_owned()),
                (Tone::Plain, decimal_size(image.size)),
                (Tone::Dim, age(image.created)),
                (
                    Tone::Plain,
                    if image.containers == 0 { String::new() } else { image.containers.to_string() },
                ),
                (Tone::Plain, image.tier.clone().unwrap_or_default()),
                verdict(image.kept.verified.as_ref()),
            ]);
        }
    }
    table.text(output)
}

fn verdict(verified: Option<&Verified>) -> (Tone, String) {
    let Some(verified) = verified else { return (Tone::Dim, String::new()) };
    match verified.missing().count() {
        0 => (Tone::Good, format!("{} ok", counted(verified.tools.len(), "tool"))),
        missing => (Tone::Bad, format!("{missing} of {} missing", verified.tools.len())),
    }
}

/// The tiers, and whether they are here.
pub(super) fn tiers(images: &[Image], as_json: bool, output: &Output) -> String {
    let here = |tag: &str| images.iter().any(|image| image.tags.iter().any(|one| one == tag));
    if as_json {
        let line = |tier: &stigmer_engine::image::tiers::Tier| {
            json!({
                "name": tier.name, "about": tier.about, "tag": tier.tag, "download": tier.download,
                "size": tier.size, "is_here": here(tier.tag),
            })
            .to_string()
        };
        return TIERS.iter().map(line).collect::<Vec<_>>().join("\n");
    }
    let mut table = Table::new(["TIER", "HOLDS", "DOWNLOAD", "ON DISK", "IMAGE", ""]);
    for tier in TIERS {
        let is_here = here(tier.tag);
        table.row([
            (Tone::Strong, tier.name.to_owned()),
            (Tone::Plain, tier.about.to_owned()),
            (Tone::Plain, format!("about {}", decimal_size(tier.download))),
            (Tone::Plain, format!("about {}", decimal_size(tier.size))),
            (Tone::Dim, tier.tag.to_owned()),
            if is_here {
                (Tone::Good, "here".to_owned())
            } else {
                (Tone::Dim, format!("stigmer image build {}", tier.name))
            },
        ]);
    }
    table.text(output)
}

/// Everything about an image.
pub(super) fn detail(detail: &Detail, output: &Output) -> String {
    let image = &detail.image;
    let mut facts = vec![
        ("image", image.tags.join(", ")),
        ("id", image.id.clone()),
        ("digest", image.digests.join(", ")),
        ("size", decimal_size(image.size)),
        ("made", ago(image.created)),
        ("for", detail.platform.clone()),
        ("starts", [detail.entrypoint.join(" "), detail.command.join(" ")].join(" ").trim().to_owned()),
        ("as", detail.user.clone()),
        ("in", detail.workdir.clone()),
        ("used by", counted(usize::try_from(image.containers).unwrap_or(0), "container")),
        ("tier", image.tier.clone().unwrap_or_default()),
        ("note", image.kept.note.clone().unwrap_or_default()),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{} {value}", output.paint(Tone::Dim, format_args!("{name:9}")));
    };
    for (name, value) in &facts {
        line(name, value);
    }
    for (index, variable) in detail.env.iter().enumerate() {
        line(if index == 0 { "variables" } else { "" }, variable);
    }
    if let Some(verified) = &image.kept.verified {
        let _ = write!(
            text,
            "\ntools of {}, asked {} ago\n{}",
            verified.tier,
            age(verified.at),
            tools(verified, output)
        );
    }
    let mut table = Table::new(["LAYER", "SIZE"]);
    for layer in &detail.layers {
        let by: String = layer.by.replace(['\n', '\t'], " ").chars().take(100).collect();
        table.row([(Tone::Plain, by), (Tone::Dim, decimal_size(layer.size))]);
    }
    let _ = write!(text, "\n{}", table.text(output));
    text.trim_end().to_owned()
}

fn tools(verified: &Verified, output: &Output) -> String {
    let mut table = Table::new(["TOOL", "VERSION"]);
    for tool in &verified.tools {
        let version = match (&tool.version, &tool.problem) {
            (Some(version), _) => (Tone::Plain, version.clone()),
            (None, problem) => (Tone::Bad, format!("missing: {}", problem.as_deref().unwrap_or_default())),
        };
        table.row([(Tone::Strong, tool.name.clone()), version]);
    }
    table.text(output)
}

/// The tools of two images side by side.
pub(super) fn comparison(before: &Image, after: &Image, as_json: bool, output: &Output) -> String {
    let tools =
        |image: &Image| image.kept.verified.clone().map(|verified| verified.tools).unwrap_or_default();
    let (old, new) = (tools(before), tools(after));
    let mut names: Vec<_> = old.iter().map(|tool| tool.name.clone()).collect();
    names.extend(
        new.iter().map(|tool| tool.name.clone()).filter(|name| old.iter().all(|tool| tool.name != *name)),
    );
    let version = |tools: &[stigmer_engine::image::Tool], name: &str| {
        tools.iter().find(|tool| tool.name == name).and_then(|tool| tool.version.clone())
    };
    let rows = names.into_iter().map(|name| (version(&old, &name), version(&new, &name), name));
    if as_json {
        let line = |(before, after, tool): (Option<String>, Option<String>, String)| {
            json!({ "tool": tool, "before": before, "after": after }).to_string()
        };
        return rows.map(line).collect::<Vec<_>>().join("\n");
    }
    let mut table = Table::new(["TOOL", before.name(), after.name()]);
    for (before, after, name) in rows {
        let tone = if before == after { Tone::Dim } else { Tone::Strong };
        let shown = |version: Option<String>| version.unwrap_or_else(|| "missing".to_owned());
        table.row([(tone, name), (tone, shown(before)), (tone, shown(after))]);
    }
    table.text(output)
}

/// Whether an image is a version of this name.
pub(super) fn is_version(image: &Image, name: &str) -> bool {
    image
        .tags
        .iter()
        .any(|tag| tag.rsplit_once(':').map_or(tag.as_str(), |(name, _)| name) == name || tag == name)
}

/// The versions of an image, the newest first.
pub(super) fn history(versions: &[Image], output: &Output) -> String {
    let mut text = String::new();
    for image in versions {
        let (tone, verdict) = verdict(image.kept.verified.as_ref());
        let _ = writeln!(
            text,
            "{}  {}  {}  {} ago  {}",
            output.paint(Tone::Strong, image.tags.join(", ")),
            output.paint(Tone::Dim, short(&image.id)),
            decimal_size(image.size),
            age(image.created),
            output.paint(tone, verdict),
        );
        for line in image.kept.note.as_deref().unwrap_or_default().lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    text.trim_end().to_owned()
}

/// Images that are not needed.
pub(super) fn prunable(all: &[Prunable], output: &Output) -> String {
    let mut table = Table::new(["IMAGE", "ID", "SIZE", "WHY"]);
    for image in all {
        let name = if image.tags.is_empty() { "–".to_owned() } else { image.tags.join(", ") };
        table.row([
            (Tone::Strong, name),
            (Tone::Dim, short(&image.id).to_owned()),
            (Tone::Plain, decimal_size(image.size)),
            (Tone::Plain, image.why.to_owned()),
        ]);
    }
    table.text(output)
}

/// What takes how much of the engine's disk.
pub(super) fn disk(used: &DiskUse, output: &Output) -> String {
    let mut table = Table::new(["", "COUNT", "IN USE", "SIZE", "CAN BE FREED"]);
    let mut row = |name: &str, share: &Share| {
        table.row([
            (Tone::Strong, name.to_owned()),
            (Tone::Plain, share.count.to_string()),
            (Tone::Plain, share.active.to_string()),
            (Tone::Plain, decimal_size(share.size)),
            (Tone::Plain, decimal_size(share.reclaimable)),
        ]);
    };
    row("images", &used.images);
    row("containers", &used.containers);
    row("volumes", &used.volumes);
    row("build cache", &used.build_cache);
    table.text(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_says_no_time_has_no_age() {
        for unwritten in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"] {
            let at = unwritten.parse().unwrap();
            assert_eq!((age(at), ago(at)), (String::new(), String::new()));
        }
        let at = Timestamp::now() - std::time::Duration::from_hours(2);
        assert_eq!((age(at).as_str(), ago(at).as_str()), ("2 h", "2 h ago"));
    }
}
