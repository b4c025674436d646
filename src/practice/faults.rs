//! Faults that an account is told to have: which requests and which operations go wrong, how, and how often. What a fault
//! looks like on the wire, or does to the world, is decided elsewhere.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Deserializer};

use super::policy::Pattern;

/// Services whose requests can fail, as IAM names them.
pub const SERVICES: [&str; 10] = [
    "cloudformation",
    "cloudwatch",
    "ec2",
    "elasticfilesystem",
    "iam",
    "scheduler",
    "sns",
    "ssm",
    "states",
    "sts",
];
/// Longest name of an operation or pattern of one that is taken; the longest of AWS's have some 70 letters.
const LONGEST: usize = 200;

/// Why a fault file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// It cannot be read.
    #[error("could not read the fault file {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It does not say what it should.
    #[error("the fault file {path} is wrong: {why}")]
    Wrong {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// There were too many of them.
    Throttled,
    /// 500.
    Internal,
    /// 503.
    Unavailable,
    /// The credentials have expired.
    Expired,
    /// The connection is reset, and nothing is done.
    Reset,
    /// It is done, and the answer breaks off.
    Truncated,
}

/// What strikes a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strike {
    /// Wall time until it is looked at.
    pub delay: Duration,
    /// How it fails, if it does.
    pub failure: Option<Failure>,
}

/// Until when a detachment or the deletion of an interface is held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// This much account time more.
    For(SignedDuration),
    /// It does not end by itself.
    Endless,
}

/// The faults of an account. Without any, nothing ever fails by itself.
#[derive(Default)]
pub struct Faults(Mutex<Vec<Fault>>);

struct Fault {
    rule: Rule,
    pattern: Option<Pattern>,
    random: StdRng,
    /// How often it could have struck, and how often it has.
    met: u64,
    struck: u64,
    /// What of a limit may still be asked for, and since when that is so.
    tokens: f64,
    since: Instant,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    seed: u64,
    faults: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    fault: Kind,
    operation: Option<String>,
    #[serde(default = "always")]
    rate: f64,
    count: Option<u64>,
    #[serde(default)]
    after: u64,
    #[serde(default, deserialize_with = "duration")]
    delay: Option<SignedDuration>,
    per_second: Option<f64>,
    burst: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Throttle,
    Limit,
    InternalError,
    Unavailable,
    Latency,
    Reset,
    Truncate,
    ExpiredToken,
    StuckDetach,
    SlowInterface,
}

fn always() -> f64 {
    1.0
}

fn duration<'de, D: Deserializer<'de>>(given: D) -> Result<Option<SignedDuration>, D::Error> {
    let text = String::deserialize(given)?;
    let read: Result<SignedDuration, _> = text.parse();
    read.ok()
        .filter(|duration| !duration.is_negative())
        .map(Some)
        .ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is not a duration; write 250ms, 30s or 15m"
            ))
        })
}

impl Kind {
    /// Whether it strikes requests; else it holds up what goes on in the account.
    fn is_of_requests(self) -> bool {
        !matches!(self, Self::StuckDetach | Self::SlowInterface)
    }

    fn failure(self) -> Option<Failure> {
        Some(match self {
            Self::Throttle | Self::Limit => Failure::Throttled,
            Self::InternalError => Failure::Internal,
            Self::Unavailable => Failure::Unavailable,
            Self::ExpiredToken => Failure::Expired,
            Self::Reset => Failure::Reset,
            Self::Truncate => Failure::Truncated,
            Self::Latency | Self::StuckDetach | Self::SlowInterface => return None,
        })
    }
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.rate) {
            return Err(format!("rate {} is not between 0 and 1", self.rate));
        }
        let wants_delay = matches!(self.fault, Kind::Latency | Kind::SlowInterface);
        let may_delay = wants_delay || self.fault == Kind::StuckDetach;
        match self.delay {
            None if wants_delay => return Err("it needs a delay".into()),
            Some(_) if !may_delay => return Err("it takes no delay".into()),
            _ => {}
        }
        let limits = self.per_second.is_some() || self.burst.is_some();
        let positive = |number: Option<f64>| number.is_some_and(|it| it.is_finite() && it > 0.0);
        if self.fault == Kind::Limit && !(positive(self.per_second) && positive(self.burst)) {
            return Err("it needs per_second and burst, above 0".into());
        }
        if self.fault != Kind::Limit && limits {
            return Err("it takes neither per_second nor burst".into());
        }
        let Some(operation) = &self.operation else {
            return Ok(());
        };
        if !self.fault.is_of_requests() {
            return Err(
                "it takes no operation: it concerns every detachment or mount target".into(),
            );
        }
        if operation.len() > LONGEST {
            return Err("the operation's name is too long".into());
        }
        let service = operation.split_once(':').map(|(service, _)| service);
        match service {
            _ if operation == "*" => Ok(()),
            Some(service) if SERVICES.contains(&service) => Ok(()),
            _ => Err(format!(
                "`{operation}` is no operation; write SERVICE:Operation, * for any letters, with one of the services {}",
                SERVICES.join(", ")
            )),
        }
    }
}

