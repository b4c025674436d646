//! Following a stack: look, tell, wait, look again, until its operation has ended.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::cloud::Cloud;
use crate::engine::event::{FailureClass, What};

/// The longest wait between two looks when the service asks for patience.
const SLOWEST: Duration = Duration::from_secs(30);

/// Looks at the stack about every `every` until its operation ends or the lab no longer listens. One failed look never
/// ends the view: a passing failure only slows it down, any other is told and ends it.
pub(super) async fn stack(
    cloud: Cloud,
    stack: String,
    every: Duration,
    events: mpsc::Sender<What>,
) {
    let mut seen = HashSet::new();
    let mut wait = every;
    loop {
        let outcome = cloud.look_at_stack(&stack, &mut seen).await;
        let last = match &outcome {
            Ok(Some(look)) => {
                wait = every;
                !look.status.ends_with("_IN_PROGRESS")
            }
            Ok(None) => true,
            Err(failure) => {
                wait = (wait * 2).min(SLOWEST);
                failure.class != FailureClass::Transient
            }
        };
        let told = What::StackSeen {
            stack: stack.clone(),
            outcome,
        };
        if events.send(told).await.is_err() || last {
            return;
        }
        tokio::time::sleep(wait).await;
    }
}
