//! The parameters of an operation as they stand on the command line, made into values as its table says.

use super::model::{Kind, Member, Operation, Service, dashed};
use super::shorthand;
use super::value::Value;

/// Why the command line is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// As argparse says it, after the usage.
    #[error("aws: error: {0}")]
    Usage(String),
    /// Options that the operation does not have, after the usage.
    #[error("Unknown options: {}", .0.join(", "))]
    Unknown(Vec<String>),
    /// A parameter's text makes no sense.
    #[error("Error parsing parameter '--{0}': {1}")]
    Parameter(String, String),
    /// Values that do not fit the operation.
    #[error("Parameter validation failed:\n{0}")]
    Invalid(String),
    /// A number is none.
    #[error("invalid literal for int() with base 10: '{0}'")]
    Number(String),
    /// A number with a fraction is none.
    #[error("could not convert string to float: '{0}'")]
    Decimal(String),
}

/// What an operation is called with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arguments {
    /// Parameters, by their names in the table.
    pub parameters: Vec<(&'static str, Value)>,
    /// Where a listing goes on.
    pub starting_token: Option<String>,
    /// Items of a page.
    pub page_size: Option<i64>,
    /// Items altogether.
    pub max_items: Option<usize>,
}

/// An option that an operation has.
struct Known<'a> {
    name: String,
    of: Of<'a>,
}

#[derive(Clone, Copy)]
enum Of<'a> {
    Member(&'a Member),
    Not(&'a Member),
    StartingToken,
    PageSize,
    MaxItems,
}

fn known(operation: &Operation) -> Vec<Known<'_>> {
    let mut known = Vec::new();
    let paging = ["starting-token", "page-size", "max-items"];
    for member in &operation.input {
        let name = dashed(member.name);
        // The command's own paging hides a parameter of the same name.
        if operation.pages.is_some() && paging.contains(&name.as_str()) {
            continue;
        }
        if member.kind == Kind::Boolean {
            known.push(Known {
                name: format!("no-{name}"),
                of: Of::Not(member),
            });
        }
        known.push(Known {
            name,
            of: Of::Member(member),
        });
    }
    if operation.pages.is_some() {
        let all = [Of::StartingToken, Of::PageSize, Of::MaxItems];
        for (name, of) in paging.into_iter().zip(all) {
            let name = name.to_owned();
            known.push(Known { name, of });
        }
    }
    known
}

/// Whether argparse takes a word for an option: a dash in front, and no blank in it.
fn is_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-') && !word.contains(' ') && word.parse::<f64>().is_err()
}

/// Reads the words behind the operation. `load` gives the content of a file.
pub fn read(
    service: &Service,
    operation: &Operation,
    words: &[String],
    load: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Arguments, Misuse> {
    let known = known(operation);
    let mut arguments = Arguments::default();
    let mut unknown = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let Some(text) = word.strip_prefix("--").filter(|_| is_option(word)) else {
            unknown.push(word.clone());
            continue;
        };
        let (name, inline) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        let Some(option) = find(&known, name)? else {
            unknown.push(word.clone());
            continue;
        };
        let takes_many =
            matches!(option.of, Of::Member(member) if matches!(member.kind, Kind::List(_)));
        let is_flag = match option.of {
            Of::Member(member) => member.kind == Kind::Boolean,
            Of::Not(_) => true,
            _ => false,
        };
        if is_flag {
            if let Some(value) = inline {
                return Err(Misuse::Usage(format!(
                    "argument --{}: ignored explicit argument '{value}'",
                    option.name
                )));
            }
            if let Of::Member(member) | Of::Not(member) = option.of {
                let truth = matches!(option.of, Of::Member(_));
                arguments.set(member.name, Value::Bool(truth));
            }
            continue;
        }
        let mut values: Vec<String> = inline.into_iter().collect();
        let given = !values.is_empty();
        while (takes_many || values.is_empty()) && !given {
            match words.next_if(|next| !is_option(next)) {
                Some(next) => values.push(next.clone()),
                None => break,
            }
        }
        if !takes_many && values.is_empty() {
            let what = format!("argument --{}: expected one argument", option.name);
            return Err(Misuse::Usage(what));
        }
        arguments.take(service, option, values, load)?;
    }
    let missing = operation.input.iter().filter(|member| {
        let given = arguments.parameters.iter();
        member.required && !given.clone().any(|(name, _)| *name == member.name)
    });
    let missing: Vec<String> = missing
        .map(|member| format!("--{}", dashed(member.name)))
        .collect();
    if !missing.is_empty() {
        return Err(Misuse::Usage(format!(
            "the following arguments are required: {}",
            missing.join(", ")
        )));
    }
    if !unknown.is_empty() {
        return Err(Misuse::Unknown(unknown));
    }
    let mut problems = Vec::new();
    for (name, value) in &arguments.parameters {
        let member = operation.input.iter().find(|member| member.name == *name);
        if let Some(member) = member {
            check(service, &member.kind, name, value, &mut problems);
        }
    }
    if problems.is_empty() {
        Ok(arguments)
    } else {
        Err(Misuse::Invalid(problems.join("\n")))
    }
}

