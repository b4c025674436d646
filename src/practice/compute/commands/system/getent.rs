//! getent: names as the C library finds them. Of hosts here; of users and groups with the commands about them.

use async_trait::async_trait;

use super::network;
use super::program::{Call, Ended, Program};
use crate::practice::compute::commands::files::getent_accounts;
use crate::practice::compute::host::Seat;

/// `getent`
pub struct Getent;

/// Exit statuses of getent(1).
const UNKNOWN_DATABASE: i32 = 1;
const NOT_FOUND: i32 = 2;
const NO_ENUMERATION: i32 = 3;

#[async_trait]
impl Program for Getent {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let Some((database, keys)) = call.args.split_first() else {
            let what =
                "getent: wrong number of arguments\nTry `getent --help' for more information.";
            return call.fail(1, what).await;
        };
        match database.as_str() {
            "hosts" | "ahosts" | "ahostsv4" => hosts(seat, call, database, keys).await,
            _ => {
                if let Some((lines, status)) = getent_accounts(seat, call.args) {
                    call.out(lines).await?;
                    return Ok(status);
                }
                let what = format!(
                    "Unknown database: {database}\nTry `getent --help' for more information."
                );
                call.fail(UNKNOWN_DATABASE, what).await
            }
        }
    }
}

async fn hosts(seat: &Seat, call: &Call<'_>, database: &str, names: &[String]) -> Ended {
    if names.is_empty() {
        return call
            .fail(
                NO_ENUMERATION,
                format!("Enumeration not supported on {database}"),
            )
            .await;
    }
    let mut status = 0;
    for name in names {
        let Some(address) = network::resolve(&seat.host, name) else {
            status = NOT_FOUND;
            continue;
        };
        if database == "hosts" {
            call.done(format!("{:<15} {name}", address.to_string()))
                .await?;
        } else {
            for (kind, tail) in [("STREAM", name.as_str()), ("DGRAM", ""), ("RAW", "")] {
                call.out(format!("{:<15} {kind:<6} {tail}", address.to_string()).trim_end())
                    .await?;
                call.out("\n").await?;
            }
        }
    }
    Ok(status)
}
