//! The shorthand syntax of parameters: `Key=a,Value=b`, `Name=n,Values=a,b`, `ResourceType=t,Tags=[{Key=k,Value=v}]`
//! ("Using shorthand syntax" of the AWS CLI user guide). What the members mean does not enter here.

use super::value::Value;

/// Why a text is no shorthand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Another character was expected.
    #[error("Expected: '{expected}', received: '{received}' for input:\n{input}\n{}^", " ".repeat(*.at))]
    Expected {
        /// What should stand there.
        expected: String,
        /// What stands there.
        received: String,
        /// The whole text.
        input: String,
        /// Where.
        at: usize,
    },
    /// A key is given twice.
    #[error(
        "Second instance of key \"{key}\" encountered for input:\n{input}\n{}^\nThis is often because there is a preceding \",\" instead of a space.",
        " ".repeat(*.at)
    )]
    Twice {
        /// The key.
        key: String,
        /// The whole text.
        input: String,
        /// Where.
        at: usize,
    },
}

/// Reads an object.
pub fn parse(text: &str) -> Result<Value, Wrong> {
    let mut reader = Reader {
        text: text.chars().collect(),
        at: 0,
    };
    let mut members: Vec<(String, Value)> = vec![reader.pair()?];
    let mut behind = reader.at;
    while reader.at < reader.text.len() {
        reader.expect(',')?;
        let (key, value) = reader.pair()?;
        if members.iter().any(|(known, _)| *known == key) {
            return Err(Wrong::Twice {
                key,
                input: text.to_owned(),
                at: behind + 1,
            });
        }
        members.push((key, value));
        behind = reader.at;
    }
    Ok(Value::Object(members))
}

struct Reader {
    text: Vec<char>,
    at: usize,
}

