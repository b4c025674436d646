//! Hosts as their users meet them: through OpenSSH's own client.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::process::Command;

use super::super::{Fleet, HostSpec, MetadataService, Reach, ResourceSignal, Surroundings};
use crate::practice::clock::{Clock, Pace};
use crate::practice::compute::host::Host;
use crate::practice::storage::{Errno, Files, MountSpec};

/// An account in which there is nothing but hosts.
#[derive(Default)]
struct Nothing {
    signals: Mutex<Vec<ResourceSignal>>,
    /// Nobody gets in.
    shut: AtomicBool,
}

#[async_trait]
impl Surroundings for Nothing {
    fn resolve(&self, _: &str, _: &str) -> Option<Ipv4Addr> {
        None
    }
    fn reach(&self, _: &str, _: Ipv4Addr, _: u16) -> Reach {
        Reach::Filtered
    }
    fn admits(&self, _: &str, _: Ipv4Addr, _: u16) -> bool {
        !self.shut.load(Ordering::Relaxed)
    }
    fn reaches_internet(&self, _: &str) -> bool {
        true
    }
    fn public_address(&self, _: &str) -> Option<Ipv4Addr> {
        None
    }
    fn tags(&self, _: &str) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
    async fn signal(&self, _: &str, signal: ResourceSignal) -> Result<(), String> {
        self.signals.lock().unwrap().push(signal);
        Ok(())
    }
    async fn http(&self, _: &str, _: &str, _: &str, _: Vec<u8>) -> Result<(u16, Vec<u8>), String> {
        Err("nobody is there".into())
    }
    async fn powered_off(&self, _: &str) {}
}

