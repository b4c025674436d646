//! Carrying out what the engine wants of the guard: the end of a lease is an instant of the account's.

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::executor::{Parts, local, passing};
use crate::engine::effect::GuardWish;
use crate::engine::event::{Failure, What};
use crate::journal::{Intent, Journal};
use crate::template;

/// How long a guard that is being taken away keeps quiet, or one that is put back so that the lab can go. Deleting its stack
/// takes a minute, deleting the lab's a few.
const LAST_LEASE: SignedDuration = SignedDuration::from_mins(30);

impl Parts {
    /// When a lease of so much time ends, by the account's clock.
    async fn end_of(&self, lease: SignedDuration) -> Result<Timestamp, Failure> {
        let now = self.route.now().await;
        let now = now.map_err(|why| passing("ask the account for its time", why))?;
        Ok(now.checked_add(lease).unwrap_or(Timestamp::MAX))
    }

    /// What the engine wants of the guard; and when half of the lease that there is now will be over, by the account's clock,
    /// where nothing but waiting for it tells.
    pub(super) async fn guard(
        &self,
        wish: GuardWish,
        intent: Option<Intent>,
    ) -> (What, Option<Timestamp>) {
        let half = match wish {
            GuardWish::Arm(lease) | GuardWish::Renew(lease) if self.route.jumps() => {
                self.end_of(lease / 2).await.ok()
            }
            _ => None,
        };
        let what = match wish {
            GuardWish::Arm(lease) => What::Armed(self.arm(lease, intent).await),
            GuardWish::Renew(lease) => What::Renewed(self.renew(lease).await),
            GuardWish::PutBack => What::PutBack(self.put_back(intent).await),
            GuardWish::Disarm => What::Disarmed(self.disarm(intent).await),
        };
        let leased = matches!(what, What::Armed(Ok(())) | What::Renewed(Ok(())));
        (what, half.filter(|_| leased))
    }

    /// Tells when half of the lease is over, and holds time up until the lease is renewed, which ends this.
    pub(super) async fn await_half_time(&self, at: Timestamp, events: mpsc::Sender<What>) {
        match self.route.instant(at).await {
            Ok(_held) => {
                let _ = events.send(What::HalfTime).await;
                std::future::pending::<()>().await;
            }
            Err(why) => tracing::warn!(why, "half of the lease is not waited for"),
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

    async fn put_back(&self, intent: Option<Intent>) -> Result<(), Failure> {
        let tried = "put the guard back, whose role the stack needs to be deleted";
        let Some(intent) = intent else {
            return Err(local(tried, "the intent was not written down".to_owned()));
        };
        let template = template::guard().map_err(|error| local(tried, error.to_string()))?;
        let until = self.end_of(LAST_LEASE).await?;
        let token = Journal::token(&self.lab, intent);
        let every = self.route.looks_every();
        let made = self
            .cloud
            .put_back(&self.lab, until, template, &token, every);
        made.await.map_err(|failure| Failure {
            tried: tried.to_owned(),
            ..failure
        })
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
        // Long enough for its stack to go; if that comes to nothing, it begins and goes by itself.
        let until = self.end_of(LAST_LEASE).await?;
        let every = self.route.looks_every();
        self.cloud.disarm(&self.lab, until, &token, every).await
    }
}
