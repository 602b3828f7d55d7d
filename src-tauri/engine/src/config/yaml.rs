//! YAML as settings need it: a small tree that knows where everything stands.
//!
//! Scalars stay text; what they mean is decided by the kind of the key. What settings have no use for and what
//! is a trap is refused with its line: several documents, tags, merge keys, duplicate keys, deep nesting,
//! aliases that expand without end.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 32;
/// Most nodes of a tree after aliases were replaced by what they stand for.
const MAX_NODES: usize = 100_000;

/// A value and where it stands. Without `Debug`, like all that holds text of a file: a key may be in it.
#[derive(Clone)]
pub(super) struct Node {
    /// Its line, from 1; 0 where it does not come from a file.
    pub(super) line: usize,
    /// Its place in the text, in characters, with its anchor if it has one. The end is only a bound.
    pub(super) span: Range<usize>,
    /// How it is written.
    pub(super) style: Style,
    /// What it is.
    pub(super) data: Data,
}

/// What a node is.
#[derive(Clone, PartialEq)]
pub(super) enum Data {
    /// Nothing: an empty place, `~` or `null`.
    Null,
    /// A word, a number, a text: anything that has no parts.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// Names and values, in their order.
    Map(Vec<Entry>),
}

/// How a node is written, as far as editing has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// On its line: plain, quoted or in brackets.
    Inline,
    /// In lines of its own: an indented list or map.
    Block,
    /// A text in lines of its own, after `|` or `>`.
    BlockText,
    /// `*name`: it stands for something that is written elsewhere.
    Alias,
}

/// A name in a map with its value.
#[derive(Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) line: usize,
    /// Place of the name in the text, in characters.
    pub(super) span: Range<usize>,
    pub(super) value: Node,
}

impl PartialEq for Node {
    /// Two nodes are the same if they say the same, wherever they stand.
    fn eq(&self, other: &Self) -> bool {
        match (&self.data, &other.data) {
            (Data::Map(one), Data::Map(two)) => {
                one.len() == two.len()
                    && one.iter().zip(two).all(|(a, b)| a.name == b.name && a.value == b.value)
            }
            (one, two) => one == two,
        }
    }
}

impl Node {
    /// A scalar that was not read from a file.
    pub(super) fn scalar(text: &str) -> Self {
        Self { line: 0, span: 0..0, style: Style::Inline, data: Data::Scalar(text.to_owned()) }
    }
}

/// Why a text is not settings.
#[derive(Debug, PartialEq)]
pub(super) struct Trouble {
    pub(super) line: usize,
    pub(super) what: String,
    pub(super) hint: &'static str,
}

impl Trouble {
    fn new(span: Span, what: impl Into<String>, hint: &'static str) -> Self {
        Self { line: span.start.line(), what: what.into(), hint }
    }
}

/// Reads a text. An empty one is `Null`.
pub(super) fn parse(text: &str) -> Result<Node, Trouble> {
    let mut reader = Reader {
        text,
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        nodes: 0,
        started: false,
    };
    reader.document()
}

