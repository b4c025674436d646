//! EFS filesystems and their mount targets as the API knows them. Their files are elsewhere.

use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::interfaces::Owner;
use super::throughput::{Throughput, ThroughputMode};
use super::{Tags, World};
use crate::practice::error::AwsError;
use crate::practice::faults::Delay;

/// How long things take (estimates: EFS documents no figures; a mount target takes about a minute and a half
/// to be available and less to go, a filesystem a few seconds).
const FILE_SYSTEM: SignedDuration = SignedDuration::from_secs(5);
const MOUNT_TARGET: SignedDuration = SignedDuration::from_secs(90);
const MOUNT_TARGET_GONE: SignedDuration = SignedDuration::from_secs(30);

/// A filesystem.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileSystem {
    /// `fs-…`
    pub id: String,
    /// Makes creation idempotent.
    pub creation_token: String,
    /// When.
    pub created: Timestamp,
    /// State.
    pub state: LifeCycle,
    /// How it was made, and what was changed since.
    pub settings: Settings,
    /// How far its throughput mode has got.
    #[serde(default)]
    pub throughput: Throughput,
    /// Tags.
    pub tags: Tags,
}

/// How a filesystem is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// At rest.
    pub encrypted: bool,
    /// `generalPurpose` or `maxIO`.
    pub performance_mode: String,
    /// Throughput mode.
    pub throughput_mode: ThroughputMode,
    /// Automatic backups: `ENABLED` or `DISABLED`.
    pub backup_policy: String,
    /// Lifecycle policies: name and value.
    pub lifecycle: Vec<(String, String)>,
}

/// A filesystem's door in one subnet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MountTarget {
    /// `fsmt-…`
    pub id: String,
    /// `fs-…`
    pub file_system: String,
    /// Its subnet.
    pub subnet: String,
    /// The subnet's VPC.
    pub vpc: String,
    /// The subnet's zone.
    pub zone: String,
    /// Its interface, which has its groups.
    pub interface: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// State.
    pub state: LifeCycle,
}

/// State, and when the next one is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LifeCycle {
    /// Until then.
    Creating(Timestamp),
    /// There.
    Available,
    /// Until then.
    Updating(Timestamp),
    /// Until then.
    Deleting(Timestamp),
}

impl LifeCycle {
    /// As EFS names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating(_) => "creating",
            Self::Available => "available",
            Self::Updating(_) => "updating",
            Self::Deleting(_) => "deleting",
        }
    }

    /// When it will change by itself.
    pub fn due(self) -> Option<Timestamp> {
        match self {
            Self::Creating(at) | Self::Updating(at) | Self::Deleting(at) => Some(at),
            Self::Available => None,
        }
    }
}

fn not_found(code: &'static str, message: String) -> AwsError {
    AwsError::with_status(404, code, message)
}

impl World {
    /// The filesystem with this id.
    pub fn file_system(&self, id: &str) -> Result<&FileSystem, AwsError> {
        self.file_systems.get(id).ok_or_else(|| {
            not_found(
                "FileSystemNotFound",
                format!("File system '{id}' does not exist."),
            )
        })
    }

    /// The mount target with this id.
    pub fn mount_target(&self, id: &str) -> Result<&MountTarget, AwsError> {
        self.mount_targets.get(id).ok_or_else(|| {
            not_found(
                "MountTargetNotFound",
                format!("Mount target '{id}' does not exist."),
            )
        })
    }

