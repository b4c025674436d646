//! Documents of the service's protocols: one way to read what is asked, one to write what is answered. No operation enters
//! here.

use std::collections::BTreeMap;

use ciborium::Value;
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::practice::aws::params::{Dialect, Params};
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Smithy RPC v2 CBOR: what the SDK for Rust sends.
    Cbor,
    /// JSON 1.0: what boto3 and the `aws` command send.
    Json,
    /// A form, answered in XML: what they sent before autumn 2025.
    Query,
}

/// Tag of a time in seconds since 1970 (RFC 8949, 3.4.2).
const TIME: u64 = 1;
/// How deep a document may go: no request here needs more than six.
const DEPTH: usize = 32;

/// What cannot be read.
fn malformed() -> AwsError {
    AwsError::client("SerializationException", "the body could not be read")
}

/// Reads a body; an empty one is an empty document. Times become numbers.
pub fn read(body: &[u8], wire: Wire) -> Result<Input, AwsError> {
    let document = match (body, wire) {
        ([], _) => Json::Object(serde_json::Map::new()),
        (body, Wire::Cbor) => {
            let value: Value = ciborium::de::from_reader_with_recursion_limit(body, DEPTH)
                .map_err(|_| malformed())?;
            json(value).ok_or_else(malformed)?
        }
        (body, Wire::Json) => serde_json::from_slice(body).map_err(|_| malformed())?,
        (body, Wire::Query) => {
            let mut form = Params::parse(body, Dialect::Query)?;
            for name in ["Action", "Version"] {
                form.text(name);
            }
            form.document()?
        }
    };
    Input::of(document, wire)
}

/// A CBOR value as JSON. What no request has (byte strings, other tags) is none.
fn json(value: Value) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(value) => value.into(),
        Value::Integer(value) => i64::try_from(value).ok()?.into(),
        Value::Float(value) => serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number),
        Value::Text(value) => value.into(),
        Value::Tag(TIME, value) => json(*value).filter(Json::is_number)?,
        Value::Array(values) => Json::Array(values.into_iter().map(json).collect::<Option<_>>()?),
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| {
                let Value::Text(key) = key else { return None };
                Some((key, json(value)?))
            });
            Json::Object(entries.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// What an operation is asked, of which whatever nobody asks for is refused.
pub struct Input {
    members: BTreeMap<String, Json>,
    wire: Wire,
}

impl Input {
    fn of(document: Json, wire: Wire) -> Result<Self, AwsError> {
        let Json::Object(members) = document else {
            return Err(malformed());
        };
        let given = members.into_iter().filter(|(_, value)| !value.is_null());
        let members = given.collect();
        Ok(Self { members, wire })
    }

    /// What a text says, where the protocol has nothing but texts.
    fn said<T: std::str::FromStr>(&self, value: &Json) -> Option<T> {
        let text = value.as_str().filter(|_| self.wire == Wire::Query)?;
        text.parse().ok()
    }

    fn take<T>(
        &mut self,
        name: &str,
        read: impl Fn(&Self, Json) -> Option<T>,
    ) -> Result<Option<T>, AwsError> {
        let Some(value) = self.members.remove(name) else {
            return Ok(None);
        };
        read(self, value).map(Some).ok_or_else(|| invalid(name))
    }

    /// A string.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, AwsError> {
        self.take(name, |_, value| match value {
            Json::String(text) => Some(text),
            _ => None,
        })
    }

    /// A string that must be given.
    pub fn needed(&mut self, name: &str) -> Result<String, AwsError> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// A whole number.
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, AwsError> {
        self.take(name, |input, value| {
            value.as_i64().or_else(|| input.said(&value))
        })
    }

    /// A number.
    pub fn number(&mut self, name: &str) -> Result<Option<f64>, AwsError> {
        self.take(name, |input, value| {
            value.as_f64().or_else(|| input.said(&value))
        })
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, AwsError> {
        self.take(name, |input, value| {
            value.as_bool().or_else(|| input.said(&value))
        })
    }

    /// A time.
    pub fn time(&mut self, name: &str) -> Result<Option<Timestamp>, AwsError> {
        self.take(name, |input, value| {
            if let Some(at) = input.said(&value) {
                return Some(at);
            }
            if let Some(whole) = value.as_i64() {
                return Timestamp::from_second(whole).ok();
            }
            let seconds = jiff::SignedDuration::try_from_secs_f64(value.as_f64()?).ok()?;
            Timestamp::from_duration(seconds).ok()
        })
    }

    /// A time that must be given.
    pub fn needed_time(&mut self, name: &str) -> Result<Timestamp, AwsError> {
        self.time(name)?.ok_or_else(|| missing(name))
    }

    /// Strings that must be there.
    pub fn needed_texts(&mut self, name: &str) -> Result<Vec<String>, AwsError> {
        let given = self.texts(name)?;
        Some(given)
            .filter(|given| !given.is_empty())
            .ok_or_else(|| missing(name))
    }

    /// Strings.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, AwsError> {
        self.list(name, |_, value| match value {
            Json::String(text) => Some(text),
            _ => None,
        })
    }

    /// A structure.
    pub fn object(&mut self, name: &str) -> Result<Option<Self>, AwsError> {
        self.take(name, |input, value| Self::of(value, input.wire).ok())
    }

    /// Structures.
    pub fn objects(&mut self, name: &str) -> Result<Vec<Self>, AwsError> {
        self.list(name, |input, value| Self::of(value, input.wire).ok())
    }

    fn list<T>(
        &mut self,
        name: &str,
        read: impl Fn(&Self, Json) -> Option<T>,
    ) -> Result<Vec<T>, AwsError> {
        let items = self.take(name, |input, value| match value {
            Json::Array(values) => values.into_iter().map(|value| read(input, value)).collect(),
            // An empty list in a form is `Name=`.
            Json::String(text) if text.is_empty() && input.wire == Wire::Query => Some(Vec::new()),
            _ => None,
        })?;
        Ok(items.unwrap_or_default())
    }

    /// Nothing else may be asked.
    pub fn finish(self) -> Result<(), AwsError> {
        match self.members.into_keys().next() {
            Some(name) => Err(AwsError::client(
                "InvalidParameterValue",
                format!("the practice account does not support the parameter {name}"),
            )),
            None => Ok(()),
        }
    }
}

