//! `--output table`: every list and object is a section with its name as a title; sections below are indented.

use super::value::Value;

/// Width of a terminal that is not known.
const TERMINAL: usize = 80;
/// Blanks around a cell, and its edge.
const PADDING: usize = 4;

/// A part of the table.
#[derive(Debug, Default)]
struct Section {
    title: String,
    depth: usize,
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Shows an answer.
pub fn render(title: &str, answer: &Value) -> String {
    let mut sections = Vec::new();
    if !build(Some(title), answer, 0, &mut sections) {
        return String::new();
    }
    let mut width = widest(&sections);
    if width > TERMINAL {
        // What has one row is turned upright.
        for section in &mut sections {
            if let [row] = &section.rows[..]
                && !section.headers.is_empty()
            {
                let headers = std::mem::take(&mut section.headers);
                let pairs = headers.into_iter().zip(row.clone());
                section.rows = pairs.map(|(header, cell)| vec![header, cell]).collect();
            }
        }
        width = widest(&sections);
    }
    let mut out = "-".repeat(width) + "\n";
    for section in &sections {
        section.render(width, &mut out);
    }
    out
}

fn widest(sections: &[Section]) -> usize {
    sections
        .iter()
        .map(Section::width)
        .max()
        .unwrap_or_default()
}

/// Whether there was anything to show.
fn build(title: Option<&str>, value: &Value, depth: usize, sections: &mut Vec<Section>) -> bool {
    if value.is_empty() {
        return false;
    }
    if let Some(title) = title {
        sections.push(Section::new(title, depth));
    }
    match value {
        Value::List(items) if matches!(items.first(), Some(Value::Object(_))) => {
            objects(title.unwrap_or_default(), items, depth, sections);
        }
        Value::List(items) => {
            for item in items {
                match item {
                    Value::List(cells) if cells.iter().all(Value::is_scalar) => {
                        row(sections, cells.iter().map(Value::to_string).collect());
                    }
                    item if item.is_scalar() => row(sections, vec![item.to_string()]),
                    item => {
                        build(None, item, depth, sections);
                    }
                }
            }
        }
        Value::Object(_) => object(value, depth, sections),
        // A scalar stands alone under its title.
        scalar => row(sections, vec![scalar.to_string()]),
    }
    true
}

fn row(sections: &mut [Section], cells: Vec<String>) {
    if let Some(section) = sections.last_mut() {
        section.rows.push(cells);
    }
}

/// Names of members that are scalars, and of those that are not, each in order.
fn names<'a>(values: impl IntoIterator<Item = &'a Value>) -> (Vec<String>, Vec<String>) {
    let (mut scalars, mut others) = (Vec::new(), Vec::new());
    for value in values {
        if let Value::Object(members) = value {
            for (name, value) in members {
                let names = if value.is_scalar() {
                    &mut scalars
                } else {
                    &mut others
                };
                names.push(name.clone());
            }
        }
    }
    for names in [&mut scalars, &mut others] {
        names.sort_unstable();
        names.dedup();
    }
    (scalars, others)
}

fn object(value: &Value, depth: usize, sections: &mut Vec<Section>) {
    let (scalars, others) = names([value]);
    let cell = |name: &String| value.get(name).map(Value::to_string).unwrap_or_default();
    if let Some(section) = sections.last_mut() {
        match &scalars[..] {
            [] => {}
            [one] => section.rows.push(vec![one.clone(), cell(one)]),
            many => {
                section.rows.push(many.iter().map(cell).collect());
                section.headers = scalars;
            }
        }
    }
    for name in others {
        if let Some(value) = value.get(&name) {
            build(Some(&name), value, depth + 1, sections);
        }
    }
}

fn objects(title: &str, items: &[Value], depth: usize, sections: &mut Vec<Section>) {
    let (scalars, others) = names(items);
    if let Some(section) = sections.last_mut() {
        section.headers.clone_from(&scalars);
    }
    for (at, item) in items.iter().enumerate() {
        if at > 0 && !others.is_empty() {
            let mut section = Section::new(title, depth);
            section.headers.clone_from(&scalars);
            sections.push(section);
        }
        let cell = |name: &String| item.get(name).map(Value::to_string).unwrap_or_default();
        row(sections, scalars.iter().map(cell).collect());
        for name in &others {
            if let Some(value) = item.get(name) {
                build(Some(name), value, depth + 1, sections);
            }
        }
    }
}

/// Letters whose width is ambiguous (Unicode Standard Annex 11): the real command takes them for wide, as it takes all
/// that is ambiguous; the library does so only with what is no letter.
fn is_ambiguous_letter(c: char) -> bool {
    "ÆÐØÞßàáæèéêìíðòóøùúüþāđēěĦħīıĸŁłŋŌōŒœŦŧūƎ".contains(c)
        || matches!(c, '\u{391}'..='\u{3a9}' | '\u{3b1}'..='\u{3c1}' | '\u{3c3}'..='\u{3c9}' | '\u{401}' | '\u{410}'..='\u{44f}' | '\u{451}')
}

