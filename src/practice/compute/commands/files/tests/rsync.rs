//! `rsync`, here and Debian's own: what is copied, deleted and printed. Bytes on the wire and speeds are not compared.

use regex::Regex;

use super::corpus::{apart, skipped};
use super::jail::Jail;
use super::rig::Rig;
use crate::practice::compute::commands::system;

/// Two homes, a backup of yesterday, and a tree with links.
const TREE: &str = r"umask 022
useradd alice
mkdir -p /mnt/backup/ec2-user/old/sub /mnt/backup/alice /srv/tree/d1/e /srv/tree/d2 /srv/tree/cache
cd /home/ec2-user
echo notes > notes.txt
mkdir project empty
echo main > project/main.c
echo object > project/main.o
echo secret > .token
chmod 600 .token
ln -s notes.txt link
chown -R -h ec2-user:ec2-user .
echo diary > /home/alice/diary
chown alice:alice /home/alice/diary
cd /mnt/backup/ec2-user
echo stale > notes.txt
echo gone > gone.txt
echo gone > old/sub/deep
echo gone > old/file
cp -a /home/ec2-user/.bashrc .
cp -a /home/ec2-user/.token .
chmod 644 .token
cd /srv/tree
for name in a m z; do echo $name > $name; echo $name > d1/$name; echo $name > d2/$name.o; done
echo deep > d1/e/deep
echo cached > cache/x
ln -s a link
mkfifo pipe
ln a hard
touch -h -d '2025-01-02 03:04:05' a m z pipe link d1/e/deep d1/* d2/* d1 d2 cache/x cache d1/e /home/ec2-user/project /home/ec2-user/empty
touch -d '2025-02-03 04:05:06' /home/*/.bash* /mnt/backup/*/.bash* /srv/tree /home/ec2-user/* /home/alice/diary /home/ec2-user /home/alice /home
touch -d '2025-01-01 00:00:00' /mnt/backup /mnt/backup/* /mnt/backup/ec2-user/*
";

/// Shows a tree with everything that a copy keeps; what was made just now was so at another time on the other side.
const SHOW: &str = "show() { find \"$@\" -printf '%P %y %m %u %g %s %TY-%Tm-%Td %TH:%TM %n %l\\n' | \
    sed -E 's/ 20(2[6-9]|[3-9][0-9])-[0-9-]+ [0-9:]+ / now /' | sort; }";

const LINES: &[(&str, &str)] = &[
    (
        "root",
        "rsync -av --delete /home/ /mnt/backup/; echo $?; show /mnt/backup; rsync -av --delete /home/ /mnt/backup/; echo more >> /home/ec2-user/notes.txt; rm /home/ec2-user/project/main.o; chmod 640 /home/alice/diary; rsync -av --delete /home/ /mnt/backup/; show /mnt/backup; diff -r /home /mnt/backup && echo same",
    ),
    (
        "root",
        "rsync -avn --delete /home/ /mnt/backup/ | sort; show /mnt/backup",
    ),
    ("root", "rsync -ai --delete /home/ /mnt/backup/ | sort"),
    (
        "root",
        "rsync -a --delete /home/ /mnt/backup/; show /mnt/backup",
    ),
    (
        "root",
        "rsync -a --stats /srv/tree/ /mnt/t/; rsync -a --stats --delete /home/ /mnt/t/",
    ),
    (
        "root",
        "rsync -av /srv/tree/ /mnt/t; show /mnt/t; rsync -av /srv/tree /mnt/t2; rsync -av /srv/tree/d1 /srv/tree/d2/ /mnt/t3; show /mnt/t2 /mnt/t3",
    ),
    (
        "root",
        "rsync -aHv /srv/tree/ /mnt/t/; stat -c %h /mnt/t/a /mnt/t/hard; rsync -aHv /srv/tree/ /mnt/t/",
    ),
    (
        "root",
        "rsync -rv /srv/tree/ /mnt/t/; show /mnt/t | cut -d' ' -f1-5",
    ),
    (
        "root",
        "rsync -rlv /srv/tree/ /mnt/t/; rsync -rt /srv/tree/ /mnt/t2/; show /mnt/t2",
    ),
    (
        "root",
        "rsync -v /srv/tree/ /mnt/t/; rsync -v /srv/tree/a /mnt/b; cat /mnt/b; rsync -av /srv/tree/a /srv/tree/m /mnt/; ls /mnt; rsync -v /srv/tree/* /mnt/; ls /mnt",
    ),
    (
        "root",
        "rsync -av --exclude='*.o' --exclude=cache/ /srv/tree/ /mnt/t/; touch /mnt/t/d2/keep.o; mkdir /mnt/t/cache; rsync -av --delete --exclude='*.o' --exclude=cache /srv/tree/ /mnt/t/; ls /mnt/t /mnt/t/d2",
    ),
    (
        "root",
        "rsync -av --include='*/' --include='*.o' --exclude='*' /srv/tree/ /mnt/t/; rsync -av --exclude=/d1/a --exclude=d2/* /srv/tree/ /mnt/t2/; printf '# none\\nd1\\n' > /srv/list; rsync -av --exclude-from=/srv/list /srv/tree/ /mnt/t3/; rsync -av --delete --delete-excluded --exclude=d1 /srv/tree/ /mnt/t2/",
    ),
    (
        "root",
        "rsync -av /nothing /mnt/t; echo $?; rsync -av /srv/tree/ /no/such/place; echo $?; rsync -av /nothing /srv/tree/a /mnt/x; echo $?; cat /mnt/x/a; rsync -a --delete /nothing /home/ /mnt/backup/; echo $?; ls /mnt/backup/ec2-user",
    ),
    (
        "root",
        "rsync --foo a b; echo $?; cd /srv/tree; rsync -av . /mnt/t; rsync -av d1/../d2 /mnt/t2; cp -a /srv/tree /srv/other; touch -d 2025-05-05 d1/a; rsync -avc . /srv/other; rsync -av --size-only . /srv/other; rsync -avu /srv/other/ .; rsync -av --existing d1/ d2/; rsync -av --ignore-existing d1/ cache/",
    ),
    (
        "root",
        "mkdir /mnt/t; mkdir /mnt/t/a; echo x > /mnt/t/d1; rsync -av --delete /srv/tree/ /mnt/t/; ls -F /mnt/t; mkdir -p /mnt/t2/a/full; rsync -a /srv/tree/a /srv/tree/m /mnt/t2/; echo $?",
    ),
    (
        "ec2-user",
        "rsync -av /home/ec2-user/ /tmp/copy/; ls -l --time-style=+ /tmp/copy; rsync -av /home/alice/ /tmp/other; echo $?; rsync -av ~/notes.txt /mnt/backup/; echo $?; rsync -av ~/notes.txt ~/project/; rsync -aq ~/project/ ~/p2/; ls ~/p2; rsync -avh ~/project/ ~/p3/ | head -3; rsync -rtv --progress project/ ~/p4/ | tr '\\r' '\\n' | grep -v %",
    ),
];

