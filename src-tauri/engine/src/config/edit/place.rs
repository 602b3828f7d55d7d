//! Where in a text a setting stands, and the text with it replaced, added or removed.
//!
//! What is returned is a proposal: the caller reads it again before it believes it. So these functions know the
//! usual ways to write settings and need not know all of YAML.

use std::ops::Range;

use super::super::file::Contents;
use super::super::yaml::{Data, Entry, Node, Style};

/// A changed text.
pub(super) type Text = String;

/// The text with another value of a setting. `None` if it stands where it cannot be replaced.
pub(super) fn replace(old: &Contents, way: &[&Entry], written: &str) -> Option<Text> {
    let page = Page::of(old);
    let entry = own(way)?;
    let colon = page.colon(entry)?;
    let value = &entry.value;
    if value.style != Style::Block {
        let end = page.end(value);
        let start =
            if value.style == Style::BlockText { colon } else { page.byte(value.span.start).max(colon) };
        let gap = if start == colon { " " } else { "" };
        return Some(page.with(start..end.max(start), &format!("{gap}{written}")));
    }
    // The value moves up to its name; a comment after the name stays there.
    let lines = page.line_start(page.byte(value.span.start))..page.line_end(page.end(value));
    let mut text = page.with(lines.clone(), "");
    if lines.end == page.text.len() && !page.text.ends_with('\n') {
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
    }
    text.insert_str(colon, &format!(" {written}"));
    Some(text)
}

/// The text with a setting that it does not have yet: at the end of its section, else of the file.
pub(super) fn insert(old: &Contents, name: &str, written: &str) -> Text {
    let page = Page::of(old);
    let (section, last) = name.rsplit_once('.').unwrap_or(("", name));
    let top = match &old.root.data {
        Data::Map(entries) => entries.as_slice(),
        _ => &[],
    };
    match top.iter().find(|entry| !section.is_empty() && entry.name == section) {
        Some(entry) => page.insert_below(entry, last, written).unwrap_or_default(),
        None if old.root.style == Style::Inline && matches!(old.root.data, Data::Map(_)) => {
            let line = match section {
                "" => format!("{last}: {written}"),
                _ => format!("{section}: {{{last}: {written}}}"),
            };
            page.insert_in_brackets(&old.root, &line)
        }
        None => {
            let indent = top.first().map_or("", |entry| page.indent(entry));
            let line = match section {
                "" => format!("{indent}{last}: {written}"),
                _ => format!("{indent}{section}:{}{indent}  {last}: {written}", page.newline()),
            };
            page.insert_line(page.text.len(), &line)
        }
    }
}

/// The text without a setting, and without its section if that is empty then and has no comment.
pub(super) fn remove(old: &Contents, way: &[&Entry]) -> Option<Text> {
    let page = Page::of(old);
    own(way)?;
    let mut way = way.to_vec();
    let mut entry = way.pop()?;
    while let Some(section) = way.last() {
        let alone = matches!(&section.value.data, Data::Map(entries) if entries.len() == 1);
        let start = page.byte(section.span.start);
        // A comment after the setting itself goes with it; one that stands before belongs to the section.
        if !alone || page.text[start..page.byte(entry.span.start)].contains('#') {
            break;
        }
        entry = section;
        way.pop();
    }
    let parent = way.last().map_or(&old.root, |section| &section.value);
    if parent.style == Style::Block {
        return Some(page.without_lines(entry));
    }
    Some(page.without_item(entry))
}

/// The setting's entry, unless it is reached through an alias: then it stands elsewhere and for others too.
fn own<'e>(way: &[&'e Entry]) -> Option<&'e Entry> {
    let (entry, sections) = way.split_last()?;
    sections.iter().all(|section| section.value.style != Style::Alias).then_some(*entry)
}

/// A text, with the arithmetic between it and its tree.
struct Page<'a> {
    text: &'a str,
}

impl<'a> Page<'a> {
    fn of(contents: &'a Contents) -> Self {
        Self { text: &contents.text }
    }

    /// The parser counts characters, the text counts bytes.
    fn byte(&self, character: usize) -> usize {
        self.text.char_indices().nth(character).map_or(self.text.len(), |(byte, _)| byte)
    }

    fn with(&self, range: Range<usize>, new: &str) -> Text {
        // In odd texts an end may come out before its start; the caller then sees that nothing was removed.
        format!("{}{new}{}", &self.text[..range.start], &self.text[range.end.max(range.start)..])
    }

