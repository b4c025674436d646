//! The Amazon Linux of 2018 has no systemd: init, scripts, service and chkconfig.

use super::Rig;

#[tokio::test]
async fn what_came_with_systemd_is_not_there() {
    let rig = Rig::of_2018();
    for name in [
        "systemctl",
        "journalctl",
        "hostnamectl",
        "timedatectl",
        "loginctl",
        "dnf",
    ] {
        let ran = rig.root(&format!("{name} status")).await.ended(127);
        assert_eq!(ran.err, format!("bash: {name}: command not found\n"));
        rig.root(&format!("test -e /usr/bin/{name}")).await.ended(1);
    }
    rig.root("ls -d /etc/systemd /usr/lib/systemd /run/systemd")
        .await
        .ended(2);
    let ran = rig.user("cat /proc/1/comm; ps -e -f").await.ended(0);
    assert!(ran.out.starts_with("init\n"), "{}", ran.out);
    assert!(ran.out.contains("/sbin/init"), "{}", ran.out);
    assert!(
        ran.out.contains("ntpd") && ran.out.contains("rsyslogd"),
        "{}",
        ran.out
    );
    assert!(
        !ran.out.contains("systemd") && !ran.out.contains("chronyd"),
        "{}",
        ran.out
    );
    let ran = rig.user("rpm -q systemd dnf").await;
    assert!(ran.out.contains("systemd is not installed"), "{}", ran.out);
    let ran = rig.user("cat /etc/system-release; runlevel").await.ended(0);
    assert_eq!(ran.out, "Amazon Linux AMI release 2017.09\nN 3\n");
}

#[tokio::test]
async fn services_are_scripts() {
    let rig = Rig::of_2018();
    let ran = rig.user("service crond status").await.ended(0);
    assert!(
        ran.out.starts_with("crond (pid  ") && ran.out.ends_with(") is running...\n"),
        "{}",
        ran.out
    );
    let pid = ran
        .out
        .split(' ')
        .nth(3)
        .unwrap()
        .trim_end_matches(')')
        .to_owned();
    let ran = rig.user("ps -e -f").await.ended(0);
    let listed = ran.out.lines().find(|line| line.ends_with("crond"));
    assert!(listed.unwrap().contains(&pid), "{}", ran.out);

    rig.user("service crond stop").await.ended(4);
    let ran = rig.root("service crond stop").await.ended(0);
    assert!(ran.out.starts_with("Stopping crond: "), "{}", ran.out);
    assert!(ran.out.ends_with("[  OK  ]\n"), "{}", ran.out);
    let ran = rig.user("service crond status").await.ended(3);
    assert_eq!(ran.out, "crond is stopped\n");
    let ran = rig.root("service crond stop").await.ended(1);
    assert!(ran.out.ends_with("[FAILED]\n"), "{}", ran.out);
    let ran = rig.root("/etc/init.d/crond restart").await.ended(0);
    assert!(
        ran.out.contains("Stopping crond: ") && ran.out.contains("[FAILED]"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("Starting crond: ") && ran.out.ends_with("[  OK  ]\n"),
        "{}",
        ran.out
    );
    let ran = rig.root("service frob start").await.ended(1);
    assert_eq!(ran.err, "frob: unrecognized service\n");
    // What is of 2023 alone.
    rig.root("service chronyd status").await.ended(1);
    let ran = rig.root("service --status-all").await.ended(0);
    assert!(
        ran.out.contains("ntpd (pid") && !ran.out.contains("network"),
        "{}",
        ran.out
    );
}

#[tokio::test]
async fn chkconfig_says_what_starts_with_the_machine() {
    let rig = Rig::of_2018();
    let ran = rig.user("chkconfig --list crond").await.ended(0);
    let on = "crond          \t0:off\t1:off\t2:on\t3:on\t4:on\t5:on\t6:off\n";
    assert_eq!(ran.out, on);
    rig.user("chkconfig crond").await.ended(0);
    rig.user("chkconfig crond off").await.ended(1);
    rig.root("chkconfig crond off").await.ended(0);
    rig.user("chkconfig crond").await.ended(1);
    let ran = rig.user("chkconfig --list | grep crond").await.ended(0);
    assert_eq!(ran.out, on.replace(":on", ":off"));
    rig.root("chkconfig --level 345 crond on").await.ended(0);
    assert_eq!(rig.user("chkconfig --list crond").await.ended(0).out, on);
    rig.root("chkconfig rpcbind on; test -L /etc/rc.d/rc3.d/S90rpcbind")
        .await
        .ended(0);
    rig.root("chkconfig --list frob").await.ended(1);
}

#[tokio::test]
async fn what_is_said_is_in_messages() {
    let rig = Rig::of_2018();
    rig.user("logger -t lab hello").await.ended(0);
    let ran = rig.root("tail -1 /var/log/messages").await.ended(0);
    assert!(ran.out.ends_with(" lab: hello\n"), "{}", ran.out);
    rig.user("cat /var/log/messages").await.ended(1);
}

#[tokio::test]
async fn an_option_that_nobody_knows_turns_nothing_off() {
    let rig = Rig::new();
    rig.root("poweroff --help").await.ended(1);
    assert_eq!(*rig.around.off.lock().unwrap(), 0);
    rig.root("poweroff -f").await;
    assert_eq!(*rig.around.off.lock().unwrap(), 1);
}
