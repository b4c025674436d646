//! The block devices of a host: its root disk and the volumes that are attached to it, with their names in /dev. What is
//! on them does not enter here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use tokio::sync::watch;

use super::host::Host;
use super::{Disk, image};
use crate::practice::storage::{
    Block, Content, Errno, Gate, Kind, Outcome, Patience, Superblock, Tree, Use, View,
};

/// Bytes of a sector, in which partitions are told.
pub const SECTOR: u64 = 512;
/// Group `disk`, to which block devices belong.
const DISK_GROUP: u32 = 6;
/// Major numbers: of NVMe disks (and partitions without a number of their own), of Xen's.
const EXTENDED: u32 = 259;
const XEN: u32 = 202;
/// The UUID of the root filesystem, as the image's fstab has it.
pub const ROOT_UUID: &str = "8f3d3a5e-6c0f-4b0e-9d4c-2a7f5d1b6e90";

/// A disk, or a partition of one.
#[derive(Clone)]
pub struct Device {
    /// `nvme1n1`, `xvdf`.
    pub name: String,
    /// Major and minor number.
    pub number: (u32, u32),
    /// `vol-…`
    pub volume: String,
    /// What was asked for when it was attached: `/dev/sdf`.
    pub asked: String,
    /// Its size.
    pub bytes: u64,
    /// Of the root disk, in the order of their numbers.
    pub partitions: Vec<Partition>,
    /// Holds up who uses the filesystem on it.
    pub brake: Arc<Brake>,
}

/// A partition of the root disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// `nvme0n1p1`, `xvda1`.
    pub name: String,
    /// Major and minor number.
    pub number: (u32, u32),
    /// Its first sector.
    pub start: u64,
    /// Sectors that it has.
    pub sectors: u64,
    /// As fdisk names its type.
    pub kind: &'static str,
}

impl Partition {
    /// Its size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.sectors * SECTOR
    }
}

impl Device {
    /// Its path.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/dev/{}", self.name)
    }

    /// The serial number of an NVMe disk: the volume's id without its dash.
    #[must_use]
    pub fn serial(&self) -> Option<String> {
        let nvme = self.name.starts_with("nvme");
        nvme.then(|| self.volume.replacen('-', "", 1))
    }
}

/// What a path under /dev leads to.
#[derive(Clone)]
pub enum Found {
    /// A disk.
    Disk(Device),
    /// A partition of the root disk.
    Partition(Device, Partition),
}

impl Found {
    /// Its path.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Disk(device) => device.path(),
            Self::Partition(_, partition) => format!("/dev/{}", partition.name),
        }
    }

    /// Its size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Disk(device) => device.bytes,
            Self::Partition(_, partition) => partition.bytes(),
        }
    }
}

/// Stands before the filesystem on a device: writers wait while it is frozen, and nobody gets anywhere once the device
/// was taken away.
pub struct Brake(watch::Sender<Hold>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Hold {
    frozen: bool,
    lost: bool,
}

impl Default for Brake {
    fn default() -> Self {
        Self(watch::Sender::new(Hold::default()))
    }
}

impl Brake {
    /// Lets nobody write (`FIFREEZE`); `Errno::Busy` when that is so already.
    pub fn freeze(&self) -> Outcome<()> {
        self.set(true).then_some(()).ok_or(Errno::Busy)
    }

    /// Lets everybody write again (`FITHAW`); `Errno::Invalid` when everybody could.
    pub fn thaw(&self) -> Outcome<()> {
        self.set(false).then_some(()).ok_or(Errno::Invalid)
    }

    /// Whether it is frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.0.borrow().frozen
    }

    fn set(&self, frozen: bool) -> bool {
        self.0.send_if_modified(|hold| {
            let changes = hold.frozen != frozen;
            hold.frozen = frozen;
            changes
        })
    }

    fn lose(&self) {
        self.0.send_modify(|hold| hold.lost = true);
    }
}

