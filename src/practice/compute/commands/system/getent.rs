//! getent: names as the C library finds them, of hosts, users and groups.

use async_trait::async_trait;

use super::network;
use super::program::{Call, Ended, Program};
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
            "passwd" => lines(seat, call, "/etc/passwd", 2, keys).await,
            "group" => lines(seat, call, "/etc/group", 2, keys).await,
            "services" => Ok(NOT_FOUND),
            other => {
                let what =
                    format!("Unknown database: {other}\nTry `getent --help' for more information.");
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

/// Lines of a file whose first field, or the one after `number` colons, is one of the keys; without keys all.
async fn lines(seat: &Seat, call: &Call<'_>, file: &str, number: usize, keys: &[String]) -> Ended {
    let text = seat.host.view(&seat.user).read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    if keys.is_empty() {
        call.out(text).await?;
        return Ok(0);
    }
    let mut status = 0;
    for key in keys {
        match find(&text, number, key) {
            Some(line) => _ = call.done(line).await?,
            None => status = NOT_FOUND,
        }
    }
    Ok(status)
}

fn find<'a>(text: &'a str, number: usize, key: &str) -> Option<&'a str> {
    let by_number = key.bytes().all(|byte| byte.is_ascii_digit());
    text.lines().find(|line| {
        let mut fields = line.split(':');
        let field = if by_number {
            fields.nth(number)
        } else {
            fields.next()
        };
        field == Some(key)
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn users_are_found_by_name_and_by_number() {
        let passwd =
            "root:x:0:0:root:/root:/bin/bash\nec2-user:x:1000:1000::/home/ec2-user:/bin/bash\n";
        assert!(
            find(passwd, 2, "ec2-user")
                .is_some_and(|line| line.ends_with("/home/ec2-user:/bin/bash"))
        );
        assert_eq!(find(passwd, 2, "1000"), find(passwd, 2, "ec2-user"));
        assert_eq!(find(passwd, 2, "ec2"), None);
        assert_eq!(find(passwd, 2, "1"), None);
    }
}
