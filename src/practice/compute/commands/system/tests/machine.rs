//! systemctl, SELinux, power, and what the machine tells of itself.

use super::Rig;

#[tokio::test]
async fn services_run_stop_and_start_again() {
    let rig = Rig::new();
    rig.root("systemctl reload sshd").await.ended(0);
    assert_eq!(
        rig.user("systemctl is-active sshd").await.ended(0).out,
        "active\n"
    );
    rig.root("systemctl stop chronyd").await.ended(0);
    assert_eq!(
        rig.user("systemctl is-active chronyd").await.ended(3).out,
        "inactive\n"
    );
    rig.root("systemctl start chronyd.service; sleep 90")
        .await
        .ended(0);
    let ran = rig.user("systemctl status chronyd").await.ended(0);
    assert!(
        ran.out
            .contains("Active: active (running) since Mon 2026-01-05 12:00:00 UTC; 1min 30s ago"),
        "{}",
        ran.out
    );
    assert!(
        rig.user("journalctl -u systemd")
            .await
            .ended(0)
            .out
            .contains("Stopped chronyd.service")
    );
    rig.root("systemctl reload chronyd").await.ended(1);
    assert!(
        rig.root("systemctl restart frob")
            .await
            .ended(5)
            .err
            .contains("Unit frob.service not found")
    );
    assert!(
        rig.user("systemctl stop sshd")
            .await
            .ended(4)
            .err
            .contains("Access denied")
    );
}

#[tokio::test]
async fn what_is_enabled_is_a_link() {
    let rig = Rig::new();
    rig.root("systemctl enable rpcbind").await.ended(1);
    rig.root("dnf install -yq rpcbind").await.ended(0);
    assert_eq!(
        rig.user("systemctl is-enabled rpcbind").await.ended(1).out,
        "disabled\n"
    );
    let ran = rig.root("systemctl enable --now rpcbind").await.ended(0);
    assert!(ran.err.starts_with(
        "Created symlink /etc/systemd/system/multi-user.target.wants/rpcbind.service"
    ));
    rig.user("systemctl is-active -q rpcbind && test -L /etc/systemd/system/multi-user.target.wants/rpcbind.service").await.ended(0);
    rig.root("systemctl disable sshd").await.ended(0);
    assert_eq!(
        rig.user("systemctl is-enabled sshd").await.ended(1).out,
        "disabled\n"
    );
    rig.root("systemctl enable sshd").await.ended(0);
    rig.user("systemctl is-enabled sshd").await.ended(0);
}

#[tokio::test]
async fn selinux_permits_and_keeps_its_switches() {
    let rig = Rig::new();
    assert_eq!(rig.user("getenforce").await.ended(0).out, "Permissive\n");
    rig.user("setsebool -P use_nfs_home_dirs 1").await.ended(1);
    rig.root("setsebool -P use_nfs_home_dirs 1").await.ended(0);
    assert_eq!(
        rig.user("getsebool use_nfs_home_dirs").await.ended(0).out,
        "use_nfs_home_dirs --> on\n"
    );
    rig.root("setsebool frob on").await.ended(1);
    rig.root("setenforce 1").await.ended(1);
}

#[tokio::test]
async fn power_off_and_restart_are_for_root() {
    let rig = Rig::new();
    rig.user("poweroff").await.ended(1);
    rig.user("reboot").await.ended(1);
    let done = |rig: &Rig| {
        let (off, reboots) = (&rig.around.off, &rig.around.reboots);
        (*off.lock().unwrap(), *reboots.lock().unwrap())
    };
    assert_eq!(done(&rig), (0, 0));
    for (line, after) in [
        ("shutdown -h now", (1, 0)),
        ("poweroff", (2, 0)),
        ("systemctl poweroff", (3, 0)),
        ("reboot", (3, 1)),
        ("systemctl reboot", (3, 2)),
        ("shutdown -r now", (3, 3)),
    ] {
        rig.root(line).await.ended(0);
        assert_eq!(done(&rig), after, "{line}");
    }
    let ran = rig.root("shutdown -r +1; sleep 61").await.ended(0);
    assert!(ran.err.starts_with("Reboot scheduled for"), "{}", ran.err);
    assert_eq!(done(&rig), (3, 4));
}

#[tokio::test]
async fn a_shutdown_can_be_planned_and_cancelled() {
    let rig = Rig::new();
    let ran = rig
        .root("shutdown +2; shutdown -c; sleep 300")
        .await
        .ended(0);
    assert!(
        ran.err
            .starts_with("Shutdown scheduled for Mon 2026-01-05 12:02:00 UTC"),
        "{}",
        ran.err
    );
    assert_eq!(*rig.around.off.lock().unwrap(), 0);
    rig.root("shutdown +1; sleep 59").await.ended(0);
    assert_eq!(*rig.around.off.lock().unwrap(), 0);
    rig.root("sleep 60").await.ended(0);
    assert_eq!(*rig.around.off.lock().unwrap(), 1);
}

