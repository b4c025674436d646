//! `efslab practice`: serve an account for other tools, look into one, move its clock, empty it.

use std::path::Path;

use miette::{IntoDiagnostic as _, miette};
use tokio::signal::unix::{SignalKind, signal};

use super::control::Endpoint;
use super::embedded::{self, Embedded};
use super::{Outcome, site};
use crate::cli::{Common, Practice};

/// Variables that would lead the `aws` command past the exported ones, to another account, region or endpoint.
const DISTRACTING: [&str; 5] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
];

/// Does it.
pub(super) fn run(common: &Common, what: Practice) -> miette::Result<Outcome> {
    super::runtime()?.block_on(async {
        match what {
            Practice::Serve { port, data_dir } => {
                let data = match data_dir {
                    Some(dir) => std::path::absolute(dir).into_diagnostic()?,
                    None => site::practice_directory(common)?,
                };
                serve(common, &data, port).await
            }
            Practice::Env => {
                super::print(&format!(
                    "unset {}\n{}",
                    DISTRACTING.join(" "),
                    exports(&serving(common).await?)
                ))?;
                Ok(Outcome::Done)
            }
            Practice::SshConfig => {
                super::print(&endpoint(common)?.ssh_config().await?)?;
                Ok(Outcome::Done)
            }
            Practice::Advance { duration } => {
                let clock = endpoint(common)?.advance(seconds(&duration)?).await?;
                super::print(&format!(
                    "It is {} in the practice account now.\n",
                    clock.now
                ))?;
                Ok(Outcome::Done)
            }
            Practice::Reset => {
                endpoint(common)?.reset().await?;
                super::print("The practice account is empty.\n")?;
                Ok(Outcome::Done)
            }
        }
    })
}

async fn serve(common: &Common, data: &Path, port: Option<u16>) -> miette::Result<Outcome> {
    let region = common
        .region
        .clone()
        .unwrap_or_else(|| "us-east-1".to_owned());
    // Listen for signals first: whoever reads the lines below may send one at once.
    let mut terminate = signal(SignalKind::terminate()).into_diagnostic()?;
    let mut interrupt = signal(SignalKind::interrupt()).into_diagnostic()?;
    let mut hang_up = signal(SignalKind::hangup()).into_diagnostic()?;
    let (pace, faults) = (site::pace(&common.pace)?, common.faults.as_deref());
    let served = Embedded::start(data, &region, pace, port, faults).await?;
    if !served.is_ours() {
        return Err(miette!(
            help = "end that program, or serve another account with --data-dir DIR",
            "the practice account in {} is served by another efslab already",
            data.display()
        ));
    }
    super::print(&exports(&served.endpoint))?;
    let signal = tokio::select! {
        _ = terminate.recv() => 15,
        _ = interrupt.recv() => 2,
        _ = hang_up.recv() => 1,
    };
    served.stop().await;
    // Being told to stop is how serving ends well; an interrupt or a lost terminal is reported as such.
    Ok(if signal == 15 {
        Outcome::Done
    } else {
        Outcome::Interrupted(signal)
    })
}

/// The lines by which a shell, and the `aws` command in it, uses an account.
fn exports(endpoint: &Endpoint) -> String {
    let Endpoint {
        url,
        region,
        access_key_id,
        secret_access_key,
        ..
    } = endpoint;
    format!(
        "export AWS_ENDPOINT_URL={url}\nexport AWS_ACCESS_KEY_ID={access_key_id}\n\
         export AWS_SECRET_ACCESS_KEY={secret_access_key}\nexport AWS_DEFAULT_REGION={region}\n"
    )
}

/// The account of this state directory, once it has answered. What the shell says of an earlier one does not count.
async fn serving(common: &Common) -> miette::Result<Endpoint> {
    if common.endpoint_url.is_some() {
        return Err(miette!(
            help = "leave out --endpoint-url, or use the lines that `efslab practice serve` printed there",
            "`practice env` tells of the account of this state directory only"
        ));
    }
    let account =
        embedded::running_at(&site::practice_directory(common)?).ok_or_else(not_running)?;
    // The note of a program that was killed is still there.
    account.clock().await.map_err(|_| not_running())?;
    Ok(account)
}

fn not_running() -> miette::Report {
    miette!(
        help = "start one with `efslab start` or `efslab practice serve`, and leave it running in its own terminal",
        "no practice account is running here"
    )
}

/// The account that is meant: the one of the flag or the environment, else the one that runs here.
fn endpoint(common: &Common) -> miette::Result<Endpoint> {
    let url = common.endpoint_url.clone().or_else(|| {
        std::env::var("AWS_ENDPOINT_URL")
            .ok()
            .filter(|url| !url.is_empty())
    });
    if let Some(url) = url {
        return Endpoint::of_environment(&url, common.region.as_deref());
    }
    embedded::running_at(&site::practice_directory(common)?).ok_or_else(not_running)
}

/// `90`, `90s`, `15m`, `2h`, `1d` in seconds.
pub(super) fn seconds(text: &str) -> miette::Result<u64> {
    let unreadable = || {
        miette!(
            help = "examples: 30s, 15m, 2h, 1d",
            "`{text}` is not a duration"
        )
    };
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(unreadable()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        for (text, expected) in [
            ("90", 90),
            ("90s", 90),
            ("15m", 900),
            ("2h", 7_200),
            ("1d", 86_400),
        ] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
        for bad in ["", "m", "-5m", "5w", "1.5h", "99999999999999999999d"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
