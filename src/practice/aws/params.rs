//! Parameters of a query request: `Filter.1.Name=x` as a tree. Whatever nobody asks for is refused.

use std::collections::BTreeMap;

use crate::practice::error::AwsError;

/// How deep names may nest; EC2's deepest in scope has six parts.
const MAX_DEPTH: usize = 10;

/// How a service words what is wrong with parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// EC2.
    Ec2,
    /// CloudFormation, STS.
    Query,
}

/// A node of the tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Params {
    text: Option<String>,
    children: BTreeMap<String, Params>,
    dialect: Option<Dialect>,
}

impl Params {
    /// The tree of a form.
    pub fn parse(form: &[u8], dialect: Dialect) -> Result<Self, AwsError> {
        let mut root = Self {
            dialect: Some(dialect),
            ..Self::default()
        };
        for (name, value) in form_urlencoded::parse(form) {
            let parts: Vec<&str> = name.split('.').collect();
            if parts.len() > MAX_DEPTH {
                return Err(root.unknown(&name));
            }
            let mut node = &mut root;
            for part in parts {
                node = node.children.entry(part.to_owned()).or_default();
                node.dialect = Some(dialect);
            }
            if node.text.replace(value.into_owned()).is_some() {
                return Err(AwsError::client(
                    "MalformedQueryString",
                    format!("the parameter {name} is given twice"),
                ));
            }
        }
        Ok(root)
    }

    /// Takes the operation and its version.
    pub fn operation(&mut self) -> Result<(String, String), AwsError> {
        let action = self.text("Action").filter(|action| !action.is_empty());
        let action = action.ok_or_else(|| AwsError::client("MissingAction", "Missing Action"))?;
        let version = self.text("Version");
        let version = version.unwrap_or_else(|| "NO_VERSION_SPECIFIED".to_owned());
        Ok((action, version))
    }

    fn ec2(&self) -> bool {
        self.dialect == Some(Dialect::Ec2)
    }

    fn unknown(&self, name: &str) -> AwsError {
        if self.ec2() {
            AwsError::client(
                "UnknownParameter",
                format!("The parameter {name} is not recognized"),
            )
        } else {
            AwsError::validation(format!(
                "the practice account does not support the parameter {name}"
            ))
        }
    }

    /// Says that a value makes no sense.
    pub fn invalid(&self, name: &str, value: &str) -> AwsError {
        if self.ec2() {
            AwsError::client(
                "InvalidParameterValue",
                format!("Value ({value}) for parameter {name} is invalid."),
            )
        } else {
            AwsError::validation(format!("Invalid value '{value}' for parameter {name}"))
        }
    }

    /// Says that a parameter is missing.
    pub fn missing(&self, name: &str) -> AwsError {
        if self.ec2() {
            AwsError::client(
                "MissingParameter",
                format!("The request must contain the parameter {name}"),
            )
        } else {
            let mut letters = name.chars();
            let lower: String = letters
                .next()
                .map(|first| first.to_ascii_lowercase())
                .into_iter()
                .chain(letters)
                .collect();
            AwsError::validation(format!(
                "1 validation error detected: Value null at '{lower}' failed to satisfy constraint: Member must not be null"
            ))
        }
    }

    /// The node's own text.
    pub fn own(&mut self) -> Option<String> {
        self.text.take()
    }

    /// Whether anything is said of it, be it that it is empty.
    pub fn has(&self, name: &str) -> bool {
        self.children.contains_key(name)
    }

    /// Takes a text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let node = self.children.get_mut(name)?;
        let text = node.text.take();
        if node.children.is_empty() {
            self.children.remove(name);
        }
        text
    }

    /// Takes a structure: `Name.Member`.
    pub fn take(&mut self, name: &str) -> Option<Self> {
        self.children.remove(name)
    }

    /// Takes a text that must be there.
    pub fn needed(&mut self, name: &str) -> Result<String, AwsError> {
        self.text(name).ok_or_else(|| self.missing(name))
    }

    /// Takes `true` or `false`.
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, AwsError> {
        self.parsed(name)
    }

    /// Takes a number.
    pub fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, AwsError> {
        self.parsed(name)
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, AwsError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|_| self.invalid(name, &text))
    }

    /// Takes a list, `Name.1…` or `Name.member.1…`, in the order of its numbers.
    pub fn list(&mut self, name: &str) -> Result<Vec<Params>, AwsError> {
        let Some(mut node) = self.children.remove(name) else {
            return Ok(Vec::new());
        };
        if let Some(member) = node.children.remove("member") {
            node.children.extend(member.children);
        }
        // An empty list is sent as `Name=`.
        if node.text.take().is_some_and(|text| !text.is_empty()) {
            return Err(self.unknown(name));
        }
        let mut items = Vec::new();
        for (number, item) in node.children {
            let number: u32 = number
                .parse()
                .map_err(|_| self.unknown(&format!("{name}.{number}")))?;
            items.push((number, item));
        }
        items.sort_by_key(|(number, _)| *number);
        Ok(items.into_iter().map(|(_, item)| item).collect())
    }

    /// Takes a list of texts.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, AwsError> {
        self.list(name)?
            .into_iter()
            .map(|mut item| {
                let text = item.own().ok_or_else(|| self.missing(name))?;
                item.finish()?;
                Ok(text)
            })
            .collect()
    }

    /// All of it as one document: texts, structures, and lists where names go on with `member.1`.
    pub fn document(mut self) -> Result<serde_json::Value, AwsError> {
        if self.children.is_empty() {
            return Ok(self.text.into());
        }
        if self.children.len() == 1 && self.has("member") {
            let items = self.list("member")?.into_iter();
            return items.map(Self::document).collect();
        }
        let members = self.children.into_iter();
        members
            .map(|(name, node)| Ok((name, node.document()?)))
            .collect()
    }

    /// Refuses what nobody has asked for.
    pub fn finish(self) -> Result<(), AwsError> {
        match self.first_name() {
            Some(name) => Err(self.unknown(&name)),
            None => Ok(()),
        }
    }

    fn first_name(&self) -> Option<String> {
        self.children.iter().find_map(|(name, node)| {
            if node.text.is_some() {
                return Some(name.clone());
            }
            node.first_name().map(|rest| format!("{name}.{rest}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(form: &str) -> Params {
        Params::parse(form.as_bytes(), Dialect::Ec2).unwrap()
    }

    #[test]
    fn lists_come_in_the_order_of_their_numbers_in_both_spellings() {
        let mut both = params("A.10=j&A.9=i&A.1=a&B.member.2=y&B.member.1=x&C=");
        assert_eq!(both.texts("A").unwrap(), ["a", "i", "j"]);
        assert_eq!(both.texts("B").unwrap(), ["x", "y"]);
        assert!(both.texts("C").unwrap().is_empty());
        assert_eq!(both.finish(), Ok(()));
    }

    #[test]
    fn what_nobody_asks_for_is_refused_by_its_full_name() {
        let mut left = params("A=1&Filter.1.Nonsense=x");
        assert_eq!(left.text("A").as_deref(), Some("1"));
        let error = left.finish().unwrap_err();
        assert_eq!(error.code, "UnknownParameter");
        assert!(error.message.contains("Filter.1.Nonsense"), "{error}");
    }

    #[test]
    fn names_that_nest_without_end_and_names_given_twice_are_refused() {
        let deep = "a.".repeat(100_000);
        assert!(Params::parse(deep.as_bytes(), Dialect::Ec2).is_err());
        assert!(Params::parse(b"A=1&A=2", Dialect::Query).is_err());
    }
}
