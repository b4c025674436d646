//! Two instances that work in one share at the same time, each with several shells: whatever they do to it, they never
//! disagree on what is there.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::practice::compute::host::Session;
use crate::practice::compute::users::{Accounts, User};

/// Shells of each instance, and rounds of each shell.
const SHELLS: usize = 4;
const ROUNDS: usize = 25;

/// Two instances with the same share at /mnt, where everybody may write.
struct Pair {
    bench: Bench,
    hosts: [Arc<Host>; 2],
}

impl Pair {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let ids = [bench.launch(1, "").await, bench.launch(2, "").await];
        let hosts = ids.map(|id| bench.host(&id));
        for host in &hosts {
            host.mounts
                .mount(MountSpec {
                    source: "fs-1:/".into(),
                    target: "/mnt".into(),
                    fstype: "nfs4".into(),
                    options: "rw".into(),
                    tree: bench.files.share("fs-1").unwrap(),
                    capacity: 0,
                    own: 0,
                })
                .unwrap();
        }
        hosts[0].root().set_mode("/mnt", 0o777).unwrap();
        Self { bench, hosts }
    }

    /// Runs the script in all shells of both instances at once; `$ME` is unlike any other's. Tells what each printed.
    async fn everywhere(&self, script: &str) -> Vec<String> {
        let mut shells = tokio::task::JoinSet::new();
        for (number, host) in self.hosts.iter().enumerate() {
            for shell in 0..SHELLS {
                let line = format!("cd /mnt; ME={number}{shell}; ROUNDS={ROUNDS}\n{script}");
                let (host, clock) = (Arc::clone(host), self.bench.clock.clone());
                shells.spawn(async move { run(&host, &clock, &line).await });
            }
        }
        within(shells.join_all()).await
    }

    /// What the script prints on both, which is the same.
    async fn agreed(&self, script: &str) -> String {
        let line = format!("cd /mnt; {script}");
        let [one, two] = &self.hosts;
        let (one, two) = (
            run(one, &self.bench.clock, &line).await,
            run(two, &self.bench.clock, &line).await,
        );
        assert_eq!(one, two);
        one
    }
}

