//! Which labs there are in an account and region, whoever made them: found by the tag that all they make carries. Nothing is
//! changed here.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, InstanceStateName, Reservation, ResourceType};
use aws_sdk_efs::types::FileSystemDescription;
use aws_sdk_scheduler::types::ScheduleState;
use jiff::Timestamp;

use super::failure::classify;
use super::guard::REMOVING;
use super::machines::filter;
use super::session::{Cloud, timestamp};
use super::stack::{LAB_TAG, lab_of};
use crate::engine::event::{Failure, FailureClass};
use crate::engine::guard_name;

/// Characters of the longest id that is taken for a lab's: names are made of it, in the account and on this computer.
const LONGEST: usize = 24;

/// A lab as the account shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sighting {
    /// How many things of each kind: `instances`, `snapshots`.
    pub things: BTreeMap<String, usize>,
    /// Its stack is there, or an instance: somebody may be working with it.
    pub stands: bool,
    /// When its lease ends, by the account's clock, while the guard waits for that.
    pub lease: Option<Timestamp>,
    /// Its guard has begun to remove it.
    pub removing: bool,
}

impl Sighting {
    /// Whether somebody may still be using it, when the account's clock shows `now`.
    #[must_use]
    pub fn is_used(&self, now: Timestamp) -> bool {
        self.stands && !self.removing && self.lease.is_none_or(|ends| ends > now)
    }

    fn add(&mut self, kind: &str) {
        *self.things.entry(kind.to_owned()).or_default() += 1;
    }
}

/// Labs by their ids.
pub type Sightings = BTreeMap<String, Sighting>;

impl Cloud {
    /// Every lab of which anything is there.
    ///
    /// # Errors
    /// When one of the listings cannot be had: then nobody knows whether these are all.
    pub async fn labs(&self) -> Result<Sightings, Failure> {
        let (stacks, tagged, instances, file_systems) = tokio::try_join!(
            self.stacks_of_labs(),
            self.things_of_labs(),
            self.instances_of_labs(),
            self.file_systems_of_labs(),
        )?;
        let mut labs = Sightings::new();
        let found = stacks.into_iter().chain(tagged);
        for (lab, kind) in found.chain(instances).chain(file_systems) {
            if is_lab(&lab) {
                let sighting = labs.entry(lab).or_default();
                sighting.stands |= matches!(kind.as_str(), "stacks" | "instances");
                sighting.add(&kind);
            }
        }
        for (lab, sighting) in &mut labs {
            if sighting.stands {
                self.see_lease(lab, sighting).await?;
            }
        }
        Ok(labs)
    }

    async fn stacks_of_labs(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut found = Vec::new();
        for stack in self.stacks().await? {
            let Some(lab) = lab_of(&stack) else {
                continue;
            };
            // A guard by itself is used by nobody.
            let name = stack.stack_name().unwrap_or_default();
            let kind = if name == guard_name(lab) {
                "guards"
            } else {
                "stacks"
            };
            found.push((lab.to_owned(), kind.to_owned()));
        }
        Ok(found)
    }

    /// What EC2 has, but for instances: terminated ones keep their tags for a while.
    async fn things_of_labs(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut found = Vec::new();
        let mut pages = self
            .ec2
            .describe_tags()
            .filters(filter("key", LAB_TAG))
            .into_paginator()
            .items()
            .send();
        while let Some(tag) = pages.next().await {
            let tag = tag.map_err(|error| classify("list tags", &error))?;
            let (Some(lab), Some(kind)) = (tag.value(), tag.resource_type()) else {
                continue;
            };
            if *kind != ResourceType::Instance {
                found.push((lab.to_owned(), plural(kind.as_str())));
            }
        }
        Ok(found)
    }

