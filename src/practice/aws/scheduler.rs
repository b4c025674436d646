//! Amazon EventBridge Scheduler: schedules on the wire, and calling their targets when they are due. It never makes time
//! pass by itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::{Ask, Caller, Refusal};
use super::paging;
use super::protocol::Answer;
use crate::practice::account::Account;
use crate::practice::clock::Activity;
use crate::practice::error::AwsError;
use crate::practice::states::{self, Who};
use crate::practice::world::World;
use crate::practice::world::schedules::{Definition, GROUP, Schedule, malformed, validation};

/// The operation that a method on a path means, and the name in the path.
fn find<'a>(method: &Method, path: &'a str) -> Option<(&'static str, Option<&'a str>)> {
    let mut parts = path.strip_prefix('/')?.split('/');
    let (kind, name) = (parts.next()?, parts.next());
    let operation = match (method.as_str(), kind, name) {
        ("GET", "schedules", None) => "ListSchedules",
        ("POST", "schedules", Some(_)) => "CreateSchedule",
        ("PUT", "schedules", Some(_)) => "UpdateSchedule",
        ("GET", "schedules", Some(_)) => "GetSchedule",
        ("DELETE", "schedules", Some(_)) => "DeleteSchedule",
        ("GET", "schedule-groups", None) => "ListScheduleGroups",
        ("GET", "schedule-groups", Some(_)) => "GetScheduleGroup",
        _ => return None,
    };
    let fits = parts.next().is_none() && name.is_none_or(|name| !name.is_empty());
    fits.then_some((operation, name))
}

/// The operation that a method on a path means.
pub fn operation_name(method: &Method, path: &str) -> Option<&'static str> {
    find(method, path).map(|(operation, _)| operation)
}

/// Answers a Scheduler request.
pub fn answer(
    account: &Account,
    caller: &Caller,
    method: &Method,
    path: &str,
    query: &str,
    body: &[u8],
) -> Result<Answer, AwsError> {
    let mut query: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    // A token makes a repeated call harmless; here each is judged by what is there.
    query.remove("clientToken");
    let (action, name) = find(method, path).ok_or_else(|| unknown(method, path))?;
    account.write(|world| {
        let definition = match action {
            "CreateSchedule" | "UpdateSchedule" => {
                let members = serde_json::from_slice(body).map_err(|_| malformed())?;
                Some(Definition::read(members)?)
            }
            _ => None,
        };
        caller.may(world, Refusal::Json, |world| {
            let ask = Ask::new(format!("scheduler:{action}"));
            let resource = match action {
                "GetScheduleGroup" | "ListScheduleGroups" => {
                    format!("schedule-group/{}", name.unwrap_or("*"))
                }
                _ => format!("schedule/{GROUP}/{}", name.unwrap_or("*")),
            };
            let mut asks = vec![ask.on(world.place.arn("scheduler", &resource))];
            if let Some(definition) = &definition {
                let pass = Ask::new("iam:PassRole").on(&definition.role);
                asks.push(pass.with("iam:PassedToService", "scheduler.amazonaws.com"));
            }
            asks
        })?;
        if !matches!(
            query
                .remove("groupName")
                .or_else(|| query.remove("ScheduleGroup"))
                .as_deref(),
            None | Some(GROUP)
        ) {
            return Err(no_such_group());
        }
        let answer = match (action, name, definition) {
            ("CreateSchedule", Some(name), Some(definition)) => {
                world.create_schedule(name, definition)?;
                json!({"ScheduleArn": world.schedule(name)?.arn(world)})
            }
            ("UpdateSchedule", Some(name), Some(definition)) => {
                world.update_schedule(name, definition)?;
                json!({"ScheduleArn": world.schedule(name)?.arn(world)})
            }
            ("GetSchedule", Some(name), _) => show(world, world.schedule(name)?),
            ("DeleteSchedule", Some(name), _) => {
                world.delete_schedule(name)?;
                json!({})
            }
            ("GetScheduleGroup", Some(GROUP), _) => group(world),
            ("GetScheduleGroup", ..) => return Err(no_such_group()),
            ("ListScheduleGroups", ..) => list_groups(world, &mut query)?,
            _ => list(world, &mut query)?,
        };
        match query.keys().next() {
            None => Ok(Answer::Json(answer)),
            Some(name) => Err(validation(&format!(
                "the practice account does not support the parameter {name}"
            ))),
        }
    })
}

fn unknown(method: &Method, path: &str) -> AwsError {
    AwsError::with_status(
        404,
        "UnknownOperationException",
        format!("{method} {path} is not known"),
    )
}

fn seconds(at: Timestamp) -> Value {
    json!(at.as_second())
}

fn state(enabled: bool) -> &'static str {
    if enabled { "ENABLED" } else { "DISABLED" }
}

