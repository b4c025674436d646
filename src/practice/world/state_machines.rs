//! Step Functions: state machines and their executions as records. What a definition means is decided in `states`; who
//! calls what an execution calls does not enter here.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Tags, World};
use crate::practice::error::AwsError;
use crate::practice::states::definition::Definition;
use crate::practice::states::run::{Failed, Item, Run, Scene, Step};

/// Items of its history that an execution keeps here.
const HISTORY: usize = 2000;

/// A state machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateMachine {
    /// `arn:aws:states:…:stateMachine:NAME`
    pub arn: String,
    /// Unlike any other's.
    pub name: String,
    /// Amazon States Language.
    pub definition: String,
    /// ARN of the role as which it calls.
    pub role: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its deletion has been asked for: it goes with its last execution.
    pub deleting: bool,
    /// Tags.
    pub tags: Tags,
}

/// An execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// `arn:aws:states:…:execution:MACHINE:NAME`
    pub arn: String,
    /// ARN of its machine.
    pub machine: String,
    /// Name.
    pub name: String,
    /// What its machine was when it began.
    pub definition: String,
    /// The machine's role then.
    pub role: String,
    /// JSON.
    pub input: String,
    /// State.
    pub status: Status,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub stopped: Option<Timestamp>,
    /// When it is ended.
    pub deadline: Option<Timestamp>,
    /// JSON, once it has succeeded.
    pub output: Option<String>,
    /// Why it did not.
    pub failed: Option<Failed>,
    /// What happened, oldest first.
    pub history: Vec<Item>,
    run: Run,
}

/// State of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It runs.
    Running,
    /// It has come to its end.
    Succeeded,
    /// It went wrong.
    Failed,
    /// It took too long.
    TimedOut,
    /// Somebody stopped it.
    Aborted,
}

impl Status {
    /// As the API names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
        }
    }
}

/// What an execution is about to do.
pub enum Next {
    /// Call this as its role.
    Call {
        /// ARN of the role.
        role: String,
        /// Its session's name.
        session: String,
        /// `ec2`
        service: String,
        /// `terminateInstances`
        action: String,
        /// With this.
        parameters: Value,
    },
    /// Nothing until then.
    Wait(Timestamp),
}

impl World {
    /// The machine with this ARN.
    pub fn state_machine(&self, arn: &str) -> Result<&StateMachine, AwsError> {
        self.state_machines.get(arn).ok_or_else(|| {
            AwsError::client(
                "StateMachineDoesNotExist",
                format!("State Machine Does Not Exist: '{arn}'"),
            )
        })
    }

    /// The execution with this ARN.
    pub fn execution(&self, arn: &str) -> Result<&Execution, AwsError> {
        self.executions.get(arn).ok_or_else(|| {
            AwsError::client(
                "ExecutionDoesNotExist",
                format!("Execution Does Not Exist: '{arn}'"),
            )
        })
    }

    /// Makes a machine; answers its ARN.
    pub fn create_state_machine(
        &mut self,
        name: &str,
        definition: String,
        role: &str,
        tags: Tags,
    ) -> Result<String, AwsError> {
        check_name(name)?;
        let arn = self.place.arn("states", &format!("stateMachine:{name}"));
        self.check_machine(&definition, role)?;
        if let Some(there) = self.state_machines.get(&arn) {
            let same = there.definition == definition && there.role == role && there.tags == tags;
            return match (there.deleting, same) {
                (true, _) => Err(AwsError::client(
                    "StateMachineDeleting",
                    format!("State Machine is being deleted: '{arn}'"),
                )),
                // "CreateStateMachine is an idempotent API."
                (false, true) => Ok(arn),
                (false, false) => Err(AwsError::client(
                    "StateMachineAlreadyExists",
                    format!("State Machine Already Exists: '{arn}'"),
                )),
            };
        }
        let machine = StateMachine {
            arn: arn.clone(),
            name: name.to_owned(),
            definition,
            role: role.to_owned(),
            created: self.now,
            deleting: false,
            tags,
        };
        self.state_machines.insert(&arn, machine);
        Ok(arn)
    }