impl Faults {
    /// Those of a file.
    pub fn read(path: &Path) -> Result<Self, FaultsError> {
        let text = std::fs::read_to_string(path).map_err(|source| FaultsError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|why| FaultsError::Wrong {
            path: path.to_owned(),
            why,
        })
    }

    /// Those of a file's text: YAML, or JSON, which is YAML.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Document = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        let faults = document
            .faults
            .into_iter()
            .enumerate()
            .map(|(index, rule)| {
                rule.check()
                    .map_err(|why| format!("fault {}: {why}", index + 1))?;
                let pattern = rule.operation.as_deref().unwrap_or("*");
                let pattern = Pattern::new(pattern, None);
                // Each has numbers of its own: what strikes the requests of one does not depend on those of another.
                let mut seed = [0; 32];
                let parts = [document.seed.to_le_bytes(), (index as u64).to_le_bytes()];
                for (byte, from) in seed.iter_mut().zip(parts.concat()) {
                    *byte = from;
                }
                Ok(Fault {
                    tokens: rule.burst.unwrap_or_default(),
                    since: Instant::now(),
                    rule,
                    pattern,
                    random: StdRng::from_seed(seed),
                    met: 0,
                    struck: 0,
                })
            });
        Ok(Self(Mutex::new(faults.collect::<Result<_, String>>()?)))
    }

    /// What strikes a request for this operation, `ec2:DescribeVpcs`. The first fault that makes it fail is the only one.
    pub fn strike(&self, operation: &str) -> Strike {
        let mut strike = Strike::default();
        for fault in self.each().iter_mut() {
            if !fault.rule.fault.is_of_requests() || !fault.is_about(operation) || !fault.strikes()
            {
                continue;
            }
            if let Some(failure) = fault.rule.fault.failure() {
                strike.failure = Some(failure);
                break;
            }
            let delay = fault.rule.delay.unwrap_or_default();
            strike.delay += Duration::try_from(delay).unwrap_or_default();
        }
        strike
    }

    /// How long the detachment of a volume that begins now is held up.
    pub fn detachment(&self) -> Option<Delay> {
        self.held(Kind::StuckDetach)
    }

    /// How long the interface of a mount target that is being deleted stays.
    pub fn interface(&self) -> Option<Delay> {
        self.held(Kind::SlowInterface)
    }

    fn held(&self, kind: Kind) -> Option<Delay> {
        let mut faults = self.each();
        let mut of_kind = faults.iter_mut().filter(|fault| fault.rule.fault == kind);
        let fault = of_kind.find_map(|fault| fault.strikes().then_some(&fault.rule))?;
        Some(fault.delay.map_or(Delay::Endless, Delay::For))
    }

    fn each(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.each();
        f.debug_list()
            .entries(rules.iter().map(|fault| &fault.rule))
            .finish()
    }
}

impl Fault {
    fn is_about(&self, operation: &str) -> bool {
        let pattern = self.pattern.as_ref();
        pattern.is_some_and(|pattern| pattern.matches(operation))
    }

    /// Takes one token of a bucket that fills at `rate` a second up to `burst`, as AWS limits requests; `false`: it is empty.
    fn is_within(&mut self, rate: f64, burst: f64) -> bool {
        let now = Instant::now();
        let filled = rate * now.duration_since(self.since).as_secs_f64();
        self.since = now;
        self.tokens = (self.tokens + filled).min(burst);
        let within = self.tokens >= 1.0;
        if within {
            self.tokens -= 1.0;
        }
        within
    }