fn show(world: &World, schedule: &Schedule) -> Value {
    let definition = &schedule.definition;
    let mut target = json!({"Arn": definition.target, "RoleArn": definition.role});
    if let Some(input) = &definition.input {
        target["Input"] = input.as_str().into();
    }
    // "MaximumEventAgeInSeconds 86400, MaximumRetryAttempts 185" are the defaults that are shown.
    target["RetryPolicy"] = definition.retry_policy.clone().unwrap_or_else(
        || json!({"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}),
    );
    let mut body = json!({
        "ActionAfterCompletion": if definition.delete_after { "DELETE" } else { "NONE" },
        "Arn": schedule.arn(world),
        "CreationDate": seconds(schedule.created),
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "GroupName": GROUP,
        "LastModificationDate": seconds(schedule.modified),
        "Name": schedule.name,
        "ScheduleExpression": definition.expression,
        "ScheduleExpressionTimezone": definition.timezone,
        "State": state(definition.enabled),
        "Target": target,
    });
    if let Some(text) = &definition.description {
        body["Description"] = text.as_str().into();
    }
    if let Some(at) = definition.start {
        body["StartDate"] = seconds(at);
    }
    if let Some(at) = definition.end {
        body["EndDate"] = seconds(at);
    }
    body
}

fn no_such_group() -> AwsError {
    AwsError::with_status(
        404,
        "ResourceNotFoundException",
        "the practice account has no schedule group but default",
    )
}

/// The one group that is there.
fn group(world: &World) -> Value {
    json!({
        "Arn": world.place.arn("scheduler", &format!("schedule-group/{GROUP}")),
        "Name": GROUP,
        "State": "ACTIVE",
    })
}

fn list_groups(world: &World, query: &mut BTreeMap<String, String>) -> Result<Value, AwsError> {
    limit(query)?;
    let prefix = query.remove("NamePrefix").unwrap_or_default();
    let groups: Vec<Value> = GROUP
        .starts_with(&prefix)
        .then(|| group(world))
        .into_iter()
        .collect();
    Ok(json!({"ScheduleGroups": groups}))
}

/// Items of a page.
fn limit(query: &mut BTreeMap<String, String>) -> Result<usize, AwsError> {
    let Some(text) = query.remove("MaxResults") else {
        return Ok(100);
    };
    let number = text.parse().ok();
    number
        .filter(|limit| (1..=100).contains(limit))
        .ok_or_else(|| validation("MaxResults must be a number from 1 to 100"))
}

fn list(world: &World, query: &mut BTreeMap<String, String>) -> Result<Value, AwsError> {
    let prefix = query.remove("NamePrefix").unwrap_or_default();
    let wanted = query.remove("State");
    let limit = limit(query)?;
    let token = query.remove("NextToken");
    let found = world.schedules.values().filter(|one| {
        let state = state(one.definition.enabled);
        one.name.starts_with(&prefix) && wanted.as_ref().is_none_or(|wanted| wanted == state)
    });
    let found = found.map(|one| (one.name.clone(), one)).collect();
    let (page, next) = paging::page(found, limit, token.as_deref())
        .ok_or_else(|| validation("Invalid NextToken"))?;
    let schedules: Vec<Value> = page
        .into_iter()
        .map(|one| {
            json!({
                "Arn": one.arn(world),
                "CreationDate": seconds(one.created),
                "GroupName": GROUP,
                "LastModificationDate": seconds(one.modified),
                "Name": one.name,
                "State": state(one.definition.enabled),
                "Target": {"Arn": one.definition.target},
            })
        })
        .collect();
    let mut body = json!({"Schedules": schedules});
    if let Some(next) = next {
        body["NextToken"] = next.into();
    }
    Ok(body)
}

/// Calls the targets of schedules when they are due, until it is dropped.
pub async fn watch(account: Arc<Account>) {
    let mut changes = account.generation.subscribe();
    loop {
        changes.mark_unchanged();
        let due = account.read(|world| world.schedules.values().filter_map(Schedule::due).min());
        let Some(due) = due else {
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        };
        let wait = due.duration_since(account.clock.now());
        let wait = Duration::try_from(wait).unwrap_or_default();
        tokio::select! {
            activity = account.clock.rest(wait) => fire(&account, activity).await,
            changed = changes.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

/// Calls every target that is due. A call that is refused is not repeated: the next is.
async fn fire(account: &Account, activity: Activity) {
    let due = account.read(|world| {
        let now = world.now;
        let due = world.schedules.values();
        let due = due.filter(|one| one.due().is_some_and(|at| at <= now));
        due.cloned().collect::<Vec<Schedule>>()
    });
    for schedule in due {
        let definition = &schedule.definition;
        let who = Who {
            role: &definition.role,
            service: "scheduler",
            session: &schedule.name,
        };
        let mut parameters = json!({"stateMachineArn": definition.target});
        if let Some(input) = &definition.input {
            parameters["input"] = input.as_str().into();
        }
        // First the call, then the note: a target may be called twice, as Scheduler says, but not never.
        let called = states::call(account, who, ("sfn", "startExecution"), &parameters).await;
        if let Err(why) = called {
            tracing::warn!(
                schedule = schedule.name,
                error = why.error,
                cause = why.cause,
                "the target of a schedule could not be called"
            );
        }
        let noted = account.write(|world| {
            world.schedule_fired(&schedule.name, world.now);
            Ok(())
        });
        if let Err(error) = noted {
            tracing::error!(%error, "that a schedule was due could not be written down");
        }
    }
    drop(activity);
}
