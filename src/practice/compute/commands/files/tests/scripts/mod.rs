//! User data and the backup job, here and in Debian's own bash, with the same stubs for what needs a machine: what it prints, how it ends
//! and what it leaves must agree.

use super::corpus::{apart, skipped};
use super::jail::Jail;
use super::rig::Rig;

/// Installs the stubs, before every script.
const STUBS: &str = include_str!("stubs.sh");
/// Shows what a script left.
const LEFT: &str = include_str!("left.sh");

const PREPARE: &str = include_str!("../../../../../../../assets/scripts/prepare.sh");
const SHARE_A: &str = include_str!("../../../../../../../assets/scripts/share-a.sh");
const SHARE_B: &str = include_str!("../../../../../../../assets/scripts/share-b.sh");
const TEXTBOOK: &str = include_str!("textbook.sh");
const BACKUP: &str = include_str!("../../../../../../../assets/scripts/backup.sh");
/// What the backup job needs beside the other stubs.
const BACKUP_STUBS: &str = include_str!("backup_stubs.sh");

/// As the template puts it before the scripts.
const HEADER: &str = "#!/bin/bash -ex\n\
    export REGION='us-east-1' STACK='arn:aws:cloudformation:us-east-1:1:stack/s/1' RESOURCE='EC2InstanceA' SIDE='A'\n\
    export SHARE='fs-1.efs.us-east-1.amazonaws.com'\n\
    export HOST_KEY_URL='https://example.com/?a=1&b=2'\n";

/// Where cloud-init puts user data.
const PLACE: &str = "/var/lib/cloud/instance/scripts/part-001";

/// Commands that a practice host finds before it looks into the PATH, unlike bash. Where a machine is to be left out
/// they are functions, in both places, that call the stubs.
const NAMED: &[&str] = &[
    "aws",
    "curl",
    "date",
    "dnf",
    "file",
    "getenforce",
    "mount",
    "mountpoint",
    "setsebool",
    "sleep",
    "systemctl",
];

/// Installs a script and the stubs; `change` is done after that.
fn installing(script: &str, change: &str) -> String {
    let functions: String = NAMED
        .iter()
        .map(|name| format!("{name}() {{ /opt/stubs/{name} \"$@\"; }}\n"))
        .collect();
    let (first, rest) = script.split_once('\n').unwrap_or_default();
    format!(
        "{STUBS}\n{change}\ncat > {PLACE} << 'END OF THE SCRIPT'\n{first}\n{functions}{rest}\nEND OF THE SCRIPT\nchmod 700 {PLACE}"
    )
}

/// As the boot of a host runs it (bash with the options of its first line), but with the stubs before everything else.
fn booted() -> String {
    format!("cd / && PATH=/opt/stubs:$PATH bash -ex {PLACE}")
}

/// Output, complaints (with the trace of `-x`), status; and what was left.
type Ran = ((String, String, i32), String);

async fn here(script: &str, change: &str, running: &str) -> Ran {
    let rig = Rig::at(&jiff::Timestamp::now().to_string());
    rig.good("root", &installing(script, change)).await;
    let ran = rig.run("root", running).await;
    (ran, rig.run("root", LEFT).await.0)
}

fn there(jail: &Jail, script: &str, change: &str, running: &str) -> Ran {
    let above = tempfile::tempdir().unwrap();
    let place = jail.copy(above.path());
    let (_, err, code) = Jail::run_in(&place, "root", &installing(script, change));
    assert_eq!((err.as_str(), code), ("", 0));
    let ran = Jail::run_in(&place, "root", running);
    (ran, Jail::run_in(&place, "root", LEFT).0)
}

/// A trace, with what bash leaves open made alike: which of a pipeline's commands begins first, and how the text of a
/// pattern is quoted.
fn trace(err: &str) -> String {
    let mut lines: Vec<String> = err
        .lines()
        .map(|line| {
            if line.starts_with("+ [[ ") {
                line.replace('\\', "")
            } else {
                line.to_owned()
            }
        })
        .collect();
    let of_one = |one: &String, next: &String| one.starts_with("++") && next.starts_with("++");
    for pipeline in lines.chunk_by_mut(of_one) {
        pipeline.sort_unstable();
    }
    lines.join("\n")
}

/// Compares what user data does, and says what was called, for what else a test wants to know.
async fn same(script: &str, change: &str) -> Option<Ran> {
    same_run(script, change, &booted()).await
}

