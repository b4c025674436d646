//! The guard of a lab: the stack that removes the lab when its lease is over. Made, looked at, its lease moved, taken away.
//!
//! The lease is the StartDate of the guard's schedule. What the guard does then is in `assets/guard`.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::ScheduleState;
use aws_smithy_types::date_time::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::failure::classify;
use super::inventory::absent_or;
use super::role::ServiceRole;
use super::session::{Cloud, timestamp};
use super::stack::{Creation, LAB_TAG, lab_of};
use crate::engine::event::{Failure, FailureClass};
use crate::engine::{guard_name, stack_name};

/// What the guard writes into its schedule before it destroys anything (assets/guard/machine.json): from then on the lease
/// is not renewed.
pub(super) const REMOVING: &str = "removing";
/// How often the guard's stack is looked at before it is given up.
const LOOKS: u32 = 300;

/// How the guard's stack is.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    id: String,
    status: String,
    pub(super) ours: bool,
    /// ARNs of its service role and of the boundary; the guard of an older version has none.
    pub(super) role: Option<ServiceRole>,
}

impl Cloud {
    /// Makes the guard of a lab, unless it is there, and waits until it is armed: only then may the lab be made.
    ///
    /// # Errors
    /// When it cannot be made, or is not armed in time.
    pub async fn arm(
        &self,
        lab: &str,
        until: Timestamp,
        template: String,
        token: &str,
        every: Duration,
    ) -> Result<(), Failure> {
        let tried = "make the guard that removes the lab when its lease is over";
        let name = guard_name(lab);
        let mut asked = 0;
        for _ in 0..LOOKS {
            match self.guard_stack(&name).await? {
                Some(seen) if !seen.ours => {
                    return Err(Failure {
                        tried: tried.to_owned(),
                        why: format!("there is a stack {name} that is not of this lab"),
                        class: FailureClass::Refused,
                    });
                }
                // Its last deletion is not over, or it is being made.
                Some(seen) if seen.status.ends_with("_IN_PROGRESS") => {}
                Some(seen) if seen.status == "CREATE_COMPLETE" => {
                    match self.renew(lab, until).await {
                        Ok(()) => return Ok(()),
                        // It is removing what there was before; when it is through, it goes itself.
                        Err(failure) if failure.class == FailureClass::Refused => {}
                        // Somebody has taken its schedule away: another one is made.
                        Err(failure) => {
                            absent(failure)?;
                            self.delete_stack(&seen.id, None, format!("{token}-broken-{asked}"))
                                .await?;
                        }
                    }
                }
                Some(seen) => {
                    let why = self.first_failure(&seen.id).await;
                    self.delete_stack(&seen.id, None, format!("{token}-failed-{asked}"))
                        .await?;
                    if asked > 0 {
                        return Err(Failure {
                            tried: tried.to_owned(),
                            why: format!(
                                "{why}. Without the right to make roles the lab can be had with --no-guard"
                            ),
                            class: FailureClass::Refused,
                        });
                    }
                }
                None => {
                    let creation = Creation {
                        name: &name,
                        template: template.clone(),
                        parameters: vec![
                            ("Lab", lab.to_owned()),
                            ("Stack", stack_name(lab)),
                            ("Until", written(until)),
                        ],
                        lab,
                        makes_roles: true,
                        role: None,
                        token: format!("{token}-{asked}"),
                    };
                    asked += 1;
                    match self.create_stack(creation).await {
                        // Another look tells which.
                        Err(failure) if failure.class != FailureClass::Exists => {
                            return Err(Failure {
                                tried: tried.to_owned(),
                                ..failure
                            });
                        }
                        _ => {}
                    }
                }
            }
            tokio::time::sleep(every).await;
        }
        Err(Failure {
            tried: tried.to_owned(),
            why: "it takes too long".to_owned(),
            class: FailureClass::Transient,
        })
    }

    /// Moves the end of the lease to `until`; never nearer.
    ///
    /// # Errors
    /// *Not found* when there is no guard, *refused* when it has begun to remove the lab.
    pub async fn renew(&self, lab: &str, until: Timestamp) -> Result<(), Failure> {
        self.move_lease(lab, |ends| ends.max(until)).await
    }

    /// Moves the end of the lease by so much: the account's clock is being put forward. Without a guard nothing is done.
    pub async fn put_off(&self, lab: &str, by: SignedDuration) -> Result<(), Failure> {
        let moved = self
            .move_lease(lab, |ends| ends.checked_add(by).unwrap_or(ends))
            .await;
        match moved {
            Err(failure) if failure.class == FailureClass::NotFound => Ok(()),
            moved => moved,
        }
    }

