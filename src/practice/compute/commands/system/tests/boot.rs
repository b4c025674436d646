//! The lab's own user data, as it is in the template.

use super::{HANDLE, Rig, SHARE};

const PREPARE: &str = include_str!("../../../../../../assets/scripts/prepare.sh");
const SHARE_A: &str = include_str!("../../../../../../assets/scripts/share-a.sh");
const SHARE_B: &str = include_str!("../../../../../../assets/scripts/share-b.sh");

async fn boot(rig: &Rig, side: &str, share: &str) {
    let header = format!(
        "#!/bin/bash -ex\nexport REGION='us-east-1' STACK='s' RESOURCE='EC2Instance{side}' SIDE='{side}'\n\
         export SHARE='{SHARE}'\nexport HOST_KEY_URL='{HANDLE}'\n"
    );
    let root = rig.host.root();
    root.write_with_mode(
        "/tmp/data",
        format!("{header}{PREPARE}{share}").as_bytes(),
        0o700,
    )
    .unwrap();
    root.write(
        "/etc/ssh/ssh_host_ed25519_key.pub",
        b"ssh-ed25519 AAAAhost root@ip\n",
    )
    .unwrap();
    root.make_dirs("/home/ec2-user/.ssh").unwrap();
    root.write(
        "/home/ec2-user/.ssh/authorized_keys",
        b"ssh-ed25519 AAAA lab\n",
    )
    .unwrap();
    rig.root("bash -ex /tmp/data").await.ended(0);
}

#[tokio::test]
async fn the_user_data_of_a_carries_the_homes_to_the_share() {
    let rig = Rig::new();
    boot(&rig, "A", SHARE_A).await;
    assert!(rig.around.signals.lock().unwrap()[0].success);
    let message: serde_json::Value =
        serde_json::from_str(&rig.around.messages.lock().unwrap()[0].1).unwrap();
    assert_eq!(
        (&message["UniqueId"], &message["Data"]),
        (&"A".into(), &"ssh-ed25519 AAAAhost".into())
    );
    assert_eq!(rig.host.mounts.holding("/home/ec2-user").fstype, "nfs4");
    assert_eq!(
        rig.user("pwd; cat .ssh/authorized_keys; stat -c %U:%a .")
            .await
            .ended(0)
            .out,
        "/home/ec2-user\nssh-ed25519 AAAA lab\nec2-user:700\n"
    );
    assert_eq!(
        rig.root("cat /etc/ssh/authorized_keys.d/ec2-user")
            .await
            .ended(0)
            .out,
        "ssh-ed25519 AAAA lab\n"
    );
}

#[tokio::test]
async fn the_user_data_of_b_only_mounts_it() {
    let rig = Rig::new();
    boot(&rig, "B", SHARE_B).await;
    assert!(rig.around.signals.lock().unwrap()[0].success);
    assert_eq!(rig.root("ls -A /home").await.ended(0).out, "");
}

#[tokio::test]
async fn user_data_that_breaks_signals_why() {
    let rig = Rig::new();
    *rig.around.answers.lock().unwrap() = vec![403];
    let root = rig.host.root();
    let script = format!(
        "export REGION=us-east-1 STACK=s RESOURCE=R SIDE=A SHARE={SHARE} HOST_KEY_URL='{HANDLE}'\n{PREPARE}"
    );
    root.write("/tmp/data", script.as_bytes()).unwrap();
    root.write("/etc/ssh/ssh_host_ed25519_key.pub", b"k v c\n")
        .unwrap();
    root.make_dirs("/home/ec2-user/.ssh").unwrap();
    root.write("/home/ec2-user/.ssh/authorized_keys", b"k\n")
        .unwrap();
    rig.root("bash -ex /tmp/data").await.ended(22);
    let signals = rig.around.signals.lock().unwrap();
    assert_eq!(
        (signals[0].success, signals[0].reason.as_str()),
        (false, "user data of R ended with status 22")
    );
}
