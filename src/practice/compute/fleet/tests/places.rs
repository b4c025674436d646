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
        "bash: line 1: cd: /home/bob: Permission denied\n"
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
        "bash: line 1: cd: /home/bob/x: Permission denied\n\
         bash: line 1: cd: nowhere: No such file or directory\n\
         bash: line 1: cd: /etc/passwd: Not a directory\n\
         bash: line 1: cd: OLDPWD not set\n"
    );
    let done = bench.run(&id, "sudo -u bob bash -c 'cd ~; pwd'").await;
    assert_eq!(text(&done.stdout), "/home/bob\n", "{done:?}");
}