    async fn move_lease(
        &self,
        lab: &str,
        to: impl Fn(Timestamp) -> Timestamp,
    ) -> Result<(), Failure> {
        let tried = "renew the lease of the lab";
        let name = guard_name(lab);
        let schedule = self.guard_schedule(tried, &name).await?;
        if schedule.description() == Some(REMOVING) {
            return Err(Failure {
                tried: tried.to_owned(),
                why: "the lease is over: the guard has begun to remove the lab".to_owned(),
                class: FailureClass::Refused,
            });
        }
        let ends = schedule
            .start_date()
            .map_or(Timestamp::UNIX_EPOCH, timestamp);
        let armed = schedule.state() == Some(&ScheduleState::Enabled);
        let until = to(ends);
        if until == ends && armed {
            return Ok(());
        }
        self.set_schedule(tried, schedule, Some(until), ScheduleState::Enabled)
            .await
    }

    pub(super) async fn guard_schedule(
        &self,
        tried: &str,
        name: &str,
    ) -> Result<GetScheduleOutput, Failure> {
        let asked = self.scheduler.get_schedule().name(name).send().await;
        asked.map_err(|error| classify(tried, &error))
    }

    /// `UpdateSchedule` sets what is left out back to its default: all of it is given again.
    async fn set_schedule(
        &self,
        tried: &str,
        schedule: GetScheduleOutput,
        until: Option<Timestamp>,
        state: ScheduleState,
    ) -> Result<(), Failure> {
        self.scheduler
            .update_schedule()
            .set_name(schedule.name)
            .set_group_name(schedule.group_name)
            .set_schedule_expression(schedule.schedule_expression)
            .set_schedule_expression_timezone(schedule.schedule_expression_timezone)
            .set_start_date(until.map(|until| DateTime::from_secs(until.as_second())))
            .set_end_date(schedule.end_date)
            .set_description(schedule.description)
            .state(state)
            .set_kms_key_arn(schedule.kms_key_arn)
            .set_target(schedule.target)
            .set_flexible_time_window(schedule.flexible_time_window)
            .set_action_after_completion(schedule.action_after_completion)
            .send()
            .await
            .map(drop)
            .map_err(|error| classify(tried, &error))
    }

    /// Takes the guard away: first its schedule is put off to `until`, so that it does not begin in the middle, and does begin
    /// if nobody ends what is begun here; then its stack goes.
    ///
    /// # Errors
    /// When something of it stays.
    pub async fn disarm(
        &self,
        lab: &str,
        until: Timestamp,
        token: &str,
        every: Duration,
    ) -> Result<(), Failure> {
        let tried = "take the guard away";
        let name = guard_name(lab);
        let mut asked = 0;
        for _ in 0..LOOKS {
            match self.guard_stack(&name).await? {
                None => return Ok(()),
                Some(seen) if !seen.ours => return Ok(()),
                Some(seen) if seen.status == "DELETE_IN_PROGRESS" => {}
                Some(seen) if seen.status == "DELETE_FAILED" && asked > 1 => {
                    return Err(Failure {
                        tried: tried.to_owned(),
                        why: self.first_failure(&seen.id).await,
                        class: FailureClass::Refused,
                    });
                }
                Some(seen) => {
                    if asked == 0 {
                        // It carries no tag: it is the lab's because a stack of the lab has it.
                        self.begin_at(tried, &name, until).await?;
                    }
                    self.delete_stack(&seen.id, None, format!("{token}-{asked}"))
                        .await?;
                    asked += 1;
                }
            }
            tokio::time::sleep(every).await;
        }
        Err(Failure {
            tried: tried.to_owned(),
            why: "it takes too long".to_owned(),
            class: FailureClass::Transient,
        })
    }

    /// Moves the guard's beginning, if it has a schedule.
    async fn begin_at(&self, tried: &str, name: &str, until: Timestamp) -> Result<(), Failure> {
        match self.guard_schedule(tried, name).await {
            Ok(schedule) => self
                .set_schedule(tried, schedule, Some(until), ScheduleState::Enabled)
                .await
                .or_else(absent),
            Err(failure) => absent(failure),
        }
    }

