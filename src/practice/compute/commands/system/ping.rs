//! ping: whether a machine answers, as far as routes and security groups let it.

use std::net::Ipv4Addr;
use std::time::Duration;

use async_trait::async_trait;

use super::network;
use super::program::{Call, Ended, Program};
use super::time::interval;
use crate::practice::compute::host::Seat;

/// `ping`
pub struct Ping;

/// Between two requests, and after the last one that nobody answers (ping(8)).
const INTERVAL: Duration = Duration::from_secs(1);
const LINGER: Duration = Duration::from_secs(10);
/// Microseconds of a round trip inside a VPC (an estimate), of which each request takes a little more or less.
const ROUND_TRIP: u64 = 420;
const SPREAD: [u64; 5] = [180, 0, 35, 12, 61];

#[derive(Debug)]
struct Wanted {
    count: Option<u64>,
    interval: Duration,
    linger: Duration,
    deadline: Option<Duration>,
    quiet: bool,
    target: String,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self {
            count: None,
            interval: INTERVAL,
            linger: LINGER,
            deadline: None,
            quiet: false,
            target: String::new(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                wanted.target.clone_from(arg);
                continue;
            };
            let (letter, rest) = letters.split_at(letters.chars().next().map_or(0, char::len_utf8));
            let mut value = || {
                let text = if rest.is_empty() {
                    args.next().cloned()
                } else {
                    Some(rest.to_owned())
                };
                text.ok_or_else(|| format!("ping: option requires an argument -- '{letter}'"))
            };
            let time = |text: String| {
                let time = interval(&text).filter(|_| text.ends_with(|c: char| c.is_ascii_digit()));
                time.ok_or_else(|| format!("ping: invalid argument: '{text}'"))
            };
            match letter {
                "c" => {
                    let text = value()?;
                    let count = text.parse().ok().filter(|count| *count > 0);
                    wanted.count =
                        Some(count.ok_or_else(|| format!("ping: invalid argument: '{text}'"))?);
                }
                "i" => wanted.interval = time(value()?)?,
                "W" => wanted.linger = time(value()?)?,
                "w" => wanted.deadline = Some(time(value()?)?),
                "q" => wanted.quiet = true,
                "4" | "n" => {}
                _ => return Err(format!("ping: invalid option -- '{letter}'")),
            }
        }
        if wanted.target.is_empty() {
            return Err("ping: usage error: Destination address required".to_owned());
        }
        Ok(wanted)
    }
}

#[async_trait]
impl Program for Ping {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(what) => return call.fail(2, what).await,
        };
        let target = &wanted.target;
        let Some(address) = network::resolve(&seat.host, target) else {
            return call
                .fail(2, format!("ping: {target}: Name or service not known"))
                .await;
        };
        call.done(format!("PING {target} ({address}) 56(84) bytes of data."))
            .await?;
        let from = if target.parse() == Ok(address) {
            address.to_string()
        } else {
            format!("{target} ({address})")
        };
        let began = seat.host.clock.now();
        let passed = || {
            let passed = seat.host.clock.now().duration_since(began);
            Duration::try_from(passed).unwrap_or_default()
        };
        let (mut sent, mut times) = (0, Vec::new());
        loop {
            sent += 1;
            if answers(seat, address) {
                let spread = SPREAD
                    .iter()
                    .cycle()
                    .nth(usize::try_from(sent % 5).unwrap_or(0));
                let micros = ROUND_TRIP + spread.copied().unwrap_or_default();
                times.push(micros);
                if !wanted.quiet {
                    let time = millis(micros);
                    call.done(format!(
                        "64 bytes from {from}: icmp_seq={sent} ttl=127 time={time} ms"
                    ))
                    .await?;
                }
            }
            if wanted.count == Some(sent) {
                break;
            }
            seat.activity.sleep(wanted.interval).await;
            if wanted.deadline.is_some_and(|deadline| passed() >= deadline) {
                break;
            }
        }
        let took = passed().as_millis();
        if times.is_empty() {
            seat.activity.sleep(wanted.linger).await;
        }
        let received = u64::try_from(times.len()).unwrap_or(u64::MAX);
        let lost = 100 * (sent - received) / sent;
        call.done(format!(
            "\n--- {target} ping statistics ---\n{sent} packets transmitted, {received} received, {lost}% packet loss, time {took}ms"
        ))
        .await?;
        let (Some(least), Some(most)) = (times.iter().min(), times.iter().max()) else {
            call.out("\n").await?;
            return Ok(1);
        };
        let mean = times.iter().sum::<u64>() / received;
        let deviation = times.iter().map(|time| time.abs_diff(mean)).sum::<u64>() / received;
        call.done(format!(
            "rtt min/avg/max/mdev = {}/{}/{}/{} ms",
            millis(*least),
            millis(mean),
            millis(*most),
            millis(deviation)
        ))
        .await
    }
}

fn answers(seat: &Seat, address: Ipv4Addr) -> bool {
    let host = &seat.host;
    address.is_loopback()
        || address == host.spec.private_address
        || host.surroundings.pings(&host.spec.instance_id, address)
}

fn millis(micros: u64) -> String {
    format!("{}.{:03}", micros / 1000, micros % 1000)
}