/// Runs a script as ec2-user; nothing may be complained of.
async fn run(host: &Arc<Host>, clock: &Clock, script: &str) -> String {
    let user: User = Accounts::read(&host.root()).user("ec2-user").unwrap();
    let activity = Arc::new(clock.activity());
    let mut shell = host
        .shell(&user, Session::Batch, Arc::clone(&activity))
        .build();
    let done = activity.compute(shell.exec(script)).await.unwrap();
    let err = done.stderr.text_lossy().into_owned();
    assert_eq!((done.exit_code, err.as_str()), (0, ""), "{script}");
    done.stdout.text_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_list_the_same_tree_after_everybody_has_changed_all_of_it() {
    let pair = Pair::new().await;
    pair.everywhere(
        "mkdir -p e0 e1
         for i in $(seq $ROUNDS); do
             echo $ME $i > t.$ME
             mv t.$ME e$((i % 2))/$ME.$i
             ln e$((i % 2))/$ME.$i l$ME.$i
             echo more >> l$ME.$i
             mkdir -p d$((i % 3)) 2> /dev/null
             cp l$ME.$i d$((i % 3))/ 2> /dev/null
             [ $((i % 5)) = 0 ] && rm -r d$((i % 3)) 2> /dev/null
             echo $ME > same.$((i % 4))
             chmod $((600 + i % 2 * 44)) same.$((i % 4)) 2> /dev/null
             rm -f same.$(((i + 1) % 4))
             ln -s d$((i % 3)) s.$i 2> /dev/null
             true
         done",
    )
    .await;
    let names = pair
        .agreed("find . -printf '%p %y %s %i %n %m %u %T@ %l\\n' | sort")
        .await;
    pair.agreed("find . -type f -exec md5sum {} + | sort -k2")
        .await;
    pair.agreed("ls -laR; du -a; df -i /mnt | tail -1 | wc -w")
        .await;
    // Every file that was linked is there with two names, both whole.
    let kept: Vec<&str> = names
        .lines()
        .filter(|line| line.starts_with("./l"))
        .collect();
    assert_eq!(kept.len(), 2 * SHELLS * ROUNDS);
    for line in kept {
        let fields: Vec<&str> = line.split(' ').collect();
        assert_eq!((fields[1], fields[4]), ("f", "2"), "{line}");
    }
    // Inode numbers are of one file each, and as many names lead to it as it has links.
    let mut links: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for line in names.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        if fields[1] == "f" {
            let entry = links.entry(fields[3]).or_insert((0, fields[4]));
            entry.0 += 1;
            assert_eq!(entry.1, fields[4], "{line}");
        }
    }
    for (inode, (found, told)) in links {
        assert_eq!(found.to_string(), told, "{inode}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_line_that_is_appended_is_lost_or_torn() {
    let pair = Pair::new().await;
    let long = "x".repeat(300);
    pair.everywhere(&format!(
        "for i in $(seq $ROUNDS); do
             echo \"$ME $i {long}\" >> log
             echo \"$ME $i {long}\" | tee -a teed > /dev/null
             printf '%s %s {long}\\n' $ME $i >> log
         done"
    ))
    .await;
    for (file, times) in [("log", 2), ("teed", 1)] {
        let text = pair.agreed(&format!("cat {file}")).await;
        let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
        for line in text.lines() {
            *lines.entry(line).or_default() += 1;
        }
        let mut expected = BTreeMap::new();
        for (host, shell) in (0..2).flat_map(|host| (0..SHELLS).map(move |shell| (host, shell))) {
            for i in 1..=ROUNDS {
                expected.insert(format!("{host}{shell} {i} {long}"), times);
            }
        }
        let expected: BTreeMap<&str, usize> = expected
            .iter()
            .map(|(line, times)| (line.as_str(), *times))
            .collect();
        assert!(lines == expected, "{file}: {} lines", text.lines().count());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_can_be_made_only_once_is_made_by_exactly_one() {
    let pair = Pair::new().await;
    let won = pair
        .everywhere(
            "echo $ME > own.$ME
             for i in $(seq $ROUNDS); do
                 mkdir dir.$i 2> /dev/null && echo dir.$i
                 ln own.$ME link.$i 2> /dev/null && echo link.$i
                 ln -s $ME symlink.$i 2> /dev/null && echo symlink.$i
                 (set -o noclobber; echo $ME > file.$i) 2> /dev/null && echo file.$i
                 mv -n own.$ME moved.$i 2> /dev/null; [ -e own.$ME ] || { echo moved.$i; echo $ME > own.$ME; }
             done",
        )
        .await;
    let all: Vec<&str> = won.iter().flat_map(|said| said.lines()).collect();
    let different: BTreeSet<&str> = all.iter().copied().collect();
    let twice: Vec<&&str> = different
        .iter()
        .filter(|name| all.iter().filter(|other| other == name).count() > 1)
        .collect();
    assert!(twice.is_empty(), "won twice: {twice:?}");
    for kind in ["dir", "link", "symlink", "file"] {
        let won = all
            .iter()
            .filter(|name| name.starts_with(&format!("{kind}.")));
        assert_eq!(won.count(), ROUNDS, "{kind}");
    }
    // Whose the link is, is who won it.
    for (number, said) in won.iter().enumerate() {
        let host = &pair.hosts[0];
        for name in said.lines().filter(|name| name.starts_with("symlink.")) {
            let owner = host.root().link_target(&format!("/mnt/{name}")).unwrap();
            let others = won.iter().enumerate().filter(|(other, _)| *other != number);
            assert!(
                others
                    .flat_map(|(_, said)| said.lines())
                    .all(|other| other != name),
                "{owner}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_counted_under_a_lock_is_counted_right() {
    let pair = Pair::new().await;
    pair.everywhere(
        "count() { echo $(($(cat $1 2> /dev/null || echo 0) + 1)) > $1; }
         for i in $(seq 10); do
             until mkdir lock 2> /dev/null; do sleep 0.05; done
             count by-mkdir
             rmdir lock
             until ln -s $ME held 2> /dev/null; do sleep 0.05; done
             count by-symlink
             rm held
             flock flocked sh -c 'echo $(($(cat by-flock 2> /dev/null || echo 0) + 1)) > by-flock'
         done",
    )
    .await;
    let expected = format!("{}\n", 2 * SHELLS * 10);
    assert_eq!(pair.agreed("cat by-mkdir").await, expected);
    assert_eq!(pair.agreed("cat by-symlink").await, expected);
    assert_eq!(pair.agreed("cat by-flock").await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_that_is_replaced_by_renames_is_always_there_and_whole() {
    let pair = Pair::new().await;
    run(
        &pair.hosts[0],
        &pair.bench.clock,
        "cd /mnt; yes start | head -200 > current",
    )
    .await;
    let seen = pair
        .everywhere(
            "for i in $(seq $ROUNDS); do
                 yes $ME.$i | head -200 > new.$ME
                 mv new.$ME current
                 text=$(cat current) || echo missing
                 [ $(echo \"$text\" | sort -u | wc -l) = 1 ] || echo mixed
                 [ $(echo \"$text\" | wc -l) = 200 ] || echo torn
             done",
        )
        .await;
    assert!(seen.iter().all(String::is_empty), "{seen:?}");
    assert_eq!(pair.agreed("ls").await, "current\n");
}
