//! A share that was mounted and does not answer any more.

use std::sync::Arc;
use std::time::Duration;

use super::{Ran, Rig, SHARE};
use crate::practice::compute::commands::system::mount_all;
use crate::practice::compute::host::Session;
use crate::practice::compute::users::User;

const HARD: &str = "nfsvers=4.1,hard,timeo=600,retrans=2,noresvport";

/// A host with the share on /home, where root has left a file.
async fn mounted(options: &str) -> Arc<Rig> {
    let rig = Rig::new();
    rig.root(&format!(
        "dnf install -yq nfs-utils && mount -t nfs4 -o {options} {SHARE}:/ /home && mkdir /home/d && echo a >/home/a"
    ))
    .await
    .ended(0);
    Arc::new(rig)
}

fn in_background(rig: &Arc<Rig>, script: &str) -> tokio::task::JoinHandle<Ran> {
    let (rig, script) = (Arc::clone(rig), script.to_owned());
    tokio::spawn(async move { rig.root(&script).await })
}

#[tokio::test]
async fn whoever_uses_a_hard_mount_waits_until_its_server_answers_again() {
    let rig = mounted(HARD).await;
    rig.around.serve(None);
    let lines = [
        ("ls -d /home/a", "/home/a\n"),
        ("ls /", ""),
        ("cat /home/a", "a\n"),
        ("echo b >>/home/b", ""),
        ("cp -a /home/a /tmp", ""),
        ("cd /home/d && pwd", "/home/d\n"),
        ("df --output=fstype /home | tail -n 1", "nfs4\n"),
        ("df >/dev/null", ""),
        ("find / -name a -path '/home/*'", "/home/a\n"),
        ("touch /home/t", ""),
        ("[ -e /home/a ] && echo there", "there\n"),
        ("echo /home/*a", "/home/a\n"),
        ("dd if=/dev/zero of=/home/z bs=1k count=1 status=none", ""),
        ("tar cf /tmp/x.tar -C /home a", ""),
        ("echo c | tee /home/c", "c\n"),
    ];
    let waiting: Vec<_> = lines
        .iter()
        .map(|(line, _)| in_background(&rig, line))
        .collect();
    while rig.host.processes.all().len() < lines.len() {
        tokio::task::yield_now().await;
    }
    rig.root("sleep 1").await.ended(0);
    // What does not touch it goes on.
    let elsewhere =
        "ls /etc/fstab; mount >/dev/null; cat /proc/mounts >/dev/null; sleep 3600; echo on";
    let (seconds, ran) = rig.seconds(elsewhere).await;
    assert_eq!(ran.ended(0).out, "/etc/fstab\non\n");
    assert!(seconds >= 3600, "{seconds}");
    for (one, (line, _)) in waiting.iter().zip(lines) {
        assert!(!one.is_finished(), "{line}");
    }
    let said = format!("nfs: server {SHARE} not responding, still trying");
    let log = rig.root("dmesg; journalctl -t kernel").await.ended(0).out;
    assert_eq!(log.matches(&said).count(), 2, "{log}");
    rig.around.serve(Some(rig.clock.now()));
    for (one, (line, expected)) in waiting.into_iter().zip(lines) {
        let ran = one.await.unwrap();
        assert_eq!(ran.status, 0, "{line}: {}", ran.err);
        if !expected.is_empty() {
            assert_eq!(ran.out, expected, "{line}");
        }
    }
    let log = rig.root("dmesg").await.ended(0).out;
    assert!(log.ends_with(&format!("nfs: server {SHARE} OK\n")), "{log}");
}

#[tokio::test]
async fn a_soft_mount_gives_up_after_its_last_try() {
    let rig = mounted("nfsvers=4.1,soft,timeo=100,retrans=2").await;
    rig.around.serve(None);
    // Ten seconds for each of three tries.
    let (seconds, ran) = rig.seconds("cat /home/a").await;
    assert_eq!(ran.ended(1).err, "cat: /home/a: Input/output error\n");
    assert_eq!(seconds, 30);
    let log = rig.root("dmesg").await.ended(0).out;
    assert!(log.contains("not responding, timed out"), "{log}");
    rig.around.serve(Some(rig.clock.now()));
    assert_eq!(rig.root("cat /home/a").await.ended(0).out, "a\n");
}

#[tokio::test]
async fn what_waits_is_ended_by_a_signal() {
    let rig = mounted(HARD).await;
    rig.around.serve(None);
    let (seconds, ran) = rig.seconds("timeout 5 cat /home/a").await;
    ran.ended(124);
    assert_eq!(seconds, 5);
    // Ctrl-C drops what runs; the shell goes on.
    let activity = Arc::new(rig.clock.activity());
    let mut shell = rig
        .host
        .shell(&User::root(), Session::Batch, activity)
        .build();
    let line = shell.exec("cat /home/a");
    assert!(
        tokio::time::timeout(Duration::from_millis(50), line)
            .await
            .is_err()
    );
    let after = shell.exec("echo on").await.unwrap();
    assert_eq!(after.stdout, "on\n");
}

#[tokio::test]
async fn a_share_that_does_not_answer_is_unmounted_by_force_or_later() {
    for options in ["-f", "-l"] {
        let rig = mounted(HARD).await;
        rig.around.serve(None);
        let (seconds, ran) = rig.seconds("timeout 60 umount /home").await;
        ran.ended(124);
        assert_eq!(seconds, 60);
        let reader = in_background(&rig, "cat /home/a");
        rig.root("sleep 1").await.ended(0);
        rig.root(&format!("umount {options} /home && ls -d /home/*user"))
            .await
            .ended(0);
        rig.root("sleep 1000").await.ended(0);
        if options == "-f" {
            let ran = reader.await.unwrap();
            assert_eq!(
                ran.ended(1).err,
                "cat: /home/a: No such file or directory\n"
            );
        } else {
            // Whoever waited waits on: the mount is still there for him.
            assert!(!reader.is_finished());
            reader.abort();
        }
    }
}

#[tokio::test]
async fn power_on_waits_for_a_share_and_goes_on_without_it() {
    let rig = Rig::new();
    rig.root(&format!(
        "dnf install -yq nfs-utils; echo '{SHARE}:/ /home nfs4 {HARD},_netdev 0 0' >>/etc/fstab"
    ))
    .await
    .ended(0);
    rig.around.serve(None);
    let before = rig.clock.now();
    let activity = rig.clock.activity();
    let booted = crate::practice::compute::boot::mount_all(&rig.host, &activity).await;
    booted.unwrap();
    drop(activity);
    let took = rig.clock.now().duration_since(before).as_secs();
    assert!((90..=120).contains(&took), "{took}");
    let console = rig.host.console_text();
    assert!(
        console.contains("Dependency failed for remote-fs.target"),
        "{console}"
    );
    // By hand, when it answers.
    rig.around.serve(Some(rig.clock.now()));
    let activity = rig.clock.activity();
    assert_eq!(mount_all(&rig.host, &activity, Some("nfs4")).await, []);
}
