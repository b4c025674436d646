//! What learners type in the sharing lesson, and whether it passes: for every step the right ways and the wrong ways.

use super::*;
use crate::lesson::catalog::Catalog;
use Side::{A, B};

const A_NAME: &str = "ip-10-0-1-12";
const B_NAME: &str = "ip-10-0-2-9";

/// What was typed on which machine in a step, and what it showed.
type Session<'a> = &'a [(Side, &'a str, &'a str)];

fn step(id: &str) -> Step {
    let catalog = Catalog::embedded().unwrap();
    let lesson = catalog.lesson("share-files").unwrap();
    lesson.steps.iter().find(|it| it.id == id).unwrap().clone()
}

/// Judges a session; machines confirm whatever they are asked.
fn judged(step: &Step, session: Session) -> Verdict {
    let seen = |side: Side, name: &str| {
        let mut lines = Vec::new();
        for (_, typed, shown) in session.iter().filter(|(on, ..)| *on == side) {
            lines.push(format!("[ec2-user@{name} ~]$ {typed}"));
            lines.extend(shown.lines().map(str::to_owned));
        }
        lines.push(format!("[ec2-user@{name} ~]$ "));
        Transcript::of_lines(lines)
    };
    let confirmed = RemoteOutput {
        status: 0,
        stdout: String::new(),
    };
    let remote = needs(step).into_iter().filter_map(|need| match need {
        Need::Remote(command) => Some((command, Ok(confirmed.clone()))),
        _ => None,
    });
    let evidence = Evidence {
        a: seen(A, A_NAME),
        b: seen(B, B_NAME),
        facts: Facts {
            file_system: Some("fs-1".to_owned()),
            b: MachineFacts {
                name: Some(B_NAME.to_owned()),
                ..MachineFacts::default()
            },
            ..Facts::default()
        },
        remote: remote.collect(),
        ..Evidence::default()
    };
    evaluate(step, &evidence)
}

#[track_caller]
fn right(id: &str, sessions: &[Session]) {
    let step = step(id);
    for session in sessions {
        let verdict = judged(&step, session);
        assert!(
            matches!(verdict, Verdict::Passed(_)),
            "{session:?}: {verdict:?}"
        );
    }
}

#[track_caller]
fn wrong(id: &str, sessions: &[Session]) {
    let step = step(id);
    for session in sessions {
        let verdict = judged(&step, session);
        assert!(
            matches!(verdict, Verdict::NotYet(_)),
            "{session:?}: {verdict:?}"
        );
    }
}

#[test]
fn an_empty_home_is_seen_by_listing_it_on_both() {
    let hidden = ".  ..  .bash_history  .ssh";
    right(
        "look-around",
        &[
            &[(A, "ls", ""), (B, "ls", "")],
            &[(B, "ls -a", hidden), (A, "ls ~", "")],
            &[(A, "ls -l", "total 0"), (B, "ll", "total 0")],
            &[(A, "cd; ls .", ""), (B, "ls /home/ec2-user", "")],
        ],
    );
    wrong(
        "look-around",
        &[
            &[(A, "ls", "")],
            &[(A, "ls", ""), (A, "ls", "")],
            &[(A, "ls", ""), (B, "ls /", "bin  etc  home")],
            &[(A, "ls", ""), (B, "pwd", "/home/ec2-user")],
            &[(A, "ls", ""), (B, "ll", "bash: ll: command not found")],
        ],
    );
}

#[test]
fn a_home_with_files_is_not_called_empty() {
    let step = step("look-around");
    let asked: Vec<String> = needs(&step)
        .into_iter()
        .filter_map(|need| match need {
            Need::Remote(command) => Some(command.run),
            _ => None,
        })
        .collect();
    assert_eq!(asked.len(), 2);
    for run in asked {
        let home = tempfile::tempdir().unwrap();
        let is_empty = || {
            let mut sh = std::process::Command::new("sh");
            let output = sh.args(["-c", &run]).env("HOME", home.path()).output();
            output.unwrap().status.success()
        };
        std::fs::write(home.path().join(".hidden"), "").unwrap();
        assert!(is_empty());
        std::fs::write(home.path().join("shown"), "").unwrap();
        assert!(!is_empty());
        std::fs::remove_dir_all(home.path()).unwrap();
        assert!(!is_empty(), "a home that cannot be listed is not empty");
    }
}

