//! `efslab practice`: serve an account for other tools, look into one, move its clock, empty it.

use std::path::Path;

use miette::{IntoDiagnostic as _, miette};
use tokio::signal::unix::{SignalKind, signal};

use super::control::Endpoint;
use super::embedded::{self, Embedded};
use super::{Outcome, site};
use crate::cli::{Common, Practice};

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
    let served = Embedded::start(data, &region, site::pace(&common.pace)?, port).await?;
    if !served.is_ours() {
        return Err(miette!(
            help = "end that program, or serve another account with --data-dir DIR",
            "the practice account in {} is served by another efslab already",
            data.display()
        ));
    }
    let Endpoint {
        url,
        region,
        access_key_id,
        secret_access_key,
        ..
    } = &served.endpoint;
    super::print(&format!(
        "export AWS_ENDPOINT_URL={url}\nexport AWS_ACCESS_KEY_ID={access_key_id}\n\
         export AWS_SECRET_ACCESS_KEY={secret_access_key}\nexport AWS_DEFAULT_REGION={region}\n"
    ))?;
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
    embedded::running_at(&site::practice_directory(common)?).ok_or_else(|| {
        miette!(
            help = "start one with `efslab start` or `efslab practice serve`, or name one with --endpoint-url",
            "no practice account is running here"
        )
    })
}

/// `90`, `90s`, `15m`, `2h`, `1d` in seconds.
fn seconds(text: &str) -> miette::Result<u64> {
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