#[async_trait]
impl Gate for Brake {
    fn is_open(&self, purpose: Use) -> bool {
        let hold = *self.0.borrow();
        !hold.lost && (purpose == Use::Look || !hold.frozen)
    }

    async fn pass(&self, purpose: Use, patience: &dyn Patience) -> Outcome<()> {
        let mut holds = self.0.subscribe();
        let released = async {
            // Ends in any case with the host.
            let _ = holds
                .wait_for(|hold| hold.lost || !hold.frozen || purpose == Use::Look)
                .await;
        };
        patience.wait(None, Box::pin(released)).await;
        if self.0.borrow().lost {
            return Err(Errno::Io);
        }
        Ok(())
    }
}

/// The block devices of one host.
pub struct Disks {
    nitro: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The root disk first.
    devices: Vec<Device>,
    /// What was made of them in /dev, with where links lead.
    made: BTreeMap<String, Option<String>>,
}

impl Disks {
    /// Those of an instance of this type that boots: the root disk and what is attached.
    #[must_use]
    pub fn new(instance_type: &str, attached: &[Disk]) -> Self {
        // Of the types that there are here, only the second generation of burstable ones runs on Xen.
        let nitro = !instance_type.starts_with("t2.");
        let (roots, mut others): (Vec<_>, Vec<_>) = attached.iter().partition(|disk| disk.root);
        let root = root(nitro, roots.first().copied());
        // NVMe disks get their names in the order in which they answer, which is none; their ids have none either.
        others.sort_by(|one, other| one.volume.cmp(&other.volume));
        let disks = Self {
            nitro,
            state: Mutex::default(),
        };
        let mut state = disks.lock();
        state.devices.push(root);
        for disk in others {
            let device = disks.device(&state.devices, disk);
            state.devices.push(device);
        }
        drop(state);
        disks
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All disks, the root disk first, as lsblk orders them.
    #[must_use]
    pub fn all(&self) -> Vec<Device> {
        let mut all = self.lock().devices.clone();
        all.sort_by_key(|device| device.number);
        all
    }

    /// The partition of the root filesystem.
    #[must_use]
    pub fn root_partition(&self) -> String {
        let state = self.lock();
        let root = state
            .devices
            .first()
            .and_then(|root| root.partitions.first());
        root.map(|partition| format!("/dev/{}", partition.name))
            .unwrap_or_default()
    }

    /// What has this path, without links.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<Found> {
        let name = path.strip_prefix("/dev/")?;
        self.lock().devices.iter().find_map(|device| {
            if device.name == name {
                return Some(Found::Disk(device.clone()));
            }
            let mut partitions = device.partitions.iter();
            let found = partitions.find(|partition| partition.name == name)?;
            Some(Found::Partition(device.clone(), found.clone()))
        })
    }

    /// How a volume is called here.
    fn device(&self, others: &[Device], disk: &Disk) -> Device {
        let asked = disk.device.strip_prefix("/dev/").unwrap_or(&disk.device);
        let (name, number) = if self.nitro {
            let taken = |name: &String| others.iter().any(|other| other.name == *name);
            let mut names = (1..=u32::from(u16::MAX)).map(|count| format!("nvme{count}n1"));
            let minors: Vec<u32> = others
                .iter()
                .flat_map(|other| {
                    let partitions = other.partitions.iter().map(|one| one.number.1);
                    partitions.chain([other.number.1])
                })
                .collect();
            let minor = (0..=u32::from(u16::MAX)).find(|minor| !minors.contains(minor));
            let name = names.find(|name| !taken(name));
            (name.unwrap_or_default(), (EXTENDED, minor.unwrap_or(0)))
        } else {
            let letters = asked
                .strip_prefix("sd")
                .or_else(|| asked.strip_prefix("xvd"))
                .unwrap_or(asked);
            let index = letters.bytes().fold(0, |sum: u32, letter| {
                26 * sum + u32::from(letter.saturating_sub(b'a'))
            });
            (format!("xvd{letters}"), (XEN, 16 * index))
        };
        Device {
            name,
            number,
            volume: disk.volume.clone(),
            asked: format!("/dev/{asked}"),
            bytes: u64::from(disk.gib) << 30,
            partitions: Vec::new(),
            brake: Arc::default(),
        }
    }
}

