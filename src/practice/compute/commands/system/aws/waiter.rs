//! `aws SERVICE wait NAME`: asks until what is awaited is so.

use std::time::Duration;

use super::arguments::Arguments;
use super::call::{Client, Failure, GENERAL};
use super::model::{Acceptor, Operation, Waiter};
use super::query;
use super::value::Value;

/// Waits, in account time.
pub async fn wait(
    client: &Client<'_>,
    waiter: &Waiter,
    operation: &Operation,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let failed = |why: String| {
        let text = format!("Waiter {} failed: {why}", waiter.name);
        Failure::new(GENERAL, text)
    };
    let mut seen: Option<&Acceptor> = None;
    for attempt in 1..=waiter.attempts {
        let answer = client.ask(operation, &arguments.parameters).await;
        let accepted = waiter.acceptors.iter().find(|one| one.accepts(&answer));
        match (accepted, answer) {
            (Some(accepted), _) => match accepted.state {
                "success" => return Ok(()),
                "failure" => {
                    return Err(failed(format!(
                        "Waiter encountered a terminal failure state: {}",
                        accepted.explanation()
                    )));
                }
                _ => seen = Some(accepted),
            },
            (None, Ok(_)) => {}
            (None, Err(failure)) => {
                return Err(match &failure.refusal {
                    Some(refused) => failed(format!(
                        "An error occurred ({}): {}",
                        refused.code, refused.message
                    )),
                    None => failure,
                });
            }
        }
        if attempt < waiter.attempts {
            let delay = Duration::from_secs(waiter.delay);
            client.seat.activity.sleep(delay).await;
        }
    }
    Err(failed(match seen {
        None => "Max attempts exceeded".to_owned(),
        Some(seen) => format!(
            "Max attempts exceeded. Previously accepted state: {}",
            seen.explanation()
        ),
    }))
}

impl Acceptor {
    fn expected(&self) -> Value {
        // The tables are tested: every expectation is JSON.
        Value::parse(self.expected).unwrap_or(Value::Null)
    }

    fn accepts(&self, answer: &Result<Value, Failure>) -> bool {
        let expected = self.expected();
        let found = || {
            let answer = answer.as_ref().ok()?;
            query::search(self.argument, answer).ok()
        };
        let members = || match found() {
            Some(Value::List(items)) if !items.is_empty() => items,
            _ => Vec::new(),
        };
        match self.matcher {
            "path" => found() == Some(expected),
            "pathAll" => {
                let members = members();
                !members.is_empty() && members.iter().all(|one| *one == expected)
            }
            "pathAny" => members().contains(&expected),
            "status" => answer.is_ok() && expected == Value::Integer(200),
            _ => {
                let code = answer
                    .as_ref()
                    .err()
                    .and_then(|failure| failure.refusal.as_ref());
                code.is_some_and(|refused| expected.text() == Some(&refused.code))
            }
        }
    }

    fn explanation(&self) -> String {
        let (argument, expected) = (self.argument, self.expected());
        match self.matcher {
            "path" => {
                format!("For expression \"{argument}\" we matched expected path: \"{expected}\"")
            }
            "pathAll" => format!(
                "For expression \"{argument}\" all members matched expected path: \"{expected}\""
            ),
            "pathAny" => format!(
                "For expression \"{argument}\" we matched expected path: \"{expected}\" at least once"
            ),
            "status" => format!("Matched expected HTTP status code: {expected}"),
            _ => format!("Matched expected service error code: {expected}"),
        }
    }
}