/// A fleet, its directory, and a client with a key.
struct Bench {
    fleet: Fleet,
    files: Files,
    clock: Clock,
    around: Arc<Nothing>,
    dir: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self::at(Pace::Max).await
    }

    async fn at(pace: Pace) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["key", "other"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "learner", "-f"])
                .arg(dir.path().join(name))
                .status()
                .await
                .unwrap();
            assert!(made.success());
        }
        let clock = Clock::new(pace, Timestamp::constant(1_790_000_000, 0));
        let files = Files::open(dir.path()).unwrap();
        let around = Arc::new(Nothing::default());
        let seen = Arc::clone(&around) as Arc<dyn Surroundings>;
        let fleet = Fleet::new(clock.clone(), files.clone(), seen);
        Self {
            fleet,
            files,
            clock,
            around,
            dir,
        }
    }

    /// Ends the program as a kill does, and begins it again.
    fn kill(self) -> Self {
        let Self {
            fleet,
            files,
            clock,
            around: _,
            dir,
        } = self;
        fleet.cut_off();
        files.kill();
        drop(fleet);
        let files = Files::open(dir.path()).unwrap();
        let around = Arc::new(Nothing::default());
        let seen = Arc::clone(&around) as Arc<dyn Surroundings>;
        let fleet = Fleet::new(clock.clone(), files.clone(), seen);
        Self {
            fleet,
            files,
            clock,
            around,
            dir,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn spec(&self, number: u8, user_data: &str) -> HostSpec {
        HostSpec {
            instance_id: format!("i-{number}"),
            region: "us-east-1".into(),
            zone: "us-east-1a".into(),
            instance_type: "t3.micro".into(),
            image_id: "ami-1".into(),
            private_address: Ipv4Addr::new(10, 0, 1, number),
            authorized_keys: vec![std::fs::read_to_string(self.path("key.pub")).unwrap()],
            user_data: user_data.as_bytes().to_vec(),
            account_id: "123456789012".into(),
            metadata: MetadataService::default(),
        }
    }

    async fn launch(&self, number: u8, user_data: &str) -> String {
        let spec = self.spec(number, user_data);
        let id = spec.instance_id.clone();
        self.fleet.launch(spec).await.unwrap();
        self.console(&id, "login: ").await;
        id
    }

    /// Waits until the console has shown this.
    async fn console(&self, id: &str, text: &str) -> String {
        let since = Instant::now();
        loop {
            let console = self.fleet.console_output(id);
            if console.contains(text) {
                return console;
            }
            assert!(
                since.elapsed() < Duration::from_mins(1),
                "{text:?} is not in:\n{console}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until so many boots have come to their end on this console.
    async fn booted(&self, id: &str, times: usize) {
        let ended = || self.fleet.console_output(id).matches(" login: ").count();
        within(async {
            while ended() < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    fn host(&self, id: &str) -> Arc<Host> {
        let running = self.fleet.shared().running();
        Arc::clone(&running.get(id).unwrap().host)
    }

    /// The client, told to reach this host and to trust only the key on its console.
    fn ssh(&self, id: &str, user: &str, key: &str) -> Command {
        let known = self.path(&format!("known-{id}"));
        let shown = host_key(&self.fleet.console_output(id));
        std::fs::write(&known, format!("{id} {shown}\n")).unwrap();
        let mut command = Command::new("ssh");
        command
            .args([
                "-F",
                "/dev/null",
                "-o",
                "BatchMode=yes",
                "-o",
                "StrictHostKeyChecking=yes",
            ])
            .args([
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "IdentityAgent=none",
                "-o",
                "LogLevel=ERROR",
            ])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", known.display()))
            .arg("-o")
            .arg(format!("HostKeyAlias={id}"))
            .arg("-i")
            .arg(self.path(key))
            .args(["-p", &self.fleet.ssh_port(id).unwrap().to_string()])
            .args(["-l", user, "127.0.0.1"])
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, id: &str, line: &str) -> Output {
        let mut command = self.ssh(id, "ec2-user", "key");
        within(command.arg(line).output()).await.unwrap()
    }
}

/// The key that the console shows, the latest if it shows several.
fn host_key(console: &str) -> String {
    let lines: Vec<&str> = console.lines().collect();
    let begin = "-----BEGIN SSH HOST KEY KEYS-----";
    let at = lines.iter().rposition(|line| *line == begin).unwrap();
    lines[at + 1].to_owned()
}

async fn within<F: Future>(work: F) -> F::Output {
    tokio::time::timeout(Duration::from_mins(1), work)
        .await
        .expect("it ends")
}

async fn typed(mut command: Command, text: &[u8]) -> Output {
    use tokio::io::AsyncWriteExt as _;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(text).await.unwrap();
    drop(input);
    within(child.wait_with_output()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gives_its_output_its_errors_and_its_status() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let done = bench
        .run(&id, "echo out; echo err >&2; echo $HOME $USER; pwd; exit 7")
        .await;
    assert_eq!(
        text(&done.stdout),
        "out\n/home/ec2-user ec2-user\n/home/ec2-user\n"
    );
    assert_eq!(text(&done.stderr), "err\n");
    assert_eq!(done.status.code(), Some(7));
    let done = bench.run(&id, "if then").await;
    assert_eq!(done.status.code(), Some(2), "{done:?}");
    assert!(text(&done.stderr).contains("syntax error"), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn input_reaches_the_command_and_large_output_arrives_whole() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let mut input = Vec::new();
    for number in 0..300_000 {
        writeln!(input, "line {number}").unwrap();
    }
    let mut command = bench.ssh(&id, "ec2-user", "key");
    command.arg("cat > big; cat big big; wc -c < big >&2");
    let done = typed(command, &input).await;
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(text(&done.stderr).trim(), input.len().to_string());
    assert!(done.stdout == [input.clone(), input].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_echoes_prompts_and_ends_with_the_shell() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let mut command = bench.ssh(&id, "ec2-user", "key");
    command.arg("-tt");
    let done = typed(command, b"touch i-was-here\rls\rexit 3\r").await;
    let screen = text(&done.stdout);
    assert_eq!(done.status.code(), Some(3), "{screen}");
    assert!(screen.starts_with("A practice instance"), "{screen}");
    assert!(
        screen.contains("[ec2-user@ip-10-0-1-1 ~]$ touch i-was-here\r\n"),
        "{screen}"
    );
    assert!(screen.contains("$ ls\r\ni-was-here\r\n"), "{screen}");
    // The end of the input is the end of the session.
    let mut command = bench.ssh(&id, "ec2-user", "key");
    command.arg("-tt");
    let done = typed(command, b"false\r").await;
    assert_eq!(done.status.code(), Some(1), "{}", text(&done.stdout));
    let history = bench.run(&id, "cat .bash_history").await;
    assert_eq!(
        text(&history.stdout),
        "touch i-was-here\nls\nexit 3\nfalse\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_without_end_is_interrupted_by_its_key() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    for line in [
        "while :; do :; done",
        "for ((;;)); do echo on; done",
        "while true; do sleep 1; done",
    ] {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut command = bench.ssh(&id, "ec2-user", "key");
        let mut child = command
            .arg("-tt")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        keys.write_all(format!("{line}\r").as_bytes())
            .await
            .unwrap();
        let mut seen = Vec::new();
        let mut buffer = vec![0; 65536];
        // The line is echoed; then it runs.
        while !text(&seen).contains("done\r\n") {
            let read = within(screen.read(&mut buffer)).await.unwrap();
            seen.extend(&buffer[..read]);
        }
        keys.write_all(b"\x03").await.unwrap();
        keys.write_all(b"echo over $?\rexit 5\r").await.unwrap();
        let drain = tokio::spawn(async move {
            let mut rest = Vec::new();
            screen.read_to_end(&mut rest).await.unwrap();
            rest
        });
        assert_eq!(
            within(child.wait()).await.unwrap().code(),
            Some(5),
            "{line}"
        );
        let rest = drain.await.unwrap();
        assert!(text(&rest).contains("over 130\r\n"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_key_for_a_while_goes_on_without_it() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let mut session = bench.ssh(&id, "ec2-user", "key");
    let mut session = session
        .arg("-tt")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keys, mut screen) = (
        session.stdin.take().unwrap(),
        session.stdout.take().unwrap(),
    );
    let line = "read -t 0.1 answer; echo nothing came\r";
    tokio::io::AsyncWriteExt::write_all(&mut keys, line.as_bytes())
        .await
        .unwrap();
    let mut seen = Vec::new();
    while !text(&seen).contains("\r\nnothing came\r\n") {
        let mut buffer = [0; 4096];
        let read = within(tokio::io::AsyncReadExt::read(&mut screen, &mut buffer))
            .await
            .unwrap();
        assert_ne!(read, 0, "{}", text(&seen));
        seen.extend(&buffer[..read]);
    }
    session.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_runs_the_startup_files_that_its_user_has_changed() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let line = "echo \"alias hi='echo hello there'; export PLACE=here; echo welcome\" >> .bashrc";
    assert!(bench.run(&id, line).await.status.success());
    let mut command = bench.ssh(&id, "ec2-user", "key");
    command.arg("-tt");
    let done = typed(command, b"hi\recho $PLACE\rll -d .\rexit\r").await;
    let screen = text(&done.stdout);
    let greeting = screen.split("$ hi\r\n").next().unwrap();
    assert!(greeting.contains("\r\nwelcome\r\n[ec2-user@"), "{screen}");
    assert!(!screen.contains("bash_profile"), "{screen}");
    assert!(screen.contains("\r\nhello there\r\n"), "{screen}");
    assert!(screen.contains("\r\nhere\r\n"), "{screen}");
    assert!(screen.contains("\r\ndrwx------ "), "{screen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_and_an_unknown_user_are_refused() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    for (user, key) in [
        ("ec2-user", "other"),
        ("nobody-here", "key"),
        ("root", "key"),
    ] {
        let mut command = bench.ssh(&id, user, key);
        let done = within(command.arg("true").output()).await.unwrap();
        assert_eq!(done.status.code(), Some(255), "{user} with {key}");
        assert!(
            text(&done.stderr).contains("Permission denied (publickey)"),
            "{done:?}"
        );
    }
    // Forwarding is not served.
    let mut command = bench.ssh(&id, "ec2-user", "key");
    let done = within(command.args(["-W", "127.0.0.1:22"]).output())
        .await
        .unwrap();
    assert!(
        text(&done.stderr).contains("stdio forwarding failed"),
        "{done:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_carries_several_sessions_at_once() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let short = tempfile::Builder::new()
        .prefix("m")
        .tempdir_in("/tmp")
        .unwrap();
    let socket = short.path().join("s");
    let shared = |mut command: Command| {
        command.arg("-S").arg(&socket);
        command
    };
    let mut master = shared(bench.ssh(&id, "ec2-user", "key"))
        .args(["-M", "-N"])
        .spawn()
        .unwrap();
    while !socket.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // More than the client takes without reading on.
    let mut fill = shared(bench.ssh(&id, "ec2-user", "key"));
    fill.arg("cat > big");
    let filled = typed(fill, &vec![b'x'; 8 * 1024 * 1024]).await;
    assert!(filled.status.success());
    // The first waits for its input while the second comes and goes, and the third is not read.
    let mut first = shared(bench.ssh(&id, "ec2-user", "key"));
    let mut first = first
        .arg("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stuck = shared(bench.ssh(&id, "ec2-user", "key"));
    let mut stuck = stuck
        .arg("cat big big")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut second = shared(bench.ssh(&id, "ec2-user", "key"));
    let done = within(second.arg("echo two").output()).await.unwrap();
    assert_eq!(text(&done.stdout), "two\n");
    let mut input = first.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut input, b"one")
        .await
        .unwrap();
    drop(input);
    let done = within(first.wait_with_output()).await.unwrap();
    assert_eq!(
        (text(&done.stdout).as_str(), done.status.code()),
        ("one", Some(0))
    );
    stuck.kill().await.unwrap();
    master.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_see_the_same_share() {
    let bench = Bench::new().await;
    let (a, b) = (bench.launch(1, "").await, bench.launch(2, "").await);
    for id in [&a, &b] {
        let host = bench.host(id);
        host.mounts
            .mount(MountSpec {
                source: "fs-1:/".into(),
                target: "/home".into(),
                fstype: "nfs4".into(),
                options: "rw".into(),
                tree: bench.files.share("fs-1").unwrap(),
                capacity: 0,
            })
            .unwrap();
        // The first one carries the home over, with the key in it.
        let root = host.root();
        if root.stat("/home/ec2-user").is_err() {
            let key = std::fs::read(bench.path("key.pub")).unwrap();
            root.make_dirs("/home/ec2-user/.ssh").unwrap();
            root.write("/home/ec2-user/.ssh/authorized_keys", &key)
                .unwrap();
            for path in [
                "/home/ec2-user",
                "/home/ec2-user/.ssh",
                "/home/ec2-user/.ssh/authorized_keys",
            ] {
                root.set_owner(path, Some(1000), Some(1000), false).unwrap();
            }
        }
    }
    assert!(bench.run(&a, "touch i-was-here").await.status.success());
    assert_eq!(text(&bench.run(&b, "ls").await.stdout), "i-was-here\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn user_data_runs_once_as_root_and_shows_on_the_console() {
    let bench = Bench::new().await;
    let script = "#!/bin/bash -ex\ntrap 'echo trapped $?' EXIT\nexport LEFT=3\n\
        until [ $LEFT -eq 0 ]; do sleep 300; LEFT=$((LEFT-1)); done\necho $EUID $PATH >/root/ran\nfalse\necho not here\n";
    let before = bench.clock.now();
    // Within a minute of wall time, which is far less than it sleeps.
    let id = bench.launch(1, script).await;
    assert!(bench.clock.now().duration_since(before) > jiff::SignedDuration::from_mins(15));
    let console = bench.fleet.console_output(&id);
    assert!(console.contains("+ sleep 300\n"), "{console}");
    assert!(console.contains("trapped 1\n"), "{console}");
    assert!(!console.contains("not here\n"), "{console}");
    assert!(console.contains("part-001 [1]"), "{console}");
    let ran = bench.host(&id).root().read_text("/root/ran").unwrap();
    assert_eq!(ran, "0 /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n");
    bench.host(&id).root().remove_one("/root/ran").unwrap();
    bench.fleet.stop(&id).await;
    assert_eq!(bench.fleet.ssh_port(&id), None);
    bench.fleet.start(&id).await.unwrap();
    bench.booted(&id, 2).await;
    assert!(bench.host(&id).root().stat("/root/ran").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_where_and_what_it_was_after_a_kill() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    assert!(bench.run(&id, "echo kept > file").await.status.success());
    bench.files.flush().unwrap();
    let port = bench.fleet.ssh_port(&id).unwrap();
    let bench = bench.kill();
    // The old listener goes with its program; here it is the same one.
    while std::net::TcpListener::bind(("127.0.0.1", port)).is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.fleet.start(&id).await.unwrap();
    assert_eq!(bench.fleet.ssh_port(&id), Some(port));
    // The same host key too: the client trusts no other.
    assert_eq!(text(&bench.run(&id, "cat file").await.stdout), "kept\n");
    bench.fleet.terminate(&id).await;
    assert_eq!(bench.fleet.console_output(&id), "");
    assert!(bench.fleet.start(&id).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_that_was_cut_off_begins_again_with_its_user_data() {
    let bench = Bench::at(Pace::Times(10_000.0)).await;
    let script = "#!/bin/bash\necho first >>/root/ran\necho began\nsleep 1000000000\n";
    let spec = bench.spec(1, script);
    let id = spec.instance_id.clone();
    bench.fleet.launch(spec).await.unwrap();
    let key = host_key(&bench.console(&id, "began").await);
    bench.files.flush().unwrap();
    let bench = bench.kill();
    bench.fleet.start(&id).await.unwrap();
    let console = bench.console(&id, "began").await;
    // The account may have published the key.
    assert_eq!(host_key(&console), key);
    // Once: the disk is the image's again.
    assert_eq!(
        bench.host(&id).root().read_text("/root/ran").unwrap(),
        "first\n"
    );
    // Stopped on purpose it is not run again.
    bench.fleet.stop(&id).await;
    bench.fleet.start(&id).await.unwrap();
    bench.booted(&id, 1).await;
    assert_eq!(
        bench.host(&id).root().read_text("/root/ran").unwrap(),
        "first\n"
    );
    bench.fleet.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_with_the_power() {
    let bench = Bench::at(Pace::Times(1.0)).await;
    bench.clock.advance(Duration::from_secs(0)).unwrap();
    let spec = bench.spec(1, "");
    let id = spec.instance_id.clone();
    bench.fleet.launch(spec).await.unwrap();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.clock.advance(Duration::from_secs(10)).unwrap();
    }
    bench.console(&id, "login: ").await;
    let session = bench
        .ssh(&id, "ec2-user", "key")
        .arg("echo on; sleep 1000")
        .stdout(Stdio::piped())
        .spawn();
    let mut session = session.unwrap();
    let mut said = [0; 3];
    let mut out = session.stdout.take().unwrap();
    within(tokio::io::AsyncReadExt::read_exact(&mut out, &mut said))
        .await
        .unwrap();
    bench.fleet.stop(&id).await;
    assert_eq!(within(session.wait()).await.unwrap().code(), Some(255));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_prompt_neither_moves_time_nor_holds_it_up() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let mut session = bench.ssh(&id, "ec2-user", "key");
    let mut session = session
        .arg("-tt")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = session.stdout.take().unwrap();
    let mut seen = Vec::new();
    while !text(&seen).contains("]$ ") {
        let mut buffer = [0; 4096];
        let read = within(tokio::io::AsyncReadExt::read(&mut out, &mut buffer))
            .await
            .unwrap();
        seen.extend(&buffer[..read]);
    }
    let clock = bench.clock.clone();
    let recurring = tokio::spawn(async move { clock.sleep_idle(Duration::from_mins(15)).await });
    // A prompt that held time up would take ten minutes.
    within(bench.clock.activity().sleep(Duration::from_mins(10))).await;
    let at = bench.clock.now();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bench.clock.now(), at, "the prompt moved time");
    assert!(!recurring.is_finished());
    recurring.abort();
    session.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_runs_has_its_port_and_whoever_comes_early_waits() {
    let bench = Bench::at(Pace::Times(0.001)).await;
    let spec = bench.spec(1, "");
    let id = spec.instance_id.clone();
    bench.fleet.launch(spec).await.unwrap();
    // The boot has hardly begun.
    let port = bench.fleet.ssh_port(&id).unwrap();
    let early = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    let boot = async {
        while bench.fleet.console_output(&id).matches(" login: ").count() == 0 {
            bench.clock.advance(Duration::from_secs(10)).unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(boot).await;
    let mut greeting = [0; 8];
    let mut early = early;
    within(tokio::io::AsyncReadExt::read_exact(
        &mut early,
        &mut greeting,
    ))
    .await
    .unwrap();
    assert_eq!(&greeting, b"SSH-2.0-");
    // It is there all the while that the host is rebooted, and where it was.
    let restart = bench.fleet.restart(&id);
    let mut restart = std::pin::pin!(restart);
    let seen = std::future::poll_fn(|cx| {
        assert_eq!(bench.fleet.ssh_port(&id), Some(port));
        restart.as_mut().poll(cx)
    });
    within(seen).await.unwrap();
    assert_eq!(bench.fleet.ssh_port(&id), Some(port));
    bench.fleet.stop(&id).await;
    assert_eq!(bench.fleet.ssh_port(&id), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_up_its_command_but_not_time() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let mut fill = bench.ssh(&id, "ec2-user", "key");
    fill.arg("cat > big");
    let filled = typed(fill, &vec![b'x'; 8 * 1024 * 1024]).await;
    assert!(filled.status.success());
    for arguments in [&["cat big big"][..], &["-tt", "cat big big"], &["-tt"]] {
        let mut stuck = bench.ssh(&id, "ec2-user", "key");
        let mut stuck = stuck
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut keys = stuck.stdin.take().unwrap();
        if arguments == ["-tt"] {
            let line = b"cat big; cat big\r";
            tokio::io::AsyncWriteExt::write_all(&mut keys, line)
                .await
                .unwrap();
        }
        // It has begun, and is read no further.
        let mut first = [0; 1];
        let out = stuck.stdout.as_mut().unwrap();
        within(tokio::io::AsyncReadExt::read_exact(out, &mut first))
            .await
            .unwrap();
        within(bench.clock.activity().sleep(Duration::from_mins(10))).await;
        stuck.kill().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_startup_file_without_end_is_interrupted_or_left() {
    let bench = Bench::at(Pace::Times(1.0)).await;
    let spec = bench.spec(1, "");
    let id = spec.instance_id.clone();
    bench.fleet.launch(spec).await.unwrap();
    while bench.fleet.console_output(&id).matches(" login: ").count() == 0 {
        bench.clock.advance(Duration::from_secs(10)).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let line = "echo 'touch began; while :; do sleep 1000; done' >> .bashrc";
    assert!(bench.run(&id, line).await.status.success());
    let (host, home) = (bench.host(&id), bench.host(&id).root());
    for interrupted in [true, false] {
        let mut session = bench.ssh(&id, "ec2-user", "key");
        let mut session = session
            .arg("-tt")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        within(async {
            while home.remove_one("/home/ec2-user/began").is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        if interrupted {
            let mut keys = session.stdin.take().unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut keys, b"\x03echo over $?\rexit 5\r")
                .await
                .unwrap();
            let done = within(session.wait_with_output()).await.unwrap();
            assert_eq!(done.status.code(), Some(5), "{}", text(&done.stdout));
        } else {
            session.kill().await.unwrap();
        }
    }
    // Nothing of them is left to run, only what accepts connections.
    within(async {
        while host.tasks.len() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_on_the_disk_once_a_host_is_stopped() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    bench.host(&id).root().write("/root/late", b"kept").unwrap();
    bench.fleet.stop(&id).await;
    let bench = bench.kill();
    bench.fleet.start(&id).await.unwrap();
    let late = bench.host(&id).root().read_text("/root/late").unwrap();
    assert_eq!(late, "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_boot_that_a_kill_cuts_off_while_it_is_stopped_does_not_begin_again() {
    let bench = Bench::at(Pace::Times(10_000.0)).await;
    let script = "#!/bin/bash\necho ran >>/root/ran\necho began\nsleep 1000000000\n";
    let spec = bench.spec(1, script);
    let id = spec.instance_id.clone();
    bench.fleet.launch(spec).await.unwrap();
    bench.console(&id, "began").await;
    bench.files.flush().unwrap();
    // The program dies between the request and the end of the host; then the host is asked to stop again.
    let bench = bench.kill();
    bench.fleet.stop(&id).await;
    bench.fleet.start(&id).await.unwrap();
    bench.booted(&id, 1).await;
    assert_eq!(
        bench.host(&id).root().read_text("/root/ran").unwrap(),
        "ran\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_network_does_not_admit_hears_nothing_and_sessions_stay() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let mut session = bench.ssh(&id, "ec2-user", "key");
    let mut session = session
        .arg("-tt")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = session.stdout.take().unwrap();
    let mut first = [0; 1];
    within(tokio::io::AsyncReadExt::read_exact(&mut out, &mut first))
        .await
        .unwrap();
    bench.around.shut.store(true, Ordering::Relaxed);
    let mut late = bench.ssh(&id, "ec2-user", "key");
    late.args(["-o", "ConnectTimeout=1"]).arg("true");
    let late = within(late.output()).await.unwrap();
    assert_eq!(late.status.code(), Some(255));
    assert!(text(&late.stderr).contains("timed out"), "{late:?}");
    let mut keys = session.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut keys, b"exit 4\r")
        .await
        .unwrap();
    let drain = tokio::spawn(async move {
        let mut rest = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut out, &mut rest).await
    });
    assert_eq!(within(session.wait()).await.unwrap().code(), Some(4));
    drain.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filesystem_in_memory_is_as_small_as_df_shows_it_and_the_kernels_takes_nothing() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let root = bench.host(&id).root();
    // The names in it take a few bytes too.
    let fits = vec![0; 4 * 1024 * 1024 - 1024];
    root.write("/dev/shm/fits", &fits).unwrap();
    let more = root.append("/dev/shm/fits", &[0; 1024]);
    assert_eq!(more, Err(Errno::NoSpace));
    for path in ["/proc/mine", "/sys/mine"] {
        assert_eq!(root.write(path, b""), Err(Errno::NoSpace), "{path}");
    }
    // They are given back with the power.
    bench.fleet.stop(&id).await;
    bench.fleet.start(&id).await.unwrap();
    bench.booted(&id, 2).await;
    assert!(bench.host(&id).root().stat("/dev/shm/fits").is_err());
}
