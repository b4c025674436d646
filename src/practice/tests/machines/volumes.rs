//! Volumes on real hosts: from a blank one to a restored backup, with kills in between.

use super::*;

impl Machines {
    /// Waits until a volume is in this state, and its attachment in this one.
    async fn volume_gets(&self, id: &str, status: &str, link: Option<&str>) {
        let since = Instant::now();
        loop {
            let found = self.bench.running.account.read(|world| {
                let volume = world.volumes.get(id)?;
                let link = volume.attachment.as_ref().map(|one| one.state.name());
                Some((volume.status(), link))
            });
            if found == Some((status, link)) || found.is_none() && status == "gone" {
                return;
            }
            assert!(
                since.elapsed() < Duration::from_mins(1),
                "{found:?} is not {status} {link:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A volume that is attached to A.
    async fn attached(
        &self,
        wanted: ec2::operation::create_volume::builders::CreateVolumeFluentBuilder,
        device: &str,
    ) -> String {
        let made = wanted.availability_zone("us-east-1a").send().await.unwrap();
        let id = made.volume_id().unwrap().to_owned();
        self.volume_gets(&id, "available", None).await;
        let (instance, _) = self.reached("InstanceA").await;
        let ec2 = self.bench.ec2();
        let attach = ec2.attach_volume().volume_id(&id).instance_id(instance);
        attach.device(device).send().await.unwrap();
        self.volume_gets(&id, "in-use", Some("attached")).await;
        // The host is told right after the account knows.
        self.says("A", &format!("until test -b {device}; do sleep 0.1; done"))
            .await;
        id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_on_a_volume_survives_kills_and_is_restored_from_a_snapshot() {
    let machines = Machines::new().await;
    let (_, status) = machines.create(SHARE_A).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let blank = |machines: &Machines| machines.bench.ec2().create_volume().size(5);
    let volume = machines.attached(blank(&machines), "/dev/sdf").await;
    let line = "file -sL /dev/sdf; sudo mkfs.ext4 -q -L backup /dev/sdf && sudo mkdir /mnt/backup && \
                echo 'LABEL=backup /mnt/backup ext4 defaults,nofail 0 2' | sudo tee -a /etc/fstab && sudo mount /mnt/backup && \
                sudo chmod 777 /mnt/backup && echo first >/mnt/backup/file && sudo fsfreeze -f /mnt/backup";
    machines.says("A", line).await;
    let ec2 = machines.bench.ec2();
    let snapshot = ec2
        .create_snapshot()
        .volume_id(&volume)
        .send()
        .await
        .unwrap();
    let snapshot = snapshot.snapshot_id().unwrap().to_owned();
    machines
        .says(
            "A",
            "sudo fsfreeze -u /mnt/backup; echo second >/mnt/backup/file; sync",
        )
        .await;

    let machines = machines.kill_and_restart().await;
    assert_eq!(
        machines
            .says("A", "cat /mnt/backup/file; findmnt -no FSTYPE /mnt/backup")
            .await,
        "second\next4\n"
    );
    let ec2 = machines.bench.ec2();
    let waits = Instant::now();
    loop {
        let found = ec2
            .describe_snapshots()
            .snapshot_ids(&snapshot)
            .send()
            .await
            .unwrap();
        if found.snapshots()[0].state().unwrap().as_str() == "completed" {
            break;
        }
        assert!(waits.elapsed() < Duration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let from = ec2.create_volume().snapshot_id(&snapshot).size(6);
    let restored = machines.attached(from, "/dev/sdg").await;
    // What was, grown to its device, beside what is. The labels are the same, so it is mounted by the device.
    let line = "sudo mkdir /mnt/restored; sudo mount /dev/sdg /mnt/restored; cat /mnt/restored/file /mnt/backup/file; \
                sudo resize2fs /dev/sdg >/dev/null 2>&1; lsblk -no MOUNTPOINT /dev/sdg; df -h --output=size /mnt/restored | tail -n 1";
    assert_eq!(
        machines.says("A", line).await,
        "first\nsecond\n/mnt/restored\n 5.9G\n"
    );

    // Mounted, it cannot be detached; unmounted, it can, and is there no more.
    ec2.detach_volume()
        .volume_id(&restored)
        .send()
        .await
        .unwrap();
    machines
        .volume_gets(&restored, "in-use", Some("busy"))
        .await;
    machines
        .says(
            "A",
            "echo still >/mnt/restored/there; sudo umount /mnt/restored",
        )
        .await;
    machines.volume_gets(&restored, "available", None).await;
    assert!(!machines.ssh("A", "test -e /dev/sdg").await.status.success());
    // By force it goes, and takes its mount with it.
    ec2.detach_volume()
        .volume_id(&volume)
        .force(true)
        .send()
        .await
        .unwrap();
    machines.volume_gets(&volume, "available", None).await;
    assert!(
        !machines
            .ssh("A", "cat /mnt/backup/file")
            .await
            .status
            .success()
    );
    for id in [&volume, &restored] {
        ec2.delete_volume().volume_id(id).send().await.unwrap();
        machines.volume_gets(id, "gone", None).await;
    }
    ec2.delete_snapshot()
        .snapshot_id(&snapshot)
        .send()
        .await
        .unwrap();
    // Nothing of them is left on the disk, whenever the program ends.
    let dir = machines.bench.dir;
    kill(machines.bench.running, dir.path()).await;
    drop(crate::practice::start(options(dir.path())).await.unwrap());
    let files = Files::open(dir.path()).unwrap();
    let trees = Mutex::new(Vec::new());
    let note = |name: &str| {
        trees.lock().unwrap().push(name.to_owned());
        true
    };
    files.retain(note).unwrap();
    let trees = trees.into_inner().unwrap();
    let left = |name: &&String| name.starts_with("vol-") || name.starts_with("snap-");
    assert_eq!(trees.iter().find(left), None, "{trees:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_fstab_needs_and_that_is_gone_ends_the_boot() {
    let machines = Machines::new().await;
    let (_, status) = machines.create(SHARE_A).await;
    assert_eq!(status, "CREATE_COMPLETE");
    machines
        .says(
            "A",
            "echo '/dev/sdf /mnt ext4 defaults 0 2' | sudo tee -a /etc/fstab",
        )
        .await;
    let (id, _) = machines.reached("InstanceA").await;
    machines
        .bench
        .ec2()
        .reboot_instances()
        .instance_ids(&id)
        .send()
        .await
        .unwrap();
    let since = Instant::now();
    let hosts = machines.bench.running.account.hosts().unwrap();
    while !hosts
        .console_output(&id)
        .contains("Emergency mode: mount: /mnt: special device /dev/sdf does not exist.")
    {
        assert!(
            since.elapsed() < Duration::from_mins(1),
            "{}",
            hosts.console_output(&id)
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!machines.ssh("A", "true").await.status.success());
}
