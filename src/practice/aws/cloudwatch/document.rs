//! Documents of the service's two protocols, Smithy RPC v2 CBOR (what current SDKs and the `aws` command send) and
//! JSON 1.0: one way to read what is asked, one to write what is answered. No operation enters here.

use std::collections::BTreeMap;

use ciborium::Value;
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::practice::error::AwsError;

/// Tag of a time in seconds since 1970 (RFC 8949, 3.4.2).
const TIME: u64 = 1;
/// How deep a document may go: no request here needs more than six.
const DEPTH: usize = 32;

/// What cannot be read.
fn malformed() -> AwsError {
    AwsError::client("SerializationException", "the body could not be read")
}

/// Reads a body; an empty one is an empty document. Times become numbers.
pub fn read(body: &[u8], cbor: bool) -> Result<Input, AwsError> {
    let document = match (body, cbor) {
        ([], _) => Json::Object(serde_json::Map::new()),
        (body, true) => {
            let value: Value = ciborium::de::from_reader_with_recursion_limit(body, DEPTH)
                .map_err(|_| malformed())?;
            json(value).ok_or_else(malformed)?
        }
        (body, false) => serde_json::from_slice(body).map_err(|_| malformed())?,
    };
    Input::of(document)
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
pub struct Input(BTreeMap<String, Json>);

impl Input {
    fn of(document: Json) -> Result<Self, AwsError> {
        let Json::Object(members) = document else {
            return Err(malformed());
        };
        let given = members.into_iter().filter(|(_, value)| !value.is_null());
        Ok(Self(given.collect()))
    }

    fn take<T>(
        &mut self,
        name: &str,
        read: impl Fn(Json) -> Option<T>,
    ) -> Result<Option<T>, AwsError> {
        let Some(value) = self.0.remove(name) else {
            return Ok(None);
        };
        read(value).map(Some).ok_or_else(|| invalid(name))
    }

    /// A string.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, AwsError> {
        self.take(name, |value| match value {
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
        self.take(name, |value| value.as_i64())
    }

    /// A number.
    pub fn number(&mut self, name: &str) -> Result<Option<f64>, AwsError> {
        self.take(name, |value| value.as_f64())
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, AwsError> {
        self.take(name, |value| value.as_bool())
    }

    /// A time.
    pub fn time(&mut self, name: &str) -> Result<Option<Timestamp>, AwsError> {
        self.take(name, |value| {
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
        let texts = self.take(name, |value| match value {
            Json::Array(values) => values
                .into_iter()
                .map(|value| match value {
                    Json::String(text) => Some(text),
                    _ => None,
                })
                .collect(),
            _ => None,
        })?;
        Ok(texts.unwrap_or_default())
    }

    /// A structure.
    pub fn object(&mut self, name: &str) -> Result<Option<Self>, AwsError> {
        self.take(name, |value| Self::of(value).ok())
    }

    /// Structures.
    pub fn objects(&mut self, name: &str) -> Result<Vec<Self>, AwsError> {
        let objects = self.take(name, |value| match value {
            Json::Array(values) => values
                .into_iter()
                .map(|value| Self::of(value).ok())
                .collect(),
            _ => None,
        })?;
        Ok(objects.unwrap_or_default())
    }

    /// Nothing else may be asked.
    pub fn finish(self) -> Result<(), AwsError> {
        match self.0.into_keys().next() {
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

    /// In the protocol's bytes.
    pub fn render(self, cbor: bool) -> Vec<u8> {
        let value = Value::Map(self.0);
        if !cbor {
            return json(value).unwrap_or_default().to_string().into_bytes();
        }
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
    fn what_is_asked_reads_the_same_in_both_protocols() {
        let at = Timestamp::from_second(1_790_000_000).unwrap();
        let document = Output::new()
            .with("Name", "x")
            .with_time("StartTime", at)
            .with("Period", 60)
            .with_list("Names", ["a", "b"])
            .with_list("Inner", [Output::new().with("Value", 1.5)]);
        for cbor in [true, false] {
            let mut input = read(&document.clone().render(cbor), cbor).unwrap();
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
    fn what_cannot_be_read_is_refused() {
        let mut deep = vec![0x81; 100_000];
        deep.push(0x80);
        for body in [&b"\xff"[..], b"\x01", b"\xa1\x01\x02", &deep, b"\x9f"] {
            assert!(read(body, true).is_err());
        }
        for body in ["[", "1", "[]"] {
            assert!(read(body.as_bytes(), false).is_err());
        }
        let mut input = read(br#"{"Period": "x", "More": 1}"#, false).unwrap();
        let wrong = input.integer("Period").unwrap_err();
        assert_eq!(wrong.code, "InvalidParameterValue");
        assert_eq!(input.needed("Name").unwrap_err().code, "MissingParameter");
        assert_eq!(input.finish().unwrap_err().code, "InvalidParameterValue");
    }
}
