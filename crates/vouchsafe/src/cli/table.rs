//! Tables as Vault prints them: columns four blanks apart, an empty cell as `n/a`, no blanks at a
//! line's end.

/// What separates two columns.
const GAP: &str = "    ";

/// What an empty cell shows.
const EMPTY: &str = "n/a";

/// A table under construction: rows of cells.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with a header, underlined with dashes.
    pub(crate) fn with_header<const N: usize>(header: [&str; N]) -> Self {
        let dashes = header.map(|title| "-".repeat(title.chars().count()));
        Self {
            rows: vec![header.map(str::to_owned).to_vec(), dashes.to_vec()],
        }
    }

    /// A table whose columns are known only at run time.
    pub(crate) fn with_columns(titles: impl Iterator<Item = String>) -> Self {
        let titles: Vec<String> = titles.collect();
        let dashes = titles
            .iter()
            .map(|title| "-".repeat(title.chars().count()))
            .collect();
        Self {
            rows: vec![titles, dashes],
        }
    }

    /// A table of names and values.
    pub(crate) fn of_pairs() -> Self {
        Self::with_header(["Key", "Value"])
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Adds a row of a table whose columns are known only at run time.
    pub(crate) fn cells(&mut self, cells: impl Iterator<Item = String>) {
        self.rows.push(cells.collect());
    }

    /// Adds a name and its value.
    pub(crate) fn pair(&mut self, key: &str, value: impl ToString) {
        self.row([key.to_owned(), value.to_string()]);
    }

    /// Whether there is nothing below the header.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() <= 2
    }

    /// The table's text, without a line end.
    pub(crate) fn render(&self) -> String {
        let shown = |cell: &'_ String| {
            if cell.is_empty() {
                EMPTY.to_owned()
            } else {
                cell.clone()
            }
        };
        let rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(shown).collect())
            .collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let line = |row: &Vec<String>| {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
        };
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_lines_end_without_blanks() {
        let mut table = Table::of_pairs();
        table.pair("token", "hvs.x");
        table.pair("entity_id", "");
        let expected = "Key          Value\n\
                        ---          -----\n\
                        token        hvs.x\n\
                        entity_id    n/a";
        assert_eq!(table.render(), expected);
    }

    #[test]
    fn widths_count_characters_not_bytes() {
        let mut table = Table::with_header(["A", "B"]);
        table.row(["∞".to_owned(), "x".to_owned()]);
        assert_eq!(table.render(), "A    B\n-    -\n∞    x");
    }
}