fn root(nitro: bool, disk: Option<&Disk>) -> Device {
    let bytes = disk.map_or(image::DISK_BYTES, |disk| u64::from(disk.gib) << 30);
    let name = if nitro { "nvme0n1" } else { "xvda" };
    let major = if nitro { EXTENDED } else { XEN };
    let part = |number: u32, minor, start, sectors, kind| Partition {
        name: format!("{name}{}{number}", if nitro { "p" } else { "" }),
        number: minor,
        start,
        sectors,
        kind,
    };
    // As on the images of Amazon Linux 2023.
    let sectors = bytes / SECTOR - 24_576 - 33;
    let minors = if nitro {
        [(EXTENDED, 1), (EXTENDED, 2), (EXTENDED, 3)]
    } else {
        [(XEN, 1), (EXTENDED, 0), (EXTENDED, 1)]
    };
    let partitions = vec![
        part(1, minors[0], 24_576, sectors, "Linux filesystem"),
        part(127, minors[1], 22_528, 2048, "BIOS boot"),
        part(128, minors[2], 2048, 20_480, "EFI System"),
    ];
    Device {
        name: name.to_owned(),
        number: (major, 0),
        volume: disk.map(|disk| disk.volume.clone()).unwrap_or_default(),
        asked: "/dev/xvda".to_owned(),
        bytes,
        partitions,
        brake: Arc::default(),
    }
}

impl Host {
    /// A volume was attached, or has another size.
    pub fn attach(self: &Arc<Self>, disk: &Disk) {
        let mut state = self.disks.lock();
        let bytes = u64::from(disk.gib) << 30;
        let there = state
            .devices
            .iter_mut()
            .find(|device| device.volume == disk.volume);
        let line = match there {
            Some(device) if device.bytes == bytes => return,
            Some(device) => {
                let before = std::mem::replace(&mut device.bytes, bytes) / SECTOR;
                let (name, after) = (&device.name, bytes / SECTOR);
                format!("{name}: detected capacity change from {before} to {after}")
            }
            None => {
                let device = self.disks.device(&state.devices, disk);
                let line = match device.name.strip_suffix("n1") {
                    Some(controller) => {
                        format!("nvme {controller}: 2/0/0 default/read/poll queues")
                    }
                    None => format!("blkfront: {}: barrier or flush: disabled", device.name),
                };
                state.devices.push(device);
                line
            }
        };
        drop(state);
        self.console_line(&line);
        self.name_devices();
    }

    /// Takes a volume away, if nothing uses it, or in any case by `force`. Answers whether it is gone.
    pub fn release(self: &Arc<Self>, volume: &str, force: bool) -> bool {
        let mut state = self.disks.lock();
        let Some(at) = state
            .devices
            .iter()
            .position(|device| device.volume == volume)
        else {
            return true;
        };
        let path = state.devices[at].path();
        let mounted = self
            .mounts
            .mounts()
            .iter()
            .any(|mount| mount.source == path);
        if mounted && !force {
            return false;
        }
        let device = state.devices.remove(at);
        drop(state);
        if mounted {
            device.brake.lose();
            self.console_line(&format!(
                "EXT4-fs error (device {}): I/O error: device removed",
                device.name
            ));
        }
        self.name_devices();
        true
    }

