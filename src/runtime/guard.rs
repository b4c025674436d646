//! Carrying out what the engine wants of the guard: the end of a lease is an instant of the account's.

use jiff::{SignedDuration, Timestamp};

use super::executor::{Parts, local, passing};
use crate::engine::effect::GuardWish;
use crate::engine::event::{Failure, What};
use crate::journal::{Intent, Journal};
use crate::template;

impl Parts {
    /// When a lease of so much time ends, by the account's clock.
    async fn end_of(&self, lease: SignedDuration) -> Result<Timestamp, Failure> {
        let now = self.route.now().await;
        let now = now.map_err(|why| passing("ask the account for its time", why))?;
        Ok(now.checked_add(lease).unwrap_or(Timestamp::MAX))
    }

    /// What the engine wants of the guard.
    pub(super) async fn guard(&self, wish: GuardWish, intent: Option<Intent>) -> What {
        match wish {
            GuardWish::Arm(lease) => What::Armed(self.arm(lease, intent).await),
            GuardWish::Renew(lease) => What::Renewed(self.renew(lease).await),
            GuardWish::Disarm => What::Disarmed(self.disarm(intent).await),
        }
    }

    async fn arm(&self, lease: SignedDuration, intent: Option<Intent>) -> Result<(), Failure> {
        let tried = "make the guard";
        let Some(intent) = intent else {
            return Err(local(tried, "the intent was not written down".to_owned()));
        };
        let template = template::guard().map_err(|error| local(tried, error.to_string()))?;
        let until = self.end_of(lease).await?;
        let token = Journal::token(&self.lab, intent);
        let every = self.route.looks_every();
        self.cloud
            .arm(&self.lab, until, template, &token, every)
            .await
    }

    async fn renew(&self, lease: SignedDuration) -> Result<(), Failure> {
        let until = self.end_of(lease).await?;
        self.cloud.renew(&self.lab, until).await
    }

    async fn disarm(&self, intent: Option<Intent>) -> Result<(), Failure> {
        let tried = "take the guard away";
        let Some(intent) = intent else {
            return Err(local(tried, "the intent was not written down".to_owned()));
        };
        let token = Journal::token(&self.lab, intent);
        let every = self.route.looks_every();
        self.cloud.disarm(&self.lab, &token, every).await
    }
}
