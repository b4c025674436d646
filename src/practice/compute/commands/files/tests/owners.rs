//! What depends on who does it: permissions, owners, and the files that say who is who.

use super::{World, run};
use crate::practice::compute::host::Session;

fn world() -> World {
    World::new("2026-03-01T12:00:00Z")
}

#[tokio::test]
async fn a_copy_with_a_keeps_owners_permissions_times_and_links() {
    let world = world();
    world
        .good(
            "root",
            "echo hello > /home/alice/f; ln /home/alice/f /home/alice/g; ln -s f /home/alice/l
             chown -R alice:dev /home/alice; chmod 640 /home/alice/f; touch -d '2025-01-02 03:04:05' /home/alice/f
             chmod 2750 /home/alice; touch -d 2024-05-06 /home/alice; cp -a /home/. /mnt",
        )
        .await;
    let listed = world
        .good("root", "stat -c '%A %U %G %h %Y %n' /mnt/alice /mnt/alice/f /mnt/alice/g /mnt/alice/l /mnt/ec2-user")
        .await;
    assert_eq!(
        listed,
        "drwxr-s--- alice dev 2 1714953600 /mnt/alice\n\
         -rw-r----- alice dev 2 1735787045 /mnt/alice/f\n\
         -rw-r----- alice dev 2 1735787045 /mnt/alice/g\n\
         lrwxrwxrwx alice dev 1 1772366400 /mnt/alice/l\n\
         drwx------ ec2-user ec2-user 2 1772366400 /mnt/ec2-user\n"
    );
}

#[tokio::test]
async fn others_are_refused_in_the_words_of_coreutils() {
    let world = world();
    world
        .good(
            "root",
            "echo x > /home/alice/f; chown alice /home/alice/f; echo y > /root/f; echo z > /tmp/f",
        )
        .await;
    for (line, expected) in [
        (
            "ls /home/alice",
            "ls: cannot open directory '/home/alice': Permission denied\n",
        ),
        (
            "ls -l /home/alice/f",
            "ls: cannot access '/home/alice/f': Permission denied\n",
        ),
        ("touch /x", "touch: cannot touch '/x': Permission denied\n"),
        (
            "touch /tmp/f",
            "touch: cannot touch '/tmp/f': Permission denied\n",
        ),
        (
            "touch -d 2020-01-01 /tmp/f",
            "touch: cannot touch '/tmp/f': Permission denied\n",
        ),
        (
            "mkdir /x",
            "mkdir: cannot create directory ‘/x’: Permission denied\n",
        ),
        (
            "rm /tmp/f",
            "rm: cannot remove '/tmp/f': Operation not permitted\n",
        ),
        (
            "rm -rf /root",
            "rm: cannot remove '/root': Permission denied\n",
        ),
        (
            "chmod 777 /tmp/f",
            "chmod: changing permissions of '/tmp/f': Operation not permitted\n",
        ),
        (
            "chown alice /tmp/f",
            "chown: changing ownership of '/tmp/f': Operation not permitted\n",
        ),
        (
            "chgrp dev /tmp/f",
            "chgrp: changing group of '/tmp/f': Operation not permitted\n",
        ),
        (
            "cp /root/f /tmp/g",
            "cp: cannot stat '/root/f': Permission denied\n",
        ),
        (
            "cp /etc/shadow /tmp/g",
            "cp: cannot open '/etc/shadow' for reading: Permission denied\n",
        ),
        (
            "cp /tmp/f /x",
            "cp: cannot create regular file '/x': Permission denied\n",
        ),
        (
            "mv /tmp/f /tmp/g",
            "mv: cannot move '/tmp/f' to '/tmp/g': Operation not permitted\n",
        ),
        (
            "ln -s a /x",
            "ln: failed to create symbolic link '/x': Permission denied\n",
        ),
        (
            "stat /root/f",
            "stat: cannot statx '/root/f': Permission denied\n",
        ),
        (
            "useradd bob",
            "useradd: Permission denied.\nuseradd: cannot lock /etc/passwd; try again later.\n",
        ),
    ] {
        assert_eq!(world.bad("ec2-user", line).await, expected, "{line}");
    }
}

