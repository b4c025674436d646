//! What asks for more than a small machine has: the machine refuses or is slow, and is there afterwards. The program's
//! memory grows by little, and nobody else is held up.

use super::*;

/// Wall time for each, without optimisation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(50);
/// Most that the whole test program may have grown by afterwards: other tests run beside this one.
const GROWTH_KIB: u64 = 700 * 1024;

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let field = line.unwrap().split_whitespace().nth(1).unwrap();
    field.parse().unwrap()
}

/// Runs a line that asks for too much, and then sees whether the host, and another one, are well.
async fn overdone(line: &str) -> Output {
    let bench = Bench::new().await;
    let (id, other) = (bench.launch(1, "").await, bench.launch(2, "").await);
    let before = resident_kib();
    let mut command = bench.ssh(&id, "ec2-user", "key");
    let done = tokio::time::timeout(PATIENCE, command.arg(line).output());
    let done = done.await.unwrap_or_else(|_| panic!("{line} does not end"));
    let after = resident_kib();
    assert!(
        after.saturating_sub(before) < GROWTH_KIB,
        "{line}: from {before} to {after} KiB"
    );
    for id in [&id, &other] {
        let well = bench.run(id, "echo well; echo x > y && cat y").await;
        assert_eq!(text(&well.stdout), "well\nx\n", "{line}");
    }
    done.unwrap()
}

