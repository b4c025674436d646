//! Instances that restart and shut down from inside, with the account around them.

use super::*;
use crate::practice::world::instances::State;

impl Machines {
    fn state(&self, id: &str) -> State {
        let account = &self.bench.running.account;
        account.read(|world| world.instance(id).unwrap().state)
    }

    /// Waits until the instance is in this state.
    async fn gets(&self, id: &str, state: State) {
        let since = Instant::now();
        while self.state(id) != state {
            assert!(since.elapsed() < Duration::from_mins(1), "{state:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reboot_from_inside_ends_the_session_and_brings_the_machine_back_as_it_was() {
    let machines = Machines::new().await;
    let once = format!("{SHARE_A}\necho ran >>/root/times\n");
    let (_, status) = machines.create(&once).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let (id, port) = machines.reached("InstanceA").await;
    // A share that cannot be had, and may be missing.
    let line = "sudo mkdir /mnt/none; echo '10.0.1.250:/ /mnt/none nfs4 nofail,_netdev 0 0' | sudo tee -a /etc/fstab";
    machines.says("A", line).await;
    let before = machines.says("A", "who -b; cat /proc/uptime").await;
    for reboot in [
        "sudo reboot",
        "sudo shutdown -r now",
        "sudo systemctl reboot",
    ] {
        let ended = machines.ssh("A", &format!("{reboot}; sleep 1000")).await;
        assert_eq!(ended.status.code(), Some(255), "{reboot}");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(said.contains("closed by remote host"), "{reboot}: {said}");
        assert_eq!(machines.state(&id), State::Running);
    }
    assert_eq!(machines.reached("InstanceA").await.1, port);
    // The share is there again, what cannot be had is not, and the user data had its turn long ago.
    let line = "findmnt -no FSTYPE /home; sudo cat /root/times; findmnt /mnt/none; last reboot | grep -c '^reboot'";
    assert_eq!(machines.says("A", line).await, "nfs4\nran\n4\n");
    assert_ne!(machines.says("A", "who -b; cat /proc/uptime").await, before);
    let booted: f64 = machines
        .says("A", "cut -d' ' -f1 /proc/uptime")
        .await
        .trim()
        .parse()
        .unwrap();
    assert!(booted < 600.0, "{booted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_shuts_itself_down_is_stopped_and_can_be_started() {
    let machines = Machines::new().await;
    let (_, status) = machines.create(SHARE_A).await;
    assert_eq!(status, "CREATE_COMPLETE");
    let (id, _) = machines.reached("InstanceA").await;
    for line in [
        "sudo shutdown -h now",
        "sudo poweroff",
        "sudo shutdown -h +1",
    ] {
        let ended = machines.ssh("A", &format!("{line}; sleep 100000")).await;
        assert_eq!(ended.status.code(), Some(255), "{line}");
        machines.gets(&id, State::Stopped).await;
        let account = &machines.bench.running.account;
        let reason = account.read(|world| world.instance(&id).unwrap().reason.clone());
        assert_eq!(reason.unwrap().0, "Client.InstanceInitiatedShutdown");
        let ec2 = machines.bench.ec2();
        ec2.start_instances()
            .instance_ids(&id)
            .send()
            .await
            .unwrap();
        machines.gets(&id, State::Running).await;
    }
    assert_eq!(
        machines.says("A", "findmnt -no FSTYPE /home").await,
        "nfs4\n"
    );
}
