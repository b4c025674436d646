//! fdisk -l: disks and their partitions. Partition tables are not changed here.

use std::fmt::Write as _;

use async_trait::async_trait;

use super::{Found, find};
use crate::practice::compute::commands::system::program::{Call, Ended, Program};
use crate::practice::compute::commands::system::table::{Align, columns};
use crate::practice::compute::disks::{Device, Partition, SECTOR};
use crate::practice::compute::host::Seat;

/// `fdisk`
pub struct Fdisk;

#[async_trait]
impl Program for Fdisk {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let (options, operands): (Vec<&String>, Vec<&String>) =
            call.args.iter().partition(|arg| arg.starts_with('-'));
        let unknown = options
            .iter()
            .find(|option| !matches!(option.as_str(), "-l" | "--list" | "-u"));
        if let Some(option) = unknown {
            return call.unknown_option(1, option).await;
        }
        if options.is_empty() {
            let what = match operands.first() {
                None => "fdisk: bad usage\nTry 'fdisk --help' for more information.".to_owned(),
                Some(_) => "fdisk: a practice instance does not change partition tables".to_owned(),
            };
            return call.fail(1, what).await;
        }
        let host = &seat.host;
        let root = seat.user.identity.is_root();
        let mut parts = Vec::new();
        let mut status = 0;
        if operands.is_empty() {
            for device in host.disks.all() {
                if root {
                    parts.push(disk(&device));
                } else {
                    let what = format!("fdisk: cannot open {}: Permission denied", device.path());
                    call.complain(what).await?;
                }
            }
        }
        for operand in operands {
            let path = call.path(operand);
            let why = match (host.view(&seat.user).stat(&path), find(host, &path)) {
                (Err(why), _) => why.to_string(),
                (Ok(_), None) => "Inappropriate ioctl for device".to_owned(),
                (Ok(_), Some(_)) if !root => "Permission denied".to_owned(),
                (Ok(_), Some(Found::Disk(device))) => {
                    parts.push(disk(&device));
                    continue;
                }
                (Ok(_), Some(Found::Partition(_, partition))) => {
                    parts.push(head(
                        &format!("/dev/{}", partition.name),
                        partition.bytes(),
                        None,
                    ));
                    continue;
                }
            };
            status = call
                .fail(1, format!("fdisk: cannot open {operand}: {why}"))
                .await?;
        }
        call.out(parts.join("\n\n")).await?;
        Ok(status)
    }
}

fn head(path: &str, bytes: u64, model: Option<&str>) -> String {
    let mut text = format!(
        "Disk {path}: {}, {bytes} bytes, {} sectors\n",
        long(bytes),
        bytes / SECTOR
    );
    // An NVMe disk tells its model in forty characters, and prefers blocks of 4 KiB.
    let unit = if model.is_some() { 4096 } else { 512 };
    if let Some(model) = model {
        let _ = writeln!(text, "Disk model: {model:<40}");
    }
    let _ = write!(
        text,
        "Units: sectors of 1 * 512 = 512 bytes\n\
         Sector size (logical/physical): 512 bytes / {unit} bytes\n\
         I/O size (minimum/optimal): {unit} bytes / {unit} bytes\n"
    );
    text
}

fn disk(device: &Device) -> String {
    let nvme = device.serial().is_some();
    let model = nvme.then_some("Amazon Elastic Block Store");
    let mut text = head(&device.path(), device.bytes, model);
    if device.partitions.is_empty() {
        return text;
    }
    text.push_str("Disklabel type: gpt\nDisk identifier: 55D1E01D-2D5A-4E6C-9D8B-3F0C6B7A1E42\n\n");
    let mut rows = vec![
        ["Device", "Start", "End", "Sectors", "Size", "Type"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let row = |partition: &Partition| {
        vec![
            format!("/dev/{}", partition.name),
            partition.start.to_string(),
            (partition.start + partition.sectors - 1).to_string(),
            partition.sectors.to_string(),
            super::lsblk::short(partition.bytes()),
            partition.kind.to_owned(),
        ]
    };
    rows.extend(device.partitions.iter().map(row));
    let (left, right) = ((Align::Left, 0), (Align::Right, 0));
    text.push_str(&columns(&rows, &[left, right, right, right, right, left]));
    text.push_str("\nPartition table entries are not in disk order.\n");
    text
}

/// Bytes as fdisk writes them out: `5 GiB`.
fn long(bytes: u64) -> String {
    let short = super::lsblk::short(bytes);
    let (number, letter) = short.split_at(short.len() - 1);
    match letter {
        "B" => format!("{number} B"),
        letter => format!("{number} {letter}iB"),
    }
}
