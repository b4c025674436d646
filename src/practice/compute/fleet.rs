//! All hosts of the account: powering on and off, and what is kept of them. What happens on a host does not enter here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;

use super::boot::{self, BootError};
use super::host::Host;
use super::spec::Record;
use super::{Disk, Edition, HostSpec, Surroundings, commands, image};
use crate::practice::clock::{Activity, Clock};
use crate::practice::sshd;
use crate::practice::storage::{Errno, Files, FilesError, Tree};

/// Wall time for what runs on a host to end when the power goes. What does not give way by then goes on in the dark.
const POWER_DOWN: Duration = Duration::from_secs(2);

/// All virtual hosts of the account. Clones share them; when the last one goes, the power goes.
#[derive(Clone)]
pub struct Fleet {
    mains: Arc<Mains>,
}

/// What the hosts hang on. They do not hold it.
struct Mains {
    shared: Arc<Shared>,
}

impl Drop for Mains {
    fn drop(&mut self) {
        self.shared.cut_off();
    }
}

struct Shared {
    clock: Clock,
    files: Files,
    surroundings: Arc<dyn Surroundings>,
    running: Mutex<HashMap<String, Arc<Running>>>,
    images: [OnceLock<Result<Arc<Tree>, Errno>>; 2],
}

/// A host that is powered on.
struct Running {
    host: Arc<Host>,
    /// The port of its SSH server: bound from power on, so that a host that runs is never unknown. Until the server is
    /// up connections wait.
    door: Arc<TcpListener>,
    /// Its private host key when this is its first boot, which puts it on the disk and runs the user data.
    first: Option<String>,
}

impl Fleet {
    /// The hosts whose disks and notes are in `files`. None runs until it is launched or started.
    #[must_use]
    pub fn new(clock: Clock, files: Files, surroundings: Arc<dyn Surroundings>) -> Self {
        let shared = Shared {
            clock,
            files,
            surroundings,
            running: Mutex::default(),
            images: Default::default(),
        };
        Self {
            mains: Arc::new(Mains {
                shared: Arc::new(shared),
            }),
        }
    }

    /// Starts a host for the first time: a fresh root disk from the image, then cloud-init. Returns once it is powered on, not booted.
    pub async fn launch(&self, spec: HostSpec) -> Result<(), String> {
        self.shared().power_off(&spec.instance_id).await;
        let (disk, host_key) = self
            .shared()
            .make_disk(&spec)
            .map_err(|why| why.to_string())?;
        let door = self.shared().door(&spec.instance_id).await?;
        self.shared()
            .power_on(spec, disk, String::new(), Some(host_key), door);
        Ok(())
    }

    /// Powers a known host on again: its disk as it was, fstab mounted, user data not run. One whose first boot was cut
    /// off starts again from the image.
    pub async fn start(&self, instance_id: &str) -> Result<(), String> {
        self.shared().power_off(instance_id).await;
        let door = self.shared().door(instance_id).await?;
        self.start_behind(instance_id, door)
    }

    /// Powers a host off and on. It keeps its port all the while.
    pub async fn restart(&self, instance_id: &str) -> Result<(), String> {
        let running = self.shared().running().get(instance_id).cloned();
        let Some(running) = running else {
            return self.start(instance_id).await;
        };
        running.power_off().await;
        self.shared().settle_ended(instance_id, Some(&running.host));
        self.start_behind(instance_id, Arc::clone(&running.door))
    }

    fn start_behind(&self, instance_id: &str, door: Arc<TcpListener>) -> Result<(), String> {
        let (record, spec) = self
            .shared()
            .record(instance_id)
            .map_err(|why| why.to_string())?
            .ok_or_else(|| format!("nothing is known of the host of {instance_id}"))?;
        if !record.settled {
            let made = self.shared().make_disk(&spec);
            let (disk, host_key) = made.map_err(|why| why.to_string())?;
            self.shared()
                .power_on(spec, disk, String::new(), Some(host_key), door);
            return Ok(());
        }
        let files = &self.shared().files;
        let disk = files.disk(instance_id).map_err(|why| why.to_string())?;
        let disk = disk.ok_or_else(|| format!("the disk of {instance_id} is gone"))?;
        let console = files.note(&console_note(instance_id)).ok().flatten();
        self.shared()
            .power_on(spec, disk, console.unwrap_or_default(), None, door);
        Ok(())
    }

    /// Shuts a host down; its sessions end.
    pub async fn stop(&self, instance_id: &str) {
        let host = self.shared().power_off(instance_id).await;
        // One that does not run was cut off by the end of the program on its way to being stopped.
        self.shared().settle_ended(instance_id, host.as_deref());
    }

    /// Ends a host and forgets its disk and all notes of it. Answers with what its console had shown.
    pub async fn terminate(&self, instance_id: &str) -> String {
        let shown = match self.shared().power_off(instance_id).await {
            Some(host) => host.console_text(),
            None => self.console_output(instance_id),
        };
        let files = &self.shared().files;
        let gone = [host_note, port_note, console_note]
            .iter()
            .try_for_each(|note| files.delete_note(&note(instance_id)))
            .and_then(|()| files.delete_disk(instance_id));
        if let Err(why) = gone {
            tracing::warn!(%why, instance_id, "a terminated host is still on the disk");
        }
        shown
    }

