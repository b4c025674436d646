//! The model of ext4 against mke2fs and resize2fs, which Debian always has.

use std::path::Path;
use std::process::Command;

use jiff::Timestamp;

use super::{BLOCK, Superblock};

const UUID: &str = "11111111-2222-4333-8444-555555555555";

fn run(program: &str, args: &[&str], image: &Path) -> String {
    let output = Command::new(program)
        .args(args)
        .arg(image)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What `dumpe2fs -h` says of a filesystem.
fn figure(image: &Path, name: &str) -> u64 {
    let told = run("dumpe2fs", &["-h"], image);
    let line = told.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap()
        .trim_start_matches(':')
        .trim()
        .parse()
        .unwrap()
}

fn agree(image: &Path, model: &Superblock) {
    assert_eq!(figure(image, "Block count"), model.blocks);
    assert_eq!(figure(image, "Reserved block count"), model.reserved);
    assert_eq!(
        figure(image, "Free blocks"),
        model.free_blocks(0),
        "{model:?}"
    );
    let (all, free) = model.inodes(0);
    assert_eq!(figure(image, "Inode count"), all);
    assert_eq!(figure(image, "Free inodes"), free);
}

#[test]
fn a_filesystem_has_the_room_that_mke2fs_gives_it_and_resize2fs_leaves_it() {
    for (gib, grown) in [(1, 3), (5, 8), (16, 17), (40, 100)] {
        let image = tempfile::NamedTempFile::new().unwrap();
        let image = image.path();
        let size = |gib: u64| {
            std::fs::File::options()
                .write(true)
                .open(image)
                .unwrap()
                .set_len(gib << 30)
        };
        size(gib).unwrap();
        run(
            "mkfs.ext4",
            &["-q", "-O", "^orphan_file,^metadata_csum_seed", "-U", UUID],
            image,
        );
        let mut model =
            Superblock::new(gib << 30, UUID.into(), String::new(), Timestamp::UNIX_EPOCH);
        agree(image, &model);
        assert_eq!(figure(image, "Overhead clusters"), model.overhead());
        assert_eq!(figure(image, "Reserved GDT blocks"), model.descriptors().1);
        assert_eq!(figure(image, "Total journal blocks"), model.journal());
        let blocks = run("dumpe2fs", &[], image);
        let copies: Vec<u64> = blocks
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Backup superblock at "))
            .map(|rest| rest.split(',').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(copies, model.copies());
        size(grown).unwrap();
        run("resize2fs", &["-f"], image);
        model.grow(grown << 30, Timestamp::UNIX_EPOCH);
        agree(image, &model);
        assert_eq!(model.capacity() % BLOCK, 0);
    }
}
