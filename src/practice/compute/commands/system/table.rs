//! Columns and sizes as GNU and util-linux programs print them. No content.

/// How a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// To the left; the last column gets no trailing blanks.
    Left,
    /// To the right.
    Right,
}

/// Rows (the first is the header) as lines with columns one blank apart; each column has a least width.
pub fn columns(rows: &[Vec<String>], shape: &[(Align, usize)]) -> String {
    let lines = aligned(rows, shape);
    let lines = lines.lines().map(str::trim_end);
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The same as lsblk leaves it: the last column, if it stands to the left, is not filled up, but what is before it is.
pub fn aligned(rows: &[Vec<String>], shape: &[(Align, usize)]) -> String {
    let widths: Vec<_> = shape
        .iter()
        .enumerate()
        .map(|(column, (_, least))| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
                .max(*least)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let last = row.len().saturating_sub(1);
        let cells = row.iter().zip(shape.iter().zip(&widths)).enumerate();
        let line: Vec<_> = cells
            .map(|(at, (cell, ((align, _), width)))| match align {
                Align::Left if at == last => cell.clone(),
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            })
            .collect();
        text.push_str(&line.join(" "));
        text.push('\n');
    }
    text
}

/// Bytes with a suffix and at most three digits, rounded up as `df -h` and `du -h` do: `1.5G`, `8.0E`, `12K`, `0`.
pub fn human(bytes: u64, base: u64) -> String {
    const SUFFIXES: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < base {
        return bytes.to_string();
    }
    let bytes = u128::from(bytes);
    let base = u128::from(base);
    let mut unit = base;
    let mut suffix = 0;
    loop {
        let tenths = (bytes * 10).div_ceil(unit);
        let last = suffix + 1 == SUFFIXES.len();
        let name = match (SUFFIXES[suffix], base) {
            ("K", 1000) => "k",
            (name, _) => name,
        };
        if tenths < 100 {
            return format!("{}.{}{name}", tenths / 10, tenths % 10);
        }
        let whole = bytes.div_ceil(unit);
        if whole < base || last {
            return format!("{whole}{name}");
        }
        unit *= base;
        suffix += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Align, columns, human};

    #[test]
    fn sizes_are_rounded_up_to_at_most_three_digits() {
        assert_eq!(human(0, 1024), "0");
        assert_eq!(human(1023, 1024), "1023");
        assert_eq!(human(1025, 1024), "1.1K");
        assert_eq!(human(10_240, 1024), "10K");
        assert_eq!(human(8 << 30, 1024), "8.0G");
        assert_eq!(human(1024 * 1024 - 1, 1024), "1.0M");
        assert_eq!(human((1 << 63) - (1 << 20), 1024), "8.0E");
        assert_eq!(human(8_589_934_592, 1000), "8.6G");
        assert_eq!(human(2000, 1000), "2.0k");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["Name".to_owned(), "Size".to_owned(), "On".to_owned()],
            vec!["a-long-name".to_owned(), "5".to_owned(), "/".to_owned()],
        ];
        let shape = [(Align::Left, 6), (Align::Right, 0), (Align::Left, 0)];
        assert_eq!(
            columns(&rows, &shape),
            "Name        Size On\na-long-name    5 /\n"
        );
    }
}