/// The option with this name, or the only one that begins so.
fn find<'a, 'b>(known: &'a [Known<'b>], name: &str) -> Result<Option<&'a Known<'b>>, Misuse> {
    if let Some(exact) = known.iter().find(|option| option.name == name) {
        return Ok(Some(exact));
    }
    let candidates: Vec<&Known<'_>> = known
        .iter()
        .filter(|option| option.name.starts_with(name))
        .collect();
    match candidates[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => {
            let names: Vec<String> = candidates
                .iter()
                .map(|option| format!("--{}", option.name))
                .collect();
            Err(Misuse::Usage(format!(
                "ambiguous option: --{name} could match {}",
                names.join(", ")
            )))
        }
    }
}

impl Arguments {
    fn set(&mut self, name: &'static str, value: Value) {
        self.parameters.retain(|(known, _)| *known != name);
        self.parameters.push((name, value));
    }

    fn take(
        &mut self,
        service: &Service,
        option: &Known<'_>,
        values: Vec<String>,
        load: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<(), Misuse> {
        let first = || values.first().cloned().unwrap_or_default();
        let number = |text: String| text.trim().parse().map_err(|_| Misuse::Number(text));
        match option.of {
            Of::Member(member) => {
                let value = unpack(service, &option.name, &member.kind, values, load)?;
                self.set(member.name, value);
            }
            Of::Not(_) => {}
            Of::StartingToken => self.starting_token = Some(first()),
            Of::PageSize => self.page_size = Some(number(first())?),
            Of::MaxItems => {
                let most = number(first())?;
                self.max_items = usize::try_from(most).ok();
            }
        }
        Ok(())
    }

    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(known, _)| *known == name);
        found.map(|(_, value)| value)
    }
}

