//! Forms of several parts, written and read piece by piece.

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memmem;

/// The headers of one part may not be longer.
const MAX_HEAD: usize = 16 << 10;

/// What separates the parts of a form that is written.
#[derive(Debug, Clone)]
pub(super) struct Boundary(String);

impl Boundary {
    /// A random one: what is sent may hold anything, but not what nobody knows before.
    pub(super) fn new() -> Self {
        Self(format!("----{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)))
    }

    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.0)
    }

    /// Everything before the bytes of a file: the part with its destination, and the head of its own part.
    pub(super) fn file_head(&self, index: usize, destination: &str) -> Bytes {
        let boundary = &self.0;
        // Only a label: the sandbox takes the destination from the part before.
        let label = destination.rsplit('/').next().unwrap_or_default().replace(['"', '\\'], "_");
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"files[{index}].path\"\r\n\r\n{destination}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"files[{index}].file\"; filename=\"{label}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into()
    }

    pub(super) fn end(&self) -> Bytes {
        format!("--{}--\r\n", self.0).into()
    }
}

/// The boundary that a content type names.
pub(super) fn boundary_of(content_type: &str) -> Option<&str> {
    let is_form = content_type.get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/"));
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    let value = value.trim().trim_matches('"');
    (is_form && !value.is_empty()).then_some(value)
}

/// The headers of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) filename: String,
}

/// What a form says next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A part begins.
    Head(Head),
    /// Bytes of the part.
    Data(Bytes),
    /// The part has ended.
    EndOfPart,
    /// The form has ended, as it should.
    End,
    /// More is needed.
    More,
    /// It is no form.
    Broken(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first part.
    Preamble,
    /// After a boundary.
    Boundary,
    Head,
    Body,
    End,
}

/// The decoder: bytes are fed, and say what they say.
#[derive(Debug)]
pub(super) struct Form {
    /// With the line break and the dashes before it.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    at: At,
}

impl Form {
    pub(super) fn new(boundary: &str) -> Self {
        // The first boundary may stand at the very beginning, without the line break that belongs to it.
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Self { delimiter, buffer: BytesMut::from(&b"\r\n"[..]), at: At::Preamble }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Item {
        loop {
            let item = match self.at {
                At::Preamble => self.preamble(),
                At::Boundary => self.boundary(),
                At::Head => Some(self.head()),
                At::Body => Some(self.body()),
                At::End => Some(Item::End),
            };
            if let Some(item) = item {
                return item;
            }
        }
    }

    fn preamble(&mut self) -> Option<Item> {
        match memmem::find(&self.buffer, &self.delimiter) {
            Some(at) => {
                self.buffer.advance(at + self.delimiter.len());
                self.at = At::Boundary;
                None
            }
            None if self.buffer.len() > MAX_HEAD => Some(Item::Broken("it does not begin as a form")),
            None => Some(Item::More),
        }
    }

    /// A line break leads to a part, two dashes to the end.
    fn boundary(&mut self) -> Option<Item> {
        // Blanks may follow a boundary.
        while self.buffer.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
            self.buffer.advance(1);
        }
        match self.buffer.get(..2) {
            Some(b"\r\n") => {
                self.buffer.advance(2);
                self.at = At::Head;
                None
            }
            Some(b"--") => {
                self.at = At::End;
                None
            }
            Some(_) => Some(Item::Broken("something follows a boundary")),
            None => Some(Item::More),
        }
    }

    fn head(&mut self) -> Item {
        // A part without any headers begins with the empty line itself.
        if self.buffer.starts_with(b"\r\n") {
            self.buffer.advance(2);
            self.at = At::Body;
            return Item::Head(Head::default());
        }
        match memmem::find(&self.buffer, b"\r\n\r\n") {
            Some(end) => {
                let head = Head::read(&self.buffer[..end]);
                // The line break before a boundary that follows at once is the one that ends the headers.
                self.buffer.advance(end + 4);
                self.at = At::Body;
                Item::Head(head)
            }
            None if self.buffer.len() > MAX_HEAD => Item::Broken("a part has endless headers"),
            None => Item::More,
        }
    }

    fn body(&mut self) -> Item {
        match memmem::find(&self.buffer, &self.delimiter) {
            Some(0) => {
                self.buffer.advance(self.delimiter.len());
                self.at = At::Boundary;
                Item::EndOfPart
            }
            Some(at) => Item::Data(self.buffer.split_to(at).freeze()),
            None => {
                // The end may be the beginning of a boundary.
                let sure = (self.buffer.len() + 1).saturating_sub(self.delimiter.len());
                if sure == 0 { Item::More } else { Item::Data(self.buffer.split_to(sure).freeze()) }
            }
        }
    }
}

impl Head {
    fn read(lines: &[u8]) -> Self {
        let text = String::from_utf8_lossy(lines);
        let disposition = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
        });
        let disposition = disposition.unwrap_or_default();
        let exact = parameter(disposition, "filename*").and_then(|value| decode_extended(&value));
        Self {
            name: parameter(disposition, "name").unwrap_or_default(),
            filename: exact.or_else(|| parameter(disposition, "filename")).unwrap_or_default(),
        }
    }
}

/// A parameter of a header; quoted values may have `;` and escaped quotes in them.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if name.trim_matches([';', ' ', '\t']).eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = next;
    }
}

