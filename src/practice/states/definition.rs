//! State machines as the Amazon States Language writes them, read strictly: whatever the practice account cannot run is
//! refused by its name when a machine is made.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::choice::Rule;
use super::path::{Path, Template};
use crate::practice::compute::commands::system::sdk;

/// A state machine, or what a Map does with each item.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Where it begins.
    pub start: String,
    /// By name.
    pub states: BTreeMap<String, State>,
    /// Seconds until it is ended; none of a Map's.
    pub timeout: Option<i64>,
}

/// A state.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// What it does.
    pub kind: Kind,
    /// Where it leads to; nowhere: the end.
    pub next: Option<String>,
    /// What is done with its result.
    pub result: Outcome,
    /// What is tried again.
    pub retry: Vec<Retry>,
    /// What is caught.
    pub catch: Vec<Catch>,
}

/// What is done with a state's result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// What is made of it first.
    pub selector: Option<Template>,
    /// Where in the input it is put.
    pub place: Placed,
}

/// Where a result is put.
#[derive(Debug, Clone, PartialEq)]
pub enum Placed {
    /// Nowhere: the input goes on as it is.
    Nowhere,
    /// There.
    At(Path),
}

impl Default for Placed {
    fn default() -> Self {
        Self::At(Path::root())
    }
}

/// What a state does.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Calls an operation of a service: both as in `arn:aws:states:::aws-sdk:SERVICE:ACTION`.
    Task {
        /// `ec2`
        service: String,
        /// `terminateInstances`
        action: String,
        /// What it is called with.
        parameters: Template,
    },
    /// Does the same for each item, one after the other.
    Map {
        /// Where the items are.
        items: Path,
        /// What is done with each.
        each: Definition,
    },
    /// Goes where the first rule that holds leads to.
    Choice {
        /// Rules, and where they lead to.
        rules: Vec<(Rule, String)>,
        /// Where it goes if none holds.
        default: Option<String>,
    },
    /// Waits so many seconds.
    Wait(i64),
    /// Passes its result, or its input, on.
    Pass(Option<Value>),
    /// The end.
    Succeed,
    /// The end, in failure: error and cause.
    Fail(String, String),
}

/// What is tried again.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// Names of errors.
    pub errors: Vec<String>,
    /// Seconds until the first attempt.
    pub interval: i64,
    /// How often.
    pub attempts: u32,
    /// By what the interval grows.
    pub backoff: f64,
}

/// What is caught.
#[derive(Debug, Clone, PartialEq)]
pub struct Catch {
    /// Names of errors.
    pub errors: Vec<String>,
    /// Where the error is put.
    pub place: Placed,
    /// Where it leads to.
    pub next: String,
}

impl Definition {
    /// Reads a definition, or says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("{error}"))?;
        let mut members = Members::of(value, "/")?;
        let timeout = members.integer("TimeoutSeconds")?;
        if !matches!(members.text("Version")?.as_deref(), None | Some("1.0")) {
            return Err("Version must be 1.0".into());
        }
        if !matches!(
            members.text("QueryLanguage")?.as_deref(),
            None | Some("JSONPath")
        ) {
            return Err("the practice account has no QueryLanguage but JSONPath".into());
        }
        let definition = Self::parse(members)?;
        Ok(Self {
            timeout,
            ..definition
        })
    }

    fn parse(mut members: Members) -> Result<Self, String> {
        let start = members.needed("StartAt")?;
        let Some(Value::Object(states)) = members.take("States") else {
            return Err(format!("States is required at {}", members.place));
        };
        members.finish()?;
        let place = |name: &str| format!("/States/{name}");
        let states: BTreeMap<String, State> = states
            .into_iter()
            .map(|(name, value)| {
                let state = State::read(Members::of(value, &place(&name))?)?;
                Ok((name, state))
            })
            .collect::<Result<_, String>>()?;
        let definition = Self {
            start,
            states,
            timeout: None,
        };
        definition.check_targets()?;
        Ok(definition)
    }

    fn check_targets(&self) -> Result<(), String> {
        let known = |name: &String| {
            if self.states.contains_key(name) {
                Ok(())
            } else {
                Err(format!(
                    "MISSING_TRANSITION_TARGET: Missing 'Next' target: {name}"
                ))
            }
        };
        known(&self.start)?;
        for state in self.states.values() {
            state.next.iter().try_for_each(known)?;
            state.catch.iter().try_for_each(|one| known(&one.next))?;
            if let Kind::Choice { rules, default } = &state.kind {
                rules.iter().try_for_each(|(_, next)| known(next))?;
                default.iter().try_for_each(known)?;
            }
        }
        Ok(())
    }
}