    /// What a disk or a partition with a filesystem is stored on, and its size: its bytes are not modelled, but how
    /// long it takes to read them is.
    #[must_use]
    pub fn bytes_of(&self, path: &str) -> Option<(Arc<Tree>, u64)> {
        let found = self.disks.at(path)?;
        let tree = match &found {
            Found::Disk(device) if device.partitions.is_empty() => {
                self.files.volume(&device.volume).ok()??
            }
            _ => self.mounts.holding("/").tree,
        };
        Some((tree, found.bytes()))
    }

    /// What the filesystem on a disk says of itself, if there is one that is modelled.
    #[must_use]
    pub fn superblock(&self, device: &Device) -> Option<Superblock> {
        let found = self.files.superblock(&device.volume);
        found.unwrap_or_else(|why| {
            tracing::warn!(%why, volume = device.volume, "a superblock could not be read");
            None
        })
    }

    /// Gives every device its node in /dev and its links, as udev does; takes those away that are not right any more.
    pub fn name_devices(self: &Arc<Self>) {
        let devices = self.disks.all();
        let mut wanted: BTreeMap<String, Option<String>> = BTreeMap::new();
        for device in &devices {
            let names = [device.name.clone()];
            let partitions = device.partitions.iter().map(|one| one.name.clone());
            for name in names.into_iter().chain(partitions) {
                wanted.insert(format!("/dev/{name}"), None);
            }
            for (link, target) in self.links(device) {
                wanted.entry(link).or_insert(Some(target));
            }
        }
        let mut state = self.disks.lock();
        let before = std::mem::replace(&mut state.made, wanted.clone());
        drop(state);
        let root = self.root();
        for (path, _) in before
            .iter()
            .filter(|(path, what)| wanted.get(*path) != Some(*what))
        {
            let _ = root.remove_one(path);
        }
        for (path, what) in wanted
            .iter()
            .filter(|(path, what)| before.get(*path) != Some(*what))
        {
            if let Err(why) = self.name_device(&root, path, what.as_deref()) {
                tracing::warn!(%why, path, "a device has no name");
            }
        }
    }

    fn name_device(self: &Arc<Self>, root: &View, path: &str, target: Option<&str>) -> Outcome<()> {
        if let Some(target) = target {
            let (directory, _) = path.rsplit_once('/').unwrap_or_default();
            root.make_dirs(directory)?;
            return root.make_symlink(target, path);
        }
        let node = Node {
            host: Arc::downgrade(self),
            path: path.to_owned(),
            number: self.number(path),
        };
        root.make(path, Kind::Block(Arc::new(node)), 0o666)?;
        root.set_mode(path, 0o660)?;
        root.set_owner(path, Some(0), Some(DISK_GROUP), false)
    }

    fn number(&self, path: &str) -> (u32, u32) {
        match self.disks.at(path) {
            Some(Found::Disk(device)) => device.number,
            Some(Found::Partition(_, partition)) => partition.number,
            None => (0, 0),
        }
    }

    /// Links of a disk and its partitions, and where they lead.
    fn links(&self, device: &Device) -> Vec<(String, String)> {
        let mut links = Vec::new();
        let asked = device.asked.trim_start_matches("/dev/");
        // On Nitro the name that was asked for (`ebsnvme-id -u`), on Xen the other spelling (`ec2udev-vbd`).
        let other = match device.name.strip_prefix("xvd") {
            Some(letters) => format!("sd{letters}"),
            None => asked.to_owned(),
        };
        links.push((format!("/dev/{other}"), device.name.clone()));
        for partition in &device.partitions {
            let number = partition.name.trim_start_matches(device.name.as_str());
            let number = number.trim_start_matches('p');
            links.push((format!("/dev/{other}{number}"), partition.name.clone()));
        }
        let below = |kind: &str, name: &str, target: &str| {
            (
                format!("/dev/disk/{kind}/{name}"),
                format!("../../{target}"),
            )
        };
        if let Some(serial) = device.serial().filter(|serial| !serial.is_empty()) {
            let id = format!("nvme-Amazon_Elastic_Block_Store_{serial}");
            links.push(below("by-id", &id, &device.name));
            for partition in &device.partitions {
                let number = partition.name.rsplit('p').next().unwrap_or_default();
                links.push(below(
                    "by-id",
                    &format!("{id}-part{number}"),
                    &partition.name,
                ));
            }
        }
        if let Some(first) = device.partitions.first() {
            links.push(below("by-uuid", ROOT_UUID, &first.name));
            links.push(below("by-label", "\\x2f", &first.name));
        } else if let Some(superblock) = self.superblock(device) {
            links.push(below("by-uuid", &superblock.uuid, &device.name));
            if !superblock.label.is_empty() {
                links.push(below("by-label", &superblock.label, &device.name));
            }
        }
        links
    }

