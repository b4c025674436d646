//! Carrying out what a lesson looks at and does in the account, and what it brings to a machine.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::executor::{Parts, local};
use crate::cloud::deeds::Doer;
use crate::engine::effect::{Deed, Look};
use crate::engine::event::{Failure, FailureClass, What};
use crate::journal::{Intent, Journal};
use crate::lesson::schema::Side;
use crate::ssh::link::Link;

impl Parts {
    /// One look.
    pub(super) async fn look(&self, look: Look) -> What {
        let now = self.route.now().await;
        let at = now.as_ref().copied().unwrap_or_else(|_| Timestamp::now());
        let outcome = self.cloud.look(&self.lab, &look, at).await;
        What::Looked {
            sight: look.sight,
            now: now.ok(),
            outcome,
        }
    }

    /// One deed.
    pub(super) async fn carry_out_deed(&self, deed: Deed, intent: Option<Intent>) -> What {
        let outcome = match intent {
            None => Err(local(
                "change the account",
                "the intent was not written down".to_owned(),
            )),
            Some(intent) => {
                let token = Journal::token(&self.lab, intent);
                let doer = Doer {
                    lab: &self.lab,
                    token: &token,
                    every: self.route.looks_every(),
                };
                self.cloud.carry_out_deed(&deed, doer).await
            }
        };
        What::Done { deed, outcome }
    }

    /// Puts the clock forward.
    pub(super) async fn forward(&self, minutes: u32) -> What {
        let by = Duration::from_secs(60 * u64::from(minutes));
        let lease = SignedDuration::from_mins(i64::from(minutes));
        // The lease goes with the clock: the learner has not been away for so long.
        if let Err(failure) = self.cloud.put_off(&self.lab, lease).await {
            return What::Forwarded(Err(failure));
        }
        let outcome = self.route.forward(by).await;
        What::Forwarded(outcome.map_err(|why| Failure {
            tried: "put the clock forward".to_owned(),
            why,
            class: FailureClass::Refused,
        }))
    }
}

/// Writes a file into the home directory, unless it is there.
pub(super) async fn bring(on: Side, name: String, text: String, link: Option<Arc<Link>>) -> What {
    let tried = format!("bring {name} to {on}");
    let content = BASE64_STANDARD.encode(text);
    let run = format!("[ -e '{name}' ] || printf %s {content} | base64 -d >'{name}'");
    let outcome = match link {
        None => Err(local(&tried, "there is no connection".to_owned())),
        Some(link) => match link.run(&run).await {
            Ok(ran) if ran.status == Some(0) => Ok(()),
            Ok(ran) => Err(local(&tried, ran.stderr)),
            Err(error) => Err(local(&tried, error.to_string())),
        },
    };
    What::Brought { name, outcome }
}
