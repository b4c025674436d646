//! Requests and answers on the wire, as the table of a service describes them. Who asks and who answers stays outside.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use form_urlencoded::Serializer;
use jiff::Timestamp;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::model::{Kind, Member, Operation, Place, Protocol, Service};
use super::value::Value;

/// A request, but for whoever makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// HTTP method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// An error that a service answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `UnauthorizedOperation`
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// The request for an operation with these parameters.
pub fn request(
    service: &Service,
    operation: &Operation,
    parameters: &[(&'static str, Value)],
) -> Request {
    let given = operation.input.iter().filter_map(|member| {
        let (_, value) = parameters.iter().find(|(name, _)| *name == member.name)?;
        Some((member, value))
    });
    let form = |pairs: Vec<(String, String)>| {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(pairs);
        form.finish()
    };
    match service.protocol {
        Protocol::Ec2 | Protocol::Query => {
            let mut pairs = vec![
                ("Action".to_owned(), operation.name.to_owned()),
                ("Version".to_owned(), service.version.to_owned()),
            ];
            for (member, value) in given {
                flatten(service, member, "", value, &mut pairs);
            }
            Request {
                method: "POST",
                target: "/".to_owned(),
                headers: vec![(
                    "content-type".to_owned(),
                    "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
                )],
                body: form(pairs).into_bytes(),
            }
        }
        Protocol::Json => {
            let members =
                given.map(|(member, value)| (member.name.to_owned(), in_json(member, value)));
            let body = Value::Object(members.collect());
            let target = format!("{}.{}", service.version, operation.name);
            Request {
                method: "POST",
                target: "/".to_owned(),
                headers: vec![
                    (
                        "content-type".to_owned(),
                        "application/x-amz-json-1.1".to_owned(),
                    ),
                    ("x-amz-target".to_owned(), target),
                ],
                body: body.line().into_bytes(),
            }
        }
        Protocol::RestJson => {
            let (method, path) = operation.http.unwrap_or(("GET", "/"));
            let mut path = path.to_owned();
            let mut query = Vec::new();
            let mut body = Vec::new();
            for (member, value) in given {
                let wire = member.wire.unwrap_or(member.name);
                match member.place {
                    Place::Path => {
                        let text = percent(&plain(value));
                        path = path.replace(&format!("{{{wire}}}"), &text);
                    }
                    Place::Query => query.push((wire.to_owned(), plain(value))),
                    Place::Body => body.push((wire.to_owned(), in_json(member, value))),
                }
            }
            if !query.is_empty() {
                path = format!("{path}?{}", form(query));
            }
            Request {
                method,
                target: path,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: if body.is_empty() {
                    Vec::new()
                } else {
                    Value::Object(body).line().into_bytes()
                },
            }
        }
    }
}

/// As JSON has it: instants in seconds since 1970.
fn in_json(member: &Member, value: &Value) -> Value {
    let at = value.text().and_then(|text| text.parse::<Timestamp>().ok());
    match (&member.kind, at) {
        (Kind::Instant, Some(at)) => Value::Integer(at.as_second()),
        _ => value.clone(),
    }
}

/// As forms have it: `true`, not `True`.
fn plain(value: &Value) -> String {
    match value {
        Value::Bool(truth) => truth.to_string(),
        value => value.to_string(),
    }
}

fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A parameter's name in a form.
fn in_form(service: &Service, member: &Member) -> String {
    let name = member.wire.unwrap_or(member.name);
    if service.protocol != Protocol::Ec2 {
        return name.to_owned();
    }
    // EC2's parameters begin with a capital, whatever the results are called.
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn flatten(
    service: &Service,
    member: &Member,
    prefix: &str,
    value: &Value,
    pairs: &mut Vec<(String, String)>,
) {
    let name = format!("{prefix}{}", in_form(service, member));
    flatten_value(service, &member.kind, &name, value, pairs);
}

fn flatten_value(
    service: &Service,
    kind: &Kind,
    name: &str,
    value: &Value,
    pairs: &mut Vec<(String, String)>,
) {
    match (kind, value) {
        (Kind::List(item), Value::List(items)) => {
            let entry = match service.protocol {
                Protocol::Ec2 => name.to_owned(),
                _ if items.is_empty() => {
                    pairs.push((name.to_owned(), String::new()));
                    return;
                }
                _ => format!("{name}.member"),
            };
            for (at, value) in items.iter().enumerate() {
                flatten_value(service, item, &format!("{entry}.{}", at + 1), value, pairs);
            }
        }
        (Kind::Shape(shape), Value::Object(_)) => {
            for member in service.shape(shape) {
                if let Some(value) = value.get(member.name) {
                    flatten(service, member, &format!("{name}."), value, pairs);
                }
            }
        }
        (_, value) => pairs.push((name.to_owned(), plain(value))),
    }
}

/// What an answer says: the result, or why not.
pub fn answer(
    service: &Service,
    operation: &Operation,
    status: u16,
    body: &[u8],
) -> Result<Value, Refusal> {
    match service.protocol {
        Protocol::Ec2 | Protocol::Query => {
            let root = Node::parse(body);
            if status >= 300 {
                let error = root
                    .find("Errors")
                    .or(Some(&root))
                    .and_then(|one| one.find("Error"));
                let part = |name: &str| error?.find(name).map(|part| part.text.clone());
                return Err(Refusal {
                    code: part("Code").unwrap_or_else(|| status.to_string()),
                    message: part("Message").unwrap_or_default(),
                });
            }
            let result = root.find(&format!("{}Result", operation.name));
            let result = result.unwrap_or(&root);
            Ok(from_xml(service, &operation.output, result))
        }
        Protocol::Json | Protocol::RestJson => {
            let text = String::from_utf8_lossy(body);
            let value = Value::parse(&text).unwrap_or(Value::Object(Vec::new()));
            if status >= 300 {
                let part = |names: [&str; 2]| {
                    let found = names.iter().find_map(|name| value.get(name));
                    found.and_then(Value::text).map(str::to_owned)
                };
                return Err(Refusal {
                    code: part(["__type", "ErrorCode"]).unwrap_or_else(|| status.to_string()),
                    message: part(["message", "Message"]).unwrap_or_default(),
                });
            }
            Ok(from_json(service, &operation.output, &value))
        }
    }
}

/// An element of an XML document.
#[derive(Debug, Default)]
struct Node {
    name: String,
    text: String,
    children: Vec<Node>,
}

impl Node {
    /// The document's root; what is broken ends it.
    fn parse(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let mut reader = Reader::from_str(&text);
        let mut open = vec![Self::default()];
        let close = |open: &mut Vec<Self>| {
            if open.len() > 1
                && let Some(node) = open.pop()
                && let Some(parent) = open.last_mut()
            {
                parent.children.push(node);
            }
        };
        loop {
            let event = reader.read_event();
            let node = |name: &str| Self {
                name: name.to_owned(),
                ..Self::default()
            };
            match event {
                Ok(Event::Start(start)) => open.push(node(start.name().as_ref())),
                Ok(Event::Empty(empty)) => {
                    open.push(node(empty.name().as_ref()));
                    close(&mut open);
                }
                Ok(Event::End(_)) => close(&mut open),
                Ok(Event::Text(text)) => {
                    if let Some(top) = open.last_mut() {
                        top.text.push_str(&text);
                    }
                }
                Ok(Event::GeneralRef(entity)) => {
                    let resolved = entity.resolve_char_ref().ok().flatten();
                    let named =
                        || quick_xml::escape::resolve_predefined_entity(&entity).map(str::to_owned);
                    let text = resolved.map(String::from).or_else(named);
                    if let (Some(top), Some(text)) = (open.last_mut(), text) {
                        top.text.push_str(&text);
                    }
                }
                Ok(Event::Eof) | Err(_) => break,
                Ok(_) => {}
            }
        }
        while open.len() > 1 {
            close(&mut open);
        }
        let root = open.pop().and_then(|mut document| document.children.pop());
        root.unwrap_or_default()
    }

    fn find(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// A member's name in a result.
fn in_result(service: &Service, member: &Member) -> String {
    match (member.wire, service.protocol) {
        (Some(wire), _) => wire.to_owned(),
        (None, Protocol::Ec2) => {
            let mut letters = member.name.chars();
            let first = letters.next().map(|first| first.to_ascii_lowercase());
            first.into_iter().chain(letters).collect()
        }
        (None, _) => member.name.to_owned(),
    }
}

fn from_xml(service: &Service, members: &[Member], node: &Node) -> Value {
    let found = members.iter().filter_map(|member| {
        let child = node.find(&in_result(service, member))?;
        let value = xml_value(service, &member.kind, child);
        Some((member.name.to_owned(), value))
    });
    Value::Object(found.collect())
}

fn xml_value(service: &Service, kind: &Kind, node: &Node) -> Value {
    match kind {
        Kind::List(item) => {
            let items = node.children.iter();
            Value::List(items.map(|node| xml_value(service, item, node)).collect())
        }
        Kind::Shape(shape) => from_xml(service, service.shape(shape), node),
        kind => text_value(kind, &node.text),
    }
}

fn from_json(service: &Service, members: &[Member], value: &Value) -> Value {
    let found = members.iter().filter_map(|member| {
        let found = value.get(member.wire.unwrap_or(member.name))?;
        (*found != Value::Null).then(|| {
            (
                member.name.to_owned(),
                json_value(service, &member.kind, found),
            )
        })
    });
    Value::Object(found.collect())
}

fn json_value(service: &Service, kind: &Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::List(item), Value::List(items)) => {
            let items = items.iter();
            Value::List(
                items
                    .map(|value| json_value(service, item, value))
                    .collect(),
            )
        }
        (Kind::Shape(shape), value @ Value::Object(_)) => {
            from_json(service, service.shape(shape), value)
        }
        (Kind::Instant, value) => instant(&value.to_string()),
        (_, value) => value.clone(),
    }
}

fn text_value(kind: &Kind, text: &str) -> Value {
    let as_is = || Value::from(text);
    match kind {
        Kind::Integer => text.parse().map_or_else(|_| as_is(), Value::Integer),
        Kind::Float => text.parse().map_or_else(|_| as_is(), Value::Float),
        Kind::Boolean => Value::Bool(text == "true"),
        Kind::Instant => instant(text),
        Kind::Policy => {
            let form = format!("={}", text.replace('+', "%2B"));
            let decoded = form_urlencoded::parse(form.as_bytes()).next();
            let decoded = decoded
                .map(|(_, text)| text.into_owned())
                .unwrap_or_default();
            Value::parse(&decoded).unwrap_or(Value::Text(decoded))
        }
        Kind::Template => Value::parse(text).unwrap_or_else(|_| as_is()),
        Kind::Encoded => match BASE64_STANDARD.decode(text) {
            Ok(bytes) => Value::Text(String::from_utf8_lossy(&bytes).into_owned()),
            Err(_) => as_is(),
        },
        Kind::Text | Kind::List(_) | Kind::Shape(_) => as_is(),
    }
}

/// An instant as version 2 writes it; services give ISO 8601 or seconds since 1970.
fn instant(text: &str) -> Value {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "microseconds of our time fit"
    )]
    let seconds = |text: &str| {
        let seconds: f64 = text.parse().ok()?;
        Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
    };
    let at = text.parse::<Timestamp>().ok().or_else(|| seconds(text));
    Value::Text(match at {
        None => text.to_owned(),
        Some(at) if at.subsec_nanosecond() == 0 => {
            at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
        }
        Some(at) => at.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::arguments;
    use super::super::model::services;
    use super::{Value, answer, request};

    fn sent(service: &str, command: &str, words: &[&str]) -> (String, String) {
        let service = services()
            .iter()
            .find(|one| one.command == service)
            .unwrap();
        let operation = service.operation(command).unwrap();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let read = arguments::read(service, operation, &words, &|_| Err(String::new())).unwrap();
        let request = request(service, operation, &read.parameters);
        let body = String::from_utf8(request.body).unwrap();
        (format!("{} {}", request.method, request.target), body)
    }

    #[test]
    fn each_protocol_has_its_own_form() {
        let ec2 = sent(
            "ec2",
            "create-snapshot",
            &[
                "--volume-id",
                "vol-1",
                "--tag-specifications",
                "ResourceType=snapshot,Tags=[{Key=k,Value=v}]",
            ],
        );
        assert_eq!(
            ec2.1,
            "Action=CreateSnapshot&Version=2016-11-15&VolumeId=vol-1&TagSpecification.1.ResourceType=snapshot&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v"
        );
        let query = sent(
            "cloudformation",
            "list-stacks",
            &["--stack-status-filter", "CREATE_COMPLETE"],
        );
        assert_eq!(
            query.1,
            "Action=ListStacks&Version=2010-05-15&StackStatusFilter.member.1=CREATE_COMPLETE"
        );
        assert_eq!(
            sent(
                "efs",
                "describe-mount-targets",
                &["--file-system-id", "fs-1"]
            ),
            (
                "GET /2015-02-01/mount-targets?FileSystemId=fs-1".to_owned(),
                String::new()
            )
        );
        assert_eq!(
            sent(
                "efs",
                "describe-backup-policy",
                &["--file-system-id", "fs/1"]
            )
            .0,
            "GET /2015-02-01/file-systems/fs%2F1/backup-policy"
        );
        assert_eq!(
            sent("ssm", "get-parameters", &["--names", "/a"]).1,
            r#"{"Names": ["/a"]}"#
        );
    }

    #[test]
    fn answers_become_values_in_the_order_of_the_table() {
        let ec2 = services().iter().find(|one| one.command == "ec2").unwrap();
        let operation = ec2.operation("describe-volumes").unwrap();
        let xml = b"<?xml version=\"1.0\"?><R xmlns=\"u\"><requestId>r</requestId><volumeSet><item><volumeId>vol-1</volumeId><size>5</size>\
            <createTime>2026-01-05T12:00:00.000Z</createTime><encrypted>true</encrypted><tagSet><item><key>a&amp;b</key><value/></item></tagSet>\
            <attachmentSet/><unknown>x</unknown></item></volumeSet></R>";
        assert_eq!(
            answer(ec2, operation, 200, xml).unwrap().line(),
            r#"{"Volumes": [{"Tags": [{"Key": "a&b", "Value": ""}], "VolumeId": "vol-1", "Size": 5, "CreateTime": "2026-01-05T12:00:00+00:00", "Attachments": [], "Encrypted": true}]}"#
        );
        let error = b"<Response><Errors><Error><Code>X</Code><Message>why</Message></Error></Errors></Response>";
        let refused = answer(ec2, operation, 403, error).unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            ("X", "why")
        );
        assert_eq!(
            super::instant("1763416531.5"),
            Value::from("2025-11-17T21:55:31.500000+00:00")
        );
    }
}
