//! AWS Step Functions on the wire: state machines and executions. How they get on is decided elsewhere.

use serde_json::{Map, Value, json};

use super::access::{Ask, Caller, Refusal};
use super::json;
use super::paging;
use super::protocol::Answer;
use crate::practice::account::Account;
use crate::practice::error::AwsError;
use crate::practice::states::run::{Failed, Item};
use crate::practice::world::state_machines::{Execution, StateMachine};
use crate::practice::world::{Tags, World};

/// Members that are strings.
const TEXTS: [&str; 12] = [
    "cause",
    "definition",
    "error",
    "executionArn",
    "input",
    "name",
    "nextToken",
    "resourceArn",
    "roleArn",
    "stateMachineArn",
    "statusFilter",
    "type",
];

/// The parameters of a request, of which whatever nobody takes is refused.
struct Members(Map<String, Value>);

impl Members {
    fn text(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn needed(&mut self, name: &str) -> Result<String, AwsError> {
        self.text(name).ok_or_else(|| {
            validation(&format!(
                "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
            ))
        })
    }

    fn page<T>(
        &mut self,
        name: &str,
        items: Vec<(String, T)>,
        show: impl Fn(T) -> Value,
    ) -> Result<Value, AwsError> {
        let limit = self.0.remove("maxResults").and_then(|limit| limit.as_u64());
        let limit = limit.filter(|limit| (1..=1000).contains(limit));
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let token = self.text("nextToken");
        let (page, next) = paging::page(items, limit.unwrap_or(100), token.as_deref())
            .ok_or_else(|| AwsError::client("InvalidToken", "Invalid Token"))?;
        let items: Vec<Value> = page.into_iter().map(show).collect();
        let mut body = json!({name: items});
        if let Some(next) = next {
            body["nextToken"] = next.into();
        }
        Ok(body)
    }
}

fn validation(message: &str) -> AwsError {
    AwsError::client("ValidationException", message)
}

/// Answers a Step Functions request; `target` names the operation.
pub fn answer(
    account: &Account,
    caller: &Caller,
    target: &str,
    body: &[u8],
) -> Result<Answer, AwsError> {
    let action = target.strip_prefix("AWSStepFunctions.").unwrap_or(target);
    let operation: Operation = match action {
        "CreateStateMachine" => create,
        "DeleteStateMachine" => delete,
        "DescribeExecution" => describe_execution,
        "DescribeStateMachine" => describe,
        "DescribeStateMachineForExecution" => describe_for_execution,
        "GetExecutionHistory" => history,
        "ListExecutions" => list_executions,
        "ListStateMachines" => list,
        "ListTagsForResource" => list_tags,
        "StartExecution" => start,
        "StopExecution" => stop,
        "UpdateStateMachine" => update,
        _ => return Err(AwsError::client("UnknownOperationException", "")),
    };
    let members = json::members(body, &TEXTS)?;
    account.write(|world| {
        caller.may(world, Refusal::Json, |world| asks(world, action, &members))?;
        let mut members = Members(members);
        let answer = operation(world, &mut members)?;
        match members.0.keys().next() {
            None => Ok(Answer::Json(answer)),
            Some(name) => Err(validation(&format!(
                "the practice account does not support {name}"
            ))),
        }
    })
}

type Operation = fn(&mut World, &mut Members) -> Result<Value, AwsError>;

fn asks(world: &World, action: &str, members: &Map<String, Value>) -> Vec<Ask> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let ask = Ask::new(format!("states:{action}"));
    let arn = ["stateMachineArn", "executionArn", "resourceArn"];
    let arn = arn.into_iter().find_map(text);
    let mut asks = vec![match (arn, text("name")) {
        (Some(arn), _) => match world.state_machines.get(arn) {
            Some(machine) => ask.on(arn).tagged("aws", &machine.tags),
            None => ask.on(arn),
        },
        (None, Some(name)) => ask.on(world.place.arn("states", &format!("stateMachine:{name}"))),
        (None, None) => ask,
    }];
    if let Some(role) = text("roleArn") {
        let pass = Ask::new("iam:PassRole").on(role);
        asks.push(pass.with("iam:PassedToService", "states.amazonaws.com"));
    }
    asks
}

fn create(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    let name = members.needed("name")?;
    let definition = members.needed("definition")?;
    let role = members.needed("roleArn")?;
    if !matches!(members.text("type").as_deref(), None | Some("STANDARD")) {
        return Err(AwsError::client(
            "StateMachineTypeNotSupported",
            "the practice account has no state machines but standard ones",
        ));
    }
    let mut tags = Tags::new();
    for tag in members
        .0
        .remove("tags")
        .unwrap_or_default()
        .as_array()
        .into_iter()
        .flatten()
    {
        let part = |name: &str| tag.get(name).and_then(Value::as_str);
        tags.insert(
            part("key").unwrap_or_default().to_owned(),
            part("value").unwrap_or_default().to_owned(),
        );
    }
    let arn = world.create_state_machine(&name, definition, &role, tags)?;
    let created = world.state_machine(&arn)?.created;
    Ok(json!({"stateMachineArn": arn, "creationDate": created.as_second()}))
}

