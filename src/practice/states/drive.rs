//! Executions carried on: calls are made as the machine's role, by the way of any client; waiting is done in account time.
//! After a kill an execution goes on where it was; the call that was under way then is made again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::task::JoinSet;

use super::run::Failed;
use crate::practice::account::Account;
use crate::practice::aws;
use crate::practice::clock::Activity;
use crate::practice::compute::ServiceRequest;
use crate::practice::compute::commands::system::sdk;
use crate::practice::sessions::{self, Session};
use crate::practice::world::state_machines::{Next, Status};

/// Account time that a call takes (an estimate).
const CALL: Duration = Duration::from_millis(200);
/// Wall time until what could not be written down is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Executions that somebody carries on.
type Busy = Arc<Mutex<HashSet<String>>>;

/// The right to carry on an execution; nobody else has it until it is dropped.
struct Claim {
    busy: Busy,
    execution: String,
}

impl Claim {
    fn on(busy: &Busy, execution: &str) -> Option<Self> {
        held(busy).insert(execution.to_owned()).then(|| Self {
            busy: Arc::clone(busy),
            execution: execution.to_owned(),
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        held(&self.busy).remove(&self.execution);
    }
}

fn held(busy: &Busy) -> MutexGuard<'_, HashSet<String>> {
    busy.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Carries on all executions until it is dropped.
pub async fn drive(account: Arc<Account>) {
    let busy = Busy::default();
    let mut tasks = JoinSet::new();
    let mut changes = account.generation.subscribe();
    loop {
        changes.mark_unchanged();
        let running = account.read(|world| {
            let running = world.executions.values();
            let running = running.filter(|one| one.status == Status::Running);
            running.map(|one| one.arn.clone()).collect::<Vec<String>>()
        });
        for execution in running {
            if let Some(claim) = Claim::on(&busy, &execution) {
                let activity = account.clock.activity();
                tasks.spawn(carry_on(Arc::clone(&account), claim, activity));
            }
        }
        while tasks.try_join_next().is_some() {}
        if changes.changed().await.is_err() {
            return;
        }
    }
}

async fn carry_on(account: Arc<Account>, claim: Claim, activity: Activity) {
    let mut outcome = None;
    loop {
        let told = outcome.clone();
        let next = account.write(|world| {
            Ok(match told {
                None => world.advance_execution(&claim.execution),
                Some(outcome) => world.execution_called(&claim.execution, outcome),
            })
        });
        let next = match next {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, execution = claim.execution, "an execution could not get on");
                tokio::time::sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        outcome = None;
        match next {
            None => return,
            Some(Next::Wait(until)) => {
                let wait = until.duration_since(account.clock.now());
                activity
                    .sleep(Duration::try_from(wait).unwrap_or_default())
                    .await;
            }
            Some(Next::Call {
                role,
                session,
                service,
                action,
                parameters,
            }) => {
                activity.sleep(CALL).await;
                let who = Who {
                    role: &role,
                    service: "states",
                    session: &session,
                };
                outcome = Some(call(&account, who, (&service, &action), &parameters).await);
            }
        }
    }
}

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    /// ARN of the role.
    pub role: &'a str,
    /// The service that assumes it.
    pub service: &'a str,
    /// Name of the session.
    pub session: &'a str,
}

/// Calls an operation as a role, as any client would that has its credentials: the role's policies decide.
pub async fn call(
    account: &Account,
    who: Who<'_>,
    (service, action): (&str, &str),
    parameters: &Value,
) -> Result<Value, Failed> {
    let failed = |error: &str, cause: String| Failed {
        error: error.to_owned(),
        cause,
    };
    let operation = sdk::find(service, action).ok_or_else(|| {
        failed(
            "States.Runtime",
            format!("no integration {service}:{action}"),
        )
    })?;
    let role_id = account.read(|world| {
        let role = world.role_by_arn(who.role)?;
        role.trusts(who.service).then(|| role.id.clone())
    });
    let role_id = role_id.ok_or_else(|| {
        let cause = format!("The service is unable to assume the role {}", who.role);
        failed("States.TaskFailed", cause)
    })?;
    let session = Session {
        role_id,
        name: who.session.to_owned(),
    };
    let secret = &account.identity.secret_access_key;
    let given = sessions::current(secret, &session, SystemTime::now());
    let request = operation.request(parameters);
    let request = ServiceRequest {
        service: operation.scope().to_owned(),
        region: account.identity.place.region.clone(),
        access_key_id: given.access_key_id,
        secret_access_key: given.secret_access_key,
        token: Some(given.token),
        method: request.method.to_owned(),
        target: request.target,
        headers: request.headers,
        body: request.body,
    };
    // A request within the account is answered at once, or the account is about to stop.
    let answered = Box::pin(aws::inward(account, &request)).await;
    let (status, body) =
        answered.map_err(|error| failed("States.TaskFailed", error.to_string()))?;
    operation
        .answer(status, &body)
        .map_err(|refused| failed(&refused.error, refused.cause))
}
