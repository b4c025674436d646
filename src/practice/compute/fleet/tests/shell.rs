//! The shell of a session, where it has to do by itself what bash does: loops that a pipe feeds, lines that are asked
//! for, keys that commands read, jobs.

use super::*;

/// What a terminal shows when these keys are typed, and how it ends.
async fn screen(bench: &Bench, id: &str, keys: &str) -> (String, Option<i32>) {
    let mut command = bench.ssh(id, "ec2-user", "key");
    command.arg("-tt");
    let done = typed(command, keys.as_bytes()).await;
    (text(&done.stdout), done.status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_that_a_pipe_feeds_loses_no_line_to_what_does_not_read() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    for body in [
        "date >/dev/null",
        "hostname >/dev/null",
        "df >/dev/null",
        "findmnt >/dev/null",
        "lsblk >/dev/null",
        "sudo true",
        "sudo ls / >/dev/null",
        "getent hosts nowhere",
        "systemctl is-active crond >/dev/null",
        "ps >/dev/null",
        "dd if=/dev/zero of=x bs=1 count=1 2>/dev/null",
        "uptime >/dev/null",
        "timeout 1 true",
        "find . -name none",
        "sleep 0.1",
        "grep root /etc/passwd >/dev/null",
        "cat /etc/hosts >/dev/null",
        "now=$(date)",
        "x=$(cat /etc/hosts)",
        "x=\"$(sudo ls)\"",
        "curl -s http://nowhere/",
    ] {
        for producer in [
            "printf 'a\\nb\\nc\\n'",
            "for i in a b c; do echo $i; done",
            "cat f",
        ] {
            let line = format!(
                "printf 'a\\nb\\nc\\n' >f; {producer} | while read -r l; do {body}; echo \"$l\"; done"
            );
            let done = bench.run(&id, &line).await;
            assert_eq!(
                text(&done.stdout),
                "a\nb\nc\n",
                "{line} {}",
                text(&done.stderr)
            );
        }
    }
    let line = "f() { date; sudo true; } >/dev/null; seq 3 | while read -r l; do f; echo $l; done";
    assert_eq!(text(&bench.run(&id, line).await.stdout), "1\n2\n3\n");
    // What does read has the rest.
    let line = "seq 3 | while read -r l; do cat >rest; done; seq 3 | { read -r l; sudo tee more; } >/dev/null; cat rest more";
    assert_eq!(text(&bench.run(&id, line).await.stdout), "2\n3\n2\n3\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_here_document_is_asked_for_line_by_line() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let keys =
        "sudo tee f <<EOF\ra $HOME\rEOF\rcat <<'X' >g\r$HOME\rX\rcat <<-Y >>g\rb\rY\rexit 3\r";
    let (shown, status) = screen(&bench, &id, keys).await;
    assert_eq!(status, Some(3), "{shown}");
    assert!(
        shown.contains("<<EOF\r\n> a $HOME\r\n> EOF\r\na /home/ec2-user\r\n"),
        "{shown}"
    );
    let done = bench.run(&id, "cat f g").await;
    assert_eq!(text(&done.stdout), "a /home/ec2-user\n$HOME\nb\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn shells_in_shells_are_timed_and_get_their_arguments() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let line =
        "echo 'time sleep 5' >s; bash s; sh -c 'time sleep 5'; echo 'time sleep 5' | bash -s x";
    let done = bench.run(&id, line).await;
    assert_eq!(
        text(&done.stderr).matches("real\t0m5.0").count(),
        3,
        "{}",
        text(&done.stderr)
    );
    for line in ["bash -s -- A 'B C'", "cat | bash -s A 'B C'"] {
        let mut command = bench.ssh(&id, "ec2-user", "key");
        command.arg(line);
        let done = typed(command, b"echo $# $2; time sleep 5\nexit 4\n").await;
        assert_eq!(text(&done.stdout), "2 B C\n", "{line}");
        assert!(text(&done.stderr).contains("real\t0m5.0"), "{line}");
        assert_eq!(done.status.code(), Some(4), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_a_script_is_what_its_first_line_says() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let say = "make() { printf \"$2\" > \"$1\"; chmod +x \"$1\"; }; cd /tmp;";
    let mut wrong = Vec::new();
    for (line, out, status) in [
        ("make a '#!/bin/bash -e\nfalse\necho on\n'; ./a", "", 1),
        ("make a '#!/bin/bash -u\necho $none on\n'; /tmp/a", "", 1),
        (
            "make a '#!/bin/bash\necho $0 $1 $(cat)\n'; echo in | ./a x",
            "./a x in\n",
            0,
        ),
        (
            "make a '#!/usr/bin/env -S bash -e\nfalse\necho on\n'; make b '#!/bin/sh\n./a; echo $?\n'; ./b",
            "1\n",
            0,
        ),
        (
            "make a '#!/usr/bin/awk -f\nBEGIN { print 6*7 }\n'; ./a",
            "42\n",
            0,
        ),
        ("make a '#!/usr/bin/python3\nprint(1)\n'; ./a", "", 127),
        (
            "make a '#!/bin/bash\nx=1; exit 3\n'; x=0; ./a; echo $? $x",
            "3 0\n",
            0,
        ),
        ("echo 'echo on' > c; ./c", "", 126),
        ("./none", "", 127),
        ("echo 'echo on' > c; chmod +x c; ./c", "on\n", 0),
        ("/usr/bin/ls -d /home", "/home\n", 0),
        (
            "make a '#!/bin/bash -e\nfalse\necho on\n'; sudo ./a; timeout 5 ./a; A=1 ./a; find a -exec ./{} \\;; echo $?",
            "0\n",
            0,
        ),
    ] {
        let done = bench.run(&id, &format!("{say} {line}")).await;
        if (text(&done.stdout).as_ref(), done.status.code()) != (out, Some(status)) {
            wrong.push((line, done));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_held_open_is_locked_until_it_is_closed_or_its_script_ends() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    for (line, out, status) in [
        (
            "exec 9>l; flock -n 9 && echo got; flock -n l true || echo held; exec 9>&-; flock -n l echo free",
            "got\nheld\nfree\n",
            0,
        ),
        (
            "exec 9>l; flock 9; flock -u 9; flock -n l echo free",
            "free\n",
            0,
        ),
        (
            "( flock -n 9 || exit 7; flock -n l true || echo held; exit 3 ) 9>l; echo $?; flock -n l echo free",
            "held\n3\n",
            1,
        ),
        (
            "( flock -n 9 || exit 7; flock -n l true || echo held; false\n) 9>l; echo $?; flock -n l echo free",
            "held\n1\nfree\n",
            0,
        ),
        (
            "{ flock -s 9; flock -s -n l echo shared; flock -n l true || echo held; } 9>l",
            "shared\nheld\n",
            0,
        ),
        (
            "printf '#!/bin/bash\\nexec 9>l\\nflock -n 9 || exit 5\\nflock -n l true || echo held\\n' > s; chmod +x s; ./s; ./s; flock -n l ./s; echo $?",
            "held\nheld\n5\n",
            0,
        ),
        (
            "exec 9>l; flock 9; bash -c 'flock -u 9'; flock -n l echo free",
            "free\n",
            0,
        ),
        ("flock 12", "", 65),
        (
            "L=m; exec 9>>\"$L\"; flock -n 9; flock -n ~/m true || echo held",
            "held\n",
            0,
        ),
    ] {
        let done = bench.run(&id, line).await;
        assert_eq!(
            (text(&done.stdout).as_ref(), done.status.code()),
            (out, Some(status)),
            "{line}\n{}",
            text(&done.stderr)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_at_a_terminal_read_the_keyboard() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    bench.run(&id, "sudo useradd bob").await;
    for (keys, line, expected) in [
        ("cat > f\rone\rtwo\r\x04", "cat f", "one\ntwo\n"),
        ("sudo tee f >/dev/null\rthree\r\x04", "cat f", "three\n"),
        ("wc -l > f\ra\rb\x7fc\r\x04", "cat f", "2\n"),
        (
            "sudo -i\rcat > /tmp/f\rroot's\r\x04whoami >> /tmp/f\rexit\r",
            "cat /tmp/f",
            "root's\nroot\n",
        ),
        (
            "bash\rx=1\recho $x > f\rexit\recho $x >> f\r",
            "cat f",
            "1\n\n",
        ),
        (
            "sudo su - bob\rcat > f\rbob's\r\x04exit\r",
            "sudo cat /home/bob/f",
            "bob's\n",
        ),
        ("cat > f\rlost\r\x03cat > g\rkept\r\x04", "cat g", "kept\n"),
        (
            "sudo dnf install tree\rn\rrpm -q tree >f\r",
            "cat f",
            "package tree is not installed\n",
        ),
        (
            "sudo dnf install tree\ry\rrpm -q tree >f\r",
            "wc -l < f",
            "1\n",
        ),
        ("read -p 'who? ' x\rme\recho $x > f\r", "cat f", "me\n"),
        (
            "touch a b c\rrm -i a b\ry\rn\rrm -rf c\rls > f\r",
            "grep -x '[abc]' f",
            "b\n",
        ),
    ] {
        let (shown, status) = screen(&bench, &id, &format!("{keys}exit 3\r")).await;
        assert_eq!(status, Some(3), "{keys:?}: {shown}");
        let done = bench.run(&id, line).await;
        assert_eq!(text(&done.stdout), expected, "{keys:?}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_in_the_background_leaves_the_prompt_free() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let endless = "while :; do sleep 1; done &\r";
    let keys = format!(
        "{endless}jobs\recho $! > f\rkill %1\rwait\rjobs > g\r\
         x=5\r(sleep 2; echo $x late) &\rwait\rsleep 3 & wait; echo over\rfalse &\rsleep 1\recho still $?\rexit 3\r"
    );
    let (shown, status) = screen(&bench, &id, &keys).await;
    assert_eq!(status, Some(3), "{shown}");
    let started = shown.split("[1] ").nth(1).unwrap_or_default();
    let pid = started.lines().next().unwrap_or_default();
    assert!(
        shown.contains("\r\n[1]+  Running                 while :; do sleep 1; done &\r\n"),
        "{shown}"
    );
    for line in [
        "\r\n5 late\r\n",
        "\r\nover\r\n",
        "Exit 1                  false\r\n",
        "\r\nstill 0\r\n",
    ] {
        assert!(shown.contains(line), "{line:?} {shown}");
    }
    let done = bench
        .run(&id, "cat f g; ps -ef | grep -c '[w]hile :'")
        .await;
    assert_eq!(text(&done.stdout), format!("{pid}\n0\n"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_running_over_ssh_goes_on_after_the_session() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let line = "x=30; nohup sh -c \"sleep $x; touch finished\" >/dev/null 2>&1 & echo $!; ls finished; ps -p $! | wc -l";
    let done = bench.run(&id, line).await;
    let out = text(&done.stdout);
    let (pid, rest) = out.split_once('\n').unwrap();
    assert_eq!(rest, "2\n", "{done:?}");
    assert!(text(&done.stderr).contains("No such file"), "{done:?}");
    let line = format!("sleep 60; ls finished; ps -p {pid} | wc -l");
    let done = bench.run(&id, &line).await;
    assert_eq!(text(&done.stdout), "finished\n1\n", "{done:?}");
    // What writes to the session is waited for.
    let done = bench.run(&id, "(sleep 5; echo late) & echo soon").await;
    assert_eq!(text(&done.stdout), "soon\nlate\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redirections_make_has_the_mode_that_umask_leaves() {
    let bench = Bench::new().await;
    let id = bench.launch(1, "").await;
    let line = "echo >a; umask 077; echo >b; umask u=rwx,g=rx,o=; echo >c; (umask 0; echo d >d); stat -c '%a' a b c";
    assert_eq!(text(&bench.run(&id, line).await.stdout), "644\n600\n640\n");
    let keys = "umask 027\recho >x\r(umask 077; touch y)\recho >z\rexit 3\r";
    let (shown, status) = screen(&bench, &id, keys).await;
    assert_eq!(status, Some(3), "{shown}");
    let done = bench.run(&id, "stat -c %a x y z").await;
    assert_eq!(text(&done.stdout), "640\n600\n640\n");
}
