//! Where a lab runs, made ready: clients, the way to its machines, what the header says of it.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use jiff::{SignedDuration, Timestamp};
use miette::{IntoDiagnostic as _, WrapErr as _, miette};

use super::control::Endpoint;
use super::embedded::Embedded;
use super::practice::seconds;
use super::program;
use crate::cli::{self, Common};
use crate::cloud::{Account, Cloud};
use crate::engine::event::Machine;
use crate::engine::view;
use crate::journal::{JournalError, Lab, Place};
use crate::lesson::arithmetic::Prices;
use crate::lesson::load;
use crate::practice::clock::Pace;
use crate::runtime::{Hold, Route};
use crate::ssh::config::Door;

/// AWS is looked at about every two seconds; practice as often in its own time.
const LOOKS: f64 = 2.0;
/// Not more often than this, however fast the account's time passes.
const FASTEST: Duration = Duration::from_millis(10);

/// How long a lease may be: longer than the lab takes to be built, and no standing order.
const TTL_RANGE: RangeInclusive<SignedDuration> =
    SignedDuration::from_mins(15)..=SignedDuration::from_hours(30 * 24);

/// A target that answers.
pub(super) struct Site {
    pub(super) cloud: Cloud,
    /// The place as it turned out to be: with the region that was found.
    pub(super) place: Place,
    /// Twelve digits: who answered.
    pub(super) account: String,
    pub(super) route: Arc<dyn Route>,
    pub(super) target: view::Target,
    pub(super) faster: Option<f64>,
    pub(super) prices: Prices,
    /// How long a lab there lives without its learner; `None`: it gets no guard.
    pub(super) ttl: Option<SignedDuration>,
    /// Who is mailed when an alarm goes off, if that was said now.
    pub(super) alarm_email: Option<String>,
    embedded: Option<Embedded>,
}

impl Site {
    /// Makes `place` ready.
    pub(super) async fn open(common: &Common, place: &Place) -> miette::Result<Self> {
        let ttl = lease(common)?;
        let alarm_email = common.alarm_email.as_deref().map(address).transpose()?;
        let site = Self::at(common, place).await?;
        Ok(Self {
            ttl,
            alarm_email,
            ..site
        })
    }

    async fn at(common: &Common, place: &Place) -> miette::Result<Self> {
        match place {
            Place::Embedded { region } => {
                let asked = pace(&common.pace)?;
                let data = practice_directory(common)?;
                let faults = common.faults.as_deref();
                let embedded = Embedded::start(&data, region, asked, None, faults).await?;
                match Self::practice(embedded.endpoint.clone(), place).await {
                    Ok(site) => Ok(Self {
                        embedded: Some(embedded),
                        ..site
                    }),
                    Err(error) => {
                        embedded.stop().await;
                        Err(error)
                    }
                }
            }
            _ if common.faults.is_some() => Err(miette!(
                help =
                    "leave out --faults and EFSLAB_FAULTS, or give them to `efslab practice serve`",
                "faults are of the practice account inside this program only"
            )),
            Place::Endpoint { url, region } => {
                Self::practice(Endpoint::of_environment(url, Some(region))?, place).await
            }
            Place::Aws { profile, region } => Self::aws(profile.clone(), region).await,
        }
    }

    async fn practice(endpoint: Endpoint, place: &Place) -> miette::Result<Self> {
        let clock = endpoint.clock().await?;
        let pace = pace(
            clock
                .pace
                .as_str()
                .map_or_else(|| clock.pace.to_string(), str::to_owned)
                .as_str(),
        )?;
        let faster = match pace {
            Pace::Times(times) => Some(times),
            Pace::Max => None,
        };
        let account = Account::Endpoint {
            url: endpoint.url.clone(),
            region: endpoint.region.clone(),
            access_key_id: endpoint.access_key_id.clone(),
            secret_access_key: endpoint.secret_access_key.clone(),
            session_token: endpoint.session_token.clone(),
        };
        let cloud = Cloud::connect(&account).await.into_diagnostic()?;
        Ok(Self {
            account: who(&cloud).await?,
            place: place.clone(),
            cloud,
            target: view::Target::Practice {
                pace: pace_in_words(faster),
                region: endpoint.region.clone(),
            },
            route: Arc::new(OverLoopback { endpoint, faster }),
            faster,
            prices: load::prices().map_err(|problem| miette!("{problem}"))?,
            ttl: None,
            alarm_email: None,
            embedded: None,
        })
    }

