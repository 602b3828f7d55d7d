//! Rows of text in columns.

use crate::output::{Output, Tone};

/// A table whose columns are as wide as what stands in them.
pub(crate) struct Table<const N: usize> {
    heads: [String; N],
    rows: Vec<[(Tone, String); N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(heads: [&str; N]) -> Self {
        Self { heads: heads.map(str::to_owned), rows: Vec::new() }
    }

    /// Adds a row; what is in it stays on its line.
    pub(crate) fn row(&mut self, cells: [(Tone, String); N]) {
        self.rows.push(cells.map(|(tone, text)| (tone, text.replace(char::is_control, " "))));
    }

    /// The whole table, without a line end behind it.
    pub(crate) fn text(&self, output: &Output) -> String {
        let mut widths = self.heads.each_ref().map(|head| head.chars().count());
        for row in &self.rows {
            for (width, (_, text)) in widths.iter_mut().zip(row) {
                *width = (*width).max(text.chars().count());
            }
        }
        let line = |cells: Vec<(Tone, &str)>| {
            let mut line = String::new();
            for (column, (tone, text)) in cells.into_iter().enumerate() {
                // Padded outside of the colours, and not behind the last column.
                line.push_str(&output.paint(tone, text));
                if column + 1 < N {
                    let pad = widths[column].saturating_sub(text.chars().count()) + 2;
                    line.extend(std::iter::repeat_n(' ', pad));
                }
            }
            line.trim_end().to_owned()
        };
        let head = line(self.heads.iter().map(|head| (Tone::Dim, head.as_str())).collect());
        let rows =
            self.rows.iter().map(|row| line(row.iter().map(|(tone, text)| (*tone, text.as_str())).collect()));
        std::iter::once(head).chain(rows).collect::<Vec<_>>().join("\n")
    }
}