/// The value of a parameter, of which `values` are the words.
fn unpack(
    service: &Service,
    option: &str,
    kind: &Kind,
    values: Vec<String>,
    load: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Value, Misuse> {
    let wrong = |why: String| Misuse::Parameter(option.to_owned(), why);
    // A file stands for its content, where one word is all there is.
    let mut values = values;
    if let [only] = &mut values[..]
        && let Some(path) = only.strip_prefix("file://")
    {
        *only = load(path)
            .map_err(|why| wrong(format!("Unable to load paramfile file://{path}: {why}")))?;
    }
    let is_json = |text: &str| text.trim_start().starts_with(['[', '{']);
    let json = |text: &str| {
        Value::parse(text)
            .map_err(|why| wrong(format!("Invalid JSON: {why}\nJSON received: {text}")))
    };
    let object = |text: &str, kind: &Kind| {
        if is_json(text) {
            json(text)
        } else {
            let value = shorthand::parse(text).map_err(|why| wrong(why.to_string()))?;
            Ok(fit(service, kind, value))
        }
    };
    match kind {
        Kind::List(item) => {
            if let [only] = &values[..]
                && only.trim_start().starts_with('[')
            {
                return json(only);
            }
            let items = values.iter().map(|text| match &**item {
                Kind::Shape(_) => object(text, item),
                item => scalar(item, text),
            });
            Ok(Value::List(items.collect::<Result<_, _>>()?))
        }
        Kind::Shape(_) => object(&values.concat(), kind),
        kind => scalar(kind, &values.concat()),
    }
}

fn scalar(kind: &Kind, text: &str) -> Result<Value, Misuse> {
    let whole = || text.trim().parse().map(Value::Integer);
    Ok(match kind {
        Kind::Integer => whole().map_err(|_| Misuse::Number(text.to_owned()))?,
        Kind::Float => {
            let number = text.trim().parse().map(Value::Float);
            number.map_err(|_| Misuse::Decimal(text.to_owned()))?
        }
        Kind::Boolean => Value::Bool(!text.eq_ignore_ascii_case("false")),
        _ => Value::from(text),
    })
}

/// Shorthand knows only texts and lists of them: the table says what they are.
fn fit(service: &Service, kind: &Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Shape(shape), Value::Object(members)) => {
            let known = service.shape(shape);
            let members = members.into_iter().map(|(name, value)| {
                let member = known.iter().find(|member| member.name == name);
                let value = match member {
                    Some(member) => fit(service, &member.kind, value),
                    None => value,
                };
                (name, value)
            });
            Value::Object(members.collect())
        }
        (Kind::List(item), Value::List(items)) => {
            let items = items.into_iter().map(|value| fit(service, item, value));
            Value::List(items.collect())
        }
        (Kind::List(item), value) => Value::List(vec![fit(service, item, value)]),
        (Kind::Integer, Value::Text(text)) => match text.parse() {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Text(text),
        },
        (Kind::Boolean, Value::Text(text)) => match text.to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Text(text),
        },
        (_, value) => value,
    }
}

/// What does not fit, in botocore's words.
fn check(service: &Service, kind: &Kind, path: &str, value: &Value, problems: &mut Vec<String>) {
    let valid = match (kind, value) {
        (Kind::Shape(shape), Value::Object(members)) => {
            let known = service.shape(shape);
            for member in known.iter().filter(|member| member.required) {
                if value.get(member.name).is_none() {
                    problems.push(format!(
                        "Missing required parameter in {path}: \"{}\"",
                        member.name
                    ));
                }
            }
            for (name, value) in members {
                match known.iter().find(|member| member.name == name) {
                    Some(member) => {
                        check(
                            service,
                            &member.kind,
                            &format!("{path}.{name}"),
                            value,
                            problems,
                        );
                    }
                    None => {
                        let names: Vec<&str> = known.iter().map(|member| member.name).collect();
                        problems.push(format!(
                            "Unknown parameter in {path}: \"{name}\", must be one of: {}",
                            names.join(", ")
                        ));
                    }
                }
            }
            return;
        }
        (Kind::List(item), Value::List(items)) => {
            for (at, value) in items.iter().enumerate() {
                check(service, item, &format!("{path}[{at}]"), value, problems);
            }
            return;
        }
        (Kind::Shape(_), _) => "<class 'dict'>",
        (Kind::List(_), _) => "<class 'list'>, <class 'tuple'>",
        (Kind::Integer, Value::Integer(_)) => return,
        (Kind::Integer, _) => "<class 'int'>",
        (Kind::Boolean, Value::Bool(_)) => return,
        (Kind::Boolean, _) => "<class 'bool'>",
        (Kind::Text | Kind::Policy, Value::Text(_)) => return,
        (Kind::Text | Kind::Policy, _) => "<class 'str'>",
        (Kind::Float | Kind::Instant | Kind::Template | Kind::Encoded, _) => return,
    };
    let found = match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Integer(_) => "int",
        Value::Float(_) => "float",
        Value::Text(_) => "str",
        Value::List(_) => "list",
        Value::Object(_) => "dict",
    };
    problems.push(format!(
        "Invalid type for parameter {path}, value: {value}, type: <class '{found}'>, valid types: {valid}"
    ));
}