    async fn aws(profile: Option<String>, region: &str) -> miette::Result<Self> {
        let account = Account::Aws {
            profile: profile.clone(),
            region: Some(region.to_owned()).filter(|region| !region.is_empty()),
        };
        let cloud = Cloud::connect(&account).await.into_diagnostic()?;
        let id = who(&cloud).await?;
        Ok(Self {
            place: Place::Aws {
                profile,
                region: cloud.region.clone(),
            },
            target: view::Target::Aws {
                account: id.clone(),
                region: cloud.region.clone(),
            },
            account: id,
            route: Arc::new(OverInternet {
                cloud: cloud.clone(),
            }),
            faster: Some(1.0),
            prices: load::prices().map_err(|problem| miette!("{problem}"))?,
            ttl: None,
            alarm_email: None,
            embedded: None,
            cloud,
        })
    }

    /// Ends what was started for it.
    pub(super) async fn close(self) {
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// The account that answers.
async fn who(cloud: &Cloud) -> miette::Result<String> {
    cloud.account().await.map_err(|failure| {
        miette!(
            help = failure.class.remedy(),
            "could not {}: {}",
            failure.tried,
            failure.why
        )
    })
}

/// The place of a lab that is there, with what the options say of the way to it: another profile, another port.
pub(super) fn way(common: &Common, lab: &Lab) -> miette::Result<Place> {
    let wrong = |option: &str| {
        miette!(
            help = "leave the option out, or name another lab; `efslab status` lists them",
            "{} is {}, so {option} does not fit",
            lab.id,
            match &lab.place {
                Place::Embedded { .. } =>
                    "in the practice account of this state directory".to_owned(),
                Place::Endpoint { url, .. } => format!("in the practice account at {url}"),
                Place::Aws { region, .. } => format!("in AWS, region {region}"),
            }
        )
    };
    if common
        .region
        .as_deref()
        .is_some_and(|asked| asked != lab.place.region())
    {
        return Err(wrong("--region"));
    }
    let aws = matches!(lab.place, Place::Aws { .. });
    if common
        .target
        .is_some_and(|target| (target == cli::Target::Aws) != aws)
    {
        return Err(wrong("--target"));
    }
    match (&lab.place, &common.profile, &common.endpoint_url) {
        (place, None, None) => Ok(place.clone()),
        (Place::Aws { region, .. }, profile @ Some(_), None) => Ok(Place::Aws {
            profile: profile.clone(),
            region: region.clone(),
        }),
        (Place::Endpoint { region, .. }, None, Some(url)) => Ok(Place::Endpoint {
            url: url.clone(),
            region: region.clone(),
        }),
        (_, Some(_), _) => Err(wrong("--profile")),
        (_, None, Some(_)) => Err(wrong("--endpoint-url")),
    }
}

/// The place that the options name; practice unless they say otherwise.
pub(super) fn chosen(common: &Common) -> miette::Result<Place> {
    let region = common.region.clone();
    match (common.target, &common.endpoint_url) {
        (Some(cli::Target::Aws), Some(_)) => Err(miette!(
            help =
                "--endpoint-url is for a practice account; leave it out, or use --target practice",
            "--target aws and --endpoint-url exclude each other"
        )),
        (Some(cli::Target::Aws), None) => Ok(Place::Aws {
            profile: common.profile.clone(),
            region: region.unwrap_or_default(),
        }),
        (_, Some(url)) => {
            let endpoint = Endpoint::of_environment(url, region.as_deref())?;
            Ok(Place::Endpoint {
                url: endpoint.url,
                region: endpoint.region,
            })
        }
        (_, None) => Ok(Place::Embedded {
            region: region.unwrap_or_else(|| "us-east-1".to_owned()),
        }),
    }
}

/// Where state is kept.
pub(super) fn state_directory(common: &Common) -> miette::Result<PathBuf> {
    let home = |below: &str| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(below));
    common
        .state_dir
        .clone()
        .or_else(|| {
            std::env::var_os("XDG_STATE_HOME")
                .map(PathBuf::from)
                .filter(|dir| dir.is_absolute())
                .map(|dir| dir.join("efslab"))
        })
        .or_else(|| home(".local/state/efslab"))
        .ok_or_else(|| {
            miette!(
                help = "pass --state-dir DIR",
                "there is no HOME to keep the lab's state in"
            )
        })
        .and_then(|dir| std::path::absolute(dir).into_diagnostic())
}

/// Where the practice account of a state directory keeps its own.
pub(super) fn practice_directory(common: &Common) -> miette::Result<PathBuf> {
    Ok(state_directory(common)?.join("practice"))
}

/// Reads a pace.
pub(super) fn pace(text: &str) -> miette::Result<Pace> {
    text.parse().map_err(|_| {
        miette!(
            help = "examples: --pace 1 (real time), --pace 20, --pace max",
            "`{text}` is not a pace"
        )
    })
}

/// Whether a lab may be made there that nothing removes but its learner: where that can cost her something, she is asked.
pub(super) fn may_stand_unguarded(
    common: &Common,
    place: &Place,
    yes: bool,
) -> miette::Result<bool> {
    if !common.no_guard || yes || !matches!(place, Place::Aws { .. }) {
        return Ok(true);
    }
    if !program::asks() {
        return Err(miette!(
            help = "pass --yes, or leave --no-guard out",
            "a lab in AWS without a guard is asked about first, and there is no terminal"
        ));
    }
    program::agrees(
        "Without a guard nothing removes the lab when this computer dies or you forget it: it is billed until it is \
         cleaned up. Make it all the same?",
    )
}

/// How long a lab lives without its learner.
fn lease(common: &Common) -> miette::Result<Option<SignedDuration>> {
    if common.no_guard {
        return Ok(None);
    }
    let seconds = seconds(&common.ttl).wrap_err("--ttl cannot be read")?;
    let ttl = i64::try_from(seconds).map_or(SignedDuration::MAX, SignedDuration::from_secs);
    if !TTL_RANGE.contains(&ttl) {
        return Err(miette!(
            help = "a lab takes minutes to build, and is not to be forgotten for a month",
            "--ttl must be from 15m to 30d"
        ));
    }
    Ok(Some(ttl))
}

/// An address as far as it can be told that it is one: only a mail that arrives proves it.
fn address(text: &str) -> miette::Result<String> {
    let parts = text.split_once('@');
    let right = parts.is_some_and(|(who, host)| {
        !who.is_empty() && host.contains('.') && !host.contains('@') && !host.starts_with('.')
    });
    if !right || text.contains(|it: char| it.is_whitespace() || it.is_control()) {
        return Err(miette!(
            help = "for example --alarm-email me@example.org",
            "`{text}` is no mail address"
        ));
    }
    Ok(text.to_owned())
}

fn pace_in_words(faster: Option<f64>) -> String {
    match faster {
        None => "as fast as can be".to_owned(),
        Some(times) if (times - 1.0).abs() < 1e-9 => "real time".to_owned(),
        Some(times) => format!("{times}x faster"),
    }
}

/// A practice account: its instances listen on this computer.
struct OverLoopback {
    endpoint: Endpoint,
    faster: Option<f64>,
}

impl Route for OverLoopback {
    fn own_cidr(&self) -> BoxFuture<'_, Result<String, String>> {
        async { Ok("127.0.0.1/32".to_owned()) }.boxed()
    }

