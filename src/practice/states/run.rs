//! An execution as data: where it stands, and what it does next. It can be stored at any point and gone on with; calls
//! and waiting are left to whoever drives it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::definition::{Definition, Kind, Placed, State};
use super::path::Data;

/// "Maximum execution history size: 25,000 events" (Step Functions developer guide, quotas).
const MOST_EVENTS: u64 = 25_000;

/// Where an execution stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The state that it is in, and within Maps the states that it is in for one item.
    frames: Vec<Frame>,
    /// How many events there were.
    events: u64,
}

/// A state that is being gone through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Frame {
    state: String,
    input: Value,
    /// When it was entered; `None`: nobody has looked at it yet.
    entered: Option<Timestamp>,
    /// How often each of its retriers was used.
    attempts: Vec<u32>,
    /// Nothing happens before.
    due: Option<Timestamp>,
    /// Of a Map: what is left, last first, and what came of the others.
    each: Option<(Vec<Value>, Vec<Value>)>,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Call this operation, and tell what came of it.
    Call {
        /// `ec2`
        service: String,
        /// `terminateInstances`
        action: String,
        /// With this.
        parameters: Value,
    },
    /// Nothing until then.
    Wait(Timestamp),
    /// It is over: its output, or why it failed.
    Over(Result<Value, Failed>),
}

/// An error as states see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// `States.TaskFailed`, `Ec2.Ec2Exception`
    pub error: String,
    /// For people.
    pub cause: String,
}

impl Failed {
    fn runtime(cause: impl Into<String>) -> Self {
        Self {
            error: "States.Runtime".into(),
            cause: cause.into(),
        }
    }

    /// Whether one of these names means it. What goes wrong in the machine itself nothing catches.
    fn is_among(&self, names: &[String]) -> bool {
        if self.error == "States.Runtime" {
            return false;
        }
        names.iter().any(|name| match name.as_str() {
            "States.ALL" => true,
            "States.TaskFailed" => self.error != "States.Timeout",
            name => name == self.error,
        })
    }
}

/// Something for the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// When.
    pub at: Timestamp,
    /// `TaskStateEntered`
    pub kind: String,
    /// The state.
    pub state: String,
    /// What went wrong, if anything.
    pub failed: Option<Failed>,
}

/// What an execution runs in.
pub struct Scene<'a> {
    /// Its machine.
    pub definition: &'a Definition,
    /// Account time.
    pub now: Timestamp,
    /// `$$`, without the state.
    pub context: &'a Value,
    /// What has happened since it was looked.
    pub news: Vec<Item>,
}

impl Scene<'_> {
    fn tell(&mut self, kind: String, state: &str, failed: Option<Failed>) {
        self.news.push(Item {
            at: self.now,
            kind,
            state: state.to_owned(),
            failed,
        });
    }

    /// `$$` in this state.
    fn context(&self, frame: &Frame) -> Value {
        let mut context = self.context.clone();
        let entered = frame.entered.unwrap_or(self.now);
        context["State"] = json!({"Name": frame.state, "EnteredTime": entered.to_string()});
        context
    }
}

impl State {
    fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Task { .. } => "Task",
            Kind::Map { .. } => "Map",
            Kind::Choice { .. } => "Choice",
            Kind::Wait(_) => "Wait",
            Kind::Pass(_) => "Pass",
            Kind::Succeed => "Succeed",
            Kind::Fail(..) => "Fail",
        }
    }
}

/// Puts a value into the input, as a path of the state says.
fn placed(place: &Placed, input: &Value, value: Value) -> Result<Value, Failed> {
    let mut output = input.clone();
    if let Placed::At(path) = place {
        path.put(&mut output, value).map_err(Failed::runtime)?;
    }
    Ok(output)
}

impl Run {
    /// One that begins.
    pub fn new(definition: &Definition, input: Value) -> Self {
        let mut run = Self {
            frames: Vec::new(),
            events: 0,
        };
        run.enter(&definition.start, input);
        run
    }

