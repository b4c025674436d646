//! The account's own control plane, which AWS has not: how instances are reached, what time it is, reset.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::protocol::Answer;
use crate::practice::account::Account;
use crate::practice::clock::Pace;
use crate::practice::error::AwsError;
use crate::practice::reset;
use crate::practice::world::instances::State;

/// Name of this service in a credential scope, and the beginning of its paths.
pub const SERVICE: &str = "efslab";

/// How long the clock, moved by hand, waits for what computes without end.
const OVERTAKES: Duration = Duration::from_secs(20);

/// Answers a control request.
pub async fn answer(
    account: &Account,
    method: &Method,
    path: &str,
    query: &str,
) -> Result<Answer, AwsError> {
    match (method.as_str(), path) {
        ("GET", "/_efslab/ssh-config") => Ok(Answer::Text(ssh_config(account))),
        ("GET", "/_efslab/instances") => {
            let instances: Vec<_> = reachable(account)
                .into_iter()
                .map(|one| {
                    json!({
                        "InstanceId": one.id,
                        "PublicAddress": one.public.map(|address| address.to_string()),
                        "PrivateAddress": one.private.to_string(),
                        "Port": one.port,
                    })
                })
                .collect();
            Ok(Answer::Json(json!({"Instances": instances})))
        }
        ("GET", "/_efslab/clock") => match instant(query, "until")? {
            None => Ok(clock(account)),
            Some(until) => Ok(at(account, until).await),
        },
        ("POST", "/_efslab/advance") => {
            let seconds = form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == "seconds")
                .and_then(|(_, value)| value.parse::<f64>().ok())
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .ok_or_else(|| {
                    AwsError::client(
                        "ValidationException",
                        "seconds must be a number of at least 0",
                    )
                })?;
            let moved = account.clock.hurry(seconds, OVERTAKES).await;
            moved.map_err(|why| AwsError::client("ValidationException", why.to_string()))?;
            account
                .keep_time()
                .map_err(|error| AwsError::internal(error.to_string()))?;
            Ok(clock(account))
        }
        ("POST", "/_efslab/reset") => {
            reset::reset(account).await?;
            Ok(Answer::Json(json!({})))
        }
        _ => Err(AwsError::with_status(
            404,
            "UnknownOperationException",
            format!("{method} {path} is not known"),
        )),
    }
}

/// The instant that a query names.
fn instant(query: &str, name: &str) -> Result<Option<Timestamp>, AwsError> {
    let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    let instant = found.map(|(_, value)| value.parse());
    instant
        .transpose()
        .map_err(|_| AwsError::client("ValidationException", format!("{name} must be an instant")))
}

/// The clock once it shows `until`. From then on time does not jump until the client lets go of the answer: it has something
/// to do that must be done at that time.
async fn at(account: &Account, until: Timestamp) -> Answer {
    let left = until.duration_since(account.clock.now());
    let held = account
        .clock
        .rest(Duration::try_from(left).unwrap_or_default())
        .await;
    Answer::Held(clock_now(account), held)
}

fn clock(account: &Account) -> Answer {
    Answer::Json(clock_now(account))
}

fn clock_now(account: &Account) -> Value {
    let pace = match account.clock.pace() {
        Pace::Times(times) => json!(times),
        Pace::Max => json!("max"),
    };
    json!({"Now": account.clock.now().to_string(), "Pace": pace})
}

/// A running instance and the loopback port of its SSH server.
struct Reachable {
    id: String,
    public: Option<Ipv4Addr>,
    private: Ipv4Addr,
    port: u16,
}

fn reachable(account: &Account) -> Vec<Reachable> {
    let running: Vec<_> = account.read(|world| {
        let runs = world
            .instances
            .values()
            .filter(|instance| instance.state == State::Running);
        runs.map(|instance| {
            let interface = world.interface_of(&instance.id);
            let public = interface.and_then(|interface| interface.public_address);
            (instance.id.clone(), public, instance.private_address)
        })
        .collect()
    });
    running
        .into_iter()
        .filter_map(|(id, public, private)| {
            let port = account.hosts()?.ssh_port(&id)?;
            Some(Reachable {
                id,
                public,
                private,
                port,
            })
        })
        .collect()
}

/// One `Host` block per running instance; its key is looked up under the instance's id, whatever its address is.
fn ssh_config(account: &Account) -> String {
    let blocks: Vec<String> = reachable(account)
        .into_iter()
        .map(|one| {
            let names = match one.public {
                Some(public) => format!("{public} {}", one.id),
                None => one.id.clone(),
            };
            format!(
                "Host {names}\n  HostName 127.0.0.1\n  Port {}\n  User ec2-user\n  HostKeyAlias {}\n\n",
                one.port, one.id
            )
        })
        .collect();
    blocks.concat()
}
