//! Throughput modes of EFS filesystems as the API knows them, and when they may be changed. What they make of reading
//! and writing is elsewhere.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::World;
use super::efs::LifeCycle;
use crate::practice::error::AwsError;

/// One MiB/s in bytes a second.
const MIB: f64 = 1024.0 * 1024.0;
/// Most MiB/s that can be provisioned (<https://docs.aws.amazon.com/efs/latest/ug/API_UpdateFileSystem.html>: "1-3414
/// MiBps, with the upper limit depending on Region").
const MIBPS_MAX: f64 = 3414.0;
/// After a rate was provisioned, or another one, for so long no other mode and no smaller rate
/// (<https://docs.aws.amazon.com/efs/latest/ug/performance.html>, "Restrictions on switching throughput").
const RESTRICTED: SignedDuration = SignedDuration::from_hours(24);
/// How long a change takes (estimate: EFS documents no figure; it is seconds).
const CHANGE: SignedDuration = SignedDuration::from_secs(5);

/// Throughput mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThroughputMode {
    /// By what is stored, with credits.
    Bursting,
    /// As much as is asked for.
    Elastic,
    /// So many bytes a second.
    Provisioned(u64),
}

impl ThroughputMode {
    /// A mode by its name, with the rate that belongs to one of them, in MiB/s.
    pub fn new(name: &str, mibps: Option<f64>) -> Result<Self, AwsError> {
        let bad = |message: &str| Err(AwsError::client("BadRequest", message));
        match (name, mibps) {
            ("bursting", None) => Ok(Self::Bursting),
            ("elastic", None) => Ok(Self::Elastic),
            ("provisioned", Some(mibps)) => Self::provisioned(mibps),
            ("provisioned", None) => bad(
                "You must set the provisionedThroughputInMibps value when the throughputMode is set to 'provisioned'.",
            ),
            ("bursting" | "elastic", Some(_)) => bad(
                "The provisionedThroughputInMibps value is only supported when the throughputMode is set to 'provisioned'.",
            ),
            _ => bad("invalid ThroughputMode"),
        }
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 MiB/s and some GiB/s"
    )]
    fn provisioned(mibps: f64) -> Result<Self, AwsError> {
        if mibps.is_nan() || mibps < 1.0 {
            return Err(AwsError::client(
                "BadRequest",
                "The provisionedThroughputInMibps value must be at least 1.0.",
            ));
        }
        if mibps > MIBPS_MAX {
            return Err(AwsError::client(
                "ThroughputLimitExceeded",
                format!("The throughput limit of {MIBPS_MAX} MiB/s has been reached."),
            ));
        }
        Ok(Self::Provisioned((mibps * MIB) as u64))
    }

    /// As the API names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bursting => "bursting",
            Self::Elastic => "elastic",
            Self::Provisioned(_) => "provisioned",
        }
    }

    /// `ProvisionedThroughputInMibps`.
    #[allow(clippy::cast_precision_loss, reason = "some GiB/s at most")]
    pub fn mibps(self) -> Option<f64> {
        match self {
            Self::Provisioned(rate) => Some(rate as f64 / MIB),
            Self::Bursting | Self::Elastic => None,
        }
    }
}

/// The mode of a filesystem that was made, and whether it holds for its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throughput {
    /// Whether reading and writing go by it already.
    pub applied: bool,
    /// Until then no other mode, and no smaller rate.
    pub restricted_until: Option<Timestamp>,
}

impl Throughput {
    /// Of a filesystem that is made now with this mode.
    pub fn of(mode: ThroughputMode, now: Timestamp) -> Self {
        let provisioned = matches!(mode, ThroughputMode::Provisioned(_));
        Self {
            // What nothing is said of is bursting.
            applied: mode == ThroughputMode::Bursting,
            restricted_until: provisioned.then(|| now + RESTRICTED),
        }
    }
}

impl Default for Throughput {
    fn default() -> Self {
        Self::of(ThroughputMode::Bursting, Timestamp::UNIX_EPOCH)
    }
}

impl World {
    /// Changes the throughput mode of a filesystem, or its provisioned rate; what is not given stays.
    pub fn update_file_system(
        &mut self,
        id: &str,
        mode: Option<&str>,
        mibps: Option<f64>,
    ) -> Result<(), AwsError> {
        let found = self.file_system(id)?;
        if found.state != LifeCycle::Available {
            return Err(AwsError::with_status(
                409,
                "IncorrectFileSystemLifeCycleState",
                format!("File system '{id}' is not available."),
            ));
        }
        let old = found.settings.throughput_mode;
        if mode.is_none() && mibps.is_none() {
            return Err(AwsError::client(
                "BadRequest",
                "You must specify a throughputMode or a provisionedThroughputInMibps value.",
            ));
        }
        let new = ThroughputMode::new(
            mode.unwrap_or(old.name()),
            mibps.or_else(|| {
                // The same rate again.
                old.mibps().filter(|_| mode == Some("provisioned"))
            }),
        )?;
        let less = match (old, new) {
            (ThroughputMode::Provisioned(old), ThroughputMode::Provisioned(new)) => new < old,
            (ThroughputMode::Provisioned(_), _) => true,
            _ => false,
        };
        let until = found.throughput.restricted_until;
        if less && until.is_some_and(|until| self.now < until) {
            return Err(AwsError::with_status(
                429,
                "TooManyRequests",
                "You must wait at least 24 hours after the throughput mode was set to provisioned, or the provisioned throughput changed, before changing the throughput mode or decreasing the provisioned throughput.",
            ));
        }
        let at = self.now + CHANGE;
        let throughput = Throughput {
            applied: false,
            ..Throughput::of(new, self.now)
        };
        if new != old
            && let Some(found) = self.file_systems.get_mut(id)
        {
            found.settings.throughput_mode = new;
            found.throughput = throughput;
            found.state = LifeCycle::Updating(at);
        }
        Ok(())
    }