    /// Changes what new executions do, and as whom.
    pub fn change_state_machine(
        &mut self,
        arn: &str,
        definition: String,
        role: &str,
    ) -> Result<(), AwsError> {
        self.state_machine(arn)?;
        self.check_machine(&definition, role)?;
        if let Some(machine) = self.state_machines.get_mut(arn) {
            machine.definition = definition;
            role.clone_into(&mut machine.role);
        }
        Ok(())
    }

    fn check_machine(&self, definition: &str, role: &str) -> Result<(), AwsError> {
        Definition::read(definition).map_err(|why| {
            AwsError::client(
                "InvalidDefinition",
                format!("Invalid State Machine Definition: '{why}'"),
            )
        })?;
        if !self.lets_assume(role, "states") {
            return Err(AwsError::client(
                "AccessDeniedException",
                format!(
                    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role: {role}."
                ),
            ));
        }
        Ok(())
    }

    /// Deletes a machine, once its executions are over.
    pub fn delete_state_machine(&mut self, arn: &str) {
        if let Some(machine) = self.state_machines.get_mut(arn) {
            machine.deleting = true;
        }
        self.forget_machine(arn);
    }

    /// A machine whose deletion was asked for goes with its last execution.
    fn forget_machine(&mut self, arn: &str) {
        let deleting = self.state_machines.get(arn).is_some_and(|one| one.deleting);
        let of_it = |one: &&Execution| one.machine == arn;
        let runs = |one: &Execution| one.status == Status::Running;
        if !deleting || self.executions.values().filter(of_it).any(runs) {
            return;
        }
        let ended = self.executions.values().filter(of_it);
        let ended: Vec<String> = ended.map(|one| one.arn.clone()).collect();
        for execution in ended {
            self.executions.remove(&execution);
        }
        self.state_machines.remove(arn);
    }

    /// Begins an execution; answers its ARN.
    pub fn start_execution(
        &mut self,
        machine: &str,
        name: Option<String>,
        input: Option<String>,
    ) -> Result<String, AwsError> {
        let found = self.state_machine(machine)?.clone();
        if found.deleting {
            return Err(AwsError::client(
                "StateMachineDeleting",
                format!("State Machine is being deleted: '{machine}'"),
            ));
        }
        let input = input.unwrap_or_else(|| "{}".into());
        let value: Value = serde_json::from_str(&input).map_err(|_| {
            AwsError::client(
                "InvalidExecutionInput",
                "Invalid State Machine Execution Input",
            )
        })?;
        let name = match name {
            Some(name) => name,
            None => self.uuid(),
        };
        check_name(&name)?;
        let arn = self
            .place
            .arn("states", &format!("execution:{}:{name}", found.name));
        if self.executions.contains(&arn) {
            return Err(AwsError::client(
                "ExecutionAlreadyExists",
                format!("Execution Already Exists: '{arn}'"),
            ));
        }
        let definition = Definition::read(&found.definition)
            .map_err(|why| AwsError::client("InvalidDefinition", why))?;
        let timeout = definition.timeout.map(SignedDuration::from_secs);
        let execution = Execution {
            arn: arn.clone(),
            machine: found.arn,
            name,
            role: found.role,
            input,
            status: Status::Running,
            started: self.now,
            stopped: None,
            deadline: timeout.and_then(|timeout| self.now.checked_add(timeout).ok()),
            output: None,
            failed: None,
            history: vec![item(self.now, "ExecutionStarted", None)],
            run: Run::new(&definition, value),
            definition: found.definition,
        };
        self.executions.insert(&arn, execution);
        Ok(arn)
    }

    /// Brings an execution as far as it can get by itself. `None`: it is over.
    pub fn advance_execution(&mut self, arn: &str) -> Option<Next> {
        self.run_execution(arn, None)
    }