    fn door<'a>(&'a self, machine: &'a Machine) -> BoxFuture<'a, Result<Door, String>> {
        async move {
            let doors = self
                .endpoint
                .instances()
                .await
                .map_err(|error| format!("{error}"))?;
            let port = doors
                .into_iter()
                .find(|door| door.instance_id == machine.instance_id)
                .and_then(|door| door.port);
            match port {
                Some(port) => Ok(Door {
                    host: "127.0.0.1".to_owned(),
                    port,
                }),
                None => Err(format!("{} does not run", machine.instance_id)),
            }
        }
        .boxed()
    }

    fn now(&self) -> BoxFuture<'_, Result<Timestamp, String>> {
        async {
            let clock = self.endpoint.clock().await;
            let clock = clock.map_err(|error| format!("{error}"))?;
            clock.now.parse().map_err(|error| format!("{error}"))
        }
        .boxed()
    }

    fn jumps(&self) -> bool {
        self.faster.is_none()
    }

    fn instant(&self, at: Timestamp) -> BoxFuture<'_, Result<Hold, String>> {
        async move {
            let held = self.endpoint.clock_at(at).await;
            let held = held.map_err(|error| format!("{error}"))?;
            Ok(Box::new(held) as Hold)
        }
        .boxed()
    }

    fn forward(&self, by: Duration) -> BoxFuture<'_, Result<(), String>> {
        async move {
            let moved = self.endpoint.advance(by.as_secs()).await;
            moved.map(|_| ()).map_err(|error| format!("{error}"))
        }
        .boxed()
    }

    fn looks_every(&self) -> Duration {
        self.faster.map_or(FASTEST, |times| {
            Duration::from_secs_f64(LOOKS / times).max(FASTEST)
        })
    }
}

