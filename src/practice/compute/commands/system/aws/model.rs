//! Services as the `aws` command knows them: operations, their parameters and results, pages and waiters. The tables are
//! data (`services/*.txt`); adding an operation is adding its lines.
//!
//! A table names a service by `service NAME PROTOCOL VERSION`. An operation is a line with its name (and, of REST
//! services, method and path), then indented lines `in`, `out` and `pages` (parameter and result member that hold the
//! token, parameter that limits, results). Members are `Name`, `!` when required, `?` in the query or `/` in the path,
//! `=name` on the wire where it is not the usual one, `:type`: `i` integer, `b` boolean, `f` float, `t` instant, `p`
//! policy,
//! `j` template, `x` base64, `[type]` list, else a shape; text when nothing stands there. Shapes are `Name: members`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A service.
#[derive(Debug)]
pub struct Service {
    /// As on the command line: `efs`.
    pub command: &'static str,
    /// As in a credential scope: `elasticfilesystem`.
    pub name: &'static str,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Version of its API, or the prefix of its targets.
    pub version: &'static str,
    /// In the order of their names.
    pub operations: Vec<Operation>,
    /// In the order of their names.
    pub waiters: Vec<Waiter>,
    shapes: BTreeMap<&'static str, Vec<Member>>,
}

/// Wire protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// EC2's own query.
    Ec2,
    /// Query.
    Query,
    /// JSON.
    Json,
    /// JSON on paths.
    RestJson,
}

/// An operation.
#[derive(Debug)]
pub struct Operation {
    /// `DescribeVolumes`
    pub name: &'static str,
    /// Of REST services: method, path.
    pub http: Option<(&'static str, &'static str)>,
    /// Parameters.
    pub input: Vec<Member>,
    /// Result.
    pub output: Vec<Member>,
    /// How its listing goes on.
    pub pages: Option<Pages>,
}

/// How a listing goes on.
#[derive(Debug)]
pub struct Pages {
    /// Parameter with the token.
    pub input: &'static str,
    /// Member of the result with the next token.
    pub output: &'static str,
    /// Parameter that limits a page.
    pub limit: Option<&'static str>,
    /// Members of the result that are listed.
    pub results: Vec<&'static str>,
}

/// A parameter, or a member of a result.
#[derive(Debug, Clone)]
pub struct Member {
    /// `VolumeIds`
    pub name: &'static str,
    /// Must be given.
    pub required: bool,
    /// Where it is in a REST request.
    pub place: Place,
    /// Another name on the wire than usual.
    pub wire: Option<&'static str>,
    /// What it holds.
    pub kind: Kind,
}

/// Where a parameter is in a REST request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the body.
    Body,
    /// In the query.
    Query,
    /// In the path.
    Path,
}

/// What a member holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Float,
    /// An instant.
    Instant,
    /// A policy, which results hold as JSON in text.
    Policy,
    /// A template, shown as what it is when it is JSON.
    Template,
    /// Text in base64.
    Encoded,
    /// A list.
    List(Box<Kind>),
    /// A shape's members.
    Shape(&'static str),
}

/// A waiter.
#[derive(Debug)]
pub struct Waiter {
    /// `SnapshotCompleted`
    pub name: &'static str,
    /// What it asks.
    pub operation: &'static str,
    /// Seconds between two asks.
    pub delay: u64,
    /// How often it asks.
    pub attempts: u32,
    /// What it looks for.
    pub acceptors: Vec<Acceptor>,
}

/// What a waiter looks for.
#[derive(Debug)]
pub struct Acceptor {
    /// `success`, `failure` or `retry`.
    pub state: &'static str,
    /// `path`, `pathAll`, `pathAny`, `status` or `error`.
    pub matcher: &'static str,
    /// JSON.
    pub expected: &'static str,
    /// A JMESPath expression.
    pub argument: &'static str,
}

