//! crond on real hosts: what runs when, as whom, and what it leaves.

use super::*;

impl Bench {
    /// A host on which crond runs.
    async fn with_cron(&self) -> String {
        let id = self.launch(1, "").await;
        let absent = self.run(&id, "crontab -l").await;
        assert_eq!(absent.status.code(), Some(127), "{absent:?}");
        self.says(
            &id,
            "sudo dnf install -y -q cronie; sudo systemctl enable -q --now crond; sleep 60",
        )
        .await;
        id
    }

    async fn says(&self, id: &str, line: &str) -> String {
        let done = self.run(id, line).await;
        assert!(done.status.success(), "{line}: {done:?}");
        text(&done.stdout)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_run_at_their_minutes_as_their_users_with_the_environment_of_cron() {
    let bench = Bench::new().await;
    let id = bench.with_cron().await;
    let table = "MARK='x y'\n*/5 * * * * ec2-user date +\\\\%M >>/tmp/five; echo $SHELL:$PATH:$HOME:$USER:$MARK:$(id -un) >/tmp/env\n* * * * * root date >>/tmp/each\n";
    bench
        .says(
            &id,
            &format!(
                "printf '%b' \"{}\" | sudo tee /etc/cron.d/lab",
                table.replace('$', "\\$").replace('\n', "\\n")
            ),
        )
        .await;
    bench
        .says(&id, "rm -f /tmp/each /tmp/five; sleep 1800")
        .await;
    assert_eq!(
        bench.says(&id, "wc -l </tmp/each; wc -l </tmp/five").await,
        "30\n6\n"
    );
    let minutes = bench.says(&id, "cat /tmp/five").await;
    assert!(
        minutes
            .lines()
            .all(|one| one.parse::<u32>().unwrap() % 5 == 0),
        "{minutes}"
    );
    assert_eq!(
        bench.says(&id, "cat /tmp/env").await,
        "/bin/sh:/usr/bin:/bin:/home/ec2-user:ec2-user:x y:ec2-user\n"
    );
    let journal = bench
        .says(
            &id,
            "sudo journalctl -u crond | grep -c 'CMD (date >>/tmp/each)'",
        )
        .await;
    assert_eq!(journal.trim().parse::<u32>().unwrap(), 30);
    // Who may be anybody's is nobody's.
    bench
        .says(
            &id,
            "sudo chmod 666 /etc/cron.d/lab; sudo rm /tmp/each; sleep 300; [ ! -e /tmp/each ]",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_have_their_own_tables() {
    let bench = Bench::new().await;
    let id = bench.with_cron().await;
    let done = bench.run(&id, "crontab -l").await;
    assert_eq!(text(&done.stderr), "no crontab for ec2-user\n");
    assert_eq!(done.status.code(), Some(1));
    bench
        .says(
            &id,
            "echo '* * * * * echo ran >>ran; pwd >>ran' | crontab -",
        )
        .await;
    assert_eq!(
        bench.says(&id, "crontab -l").await,
        "* * * * * echo ran >>ran; pwd >>ran\n"
    );
    bench.says(&id, "sleep 60").await;
    assert_eq!(bench.says(&id, "cat ran").await, "ran\n/home/ec2-user\n");
    assert_eq!(
        bench
            .says(
                &id,
                "sudo ls -l /var/spool/cron | tail -n 1 | cut -d' ' -f1,3,4"
            )
            .await,
        "-rw------- ec2-user ec2-user\n"
    );
    let done = bench.run(&id, "echo '61 * * * * x' | crontab -").await;
    assert_eq!(
        text(&done.stderr),
        "\"-\":0: bad minute\nerrors in crontab file, can't install.\n"
    );
    let done = bench.run(&id, "crontab -u root -l").await;
    assert_eq!(text(&done.stderr), "must be privileged to use -u\n");
    bench.says(&id, "sudo crontab -u ec2-user -l >/dev/null; echo '# none' >t; crontab t; crontab -l; rm ran; sleep 300; [ ! -e ran ]; crontab -r").await;
    assert!(!bench.run(&id, "crontab -l").await.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_edited_on_a_terminal() {
    let bench = Bench::new().await;
    let id = bench.with_cron().await;
    let mut command = bench.ssh(&id, "ec2-user", "key");
    command.arg("-tt");
    let done = typed(
        command,
        b"crontab -e\ri0 5 * * * /opt/backup.sh\x1b:wq\rexit\r",
    )
    .await;
    assert!(done.status.success(), "{}", text(&done.stdout));
    assert_eq!(
        bench.says(&id, "crontab -l").await,
        "0 5 * * * /opt/backup.sh\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cron_does_not_make_time_run_and_goes_on_after_a_kill() {
    let bench = Bench::new().await;
    let id = bench.with_cron().await;
    let table = "@reboot echo up >>up\n* * * * * echo on >>on\n";
    bench
        .says(
            &id,
            &format!(
                "printf '{}' | crontab -; sleep 60",
                table.replace('\n', "\\n")
            ),
        )
        .await;
    let at = bench.clock.now();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(bench.clock.now(), at, "cron moved time");
    bench.files.flush().unwrap();
    let bench = bench.kill();
    bench.fleet.start(&id).await.unwrap();
    bench.booted(&id, 2).await;
    assert_eq!(
        bench.says(&id, "rm -f on; sleep 120; cat up on").await,
        "up\non\non\n"
    );
    // Restarted it has been up before.
    assert_eq!(
        bench
            .says(&id, "sudo systemctl restart crond; sleep 1; cat up")
            .await,
        "up\n"
    );
    bench
        .says(
            &id,
            "sudo systemctl stop crond; rm on; sleep 120; [ ! -e on ]",
        )
        .await;
    // A day that is skipped by hand runs a daily job once.
    bench
        .says(
            &id,
            "echo '0 3 * * * echo day >>day' | crontab -; sudo systemctl start crond; sleep 1",
        )
        .await;
    bench.clock.advance(Duration::from_hours(24)).unwrap();
    assert_eq!(bench.says(&id, "sleep 1; cat day").await, "day\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_says_is_in_the_journal_or_mailed() {
    let bench = Bench::new().await;
    let id = bench.with_cron().await;
    bench
        .says(
            &id,
            "echo '* * * * * echo hello; nowhere' | crontab -; sleep 60",
        )
        .await;
    let journal = bench.says(&id, "sudo journalctl -u crond").await;
    assert!(journal.contains("(ec2-user) CMDOUT (hello)"), "{journal}");
    assert!(journal.contains("nowhere: command not found)"), "{journal}");
    bench
        .says(&id, "sudo dnf install -y -q postfix; sleep 60")
        .await;
    let mail = bench.says(&id, "cat /var/spool/mail/ec2-user").await;
    assert!(
        mail.contains("\nSubject: Cron <ec2-user@ip-10-0-1-1> echo hello; nowhere\n"),
        "{mail}"
    );
    assert!(mail.contains("\n\nhello\n"), "{mail}");
    let quiet = "(echo 'MAILTO=\"\"'; echo '* * * * * echo quiet') | crontab -; sleep 120; ! grep -q quiet /var/spool/mail/ec2-user";
    bench.says(&id, quiet).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_run_at_their_minutes_while_time_is_moved_by_hand() {
    let bench = Bench::new().await;
    let id = bench.with_cron().await;
    bench
        .says(
            &id,
            "echo '*/5 * * * * ec2-user date +\\%s >>/tmp/five' | sudo tee /etc/cron.d/lab; sleep 60; rm -f /tmp/five",
        )
        .await;
    within(bench.clock.hurry(Duration::from_mins(20), PATIENCE))
        .await
        .unwrap();
    let seconds = bench.says(&id, "sleep 2; cat /tmp/five").await;
    let seconds: Vec<i64> = seconds.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(seconds.len(), 4, "{seconds:?}");
    for second in seconds {
        assert!(second % 300 < 60, "{second}");
    }
}

/// Wall time for what computes without end.
const PATIENCE: Duration = Duration::from_secs(20);