/// AWS: the instances have public addresses.
struct OverInternet {
    cloud: Cloud,
}

impl Route for OverInternet {
    fn own_cidr(&self) -> BoxFuture<'_, Result<String, String>> {
        async {
            self.cloud
                .own_address()
                .await
                .map(|address| format!("{address}/32"))
        }
        .boxed()
    }

    fn door<'a>(&'a self, machine: &'a Machine) -> BoxFuture<'a, Result<Door, String>> {
        let door = match &machine.address {
            Some(address) => Ok(Door {
                host: address.clone(),
                port: 22,
            }),
            None => Err(format!(
                "{} has no public address: it is {}",
                machine.instance_id, machine.state
            )),
        };
        async move { door }.boxed()
    }

    fn now(&self) -> BoxFuture<'_, Result<Timestamp, String>> {
        async { Ok(Timestamp::now()) }.boxed()
    }

    fn jumps(&self) -> bool {
        false
    }

    fn instant(&self, _at: Timestamp) -> BoxFuture<'_, Result<Hold, String>> {
        async { Err("nobody stops the clock of AWS".to_owned()) }.boxed()
    }

    fn forward(&self, _by: Duration) -> BoxFuture<'_, Result<(), String>> {
        async { Err("nobody puts the clock of AWS forward".to_owned()) }.boxed()
    }

    fn looks_every(&self) -> Duration {
        Duration::from_secs_f64(LOOKS)
    }
}

/// The journal of the state directory that the options name.
pub(super) fn open_journal(common: &Common) -> miette::Result<crate::journal::Journal> {
    let directory = state_directory(common)?;
    crate::journal::Journal::open(&directory)
        .map_err(|error| match error {
            JournalError::Unreadable { .. } => miette!(
                help = "use the version that wrote it, or another directory with --state-dir; nothing was changed",
                "{error}"
            ),
            error => miette!(help = remedy(&directory), "{error}"),
        })
        .wrap_err("could not open the journal")
}

fn remedy(directory: &Path) -> String {
    format!(
        "make {} writable for you, or name another one with --state-dir or EFSLAB_STATE_DIR; nothing was changed",
        directory.display()
    )
}