    async fn instances_of_labs(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut found = Vec::new();
        let with_tag = Filter::builder().name("tag-key").values(LAB_TAG).build();
        let mut pages = self
            .ec2
            .describe_instances()
            .filters(with_tag)
            .into_paginator()
            .items()
            .send();
        while let Some(reservation) = pages.next().await {
            let reservation = reservation.map_err(|error| classify("list instances", &error))?;
            for instance in Reservation::instances(&reservation) {
                let state = instance.state().and_then(|state| state.name());
                let tag = instance
                    .tags()
                    .iter()
                    .find(|tag| tag.key() == Some(LAB_TAG));
                if let Some(lab) = tag.and_then(|tag| tag.value())
                    && state != Some(&InstanceStateName::Terminated)
                {
                    found.push((lab.to_owned(), "instances".to_owned()));
                }
            }
        }
        Ok(found)
    }

    async fn file_systems_of_labs(&self) -> Result<Vec<(String, String)>, Failure> {
        let lab = |system: &FileSystemDescription| {
            let tag = system.tags().iter().find(|tag| tag.key() == LAB_TAG)?;
            Some((tag.value().to_owned(), "filesystems".to_owned()))
        };
        Ok(self.file_systems().await?.iter().filter_map(lab).collect())
    }

    /// When the guard of a lab begins, unless it has none.
    async fn see_lease(&self, lab: &str, sighting: &mut Sighting) -> Result<(), Failure> {
        match self
            .guard_schedule("look at the lease of a lab", &guard_name(lab))
            .await
        {
            Ok(schedule) => {
                sighting.removing = schedule.description() == Some(REMOVING);
                if schedule.state() == Some(&ScheduleState::Enabled) {
                    sighting.lease = schedule.start_date().map(timestamp);
                }
                Ok(())
            }
            Err(failure) if failure.class == FailureClass::NotFound => Ok(()),
            // Then it is not known whether somebody uses it, which is what no lease means.
            Err(failure) if failure.class == FailureClass::Denied => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// The regions that this account can use.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn regions(&self) -> Result<Vec<String>, Failure> {
        let asked = self.ec2.describe_regions().send().await;
        let regions = asked.map_err(|error| classify("list the regions", &error))?;
        let names = regions.regions().iter();
        Ok(names
            .filter_map(|region| region.region_name().map(str::to_owned))
            .collect())
    }
}

/// Whether this can be the id of a lab: it becomes part of names and paths, and anybody may write a tag.
#[must_use]
pub fn is_lab(id: &str) -> bool {
    let rest = id.strip_prefix("lab-");
    rest.is_some_and(|rest| {
        (1..=LONGEST).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// `security-group` as one says it of many.
fn plural(kind: &str) -> String {
    let words = kind.replace('-', " ");
    match words.as_str() {
        "vpc" => "VPCs".to_owned(),
        _ => format!("{words}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_labs_id_is_taken_for_one() {
        for good in ["lab-7f3k", "lab-a"] {
            assert!(is_lab(good), "{good}");
        }
        let long = format!("lab-{}", "a".repeat(LONGEST + 1));
        for bad in [
            "lab-",
            "7f3k",
            "lab-../../etc",
            "lab-7F3K",
            "lab-7f3k 2",
            &long,
        ] {
            assert!(!is_lab(bad), "{bad}");
        }
    }

    #[test]
    fn a_lab_is_used_while_it_stands_and_its_lease_is_not_over() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-01-05T16:00:00Z");
        let one = |stands, lease: Option<&str>, removing| Sighting {
            stands,
            lease: lease.map(at),
            removing,
            ..Sighting::default()
        };
        assert!(one(true, Some("2026-01-05T16:00:01Z"), false).is_used(now));
        assert!(one(true, None, false).is_used(now), "nobody knows");
        assert!(!one(true, Some("2026-01-05T16:00:00Z"), false).is_used(now));
        assert!(!one(true, Some("2026-01-05T17:00:00Z"), true).is_used(now));
        assert!(!one(false, None, false).is_used(now), "leftovers");
    }
}
