//! The metrics of EFS, made of what a filesystem's meter has noted minute by minute
//! (<https://docs.aws.amazon.com/efs/latest/ug/efs-metrics.html>). Neither requests nor alarms enter here.

use jiff::{SignedDuration, Timestamp};

use crate::practice::account::Account;
use crate::practice::storage::{Minute, Mode, Rates, Share, Standing, Tally, Throughput};
use crate::practice::world::World;
use crate::practice::world::alarms::{Metric, Statistic};
use crate::practice::world::efs::LifeCycle;
use crate::practice::world::throughput::ThroughputMode;

/// The namespace.
pub const EFS: &str = "AWS/EFS";
/// Its dimensions.
const FILE_SYSTEM: &str = "FileSystemId";
const STORAGE_CLASS: &str = "StorageClass";
/// Values of the second.
const CLASSES: [&str; 3] = ["Total", "Standard", "IA"];

/// One minute.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// CloudWatch keeps data of single minutes for so long.
const KEPT: SignedDuration = SignedDuration::from_hours(15 * 24);
/// `StorageBytes` is told so often, in seconds.
const STORAGE_EVERY: i64 = 15 * 60;
/// What an empty filesystem is metered at, in bytes.
const EMPTY: u64 = 6144;
/// Metered bytes are noted in thirds.
const THIRDS: f64 = 3.0;

/// What CloudWatch's statistics are made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Samples {
    count: f64,
    sum: f64,
    smallest: f64,
    largest: f64,
}

impl Samples {
    fn one(value: f64) -> Self {
        Self {
            count: 1.0,
            sum: value,
            smallest: value,
            largest: value,
        }
    }

    /// Operations and their bytes, of which `scale` make one; none, if there were none.
    #[allow(
        clippy::cast_precision_loss,
        reason = "CloudWatch's values are doubles"
    )]
    fn of(tally: Tally, scale: f64) -> Option<Self> {
        (tally.count > 0).then(|| Self {
            count: tally.count as f64,
            sum: tally.sum as f64 / scale,
            smallest: tally.smallest as f64 / scale,
            largest: tally.largest as f64 / scale,
        })
    }

    fn and(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            smallest: self.smallest.min(other.smallest),
            largest: self.largest.max(other.largest),
        }
    }

    /// A statistic.
    pub fn statistic(self, statistic: Statistic) -> f64 {
        match statistic {
            Statistic::SampleCount => self.count,
            Statistic::Sum => self.sum,
            Statistic::Average => self.sum / self.count,
            Statistic::Minimum => self.smallest,
            Statistic::Maximum => self.largest,
        }
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    BurstCreditBalance,
    ClientConnections,
    DataReadIOBytes,
    DataWriteIOBytes,
    MetadataIOBytes,
    MeteredIOBytes,
    PercentIOLimit,
    PermittedThroughput,
    StorageBytes,
    TotalIOBytes,
}

/// All of them: name and unit.
const MEASURES: [(&str, Measure, &str); 10] = [
    ("BurstCreditBalance", Measure::BurstCreditBalance, "Bytes"),
    ("ClientConnections", Measure::ClientConnections, "Count"),
    ("DataReadIOBytes", Measure::DataReadIOBytes, "Bytes"),
    ("DataWriteIOBytes", Measure::DataWriteIOBytes, "Bytes"),
    ("MetadataIOBytes", Measure::MetadataIOBytes, "Bytes"),
    ("MeteredIOBytes", Measure::MeteredIOBytes, "Bytes"),
    ("PercentIOLimit", Measure::PercentIOLimit, "Percent"),
    (
        "PermittedThroughput",
        Measure::PermittedThroughput,
        "Bytes/Second",
    ),
    ("StorageBytes", Measure::StorageBytes, "Bytes"),
    ("TotalIOBytes", Measure::TotalIOBytes, "Bytes"),
];