    /// Modes that do not hold for the files yet, by filesystem.
    pub fn throughput_to_apply(&self) -> Vec<(String, ThroughputMode)> {
        self.file_systems
            .values()
            .filter(|one| !one.throughput.applied)
            .map(|one| (one.id.clone(), one.settings.throughput_mode))
            .collect()
    }

    /// These hold now, unless they were changed again.
    pub fn throughput_applied(&mut self, modes: &[(String, ThroughputMode)]) {
        for (id, mode) in modes {
            let current = self
                .file_systems
                .get(id)
                .is_some_and(|one| one.settings.throughput_mode == *mode);
            if current && let Some(found) = self.file_systems.get_mut(id) {
                found.throughput.applied = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::world::Tags;
    use crate::practice::world::efs::Settings;
    use crate::practice::world::place::Place;

    fn with(mode: ThroughputMode) -> (World, String) {
        let place = Place {
            account_id: "123456789012".into(),
            region: "us-east-1".into(),
        };
        let mut world = World::new(place, Timestamp::UNIX_EPOCH, Some(7));
        let settings = Settings {
            encrypted: true,
            performance_mode: "generalPurpose".into(),
            throughput_mode: mode,
            backup_policy: "DISABLED".into(),
            lifecycle: Vec::new(),
        };
        let id = world
            .create_file_system("token", settings, Tags::new())
            .unwrap();
        pass(&mut world, 5);
        (world, id)
    }

    fn pass(world: &mut World, seconds: i64) {
        world.now += SignedDuration::from_secs(seconds);
        world.advance_efs();
    }

    fn refused(result: Result<(), AwsError>) -> String {
        result.unwrap_err().code.to_string()
    }

    #[test]
    fn a_mode_is_changed_in_moments_and_applied_once() {
        let (mut world, id) = with(ThroughputMode::Bursting);
        assert_eq!(world.throughput_to_apply(), []);
        world
            .update_file_system(&id, Some("elastic"), None)
            .unwrap();
        assert_eq!(world.file_system(&id).unwrap().state.name(), "updating");
        let modes = world.throughput_to_apply();
        assert_eq!(modes, [(id.clone(), ThroughputMode::Elastic)]);
        world.throughput_applied(&modes);
        assert_eq!(world.throughput_to_apply(), []);
        let busy = world.update_file_system(&id, Some("bursting"), None);
        assert_eq!(refused(busy), "IncorrectFileSystemLifeCycleState");
        pass(&mut world, 5);
        world
            .update_file_system(&id, Some("bursting"), None)
            .unwrap();
    }

    #[test]
    fn what_was_provisioned_is_not_taken_back_for_a_day() {
        let (mut world, id) = with(ThroughputMode::Bursting);
        world
            .update_file_system(&id, Some("provisioned"), Some(64.0))
            .unwrap();
        pass(&mut world, 5);
        for (mode, mibps) in [
            (Some("bursting"), None),
            (Some("elastic"), None),
            (None, Some(32.0)),
        ] {
            let early = world.update_file_system(&id, mode, mibps);
            assert_eq!(refused(early), "TooManyRequests", "{mode:?}");
        }
        world.update_file_system(&id, None, Some(128.5)).unwrap();
        pass(&mut world, 5);
        let mode = world.file_system(&id).unwrap().settings.throughput_mode;
        assert_eq!(mode.mibps(), Some(128.5));
        pass(&mut world, 24 * 3600);
        world.update_file_system(&id, None, Some(32.0)).unwrap();
    }

    #[test]
    fn a_rate_belongs_to_one_mode_and_has_its_limits() {
        let (mut world, id) = with(ThroughputMode::Bursting);
        for (mode, mibps, code) in [
            (None, None, "BadRequest"),
            (Some("provisioned"), None, "BadRequest"),
            (Some("elastic"), Some(10.0), "BadRequest"),
            (None, Some(10.0), "BadRequest"),
            (Some("turbo"), None, "BadRequest"),
            (Some("provisioned"), Some(0.5), "BadRequest"),
            (Some("provisioned"), Some(f64::NAN), "BadRequest"),
            (Some("provisioned"), Some(4000.0), "ThroughputLimitExceeded"),
        ] {
            let done = world.update_file_system(&id, mode, mibps);
            assert_eq!(refused(done), code, "{mode:?} {mibps:?}");
        }
        let missing = world.update_file_system("fs-0", Some("elastic"), None);
        assert_eq!(refused(missing), "FileSystemNotFound");
    }
}