    fn strikes(&mut self) -> bool {
        self.met += 1;
        if let (Some(rate), Some(burst)) = (self.rule.per_second, self.rule.burst)
            && self.is_within(rate, burst)
        {
            return false;
        }
        // Drawn even where it does not matter, so that `count` and `after` change nothing of what follows.
        let drawn = self.random.random_bool(self.rule.rate);
        let left = self.rule.count.is_none_or(|count| self.struck < count);
        let strikes = drawn && left && self.met > self.rule.after;
        self.struck += u64::from(strikes);
        strikes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(faults: &Faults, operation: &str, times: usize) -> String {
        let letter = |strike: Strike| if strike.failure.is_some() { 'x' } else { '.' };
        (0..times)
            .map(|_| letter(faults.strike(operation)))
            .collect()
    }

    #[test]
    fn a_fault_strikes_its_operations_after_some_and_no_more_often_than_it_is_told() {
        let text = "faults: [{fault: throttle, operation: 'ec2:Describe*', after: 2, count: 3}]";
        let faults = Faults::parse(text).unwrap();
        assert_eq!(failures(&faults, "ec2:CreateTags", 4), "....");
        assert_eq!(failures(&faults, "ec2:DescribeVpcs", 8), "..xxx...");
    }

    #[test]
    fn a_rate_strikes_the_same_requests_under_the_same_seed_whatever_else_is_asked() {
        let text = |seed: u64| {
            format!(
                "seed: {seed}\nfaults:\n- {{fault: reset, operation: 'sts:*', rate: 0.5}}\n- {{fault: unavailable, operation: 'ec2:*', rate: 0.3}}"
            )
        };
        let first = Faults::parse(&text(7)).unwrap();
        let expected = failures(&first, "ec2:DescribeVpcs", 200);
        let struck = expected.matches('x').count();
        assert!((30..90).contains(&struck), "{expected}");

        let again = Faults::parse(&text(7)).unwrap();
        failures(&again, "sts:GetCallerIdentity", 50);
        assert_eq!(failures(&again, "ec2:DescribeVpcs", 200), expected);
        let other = Faults::parse(&text(8)).unwrap();
        assert_ne!(failures(&other, "ec2:DescribeVpcs", 200), expected);
    }

    #[test]
    fn a_limit_lets_as_many_through_as_were_saved_up_and_then_as_many_as_come_in() {
        let text =
            "faults: [{fault: limit, operation: 'ec2:Delete*', per_second: 0.001, burst: 3}]";
        let faults = Faults::parse(text).unwrap();
        assert_eq!(failures(&faults, "ec2:DescribeVpcs", 5), ".....");
        assert_eq!(failures(&faults, "ec2:DeleteSnapshot", 5), "...xx");
        let text = "faults: [{fault: limit, per_second: 1000000000, burst: 1}]";
        let faults = Faults::parse(text).unwrap();
        assert_eq!(failures(&faults, "ec2:DeleteSnapshot", 5), ".....");
    }

    #[test]
    fn latencies_add_up_until_something_fails() {
        let faults = Faults::parse(
            "faults: [{fault: latency, delay: 250ms}, {fault: latency, delay: 1s, count: 1}, {fault: expired-token, after: 1}, {fault: latency, delay: 1h}]",
        )
        .unwrap();
        let delays: Vec<_> = (0..2).map(|_| faults.strike("ec2:X")).collect();
        assert_eq!(delays[0].delay, Duration::from_millis(3_601_250));
        assert_eq!(
            (delays[1].delay, delays[1].failure),
            (Duration::from_millis(250), Some(Failure::Expired))
        );
    }

    #[test]
    fn what_is_held_up_is_no_matter_of_requests() {
        let text = "faults: [{fault: stuck-detach, count: 1}, {fault: slow-interface, delay: 20m}]";
        let faults = Faults::parse(text).unwrap();
        assert_eq!(faults.strike("ec2:DetachVolume"), Strike::default());
        assert_eq!(faults.detachment(), Some(Delay::Endless));
        assert_eq!(faults.detachment(), None);
        assert_eq!(
            faults.interface(),
            Some(Delay::For(SignedDuration::from_mins(20)))
        );
    }

    #[test]
    fn a_file_that_says_something_else_is_refused_with_the_reason() {
        for (text, reason) in [
            ("faults: [{fault: gremlins}]", "gremlins"),
            (
                "faults: [{fault: throttle, rate: 1.5}]",
                "rate 1.5 is not between",
            ),
            (
                "faults: [{fault: throttle}, {fault: latency}]",
                "fault 2: it needs a delay",
            ),
            (
                "faults: [{fault: latency, delay: soon}]",
                "`soon` is not a duration",
            ),
            (
                "faults: [{fault: reset, operation: DescribeVpcs}]",
                "SERVICE:Operation",
            ),
            (
                "faults: [{fault: reset, operation: 's3:GetObject'}]",
                "elasticfilesystem",
            ),
            (
                "faults: [{fault: stuck-detach, operation: 'ec2:*'}]",
                "takes no operation",
            ),
            ("faults: [{fault: reset, delay: 1s}]", "takes no delay"),
            (
                "faults: [{fault: limit, burst: 2}]",
                "needs per_second and burst",
            ),
            ("faults: [{fault: reset, burst: 2}]", "takes neither"),
            ("fault: [{}]", "unknown field `fault`"),
            ("", "missing field"),
        ] {
            let why = Faults::parse(text).unwrap_err();
            assert!(why.contains(reason), "{text}: {why}");
        }
    }
}