/// Unit of a metric; `None`: there is no such metric.
pub fn unit(metric: &Metric) -> Option<&'static str> {
    (metric.namespace == EFS)
        .then(|| MEASURES.iter().find(|(name, ..)| *name == metric.name))?
        .map(|(.., unit)| *unit)
}

/// A filesystem as its metrics show it.
pub struct Subject {
    id: String,
    created: Timestamp,
    mode: ThroughputMode,
    general_purpose: bool,
    share: Share,
}

/// All filesystems, and what they have served so far.
pub struct Subjects {
    now: Timestamp,
    all: Vec<Subject>,
}

impl Subjects {
    /// As of this moment.
    pub fn of(account: &Account) -> Self {
        let (now, file_systems) = account.read(|world: &World| {
            let there = |state| !matches!(state, LifeCycle::Creating(_));
            let found = world.file_systems.values().filter(|one| there(one.state));
            (world.now, found.cloned().collect::<Vec<_>>())
        });
        let all = file_systems.into_iter().map(|one| {
            let share = account.hosts().and_then(|hosts| hosts.traffic(&one.id));
            Subject {
                created: one.created,
                mode: one.settings.throughput_mode,
                general_purpose: one.settings.performance_mode == "generalPurpose",
                share: share.unwrap_or_else(|| Share::new(one.created)),
                id: one.id,
            }
        });
        Self {
            now,
            all: all.collect(),
        }
    }

    /// Every metric that there is, with all its dimensions.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut metrics = Vec::new();
        for subject in &self.all {
            for (name, measure, _) in MEASURES {
                let minutes = subject.share.meter().between(subject.created, self.now);
                let mut minutes = minutes.map(|(_, minute)| minute);
                let (mut classes, mut any) = (vec![None], true);
                match measure {
                    Measure::StorageBytes => classes = CLASSES.map(Some).to_vec(),
                    Measure::PercentIOLimit => any = subject.general_purpose,
                    Measure::BurstCreditBalance => any = subject.mode == ThroughputMode::Bursting,
                    Measure::PermittedThroughput => {}
                    _ => any = minutes.any(|minute| noted(measure, &minute).is_some()),
                }
                for class in classes.into_iter().filter(|_| any) {
                    let mut dimensions = std::collections::BTreeMap::from([(
                        FILE_SYSTEM.to_owned(),
                        subject.id.clone(),
                    )]);
                    if let Some(class) = class {
                        dimensions.insert(STORAGE_CLASS.to_owned(), class.to_owned());
                    }
                    metrics.push(Metric {
                        namespace: EFS.to_owned(),
                        name: name.to_owned(),
                        dimensions,
                    });
                }
            }
        }
        metrics
    }

    /// The samples of periods of so many seconds, from one time on until another, each with its beginning, as far as
    /// there are any; minutes that are not over yet are left out.
    pub fn series(
        &self,
        metric: &Metric,
        from: Timestamp,
        to: Timestamp,
        period: i64,
    ) -> Vec<(Timestamp, Samples)> {
        let Some((subject, measure, class)) = self.find(metric) else {
            return Vec::new();
        };
        let kept = self.now.checked_sub(KEPT).unwrap_or(from);
        let oldest = subject.created.max(kept).max(from);
        let mut series: Vec<(Timestamp, Samples)> = Vec::new();
        for second in (floor(oldest.as_second(), 60)..to.as_second()).step_by(60) {
            if second + 60 > self.now.as_second() {
                break;
            }
            let Ok(start) = Timestamp::from_second(second) else {
                break;
            };
            let Some(samples) = subject.minute(measure, class, start) else {
                continue;
            };
            let first = floor(from.as_second(), 60);
            let begun = first + floor(second - first, period);
            let Ok(begun) = Timestamp::from_second(begun) else {
                break;
            };
            match series.last_mut() {
                Some((at, before)) if *at == begun => *before = before.and(samples),
                _ => series.push((begun, samples)),
            }
        }
        series
    }

    fn find<'a>(&self, metric: &'a Metric) -> Option<(&Subject, Measure, Option<&'a str>)> {
        unit(metric)?;
        let (_, measure, _) = MEASURES.iter().find(|(name, ..)| *name == metric.name)?;
        let id = metric.dimensions.get(FILE_SYSTEM)?;
        let class = metric.dimensions.get(STORAGE_CLASS).map(String::as_str);
        let has_class = *measure == Measure::StorageBytes;
        let expected = 1 + usize::from(has_class);
        if metric.dimensions.len() != expected || class.is_some() != has_class {
            return None;
        }
        let subject = self.all.iter().find(|subject| subject.id == *id)?;
        Some((subject, *measure, class))
    }
}

