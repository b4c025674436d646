//! dig, host and nslookup of bind-utils: names as the resolver of the VPC knows them, whatever `/etc/hosts` says.

use std::net::Ipv4Addr;

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;

/// `dig`
pub struct Dig;

/// `host`
pub struct HostProgram;

/// `nslookup`
pub struct Nslookup;

/// The resolver of every VPC (Amazon VPC user guide, "Amazon DNS server").
const SERVER: &str = "169.254.169.253";
/// Seconds that the resolver lets an answer be kept.
const TTL: u32 = 60;

fn ask(seat: &Seat, name: &str) -> Option<Ipv4Addr> {
    let host = &seat.host;
    // A dot at the end says that the name is whole, which it is anyway.
    let name = name.trim_end_matches('.');
    host.surroundings.resolve(&host.spec.instance_id, name)
}

/// Whether a word only says that addresses are wanted, which is all there is.
fn is_ordinary(word: &str) -> bool {
    matches!(word, "A" | "a" | "IN" | "in") || word.starts_with('@')
}

#[async_trait]
impl Program for Dig {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut short = false;
        let mut names = Vec::new();
        for word in call.args {
            match word.as_str() {
                "+short" => short = true,
                "+noshort" => short = false,
                word if word.starts_with('+') || is_ordinary(word) || word == "-4" => {}
                word if word.starts_with('-') => {
                    let what = format!(
                        ";; Warning, ignored option {word}: a practice instance asks only for addresses"
                    );
                    call.complain(what).await?;
                }
                name => names.push(name),
            }
        }
        for name in names {
            let found = ask(seat, name);
            if short {
                if let Some(address) = found {
                    call.done(address).await?;
                }
                continue;
            }
            call.out(answer(seat, call, name, found)).await?;
        }
        Ok(0)
    }
}

/// All that dig tells of an answer.
fn answer(seat: &Seat, call: &Call<'_>, name: &str, found: Option<Ipv4Addr>) -> String {
    let name = name.trim_end_matches('.');
    let (status, count) = match found {
        Some(_) => ("NOERROR", 1),
        None => ("NXDOMAIN", 0),
    };
    let now = seat.host.clock.now();
    // Ids are random; this one is of the moment.
    let id = now.subsec_nanosecond().unsigned_abs() % 65_536;
    let records = found.map_or(String::new(), |address| {
        format!(";; ANSWER SECTION:\n{name}.\t{TTL}\tIN\tA\t{address}\n\n")
    });
    // A header, the question, an answer of sixteen bytes, and the pseudo-record.
    let size = 12 + name.len() + 6 + 16 * count + 11;
    format!(
        "\n; <<>> DiG 9.18.33 <<>> {}\n;; global options: +cmd\n;; Got answer:\n\
         ;; ->>HEADER<<- opcode: QUERY, status: {status}, id: {id}\n\
         ;; flags: qr rd ra; QUERY: 1, ANSWER: {count}, AUTHORITY: 0, ADDITIONAL: 1\n\n\
         ;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 4096\n\
         ;; QUESTION SECTION:\n;{name}.\t\tIN\tA\n\n{records}\
         ;; Query time: 0 msec\n;; SERVER: {SERVER}#53({SERVER}) (UDP)\n;; WHEN: {}\n;; MSG SIZE  rcvd: {size}\n\n",
        call.args.join(" "),
        now.strftime("%a %b %d %H:%M:%S UTC %Y"),
    )
}

#[async_trait]
impl Program for HostProgram {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut words = call
            .args
            .iter()
            .filter(|word| !word.starts_with('-') && !is_ordinary(word));
        let Some(name) = words.next() else {
            return call.fail(1, "Usage: host [-4] {hostname} [server]").await;
        };
        match ask(seat, name) {
            Some(address) => {
                let name = name.trim_end_matches('.');
                call.done(format!("{name} has address {address}")).await
            }
            None => {
                call.done(format!("Host {name} not found: 3(NXDOMAIN)"))
                    .await?;
                Ok(1)
            }
        }
    }
}

#[async_trait]
impl Program for Nslookup {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut words = call.args.iter().filter(|word| !word.starts_with('-'));
        let Some(name) = words.next() else {
            return call
                .fail(
                    1,
                    "nslookup: a practice instance answers one name at a time: nslookup NAME",
                )
                .await;
        };
        call.out(format!("Server:\t\t{SERVER}\nAddress:\t{SERVER}#53\n\n"))
            .await?;
        match ask(seat, name) {
            Some(address) => {
                let name = name.trim_end_matches('.');
                let what =
                    format!("Non-authoritative answer:\nName:\t{name}\nAddress: {address}\n");
                call.done(what).await
            }
            None => {
                call.done(format!("** server can't find {name}: NXDOMAIN\n"))
                    .await?;
                Ok(1)
            }
        }
    }
}