/// Compares what a script does that is run so.
async fn same_run(script: &str, change: &str, running: &str) -> Option<Ran> {
    let jail = match Jail::new(&Rig::new().host.root()) {
        Ok(jail) => jail,
        Err(why) => {
            skipped("user data", &why);
            return None;
        }
    };
    let (real, left_there) = there(&jail, script, change, running);
    let (found, left_here) = here(script, change, running).await;
    let apart = |one: &str, other: &str| {
        let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
        let (one, other) = (lines(one), lines(other));
        let (only_real, only_here) = apart(&one, &other);
        format!("real: {only_real:#?}\nhere: {only_here:#?}")
    };
    assert_eq!(
        left_here,
        left_there,
        "left by {change:?}: {}",
        apart(&left_there, &left_here)
    );
    let (traced_here, traced_there) = (trace(&found.1), trace(&real.1));
    assert_eq!(
        traced_here,
        traced_there,
        "trace with {change:?}: {}",
        apart(&traced_there, &traced_here)
    );
    assert_eq!(
        (&found.0, found.2),
        (&real.0, real.2),
        "output and status with {change:?}"
    );
    Some((found, left_here))
}

#[tokio::test]
async fn user_data_of_the_first_instance_is_the_same() {
    let Some(((_, _, code), left)) = same(&format!("{HEADER}{PREPARE}{SHARE_A}"), "").await else {
        return;
    };
    assert_eq!(code, 0);
    assert!(left.contains("cfn-signal --exit-code 0 "), "{left}");
    assert!(
        left.contains("/oldhome/ec2-user/.ssh/authorized_keys f 600 ec2-user"),
        "{left}"
    );
    assert!(left.contains("setsebool -P use_nfs_home_dirs 1"), "{left}");
}

#[tokio::test]
async fn user_data_of_the_second_instance_is_the_same() {
    let Some(((_, _, code), left)) = same(&format!("{HEADER}{PREPARE}{SHARE_B}"), "").await else {
        return;
    };
    assert_eq!(code, 0);
    assert!(!left.contains("/oldhome"), "{left}");
}

#[tokio::test]
async fn user_data_that_fails_says_so_in_the_same_way() {
    let script = format!("{HEADER}{PREPARE}{SHARE_A}");
    for (change, signal) in [
        (
            "echo 'exit 1' >> /opt/stubs/dnf",
            "cfn-signal --exit-code 1 ",
        ),
        (
            "echo 'exit 22' >> /opt/stubs/curl",
            "cfn-signal --exit-code 22 ",
        ),
        (
            "echo 'exit 32' >> /opt/stubs/mount",
            "cfn-signal --exit-code 32 ",
        ),
        ("mkdir /oldhome", "cfn-signal --exit-code 1 "),
        (
            "rm /home/ec2-user/.ssh/authorized_keys",
            "cfn-signal --exit-code 1 ",
        ),
    ] {
        let Some(((_, _, code), left)) = same(&script, change).await else {
            return;
        };
        assert_ne!(code, 0, "{change}");
        assert!(left.contains(signal), "{change}: {left}");
    }
}

#[tokio::test]
async fn user_data_of_the_textbooks_shape_is_the_same() {
    let Some(((_, _, code), left)) = same(TEXTBOOK, "").await else {
        return;
    };
    assert_eq!(code, 0);
    assert!(left.contains("--volume-id noted"), "{left}");
    let Some(((_, _, code), left)) = same(TEXTBOOK, "mkdir /mnt/backup").await else {
        return;
    };
    assert_eq!(code, 1);
    assert!(left.contains("cfn-signal -e 1 "), "{left}");
    assert!(!left.contains("cfn-signal -e 0 "), "{left}");
}

#[tokio::test]
async fn the_backup_job_is_the_same() {
    let run = format!("env PATH=/opt/stubs:$PATH bash {PLACE}");
    for (change, run, code, called, not) in [
        (
            "",
            run.clone(),
            0,
            "aws ec2 delete-snapshot --snapshot-id snap-8",
            "",
        ),
        (
            "",
            format!("flock -n /run/efslab-backup.lock {run}"),
            0,
            "date",
            "rsync",
        ),
        (
            "echo 'exit 1' >> /opt/stubs/mountpoint",
            run.clone(),
            1,
            "mountpoint",
            "rsync",
        ),
        (
            "echo 'exit 23' >> /opt/stubs/rsync",
            run.clone(),
            23,
            "rsync",
            "fsfreeze",
        ),
        (
            "echo 'exit 254' >> /opt/stubs/aws",
            run.clone(),
            254,
            "fsfreeze -u /mnt/backup",
            "aws ec2 delete-snapshot",
        ),
        (
            "echo '[ $1 = -u ]' >> /opt/stubs/fsfreeze",
            run.clone(),
            1,
            "fsfreeze -u /mnt/backup",
            "aws",
        ),
    ] {
        let change = format!("{BACKUP_STUBS}\n{change}");
        let Some(((_, _, ended), left)) = same_run(BACKUP, &change, &run).await else {
            return;
        };
        assert_eq!(ended, code, "{run} {change}");
        assert!(left.contains(called), "{run} {change}: {left}");
        assert!(
            not.is_empty() || !left.lines().any(|line| line.starts_with(not)),
            "{run} {change}: {left}"
        );
    }
}