    fn enter(&mut self, state: &str, input: Value) {
        self.frames.push(Frame {
            state: state.to_owned(),
            input,
            entered: None,
            attempts: Vec::new(),
            due: None,
            each: None,
        });
    }

    /// The state that it is in: the machine's, or that of the Maps it is within.
    fn state<'a>(&self, machine: &'a Definition) -> Option<&'a State> {
        let (last, maps) = self.frames.split_last()?;
        let definition = maps.iter().try_fold(machine, |definition, frame| {
            match &definition.states.get(&frame.state)?.kind {
                Kind::Map { each, .. } => Some(each),
                _ => None,
            }
        })?;
        definition.states.get(&last.state)
    }

    /// Goes on as far as that is possible without calling anybody or waiting.
    pub fn advance(&mut self, scene: &mut Scene<'_>) -> Step {
        loop {
            if self.events > MOST_EVENTS {
                return Step::Over(Err(Failed::runtime(
                    "The execution reached the maximum number of history events (25000).",
                )));
            }
            let step = match self.once(scene) {
                Ok(step) => step,
                Err(failed) => self.fails(scene, failed),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// Does what the present state does. `None`: there is more.
    fn once(&mut self, scene: &mut Scene<'_>) -> Result<Option<Step>, Failed> {
        let state = self.state(scene.definition);
        let (Some(state), Some(frame)) = (state, self.frames.last_mut()) else {
            return Err(Failed::runtime("there is no such state"));
        };
        if frame.entered.is_none() {
            frame.entered = Some(scene.now);
            self.events += 1;
            let kind = format!("{}StateEntered", state.type_name());
            scene.tell(kind, &frame.state.clone(), None);
        }
        let Some(frame) = self.frames.last_mut() else {
            return Ok(None);
        };
        if let Some(due) = frame.due.filter(|due| *due > scene.now) {
            return Ok(Some(Step::Wait(due)));
        }
        let context = scene.context(frame);
        let data = Data {
            input: &frame.input,
            context: &context,
        };
        match &state.kind {
            Kind::Task {
                service,
                action,
                parameters,
            } => Ok(Some(Step::Call {
                service: service.clone(),
                action: action.clone(),
                parameters: parameters.fill(data).map_err(Failed::runtime)?,
            })),
            Kind::Map { items, each } => {
                if frame.each.is_none() {
                    let Value::Array(mut items) = items.value(data).map_err(Failed::runtime)?
                    else {
                        return Err(Failed::runtime("the items of a Map are no list"));
                    };
                    items.reverse();
                    frame.each = Some((items, Vec::new()));
                }
                let next = frame.each.as_mut().and_then(|(left, _)| left.pop());
                match next {
                    Some(item) => {
                        self.enter(&each.start, item);
                        Ok(None)
                    }
                    None => {
                        let done = frame.each.take().map(|(_, done)| done);
                        self.succeeds(scene, Value::Array(done.unwrap_or_default()))
                    }
                }
            }
            Kind::Choice { rules, default } => {
                for (rule, next) in rules {
                    if rule.holds(data).map_err(Failed::runtime)? {
                        let input = frame.input.clone();
                        return Ok(self.leave(scene, Some(next), input));
                    }
                }
                let Some(next) = default else {
                    return Err(Failed {
                        error: "States.NoChoiceMatched".into(),
                        cause: format!("no rule of {} holds", frame.state),
                    });
                };
                let input = frame.input.clone();
                Ok(self.leave(scene, Some(next), input))
            }
            Kind::Wait(seconds) => {
                let input = frame.input.clone();
                if frame.due.is_none() {
                    let due = scene.now.checked_add(SignedDuration::from_secs(*seconds));
                    frame.due = Some(due.unwrap_or(Timestamp::MAX));
                    return Ok(None);
                }
                Ok(self.leave(scene, state.next.as_deref(), input))
            }
            Kind::Pass(result) => {
                let result = result.clone().unwrap_or_else(|| frame.input.clone());
                let output = placed(&state.result.place, &frame.input, result)?;
                Ok(self.leave(scene, state.next.as_deref(), output))
            }
            Kind::Succeed => {
                let input = frame.input.clone();
                Ok(self.leave(scene, None, input))
            }
            Kind::Fail(error, cause) => Err(Failed {
                error: error.clone(),
                cause: cause.clone(),
            }),
        }
    }

    /// Takes in what came of a call.
    pub fn called(
        &mut self,
        scene: &mut Scene<'_>,
        outcome: Result<Value, Failed>,
    ) -> Option<Step> {
        let outcome = outcome.and_then(|result| self.succeeds(scene, result));
        match outcome {
            Ok(step) => step,
            Err(failed) => self.fails(scene, failed),
        }
    }

    /// The present state has a result.
    fn succeeds(&mut self, scene: &mut Scene<'_>, result: Value) -> Result<Option<Step>, Failed> {
        let state = self.state(scene.definition);
        let (Some(state), Some(frame)) = (state, self.frames.last()) else {
            return Err(Failed::runtime("there is no such state"));
        };
        let result = match &state.result.selector {
            None => result,
            Some(selector) => {
                let context = scene.context(frame);
                let data = Data {
                    input: &result,
                    context: &context,
                };
                selector.fill(data).map_err(Failed::runtime)?
            }
        };
        let output = placed(&state.result.place, &frame.input, result)?;
        Ok(self.leave(scene, state.next.as_deref(), output))
    }

    /// The present state is over. It leads to another one, or to the end of its item or of the execution.
    fn leave(&mut self, scene: &mut Scene<'_>, next: Option<&str>, output: Value) -> Option<Step> {
        let kind = self.state(scene.definition).map_or("", State::type_name);
        let frame = self.frames.pop()?;
        self.events += 1;
        scene.tell(format!("{kind}StateExited"), &frame.state, None);
        if let Some(next) = next {
            self.enter(next, output);
            return None;
        }
        let Some(map) = self.frames.last_mut() else {
            return Some(Step::Over(Ok(output)));
        };
        if let Some((_, done)) = &mut map.each {
            done.push(output);
        }
        None
    }

    /// Tries again, goes where the error is caught, or ends.
    fn fails(&mut self, scene: &mut Scene<'_>, failed: Failed) -> Option<Step> {
        if let Some(frame) = self.frames.last() {
            self.events += 1;
            scene.tell(
                "TaskFailed".into(),
                &frame.state.clone(),
                Some(failed.clone()),
            );
        }
        loop {
            let state = self.state(scene.definition);
            let (Some(state), Some(frame)) = (state, self.frames.last_mut()) else {
                return Some(Step::Over(Err(failed)));
            };
            frame.attempts.resize(state.retry.len(), 0);
            let mut retries = state.retry.iter().zip(&mut frame.attempts);
            if let Some((retry, used)) = retries.find(|(retry, _)| failed.is_among(&retry.errors))
                && *used < retry.attempts
            {
                let wait = SignedDuration::from_secs(retry.wait(*used));
                *used += 1;
                frame.due = scene.now.checked_add(wait).ok();
                frame.each = None;
                return None;
            }
            let caught = state.catch.iter().find(|one| failed.is_among(&one.errors));
            if let Some(catch) = caught {
                let error = json!({"Error": failed.error, "Cause": failed.cause});
                let input = frame.input.clone();
                return match placed(&catch.place, &input, error) {
                    Ok(output) => self.leave(scene, Some(&catch.next), output),
                    Err(failed) => Some(Step::Over(Err(failed))),
                };
            }
            self.frames.pop();
        }
    }
}

#[cfg(test)]
mod tests;
