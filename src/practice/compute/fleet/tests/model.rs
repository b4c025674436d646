//! What hosts share and what they cost: filesystems, memory, account time.

use super::*;

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
                own: 0,
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