/// Says that a parameter's value makes no sense.
pub fn invalid(name: &str) -> AwsError {
    AwsError::client(
        "InvalidParameterValue",
        format!("The value of the parameter {name} is invalid."),
    )
}

/// Says that a parameter is not given.
pub fn missing(name: &str) -> AwsError {
    AwsError::client(
        "MissingParameter",
        format!("The parameter {name} is required."),
    )
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Output(Vec<(Value, Value)>);

impl Output {
    /// Nothing yet.
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// With a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// With a member, if there is one.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With a time.
    #[must_use]
    pub fn with_time(self, name: &str, at: Timestamp) -> Self {
        self.with(name, time(at))
    }

    /// With a list.
    #[must_use]
    pub fn with_list<T: Into<Value>>(self, name: &str, items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(Into::into).collect();
        self.with(name, Value::Array(items))
    }

    /// In JSON.
    pub fn json(self) -> Vec<u8> {
        let value = Value::Map(self.0);
        json(value).unwrap_or_default().to_string().into_bytes()
    }

    /// In XML, as an element of this name.
    pub fn xml(self, name: String) -> Element {
        element(Element::new(name), Value::Map(self.0))
    }

    /// In CBOR.
    pub fn cbor(self) -> Vec<u8> {
        let value = Value::Map(self.0);
        let mut bytes = Vec::new();
        // Memory takes whatever is written.
        if let Err(error) = ciborium::into_writer(&value, &mut bytes) {
            tracing::error!(%error, "an answer could not be written");
        }
        bytes
    }
}

impl From<Output> for Value {
    fn from(output: Output) -> Self {
        Self::Map(output.0)
    }
}

/// A value as the content of an element.
fn element(filled: Element, value: Value) -> Element {
    match value {
        Value::Map(members) => members.into_iter().fold(filled, |filled, (name, value)| {
            let name = name.into_text().unwrap_or_default();
            filled.child(element(Element::new(name), value))
        }),
        Value::Array(values) => filled.children(
            values
                .into_iter()
                .map(|value| element(Element::new("member"), value)),
        ),
        Value::Tag(TIME, at) => filled.own_text(instant(&at)),
        Value::Text(text) => filled.own_text(text),
        Value::Bool(value) => filled.own_text(value),
        Value::Float(value) => filled.own_text(value),
        Value::Integer(value) => filled.own_text(i128::from(value)),
        _ => filled,
    }
}

/// Seconds since 1970 as XML has instants.
fn instant(seconds: &Value) -> String {
    let at = match seconds {
        Value::Float(seconds) => jiff::SignedDuration::try_from_secs_f64(*seconds)
            .ok()
            .and_then(|since| Timestamp::from_duration(since).ok())
            .and_then(|at| at.round(jiff::Unit::Millisecond).ok()),
        Value::Integer(seconds) => i64::try_from(*seconds)
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok()),
        _ => None,
    };
    at.unwrap_or_default().to_string()
}

