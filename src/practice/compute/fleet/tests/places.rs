//! Where shells stand: homes that are closed, names of homes, shorthands.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_home_is_not_entered() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let done = bench.run(&id, "sudo useradd bob").await;
    assert!(done.status.success(), "{done:?}");
    let done = bench.run(&id, "cd /home/bob; echo $?; pwd").await;
    assert_eq!(text(&done.stdout), "1\n/home/ec2-user\n");
    assert_eq!(
        text(&done.stderr),
        "bash: cd: /home/bob: Permission denied\n"
    );
    let done = bench
        .run(
            &id,
            "cd /home/bob/x; cd nowhere; cd /etc/passwd; cd -; cd /etc; cd ..; cd -; cd; pwd",
        )
        .await;
    assert_eq!(text(&done.stdout), "/etc\n/home/ec2-user\n");
    assert_eq!(
        text(&done.stderr),
        "bash: cd: /home/bob/x: Permission denied\n\
         bash: cd: nowhere: No such file or directory\n\
         bash: cd: /etc/passwd: Not a directory\n\
         bash: cd: OLDPWD not set\n"
    );
    let done = bench.run(&id, "sudo -u bob bash -c 'cd ~; pwd'").await;
    assert_eq!(text(&done.stdout), "/home/bob\n", "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_is_dated_in_account_time_and_ll_is_known_at_a_prompt() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let done = bench
        .run(&id, "sudo useradd bob; sudo stat -c %y /home/bob; date +%F")
        .await;
    let said = text(&done.stdout);
    let days: Vec<&str> = said.lines().map(|line| &line[..10]).collect();
    assert_eq!(days.len(), 2, "{said}");
    assert_eq!(days[0], days[1], "{said}");
    let mut command = bench.ssh(&id, "ec2-user", "key");
    command.arg("-tt");
    let done = typed(command, b"touch here; ll\rexit\r").await;
    let screen = text(&done.stdout);
    assert!(
        screen.contains("-rw-r--r-- 1 ec2-user ec2-user 0"),
        "{screen}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_another_shell_stands_nothing_is_unmounted() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let host = bench.host(&id);
    host.root().make_dirs("/mnt/share").unwrap();
    let mount = || {
        host.mounts
            .mount(MountSpec {
                source: "fs-1:/".into(),
                target: "/mnt/share".into(),
                fstype: "nfs4".into(),
                options: "rw".into(),
                tree: bench.files.share("fs-1").unwrap(),
                capacity: 0,
                own: 0,
            })
            .unwrap();
    };
    mount();
    let mut other = bench.ssh(&id, "ec2-user", "key");
    let mut other = other
        .arg("-tt")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = other.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut keys, b"cd /mnt/share\r")
        .await
        .unwrap();
    within(async {
        let stands = || {
            host.processes
                .all()
                .iter()
                .any(|one| one.directory() == "/mnt/share")
        };
        while !stands() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    for options in ["", "-f "] {
        let done = bench
            .run(&id, &format!("sudo umount {options}/mnt/share"))
            .await;
        assert_eq!(text(&done.stderr), "umount: /mnt/share: target is busy.\n");
    }
    let done = bench
        .run(
            &id,
            "sudo umount -l /mnt/share; ! findmnt /mnt/share; ! grep -q share /proc/mounts",
        )
        .await;
    assert!(done.status.success(), "{done:?}");
    mount();
    other.kill().await.unwrap();
    within(async {
        while host
            .processes
            .all()
            .iter()
            .any(|one| one.directory() == "/mnt/share")
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let done = bench.run(&id, "sudo umount /mnt/share").await;
    assert!(done.status.success(), "{done:?}");
}