/// Name on the command line, and the table.
const TABLES: [(&str, &str); 8] = [
    (
        "cloudformation",
        include_str!("services/cloudformation.txt"),
    ),
    ("ec2", include_str!("services/ec2.txt")),
    ("efs", include_str!("services/efs.txt")),
    ("iam", include_str!("services/iam.txt")),
    ("scheduler", include_str!("services/scheduler.txt")),
    ("ssm", include_str!("services/ssm.txt")),
    ("stepfunctions", include_str!("services/stepfunctions.txt")),
    ("sts", include_str!("services/sts.txt")),
];

static SERVICES: LazyLock<Vec<Service>> = LazyLock::new(|| {
    let tables = TABLES.iter();
    tables
        .map(|(command, table)| Service::read(command, table))
        .collect()
});

/// All services, in the order of their names on the command line.
pub fn services() -> &'static [Service] {
    &SERVICES
}

impl Service {
    fn read(command: &'static str, table: &'static str) -> Self {
        let mut service = Self {
            command,
            name: "",
            protocol: Protocol::Query,
            version: "",
            operations: Vec::new(),
            waiters: Vec::new(),
            shapes: BTreeMap::new(),
        };
        for line in table.lines() {
            service.line(line);
        }
        service.operations.sort_by_key(|operation| operation.name);
        service.waiters.sort_by_key(|waiter| waiter.name);
        service
    }

    fn line(&mut self, line: &'static str) {
        let indented = line.starts_with(' ');
        let words: Vec<&'static str> = line.split_whitespace().collect();
        let members =
            |words: &[&'static str]| words.iter().map(|word| Member::read(word)).collect();
        match (&words[..], indented) {
            ([], _) => {}
            (["service", name, protocol, version], false) => {
                self.name = name;
                self.version = version;
                self.protocol = match *protocol {
                    "ec2" => Protocol::Ec2,
                    "json" => Protocol::Json,
                    "rest-json" => Protocol::RestJson,
                    _ => Protocol::Query,
                };
            }
            (["wait", name, operation, delay, attempts], false) => self.waiters.push(Waiter {
                name,
                operation,
                delay: delay.parse().unwrap_or_default(),
                attempts: attempts.parse().unwrap_or_default(),
                acceptors: Vec::new(),
            }),
            (
                [
                    state @ ("success" | "failure" | "retry"),
                    matcher,
                    expected,
                    ..,
                ],
                true,
            ) => {
                // An expression has blanks of its own.
                let argument = line
                    .split_once(expected)
                    .map_or("", |(_, rest)| rest.trim());
                if let Some(waiter) = self.waiters.last_mut() {
                    waiter.acceptors.push(Acceptor {
                        state,
                        matcher,
                        expected,
                        argument,
                    });
                }
            }
            ([word, rest @ ..], true) => {
                let Some(operation) = self.operations.last_mut() else {
                    return;
                };
                match (*word, rest) {
                    ("in", rest) => operation.input = members(rest),
                    ("out", rest) => operation.output = members(rest),
                    ("pages", [input, output, limit, results @ ..]) => {
                        operation.pages = Some(Pages {
                            input,
                            output,
                            limit: (*limit != "-").then_some(limit),
                            results: results.to_vec(),
                        });
                    }
                    _ => {}
                }
            }
            ([name, rest @ ..], false) => match name.strip_suffix(':') {
                Some(shape) => {
                    self.shapes.insert(shape, members(rest));
                }
                None => self.operations.push(Operation {
                    name,
                    http: match rest {
                        [method, path] => Some((method, path)),
                        _ => None,
                    },
                    input: Vec::new(),
                    output: Vec::new(),
                    pages: None,
                }),
            },
        }
    }

    /// Members of a shape.
    pub fn shape(&self, name: &str) -> &[Member] {
        self.shapes.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The operation with this name on the command line.
    pub fn operation(&self, command: &str) -> Option<&Operation> {
        let mut operations = self.operations.iter();
        operations.find(|operation| dashed(operation.name) == command)
    }

    /// The waiter with this name on the command line.
    pub fn waiter(&self, command: &str) -> Option<(&Waiter, &Operation)> {
        let waiter = self.waiters.iter();
        let waiter = waiter
            .clone()
            .find(|waiter| dashed(waiter.name) == command)?;
        let mut operations = self.operations.iter();
        let operation = operations.find(|operation| operation.name == waiter.operation)?;
        Some((waiter, operation))
    }
}

impl Member {
    fn read(word: &'static str) -> Self {
        let (head, kind) = word.split_once(':').unwrap_or((word, ""));
        let (head, wire) = match head.split_once('=') {
            Some((head, wire)) => (head, Some(wire)),
            None => (head, None),
        };
        let name = head.trim_end_matches(['!', '?', '/']);
        let marks = head.get(name.len()..).unwrap_or_default();
        Self {
            name,
            required: marks.contains('!'),
            place: if marks.contains('?') {
                Place::Query
            } else if marks.contains('/') {
                Place::Path
            } else {
                Place::Body
            },
            wire,
            kind: Kind::read(kind),
        }
    }
}

impl Kind {
    fn read(word: &'static str) -> Self {
        match word {
            "" | "s" => Self::Text,
            "i" => Self::Integer,
            "b" => Self::Boolean,
            "f" => Self::Float,
            "t" => Self::Instant,
            "p" => Self::Policy,
            "j" => Self::Template,
            "x" => Self::Encoded,
            _ => match word
                .strip_prefix('[')
                .and_then(|word| word.strip_suffix(']'))
            {
                Some(item) => Self::List(Box::new(Self::read(item))),
                None => Self::Shape(word),
            },
        }
    }
}

/// A name as the command line has it: `volume-ids` of `VolumeIds`, `role-arn` of `RoleARN`.
pub fn dashed(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    // Plurals of abbreviations end in a small letter of their own: `ARNs`.
    let plural = letters.len() > 2
        && letters.last() == Some(&'s')
        && letters[letters.len() - 3..letters.len() - 1]
            .iter()
            .all(char::is_ascii_uppercase);
    let mut dashed = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let last = plural && at + 2 == letters.len();
        let begins = letter.is_ascii_uppercase()
            && !last
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            dashed.push('-');
        }
        dashed.push(letter.to_ascii_lowercase());
    }
    dashed
}

