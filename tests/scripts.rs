//! The lab's own scripts in a real shell, both sides on one machine. No account and no program of the lab.

use std::path::Path;
use std::process::{Command, Stdio};

/// Both sides of the causality view in this shell; what A and B print.
fn beats(shell: &str, writes: &str) -> [String; 2] {
    let home = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/scripts/beat.sh");
    let sides = [("a", "b"), ("b", "a")].map(|(side, other)| {
        Command::new(shell)
            .arg(&script)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", home.path())
            .envs([("RUN", "1"), ("SIDE", side), ("OTHER", other)])
            .env("WRITES", writes)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    let printed = sides.map(|child| {
        let output = child.wait_with_output().unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{shell}: {complaints}");
        assert_eq!(complaints, "", "{shell}");
        String::from_utf8(output.stdout).unwrap()
    });
    let left: Vec<_> = home.path().read_dir().unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    printed
}

#[test]
fn two_sides_see_each_write_of_the_other_once_and_leave_nothing() {
    for shell in ["bash", "sh"] {
        for printed in beats(shell, "5") {
            let lines: Vec<Vec<&str>> = printed
                .lines()
                .map(|line| line.split(' ').collect())
                .collect();
            assert_eq!(lines.len(), 5, "{shell}: {printed}");
            for (at, line) in lines.iter().enumerate() {
                let [word, number, written, seen] = line[..] else {
                    panic!("{shell}: {printed}");
                };
                assert_eq!((word, number), ("beat", (at + 1).to_string().as_str()));
                let time = |text: &str| text.parse::<i64>().unwrap();
                // One clock: nothing is seen before it is written.
                assert!(time(seen) > time(written), "{shell}: {printed}");
            }
        }
    }
}