#[tokio::test]
async fn a_member_may_give_his_own_file_to_a_group_of_his() {
    let world = world();
    world
        .good("alice", "echo x > /home/alice/f; chgrp dev /home/alice/f")
        .await;
    assert_eq!(
        world.good("alice", "stat -c %G /home/alice/f").await,
        "dev\n"
    );
    assert_eq!(
        world.bad("alice", "chown :users /home/alice/f").await,
        "chown: changing ownership of '/home/alice/f': Operation not permitted\n"
    );
    assert_eq!(
        world.bad("alice", "chown ec2-user /home/alice/f").await,
        "chown: changing ownership of '/home/alice/f': Operation not permitted\n"
    );
}

#[tokio::test]
async fn a_move_to_another_filesystem_keeps_everything_and_leaves_nothing() {
    let world = world();
    world
        .good(
            "root",
            "mkdir /w/d; echo x > /w/d/f; chown -R alice:dev /w/d; chmod 700 /w/d; touch -d 2024-05-06 /w/d; mv /w/d /mnt",
        )
        .await;
    assert_eq!(world.good("root", "ls /w").await, "");
    assert_eq!(
        world
            .good("root", "stat -c '%A %U %G %Y' /mnt/d /mnt/d/f")
            .await,
        "drwx------ alice dev 1714953600\n-rw-r--r-- alice dev 1772366400\n"
    );
    let verbose = world.good("root", "mv -v /mnt/d/f /w/f").await;
    assert_eq!(verbose, "copied '/mnt/d/f' -> '/w/f'\nremoved '/mnt/d/f'\n");
}

#[tokio::test]
async fn a_mount_point_can_neither_be_moved_nor_removed() {
    let world = world();
    assert_eq!(
        world.bad("root", "mv /mnt /w/x").await,
        "mv: cannot move '/mnt' to '/w/x': Device or resource busy\n"
    );
    assert_eq!(
        world.bad("root", "rm -r /mnt").await,
        "rm: cannot remove '/mnt': Device or resource busy\n"
    );
}

#[tokio::test]
async fn long_lines_show_names_of_owners_and_align() {
    let world = world();
    world
        .good(
            "root",
            "cd /w; echo x > a; printf '%2000s' x > bb; chown alice:dev a; chown 4711:4712 bb
             touch -d '2026-02-22 22:13' a; touch -d '2025-01-22 22:13' bb; mkdir d; touch -d '2026-02-03 04:05' d",
        )
        .await;
    assert_eq!(
        world.good("ec2-user", "ls -l /w").await,
        "total 12\n\
         -rw-r--r-- 1 alice dev     2 Feb 22 22:13 a\n\
         -rw-r--r-- 1  4711 4712 2000 Jan 22  2025 bb\n\
         drwxr-xr-x 2 root  root 4096 Feb  3 04:05 d\n"
    );
    assert_eq!(
        world.good("ec2-user", "ls -d -l /home/*").await,
        "drwx------ 2 alice    alice    4096 Mar  1 12:00 /home/alice\n\
         drwx------ 2 ec2-user ec2-user 4096 Mar  1 12:00 /home/ec2-user\n"
    );
}

#[tokio::test]
async fn stat_describes_an_inode() {
    let world = world();
    world
        .good(
            "root",
            "echo hello > /w/f; chmod 640 /w/f; chown alice:dev /w/f",
        )
        .await;
    let text = world.good("root", "stat /w/f").await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "  File: /w/f");
    assert_eq!(
        lines[1],
        "  Size: 6         \tBlocks: 8          IO Block: 4096   regular file"
    );
    assert_eq!(
        lines[3],
        "Access: (0640/-rw-r-----)  Uid: ( 1001/   alice)   Gid: ( 2000/     dev)"
    );
    assert_eq!(lines[5], "Modify: 2026-03-01 12:00:00.000000000 +0000");
    assert_eq!(lines.len(), 8);
}

#[tokio::test]
async fn only_a_terminal_gets_columns() {
    let world = world();
    world.good("root", "cd /w; touch a b 'c d'").await;
    let mut shell = world.shell("root", "/w", Session::Interactive);
    assert_eq!(run(&mut shell, "ls").await.0, " a   b  'c d'\n");
    assert_eq!(run(&mut shell, "ls | cat").await.0, "a\nb\nc d\n");
    assert_eq!(
        run(&mut shell, "x=$(ls); echo \"$x\"").await.0,
        "a\nb\nc d\n"
    );
    run(&mut shell, "ls > /tmp/list").await;
    assert_eq!(run(&mut shell, "cat /tmp/list").await.0, "a\nb\nc d\n");
    let mut narrow = world.shell("root", "/w", Session::Interactive);
    assert_eq!(
        run(&mut narrow, "COLUMNS=8 ls").await.0,
        " a    \n b\n'c d'\n".replace("    \n", "\n")
    );
    assert_eq!(
        run(&mut world.shell("root", "/w", Session::Batch), "ls")
            .await
            .0,
        "a\nb\nc d\n"
    );
}

