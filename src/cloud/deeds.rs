//! What a lesson changes in the account beside the stack: an alarm's state, a machine's power, the disk of a restore.
//! Each can be asked for again: what is done already is left as it is.

use std::time::Duration;

use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification, VolumeType};

use super::failure::classify;
use super::session::Cloud;
use super::stack::LAB_TAG;
use crate::engine::effect::Deed;
use crate::engine::event::{Failure, FailureClass};
use crate::lesson::sight::{RESTORED_FROM, VolumeSeen};

/// Where the restored disk is attached: the letter after the backup's (assets/stack/backup.yaml).
const DEVICE: &str = "/dev/xvdg";
/// How often a volume is looked at before it is given up.
const LOOKS: u32 = 120;

/// Who does a deed.
#[derive(Debug, Clone, Copy)]
pub struct Doer<'a> {
    /// `lab-7f3k`
    pub lab: &'a str,
    /// By which a repeated call is known.
    pub token: &'a str,
    /// How often a volume is looked at until it is ready.
    pub every: Duration,
}

impl Cloud {
    /// Does it, and waits until the disk of a restore is attached, or gone.
    ///
    /// # Errors
    /// When AWS refuses, or does not come to it in time.
    pub async fn carry_out_deed(&self, deed: &Deed, doer: Doer<'_>) -> Result<(), Failure> {
        match deed {
            Deed::SetAlarm { name, state } => self.set_alarm(name, state).await,
            Deed::Stop { instance } => {
                let call = self.ec2.stop_instances().instance_ids(instance).send();
                let answer = call.await.map(|_| ());
                answer.map_err(|error| classify("stop the instance", &error))
            }
            Deed::Start { instance } => {
                let call = self.ec2.start_instances().instance_ids(instance).send();
                let answer = call.await.map(|_| ());
                answer.map_err(|error| classify("start the instance", &error))
            }
            Deed::Restore {
                snapshot,
                zone,
                instance,
            } => self.restore(snapshot, zone, instance, doer).await,
            Deed::Discard => self.discard(doer).await,
        }
    }

    async fn set_alarm(&self, name: &str, state: &str) -> Result<(), Failure> {
        self.cloudwatch
            .set_alarm_state()
            .alarm_name(name)
            .state_value(StateValue::from(state))
            .state_reason("A test by hand: nothing is wrong")
            .send()
            .await
            .map(|_| ())
            .map_err(|error| classify("set the alarm", &error))
    }

    async fn restore(
        &self,
        snapshot: &str,
        zone: &str,
        instance: &str,
        doer: Doer<'_>,
    ) -> Result<(), Failure> {
        let tried = "make a volume from the snapshot";
        let made = self.restored(doer.lab).await?;
        let id = match made.into_iter().next() {
            Some(volume) if volume.attachment.is_some() => return Ok(()),
            Some(volume) => volume.id,
            None => {
                let tag = |name: &str, value: &str| Tag::builder().key(name).value(value).build();
                let tags = TagSpecification::builder()
                    .resource_type(ResourceType::Volume)
                    .tags(tag(LAB_TAG, doer.lab))
                    .tags(tag(RESTORED_FROM, snapshot))
                    .tags(tag("Name", &format!("{} restored", doer.lab)))
                    .build();
                let call = self
                    .ec2
                    .create_volume()
                    .snapshot_id(snapshot)
                    .availability_zone(zone)
                    .volume_type(VolumeType::Gp3)
                    .tag_specifications(tags)
                    .client_token(doer.token)
                    .send();
                let answer = call.await.map_err(|error| classify(tried, &error))?;
                answer.volume_id().unwrap_or_default().to_owned()
            }
        };
        self.until(doer, tried, |volume| volume.state == "available")
            .await?;
        self.ec2
            .attach_volume()
            .volume_id(&id)
            .instance_id(instance)
            .device(DEVICE)
            .send()
            .await
            .map_err(|error| classify("attach the volume", &error))?;
        self.until(doer, "attach the volume", VolumeSeen::is_attached)
            .await
    }

    async fn discard(&self, doer: Doer<'_>) -> Result<(), Failure> {
        for volume in self.restored(doer.lab).await? {
            if volume.attachment.is_some() {
                let tried = "detach the volume (is it still mounted on A?)";
                let call = self.ec2.detach_volume().volume_id(&volume.id).send();
                call.await.map_err(|error| classify(tried, &error))?;
                self.until(doer, tried, |volume| volume.state == "available")
                    .await?;
            }
            let call = self.ec2.delete_volume().volume_id(&volume.id).send();
            match call
                .await
                .map_err(|error| classify("delete the volume", &error))
            {
                Err(failure) if failure.class != FailureClass::NotFound => return Err(failure),
                _ => {}
            }
        }
        Ok(())
    }

    /// The volumes that were made from a snapshot.
    async fn restored(&self, lab: &str) -> Result<Vec<VolumeSeen>, Failure> {
        let mut volumes = self.volumes(lab).await?;
        volumes.retain(VolumeSeen::is_restored);
        Ok(volumes)
    }

    /// Waits until every restored volume is so.
    async fn until(
        &self,
        doer: Doer<'_>,
        tried: &str,
        ready: impl Fn(&VolumeSeen) -> bool,
    ) -> Result<(), Failure> {
        let mut last = String::new();
        for _ in 0..LOOKS {
            let volumes = self.restored(doer.lab).await?;
            if !volumes.is_empty() && volumes.iter().all(&ready) {
                return Ok(());
            }
            last = volumes.first().map_or_else(
                || "it is not listed".to_owned(),
                |volume| format!("it is {}", volume.state),
            );
            tokio::time::sleep(doer.every).await;
        }
        Err(Failure {
            tried: tried.to_owned(),
            why: last,
            class: FailureClass::Refused,
        })
    }
}