impl State {
    fn read(mut members: Members) -> Result<Self, String> {
        let kind = members.needed("Type")?;
        let mut state = Self {
            kind: Kind::Succeed,
            next: None,
            result: Outcome::default(),
            retry: Vec::new(),
            catch: Vec::new(),
        };
        let goes_on = matches!(kind.as_str(), "Task" | "Map" | "Wait" | "Pass");
        if goes_on {
            state.next = members.text("Next")?;
            let ends = members.take("End") == Some(Value::Bool(true));
            if ends == state.next.is_some() {
                return Err(format!("{} must have either Next or End", members.place));
            }
        }
        if matches!(kind.as_str(), "Task" | "Map") {
            state.retry = members.list("Retry", Retry::read)?;
            state.catch = members.list("Catch", Catch::read)?;
            let selector = members.take("ResultSelector");
            state.result.selector = selector.as_ref().map(Template::read).transpose()?;
        }
        if matches!(kind.as_str(), "Task" | "Map" | "Pass") {
            state.result.place = members.placed()?;
        }
        state.kind = match kind.as_str() {
            "Task" => task(&mut members)?,
            "Map" => map(&mut members)?,
            "Choice" => choice(&mut members)?,
            "Wait" => Kind::Wait(members.integer("Seconds")?.ok_or_else(|| {
                format!(
                    "the practice account has no Wait without Seconds, at {}",
                    members.place
                )
            })?),
            "Pass" => Kind::Pass(members.take("Result")),
            "Succeed" => Kind::Succeed,
            "Fail" => Kind::Fail(
                members.text("Error")?.unwrap_or_default(),
                members.text("Cause")?.unwrap_or_default(),
            ),
            other => {
                return Err(format!(
                    "the practice account does not have states of the type {other}"
                ));
            }
        };
        members.finish()?;
        Ok(state)
    }
}

fn task(members: &mut Members) -> Result<Kind, String> {
    let resource = members.needed("Resource")?;
    let refused = || format!("the practice account does not have the integration {resource}");
    // `arn:aws:states:::aws-sdk:SERVICE:ACTION`, in whichever partition.
    let parts: Vec<&str> = resource.split(':').collect();
    let ["arn", _, "states", "", "", "aws-sdk", service, action] = parts[..] else {
        return Err(refused());
    };
    let operation = sdk::find(service, action).ok_or_else(refused)?;
    let parameters = members
        .take("Parameters")
        .unwrap_or_else(|| Value::Object(Map::new()));
    let parameters = Template::read(&parameters)?;
    let unknown = parameters.names().find(|name| !operation.takes(name));
    if let Some(name) = unknown {
        return Err(format!(
            "The field {name} is not supported by {service}:{action}, at {}",
            members.place
        ));
    }
    Ok(Kind::Task {
        service: service.to_owned(),
        action: action.to_owned(),
        parameters,
    })
}

fn map(members: &mut Members) -> Result<Kind, String> {
    let items = members.needed("ItemsPath")?;
    if members.integer("MaxConcurrency")? != Some(1) {
        return Err(format!(
            "the practice account has no Map whose MaxConcurrency is not 1, at {}",
            members.place
        ));
    }
    let processor = members
        .take("ItemProcessor")
        .ok_or_else(|| format!("ItemProcessor is required at {}", members.place))?;
    let mut processor = Members::of(processor, &format!("{}/ItemProcessor", members.place))?;
    if let Some(config) = processor.take("ProcessorConfig")
        && config != serde_json::json!({"Mode": "INLINE"})
    {
        return Err("the practice account has no Map but inline ones".into());
    }
    Ok(Kind::Map {
        items: Path::read(&items)?,
        each: Definition::parse(processor)?,
    })
}

fn choice(members: &mut Members) -> Result<Kind, String> {
    let default = members.text("Default")?;
    let Some(Value::Array(choices)) = members.take("Choices") else {
        return Err(format!("Choices is required at {}", members.place));
    };
    let rules = choices.into_iter().map(|choice| {
        let Value::Object(mut choice) = choice else {
            return Err("a choice rule must be an object".to_owned());
        };
        let Some(Value::String(next)) = choice.remove("Next") else {
            return Err("a choice rule must have Next".to_owned());
        };
        Ok((Rule::read(choice)?, next))
    });
    Ok(Kind::Choice {
        rules: rules.collect::<Result<_, String>>()?,
        default,
    })
}