fn said(done: &Output) -> String {
    text(&done.stderr).chars().take(500).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_runs_out_of_processes() {
    let done = overdone(":(){ :|:& };: 2>&1 | tail -n 1").await;
    let last = text(&done.stdout);
    assert!(last.contains("Resource temporarily unavailable"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_jobs_are_refused_most_of_their_processes() {
    let line = "for i in $(seq 10000); do sleep 1 & done 2>/tmp/refused; wait; tail -n 1 /tmp/refused; echo over";
    let done = overdone(line).await;
    let out = text(&done.stdout);
    assert!(
        out.contains("fork: retry: Resource temporarily unavailable"),
        "{out}"
    );
    assert!(out.ends_with("over\n"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_fills_its_disk_and_stops() {
    // What is in memory on a machine of 1 GiB is soon full; a disk takes longer, and fails in the same way.
    let done =
        overdone("yes > /tmp/x; cat /dev/zero > /run/user/x; df --output=pcent /tmp | tail -n 1")
            .await;
    assert!(
        said(&done).contains("yes: write error: No space left on device")
            || said(&done).contains("No space left on device"),
        "{}",
        said(&done)
    );
    assert!(text(&done.stdout).contains("100%"), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn output_without_end_goes_as_fast_as_it_is_taken_and_ends_with_its_reader() {
    for line in [
        "cat /dev/zero",
        "yes",
        "seq 1000000000",
        "while true; do echo hi; done",
    ] {
        let bench = Bench::new().await;
        let id = bench.launch(1, "").await;
        let mut command = bench.ssh(&id, "ec2-user", "key");
        let mut child = command.arg(line).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let before = resident_kib();
        let mut taken = vec![0; 32 * 1024];
        within(tokio::io::AsyncReadExt::read_exact(&mut out, &mut taken))
            .await
            .unwrap();
        // Nobody takes more for a while.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let after = resident_kib();
        assert!(after.saturating_sub(before) < GROWTH_KIB, "{line}");
        drop(out);
        child.kill().await.unwrap();
        // Nothing of it is left to run, only what accepts connections.
        let host = bench.host(&id);
        within(async {
            while host.tasks.len() > 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_for_variables_has_an_end() {
    for line in ["x=$(yes)", "x=a; while :; do x=$x$x; done"] {
        let done = overdone(line).await;
        assert_eq!(done.status.code(), Some(137), "{line}: {}", said(&done));
        assert!(
            said(&done).contains("Killed (out of memory)"),
            "{line}: {}",
            said(&done)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_only_calls_itself_runs_out_of_its_stack() {
    let done = overdone("f() { f; }; f").await;
    assert_eq!(done.status.code(), Some(139), "{}", said(&done));
    assert!(
        said(&done).contains("Segmentation fault"),
        "{}",
        said(&done)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_of_words_that_fits_nowhere_is_refused() {
    let done = overdone("echo {1..1000000000}").await;
    assert!(
        said(&done).contains("brace expansion: failed to allocate memory"),
        "{}",
        said(&done)
    );
    let done =
        overdone("seq 1000000000 | tail -n 1 >/dev/null & sleep 1; kill %1; seq 1 3 | tail -n 1")
            .await;
    assert_eq!(text(&done.stdout), "3\n", "{}", said(&done));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_very_many_files_is_made_listed_and_removed() {
    let line =
        "mkdir d && cd d && touch $(seq 100000) && ls | wc -l && cd .. && rm -rf d && ls -d d";
    let done = overdone(line).await;
    assert_eq!(text(&done.stdout), "100000\n", "{}", said(&done));
    assert!(
        said(&done).contains("No such file or directory"),
        "{}",
        said(&done)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_giant_heredoc_arrives_or_is_refused() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let body = "0123456789abcdef\n".repeat(200_000);
    let script = format!("cat > big <<'X'\n{body}X\nwc -c < big\n");
    let mut shell = bench.ssh(&id, "ec2-user", "key");
    shell.arg("bash -s");
    let done = typed(shell, script.as_bytes()).await;
    assert_eq!(
        text(&done.stdout).trim(),
        body.len().to_string(),
        "{}",
        said(&done)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_that_only_computes_ends_with_its_client_and_holds_up_nobody() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let loops = [
        "for ((;;)); do x=$((x+1)); done",
        "printf 'while :\\ndo x=$((x+1))\\ndone' > l; bash l",
    ];
    let mut busy: Vec<_> = loops
        .iter()
        .map(|line| {
            let mut command = bench.ssh(&id, "ec2-user", "key");
            command.arg(line).spawn().unwrap()
        })
        .collect();
    let host = bench.host(&id);
    within(async {
        while host.processes.all().len() < loops.len() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let other = bench.run(&id, "echo here").await;
    assert_eq!(text(&other.stdout), "here\n");
    for one in &mut busy {
        one.kill().await.unwrap();
    }
    within(async {
        while host.tasks.len() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_is_killed_runs_its_traps_unless_by_force() {
    let bench = Bench::at(Pace::Times(1.0)).await;
    let spec = bench.spec(1, "");
    let id = spec.instance_id.clone();
    bench.fleet.launch(spec).await.unwrap();
    while bench.fleet.console_output(&id).matches(" login: ").count() == 0 {
        bench.clock.advance(Duration::from_secs(10)).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let script = "#!/bin/bash\ntrap 'echo thawed >> log' EXIT\ntrap 'echo term >> log; exit 9' TERM\necho frozen > log\nsleep 1000\necho not here >> log\n";
    bench
        .host(&id)
        .root()
        .write_with_mode("/home/ec2-user/job", script.as_bytes(), 0o755)
        .unwrap();
    for (signal, status, log) in [
        ("TERM", 9, "frozen\nterm\nthawed\n"),
        ("HUP", 129, "frozen\nthawed\n"),
        ("KILL", 137, "frozen\n"),
    ] {
        let _ = bench.host(&id).root().remove_one("/home/ec2-user/log");
        let mut command = bench.ssh(&id, "ec2-user", "key");
        let mut job = command.arg("./job").spawn().unwrap();
        within(async {
            while bench.host(&id).root().stat("/home/ec2-user/log").is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let line = format!("kill -{signal} $(ps aux | grep '[.]/job' | awk '{{print $2}}')");
        let killed = bench.run(&id, &line).await;
        assert!(killed.status.success(), "{killed:?}");
        let ended = within(job.wait()).await.unwrap();
        assert_eq!(ended.code(), Some(status), "{signal}");
        let shown = bench.run(&id, "cat log").await;
        assert_eq!(text(&shown.stdout), log, "{signal}");
    }
}