impl Reader {
    fn now(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.now().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn wrong(&self, expected: &str, received: &str) -> Wrong {
        Wrong::Expected {
            expected: expected.to_owned(),
            received: received.to_owned(),
            input: self.text.iter().collect(),
            at: self.at,
        }
    }

    /// A character with any blanks around it.
    fn expect(&mut self, wanted: char) -> Result<(), Wrong> {
        self.blanks();
        match self.now() {
            Some(found) if found == wanted => {
                self.at += 1;
                self.blanks();
                Ok(())
            }
            Some(found) => Err(self.wrong(&wanted.to_string(), &found.to_string())),
            None => Err(self.wrong(&wanted.to_string(), "EOF")),
        }
    }

    fn pair(&mut self) -> Result<(String, Value), Wrong> {
        let key = self.key();
        self.expect('=')?;
        let value = match self.now() {
            None => Value::from(""),
            Some('[') => self.list()?,
            Some('{') => self.object()?,
            Some(_) => self.commas()?,
        };
        Ok((key, value))
    }

    fn key(&mut self) -> String {
        let from = self.at;
        while self
            .now()
            .is_some_and(|c| c.is_ascii_alphanumeric() || "-_.#/:".contains(c))
        {
            self.at += 1;
        }
        self.text[from..self.at].iter().collect()
    }

    /// One value, or several between commas; what is followed by `=` is the key of the next pair instead.
    fn commas(&mut self) -> Result<Value, Wrong> {
        let first = self.word(true)?;
        self.blanks();
        if self.now() != Some(',') {
            return Ok(Value::Text(first));
        }
        let mut items = vec![first];
        while self.now() == Some(',') {
            let comma = self.at;
            self.at += 1;
            self.blanks();
            let word = self.word(false);
            self.blanks();
            match word {
                Ok(word) if matches!(self.now(), None | Some(',')) => items.push(word),
                Err(wrong) if self.now().is_none() => return Err(wrong),
                _ => {
                    self.at = comma;
                    break;
                }
            }
        }
        Ok(match &mut items[..] {
            [one] => Value::Text(std::mem::take(one)),
            _ => Value::List(items.into_iter().map(Value::Text).collect()),
        })
    }

    fn list(&mut self) -> Result<Value, Wrong> {
        self.expect('[')?;
        let mut items = Vec::new();
        while self.now() != Some(']') {
            items.push(self.explicit()?);
            self.blanks();
            if self.now() != Some(']') {
                self.expect(',')?;
            }
        }
        self.at += 1;
        Ok(Value::List(items))
    }

    fn object(&mut self) -> Result<Value, Wrong> {
        self.expect('{')?;
        let mut members = Vec::new();
        while self.now() != Some('}') {
            let key = self.key();
            self.expect('=')?;
            members.push((key, self.explicit()?));
            self.blanks();
            if self.now() != Some('}') {
                self.expect(',')?;
            }
        }
        self.at += 1;
        Ok(Value::Object(members))
    }

    fn explicit(&mut self) -> Result<Value, Wrong> {
        match self.now() {
            Some('[') => self.list(),
            Some('{') => self.object(),
            _ => self.word(true).map(Value::Text),
        }
    }

    /// A value: quoted, or up to what cannot be in one. Only the first of a list may hold `=`, and be empty.
    fn word(&mut self, first: bool) -> Result<String, Wrong> {
        if let Some(quote @ ('\'' | '"')) = self.now() {
            return self.quoted(quote);
        }
        let mut word = String::new();
        while let Some(c) = self.now() {
            match c {
                '\\' if self.text.get(self.at + 1) == Some(&',') => {
                    word.push(',');
                    self.at += 1;
                }
                ',' | ']' | '}' | '\'' | '"' => break,
                '[' | '{' if word.is_empty() => break,
                '=' if !first => break,
                c => word.push(c),
            }
            self.at += 1;
        }
        if word.is_empty() && !first {
            return Err(self.wrong("<second>", "<none>"));
        }
        Ok(word.trim_end().to_owned())
    }

    fn quoted(&mut self, quote: char) -> Result<String, Wrong> {
        let name = if quote == '"' {
            "<double quoted>"
        } else {
            "<singled quoted>"
        };
        let none = self.wrong(name, "<none>");
        self.at += 1;
        let mut word = String::new();
        while let Some(c) = self.now() {
            self.at += 1;
            match c {
                '\\' if self.now() == Some(quote) || self.now() == Some('\\') => {
                    word.extend(self.now());
                    self.at += 1;
                }
                c if c == quote => return Ok(word),
                c => word.push(c),
            }
        }
        Err(none)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn shorthand_means_the_json_that_the_guide_shows() {
        for (text, expected) in [
            ("Key=a,Value=b", r#"{"Key": "a", "Value": "b"}"#),
            (
                "Name=tag:lab,Values=a,b",
                r#"{"Name": "tag:lab", "Values": ["a", "b"]}"#,
            ),
            (
                "Values=a,b,Name=n",
                r#"{"Values": ["a", "b"], "Name": "n"}"#,
            ),
            (
                "ResourceType=snapshot,Tags=[{Key=k,Value=v w},{Key=\"a,b\",Value=}]",
                r#"{"ResourceType": "snapshot", "Tags": [{"Key": "k", "Value": "v w"}, {"Key": "a,b", "Value": ""}]}"#,
            ),
            ("Key=a\\,b,Value='x y'", r#"{"Key": "a,b", "Value": "x y"}"#),
            ("Key=Name,Value=", r#"{"Key": "Name", "Value": ""}"#),
            ("a=x=y", r#"{"a": "x=y"}"#),
            ("a = b , c = d", r#"{"a": "b", "c": "d"}"#),
        ] {
            assert_eq!(parse(text).unwrap().line(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_is() {
        assert_eq!(
            parse("Name").unwrap_err().to_string(),
            "Expected: '=', received: 'EOF' for input:\nName\n    ^"
        );
        assert!(
            parse("a=b,a=c")
                .unwrap_err()
                .to_string()
                .starts_with("Second instance of key \"a\"")
        );
        for text in ["a=[", "a={", "a={b", "a=\"x", "=", "a=b,", "a=[x", "{", ""] {
            let _ = parse(text);
        }
    }
}