    /// Forgets the notes of every host that is not `known`, as kills may leave them.
    pub fn retain(&self, known: impl Fn(&str) -> bool) -> Result<(), FilesError> {
        let files = &self.shared().files;
        for (key, _) in files.notes("")? {
            if key.split_once('/').is_some_and(|(_, id)| !known(id)) {
                files.delete_note(&key)?;
            }
        }
        Ok(())
    }

    /// What the serial console has shown: boot lines, SSH host key block, the cloud-init output.
    #[must_use]
    pub fn console_output(&self, instance_id: &str) -> String {
        if let Some(running) = self.shared().running().get(instance_id) {
            return running.host.console_text();
        }
        let kept = self.shared().files.note(&console_note(instance_id));
        kept.ok().flatten().unwrap_or_default()
    }

    /// The loopback port of this host's SSH server, which may not be up yet; `None` when the host does not run.
    #[must_use]
    pub fn ssh_port(&self, instance_id: &str) -> Option<u16> {
        let running = self.shared().running();
        let address = running.get(instance_id)?.door.local_addr();
        address.ok().map(|address| address.port())
    }

    /// A volume was attached to a host, or has another size.
    pub fn attach(&self, instance_id: &str, disk: &Disk) {
        let running = self.shared().running().get(instance_id).cloned();
        if let Some(running) = running {
            running.host.attach(disk);
        }
    }

    /// Takes a volume from a host, if nothing there uses it, or by `force`. Answers whether it is gone.
    pub fn release(&self, instance_id: &str, volume: &str, force: bool) -> bool {
        let running = self.shared().running().get(instance_id).cloned();
        let gone = running.is_none_or(|running| running.host.release(volume, force));
        if gone && let Err(why) = self.shared().files.put_away(volume) {
            tracing::warn!(%why, volume, "the files of a volume stay in memory");
        }
        gone
    }

    /// Takes the power from every host at once and does not wait: what the end of the program looks like to them.
    pub fn cut_off(&self) {
        self.shared().cut_off();
    }