    /// Makes the guard of a lab anew, because its service role is gone or not there: what is left of it goes first.
    ///
    /// # Errors
    /// As [`Cloud::disarm`] and [`Cloud::arm`].
    pub async fn put_back(
        &self,
        lab: &str,
        until: Timestamp,
        template: String,
        token: &str,
        every: Duration,
    ) -> Result<(), Failure> {
        self.disarm(lab, until, &format!("{token}-old"), every)
            .await?;
        self.arm(lab, until, template, token, every).await
    }

    /// The guard's stack, unless it is gone.
    pub(super) async fn guard_stack(&self, name: &str) -> Result<Option<Seen>, Failure> {
        let tried = "look at the guard";
        let asked = self.cloudformation.describe_stacks().stack_name(name);
        let described = match asked.send().await {
            Ok(described) => described,
            Err(error) => {
                absent_or(tried, &error)?;
                return Ok(None);
            }
        };
        let seen = described.stacks().first().map(|stack| Seen {
            role: ServiceRole::of(stack),
            id: stack.stack_id().unwrap_or(name).to_owned(),
            status: stack
                .stack_status()
                .map(|status| status.as_str().to_owned())
                .unwrap_or_default(),
            ours: lab_of(stack).is_some_and(|lab| guard_name(lab) == name),
        });
        Ok(seen.filter(|seen| seen.status != "DELETE_COMPLETE"))
    }

    /// The first failure that the events tell, in words.
    async fn first_failure(&self, stack: &str) -> String {
        let seen = self.look_at_stack(stack, &mut HashSet::new()).await;
        let seen = seen.ok().flatten();
        let failed = seen.as_ref().and_then(|seen| {
            seen.news
                .iter()
                .filter(|event| event.status.ends_with("_FAILED"))
                .find_map(|event| Some((&event.logical_id, event.reason.as_ref()?)))
        });
        failed.map_or_else(
            || "no event says why".to_owned(),
            |(id, reason)| format!("{id}: {reason}"),
        )
    }

    /// What is there of the guard beside its stack. Schedules carry no tags: the name must be exactly that of the guard.
    pub(super) async fn guard_parts(
        &self,
        lab: &str,
    ) -> (Result<Vec<String>, Failure>, Result<Vec<String>, Failure>) {
        let name = guard_name(lab);
        tokio::join!(self.guard_schedules(&name), self.guard_machines(&name, lab))
    }

    async fn guard_schedules(&self, name: &str) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        let mut pages = self
            .scheduler
            .list_schedules()
            .name_prefix(name)
            .into_paginator()
            .items()
            .send();
        while let Some(found) = pages.next().await {
            let found = found.map_err(|error| classify("list schedules", &error))?;
            names.extend(found.name().filter(|it| *it == name).map(str::to_owned));
        }
        Ok(names)
    }

    async fn guard_machines(&self, name: &str, lab: &str) -> Result<Vec<String>, Failure> {
        let tried = "list state machines";
        let mut arns = Vec::new();
        let mut pages = self
            .sfn
            .list_state_machines()
            .into_paginator()
            .items()
            .send();
        while let Some(found) = pages.next().await {
            let found = found.map_err(|error| classify(tried, &error))?;
            if found.name() != name {
                continue;
            }
            let arn = found.state_machine_arn();
            match self
                .sfn
                .list_tags_for_resource()
                .resource_arn(arn)
                .send()
                .await
            {
                Ok(tags) => {
                    let mut tags = tags.tags().iter();
                    if tags.any(|tag| tag.key() == Some(LAB_TAG) && tag.value() == Some(lab)) {
                        arns.push(arn.to_owned());
                    }
                }
                Err(error) => absent_or(tried, &error)?,
            }
        }
        Ok(arns)
    }
}

/// What is gone already is what was wanted.
fn absent(failure: Failure) -> Result<(), Failure> {
    if failure.class == FailureClass::NotFound {
        Ok(())
    } else {
        Err(failure)
    }
}

/// As templates write an instant.
fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_marks_its_schedule_with_the_word_that_is_looked_for() {
        let template = crate::template::guard().unwrap();
        let marked = format!("\\\"Description\\\": \\\"{REMOVING}\\\"");
        let plain = format!("\"Description\": \"{REMOVING}\"");
        assert!(template.contains(&marked) || template.contains(&plain));
        assert_eq!(
            written("2026-01-05T16:00:00.5Z".parse().unwrap()),
            "2026-01-05T16:00:00Z"
        );
    }
}
