//! The kinds of settings: what each accepts, how it says so, and how its values are written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::units::{self, Unit};
use super::value::{Secret, Value};
use super::yaml::{self, Data, Node};

/// What a setting may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A mode, under its present or its older name.
    Mode,
    /// Yes or no.
    Bool,
    /// A whole number between two bounds, both allowed.
    Integer(u64, u64),
    /// A number between two bounds, both allowed.
    Number(f64, f64),
    /// A time; a bare number counts this unit.
    Time(Unit),
    /// A number of bytes.
    Size,
    /// Words, not empty.
    Text,
    /// Words that nobody is shown.
    Secret,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any number of values of one kind.
    List(&'static Kind),
    /// Names, each with words.
    Map,
    /// Any number of groups of named values.
    Records(&'static [Field]),
}

/// A named value in a record.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether a record without it is wrong.
    pub required: bool,
}

/// A value that does not fit its kind.
#[derive(Debug, PartialEq)]
pub(super) struct Mismatch {
    /// Line of the part that does not fit; 0 if it has none.
    pub(super) line: usize,
    /// The part, as in `[2].command`; empty for the whole.
    pub(super) within: String,
    /// What would fit, after "must be".
    pub(super) accepted: String,
    /// What was found, after "not".
    pub(super) found: String,
}

impl Mismatch {
    fn inside(mut self, part: &str) -> Self {
        self.within.insert_str(0, part);
        self
    }
}

impl Kind {
    /// What it accepts, as words that follow "must be".
    pub fn accepted(&self) -> String {
        match self {
            Self::Mode => "`local`, `sandbox`, `daytona` or `auto`".to_owned(),
            Self::Bool => "`true` or `false`".to_owned(),
            Self::Integer(min, u64::MAX) => format!("a whole number from {min}"),
            Self::Integer(min, max) => format!("a whole number from {min} to {max}"),
            Self::Number(min, max) => format!("a number from {min} to {max}"),
            Self::Time(unit) => format!("a number of {}, or a time such as `90s`, `15m`, `2h`", unit.name()),
            Self::Size => "a size such as `512 MiB` or a number of bytes, more than 0".to_owned(),
            Self::Text | Self::Secret => "a text".to_owned(),
            Self::Choice(words) => {
                let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                match quoted.split_last() {
                    Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
                    _ => quoted.concat(),
                }
            }
            Self::List(item) => format!("a list, each item {}", item.accepted()),
            Self::Map => "names with a text each".to_owned(),
            Self::Records(fields) => {
                format!("a list, each item with {}", names(fields))
            }
        }
    }

    /// A value that it accepts, as it stands in a file.
    pub fn example(&self) -> String {
        match self {
            Self::Mode => "sandbox".to_owned(),
            Self::Bool => "true".to_owned(),
            Self::Integer(min, _) => min.to_string(),
            Self::Number(min, _) => min.max(1.0).to_string(),
            Self::Time(_) => "15m".to_owned(),
            Self::Size => "512 MiB".to_owned(),
            Self::Text | Self::Secret => "text".to_owned(),
            Self::Choice(words) => words.iter().take(1).copied().collect(),
            Self::List(item) => format!("[{}]", item.example()),
            Self::Map => "{NAME: text}".to_owned(),
            Self::Records(fields) => {
                let required = fields.iter().filter(|field| field.required);
                let entries: Vec<_> =
                    required.map(|field| format!("{}: {}", field.name, field.kind.example())).collect();
                format!("[{{{}}}]", entries.join(", "))
            }
        }
    }

    /// Understands what stands in a file.
    pub(super) fn read(&self, node: &Node) -> Result<Value, Mismatch> {
        match self {
            Self::List(kind) => self.each(node, |item| kind.read(item)),
            Self::Map => {
                let Data::Map(entries) = &node.data else { return Err(self.mismatch(node)) };
                let mut map = BTreeMap::new();
                for entry in entries {
                    let value = read_text(&entry.value).ok_or_else(|| {
                        Self::Text.mismatch(&entry.value).inside(&format!(".{}", entry.name))
                    })?;
                    map.insert(entry.name.clone(), Value::Text(value));
                }
                Ok(Value::Map(map))
            }
            Self::Records(fields) => self.each(node, |item| record(fields, item)),
            scalar => {
                let Data::Scalar(text) = &node.data else { return Err(self.mismatch(node)) };
                scalar.read_scalar(text).ok_or_else(|| self.mismatch(node))
            }
        }
    }

