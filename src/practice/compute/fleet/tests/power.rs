//! Power on and off: what a boot does, what it leaves, and what a kill may cut off.

use super::*;

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
