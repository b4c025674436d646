//! AWS Systems Manager: the public parameters that name Amazon Linux images.

use serde_json::{Map, Value, json};

use super::access::{Ask, Caller, Refusal};
use super::json;
use super::paging;
use super::protocol::Answer;
use crate::practice::account::Account;
use crate::practice::error::AwsError;
use crate::practice::world::World;
use crate::practice::world::images::{public_parameter, public_parameters};

/// When Amazon published the image, seconds since 1970; the same date as the image says.
const PUBLISHED: i64 = 1_763_416_531;

/// Answers an SSM request; `target` names the operation.
pub fn answer(
    account: &Account,
    caller: &Caller,
    target: &str,
    body: &[u8],
) -> Result<Answer, AwsError> {
    let operation = target.strip_prefix("AmazonSSM.").unwrap_or(target);
    if !matches!(
        operation,
        "GetParameter" | "GetParameters" | "GetParametersByPath"
    ) {
        return Err(AwsError::client("UnknownOperationException", ""));
    }
    let mut members = json::members(body, &["Name", "NextToken", "Path"])?;
    account.write(|world| {
        caller.may(world, Refusal::Json, |world| {
            asks(world, operation, &members)
        })
    })?;
    // Nothing is encrypted here, so that decrypting changes nothing.
    members.remove("WithDecryption");
    let answer = account.read(|world| match operation {
        "GetParameter" => get(world, &mut members),
        "GetParameters" => get_many(world, &mut members),
        _ => get_by_path(world, &mut members),
    })?;
    match members.keys().next() {
        Some(name) => Err(AwsError::client(
            "ValidationException",
            format!("the practice account does not support {name}"),
        )),
        None => Ok(Answer::Json(answer)),
    }
}

fn asks(world: &World, operation: &str, members: &Map<String, Value>) -> Vec<Ask> {
    let named = members.get("Name").or_else(|| members.get("Path"));
    let names = match (named, members.get("Names")) {
        (Some(one), _) => vec![one.clone()],
        (None, Some(Value::Array(names))) => names.clone(),
        _ => Vec::new(),
    };
    let names = names.iter().filter_map(Value::as_str);
    names
        .map(|name| Ask::new(format!("ssm:{operation}")).on(arn(world, name)))
        .collect()
}

/// Public parameters are no account's.
fn arn(world: &World, name: &str) -> String {
    let (partition, region) = (world.place.partition(), &world.place.region);
    if name.starts_with("/aws/") {
        format!("arn:{partition}:ssm:{region}::parameter{name}")
    } else {
        let name = name.trim_start_matches('/');
        world.place.arn("ssm", &format!("parameter/{name}"))
    }
}

fn get(world: &World, members: &mut Map<String, Value>) -> Result<Value, AwsError> {
    let Some(Value::String(name)) = members.remove("Name") else {
        return Err(missing("name"));
    };
    let found = parameter(world, &name).ok_or_else(|| {
        AwsError::client("ParameterNotFound", format!("Parameter {name} not found."))
    })?;
    Ok(json!({"Parameter": found}))
}

fn get_many(world: &World, members: &mut Map<String, Value>) -> Result<Value, AwsError> {
    let names = members
        .remove("Names")
        .and_then(|names| serde_json::from_value::<Vec<String>>(names).ok())
        .filter(|names| !names.is_empty())
        .ok_or_else(|| missing("names"))?;
    if names.len() > 10 {
        return Err(AwsError::client(
            "ValidationException",
            "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to 10",
        ));
    }
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for name in names {
        match parameter(world, &name) {
            Some(parameter) => found.push(parameter),
            None => invalid.push(name),
        }
    }
    Ok(json!({"Parameters": found, "InvalidParameters": invalid}))
}

fn get_by_path(world: &World, members: &mut Map<String, Value>) -> Result<Value, AwsError> {
    let Some(Value::String(path)) = members.remove("Path") else {
        return Err(missing("path"));
    };
    let recursive = members.remove("Recursive") == Some(Value::Bool(true));
    let limit = match members.remove("MaxResults") {
        None | Some(Value::Null) => 10,
        Some(given) => given
            .as_u64()
            .and_then(|given| usize::try_from(given).ok())
            .filter(|given| (1..=10).contains(given))
            .ok_or_else(|| {
                AwsError::client("ValidationException", "MaxResults is a number from 1 to 10")
            })?,
    };
    let token = members.remove("NextToken");
    let token = token.as_ref().and_then(Value::as_str);
    let below = format!("{}/", path.trim_end_matches('/'));
    let found = public_parameters().filter(|name| {
        name.strip_prefix(&below)
            .is_some_and(|rest| recursive || !rest.contains('/'))
    });
    let mut found: Vec<(String, String)> = found.map(|name| (name.clone(), name)).collect();
    found.sort();
    let (page, next) = paging::page(found, limit, token)
        .ok_or_else(|| AwsError::client("InvalidNextToken", "The specified token isn't valid."))?;
    let parameters: Vec<Value> = page
        .iter()
        .filter_map(|name| parameter(world, name))
        .collect();
    let mut answer = json!({"Parameters": parameters});
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

fn missing(name: &str) -> AwsError {
    AwsError::client(
        "ValidationException",
        format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ),
    )
}

fn parameter(world: &World, name: &str) -> Option<Value> {
    let value = public_parameter(name)?;
    Some(json!({
        "Name": name,
        "Type": "String",
        "Value": value,
        "Version": 1,
        "LastModifiedDate": PUBLISHED,
        "ARN": arn(world, name),
        "DataType": "text",
    }))
}