#[tokio::test]
async fn the_machine_tells_what_it_is() {
    let rig = Rig::new();
    assert_eq!(
        rig.user("hostname; hostname -s").await.ended(0).out,
        "ip-10-0-1-12.ec2.internal\nip-10-0-1-12\n"
    );
    assert_eq!(
        rig.user("uname -sm; nproc; arch").await.ended(0).out,
        "Linux x86_64\n2\nx86_64\n"
    );
    assert_eq!(
        rig.user("uname -r; cat /proc/sys/kernel/osrelease")
            .await
            .out
            .lines()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        1
    );
    assert!(
        rig.user("lsblk")
            .await
            .ended(0)
            .out
            .contains("├─nvme0n1p1   259:1    0   8G  0 part /\n")
    );
    let free = rig.user("free -m").await.ended(0).out;
    assert!(free.contains("Mem:             922 "), "{free}");
    assert!(
        rig.user("ps -ef")
            .await
            .ended(0)
            .out
            .contains("/usr/sbin/sshd -D")
    );
    rig.root("systemctl stop sshd").await.ended(0);
    assert!(
        !rig.user("ps -ef")
            .await
            .ended(0)
            .out
            .contains("/usr/sbin/sshd -D")
    );
    assert_eq!(
        rig.user("ec2-metadata -i -z").await.ended(0).out,
        "instance-id: i-1\navailability-zone: us-east-1a\n"
    );
    rig.user("logger -t job done; journalctl -t job")
        .await
        .ended(0);
    for absent in ["host", "dig", "nslookup", "crontab", "rsync", "tree"] {
        rig.user(absent).await.ended(127);
    }
}

#[tokio::test]
async fn what_is_not_part_of_a_practice_instance_says_so() {
    let rig = Rig::new();
    for name in [
        "ip",
        "lsof",
        "timedatectl",
        "namei",
        "visudo",
        "mknod",
        "showmount",
        "growpart",
    ] {
        let ran = rig.user(name).await.ended(127);
        assert_eq!(
            ran.err,
            format!("bash: {name}: not part of a practice instance\n")
        );
    }
    let ran = rig.user("which nano vim; w | head -n 2 | tail -n 1; fallocate -l 1M /tmp/f && stat -c %s /tmp/f").await.ended(0);
    assert_eq!(
        ran.out,
        "/usr/bin/nano\n/usr/bin/vim\nUSER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT\n1048576\n"
    );
    let ran = rig.root("dnf install -y htop").await.ended(1);
    assert!(ran.err.contains("Amazon Linux may have it"), "{}", ran.err);
}

#[tokio::test]
async fn a_service_that_was_installed_runs_once_it_is_started() {
    let rig = Rig::new();
    rig.root("sleep 100; dnf install -yq cronie").await.ended(0);
    let ran = rig
        .root("systemctl is-enabled crond; systemctl is-active crond")
        .await
        .ended(3);
    assert_eq!(ran.out, "enabled\ninactive\n");
    let ran = rig
        .root("date +%H:%M; systemctl start crond; systemctl status crond")
        .await
        .ended(0);
    let (minute, status) = ran.out.split_once('\n').unwrap();
    assert!(
        status.contains(&format!("2026-01-05 {minute}:")),
        "{}",
        ran.out
    );
    assert!(
        rig.root("systemctl cat crond")
            .await
            .ended(0)
            .out
            .contains("ExecStart=/usr/sbin/crond")
    );
}

#[tokio::test]
async fn processes_dates_and_the_journal_are_asked_for_in_many_ways() {
    let rig = Rig::new();
    let ran = rig
        .root("ps -p 1 -o pid,comm; ps -eo pid= --sort=-pid | tail -n 1; ps -p 99999; echo $?; date -d @0 --rfc-3339=date; date -d @0 --rfc-3339=seconds")
        .await
        .ended(0);
    assert_eq!(
        ran.out,
        "    PID COMMAND\n      1 systemd\n      1\n    PID TTY          TIME CMD\n1\n1970-01-01\n1970-01-01 00:00:00+00:00\n"
    );
    let ran = rig
        .root("logger -t x one; sleep 7200; logger -t x two; journalctl -t x --since '1 hour ago'; journalctl -t x --since today | wc -l; journalctl -t x --until -30m | wc -l
              (sleep 5; logger -t x three) & timeout 20 journalctl -f -n 1 -t x")
        .await
        .ended(124);
    let ends: Vec<_> = ran
        .out
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap())
        .collect();
    assert_eq!(ends, ["two", "2", "1", "two", "three"], "{}", ran.out);
}