    /// The text of /proc/partitions.
    #[must_use]
    pub fn proc_partitions(&self) -> String {
        let mut text = "major minor  #blocks  name\n\n".to_owned();
        for device in self.disks.all() {
            let disk = (device.number, device.bytes, device.name.clone());
            let partitions = device
                .partitions
                .iter()
                .map(|one| (one.number, one.bytes(), one.name.clone()));
            for ((major, minor), bytes, name) in [disk].into_iter().chain(partitions) {
                let blocks = bytes / 1024;
                text.push_str(&format!("{major:>4}  {minor:>7} {blocks:>10} {name}\n"));
            }
        }
        text
    }
}

/// The node of a device: its bytes, as far as they are modelled.
struct Node {
    host: Weak<Host>,
    path: String,
    number: (u32, u32),
}

impl Node {
    fn find(&self) -> Outcome<(Arc<Host>, Found)> {
        let host = self.host.upgrade().ok_or(Errno::Io)?;
        let found = host.disks.at(&self.path).ok_or(Errno::Io)?;
        Ok((host, found))
    }
}

impl Block for Node {
    fn number(&self) -> (u32, u32) {
        self.number
    }

    /// A blank volume is full of zeros; the bytes of a filesystem are not modelled.
    fn read(&self) -> Outcome<Content> {
        match self.find()? {
            (host, Found::Disk(device)) if device.partitions.is_empty() => {
                match host.superblock(&device) {
                    None => Ok(Content::zeros(device.bytes)),
                    Some(_) => Err(refused(&host, &device, "reading a filesystem byte by byte")),
                }
            }
            (host, Found::Disk(device) | Found::Partition(device, _)) => Err(refused(
                &host,
                &device,
                "reading the root disk byte by byte",
            )),
        }
    }

    /// Zeros at the beginning take a filesystem away.
    fn write(&self, from: u64, content: &Content) -> Outcome<()> {
        let (host, found) = self.find()?;
        let Found::Disk(device) = found else {
            return Err(Errno::Busy);
        };
        if !device.partitions.is_empty() {
            return Err(Errno::Busy);
        }
        if from.saturating_add(content.len()) > device.bytes {
            return Err(Errno::NoSpace);
        }
        if content.is_empty() {
            return Ok(());
        }
        let path = device.path();
        if host
            .mounts
            .mounts()
            .iter()
            .any(|mount| mount.source == path)
        {
            return Err(Errno::Busy);
        }
        let zeros = |part: &[u8]| part.iter().all(|byte| *byte == 0);
        let formatted = host.superblock(&device).is_some();
        // The superblock is the second kibibyte.
        let covers = from <= 1024 && from + content.len() > 1024;
        match (content.parts().all(zeros), formatted) {
            (true, false) => return Ok(()),
            (true, true) if covers => {}
            _ => return Err(refused(&host, &device, "writing to a device byte by byte")),
        }
        host.files.wipe(&device.volume).map_err(|_| Errno::Io)?;
        host.name_devices();
        Ok(())
    }
}

fn refused(host: &Host, device: &Device, what: &str) -> Errno {
    host.console_line(&format!(
        "{}: a practice instance does not model {what}",
        device.name
    ));
    Errno::Io
}
