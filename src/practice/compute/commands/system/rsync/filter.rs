//! `--exclude` and `--include`: the first pattern that fits a name decides about it.

use regex::Regex;

/// The patterns of one call.
#[derive(Debug, Default)]
pub struct Filter(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    exclude: bool,
    /// Fits directories only.
    directories: bool,
    /// Fits a whole path, not only its last part.
    path: bool,
    pattern: Regex,
}

impl Filter {
    /// Adds a pattern; one that cannot be understood fits nothing.
    pub fn add(&mut self, exclude: bool, text: &str) {
        let (text, whole_tree) = match text.strip_suffix("/***") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (text, directories) = match text.strip_suffix('/') {
            Some(text) if !text.is_empty() => (text, true),
            _ => (text, false),
        };
        let (text, anchored) = match text.strip_prefix('/') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let path = anchored || whole_tree || text.contains('/') || text.contains("**");
        let start = if path && !anchored { "(^|.*/)" } else { "" };
        let end = if whole_tree { "(/.*)?" } else { "" };
        let pattern = format!("^{start}{}{end}$", translated(text));
        if let Ok(pattern) = Regex::new(&pattern) {
            self.0.push(Rule {
                exclude,
                directories,
                path,
                pattern,
            });
        }
    }

    /// Whether this path, seen from the top of what is copied, is left out.
    pub fn excludes(&self, path: &str, is_dir: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.0
            .iter()
            .filter(|rule| is_dir || !rule.directories)
            .find(|rule| rule.pattern.is_match(if rule.path { path } else { name }))
            .is_some_and(|rule| rule.exclude)
    }
}

/// A shell pattern as a regular expression: one star stops at a slash, two do not.
fn translated(text: &str) -> String {
    let mut expression = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => expression.push_str(".*"),
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            '[' => {
                expression.push('[');
                if rest.next_if(|c| matches!(c, '!' | '^')).is_some() {
                    expression.push('^');
                }
            }
            ']' => expression.push(']'),
            '-' => expression.push('-'),
            '\\' => {
                let literal = rest.next().unwrap_or('\\');
                expression.push_str(&regex::escape(&literal.to_string()));
            }
            other => expression.push_str(&regex::escape(&other.to_string())),
        }
    }
    expression
}

#[cfg(test)]
mod tests {
    use super::Filter;

    fn excludes(rules: &[(bool, &str)], path: &str, is_dir: bool) -> bool {
        let mut filter = Filter::default();
        for (exclude, text) in rules {
            filter.add(*exclude, text);
        }
        filter.excludes(path, is_dir)
    }

    #[test]
    fn a_name_fits_anywhere_and_a_path_at_its_end_or_from_the_top() {
        assert!(excludes(&[(true, "*.o")], "d/x.o", false));
        assert!(!excludes(&[(true, "*.o")], "d/x.c", false));
        assert!(excludes(&[(true, "d/x")], "a/d/x", false));
        assert!(!excludes(&[(true, "/d/x")], "a/d/x", false));
        assert!(excludes(&[(true, "/d/x")], "d/x", false));
        assert!(!excludes(&[(true, "d/*")], "a/d/x/y", false));
        assert!(excludes(&[(true, "d/**")], "a/d/x/y", false));
        assert!(excludes(&[(true, "[!a]x")], "bx", false));
        assert!(excludes(&[(true, "d/***")], "d", true));
    }

    #[test]
    fn a_slash_at_the_end_means_directories() {
        assert!(excludes(&[(true, "cache/")], "a/cache", true));
        assert!(!excludes(&[(true, "cache/")], "a/cache", false));
    }

    #[test]
    fn the_first_that_fits_decides() {
        let rules = [(false, "keep.o"), (true, "*.o")];
        assert!(!excludes(&rules, "keep.o", false));
        assert!(excludes(&rules, "x.o", false));
    }
}
