//! Sessions as their users meet them: commands, terminals, logins, and who gets in.

use super::*;

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
        "for ((;;)); do x=$((x+1)); done",
        "while [ 1 ]; do ((y++)); done",
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
async fn a_file_is_followed_on_the_screen_until_its_key_ends_that() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    for line in ["tail -f log", "sudo tail -n 1 -f log"] {
        bench.run(&id, "echo first > log").await;
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
        for shown in ["first\r\n", "second\r\n"] {
            while !text(&seen).contains(shown) {
                let read = within(screen.read(&mut buffer)).await.unwrap();
                assert_ne!(read, 0, "{line}: {}", text(&seen));
                seen.extend(&buffer[..read]);
            }
            bench
                .run(&id, "grep -q second log || echo second >> log")
                .await;
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
        assert!(
            text(&rest).contains("over 130\r\n"),
            "{line}: {}",
            text(&rest)
        );
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
async fn an_interrupted_dd_tells_how_far_it_has_got() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let host = bench.host(&id);
    let share = bench.files.share("fs-1").unwrap();
    host.mounts
        .mount(MountSpec {
            source: "fs-1:/".into(),
            target: "/mnt".into(),
            fstype: "nfs4".into(),
            options: "rw".into(),
            tree: Arc::clone(&share),
            capacity: 0,
            own: 0,
        })
        .unwrap();
    host.root().set_mode("/mnt", 0o777).unwrap();
    let mut command = bench.ssh(&id, "ec2-user", "key");
    let mut child = command
        .arg("-tt")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    keys.write_all(b"dd if=/dev/zero of=/mnt/x bs=1M status=progress\r")
        .await
        .unwrap();
    let mut seen = Vec::new();
    let mut buffer = vec![0; 65536];
    // It runs, for as long as nobody stops it.
    while !text(&seen).contains(" copied, 2 s, 10") {
        let read = within(screen.read(&mut buffer)).await.unwrap();
        seen.extend(&buffer[..read]);
    }
    keys.write_all(b"\x03").await.unwrap();
    keys.write_all(b"echo over $?\rexit 5\r").await.unwrap();
    let mut rest = Vec::new();
    within(screen.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(within(child.wait()).await.unwrap().code(), Some(5));
    let rest = text(&rest);
    let said = rest.split("^C\r\n").nth(1).unwrap_or_default();
    let lines: Vec<&str> = said.split("\r\n").collect();
    let blocks = |line: &str, what: &str| -> u64 {
        let number = line.strip_suffix(what).unwrap_or_else(|| panic!("{rest}"));
        number.parse().unwrap()
    };
    let (read, written) = (
        blocks(lines[0], "+0 records in"),
        blocks(lines[1], "+0 records out"),
    );
    assert!(read - written <= 1 && written > 100, "{rest}");
    let bytes = written << 20;
    assert!(lines[2].starts_with(&format!("{bytes} bytes (")), "{rest}");
    assert!(lines[2].ends_with(" MB/s"), "{rest}");
    assert!(rest.contains("over 130\r\n"), "{rest}");
    // What it said is what is there, and what was metered.
    assert_eq!(host.root().stat("/mnt/x").unwrap().size, bytes);
    let traffic = share.share().unwrap();
    let metered = traffic
        .meter()
        .between(Timestamp::UNIX_EPOCH, Timestamp::MAX)
        .map(|(_, minute)| minute.writes.sum);
    assert_eq!(metered.sum::<u64>(), bytes);
}
