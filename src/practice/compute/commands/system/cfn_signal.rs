//! cfn-signal of aws-cfn-bootstrap: tells a stack how an instance's set-up ended.

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use crate::practice::compute::ResourceSignal;
use crate::practice::compute::host::Seat;

/// `cfn-signal`
pub struct CfnSignal;

#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    success: Option<bool>,
    exit_code: Option<i32>,
    reason: String,
    data: String,
    id: Option<String>,
    stack: Option<String>,
    resource: Option<String>,
    region: Option<String>,
    url: Option<String>,
    handle: Option<String>,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ if arg.len() > 2 && arg.starts_with('-') && !arg.starts_with("--") => {
                    let at = arg.char_indices().nth(2).map_or(arg.len(), |(at, _)| at);
                    (&arg[..at], Some(arg[at..].to_owned()))
                }
                _ => (arg.as_str(), None),
            };
            if !name.starts_with('-') {
                if wanted.handle.replace(arg.clone()).is_some() {
                    return Err(format!("unrecognized argument: {arg}"));
                }
                continue;
            }
            let mut value = || {
                inline
                    .clone()
                    .or_else(|| args.next().cloned())
                    .ok_or_else(|| format!("{name} option requires 1 argument"))
            };
            match name {
                "-s" | "--success" => {
                    let text = value()?;
                    wanted.success = Some(match text.to_ascii_lowercase().as_str() {
                        "true" => true,
                        "false" => false,
                        _ => return Err(format!("option {name}: invalid choice: '{text}'")),
                    });
                }
                "-e" | "--exit-code" => {
                    let text = value()?;
                    let code = text.parse();
                    wanted.exit_code =
                        Some(code.map_err(|_| {
                            format!("option {name}: invalid integer value: '{text}'")
                        })?);
                }
                "-r" | "--reason" => wanted.reason = value()?,
                "-d" | "--data" => wanted.data = value()?,
                "-i" | "--id" => wanted.id = Some(value()?),
                "--stack" => wanted.stack = Some(value()?),
                "--resource" => wanted.resource = Some(value()?),
                "--region" => wanted.region = Some(value()?),
                "-u" | "--url" => wanted.url = Some(value()?),
                _ => return Err(format!("no such option: {name}")),
            }
        }
        Ok(wanted)
    }

    /// The exit code, where it is given, says it; else `--success`, which is true unless denied.
    fn succeeded(&self) -> bool {
        self.exit_code
            .map_or(self.success.unwrap_or(true), |code| code == 0)
    }
}

#[async_trait]
impl Program for CfnSignal {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(what) => {
                let usage = "Usage: cfn-signal [options] [WaitConditionHandle URL]";
                return call
                    .fail(2, format!("{usage}\n\ncfn-signal: error: {what}"))
                    .await;
            }
        };
        if let Some(url) = &wanted.url {
            let what = format!(
                "cfn-signal: --url {url} is ignored: a practice instance signals its own account"
            );
            call.complain(what).await?;
        }
        let own = &seat.host.spec.region;
        if let Some(region) = wanted.region.as_ref().filter(|region| *region != own) {
            let what = format!(
                "ValidationError: the practice account has no stacks in {region}, only in {own}"
            );
            return call.fail(1, what).await;
        }
        let sent = match (&wanted.handle, &wanted.stack, &wanted.resource) {
            (Some(handle), None, None) => send_message(seat, &wanted, handle).await,
            (None, Some(stack), Some(resource)) => {
                send_signal(seat, &wanted, stack, resource).await
            }
            _ => Err(
                "Error: give either the URL of a WaitConditionHandle, or --stack and --resource"
                    .to_owned(),
            ),
        };
        match sent {
            Ok(()) => Ok(0),
            Err(what) => call.fail(1, what).await,
        }
    }
}

async fn send_signal(
    seat: &Seat,
    wanted: &Wanted,
    stack: &str,
    resource: &str,
) -> Result<(), String> {
    let spec = &seat.host.spec;
    let success = wanted.succeeded();
    let signal = ResourceSignal {
        stack: stack.to_owned(),
        resource: resource.to_owned(),
        unique_id: wanted
            .id
            .clone()
            .unwrap_or_else(|| spec.instance_id.clone()),
        success,
        reason: wanted.reason.clone(),
    };
    let sending = seat.host.surroundings.signal(&spec.instance_id, signal);
    seat.activity.wait(sending).await
}

async fn send_message(seat: &Seat, wanted: &Wanted, handle: &str) -> Result<(), String> {
    let spec = &seat.host.spec;
    let message = serde_json::json!({
        "Status": if wanted.succeeded() { "SUCCESS" } else { "FAILURE" },
        "Reason": wanted.reason,
        "UniqueId": wanted.id.as_ref().unwrap_or(&spec.instance_id),
        "Data": wanted.data,
    });
    let body = message.to_string().into_bytes();
    let sending = seat
        .host
        .surroundings
        .http(&spec.instance_id, "PUT", handle, body);
    match seat.activity.wait(sending).await {
        Ok((200, _)) => Ok(()),
        Ok((status, body)) => Err(format!(
            "Error signaling CloudFormation: {status} {}",
            String::from_utf8_lossy(&body)
        )),
        Err(what) => Err(format!("Error signaling CloudFormation: {what}")),
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    fn read(words: &[&str]) -> Result<Wanted, String> {
        let args: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        Wanted::read(&args)
    }

    #[test]
    fn the_call_of_the_user_data_is_understood() {
        let wanted = read(&[
            "--exit-code",
            "3",
            "--reason",
            "ended with 3",
            "--region",
            "us-east-1",
            "--stack",
            "s",
            "--resource",
            "EC2InstanceA",
        ])
        .unwrap();
        assert!(!wanted.succeeded());
        assert_eq!(wanted.reason, "ended with 3");
        assert_eq!(wanted.resource.as_deref(), Some("EC2InstanceA"));
    }

    #[test]
    fn success_is_the_default_and_short_options_may_be_joined() {
        assert!(read(&["--stack=s", "--resource=r"]).unwrap().succeeded());
        assert!(read(&["-e0"]).unwrap().succeeded());
        assert!(!read(&["-s", "false"]).unwrap().succeeded());
        assert_eq!(
            read(&["-e1", "http://h/x"]).unwrap().handle.as_deref(),
            Some("http://h/x")
        );
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(read(&["-e", "one"]).is_err());
        assert!(read(&["--frob"]).is_err());
        assert!(read(&["--stack"]).is_err());
        assert!(read(&["a", "b"]).is_err());
    }
}