    /// Mount targets of a filesystem.
    pub fn mount_targets_of<'a>(
        &'a self,
        file_system: &'a str,
    ) -> impl Iterator<Item = &'a MountTarget> {
        self.mount_targets
            .values()
            .filter(move |target| target.file_system == file_system)
    }

    /// Makes a filesystem.
    pub fn create_file_system(
        &mut self,
        creation_token: &str,
        settings: Settings,
        tags: Tags,
    ) -> Result<String, AwsError> {
        if let Some(other) = self
            .file_systems
            .values()
            .find(|other| other.creation_token == creation_token)
        {
            return Err(AwsError::with_status(
                409,
                "FileSystemAlreadyExists",
                format!(
                    "File system '{}' already exists with creation token '{creation_token}'",
                    other.id
                ),
            ));
        }
        let id = self.id("fs");
        self.file_systems.insert(
            &id,
            FileSystem {
                id: id.clone(),
                creation_token: creation_token.to_owned(),
                created: self.now,
                state: LifeCycle::Creating(self.now + FILE_SYSTEM),
                throughput: Throughput::of(settings.throughput_mode, self.now),
                settings,
                tags,
            },
        );
        Ok(id)
    }

    /// Begins to delete a filesystem without mount targets.
    pub fn delete_file_system(&mut self, id: &str) -> Result<(), AwsError> {
        self.file_system(id)?;
        if self.mount_targets_of(id).next().is_some() {
            return Err(AwsError::with_status(
                409,
                "FileSystemInUse",
                format!(
                    "File system '{id}' has mount targets created in it and cannot be deleted."
                ),
            ));
        }
        let at = self.now + FILE_SYSTEM;
        if let Some(found) = self.file_systems.get_mut(id)
            && !matches!(found.state, LifeCycle::Deleting(_))
        {
            found.state = LifeCycle::Deleting(at);
        }
        Ok(())
    }

    /// Begins to make a mount target; at most one a zone, all in one VPC.
    pub fn create_mount_target(
        &mut self,
        file_system: &str,
        subnet: &str,
        address: Option<Ipv4Addr>,
        groups: Vec<String>,
    ) -> Result<String, AwsError> {
        if self.file_system(file_system)?.state != LifeCycle::Available {
            return Err(AwsError::with_status(
                409,
                "IncorrectFileSystemLifeCycleState",
                format!("File system '{file_system}' is not available."),
            ));
        }
        let subnet = self.subnets.get(subnet).cloned().ok_or_else(|| {
            AwsError::client(
                "SubnetNotFound",
                format!("The subnet ID '{subnet}' does not exist"),
            )
        })?;
        for other in self.mount_targets_of(file_system) {
            if other.zone == subnet.zone {
                return Err(AwsError::with_status(
                    409,
                    "MountTargetConflict",
                    "mount target already exists in this AZ",
                ));
            }
            if other.vpc != subnet.vpc {
                return Err(AwsError::with_status(
                    409,
                    "MountTargetConflict",
                    "requested subnet for new mount target is not in the same VPC as existing mount targets",
                ));
            }
        }
        if groups.len() > 5 {
            return Err(AwsError::client(
                "SecurityGroupLimitExceeded",
                "a mount target can have at most 5 security groups",
            ));
        }
        let id = self.id("fsmt");
        let interface = self.create_interface(
            &subnet.id,
            address,
            groups,
            format!("EFS mount target for {file_system} ({id})"),
        )?;
        let address = self.interface(&interface)?.private_address;
        let attachment = self.id("eni-attach");
        if let Some(interface) = self.interfaces.get_mut(&interface) {
            interface.owner = Owner::MountTarget {
                id: id.clone(),
                attachment,
            };
        }
        self.mount_targets.insert(
            &id,
            MountTarget {
                id: id.clone(),
                file_system: file_system.to_owned(),
                subnet: subnet.id,
                vpc: subnet.vpc,
                zone: subnet.zone,
                interface,
                address,
                state: LifeCycle::Creating(self.now + MOUNT_TARGET),
            },
        );
        Ok(id)
    }

    /// Begins to delete a mount target; its interface lives until that is done.
    pub fn delete_mount_target(&mut self, id: &str) -> Result<(), AwsError> {
        let state = self.mount_target(id)?.state;
        if matches!(state, LifeCycle::Deleting(_)) {
            return Ok(());
        }
        let later = match self.faults.interface() {
            Some(Delay::For(later)) => later,
            Some(Delay::Endless) | None => SignedDuration::ZERO,
        };
        let at = self.now + MOUNT_TARGET_GONE + later;
        if let Some(found) = self.mount_targets.get_mut(id) {
            found.state = LifeCycle::Deleting(at);
        }
        Ok(())
    }

    /// Filesystems whose deletion is over by now.
    pub fn file_systems_going(&self) -> Vec<String> {
        let over =
            |one: &&FileSystem| matches!(one.state, LifeCycle::Deleting(at) if at <= self.now);
        self.file_systems
            .values()
            .filter(over)
            .map(|one| one.id.clone())
            .collect()
    }

    /// Forgets filesystems whose deletion is over and whose files are gone.
    pub fn forget_file_systems(&mut self, ids: &[String]) {
        for id in ids {
            self.file_systems.remove(id);
        }
    }

    /// Brings filesystems and mount targets to the state they have reached by now.
    pub fn advance_efs(&mut self) {
        for id in self.mount_targets.ids() {
            match self.mount_targets.get(&id).map(|target| target.state) {
                Some(LifeCycle::Creating(at)) if at <= self.now => {
                    if let Some(target) = self.mount_targets.get_mut(&id) {
                        target.state = LifeCycle::Available;
                    }
                }
                Some(LifeCycle::Deleting(at)) if at <= self.now => {
                    if let Some(target) = self.mount_targets.remove(&id) {
                        self.interfaces.remove(&target.interface);
                    }
                }
                _ => {}
            }
        }
        for id in self.file_systems.ids() {
            match self.file_systems.get(&id).map(|found| found.state) {
                Some(LifeCycle::Creating(at) | LifeCycle::Updating(at)) if at <= self.now => {
                    if let Some(found) = self.file_systems.get_mut(&id) {
                        found.state = LifeCycle::Available;
                    }
                }
                // One that is deleted stays until its files are gone.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::world::place::Place;

    fn world() -> World {
        let place = Place {
            account_id: "123456789012".into(),
            region: "us-east-1".into(),
        };
        World::new(place, Timestamp::UNIX_EPOCH, Some(7))
    }

    fn settings() -> Settings {
        Settings {
            encrypted: true,
            performance_mode: "generalPurpose".into(),
            throughput_mode: ThroughputMode::Bursting,
            backup_policy: "DISABLED".into(),
            lifecycle: Vec::new(),
        }
    }

    fn pass(world: &mut World, seconds: i64) {
        world.now += SignedDuration::from_secs(seconds);
        world.advance_efs();
    }

    /// A filesystem with a mount target in a subnet, and the group of the mount target.
    fn mounted(world: &mut World) -> (String, String, String) {
        let vpc = world
            .create_vpc("10.0.0.0/16".parse().unwrap(), Tags::new())
            .unwrap();
        let subnet = world
            .create_subnet(&vpc, "10.0.1.0/24".parse().unwrap(), None, Tags::new())
            .unwrap();
        let group = world.create_group(&vpc, "g", "g", Tags::new()).unwrap();
        let files = world
            .create_file_system("token", settings(), Tags::new())
            .unwrap();
        pass(world, 5);
        let target = world
            .create_mount_target(&files, &subnet, None, vec![group.clone()])
            .unwrap();
        pass(world, 90);
        (files, target, group)
    }

    #[test]
    fn a_mount_target_takes_its_time_to_come_and_to_go_and_so_does_its_interface() {
        let mut world = world();
        let (files, target, group) = mounted(&mut world);
        assert_eq!(
            world.mount_target(&target).unwrap().state,
            LifeCycle::Available
        );
        world.delete_mount_target(&target).unwrap();
        assert_eq!(
            world.mount_target(&target).unwrap().state.name(),
            "deleting"
        );
        let used = world.delete_group(&group).unwrap_err();
        assert_eq!(used.code, "DependencyViolation");
        assert_eq!(
            world.delete_file_system(&files).unwrap_err().code,
            "FileSystemInUse"
        );
        pass(&mut world, 30);
        assert_eq!(
            world.mount_target(&target).unwrap_err().code,
            "MountTargetNotFound"
        );
        world.delete_group(&group).unwrap();
        world.delete_file_system(&files).unwrap();
        assert!(world.file_systems.contains(&files));
        pass(&mut world, 5);
        // Until its files are gone.
        let going = world.file_systems_going();
        assert_eq!(going, std::slice::from_ref(&files));
        assert!(world.file_systems.contains(&files));
        world.forget_file_systems(&going);
        assert!(!world.file_systems.contains(&files));
    }

    #[test]
    fn a_zone_has_one_mount_target_of_a_filesystem() {
        let mut world = world();
        let (files, target, _) = mounted(&mut world);
        let subnet = world.mount_target(&target).unwrap().subnet.clone();
        let again = world.create_mount_target(&files, &subnet, None, Vec::new());
        assert_eq!(again.unwrap_err().code, "MountTargetConflict");
    }
}