    /// Tells an execution what came of its call, and brings it on.
    pub fn execution_called(&mut self, arn: &str, outcome: Result<Value, Failed>) -> Option<Next> {
        self.run_execution(arn, Some(outcome))
    }

    fn run_execution(&mut self, arn: &str, outcome: Option<Result<Value, Failed>>) -> Option<Next> {
        let now = self.now;
        let mut execution = self.executions.get(arn)?.clone();
        if execution.status != Status::Running {
            return None;
        }
        if execution.deadline.is_some_and(|deadline| deadline <= now) {
            self.end_execution(execution, Status::TimedOut, None);
            return None;
        }
        let definition = match Definition::read(&execution.definition) {
            Ok(definition) => definition,
            // An older program knew it.
            Err(cause) => {
                let error = "States.Runtime".into();
                self.end_execution(
                    execution,
                    Status::Failed,
                    Some(Err(Failed { error, cause })),
                );
                return None;
            }
        };
        let machine = execution.machine.rsplit(':').next().unwrap_or_default();
        let context = json!({
            "Execution": {
                "Id": execution.arn,
                "Name": execution.name,
                "StartTime": execution.started.to_string(),
                "RoleArn": execution.role,
            },
            "StateMachine": {"Id": execution.machine, "Name": machine},
        });
        let mut scene = Scene {
            definition: &definition,
            now,
            context: &context,
            news: Vec::new(),
        };
        let run = &mut execution.run;
        let over = outcome.and_then(|outcome| run.called(&mut scene, outcome));
        let step = over.unwrap_or_else(|| run.advance(&mut scene));
        execution.history.extend(scene.news);
        let next = match step {
            Step::Call {
                service,
                action,
                parameters,
            } => Next::Call {
                role: execution.role.clone(),
                session: execution.name.clone(),
                service,
                action,
                parameters,
            },
            Step::Wait(until) => Next::Wait(
                execution
                    .deadline
                    .map_or(until, |deadline| deadline.min(until)),
            ),
            Step::Over(result) => {
                let status = if result.is_ok() {
                    Status::Succeeded
                } else {
                    Status::Failed
                };
                self.end_execution(execution, status, Some(result));
                return None;
            }
        };
        let excess = execution.history.len().saturating_sub(HISTORY);
        execution.history.drain(..excess);
        self.executions.insert(arn, execution);
        Some(next)
    }

    /// Stops an execution, as its caller wishes.
    pub fn stop_execution(&mut self, arn: &str, why: Failed) -> Result<(), AwsError> {
        let execution = self.execution(arn)?.clone();
        if execution.status == Status::Running {
            self.end_execution(execution, Status::Aborted, Some(Err(why)));
        }
        Ok(())
    }

    fn end_execution(
        &mut self,
        mut execution: Execution,
        status: Status,
        result: Option<Result<Value, Failed>>,
    ) {
        execution.status = status;
        execution.stopped = Some(self.now);
        match result {
            Some(Ok(output)) => execution.output = Some(output.to_string()),
            Some(Err(failed)) => execution.failed = Some(failed),
            None => {}
        }
        let kind = match status {
            Status::Succeeded => "ExecutionSucceeded",
            Status::TimedOut => "ExecutionTimedOut",
            Status::Aborted => "ExecutionAborted",
            Status::Failed | Status::Running => "ExecutionFailed",
        };
        let failed = execution.failed.clone();
        execution.history.push(item(self.now, kind, failed));
        let machine = execution.machine.clone();
        self.executions.insert(execution.arn.clone(), execution);
        self.forget_machine(&machine);
    }
}

fn item(at: Timestamp, kind: &str, failed: Option<Failed>) -> Item {
    Item {
        at,
        kind: kind.to_owned(),
        state: String::new(),
        failed,
    }
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let letters = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if name.is_empty() || name.len() > 80 || !name.chars().all(letters) {
        return Err(AwsError::client(
            "InvalidName",
            format!("Invalid Name: '{name}'"),
        ));
    }
    Ok(())
}
