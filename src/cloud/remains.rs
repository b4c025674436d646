//! What is stopped or removed one by one: the instances, volumes and snapshots of a lab. Only what carries the lab's tag, or
//! is of a stack that the journal knows, is answered; a name proves nothing.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    Filter, Instance as Ec2Instance, InstanceStateName, Tag, Volume as Ec2Volume,
    VolumeAttachmentState, VolumeState as Ec2VolumeState,
};

use super::failure::classify;
use super::machines::filter;
use super::session::Cloud;
use super::stack::LAB_TAG;
use crate::engine::effect::{Known, Removal};
use crate::engine::event::{Failure, Instance, Remains, Volume, VolumeState};

/// The tag by which CloudFormation marks what it makes.
pub(super) const STACK_TAG: &str = "aws:cloudformation:stack-id";
/// How many values a filter takes (EC2 API reference, Filter).
const FILTER_VALUES: usize = 200;
/// The most a page of snapshots holds (EC2 API reference, DescribeSnapshots).
const PAGE: i32 = 1000;

/// Snapshots that have to do with a lab.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshots {
    /// They carry its tag.
    pub(super) tagged: Vec<String>,
    /// They do not, and are of one of its volumes.
    pub(super) others: Vec<String>,
}

impl Cloud {
    /// One look at what is stopped or removed one by one.
    pub async fn remains(&self, lab: &str, known: &Known) -> Result<Remains, Failure> {
        let (instances, mut volumes, snapshots) = tokio::try_join!(
            self.lab_instances(lab, &known.stacks),
            self.lab_volumes(lab),
            self.lab_snapshots(lab, &[]),
        )?;
        self.without_gone_stacks(Vec::new(), &mut volumes, &BTreeSet::new())
            .await?;
        Ok(Remains {
            instances: Some(instances),
            volumes,
            snapshots: snapshots.tagged,
            others: None,
        })
    }

    /// Instances of the lab that are not terminated: terminated ones stay listed for about an hour and bill nothing.
    pub(super) async fn lab_instances(
        &self,
        lab: &str,
        stacks: &[String],
    ) -> Result<Vec<Instance>, Failure> {
        let mut instances: Vec<Instance> = Vec::new();
        let mut filters = vec![filter(&format!("tag:{LAB_TAG}"), lab)];
        // Somebody may have taken the lab's tag away; CloudFormation's own nobody can.
        filters.extend(any_of(&format!("tag:{STACK_TAG}"), stacks));
        for filter in filters {
            let mut pages = self
                .ec2
                .describe_instances()
                .filters(filter)
                .into_paginator()
                .items()
                .send();
            while let Some(reservation) = pages.next().await {
                let reservation =
                    reservation.map_err(|error| classify("list instances", &error))?;
                for found in reservation.instances() {
                    let ours = is_of(found.tags(), lab)
                        || tag(found.tags(), STACK_TAG)
                            .is_some_and(|stack| stacks.iter().any(|known| known == stack));
                    if let Some(instance) = running(found)
                        && ours
                        && !instances.contains(&instance)
                    {
                        instances.push(instance);
                    }
                }
            }
        }
        Ok(instances)
    }

    /// Volumes that carry the lab's tag.
    pub(super) async fn lab_volumes(&self, lab: &str) -> Result<Vec<Volume>, Failure> {
        let mut volumes = Vec::new();
        let mut pages = self
            .ec2
            .describe_volumes()
            .filters(filter(&format!("tag:{LAB_TAG}"), lab))
            .into_paginator()
            .items()
            .send();
        while let Some(found) = pages.next().await {
            let found = found.map_err(|error| classify("list volumes", &error))?;
            if let Some(id) = found.volume_id().filter(|_| is_of(found.tags(), lab)) {
                volumes.push(Volume {
                    id: id.to_owned(),
                    stack: tag(found.tags(), STACK_TAG).map(str::to_owned),
                    state: state(&found),
                });
            }
        }
        Ok(volumes)
    }

    /// Snapshots that carry the lab's tag, and any others of these volumes.
    pub(super) async fn lab_snapshots(
        &self,
        lab: &str,
        volumes: &[String],
    ) -> Result<Snapshots, Failure> {
        let mut snapshots = Snapshots::default();
        let mut filters = vec![filter(&format!("tag:{LAB_TAG}"), lab)];
        filters.extend(any_of("volume-id", volumes));
        for filter in filters {
            let mut pages = self
                .ec2
                .describe_snapshots()
                .owner_ids("self")
                .filters(filter)
                .into_paginator()
                .page_size(PAGE)
                .items()
                .send();
            while let Some(found) = pages.next().await {
                let found = found.map_err(|error| classify("list snapshots", &error))?;
                let Some(id) = found.snapshot_id() else {
                    continue;
                };
                let list = if is_of(found.tags(), lab) {
                    &mut snapshots.tagged
                } else {
                    &mut snapshots.others
                };
                list.push(id.to_owned());
            }
        }
        for list in [&mut snapshots.tagged, &mut snapshots.others] {
            list.sort();
            list.dedup();
        }
        Ok(snapshots)
    }

    /// Asks for the termination of instances. Success means accepted, nothing more.
    pub async fn terminate(&self, instances: &[String]) -> Result<(), Failure> {
        self.ec2
            .terminate_instances()
            .set_instance_ids(Some(instances.to_vec()))
            .send()
            .await
            .map(drop)
            .map_err(|error| classify("terminate the instances", &error))
    }