#[cfg(test)]
mod tests {
    use super::{Kind, Member, Service, dashed, services};

    #[test]
    fn names_have_dashes_between_words() {
        for (name, expected) in [
            ("VolumeIds", "volume-ids"),
            ("RoleARN", "role-arn"),
            ("NotificationARNs", "notification-arns"),
            ("TemplateURL", "template-url"),
            ("DescribeTags", "describe-tags"),
            ("IamInstanceProfile", "iam-instance-profile"),
            ("DBSnapshot", "db-snapshot"),
        ] {
            assert_eq!(dashed(name), expected);
        }
    }

    #[test]
    fn every_shape_page_and_waiter_of_the_tables_is_known() {
        fn check(service: &Service, members: &[Member]) {
            for member in members {
                let mut kind = &member.kind;
                while let Kind::List(inner) = kind {
                    kind = inner;
                }
                if let Kind::Shape(name) = kind {
                    assert!(
                        !service.shape(name).is_empty(),
                        "{} {name}",
                        service.command
                    );
                }
            }
        }
        for service in services() {
            assert!(!service.name.is_empty() && !service.version.is_empty());
            for members in service.shapes.values() {
                check(service, members);
            }
            for operation in &service.operations {
                check(service, &operation.input);
                check(service, &operation.output);
                let has =
                    |members: &[Member], name: &str| members.iter().any(|one| one.name == name);
                if let Some(pages) = &operation.pages {
                    assert!(has(&operation.input, pages.input), "{}", operation.name);
                    assert!(has(&operation.output, pages.output), "{}", operation.name);
                    assert!(pages.results.iter().all(|one| has(&operation.output, one)));
                }
            }
            for waiter in &service.waiters {
                assert!(service.waiter(&dashed(waiter.name)).is_some());
                assert!(!waiter.acceptors.is_empty() && waiter.delay > 0 && waiter.attempts > 0);
                for acceptor in &waiter.acceptors {
                    assert!(serde_json::from_str::<serde_json::Value>(acceptor.expected).is_ok());
                }
            }
        }
    }
}