/// A time, whole seconds as CloudWatch has them, else with milliseconds.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of this century")]
pub fn time(at: Timestamp) -> Value {
    let milliseconds = at.as_millisecond();
    let seconds = if milliseconds % 1000 == 0 {
        Value::from(milliseconds / 1000)
    } else {
        Value::from(milliseconds as f64 / 1000.0)
    };
    Value::Tag(TIME, Box::new(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_reads_the_same_in_every_protocol() {
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let document = Output::new()
            .with("Name", "x")
            .with_time("StartTime", at)
            .with("Period", 60)
            .with_list("Names", ["a", "b"])
            .with_list("Inner", [Output::new().with("Value", 1.5)]);
        let form = "Action=Look&Version=2010-08-01&Name=x&StartTime=2026-09-21T14:13:20Z&Period=60&Names.member.1=a&Names.member.2=b&Inner.member.1.Value=1.5";
        for (wire, body) in [
            (Wire::Cbor, document.clone().cbor()),
            (Wire::Json, document.json()),
            (Wire::Query, form.into()),
        ] {
            let mut input = read(&body, wire).unwrap();
            assert_eq!(input.needed("Name").unwrap(), "x");
            assert_eq!(input.needed_time("StartTime").unwrap(), at);
            assert_eq!(input.integer("Period").unwrap(), Some(60));
            assert_eq!(input.texts("Names").unwrap(), ["a", "b"]);
            let mut inner = input.objects("Inner").unwrap();
            assert_eq!(inner[0].number("Value").unwrap(), Some(1.5));
            assert_eq!(input.text("Other").unwrap(), None);
            input.finish().unwrap();
        }
    }

    #[test]
    fn what_is_answered_in_xml_has_members_in_lists_and_times_in_words() {
        let answer = Output::new()
            .with("Name", "a < b")
            .with("Value", 0.5)
            .with("Count", 3)
            .with("Enabled", true)
            .with_time(
                "At",
                Timestamp::from_millisecond(1_790_000_000_250).unwrap(),
            )
            .with_list("Inner", [Output::new().with("Key", "k")])
            .with_list("None", Vec::<Output>::new())
            .xml("LookResult".into());
        assert_eq!(
            String::from_utf8(answer.render()).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><LookResult><Name>a &lt; b</Name><Value>0.5</Value><Count>3</Count><Enabled>true</Enabled><At>2026-09-21T14:13:20.25Z</At><Inner><member><Key>k</Key></member></Inner><None/></LookResult>"
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let mut deep = vec![0x81; 100_000];
        deep.push(0x80);
        for body in [&b"\xff"[..], b"\x01", b"\xa1\x01\x02", &deep, b"\x9f"] {
            assert!(read(body, Wire::Cbor).is_err());
        }
        for body in ["[", "1", "[]"] {
            assert!(read(body.as_bytes(), Wire::Json).is_err());
        }
        for body in ["Names.member.x=1", "Names.member=1", "A=1&A=2"] {
            assert!(read(body.as_bytes(), Wire::Query).is_err(), "{body}");
        }
        let mut form = read(b"Names=&Period=x&Period.y=1", Wire::Query).unwrap();
        assert_eq!(form.texts("Names").unwrap(), Vec::<String>::new());
        assert!(form.integer("Period").is_err());
        let mut input = read(br#"{"Period": "x", "More": 1}"#, Wire::Json).unwrap();
        let wrong = input.integer("Period").unwrap_err();
        assert_eq!(wrong.code, "InvalidParameterValue");
        assert_eq!(input.needed("Name").unwrap_err().code, "MissingParameter");
        assert_eq!(input.finish().unwrap_err().code, "InvalidParameterValue");
    }
}
