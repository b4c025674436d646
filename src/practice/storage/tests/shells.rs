//! bashkit's shells on views: two hosts, one share, and the words a shell has for what goes wrong.

use std::sync::Arc;

use bashkit::Bash;

use super::super::View;
use super::{ALICE, BOB, host, spec, tree, user};

fn shell(view: &View, home: &str) -> Bash {
    Bash::builder()
        .fs(Arc::new(view.clone()))
        .rootfs(false)
        .cwd(home)
        .env("HOME", home)
        .build()
}

/// Standard output, standard error and exit code of a line.
async fn run(shell: &mut Bash, line: &str) -> (String, String, i32) {
    let result = shell.exec(line).await.unwrap();
    (
        result.stdout.to_string(),
        result.stderr.to_string(),
        result.exit_code,
    )
}

/// Standard output of a line that must succeed.
async fn output(shell: &mut Bash, line: &str) -> String {
    let (stdout, stderr, code) = run(shell, line).await;
    assert_eq!((stderr.as_str(), code), ("", 0), "{line}");
    stdout
}

/// Two hosts with one share on /home, and in it Alice's home.
fn two_hosts() -> (View, View) {
    let share = tree();
    let mounted = || {
        let root = host();
        root.make_dirs("/home").unwrap();
        root.make_dirs("/tmp").unwrap();
        root.set_mode("/tmp", 0o1777).unwrap();
        root.table().mount(spec("/home", &share)).unwrap();
        root
    };
    let (a, b) = (mounted(), mounted());
    a.make_dir("/home/alice").unwrap();
    a.set_owner("/home/alice", Some(ALICE), Some(ALICE), true)
        .unwrap();
    a.set_mode("/home/alice", 0o700).unwrap();
    (a.with_identity(user(ALICE)), b.with_identity(user(ALICE)))
}

#[tokio::test]
async fn a_file_made_on_one_host_is_there_on_the_other() {
    let (a, b) = two_hosts();
    let (mut a, mut b) = (shell(&a, "/home/alice"), shell(&b, "/home/alice"));
    assert_eq!(output(&mut a, "ls").await, "");
    output(&mut a, "touch i-was-here; echo one > f; echo two >> f").await;
    assert_eq!(output(&mut b, "ls").await, "f\ni-was-here\n");
    assert_eq!(
        output(&mut b, "cat f; wc -l < f; pwd").await,
        "one\ntwo\n2\n/home/alice\n"
    );
    output(
        &mut b,
        "mkdir -p d/e && mv f d/e/g && rm i-was-here && ln -s d/e l",
    )
    .await;
    assert_eq!(output(&mut a, "cat l/g; ls").await, "one\ntwo\nd\nl\n");
    output(&mut a, "cp l/g copy && rm -r d && chmod 600 copy").await;
    assert_eq!(output(&mut b, "ls; cat copy").await, "copy\nl\none\ntwo\n");
    // The root disks are each host's own.
    output(&mut a, "echo x > /tmp/mine").await;
    assert_eq!(output(&mut b, "ls /tmp").await, "");
}

#[tokio::test]
async fn a_shell_says_what_a_shell_says() {
    let (view, _) = two_hosts();
    let mut alice = shell(&view, "/home/alice");
    let mut bob = shell(&view.with_identity(user(BOB)), "/tmp");
    output(
        &mut alice,
        "echo secret > f; mkdir d; touch d/x; echo y > /tmp/alices",
    )
    .await;
    for (line, complaint) in [
        ("cat /home/alice/f", "Permission denied"),
        ("ls /home/alice", "Permission denied"),
        ("echo x > /home/alice/g", "Permission denied"),
        ("echo x >> /tmp/alices", "Permission denied"),
        ("rm /tmp/alices", "Operation not permitted"),
        ("cat /tmp/none", "No such file or directory"),
        ("cat /tmp", "Is a directory"),
        ("echo x > /tmp", "Is a directory"),
        ("echo x > /tmp/no/f", "No such file or directory"),
        ("mkdir /tmp", "File exists"),
        ("mkdir /tmp/alices/d", "Not a directory"),
        ("mkdir /d", "Permission denied"),
    ] {
        let (stdout, stderr, code) = run(&mut bob, line).await;
        assert_ne!(code, 0, "{line}: {stdout}{stderr}");
        assert!(stderr.contains(complaint), "{line}: {stderr}");
    }
    let (_, stderr, code) = run(&mut alice, "rmdir d").await;
    assert_eq!(code, 1);
    assert!(stderr.contains("Directory not empty"), "{stderr}");
    assert_eq!(output(&mut alice, "cat f").await, "secret\n");
}

#[tokio::test]
async fn tests_globs_and_redirections_work_through_links_and_mounts() {
    let (view, _) = two_hosts();
    let mut alice = shell(&view, "/home/alice");
    output(
        &mut alice,
        "mkdir real; ln -s real link; echo 1 > link/a; echo 2 > link/b",
    )
    .await;
    assert_eq!(
        output(&mut alice, "echo link/*; cat < link/a; cat real/*").await,
        "link/a link/b\n1\n1\n2\n"
    );
    assert_eq!(
        output(
            &mut alice,
            "[ -L link ] && [ -d link ] && [ ! -e none ] && echo yes"
        )
        .await,
        "yes\n"
    );
    assert_eq!(
        output(
            &mut alice,
            "ln -s none dangling; [ -L dangling ] && [ ! -e dangling ] && echo yes"
        )
        .await,
        "yes\n"
    );
    assert_eq!(
        output(&mut alice, "readlink link; rm link dangling; ls").await,
        "real\nreal\n"
    );
    assert_eq!(
        output(
            &mut alice,
            "printf 'echo from a script\\n' > s.sh; chmod +x s.sh; ./s.sh"
        )
        .await,
        "from a script\n"
    );
    assert_eq!(
        output(&mut alice, "find . -type f | sort").await,
        "./real/a\n./real/b\n./s.sh\n"
    );
}