#[cfg(test)]
mod tests {
    use super::super::model::services;
    use super::super::value::Value;
    use super::{Arguments, Misuse, read};

    fn parse(command: &str, words: &[&str]) -> Result<Arguments, Misuse> {
        let ec2 = services().iter().find(|one| one.command == "ec2").unwrap();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let load = |path: &str| match path {
            "ids" => Ok("vol-9".to_owned()),
            _ => Err(format!("[Errno 2] No such file or directory: '{path}'")),
        };
        read(ec2, ec2.operation(command).unwrap(), &words, &load)
    }

    fn object(arguments: &Arguments) -> String {
        let members = arguments.parameters.iter();
        let members = members.map(|(name, value)| ((*name).to_owned(), value.clone()));
        Value::Object(members.collect()).line()
    }

    #[test]
    fn words_become_what_the_operation_takes() {
        for (command, words, expected) in [
            (
                "describe-volumes",
                &[
                    "--volume-id",
                    "vol-1",
                    "vol-2",
                    "--filters",
                    "Name=status,Values=available,in-use",
                    "--dry-run",
                ][..],
                r#"{"VolumeIds": ["vol-1", "vol-2"], "Filters": [{"Name": "status", "Values": ["available", "in-use"]}], "DryRun": true}"#,
            ),
            (
                "create-snapshot",
                &[
                    "--volume-id=vol-1",
                    "--tag-specifications",
                    "ResourceType=snapshot,Tags=[{Key=k,Value=v}]",
                    "--no-dry-run",
                    "--description",
                    "a b",
                ],
                r#"{"VolumeId": "vol-1", "TagSpecifications": [{"ResourceType": "snapshot", "Tags": [{"Key": "k", "Value": "v"}]}], "DryRun": false, "Description": "a b"}"#,
            ),
            (
                "create-tags",
                &[
                    "--resources",
                    "[\"snap-1\"]",
                    "--tags",
                    "{\"Key\": \"a\", \"Value\": \"1\"}",
                    "{\"Key\":\"b\"}",
                ],
                r#"{"Resources": ["snap-1"], "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b"}]}"#,
            ),
            (
                "modify-volume",
                &["--volume-id", "file://ids", "--size", "6"],
                r#"{"VolumeId": "vol-9", "Size": 6}"#,
            ),
        ] {
            assert_eq!(object(&parse(command, words).unwrap()), expected);
        }
        let paged = parse(
            "describe-volumes",
            &["--max-items", "2", "--page-size", "5"],
        )
        .unwrap();
        assert_eq!((paged.max_items, paged.page_size), (Some(2), Some(5)));
    }

    #[test]
    fn what_is_wrong_is_said_as_the_real_one_says_it() {
        for (command, words, expected) in [
            (
                "create-snapshot",
                &[][..],
                "aws: error: the following arguments are required: --volume-id",
            ),
            (
                "describe-volumes",
                &["--foo", "bar"],
                "Unknown options: --foo, bar",
            ),
            ("describe-volumes", &["vol-1"], "Unknown options: vol-1"),
            (
                "create-snapshot",
                &["--volume-id"],
                "aws: error: argument --volume-id: expected one argument",
            ),
            (
                "describe-volumes",
                &["--filters", "Name"],
                "Error parsing parameter '--filters': Expected: '=', received: 'EOF' for input:\nName\n    ^",
            ),
            (
                "describe-volumes",
                &["--filters", "Nmae=x"],
                "Parameter validation failed:\nUnknown parameter in Filters[0]: \"Nmae\", must be one of: Name, Values",
            ),
            (
                "modify-volume",
                &["--volume-id", "v", "--size", "big"],
                "invalid literal for int() with base 10: 'big'",
            ),
            (
                "modify-volume",
                &["--volume-id", "file://no"],
                "Error parsing parameter '--volume-id': Unable to load paramfile file://no: [Errno 2] No such file or directory: 'no'",
            ),
        ] {
            assert_eq!(parse(command, words).unwrap_err().to_string(), expected);
        }
    }
}
