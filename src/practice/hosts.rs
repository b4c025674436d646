//! What the account asks of the hosts behind its instances, and of the files behind its filesystems. How either works
//! does not enter here.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::compute::{Disk, Fleet, HostSpec};
use super::storage::{Files, Mode, Share};

/// The hosts and files of the account.
#[async_trait]
pub trait Hosts: Send + Sync + 'static {
    /// Powers a host on for the first time; one that was launched before but never came up starts afresh.
    async fn launch(&self, spec: HostSpec) -> Result<(), String>;
    /// Powers a known host on again.
    async fn start(&self, instance_id: &str) -> Result<(), String>;
    /// Powers a host off and on again; its port stays known.
    async fn restart(&self, instance_id: &str) -> Result<(), String>;
    /// Powers a host off.
    async fn stop(&self, instance_id: &str);
    /// Ends a host and forgets its disk; an unknown one is gone already. Answers with what its console had shown.
    async fn terminate(&self, instance_id: &str) -> String;
    /// What its serial console has shown.
    fn console_output(&self, instance_id: &str) -> String;
    /// The loopback port of its SSH server, known from power on to power off; the server itself comes up later.
    fn ssh_port(&self, instance_id: &str) -> Option<u16>;
    /// What a filesystem is metered at, in bytes.
    fn metered_bytes(&self, file_system_id: &str) -> u64;
    /// Sets the throughput mode of a filesystem.
    fn set_throughput(&self, file_system_id: &str, mode: Mode) -> Result<(), String>;
    /// Throughput and meter of a filesystem as of this moment; `None`: nothing was asked of it yet.
    fn traffic(&self, file_system_id: &str) -> Option<Share>;
    /// Forgets the files of a filesystem; an unknown one is gone already.
    fn forget_files(&self, file_system_id: &str) -> Result<(), String>;
    /// A volume was attached to an instance, or has another size. One that does not run finds out when it starts.
    fn attach(&self, instance_id: &str, disk: &Disk);
    /// Takes a volume from an instance, if nothing there uses it, or in any case by `force`. Answers whether it is gone.
    fn release(&self, instance_id: &str, volume_id: &str, force: bool) -> bool;
    /// Keeps what is on a volume now as a snapshot. Answers with the bytes of its blocks that hold something.
    fn take_snapshot(&self, volume_id: &str, snapshot_id: &str) -> Result<u64, String>;
    /// Puts on a new volume what a snapshot has.
    fn fill_volume(&self, volume_id: &str, snapshot_id: &str) -> Result<(), String>;
    /// Forgets what is in a volume or a snapshot; what is blank is forgotten already.
    fn forget_content(&self, id: &str) -> Result<(), String>;
    /// Forgets whatever there is of hosts, filesystems, volumes and snapshots with other ids than these: nothing in the account knows it.
    fn retain(&self, known: &BTreeSet<String>) -> Result<(), String>;
    /// Takes the power from all hosts at once, as the end of the program does.
    fn cut_off(&self);
    /// Ends all hosts and writes all files, losing nothing.
    async fn shut_down(&self);
}

/// The real ones.
pub struct Machines {
    /// Hosts.
    pub fleet: Fleet,
    /// Files.
    pub files: Files,
}

#[async_trait]
impl Hosts for Machines {
    async fn launch(&self, spec: HostSpec) -> Result<(), String> {
        self.fleet.launch(spec).await
    }

    async fn start(&self, instance_id: &str) -> Result<(), String> {
        self.fleet.start(instance_id).await
    }

    async fn restart(&self, instance_id: &str) -> Result<(), String> {
        self.fleet.restart(instance_id).await
    }

    async fn stop(&self, instance_id: &str) {
        self.fleet.stop(instance_id).await;
    }

    async fn terminate(&self, instance_id: &str) -> String {
        self.fleet.terminate(instance_id).await
    }

    fn console_output(&self, instance_id: &str) -> String {
        self.fleet.console_output(instance_id)
    }

    fn ssh_port(&self, instance_id: &str) -> Option<u16> {
        self.fleet.ssh_port(instance_id)
    }

    fn metered_bytes(&self, file_system_id: &str) -> u64 {
        self.files.metered_bytes(file_system_id)
    }

    fn set_throughput(&self, file_system_id: &str, mode: Mode) -> Result<(), String> {
        let set = self.files.set_throughput_mode(file_system_id, mode);
        set.map_err(|error| error.to_string())
    }

    fn traffic(&self, file_system_id: &str) -> Option<Share> {
        let traffic = self.files.traffic(file_system_id);
        traffic.unwrap_or_else(|error| {
            tracing::warn!(%error, file_system_id, "what a filesystem has served is not known");
            None
        })
    }

    fn forget_files(&self, file_system_id: &str) -> Result<(), String> {
        let forgotten = self.files.delete_share(file_system_id);
        forgotten.map_err(|error| error.to_string())
    }

    fn attach(&self, instance_id: &str, disk: &Disk) {
        self.fleet.attach(instance_id, disk);
    }

    fn release(&self, instance_id: &str, volume_id: &str, force: bool) -> bool {
        self.fleet.release(instance_id, volume_id, force)
    }

    fn take_snapshot(&self, volume_id: &str, snapshot_id: &str) -> Result<u64, String> {
        let taken = self.files.snapshot(volume_id, snapshot_id);
        taken.map_err(|error| error.to_string())
    }

    fn fill_volume(&self, volume_id: &str, snapshot_id: &str) -> Result<(), String> {
        let filled = self.files.fill(volume_id, snapshot_id);
        filled.map_err(|error| error.to_string())
    }

    fn forget_content(&self, id: &str) -> Result<(), String> {
        let forgotten = self.files.forget_content(id);
        forgotten.map_err(|error| error.to_string())
    }

    fn retain(&self, known: &BTreeSet<String>) -> Result<(), String> {
        let known = |id: &str| known.contains(id);
        let retained = self
            .files
            .retain(known)
            .and_then(|()| self.fleet.retain(known));
        retained.map_err(|error| error.to_string())
    }

    fn cut_off(&self) {
        self.fleet.cut_off();
    }

    async fn shut_down(&self) {
        self.fleet.shut_down().await;
        if let Err(error) = self.files.flush() {
            tracing::error!(%error, "files could not be written");
        }
    }
}