#[tokio::test]
async fn a_new_user_has_a_private_home_with_the_skeleton_in_it() {
    let world = world();
    world.good("root", "useradd -G wheel,dev bob").await;
    assert_eq!(
        world.good("root", "id bob; groups bob").await,
        "uid=1002(bob) gid=1002(bob) groups=1002(bob),10(wheel),2000(dev)\nbob : bob wheel dev\n"
    );
    assert_eq!(
        world
            .good(
                "root",
                "stat -c '%a %U %G %n' /home/bob /home/bob/.bashrc; tail -n 1 /etc/passwd"
            )
            .await,
        "700 bob bob /home/bob\n644 bob bob /home/bob/.bashrc\nbob:x:1002:1002::/home/bob:/bin/bash\n"
    );
    assert_eq!(
        world.good("bob", "cd; touch mine; ls -a; whoami").await,
        ".\n..\n.bashrc\nmine\nbob\n"
    );
    let (_, err, code) = world.run("root", "/", "useradd bob").await;
    assert_eq!(
        (err.as_str(), code),
        ("useradd: user 'bob' already exists\n", 9)
    );
    let (_, err, code) = world.run("root", "/", "useradd -G nosuch carol").await;
    assert_eq!(
        (err.as_str(), code),
        ("useradd: group 'nosuch' does not exist\n", 6)
    );
    world.good("root", "userdel -r bob").await;
    assert_eq!(
        world.bad("root", "id bob").await,
        "id: ‘bob’: no such user\n"
    );
    assert_eq!(
        world
            .good(
                "root",
                "ls /home; grep -c bob /etc/group /etc/shadow || true"
            )
            .await,
        "alice\nec2-user\n/etc/group:0\n/etc/shadow:0\n"
    );
}

#[tokio::test]
async fn groups_can_be_joined_and_left() {
    let world = world();
    world
        .good("root", "groupadd -g 3000 ops; usermod -aG ops,wheel alice")
        .await;
    assert_eq!(
        world.good("root", "groups alice").await,
        "alice : alice wheel dev ops\n"
    );
    world.good("root", "usermod -G ops alice").await;
    assert_eq!(world.good("root", "id -Gn alice").await, "alice ops\n");
    let (_, err, code) = world.run("root", "/", "groupdel alice").await;
    assert_eq!(
        (err.as_str(), code),
        (
            "groupdel: cannot remove the primary group of user 'alice'\n",
            8
        )
    );
    world.good("root", "groupdel ops").await;
    assert_eq!(world.good("root", "id -Gn alice").await, "alice\n");
    let (_, err, code) = world.run("root", "/", "usermod -aG nosuch alice").await;
    assert_eq!(
        (err.as_str(), code),
        ("usermod: group 'nosuch' does not exist\n", 6)
    );
}

#[tokio::test]
async fn a_user_that_moves_takes_his_files_along() {
    let world = world();
    world
        .good("root", "touch /home/alice/f; chown alice /home/alice/f; usermod -u 1500 -d /mnt/alice -m alice")
        .await;
    assert_eq!(
        world
            .good("root", "stat -c '%u %n' /mnt/alice /mnt/alice/f; ls /home")
            .await,
        "1500 /mnt/alice\n1500 /mnt/alice/f\nec2-user\n"
    );
}

#[tokio::test]
async fn accounts_are_looked_up_by_name_and_number() {
    let world = world();
    let view = world.view(crate::practice::storage::Identity::ROOT);
    let getent = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        super::super::database::getent(&view, &args)
    };
    let alice = "alice:x:1001:1001::/home/alice:/bin/bash\n".to_owned();
    assert_eq!(getent(&["passwd", "alice"]), Some((alice.clone(), 0)));
    assert_eq!(getent(&["passwd", "1001", "nobody"]), Some((alice, 2)));
    assert_eq!(
        getent(&["group", "10"]),
        Some(("wheel:x:10:ec2-user\n".to_owned(), 0))
    );
    assert_eq!(getent(&["group"]).unwrap().0.lines().count(), 6);
    assert_eq!(getent(&["hosts"]), None);
}