    fn line_start(&self, byte: usize) -> usize {
        self.text[..byte].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// The end of a line, after its newline.
    fn line_end(&self, byte: usize) -> usize {
        self.text[byte..].find('\n').map_or(self.text.len(), |newline| byte + newline + 1)
    }

    fn newline(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    fn indent(&self, entry: &Entry) -> &'a str {
        let start = self.byte(entry.span.start);
        let before = &self.text[self.line_start(start)..start];
        &before[..before.len() - before.trim_start_matches(' ').len()]
    }

    /// The place right after the colon that follows a name.
    fn colon(&self, entry: &Entry) -> Option<usize> {
        let name = self.byte(entry.span.start);
        let name_end = name + scalar_len(&self.text[name..self.byte(entry.span.end)]);
        let rest = &self.text[name_end..];
        rest.trim_start_matches(' ').starts_with(':').then(|| name_end + rest.find(':').unwrap_or(0) + 1)
    }

    /// The end of what a value says. The parser's own ends reach into the spaces and comments that follow.
    fn end(&self, node: &Node) -> usize {
        match (&node.data, node.style) {
            (Data::List(items), Style::Block) if !items.is_empty() => self.end(&items[items.len() - 1]),
            (Data::Map(entries), Style::Block) if !entries.is_empty() => {
                let last = &entries[entries.len() - 1];
                let name = self.byte(last.span.end);
                self.end(&last.value).max(self.colon(last).unwrap_or(name))
            }
            _ => {
                let start = self.byte(node.span.start);
                let raw = &self.text[start..self.byte(node.span.end)];
                let raw = if node.style == Style::Inline && matches!(node.data, Data::Scalar(_)) {
                    &raw[..scalar_len(raw)]
                } else {
                    raw
                };
                start + raw.trim_end().len()
            }
        }
    }

    fn insert_below(&self, section: &Entry, name: &str, written: &str) -> Option<Text> {
        let line = format!("{name}: {written}");
        let indent = self.indent(section);
        match (&section.value.data, section.value.style) {
            (Data::Map(_), Style::Inline) => Some(self.insert_in_brackets(&section.value, &line)),
            (Data::Map(entries), Style::Block) => {
                let indent = entries.first().map_or("", |entry| self.indent(entry));
                Some(self.insert_line(self.line_end(self.end(&section.value)), &format!("{indent}{line}")))
            }
            (Data::Null, _) => {
                let colon = self.colon(section)?;
                // `name: ~` has to go, `name:` may have a comment that stays.
                let end = self.end(&section.value).max(colon);
                let text = self.with(colon..end, "");
                let page = Page { text: &text };
                Some(page.insert_line(page.line_end(colon), &format!("{indent}  {line}")))
            }
            _ => None,
        }
    }

    /// Adds a line at a place where one begins, or after the last one if that has no end.
    fn insert_line(&self, byte: usize, line: &str) -> Text {
        let newline = self.newline();
        if byte == self.text.len() && !self.text.is_empty() && !self.text.ends_with('\n') {
            return format!("{}{newline}{line}", self.text);
        }
        self.with(byte..byte, &format!("{line}{newline}"))
    }

    fn insert_in_brackets(&self, map: &Node, item: &str) -> Text {
        match &map.data {
            Data::Map(entries) if !entries.is_empty() => {
                let last = &entries[entries.len() - 1];
                let end = self.end(&last.value).max(self.colon(last).unwrap_or(0));
                self.with(end..end, &format!(", {item}"))
            }
            _ => {
                let end = self.end(map);
                let inside = self.byte(map.span.start) + 1..end.saturating_sub(1);
                self.with(inside, item)
            }
        }
    }

    fn without_lines(&self, entry: &Entry) -> Text {
        let start = self.line_start(self.byte(entry.span.start));
        let content = self.end(&entry.value).max(self.colon(entry).unwrap_or(0));
        let end = self.line_end(content);
        // The last line of a file without a final newline leaves a file without one.
        if end == self.text.len() && !self.text.ends_with('\n') {
            return self.text[..start].trim_end_matches('\n').trim_end_matches('\r').to_owned();
        }
        self.with(start..end, "")
    }

    fn without_item(&self, entry: &Entry) -> Text {
        let start = self.byte(entry.span.start);
        let end = self.end(&entry.value).max(self.colon(entry).unwrap_or(0));
        let after = &self.text[end..];
        let spaces = after.len() - after.trim_start().len();
        if after[spaces..].starts_with(',') {
            let rest = &after[spaces + 1..];
            let gap = rest.len() - rest.trim_start_matches(' ').len();
            return self.with(start..end + spaces + 1 + gap, "");
        }
        let before = self.text[..start].trim_end();
        let start = before.strip_suffix(',').map_or(start, str::len);
        self.with(start..end, "")
    }
}

/// Length of a scalar at the beginning of a text: to its closing quote, or all of it if it has none.
fn scalar_len(raw: &str) -> usize {
    let bytes = raw.as_bytes();
    // An anchor or the like before the quote belongs to the value.
    let Some(open) = raw.find(['"', '\'']).filter(|open| *open == 0 || raw.starts_with(['&', '!'])) else {
        return raw.trim_end().len();
    };
    let quote = bytes[open];
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 2,
            byte if byte != quote => at += 1,
            _ if quote == b'\'' && bytes.get(at + 1) == Some(&quote) => at += 2,
            _ => return at + 1,
        }
    }
    raw.len()
}