    /// Ends every host without losing data; used when the account stops serving.
    pub async fn shut_down(&self) {
        let ids: Vec<String> = self.shared().running().keys().cloned().collect();
        for id in ids {
            if let Some(host) = self.shared().power_off(&id).await {
                self.shared().keep_console(&host);
            }
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.mains.shared
    }
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, HashMap<String, Arc<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut_off(&self) {
        for running in self.running().values() {
            running.host.power.cancel();
        }
    }

    fn power_on(
        self: &Arc<Self>,
        spec: HostSpec,
        disk: Arc<Tree>,
        console: String,
        first: Option<String>,
        door: Arc<TcpListener>,
    ) {
        let id = spec.instance_id.clone();
        let host = Arc::new(Host::new(
            spec,
            self.clock.clone(),
            Arc::clone(&self.surroundings),
            self.files.clone(),
            disk,
            console,
        ));
        let running = Arc::new(Running {
            host: Arc::clone(&host),
            door,
            first,
        });
        self.running().insert(id, Arc::clone(&running));
        // Awake from now on: whoever asked for the host need not be.
        let activity = Arc::new(host.clock.activity());
        let (fleet, power) = (Arc::clone(self), host.power.clone());
        host.tasks.spawn(async move {
            tokio::select! {
                () = power.cancelled() => {}
                done = fleet.boot(&running, activity) => {
                    if let Err(why) = done {
                        let host = &running.host;
                        tracing::warn!(%why, host = host.spec.instance_id, "a boot came to nothing");
                        host.console_line(&format!("systemd[1]: Emergency mode: {why}."));
                        sshd::refuse(host, Arc::clone(&running.door));
                    }
                }
            }
        });
        host.tasks.close();
    }

    async fn boot(&self, running: &Arc<Running>, activity: Arc<Activity>) -> Result<(), BootError> {
        let host = &running.host;
        boot::kernel(host, &activity).await?;
        if let Some(host_key) = &running.first {
            boot::identify(host, &activity, host_key).await?;
        } else {
            boot::mount_all(host, &activity).await?;
        }
        commands::system::start_enabled(host);
        let systemd = host.spec.edition.has_systemd();
        match sshd::start(host, Arc::clone(&running.door)) {
            Ok(()) => {
                host.console_line(if systemd {
                    "systemd[1]: Started sshd.service - OpenSSH server daemon."
                } else {
                    "Starting sshd:  [  OK  ]"
                });
            }
            Err(why) => {
                host.console_line(&if systemd {
                    format!("systemd[1]: Failed to start sshd.service: {why}.")
                } else {
                    format!("Starting sshd: {why} [FAILED]")
                });
                sshd::refuse(host, Arc::clone(&running.door));
            }
        }
        if running.first.is_some() {
            boot::user_data(host, activity).await?;
            // Cut off in the middle of it, however it took that.
            if host.power.is_cancelled() {
                return Ok(());
            }
            if let Err(why) = self.settle(&host.spec.instance_id) {
                tracing::warn!(%why, host = host.spec.instance_id, "the end of a boot was not noted");
            }
        }
        host.console(&format!(
            "\n{} (practice)\n\n{} login: \n",
            host.spec.edition.name(),
            host.hostname()
        ));
        self.keep_console(host);
        Ok(())
    }

    /// Binds the port of a host: the one it had the last time, if that is free.
    async fn door(&self, instance_id: &str) -> Result<Arc<TcpListener>, String> {
        let note = port_note(instance_id);
        let last = self.files.note(&note).ok().flatten();
        let last = last.and_then(|text| text.parse().ok());
        let bound = async {
            let door = sshd::bind(last).await?;
            let port = door.local_addr()?.port();
            std::io::Result::Ok((door, port))
        };
        let (door, port) = bound
            .await
            .map_err(|why| format!("no port for its SSH server: {why}"))?;
        if last != Some(port)
            && let Err(why) = self.files.set_note(&note, &port.to_string())
        {
            tracing::warn!(%why, "a port was not noted");
        }
        Ok(Arc::new(door))
    }

    /// Takes the power away, and waits until all that runs has ended.
    async fn power_off(&self, instance_id: &str) -> Option<Arc<Host>> {
        let running = self.running().remove(instance_id)?;
        running.power_off().await;
        Some(Arc::clone(&running.host))
    }

    /// A fresh disk, and the host key for it: the one it has had, if it is known. The note comes first: a disk without
    /// one would never be found again.
    fn make_disk(&self, spec: &HostSpec) -> Result<(Arc<Tree>, String), Failure> {
        let id = &spec.instance_id;
        let host_key = match self.record(id)? {
            Some((record, _)) => record.host_key,
            None => boot::new_host_key()?,
        };
        self.keep(&Record::new(spec, host_key.clone()), id)?;
        let image = self.image(spec.edition).map_err(Failure::Image)?;
        Ok((self.files.create_disk_from(id, &image)?, host_key))
    }

    fn image(&self, edition: Edition) -> Result<Arc<Tree>, Errno> {
        let image = match edition {
            Edition::Of2023 => &self.images[0],
            Edition::Of2018 => &self.images[1],
        };
        image.get_or_init(|| image::build(edition)).clone()
    }

    fn record(&self, instance_id: &str) -> Result<Option<(Record, HostSpec)>, Failure> {
        let Some(text) = self.files.note(&host_note(instance_id))? else {
            return Ok(None);
        };
        let record: Record = serde_json::from_str(&text)?;
        Ok(record.spec().map(|spec| (record, spec)))
    }

    fn keep(&self, record: &Record, instance_id: &str) -> Result<(), Failure> {
        let text = serde_json::to_string(record)?;
        Ok(self.files.set_note(&host_note(instance_id), &text)?)
    }

    /// Writes down what is left of a host that was ended on purpose: its disk, what it has shown, and that user data has
    /// had its turn, as it has with cloud-init.
    fn settle_ended(&self, id: &str, host: Option<&Host>) {
        if let Err(why) = self.settle(id) {
            tracing::warn!(%why, id, "the end of a host was not noted");
        }
        if let Some(host) = host {
            self.keep_console(host);
        }
    }

    /// Writes the disk, and notes that it is worth keeping from now on.
    fn settle(&self, instance_id: &str) -> Result<(), Failure> {
        // What the note speaks of must be on the disk before it.
        self.files.flush()?;
        let Some((mut record, _)) = self.record(instance_id)? else {
            return Ok(());
        };
        if record.settled {
            return Ok(());
        }
        record.settled = true;
        self.keep(&record, instance_id)
    }

    fn keep_console(&self, host: &Host) {
        let note = console_note(&host.spec.instance_id);
        if let Err(why) = self.files.set_note(&note, &host.console_text()) {
            tracing::warn!(%why, host = host.spec.instance_id, "the console output was not kept");
        }
    }
}

impl Running {
    /// Takes the power away, and waits until all that runs has ended.
    async fn power_off(&self) {
        let host = &self.host;
        host.power.cancel();
        if tokio::time::timeout(POWER_DOWN, host.tasks.wait())
            .await
            .is_err()
        {
            let id = &host.spec.instance_id;
            tracing::warn!(id, "something on a host does not end");
        }
    }
}

/// Why a host could not be made or found.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error(transparent)]
    Boot(#[from] BootError),
    #[error("the launch image: {0}")]
    Image(Errno),
    #[error("the note of the host: {0}")]
    Note(#[from] serde_json::Error),
}

fn host_note(instance_id: &str) -> String {
    format!("host/{instance_id}")
}

fn port_note(instance_id: &str) -> String {
    format!("ssh-port/{instance_id}")
}

fn console_note(instance_id: &str) -> String {
    format!("console/{instance_id}")
}

#[cfg(test)]
mod tests;
