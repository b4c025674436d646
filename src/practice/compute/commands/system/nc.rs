//! nc, which is ncat of the Nmap project: opens a TCP connection and says whether somebody listens.

use std::time::Duration;

use async_trait::async_trait;

use super::network;
use super::program::{Call, Ended, Program};
use crate::practice::compute::Reach;
use crate::practice::compute::host::Seat;

/// `nc`, `ncat`
pub struct Ncat;

/// How long ncat waits for a connection unless `-w` says otherwise (ncat(1)).
const PATIENCE: Duration = Duration::from_secs(10);
/// What an SSH server says first.
const SSH_BANNER: &str = "SSH-2.0-OpenSSH_8.7\r\n";

#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    scan: bool,
    verbose: bool,
    patience: Option<Duration>,
    operands: Vec<String>,
}

/// Why it was called wrongly.
#[derive(Debug, PartialEq, Eq)]
enum Misuse {
    Unknown(String),
    /// A thing ncat can do and a practice instance cannot.
    Unpractised(&'static str),
    BadWait(String),
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, Misuse> {
        let mut wanted = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if let Some(name) = arg.strip_prefix("--") {
                match name {
                    "verbose" => wanted.verbose = true,
                    "wait" => wanted.wait(args.next().map_or("", String::as_str))?,
                    "listen" => return Err(Misuse::Unpractised("listen")),
                    "udp" => return Err(Misuse::Unpractised("use UDP")),
                    _ => match name.strip_prefix("wait=") {
                        Some(value) => wanted.wait(value)?,
                        None => return Err(Misuse::Unknown(arg.clone())),
                    },
                }
            } else if arg.len() > 1 && arg.starts_with('-') {
                for (at, letter) in arg.char_indices().skip(1) {
                    match letter {
                        'z' => wanted.scan = true,
                        'v' => wanted.verbose = true,
                        '4' | 'n' => {}
                        'l' => return Err(Misuse::Unpractised("listen")),
                        'u' => return Err(Misuse::Unpractised("use UDP")),
                        'w' => {
                            let rest = &arg[at + 1..];
                            let next = if rest.is_empty() { args.next() } else { None };
                            wanted.wait(next.map_or(rest, String::as_str))?;
                            break;
                        }
                        _ => return Err(Misuse::Unknown(format!("-{letter}"))),
                    }
                }
            } else {
                wanted.operands.push(arg.clone());
            }
        }
        Ok(wanted)
    }

    fn wait(&mut self, text: &str) -> Result<(), Misuse> {
        let patience = super::time::interval(text).filter(|one| !one.is_zero());
        self.patience = Some(patience.ok_or_else(|| Misuse::BadWait(text.to_owned()))?);
        Ok(())
    }
}

#[async_trait]
impl Program for Ncat {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(Misuse::Unknown(argument)) => {
                call.unknown_option(2, &argument).await?;
                return Ok(2);
            }
            Err(Misuse::Unpractised(what)) => {
                let what = format!("Ncat: A practice instance cannot {what}. QUITTING.");
                return call.fail(2, what).await;
            }
            Err(Misuse::BadWait(text)) => {
                let what = format!("Ncat: Invalid -w timeout \"{text}\". QUITTING.");
                return call.fail(2, what).await;
            }
        };
        let (name, port) = match &wanted.operands[..] {
            [] => {
                return call
                    .fail(2, "Ncat: You must specify a host to connect to. QUITTING.")
                    .await;
            }
            // ncat's own port, when none is given.
            [name] => (name, "31337"),
            [name, port] => (name, port.as_str()),
            _ => {
                let what = "Ncat: Got more than one port specification. QUITTING.";
                return call.fail(2, what).await;
            }
        };
        let Some(port) = port.parse::<u16>().ok().filter(|port| *port > 0) else {
            let what = format!("Ncat: Invalid port number \"{port}\". QUITTING.");
            return call.fail(2, what).await;
        };
        let host = &seat.host;
        let Some(address) = network::resolve(host, name) else {
            let what = format!(
                "Ncat: Could not resolve hostname \"{name}\": Name or service not known. QUITTING."
            );
            return call.fail(2, what).await;
        };
        if wanted.verbose {
            call.complain("Ncat: Version 7.93 ( https://nmap.org/ncat )")
                .await?;
        }
        let reach = network::reach(host, address, port);
        let trouble = match reach {
            Reach::Nfs { .. } | Reach::Open => None,
            Reach::Refused => Some("Connection refused"),
            Reach::Filtered => {
                seat.activity
                    .sleep(wanted.patience.unwrap_or(PATIENCE))
                    .await;
                Some("TIMEOUT")
            }
        };
        if let Some(trouble) = trouble {
            if wanted.verbose || !wanted.scan {
                call.complain(format!("Ncat: {trouble}.")).await?;
            }
            return Ok(1);
        }
        if wanted.verbose {
            call.complain(format!("Ncat: Connected to {address}:{port}."))
                .await?;
        }
        let mut received = 0;
        if reach == Reach::Open && port == 22 && !wanted.scan {
            call.out(SSH_BANNER).await?;
            received = SSH_BANNER.len();
        }
        if wanted.verbose {
            let what = format!("Ncat: 0 bytes sent, {received} bytes received in 0.01 seconds.");
            call.complain(what).await?;
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Misuse, Wanted};

    fn read(line: &str) -> Result<Wanted, Misuse> {
        let args: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Wanted::read(&args)
    }

    #[test]
    fn letters_stand_together_and_the_last_takes_a_value() {
        let wanted = read("-zvw3 share 2049").unwrap();
        assert!(wanted.scan && wanted.verbose);
        assert_eq!(wanted.patience, Some(Duration::from_secs(3)));
        assert_eq!(wanted.operands, ["share", "2049"]);
        assert_eq!(read("-zv -w 3 share 2049").unwrap(), wanted);
    }

    #[test]
    fn what_it_cannot_do_is_said() {
        assert_eq!(read("-l 80"), Err(Misuse::Unpractised("listen")));
        assert_eq!(read("-zw no"), Err(Misuse::BadWait(String::from("no"))));
        assert_eq!(read("-zq"), Err(Misuse::Unknown("-q".to_owned())));
    }
}
