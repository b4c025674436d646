//! How answers are shown: as JSON, text or YAML; tables have a file of their own.

use super::value::Value;

/// `--output`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `json`
    Json,
    /// `text`
    Text,
    /// `table`
    Table,
    /// `yaml`
    Yaml,
}

impl Format {
    /// By its name.
    pub fn find(name: &str) -> Option<Self> {
        Some(match name {
            "json" => Self::Json,
            "text" => Self::Text,
            "table" => Self::Table,
            "yaml" => Self::Yaml,
            _ => return None,
        })
    }
}

/// An answer to an operation, whole.
pub fn show(format: Format, operation: &str, answer: &Value) -> String {
    match format {
        Format::Json if *answer == Value::Object(Vec::new()) => String::new(),
        Format::Json => answer.indented() + "\n",
        Format::Text => text(answer),
        Format::Table => super::table::render(operation, answer),
        Format::Yaml if *answer == Value::Object(Vec::new()) => String::new(),
        Format::Yaml => {
            let mut out = String::new();
            yaml(answer, 0, &mut out);
            out
        }
    }
}

/// Scalars of an object on one line, between tabs; what is below it on lines of its own that begin with its name.
fn text(value: &Value) -> String {
    let mut out = String::new();
    write_text(value, None, None, &mut out);
    out
}

fn write_text(value: &Value, name: Option<&str>, columns: Option<&[&str]>, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(&str, &Value)> = members
                .iter()
                .map(|(name, value)| (name.as_str(), value))
                .collect();
            sorted.sort_by_key(|(name, _)| *name);
            let mut cells: Vec<String> = match columns {
                // Columns are the same for all objects of a list.
                Some(columns) => columns
                    .iter()
                    .map(|column| value.get(column).map(Value::to_string).unwrap_or_default())
                    .collect(),
                None => {
                    let scalars = sorted.iter().filter(|(_, value)| value.is_scalar());
                    scalars.map(|(_, value)| value.to_string()).collect()
                }
            };
            if !cells.is_empty() {
                if let Some(name) = name {
                    cells.insert(0, name.to_uppercase());
                }
                out.push_str(&cells.join("\t"));
                out.push('\n');
            }
            let below = sorted.into_iter().filter(|(name, value)| match columns {
                Some(columns) => !columns.contains(name),
                None => !value.is_scalar(),
            });
            for (name, value) in below {
                write_text(value, Some(name), None, out);
            }
        }
        Value::List(items) => write_list(items, name, out),
        scalar => {
            out.push_str(&scalar.to_string());
            out.push('\n');
        }
    }
}

fn write_list(items: &[Value], name: Option<&str>, out: &mut String) {
    if items.is_empty() {
        return;
    }
    if items.iter().any(|item| matches!(item, Value::Object(_))) {
        let mut columns: Vec<&str> = Vec::new();
        for item in items {
            if let Value::Object(members) = item {
                let scalars = members.iter().filter(|(_, value)| value.is_scalar());
                columns.extend(scalars.map(|(name, _)| name.as_str()));
            }
        }
        columns.sort_unstable();
        columns.dedup();
        for item in items {
            write_text(item, name, Some(&columns), out);
        }
        return;
    }
    let (scalars, lists): (Vec<&Value>, Vec<&Value>) =
        items.iter().partition(|item| item.is_scalar());
    if !scalars.is_empty() {
        match name {
            Some(name) => {
                for scalar in scalars {
                    out.push_str(&format!("{}\t{scalar}\n", name.to_uppercase()));
                }
            }
            None => {
                let cells: Vec<String> = scalars.iter().map(ToString::to_string).collect();
                out.push_str(&cells.join("\t"));
                out.push('\n');
            }
        }
    }
    for list in lists {
        write_text(list, name, None, out);
    }
}

/// Block style, as version 2 writes it.
fn yaml(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (at, (name, value)) in members.iter().enumerate() {
                // The first member stands behind the dash of its item, if it has one.
                if at > 0 || out.is_empty() || out.ends_with('\n') {
                    out.push_str(&indent);
                }
                out.push_str(&yaml_text(name));
                out.push(':');
                yaml_below(value, depth, out);
            }
        }
        Value::List(items) if !items.is_empty() => {
            for item in items {
                if out.is_empty() || out.ends_with('\n') {
                    out.push_str(&indent);
                }
                out.push_str("- ");
                yaml(item, depth + 1, out);
            }
        }
        Value::Object(_) => out.push_str("{}\n"),
        Value::List(_) => out.push_str("[]\n"),
        scalar => {
            out.push_str(&yaml_scalar(scalar));
            out.push('\n');
        }
    }
}

fn yaml_below(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push('\n');
            yaml(value, depth + 1, out);
        }
        // Lists stand under their name, not to its right.
        Value::List(items) if !items.is_empty() => {
            out.push('\n');
            yaml(value, depth, out);
        }
        value => {
            out.push(' ');
            yaml(value, depth, out);
        }
    }
}

fn yaml_scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Text(text) => yaml_text(text),
        other => other.to_string(),
    }
}

/// Plain where YAML would read the same text again, else quoted.
fn yaml_text(text: &str) -> String {
    let read: Result<serde_yaml::Value, _> = serde_yaml::from_str(text);
    let same = matches!(read, Ok(serde_yaml::Value::String(read)) if read == text);
    // YAML 1.1, which version 2 writes, takes these for other things than text.
    let instant = text.len() >= 10
        && text.bytes().take(4).all(|byte| byte.is_ascii_digit())
        && text.as_bytes().get(4) == Some(&b'-');
    let words = ["yes", "no", "on", "off", "y", "n"];
    let word = words.contains(&text.to_ascii_lowercase().as_str());
    if same && !instant && !word && !text.contains('\n') {
        text.to_owned()
    } else if text.chars().any(|c| c < ' ') {
        Value::from(text).line()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::Value;
    use super::{Format, show};

    fn shown(format: Format, json: &str) -> String {
        show(format, "DescribeVolumes", &Value::parse(json).unwrap())
    }

    #[test]
    fn text_has_scalars_on_a_line_and_the_rest_below_under_its_name() {
        let json = r#"{"Volumes": [{"VolumeId": "v1", "Size": 8, "Tags": [{"Key": "a", "Value": "b"}], "Ids": ["x", "y"]}, {"VolumeId": "v2", "Encrypted": true}]}"#;
        assert_eq!(
            shown(Format::Text, json),
            "VOLUMES\t\t8\tv1\nIDS\tx\nIDS\ty\nTAGS\ta\tb\nVOLUMES\tTrue\t\tv2\n"
        );
        assert_eq!(shown(Format::Text, r#"["a", "b"]"#), "a\tb\n");
        assert_eq!(
            shown(Format::Text, r#"[["a", 1], ["b", 2]]"#),
            "a\t1\nb\t2\n"
        );
        assert_eq!(shown(Format::Text, "null"), "None\n");
        assert_eq!(shown(Format::Text, "{}") + &shown(Format::Json, "{}"), "");
    }

    #[test]
    fn yaml_is_in_blocks_and_quotes_what_would_be_read_otherwise() {
        let json = r#"{"A": [{"B": "x", "C": [1, 2], "D": "2026-01-05T12:00:00+00:00"}], "E": {}, "F": {"G": "true"}, "H": null}"#;
        assert_eq!(
            shown(Format::Yaml, json),
            "A:\n- B: x\n  C:\n  - 1\n  - 2\n  D: '2026-01-05T12:00:00+00:00'\nE: {}\nF:\n  G: 'true'\nH: null\n"
        );
    }
}