impl Subject {
    /// The samples of one minute.
    #[allow(
        clippy::cast_precision_loss,
        reason = "CloudWatch's values are doubles"
    )]
    fn minute(&self, measure: Measure, class: Option<&str>, start: Timestamp) -> Option<Samples> {
        let end = start.checked_add(MINUTE).ok()?;
        let told = self.share.meter().between(start, end).next();
        let minute = told.map(|(_, minute)| minute).unwrap_or_default();
        match measure {
            Measure::BurstCreditBalance => {
                let credits = self.standing(end).credits_at(end) as f64;
                (self.mode == ThroughputMode::Bursting).then(|| Samples::one(credits))
            }
            Measure::PermittedThroughput => Some(Samples::one(self.permitted(end) as f64)),
            Measure::PercentIOLimit => self
                .general_purpose
                .then(|| Samples::one(minute.percent_io_limit())),
            Measure::StorageBytes => {
                let stored = match class? {
                    "Total" | "Standard" => self.standing(end).stored as f64,
                    "IA" => 0.0,
                    _ => return None,
                };
                let told = start.as_second() % STORAGE_EVERY == 0;
                told.then(|| Samples::one(stored))
            }
            Measure::ClientConnections => {
                let connections = match minute.connections {
                    // Whoever was there when something was last asked is, as far as is known, there still.
                    0 => self.standing(end).connections,
                    some => some,
                };
                (connections > 0).then(|| Samples::one(connections as f64))
            }
            _ => noted(measure, &minute),
        }
    }

    /// As the last operation until then had left it; as it was made, if there was none.
    fn standing(&self, at: Timestamp) -> Standing {
        let before = self.share.meter().standing_before(at);
        before.unwrap_or_else(|| Standing {
            at: self.created,
            credits: Throughput::new(self.created).credits(self.created, EMPTY),
            permitted: 0,
            stored: EMPTY,
            connections: 0,
        })
    }

    fn permitted(&self, at: Timestamp) -> u64 {
        let standing = self.standing(at);
        let mut now = Throughput::new(self.created);
        match self.mode {
            ThroughputMode::Bursting => {
                let rates = Rates::of(standing.stored);
                return if standing.credits_at(at) > 0 {
                    rates.burst
                } else {
                    rates.baseline
                };
            }
            ThroughputMode::Elastic => now.set_mode(Mode::Elastic),
            ThroughputMode::Provisioned(rate) => now.set_mode(Mode::Provisioned(rate)),
        }
        now.permitted(at, standing.stored)
    }
}

/// What operations of a minute make of a metric that there is only with operations.
fn noted(measure: Measure, minute: &Minute) -> Option<Samples> {
    match measure {
        Measure::DataReadIOBytes => Samples::of(minute.reads, 1.0),
        Measure::DataWriteIOBytes => Samples::of(minute.writes, 1.0),
        Measure::MetadataIOBytes => Samples::of(minute.metadata, 1.0),
        Measure::MeteredIOBytes => Samples::of(minute.metered_thirds, THIRDS),
        // Who asks for something is connected.
        Measure::TotalIOBytes | Measure::ClientConnections => Samples::of(minute.total(), 1.0),
        _ => None,
    }
}

/// The largest multiple that is not larger.
fn floor(number: i64, of: i64) -> i64 {
    number.div_euclid(of) * of
}
