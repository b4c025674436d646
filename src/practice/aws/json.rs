//! Bodies of requests in JSON: what every service with such a protocol refuses alike.

use serde_json::{Map, Value};

use crate::practice::error::AwsError;

/// Reads a body. `texts`: members that are strings wherever they are given.
pub fn members(body: &[u8], texts: &[&str]) -> Result<Map<String, Value>, AwsError> {
    let refuse = |why: String| AwsError::client("SerializationException", why);
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Err(refuse("the body is not a JSON object".into()));
    };
    let wrong = |name: &&&str| match members.get(**name) {
        None | Some(Value::Null | Value::String(_)) => false,
        Some(_) => true,
    };
    match texts.iter().find(wrong) {
        Some(name) => Err(refuse(format!("{name} is not a string"))),
        None => Ok(members),
    }
}

#[cfg(test)]
mod tests {
    use super::members;

    #[test]
    fn whatever_is_no_object_or_has_no_text_where_one_belongs_is_refused() {
        for body in ["", "[]", "1", "{", r#"{"Name": 1}"#, r#"{"Name": {}}"#] {
            let refused = members(body.as_bytes(), &["Other", "Name"]).unwrap_err();
            assert_eq!(refused.code, "SerializationException", "{body}");
        }
        for body in ["{}", r#"{"Name": null}"#, r#"{"Name": "x", "Number": 1}"#] {
            members(body.as_bytes(), &["Name"]).unwrap();
        }
    }
}