/// Bytes, speeds and versions made alike.
fn alike((out, err, code): (String, String, i32)) -> Vec<String> {
    let text = format!("{out}\n{err}\nstatus {code}");
    let mut lines: Vec<String> = [
        (
            r"sent [\d,.KM]+ bytes  received [\d,.KM]+ bytes  [\d,.KM]+ bytes/sec",
            "sent",
        ),
        (r"speedup is [\d,.]+", "speedup"),
        (
            r"(Total bytes sent|Total bytes received|File list size|File list \w+ time): .*",
            "$1",
        ),
        (r"at \w+\.c\(\d+\) \[(\w+)=[\d.]+\]", "at [$1]"),
        (r#"(mkstemp "[^"]*)\.\w{6}""#, "$1\""),
    ]
    .into_iter()
    .fold(text, |text, (pattern, with)| {
        Regex::new(pattern)
            .unwrap()
            .replace_all(&text, with)
            .into_owned()
    })
    .lines()
    .map(str::to_owned)
    .collect();
    // Two of rsync's processes tell of deletions and of copies, each in its own order.
    for block in lines.split_mut(|line| line == "sending incremental file list") {
        block.sort_by_key(|line| !line.starts_with("deleting "));
    }
    lines
}

#[tokio::test]
async fn copies_are_those_of_rsync() {
    let jail = match Jail::new(&Rig::new().host.root()) {
        Ok(jail) => jail,
        Err(why) => return skipped("rsync", &why),
    };
    if jail.run("root", "rsync --version").2 != 0 {
        return skipped("rsync", "Debian's own is not here");
    }
    jail.prepare(TREE);
    let mut differing = Vec::new();
    for (user, line) in LINES {
        let line = format!("{SHOW}\n{line}");
        let real = alike(jail.run(user, &line));
        let rig = Rig::at(&jiff::Timestamp::now().to_string());
        system::install(&rig.host, "rsync");
        rig.good("root", TREE).await;
        let here = alike(rig.run(user, &line).await);
        if real != here {
            let (only_real, only_here) = apart(&real, &here);
            differing.push(format!(
                "{line}\n  real: {only_real:#?}\n  here: {only_here:#?}"
            ));
        }
    }
    assert!(
        differing.is_empty(),
        "{} of {} lines differ:\n{}",
        differing.len(),
        LINES.len(),
        differing.join("\n")
    );
}

#[tokio::test]
async fn it_comes_with_its_package_and_knows_no_other_machine() {
    let rig = Rig::new();
    let (_, err, code) = rig.run("root", "rsync -a /etc/ /mnt/etc/").await;
    assert_eq!(
        (err.as_str(), code),
        ("bash: rsync: command not found\n", 127)
    );
    system::install(&rig.host, "rsync");
    rig.good(
        "root",
        "rsync -a /etc/ssh/ /mnt/etc/ && diff -r /etc/ssh /mnt/etc",
    )
    .await;
    let (_, err, code) = rig.run("root", "rsync -a /etc/ host:/mnt/").await;
    assert!(err.contains("Failed to exec ssh"), "{err}");
    assert_eq!(code, 14);
}

#[tokio::test]
async fn a_full_device_ends_the_copy_and_leaves_what_was_there() {
    let rig = Rig::new();
    system::install(&rig.host, "rsync");
    // /dev has room for 4 MiB.
    rig.good("root", "mkdir /srv/big /dev/b; echo old > /dev/b/b")
        .await;
    for (path, byte) in [("/srv/big/a", b'x'), ("/srv/big/b", b'y')] {
        rig.host.root().write(path, &vec![byte; 3 << 20]).unwrap();
    }
    let (out, err, code) = rig.run("root", "rsync -a /srv/big/ /dev/b/").await;
    assert_eq!((out.as_str(), code), ("", 11), "{err}");
    assert!(
        err.contains("write failed on \"/dev/b/b\": No space left on device (28)"),
        "{err}"
    );
    assert_eq!(
        rig.good("root", "ls -A /dev/b; cat /dev/b/b").await,
        "a\nb\nold\n"
    );
}
