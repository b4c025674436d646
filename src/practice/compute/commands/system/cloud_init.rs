//! cloud-init, for asking how the first boot went, and ec2-metadata, for asking what the instance is.

use std::time::Duration;

use async_trait::async_trait;

use super::metadata::Metadata;
use super::program::{Call, Ended, Program};
use crate::practice::compute::host::{Host, Seat};

/// `cloud-init`
pub struct CloudInit;

/// How often `--wait` looks.
const LOOKS: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Running,
    Done,
    Error,
}

#[async_trait]
impl Program for CloudInit {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut words = call.args.iter().map(String::as_str);
        match words.next() {
            Some("status") => {}
            Some("--version" | "-v") => return call.done("/usr/bin/cloud-init 22.2.2").await,
            _ => {
                let what = "usage: cloud-init status [--wait] [--long]";
                return call.fail(2, what).await;
            }
        }
        let (mut wait, mut long) = (false, false);
        for word in words {
            match word {
                "-w" | "--wait" => wait = true,
                "-l" | "--long" => long = true,
                other => {
                    let what = format!("cloud-init: error: unrecognized arguments: {other}");
                    return call.fail(2, what).await;
                }
            }
        }
        let mut now = status(&seat.host);
        while wait && now == Status::Running {
            call.out(".").await?;
            seat.activity.sleep(LOOKS).await;
            now = status(&seat.host);
        }
        if wait {
            call.out("\n").await?;
        }
        let word = match now {
            Status::Running => "running",
            Status::Done => "done",
            Status::Error => "error",
        };
        call.out(format!("status: {word}\n")).await?;
        if long {
            call.out("detail: DataSourceEc2\n").await?;
        }
        Ok(i32::from(now == Status::Error))
    }
}

/// Read off what cloud-init has written, as cloud-init itself does.
fn status(host: &Host) -> Status {
    let read = |path: &str| {
        let bytes = host.root().read(path).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    judge(
        &read("/var/log/cloud-init-output.log"),
        &read("/var/log/cloud-init.log"),
    )
}

fn judge(output: &str, log: &str) -> Status {
    let finished = output
        .lines()
        .any(|line| line.starts_with("Cloud-init v.") && line.contains(" finished at "));
    match (finished, log.contains("Failed running")) {
        (false, _) => Status::Running,
        (true, true) => Status::Error,
        (true, false) => Status::Done,
    }
}

/// `ec2-metadata`
pub struct Ec2Metadata;

/// Its options and what they ask for.
const ASKED: [(&str, &str, &str); 9] = [
    ("-a", "--ami-id", "ami-id"),
    ("-h", "--local-hostname", "local-hostname"),
    ("-i", "--instance-id", "instance-id"),
    ("-o", "--local-ipv4", "local-ipv4"),
    ("-R", "--region", "placement/region"),
    ("-t", "--instance-type", "instance-type"),
    ("-u", "--public-keys", "public-keys/0/openssh-key"),
    ("-v", "--public-ipv4", "public-ipv4"),
    ("-z", "--availability-zone", "placement/availability-zone"),
];

#[async_trait]
impl Program for Ec2Metadata {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let metadata = Metadata::of(&seat.host);
        let asked: Vec<_> = match call.args {
            [] => ASKED.iter().collect(),
            [all] if all == "--all" => ASKED.iter().collect(),
            args => {
                let mut asked = Vec::new();
                for arg in args {
                    match ASKED
                        .iter()
                        .find(|(short, long, _)| arg == short || arg == long)
                    {
                        Some(one) => asked.push(one),
                        None => return call.unknown_option(1, arg).await,
                    }
                }
                asked
            }
        };
        for (_, long, path) in asked {
            let path = format!("meta-data/{path}");
            let value = metadata.entries.iter().find(|(one, _)| *one == path);
            let value = value.map_or_else(
                || "not available".into(),
                |(_, value)| String::from_utf8_lossy(value),
            );
            call.out(format!("{}: {}\n", &long[2..], value.trim_end()))
                .await?;
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Status, judge};

    #[test]
    fn the_boot_runs_until_cloud_init_says_that_it_finished() {
        let begun =
            "Cloud-init v. 22.2.2 running 'init' at Mon. Up 5 seconds.\nhello finished at home\n";
        let ended = format!("{begun}Cloud-init v. 22.2.2 finished at Mon. Up 50 seconds\n");
        assert_eq!(judge(begun, ""), Status::Running);
        assert_eq!(judge(&ended, "fine\n"), Status::Done);
        assert_eq!(
            judge(&ended, "[WARNING]: Failed running part-001 [1]\n"),
            Status::Error
        );
    }
}
