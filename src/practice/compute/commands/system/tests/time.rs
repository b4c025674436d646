//! sleep, timeout, date.

use super::Rig;

#[tokio::test]
async fn sleeping_passes_account_time_only() {
    let rig = Rig::new();
    let wall = std::time::Instant::now();
    let (seconds, ran) = rig.seconds("sleep 1m 1.5 0.5s; sleep 1h").await;
    ran.ended(0);
    assert_eq!(seconds, 3662);
    assert!(wall.elapsed().as_secs() < 60);
    let ran = rig.root("sleep soon").await.ended(1);
    assert!(
        ran.err.starts_with("sleep: invalid time interval ‘soon’\n"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn a_command_is_ended_when_its_account_time_is_up() {
    let rig = Rig::new();
    let (seconds, ran) = rig.seconds("timeout 5 sleep 100").await;
    ran.ended(124);
    assert_eq!(seconds, 5);
    let (seconds, ran) = rig
        .seconds("timeout 100 sh -c 'sleep 5; echo out; echo err >&2; exit 3'")
        .await;
    let ran = ran.ended(3);
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str(), seconds),
        ("out\n", "err\n", 5)
    );
    rig.root("timeout -s KILL 1 sleep 2").await.ended(137);
    rig.root("timeout --signal=KILL 1 sleep 2").await.ended(137);
    rig.root("timeout x true").await.ended(125);
    assert_eq!(
        rig.root("cd /etc; export A='b c'; timeout 5 sh -c 'pwd; echo \"$A\"'")
            .await
            .ended(0)
            .out,
        "/etc\nb c\n"
    );
}

#[tokio::test]
async fn date_shows_account_time() {
    let rig = Rig::new();
    assert_eq!(
        rig.user("date; date +%F; date -u -Iseconds")
            .await
            .ended(0)
            .out,
        "Mon Jan  5 12:00:00 UTC 2026\n2026-01-05\n2026-01-05T12:00:00+00:00\n"
    );
    assert_eq!(
        rig.user("sleep 61; date +%T; date -d @0 +%Y; date -d '1 hour ago' +%H")
            .await
            .ended(0)
            .out,
        "12:01:01\n1970\n11\n"
    );
    rig.root("date -s 2020-01-01").await.ended(1);
    assert_eq!(
        rig.user("date -d someday").await.ended(1).err,
        "date: invalid date ‘someday’\n"
    );
}

#[tokio::test]
async fn what_is_timed_took_account_time() {
    let rig = Rig::new();
    let ran = rig
        .root("time sleep 83.5; time -p (sleep 1; false) || echo failed; time { sleep 2; }")
        .await
        .ended(0);
    assert_eq!(ran.out, "failed\n");
    // What the shell computes takes its time too, on a busy computer more than on another.
    let mut real: Vec<f64> = Vec::new();
    let mut shape = String::new();
    for line in ran.err.lines() {
        match line.split_once(['\t', ' ']) {
            Some(("real", time)) => {
                let (minutes, seconds) = time.split_once('m').unwrap_or(("0", time));
                let minutes: f64 = minutes.parse().unwrap();
                real.push(minutes * 60.0 + seconds.trim_end_matches('s').parse::<f64>().unwrap());
                shape.push_str("real;");
            }
            _ => shape.push_str(&format!("{line};")),
        }
    }
    let zero = "user\t0m0.000s;sys\t0m0.000s;";
    assert_eq!(
        shape,
        format!(";real;{zero}real;user 0.00;sys 0.00;;real;{zero}")
    );
    for (real, slept) in real.iter().zip([83.5, 1.0, 2.0]) {
        assert!((slept..slept + 0.9).contains(real), "{}", ran.err);
    }
}