    fn each(&self, node: &Node, read: impl Fn(&Node) -> Result<Value, Mismatch>) -> Result<Value, Mismatch> {
        let items = node.items().ok_or_else(|| self.mismatch(node))?;
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            values.push(read(item).map_err(|wrong| wrong.inside(&format!("[{}]", index + 1)))?);
        }
        Ok(Value::List(values))
    }

    fn read_scalar(&self, text: &str) -> Option<Value> {
        match self {
            Self::Mode => text.parse().ok().map(Value::Mode),
            Self::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(Value::Bool(true)),
                "false" | "no" | "off" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            Self::Integer(min, max) => {
                let number = digits(text)?.parse().ok()?;
                (*min..=*max).contains(&number).then_some(Value::Integer(number))
            }
            Self::Number(min, max) => {
                let number: f64 = text.parse().ok()?;
                (*min..=*max).contains(&number).then_some(Value::Number(number))
            }
            Self::Time(unit) => units::time(text, *unit).map(Value::Time),
            Self::Size => units::size(text).map(Value::Size),
            Self::Text => (!text.trim().is_empty()).then(|| Value::Text(text.to_owned())),
            Self::Secret => (!text.trim().is_empty()).then(|| Value::Secret(Secret::new(text.trim()))),
            Self::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
            Self::List(_) | Self::Map | Self::Records(_) => None,
        }
    }

    /// Understands what was given as one text: in a variable, as an option, to `config set`. Lists are also
    /// understood as `a,b`, maps as `NAME=a,OTHER=b`; in brackets both are YAML.
    pub(super) fn read_text(&self, text: &str) -> Result<Value, Mismatch> {
        self.read(&self.text_to_node(text)?)
    }

    fn text_to_node(&self, text: &str) -> Result<Node, Mismatch> {
        let trimmed = text.trim();
        let node = |data| Node { data, ..Node::scalar("") };
        let words = || trimmed.split(',').map(str::trim).filter(|word| !word.is_empty());
        match self {
            Self::List(_) | Self::Map | Self::Records(_) if trimmed.starts_with(['[', '{']) => {
                yaml::parse(trimmed).map_err(|_| self.mismatch(&Node::scalar(text)))
            }
            Self::List(_) => Ok(node(Data::List(words().map(Node::scalar).collect()))),
            Self::Map => {
                let entry = |word: &str| {
                    let (name, value) = word.split_once('=')?;
                    Some(yaml::Entry {
                        name: name.to_owned(),
                        line: 0,
                        span: 0..0,
                        value: Node::scalar(value),
                    })
                };
                let entries: Option<Vec<_>> = words().map(entry).collect();
                entries
                    .map(|entries| node(Data::Map(entries)))
                    .ok_or_else(|| self.mismatch(&Node::scalar(text)))
            }
            Self::Text => Ok(Node::scalar(text)),
            _ => Ok(Node::scalar(trimmed)),
        }
    }

    /// Writes a value as the command line, variables and files understand it; secrets are masked.
    pub fn show(&self, value: &Value) -> String {
        match (self, value) {
            (Self::Time(unit), Value::Time(time)) => units::show_time(*time, *unit),
            (_, Value::Text(text)) => text.clone(),
            _ => self.inline(value),
        }
    }

    /// The same as YAML on one line.
    pub(super) fn inline(&self, value: &Value) -> String {
        match (self, value) {
            (Self::Time(unit), Value::Time(time)) => units::show_time(*time, *unit),
            (_, Value::Time(time)) => units::show_time(*time, Unit::Seconds),
            (_, Value::Mode(mode)) => mode.name().to_owned(),
            (_, Value::Bool(yes)) => yes.to_string(),
            (_, Value::Integer(number)) => number.to_string(),
            (_, Value::Number(number)) => number.to_string(),
            (_, Value::Size(bytes)) => units::show_size(*bytes),
            (_, Value::Text(text)) => quoted(text),
            (_, Value::Secret(secret)) => secret.to_string(),
            (kind, Value::List(items)) => {
                let item = if let Self::List(item) = kind { item } else { kind };
                let items: Vec<_> = items.iter().map(|value| item.inline(value)).collect();
                format!("[{}]", items.join(", "))
            }
            (kind, Value::Map(entries)) => {
                let entry = |(name, value): (&String, &Value)| {
                    let kind = kind.field(name).map_or(Self::Text, |field| field.kind);
                    format!("{}: {}", quoted(name), kind.inline(value))
                };
                let entries: Vec<_> = entries.iter().map(entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    fn field(&self, name: &str) -> Option<&'static Field> {
        let Self::Records(fields) = self else { return None };
        fields.iter().find(|field| field.name == name)
    }

    fn mismatch(&self, node: &Node) -> Mismatch {
        let found = match &node.data {
            Data::Scalar(_) if matches!(self, Self::Secret) => "an empty one".to_owned(),
            Data::Scalar(text) if text.trim().is_empty() => "an empty text".to_owned(),
            Data::Scalar(text) => format!("{:?}", shortened(text)),
            Data::Null => "empty".to_owned(),
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "names with values".to_owned(),
        };
        Mismatch { line: node.line, within: String::new(), accepted: self.accepted(), found }
    }
}

impl Node {
    /// The items of a list; an empty value is an empty list.
    fn items(&self) -> Option<&[Node]> {
        match &self.data {
            Data::List(items) => Some(items),
            Data::Null => Some(&[]),
            Data::Scalar(_) | Data::Map(_) => None,
        }
    }
}

fn record(fields: &'static [Field], node: &Node) -> Result<Value, Mismatch> {
    let whole = Kind::Records(fields);
    let wrong = |accepted: String, found: String| Mismatch {
        line: node.line,
        within: String::new(),
        accepted,
        found,
    };
    let Data::Map(entries) = &node.data else {
        let Mismatch { found, .. } = whole.mismatch(node);
        return Err(wrong(format!("names with values: {}", names(fields)), found));
    };
    let mut map = BTreeMap::new();
    for entry in entries {
        let within = format!(".{}", entry.name);
        let Some(field) = whole.field(&entry.name) else {
            let mut wrong = wrong(format!("one of {}", names(fields)), "another name".to_owned());
            wrong.line = entry.line;
            return Err(wrong.inside(&within));
        };
        map.insert(entry.name.clone(), field.kind.read(&entry.value).map_err(|wrong| wrong.inside(&within))?);
    }
    match fields.iter().find(|field| field.required && !map.contains_key(field.name)) {
        Some(missing) => {
            Err(wrong(missing.kind.accepted(), "missing".to_owned()).inside(&format!(".{}", missing.name)))
        }
        None => Ok(Value::Map(map)),
    }
}

fn names(fields: &[Field]) -> String {
    let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.name)).collect();
    names.join(", ")
}

fn read_text(node: &Node) -> Option<String> {
    match &node.data {
        Data::Scalar(text) => Some(text.clone()),
        Data::Null => Some(String::new()),
        Data::List(_) | Data::Map(_) => None,
    }
}

/// Only digits: `parse` would also take `+5`.
fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A text as YAML on one line, quoted where it would be read as something else.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_./+@%-=".contains(c);
    let starts = text.starts_with(|c: char| c.is_alphanumeric() || "_./".contains(c));
    let null = matches!(text, "null" | "Null" | "NULL");
    let inner = |(index, c): (usize, char)| {
        // A colon is part of a word unless a space follows it; a space is, unless it stands at the end or before `#`.
        let next = text[index + c.len_utf8()..].chars().next();
        plain(c) || (matches!(c, ':' | ' ') && next.is_some_and(plain))
    };
    let document = text.starts_with("...");
    if starts && !null && !document && text.char_indices().all(inner) {
        return text.to_owned();
    }
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