fn unquote(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// The form `utf-8''percent%20encoded`.
fn decode_extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = encoded.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = (*first == b'%').then(|| after.get(..2)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Clone)]
    struct Whole {
        head: Head,
        data: Vec<u8>,
    }

    /// The parts of a form, and whether it ended as it should.
    fn decode<'a>(boundary: &str, slices: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Whole>, bool) {
        let (mut form, mut parts) = (Form::new(boundary), Vec::<Whole>::new());
        for slice in slices {
            form.feed(slice);
            loop {
                match form.next() {
                    Item::Head(head) => parts.push(Whole { head, data: Vec::new() }),
                    Item::Data(bytes) => parts.last_mut().unwrap().data.extend_from_slice(&bytes),
                    Item::EndOfPart => {}
                    Item::More => break,
                    Item::End => return (parts, true),
                    Item::Broken(why) => panic!("{why}"),
                }
            }
        }
        (parts, false)
    }

    fn written(boundary: &str, parts: &[Whole]) -> Vec<u8> {
        let mut form = Vec::new();
        for part in parts {
            let (name, file) = (&part.head.name, &part.head.filename);
            let head = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
                 Content-Type: text/plain\r\n\r\n"
            );
            form.extend_from_slice(head.as_bytes());
            form.extend_from_slice(&part.data);
            form.extend_from_slice(b"\r\n");
        }
        form.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        form
    }

    fn part(name: &str, filename: &str, data: &[u8]) -> Whole {
        let head = Head { name: name.to_owned(), filename: filename.to_owned() };
        Whole { head, data: data.to_vec() }
    }

    #[test]
    fn parts_come_out_with_their_names() {
        let parts =
            [part("file", "/a b", b"one\r\n--X"), part("error", "/c", b""), part("file", "/d", b"\r\n")];
        let form = written("XY", &parts);
        assert_eq!(decode("XY", [&form[..]]), (parts.to_vec(), true));
        assert_eq!(decode("XY", form.chunks(1)), (parts.to_vec(), true));
    }

    #[test]
    fn a_form_without_its_last_boundary_has_not_ended() {
        let form = written("XY", &[part("file", "/a", b"one")]);
        let cut = form.len() - "--XY--\r\n".len();
        assert!(!decode("XY", [&form[..cut]]).1);
    }

    #[test]
    fn the_exact_form_of_a_name_is_preferred() {
        let head = b"Content-Disposition: form-data; name=\"file\"; filename=\"/t_st; \\\"x\\\"\"; filename*=utf-8''/t%C3%A4st%3B%20%22x%22";
        let expected = Head { name: "file".to_owned(), filename: "/täst; \"x\"".to_owned() };
        assert_eq!(Head::read(head), expected);
        let plain = b"content-disposition: form-data; name=file; filename=\"/a\\\\b\"";
        assert_eq!(Head::read(plain).filename, "/a\\b");
    }

    #[test]
    fn a_boundary_is_read_from_a_content_type() {
        assert_eq!(boundary_of("multipart/form-data; boundary=DAYTONA"), Some("DAYTONA"));
        assert_eq!(boundary_of("multipart/form-data;charset=x; Boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary_of("application/json; boundary=x"), None);
        assert_eq!(boundary_of("multipart/form-data"), None);
    }

    #[test]
    fn what_is_written_can_be_read() {
        let boundary = Boundary::new();
        let head = boundary.file_head(3, "/tmp/it's \"so\" 100%");
        let form = [&head[..], b"bytes", b"\r\n", &boundary.end()[..]].concat();
        let (parts, ended) = decode(&boundary.0, [&form[..]]);
        assert!(ended);
        assert_eq!(
            (parts[0].head.name.as_str(), parts[0].data.as_slice()),
            ("files[3].path", &b"/tmp/it's \"so\" 100%"[..])
        );
        assert_eq!((parts[1].head.name.as_str(), parts[1].data.as_slice()), ("files[3].file", &b"bytes"[..]));
    }

    proptest! {
        #[test]
        fn no_bytes_at_all_make_it_fall_over(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'-'), Just(b'X'), Just(13), Just(10), Just(b'"'), Just(b';')], 0..200),
            kind in "[ -~é]{0,40}",
        ) {
            let mut form = Form::new("X");
            form.feed(b"--X\r\nContent-Disposition: form-data; name=");
            form.feed(&bytes);
            let ended = (0..1000).any(|_| matches!(form.next(), Item::More | Item::End | Item::Broken(_)));
            prop_assert!(ended);
            boundary_of(&kind);
            parameter(&kind, "name");
            decode_extended(&kind);
        }

        #[test]
        fn it_does_not_matter_where_slices_end(
            datas in prop::collection::vec("[-XY\r\n]{0,12}", 1..4), step in 1usize..9,
        ) {
            // A file cannot hold the boundary itself.
            prop_assume!(datas.iter().all(|data| !format!("\r\n{data}").contains("\r\n--XYX")));
            let parts: Vec<_> = datas.iter().map(|data| part("file", "/a", data.as_bytes())).collect();
            let form = written("XYX", &parts);
            prop_assert_eq!(decode("XYX", form.chunks(step)), (parts, true));
        }
    }
}