impl Retry {
    fn read(mut members: Members) -> Result<Self, String> {
        let attempts = members.integer("MaxAttempts")?.unwrap_or(3);
        let retry = Self {
            errors: members.errors()?,
            interval: members.integer("IntervalSeconds")?.unwrap_or(1),
            attempts: u32::try_from(attempts)
                .map_err(|_| "MaxAttempts must not be negative".to_owned())?,
            backoff: match members.take("BackoffRate") {
                None => 2.0,
                Some(rate) => rate
                    .as_f64()
                    .filter(|rate| *rate >= 1.0)
                    .ok_or("BackoffRate must be at least 1")?,
            },
        };
        members.finish()?;
        Ok(retry)
    }

    /// Seconds until an attempt, counted from 0.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "seconds of a few hours"
    )]
    pub fn wait(&self, attempt: u32) -> i64 {
        let factor = self
            .backoff
            .powi(i32::try_from(attempt).unwrap_or(i32::MAX));
        (self.interval as f64 * factor).min(86_400.0) as i64
    }
}

impl Catch {
    fn read(mut members: Members) -> Result<Self, String> {
        let catch = Self {
            errors: members.errors()?,
            place: members.placed()?,
            next: members.needed("Next")?,
        };
        members.finish()?;
        Ok(catch)
    }
}

/// Members of an object, of which whatever nobody takes is refused.
struct Members {
    members: Map<String, Value>,
    place: String,
}

impl Members {
    fn of(value: Value, place: &str) -> Result<Self, String> {
        match value {
            Value::Object(mut members) => {
                members.remove("Comment");
                Ok(Self {
                    members,
                    place: place.to_owned(),
                })
            }
            _ => Err(format!("expected an object at {place}")),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("{name} must be a string at {}", self.place)),
        }
    }

    fn needed(&mut self, name: &str) -> Result<String, String> {
        self.text(name)?
            .ok_or_else(|| format!("{name} is required at {}", self.place))
    }

    fn integer(&mut self, name: &str) -> Result<Option<i64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .filter(|number| *number >= 0)
                .map(Some)
                .ok_or_else(|| format!("{name} must be a whole number at {}", self.place)),
        }
    }

    fn placed(&mut self) -> Result<Placed, String> {
        let path = match self.take("ResultPath") {
            None => return Ok(Placed::default()),
            Some(Value::Null) => return Ok(Placed::Nowhere),
            Some(Value::String(path)) => Path::read(&path)?,
            Some(_) => return Err(format!("ResultPath must be a path at {}", self.place)),
        };
        if path.is_place() {
            Ok(Placed::At(path))
        } else {
            Err(format!(
                "nothing can be put at ResultPath of {}",
                self.place
            ))
        }
    }

    fn list<T>(
        &mut self,
        name: &str,
        read: impl Fn(Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let items = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(format!("{name} must be a list at {}", self.place)),
        };
        let place = format!("{}/{name}", self.place);
        let items = items.into_iter();
        items.map(|item| read(Self::of(item, &place)?)).collect()
    }

    fn errors(&mut self) -> Result<Vec<String>, String> {
        let errors = self.take("ErrorEquals").unwrap_or_default();
        serde_json::from_value(errors)
            .map_err(|_| format!("ErrorEquals must be a list of names at {}", self.place))
    }

    fn finish(self) -> Result<(), String> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!(
                "the practice account does not have the field {name} at {}",
                self.place
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(state: &Value) -> String {
        let definition = json!({"StartAt": "A", "States": {"A": state}});
        Definition::read(&definition.to_string()).unwrap_err()
    }

    #[test]
    fn what_cannot_be_run_is_refused_by_name() {
        for (state, named) in [
            (
                json!({"Type": "Parallel", "Branches": [], "End": true}),
                "Parallel",
            ),
            (
                json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true}),
                "lambda:invoke",
            ),
            (
                json!({"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:ec2:runAway", "End": true}),
                "ec2:runAway",
            ),
            (
                json!({"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:ec2:deleteVolume", "Parameters": {"VolumeName": "v"}, "End": true}),
                "VolumeName",
            ),
            (
                json!({"Type": "Pass", "OutputPath": "$.a", "End": true}),
                "OutputPath",
            ),
            (
                json!({"Type": "Wait", "SecondsPath": "$.a", "End": true}),
                "Seconds",
            ),
            (json!({"Type": "Pass"}), "Next or End"),
            (json!({"Type": "Pass", "Next": "B"}), "target: B"),
        ] {
            let why = refusal(&state);
            assert!(why.contains(named), "{why}");
        }
    }

    #[test]
    fn waits_before_attempts_grow() {
        let retry = Retry {
            errors: Vec::new(),
            interval: 5,
            attempts: 3,
            backoff: 2.0,
        };
        assert_eq!([0, 1, 2].map(|attempt| retry.wait(attempt)), [5, 10, 20]);
    }
}