#[test]
fn a_file_is_made_on_a_and_seen_on_b() {
    let file = "i-was-here";
    let long = "-rw-r--r-- 1 i-was-here";
    let none = "ls: cannot access 'i-was-here': No such file or directory";
    right(
        "i-was-here",
        &[
            &[(A, "touch i-was-here", ""), (B, "ls", file)],
            &[(A, "touch ~/i-was-here", ""), (B, "ls -a", file)],
            &[(A, ">i-was-here", ""), (B, "ll", long)],
            &[(A, "echo x > i-was-here", ""), (B, "ls -l", long)],
            &[(A, "echo x | tee i-was-here", "x"), (B, "ls i*", file)],
            &[(A, "cd && touch 'i-was-here' && ls", file), (B, "ls", file)],
        ],
    );
    wrong(
        "i-was-here",
        &[
            &[(B, "touch i-was-here", ""), (B, "ls", file)],
            &[
                (A, "ls", file),
                (B, "touch i-was-here", ""),
                (B, "ls", file),
            ],
            &[(A, "touch i-was-here", ""), (A, "ls", file)],
            &[(A, "touch i-was-ther", ""), (B, "ls", "i-was-ther")],
            &[(A, "touch i-was-here", ""), (B, "ls", "")],
            &[(A, "touch i-was-here", ""), (B, "echo i-was-here", file)],
            &[(A, "echo touch i-was-here", ""), (B, "ls", file)],
            &[(B, "ls i-was-here", none), (A, "touch i-was-here", "")],
        ],
    );
}

#[test]
fn what_b_wrote_is_read_on_a() {
    let from_a = "greetings from ip-10-0-1-12.ec2.internal";
    let from_b = "greetings from ip-10-0-2-9.ec2.internal";
    let write = "echo greetings from $(hostname) > i-was-here";
    let both = "echo greetings from $(hostname) > i-was-here; cat i-was-here";
    right(
        "both-ways",
        &[
            &[(B, write, ""), (A, "cat i-was-here", from_b)],
            &[(B, write, ""), (A, "cat ~/i-was-here", from_b)],
            &[(B, write, ""), (A, "head *", from_b)],
            &[
                (B, "hostname >> ~/i-was-here", ""),
                (A, "less i-was-here", B_NAME),
            ],
            &[
                (B, "hostname | tee i-was-here", B_NAME),
                (A, "tail i-was-here", B_NAME),
            ],
        ],
    );
    wrong(
        "both-ways",
        &[
            &[(A, "cat i-was-here", "")],
            &[(B, write, "")],
            &[(B, both, from_b)],
            &[(A, both, from_a), (B, "echo greetings", "greetings")],
            &[(A, both, from_a), (B, write, "")],
            &[(B, write, ""), (A, "echo ip-10-0-2-9", B_NAME)],
            &[(A, "cat i-was-here", from_b), (B, "echo greetings", "")],
        ],
    );
}

#[test]
fn the_filesystem_is_the_one_under_home() {
    let share = "fs-1.efs.us-east-1.amazonaws.com:/  8.0E  0  8.0E  0% /home";
    let disk = "/dev/nvme0n1p1  8.0G  1.6G  6.4G  20% /";
    right(
        "see-the-share",
        &[&[(B, "df -h /home", share)], &[(B, "df", share)]],
    );
    wrong(
        "see-the-share",
        &[&[(B, "df -h /", disk)], &[(A, "df -h /home", share)]],
    );
}

#[test]
fn the_options_of_the_mount_are_read_from_the_kernel_not_from_the_file() {
    let mounted = "fs-1.efs.us-east-1.amazonaws.com:/ on /home type nfs4 (rw,vers=4.1,hard)";
    let line = "fs-1:/ /home nfs4 nfsvers=4.1,hard,_netdev 0 0";
    right(
        "see-the-options",
        &[
            &[(A, "mount | grep nfs4", mounted)],
            &[(A, "mount", mounted)],
            &[(A, "findmnt /home", mounted)],
            &[(A, "grep nfs4 /proc/mounts", mounted)],
        ],
    );
    wrong(
        "see-the-options",
        &[
            &[(A, "mount | grep ext4", "")],
            &[(B, "mount | grep nfs4", mounted)],
            &[(A, "cat /etc/fstab", line)],
            &[(A, "grep nfs4 /etc/fstab", line)],
        ],
    );
}

#[test]
fn a_home_is_private_when_nobody_else_may_look_into_it() {
    let bob = "drwx------ 2 bob      bob      4096 Oct  1  2025 /home/bob";
    let own = "drwx------ 3 ec2-user ec2-user 4096 Nov 23 02:21 .";
    let refused = "ls: cannot open directory '/home/bob': Permission denied";
    let root = "ls: cannot open directory '/root': Permission denied";
    let cd = "-bash: cd: /home/bob: Permission denied";
    right(
        "private-homes",
        &[
            &[(A, "ls -d -l /home/*", bob), (A, "ls /home/bob", refused)],
            &[(A, "ls -l /home", bob), (A, "ls ~bob", refused)],
            &[(A, "ll /home", bob), (A, "cd /home/bob", cd)],
        ],
    );
    wrong(
        "private-homes",
        &[
            &[(A, "ls -la", own)],
            &[(A, "ls -la", own), (A, "ls /home/bob", refused)],
            &[(A, "ls -d -l /home/*", bob)],
            &[(A, "ls -d -l /home/*", bob), (A, "sudo ls /home/bob", "x")],
            &[(A, "ls -d -l /home/*", bob), (A, "ls /root", root)],
            &[(B, "ls -d -l /home/*", bob), (B, "ls /home/bob", refused)],
        ],
    );
}