fn update(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    let arn = members.needed("stateMachineArn")?;
    let machine = world.state_machine(&arn)?.clone();
    let given = (members.text("definition"), members.text("roleArn"));
    if given == (None, None) {
        return Err(AwsError::client(
            "MissingRequiredParameter",
            "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified",
        ));
    }
    let definition = given.0.unwrap_or(machine.definition);
    let role = given.1.unwrap_or(machine.role);
    world.change_state_machine(&arn, definition, &role)?;
    Ok(json!({"updateDate": world.now.as_second()}))
}

fn delete(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    // One that is not there is deleted already.
    world.delete_state_machine(&members.needed("stateMachineArn")?);
    Ok(json!({}))
}

fn summary(machine: &StateMachine) -> Value {
    json!({
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": "STANDARD",
        "creationDate": machine.created.as_second(),
    })
}

fn describe(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    let machine = world.state_machine(&members.needed("stateMachineArn")?)?;
    let mut body = summary(machine);
    body["status"] = if machine.deleting {
        "DELETING"
    } else {
        "ACTIVE"
    }
    .into();
    body["definition"] = machine.definition.as_str().into();
    body["roleArn"] = machine.role.as_str().into();
    Ok(body)
}

fn list(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    let machines = world.state_machines.values();
    let machines = machines.map(|one| (one.arn.clone(), one)).collect();
    members.page("stateMachines", machines, summary)
}

fn list_tags(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    let arn = members.needed("resourceArn")?;
    let machine = world.state_machines.get(&arn).ok_or_else(|| {
        AwsError::client("ResourceNotFound", format!("Resource not found: '{arn}'"))
    })?;
    let tags = machine.tags.iter();
    let tags: Vec<Value> = tags
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    Ok(json!({"tags": tags}))
}

fn start(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    let machine = members.needed("stateMachineArn")?;
    let (name, input) = (members.text("name"), members.text("input"));
    let arn = world.start_execution(&machine, name, input)?;
    let started = world.execution(&arn)?.started;
    Ok(json!({"executionArn": arn, "startDate": started.as_second()}))
}

fn stop(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    let arn = members.needed("executionArn")?;
    let why = Failed {
        error: members.text("error").unwrap_or_default(),
        cause: members.text("cause").unwrap_or_default(),
    };
    world.stop_execution(&arn, why)?;
    Ok(json!({"stopDate": world.now.as_second()}))
}

fn execution_summary(one: &Execution) -> Value {
    let mut body = json!({
        "executionArn": one.arn,
        "stateMachineArn": one.machine,
        "name": one.name,
        "status": one.status.name(),
        "startDate": one.started.as_second(),
    });
    if let Some(at) = one.stopped {
        body["stopDate"] = at.as_second().into();
    }
    body
}

fn describe_execution(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    let one = world.execution(&members.needed("executionArn")?)?;
    let mut body = execution_summary(one);
    body["input"] = one.input.as_str().into();
    if let Some(output) = &one.output {
        body["output"] = output.as_str().into();
    }
    if let Some(failed) = &one.failed {
        body["error"] = failed.error.as_str().into();
        body["cause"] = failed.cause.as_str().into();
    }
    Ok(body)
}

fn describe_for_execution(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    let one = world.execution(&members.needed("executionArn")?)?;
    let machine = world.state_machine(&one.machine)?;
    Ok(json!({
        "stateMachineArn": one.machine,
        "name": machine.name,
        "definition": one.definition,
        "roleArn": one.role,
        "updateDate": machine.created.as_second(),
    }))
}

fn list_executions(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    let machine = members.needed("stateMachineArn")?;
    world.state_machine(&machine)?;
    let status = members.text("statusFilter");
    let of_it = world.executions.values().filter(|one| {
        let wanted = status
            .as_ref()
            .is_none_or(|status| status == one.status.name());
        one.machine == machine && wanted
    });
    // "Results are sorted by time, with the most recent execution first."
    let key =
        |one: &Execution| format!("{:020}{}", i64::MAX - one.started.as_microsecond(), one.arn);
    let mut found: Vec<(String, &Execution)> = of_it.map(|one| (key(one), one)).collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    members.page("executions", found, execution_summary)
}

fn history(world: &mut World, members: &mut Members) -> Result<Value, AwsError> {
    let one = world.execution(&members.needed("executionArn")?)?;
    members.0.remove("includeExecutionData");
    let backwards = members.0.remove("reverseOrder") == Some(Value::Bool(true));
    let mut events: Vec<Value> = one
        .history
        .iter()
        .enumerate()
        .map(|(at, item)| event(at, item))
        .collect();
    if backwards {
        events.reverse();
    }
    let events = events.into_iter().enumerate();
    let events = events
        .map(|(at, event)| (format!("{at:08}"), event))
        .collect();
    members.page("events", events, |event| event)
}

fn event(at: usize, item: &Item) -> Value {
    let mut event = json!({
        "timestamp": item.at.as_second(),
        "type": item.kind,
        "id": at + 1,
        "previousEventId": at,
    });
    let failed = |failed: &Failed| json!({"error": failed.error, "cause": failed.cause});
    match (item.kind.as_str(), &item.failed) {
        ("TaskFailed", Some(why)) => event["taskFailedEventDetails"] = failed(why),
        (_, Some(why)) => event["executionFailedEventDetails"] = failed(why),
        (kind, None) if kind.ends_with("StateEntered") => {
            event["stateEnteredEventDetails"] = json!({"name": item.state});
        }
        (kind, None) if kind.ends_with("StateExited") => {
            event["stateExitedEventDetails"] = json!({"name": item.state});
        }
        _ => {}
    }
    event
}
