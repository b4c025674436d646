//! How instances start, stop, reboot and end. What a host does about it does not enter here, only that power is wanted.

use jiff::SignedDuration;

use super::World;
use super::instances::{Power, State, TO_POWER_ON};
use crate::practice::error::AwsError;

/// From the request to power off (an estimate, as the one for power on).
const TO_POWER_OFF: SignedDuration = SignedDuration::from_secs(20);
/// A terminated instance is listed for about an hour (EC2 user guide, "Terminate Amazon EC2 instances").
const LISTED_AFTER_END: SignedDuration = SignedDuration::from_hours(1);

impl World {
    /// Gives a started instance a public address, if it is to have one.
    pub(super) fn map_public_address(&mut self, id: &str) -> Result<(), AwsError> {
        let Some(instance) = self.instances.get(id).filter(|instance| instance.public) else {
            return Ok(());
        };
        let interface = instance.interface.clone();
        let address = self.free_public_address()?;
        if let Some(interface) = self.interfaces.get_mut(&interface) {
            interface.public_address = Some(address);
        }
        Ok(())
    }

    fn unmap_public_address(&mut self, interface: &str) {
        if let Some(interface) = self.interfaces.get_mut(interface) {
            interface.public_address = None;
        }
    }

    /// Starts a stopped instance. Answers with the states before and after.
    pub fn start_instance(&mut self, id: &str) -> Result<(State, State), AwsError> {
        let before = self.instance(id)?.state;
        match before {
            State::Stopped => {
                self.map_public_address(id)?;
                let now = self.now;
                if let Some(instance) = self.instances.get_mut(id) {
                    instance.state = State::Pending;
                    instance.launched = now;
                    instance.reason = None;
                    instance.power = Some((Power::On, now + TO_POWER_ON));
                }
                Ok((before, State::Pending))
            }
            State::Pending | State::Running => Ok((before, before)),
            _ => Err(wrong_state(id, "from which it can be started")),
        }
    }

    /// Stops a running instance. Answers with the states before and after.
    pub fn stop_instance(&mut self, id: &str, why: Why) -> Result<(State, State), AwsError> {
        let before = self.instance(id)?.state;
        match before {
            State::Running => {
                self.power_off(id, State::Stopping, Power::Off, why);
                Ok((before, State::Stopping))
            }
            State::Stopping | State::Stopped => Ok((before, before)),
            _ => Err(wrong_state(id, "from which it can be stopped")),
        }
    }

    /// Terminates an instance. Answers with the states before and after.
    pub fn terminate_instance(&mut self, id: &str, why: Why) -> Result<(State, State), AwsError> {
        let before = self.instance(id)?.state;
        match before {
            State::ShuttingDown | State::Terminated => Ok((before, before)),
            _ => {
                self.power_off(id, State::ShuttingDown, Power::End, why);
                Ok((before, State::ShuttingDown))
            }
        }
    }

    /// Reboots a running instance.
    pub fn reboot_instance(&mut self, id: &str) -> Result<(), AwsError> {
        if self.instance(id)?.state != State::Running {
            return Err(wrong_state(id, "from which it can be rebooted"));
        }
        let now = self.now;
        if let Some(instance) = self.instances.get_mut(id) {
            instance.power = Some((Power::Cycle, now));
        }
        Ok(())
    }

    fn power_off(&mut self, id: &str, state: State, power: Power, why: Why) {
        let now = self.now;
        let (code, message) = why.parts();
        if let Some(instance) = self.instances.get_mut(id) {
            instance.state = state;
            instance.reason = Some((code.to_owned(), message.to_owned()));
            // One that has shut itself down has no power left to take away.
            let wait = if why == Why::Shutdown {
                SignedDuration::ZERO
            } else {
                TO_POWER_OFF
            };
            instance.power = Some((power, now + wait));
        }
    }

    /// The host has done what it was to do.
    pub fn power_done(&mut self, id: &str, power: Power) {
        let now = self.now;
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        if instance.power.is_none_or(|(wanted, _)| wanted != power) {
            // Something else was asked for meanwhile; that decides.
            if power == Power::On {
                instance.launched_once = true;
            }
            return;
        }
        instance.power = None;
        match power {
            Power::On => {
                instance.launched_once = true;
                instance.state = State::Running;
            }
            Power::Cycle => {}
            Power::Off => {
                instance.state = State::Stopped;
                let interface = instance.interface.clone();
                self.unmap_public_address(&interface);
            }
            Power::End => {
                instance.state = State::Terminated;
                instance.ended = Some(now);
                let interface = instance.interface.clone();
                self.interfaces.remove(&interface);
                self.release_volumes(id);
            }
        }
    }

    /// The host could not be powered on. One that never ran ends; one that did is stopped and keeps its disk.
    pub fn power_failed(&mut self, id: &str, why: &str) {
        let now = self.now;
        let Some(instance) = self.instances.get_mut(id) else {
            return;
        };
        if matches!(instance.state, State::ShuttingDown | State::Terminated) {
            // It was to end meanwhile, and does.
            return;
        }
        instance.reason = Some((
            "Server.InternalError".into(),
            format!("Server.InternalError: {why}"),
        ));
        if instance.launched_once {
            instance.state = State::Stopped;
            instance.power = None;
            let interface = instance.interface.clone();
            self.unmap_public_address(&interface);
        } else {
            instance.state = State::ShuttingDown;
            instance.power = Some((Power::End, now));
        }
    }

    fn release_volumes(&mut self, instance: &str) {
        for id in self.volumes.ids() {
            let Some(attachment) = self.volumes.get(&id).and_then(|one| one.attachment.clone())
            else {
                continue;
            };
            if attachment.instance != instance {
                continue;
            }
            if attachment.delete_on_termination {
                self.drop_volume(&id);
            } else if let Some(volume) = self.volumes.get_mut(&id) {
                volume.attachment = None;
            }
        }
    }

    /// No longer lists instances that ended long ago.
    pub fn forget_ended_instances(&mut self) {
        for id in self.instances.ids() {
            let over = self
                .instances
                .get(&id)
                .and_then(|instance| instance.ended)
                .is_some_and(|ended| self.now >= ended + LISTED_AFTER_END);
            if over {
                self.instances.remove(&id);
            }
        }
    }
}

/// Who wanted an instance to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// An API call.
    Request,
    /// The instance itself.
    Shutdown,
}

impl Why {
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => (
                "Client.UserInitiatedShutdown",
                "Client.UserInitiatedShutdown: User initiated shutdown",
            ),
            Self::Shutdown => (
                "Client.InstanceInitiatedShutdown",
                "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
            ),
        }
    }
}

fn wrong_state(id: &str, what: &str) -> AwsError {
    AwsError::client(
        "IncorrectInstanceState",
        format!("The instance '{id}' is not in a state {what}."),
    )
}