fn length(text: &str) -> usize {
    use unicode_width::UnicodeWidthChar as _;
    let widths = text.chars().map(|c| match c {
        c if is_ambiguous_letter(c) => 2,
        c => c.width_cjk().unwrap_or(1).max(1),
    });
    widths.sum()
}

impl Section {
    fn new(title: &str, depth: usize) -> Self {
        Self {
            title: title.to_owned(),
            depth,
            ..Self::default()
        }
    }

    fn columns(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = Vec::new();
        let headers = (!self.headers.is_empty()).then_some(&self.headers);
        for row in headers.into_iter().chain(&self.rows) {
            for (at, cell) in row.iter().enumerate() {
                match widths.get_mut(at) {
                    Some(width) => *width = (*width).max(length(cell)),
                    None => widths.push(length(cell)),
                }
            }
        }
        widths.iter().map(|width| width + PADDING).collect()
    }

    fn width(&self) -> usize {
        let cells: usize = self.columns().iter().sum();
        cells.max(length(&self.title)) + 2 + 2 * self.depth
    }

    /// Widths of columns that together fill the table.
    fn fitted(&self, width: usize) -> Vec<usize> {
        let natural = self.columns();
        let total: usize = natural.iter().sum();
        if total == 0 {
            return natural;
        }
        // Half a column and less is rounded to the even one, as Python rounds.
        let scale = |column: usize| {
            let (whole, rest) = (column * width / total, column * width % total);
            let up = match (2 * rest).cmp(&total) {
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Equal => whole % 2 == 1,
                std::cmp::Ordering::Less => false,
            };
            whole + usize::from(up)
        };
        let mut fitted: Vec<usize> = natural.into_iter().map(scale).collect();
        // Too wide, the first give; too narrow, the last take.
        let count = fitted.len();
        let mut at = 0;
        while fitted.iter().sum::<usize>() > width {
            fitted[at % count] = fitted[at % count].saturating_sub(1);
            at += 1;
        }
        at = 0;
        while fitted.iter().sum::<usize>() < width {
            fitted[count - 1 - at % count] += 1;
            at += 1;
        }
        fitted
    }

    fn render(&self, width: usize, out: &mut String) {
        let edge = "|".repeat(self.depth);
        let width = width - 2 * self.depth;
        let mut line = |text: String| {
            out.push_str(&format!("{edge}{text}{edge}\n"));
        };
        if !self.title.is_empty() {
            line(centered(&self.title, width, "|"));
            if self.headers.is_empty() && self.rows.is_empty() {
                line(format!("+{}+", "-".repeat(width - 2)));
            }
        }
        let columns = self.fitted(width);
        let rule: String = columns
            .iter()
            .enumerate()
            .map(|(at, column)| match at {
                0 => format!("+{}+", "-".repeat(column - 2)),
                _ => format!("{}+", "-".repeat(column - 1)),
            })
            .collect();
        let cells = |cells: &[String], show: fn(&str, usize, &str) -> String| -> String {
            let cells = cells.iter().zip(&columns).enumerate();
            cells
                .map(|(at, (cell, column))| show(cell, *column, if at == 0 { "|" } else { "" }))
                .collect()
        };
        if !self.headers.is_empty() {
            line(rule.clone());
            line(cells(&self.headers, centered));
        }
        if !self.rows.is_empty() && !columns.is_empty() {
            line(rule.clone());
            for row in &self.rows {
                line(cells(row, aligned));
            }
            line(rule);
        }
    }
}

/// In the middle between a left edge and `|`.
fn centered(text: &str, width: usize, left: &str) -> String {
    let before = (width / 2).saturating_sub(length(text) / 2 + 1);
    let used = left.len() + before + length(text);
    let after = width.saturating_sub(used + 1);
    format!("{left}{}{text}{}|", " ".repeat(before), " ".repeat(after))
}

/// At the left, two blanks from the edge if there is room for them.
fn aligned(text: &str, width: usize, left: &str) -> String {
    let before = if length(text) + 2 + left.len() < width {
        2
    } else {
        0
    };
    let used = left.len() + before + length(text);
    let after = width.saturating_sub(used + 1);
    format!("{left}{}{text}{}|", " ".repeat(before), " ".repeat(after))
}

#[cfg(test)]
mod tests {
    use super::super::value::Value;
    use super::render;

    #[test]
    fn a_table_looks_as_the_real_one() {
        // As aws-cli 1.46.3 prints it (tests/peers holds more of them against it).
        let answer = Value::parse(r#"{"A": "x", "B": [{"K": "a", "V": "b"}]}"#).unwrap();
        assert_eq!(
            render("Op", &answer),
            "--------------\n|     Op     |\n+-----+------+\n|  A  |  x   |\n+-----+------+\n||     B    ||\n|+----+-----+|\n||  K |  V  ||\n|+----+-----+|\n||  a |  b  ||\n|+----+-----+|\n"
        );
        assert_eq!(render("Op", &Value::Object(Vec::new())), "");
    }
}