    /// Asks for the detachment or the deletion of one thing. Success means accepted; a snapshot is gone then.
    pub async fn remove(&self, removal: &Removal) -> Result<(), Failure> {
        let ec2 = &self.ec2;
        match removal {
            // Never by force: what is still being written would be lost.
            Removal::Detachment(id) => {
                let asked = ec2.detach_volume().volume_id(id).send().await;
                asked
                    .map(drop)
                    .map_err(|error| classify("detach the volume", &error))
            }
            Removal::Volume(id) => {
                let asked = ec2.delete_volume().volume_id(id).send().await;
                asked
                    .map(drop)
                    .map_err(|error| classify("delete the volume", &error))
            }
            Removal::Snapshot(id) => {
                let asked = ec2.delete_snapshot().snapshot_id(id).send().await;
                asked
                    .map(drop)
                    .map_err(|error| classify("delete the snapshot", &error))
            }
            Removal::Orphan(kind, id) => self.remove_orphan(*kind, id).await,
        }
    }
}

/// As many filters as these values need.
fn any_of(name: &str, values: &[String]) -> Vec<Filter> {
    let one = |values: &[String]| {
        Filter::builder()
            .name(name)
            .set_values(Some(values.to_vec()))
            .build()
    };
    values.chunks(FILTER_VALUES).map(one).collect()
}

pub(super) fn tag<'a>(tags: &'a [Tag], key: &str) -> Option<&'a str> {
    tags.iter()
        .find(|tag| tag.key() == Some(key))
        .and_then(Tag::value)
}

/// Whether they carry the tag of this lab. The filter has said so; what is destroyed is looked at twice.
pub(super) fn is_of(tags: &[Tag], lab: &str) -> bool {
    tag(tags, LAB_TAG) == Some(lab)
}

pub(super) fn running(found: &Ec2Instance) -> Option<Instance> {
    let state = found.state().and_then(|state| state.name());
    let id = found.instance_id()?.to_owned();
    match state {
        Some(InstanceStateName::Terminated) => None,
        state => Some(Instance {
            id,
            ends: state == Some(&InstanceStateName::ShuttingDown),
        }),
    }
}

fn state(found: &Ec2Volume) -> VolumeState {
    // One of several machines that have it: always the same.
    let attachments = found.attachments().iter();
    let attachment = attachments.min_by_key(|one| one.instance_id());
    let instance = || {
        let attachment = attachment.and_then(|one| one.instance_id());
        attachment.unwrap_or("an instance").to_owned()
    };
    match (found.state(), attachment.and_then(|one| one.state())) {
        (Some(Ec2VolumeState::Available | Ec2VolumeState::Error), None) => VolumeState::Free,
        (_, Some(VolumeAttachmentState::Attached)) => VolumeState::Attached(instance()),
        (_, Some(VolumeAttachmentState::Detaching | VolumeAttachmentState::Busy)) => {
            VolumeState::Detaching(instance())
        }
        _ => VolumeState::Changing,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{InstanceState, VolumeAttachment};

    use super::*;

    fn volume(state: Ec2VolumeState, link: Option<VolumeAttachmentState>) -> VolumeState {
        let attachment = link.map(|state| {
            let one = VolumeAttachment::builder().instance_id("i-1").state(state);
            one.build()
        });
        let built = Ec2Volume::builder()
            .state(state)
            .set_attachments(attachment.map(|one| vec![one]))
            .build();
        super::state(&built)
    }

    #[test]
    fn what_can_be_done_with_a_volume_is_seen_from_it_and_from_its_attachment() {
        use Ec2VolumeState::{Available, Creating, Deleting, Error, InUse};
        let on = || "i-1".to_owned();
        assert_eq!(volume(Available, None), VolumeState::Free);
        assert_eq!(volume(Error, None), VolumeState::Free);
        assert_eq!(volume(Creating, None), VolumeState::Changing);
        assert_eq!(volume(Deleting, None), VolumeState::Changing);
        assert_eq!(
            volume(InUse, Some(VolumeAttachmentState::Attached)),
            VolumeState::Attached(on())
        );
        assert_eq!(
            volume(InUse, Some(VolumeAttachmentState::Attaching)),
            VolumeState::Changing
        );
        assert_eq!(
            volume(InUse, Some(VolumeAttachmentState::Busy)),
            VolumeState::Detaching(on())
        );
    }

    #[test]
    fn only_what_is_terminated_does_not_count_as_an_instance() {
        let of = |name: InstanceStateName| {
            let state = InstanceState::builder().name(name).build();
            running(
                &Ec2Instance::builder()
                    .instance_id("i-1")
                    .state(state)
                    .build(),
            )
        };
        assert_eq!(of(InstanceStateName::Terminated), None);
        assert!(of(InstanceStateName::ShuttingDown).is_some_and(|one| one.ends));
        assert!(of(InstanceStateName::Stopped).is_some_and(|one| !one.ends));
    }

    #[test]
    fn a_tag_that_only_looks_like_the_labs_is_not() {
        let one = |key: &str, value: &str| [Tag::builder().key(key).value(value).build()];
        assert!(is_of(&one(LAB_TAG, "lab-7f3k"), "lab-7f3k"));
        for (key, value) in [
            (LAB_TAG, "lab-7f3k2"),
            (LAB_TAG, "LAB-7F3K"),
            ("Name", "lab-7f3k"),
            ("efslab:Lab", "lab-7f3k"),
        ] {
            assert!(!is_of(&one(key, value), "lab-7f3k"), "{key}={value}");
        }
    }
}