struct Reader<'a> {
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    started: bool,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Trouble> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(unreadable(self.text, &error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Result<Node, Trouble> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if self.started => {
                    return Err(Trouble::new(span, "a second document begins", "remove the line `---`"));
                }
                Event::DocumentStart(_) => {
                    self.started = true;
                    let first = self.next()?;
                    root = Some(self.node(first, 0)?);
                }
                _ => {}
            }
        }
        Ok(root.unwrap_or(Node { line: 1, span: 0..0, style: Style::Inline, data: Data::Null }))
    }

    fn node(&mut self, (event, span): (Event<'a>, Span), depth: usize) -> Result<Node, Trouble> {
        if depth > MAX_DEPTH {
            return Err(Trouble::new(
                span,
                "values are nested too deeply",
                "settings are two or three levels deep",
            ));
        }
        self.count(1, span)?;
        let (anchor, tagged) = match &event {
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if tagged {
            return Err(Trouble::new(span, "tags such as `!name` mean nothing here", "remove the tag"));
        }
        let node = match event {
            Event::Scalar(text, style, ..) => scalar(&text, style, span),
            Event::SequenceStart(..) => self.list(span, depth)?,
            Event::MappingStart(..) => self.map(span, depth)?,
            Event::Alias(id) => self.alias(id, span)?,
            _ => return Err(Trouble::new(span, "a value is missing", "write a value, or remove the name")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, span: Span, depth: usize) -> Result<Node, Trouble> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(collection(span, at, Data::List(items)));
            }
            items.push(self.node((event, at), depth + 1)?);
        }
    }

    fn map(&mut self, span: Span, depth: usize) -> Result<Node, Trouble> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut names = HashSet::new();
        loop {
            let (event, at) = self.next()?;
            let name = match event {
                Event::MappingEnd => return Ok(collection(span, at, Data::Map(entries))),
                Event::Scalar(name, _, 0, None) => name.into_owned(),
                _ => {
                    return Err(Trouble::new(
                        at,
                        "the name of a setting is not a word",
                        "write `name: value`",
                    ));
                }
            };
            if name == "<<" {
                return Err(Trouble::new(at, "merge keys (`<<`) are not supported", "write the values out"));
            }
            if !names.insert(name.clone()) {
                return Err(Trouble::new(at, format!("`{name}` is there twice"), "keep one of them"));
            }
            let value = self.next()?;
            let value = self.node(value, depth + 1)?;
            let span = at.start.index()..at.end.index();
            entries.push(Entry { name, line: at.start.line(), span, value });
        }
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<Node, Trouble> {
        let Some(node) = self.anchors.get(&id) else {
            return Err(Trouble::new(
                span,
                "an alias stands inside of what it names",
                "write the values out",
            ));
        };
        let mut node = node.clone();
        self.count(size(&node), span)?;
        node.line = span.start.line();
        node.span = span.start.index()..span.end.index();
        node.style = Style::Alias;
        Ok(node)
    }

    fn count(&mut self, more: usize, span: Span) -> Result<(), Trouble> {
        self.nodes += more;
        if self.nodes > MAX_NODES {
            return Err(Trouble::new(span, "there are too many values", "remove what is not a setting"));
        }
        Ok(())
    }
}

fn scalar(text: &str, style: ScalarStyle, span: Span) -> Node {
    let plain = matches!(style, ScalarStyle::Plain);
    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    let null = plain && matches!(text, "" | "~" | "null" | "Null" | "NULL");
    Node {
        line: span.start.line(),
        span: span.start.index()..span.end.index(),
        style: if block { Style::BlockText } else { Style::Inline },
        data: if null { Data::Null } else { Data::Scalar(text.to_owned()) },
    }
}

/// The parser gives a collection in brackets a start of some width, an indented one a start of none.
fn collection(start: Span, end: Span, data: Data) -> Node {
    let style = if end.is_empty() { Style::Block } else { Style::Inline };
    Node { line: start.start.line(), span: start.start.index()..end.end.index(), style, data }
}

fn size(node: &Node) -> usize {
    match &node.data {
        Data::Null | Data::Scalar(_) => 1,
        Data::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Data::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.value)).sum::<usize>(),
    }
}

fn unreadable(text: &str, error: &ScanError) -> Trouble {
    // At the end of the text the parser stands on the line after the last one.
    let line = error.marker().line().clamp(1, text.lines().count().max(1));
    let indent = text.lines().nth(line - 1).unwrap_or_default();
    let tab = indent.trim_start_matches(' ').starts_with('\t');
    let hint = if tab { "indent with spaces, not tabs" } else { "check quotes, brackets and indentation" };
    Trouble { line, what: format!("this is not YAML: {}", error.info()), hint }
}
