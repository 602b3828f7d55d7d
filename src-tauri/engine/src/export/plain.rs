//! Plain text out of what a program wrote for a terminal.

use vte::{Parser, Perform};

/// Takes colours and control characters out, and of a line that was redrawn keeps what it showed last. Works on
/// a stream in any pieces.
#[derive(Default)]
pub struct Plain {
    parser: Parser,
    screen: Screen,
}

#[derive(Default)]
struct Screen {
    done: String,
    line: String,
    returned: bool,
}

impl Plain {
    /// The text of the lines that these bytes complete.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.parser.advance(&mut self.screen, bytes);
        std::mem::take(&mut self.screen.done)
    }

    /// Bytes of a last line that has no end yet.
    pub fn held(&self) -> usize {
        self.screen.line.len()
    }

    /// The text of a last line without an end.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.screen.line)
    }
}

impl Perform for Screen {
    fn print(&mut self, character: char) {
        if std::mem::take(&mut self.returned) {
            self.line.clear();
        }
        self.line.push(character);
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => {
                self.returned = false;
                self.done.push_str(&self.line);
                self.done.push('\n');
                self.line.clear();
            }
            b'\r' => self.returned = true,
            b'\t' => self.print('\t'),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(pieces: &[&[u8]]) -> String {
        let mut plain = Plain::default();
        let mut text: String = pieces.iter().map(|piece| plain.push(piece)).collect();
        text.push_str(&plain.finish());
        text
    }

    #[test]
    fn colours_and_redrawn_lines_leave_what_was_seen_last() {
        let output = b"\x1b[31mred\x1b[0m\r\n10 %\r50 %\r100 %\ndone\x07";
        assert_eq!(plain(&[output]), "red\n100 %\ndone");
        let bytes: Vec<&[u8]> = output.chunks(1).collect();
        assert_eq!(plain(&bytes), "red\n100 %\ndone");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(plain(&[b"a\xffb\n"]), "a\u{fffd}b\n");
    }
}
