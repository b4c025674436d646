//! Which labs a cleanup is about: those of the journal, and those that an account shows by their tag, whoever made them.

use std::collections::BTreeMap;

use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic as _, miette};

use super::cleanup::How;
use super::site::{self, Site};
use super::{Outcome, lab, program};
use crate::cli::{self, Common};
use crate::cloud::search::{self, Sighting, Sightings};
use crate::engine::effect::{Known, Progress};
use crate::engine::event::InventoryRow;
use crate::engine::view::Listing;
use crate::journal::{self, Journal, Place};

/// Places that are opened at a time: AWS has some thirty regions.
const AT_A_TIME: usize = 8;

/// Places that answer, opened once.
#[derive(Default)]
pub(super) struct Sites(Vec<(Place, Result<Site, String>)>);

impl Sites {
    /// Opens those that are not open yet. What cannot be opened says so to whoever wants it.
    pub(super) async fn open(&mut self, common: &Common, wanted: Vec<Place>) {
        let mut places: Vec<Place> = Vec::new();
        for place in wanted {
            if !places.contains(&place) && self.0.iter().all(|(known, _)| *known != place) {
                places.push(place);
            }
        }
        let opening = places.into_iter().map(|place| async move {
            let site = Site::open(common, &place).await;
            let site = site.map_err(|report| {
                super::complain(&format!("{report:?}\n"));
                report.to_string()
            });
            (place, site)
        });
        let opened: Vec<_> = futures::stream::iter(opening)
            .buffered(AT_A_TIME)
            .collect()
            .await;
        self.0.extend(opened);
    }

    /// One that was opened.
    pub(super) fn at(&self, place: &Place) -> miette::Result<&Site> {
        match self.0.iter().find(|(known, _)| known == place) {
            Some((_, Ok(site))) => Ok(site),
            Some((_, Err(why))) => Err(miette!("{why}")),
            None => Err(miette!("it was not opened")),
        }
    }

    /// Ends what was started for them.
    pub(super) async fn close(self) {
        for (_, site) in self.0 {
            if let Ok(site) = site {
                site.close().await;
            }
        }
    }
}

/// A lab that may be cleaned up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leftover {
    pub(super) lab: journal::Lab,
    /// The journal does not know it: another computer made it, or another state directory.
    pub(super) stranger: bool,
    /// Why somebody may be using it, in words.
    pub(super) used: Option<String>,
}

impl Leftover {
    pub(super) fn ours(lab: journal::Lab) -> Self {
        Self {
            lab,
            stranger: false,
            used: None,
        }
    }

    fn stranger(id: &str, place: &Place) -> Self {
        let now = Timestamp::now();
        Self {
            lab: journal::Lab {
                id: id.to_owned(),
                place: place.clone(),
                made: now,
                driven: now,
                progress: Progress {
                    leaving: true,
                    ..Progress::default()
                },
                clean: false,
            },
            stranger: true,
            used: None,
        }
    }
}

/// What there is to clean up.
pub(super) struct Found {
    pub(super) labs: Vec<Leftover>,
    /// Whether everything that was to be asked has answered.
    pub(super) outcome: Outcome,
    /// Labs that were named and are seen nowhere, and what is said of each.
    pub(super) unseen: Vec<(String, String)>,
    /// Where it was looked, in words.
    looked: Vec<String>,
    /// Every lab of the journal.
    known: Vec<journal::Lab>,
}

impl Found {
    pub(super) fn of(labs: Vec<Leftover>) -> Self {
        Self {
            labs,
            outcome: Outcome::Done,
            unseen: Vec::new(),
            looked: Vec::new(),
            known: Vec::new(),
        }
    }
}

/// The labs that somebody names. Those that the journal does not know are looked for where the options say, on AWS in every
/// region unless one is named: what is seen nowhere may be somewhere else, and is not called gone.
pub(super) async fn named(
    common: &Common,
    journal: &Journal,
    sites: &mut Sites,
    ids: &[String],
) -> miette::Result<Found> {
    let mut found = Found::of(Vec::new());
    let mut missing = Vec::new();
    for id in ids {
        match lab::find(journal, Some(id)) {
            Ok(lab) => found.labs.push(Leftover::ours(lab)),
            Err(unknown) => {
                let full = lab::full_id(id);
                if !says_where(common) || !search::is_lab(&full) {
                    return Err(nowhere(&unknown, id));
                }
                missing.push(full);
            }
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let mut elsewhere = Found::of(Vec::new());
    elsewhere.known = journal.labs().into_diagnostic()?;
    let place = site::chosen(common)?;
    seek(common, sites, vec![place.clone()], &mut elsewhere).await;
    for id in missing {
        let seen = elsewhere.labs.iter().find(|one| one.lab.id == id).cloned();
        let seen = match seen {
            None => closer(common, sites, &place, &id).await,
            seen => seen,
        };
        let Some(one) = seen else {
            let why = format!(
                "{id} was not seen in {}: if it was made elsewhere, name that account and region",
                elsewhere.places()
            );
            super::complain(&format!("{why}\n"));
            found.unseen.push((id, why));
            elsewhere.outcome = elsewhere.outcome.and(Outcome::Unverified);
            continue;
        };
        // Whoever names it means it.
        found.labs.push(Leftover { used: None, ..one });
    }
    found.outcome = elsewhere.outcome;
    Ok(found)
}

/// A lab of which the search shows nothing, in the one place that is named: every kind of thing is asked for.
async fn closer(common: &Common, sites: &Sites, place: &Place, id: &str) -> Option<Leftover> {
    if matches!(place, Place::Aws { .. }) && common.region.is_none() {
        return None;
    }
    let site = sites.at(place).ok()?;
    let inventory = site.cloud.inventory(id, &Known::default()).await;
    let shown = |row: &InventoryRow| matches!(row.answer, Listing::Left(_) | Listing::Kept(_));
    let seen = inventory.rows.iter().any(shown);
    seen.then(|| Leftover::stranger(id, &site.place))
}

fn nowhere(unknown: &miette::Report, id: &str) -> miette::Report {
    miette!(
        help = format!(
            "`efslab status` lists the labs of this computer. One that was made elsewhere is found in the account that \
             is named: `{} cleanup {id} --target aws`, or `--endpoint-url URL`",
            program::name()
        ),
        "{unknown}"
    )
}

/// Whether the options name an account.
fn says_where(common: &Common) -> bool {
    common.target.is_some() || common.endpoint_url.is_some()
}

/// Every lab of the journal, and every one that the accounts show: those of the journal's labs, and the one the options
/// name, on AWS in every region that it can use.
pub(super) async fn everywhere(
    common: &Common,
    journal: &Journal,
    sites: &mut Sites,
) -> miette::Result<Found> {
    let known = journal.labs().into_diagnostic()?;
    let mut labs = known.clone();
    // Whoever names a place means the labs there.
    labs.retain(|lab| site::way(common, lab).is_ok());
    let mut found = Found::of(labs.iter().cloned().map(Leftover::ours).collect());
    found.known = known;
    let mut places: Vec<Place> = Vec::new();
    if says_where(common) || site::practice_directory(common)?.exists() {
        places.push(site::chosen(common)?);
    }
    if !says_where(common) {
        places.extend(labs.iter().filter_map(|lab| site::way(common, lab).ok()));
    }
    seek(common, sites, places, &mut found).await;
    Ok(found)
}

/// Takes in what these places show, on AWS in every region unless one is named.
async fn seek(common: &Common, sites: &mut Sites, places: Vec<Place>, found: &mut Found) {
    sites.open(common, places.clone()).await;
    let places = in_every_region(common, sites, places, found).await;
    sites.open(common, places.clone()).await;
    let mut answering: Vec<&Site> = Vec::new();
    for place in &places {
        let Ok(site) = sites.at(place) else {
            found.outcome = found.outcome.and(Outcome::Unverified);
            continue;
        };
        // Two profiles may be of one account.
        let spot = |site: &Site| (site.account.clone(), site.cloud.region.clone());
        if answering.iter().all(|other| spot(other) != spot(site)) {
            answering.push(site);
        }
    }
    if answering.len() > 1 {
        super::complain(&format!("looking for labs in {} places\n", answering.len()));
    }
    let looks = answering
        .into_iter()
        .map(|site| look(site).map(move |seen| (site, seen)));
    let mut looks = futures::stream::iter(looks).buffered(AT_A_TIME);
    while let Some((site, seen)) = looks.next().await {
        let region = &site.cloud.region;
        match seen {
            Ok((sightings, now)) => {
                found
                    .looked
                    .push(format!("account {}, {region}", site.account));
                found.add(&site.place, sightings, now);
            }
            Err(why) => {
                super::complain(&format!("{region}: {why}\n"));
                found.outcome = found.outcome.and(Outcome::Unverified);
            }
        }
    }
}

/// What one place shows, and its time.
async fn look(site: &Site) -> Result<(Sightings, Timestamp), String> {
    let labs = site.cloud.labs().await;
    let labs = labs.map_err(|failure| format!("could not {}: {}", failure.tried, failure.why))?;
    Ok((labs, site.route.now().await?))
}

/// On AWS, without `--region`: each of these places in every region. Whoever lost her journal does not know in which it was.
async fn in_every_region(
    common: &Common,
    sites: &Sites,
    places: Vec<Place>,
    found: &mut Found,
) -> Vec<Place> {
    let mut all: Vec<Place> = Vec::new();
    for place in places {
        let Place::Aws { profile, .. } = &place else {
            all.push(place);
            continue;
        };
        let mut regions = Vec::new();
        if common.region.is_none()
            && let Ok(site) = sites.at(&place)
        {
            match site.cloud.regions().await {
                Ok(names) => regions = names,
                Err(failure) => {
                    super::complain(&format!("could not {}: {}\n", failure.tried, failure.why));
                    found.outcome = found.outcome.and(Outcome::Unverified);
                }
            }
        }
        let in_region = |region: String| Place::Aws {
            profile: profile.clone(),
            region,
        };
        all.extend(regions.into_iter().map(in_region));
        all.push(place);
    }
    all
}

impl Found {
    /// Takes in what a place shows.
    fn add(&mut self, place: &Place, sightings: Sightings, now: Timestamp) {
        for (id, sighting) in sightings {
            let taken = self.labs.iter().map(|one| &one.lab);
            match self.known.iter().chain(taken).find(|lab| lab.id == id) {
                Some(lab) if lab.place.region() == place.region() => {}
                Some(lab) => {
                    // A journal has one place for each lab.
                    super::complain(&format!(
                        "{id} is {} here, and has {} in {place}, too: `{} cleanup {id}{} --state-dir DIR`, with another \
                         directory, removes that\n",
                        lab.place,
                        things(&sighting.things),
                        program::name(),
                        way_to(place)
                    ));
                    self.outcome = self.outcome.and(Outcome::Left);
                }
                None => self.labs.push(Leftover {
                    used: sighting.is_used(now).then(|| using(&sighting)),
                    ..Leftover::stranger(&id, place)
                }),
            }
        }
    }

    /// Where it was looked, in words.
    fn places(&self) -> String {
        if self.looked.is_empty() {
            "any account: nobody could be asked".to_owned()
        } else {
            self.looked.join("; ")
        }
    }
}

/// Why a lab may be in use.
fn using(sighting: &Sighting) -> String {
    let things = things(&sighting.things);
    match sighting.lease {
        Some(ends) => {
            let ends = ends.to_zoned(TimeZone::UTC);
            format!(
                "it has {things}, and its lease runs until {}",
                ends.strftime("%H:%M UTC on %-d %B")
            )
        }
        None => format!("it has {things}, and no lease says until when it is used"),
    }
}

fn things(things: &BTreeMap<String, usize>) -> String {
    let each = things.iter().map(|(kinds, count)| match count {
        1 => format!("1 {}", kinds.strip_suffix('s').unwrap_or(kinds)),
        _ => format!("{count} {kinds}"),
    });
    each.collect::<Vec<_>>().join(", ")
}

/// Takes out what somebody else may be using, unless whoever sits here says that it goes; answers it. `--yes` is said of what
/// one knows, so that it does not count for this.
pub(super) fn spare(found: &mut Found, how: How) -> miette::Result<Vec<Leftover>> {
    let mut spared = Vec::new();
    let mut taken = Vec::new();
    for one in std::mem::take(&mut found.labs) {
        let Some(why) = one.used.clone() else {
            taken.push(one);
            continue;
        };
        let id = &one.lab.id;
        let may_ask = !how.yes && program::asks();
        if may_ask
            && program::agrees(&format!(
                "{id} ({}) was made elsewhere, and somebody may be using it: {why}. Delete everything of it?",
                one.lab.place
            ))?
        {
            taken.push(one);
            continue;
        }
        super::complain(&format!(
            "{id} ({}) is left alone: somebody may be using it ({why}). `{} cleanup {id}{} --yes` removes it all the same\n",
            one.lab.place,
            program::name(),
            way_to(&one.lab.place)
        ));
        spared.push(one);
    }
    found.labs = taken;
    Ok(spared)
}

/// The options that lead to a place.
fn way_to(place: &Place) -> String {
    match place {
        Place::Embedded { .. } => " --target practice".to_owned(),
        Place::Endpoint { url, .. } => format!(" --endpoint-url {url}"),
        Place::Aws { profile, region } => {
            let profile = profile.as_ref();
            let profile = profile.map_or_else(String::new, |name| format!(" --profile {name}"));
            format!(" --target aws{profile} --region {region}")
        }
    }
}

/// Said when there is nothing to clean up.
pub(super) fn none(common: &Common, all: bool, found: &Found) -> String {
    if all && !found.looked.is_empty() {
        let looked = found.looked.join("; ");
        return if found.outcome == Outcome::Done {
            format!("There is no lab to clean up: looked in {looked}.\n")
        } else {
            format!(
                "There is no lab in {looked}. Of the rest, which could not be asked, nothing is known.\n"
            )
        };
    }
    if found.outcome != Outcome::Done {
        let unknown = "Whether there is a lab to clean up is not known: nobody could be asked.\n";
        // Of labs that were named it was said one by one.
        return if all { unknown } else { "" }.to_owned();
    }
    let also = match common.target {
        Some(cli::Target::Practice) => String::new(),
        _ => format!(
            "`{} cleanup --all --target aws` looks for labs in your AWS account, whoever made them.\n",
            program::name()
        ),
    };
    format!("There is no lab to clean up here.\n{also}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_lab_is_told_as_it_is_typed() {
        let place = Place::Aws {
            profile: Some("team".to_owned()),
            region: "eu-west-1".to_owned(),
        };
        assert_eq!(
            way_to(&place),
            " --target aws --profile team --region eu-west-1"
        );
    }

    #[test]
    fn what_the_journal_knows_is_not_found_a_second_time() {
        let place = Place::Embedded {
            region: "us-east-1".to_owned(),
        };
        let mut found = Found::of(vec![Leftover::stranger("lab-7f3k", &place)]);
        let stands = Sighting {
            stands: true,
            things: [("instances".to_owned(), 2)].into(),
            ..Sighting::default()
        };
        let sightings = [
            ("lab-7f3k".to_owned(), stands.clone()),
            ("lab-9x".to_owned(), stands),
        ];
        found.add(&place, sightings.into(), Timestamp::UNIX_EPOCH);
        let ids: Vec<_> = found.labs.iter().map(|one| &one.lab.id).collect();
        assert_eq!(ids, ["lab-7f3k", "lab-9x"]);
        assert!(
            found.labs[1]
                .used
                .as_ref()
                .is_some_and(|why| why.contains("2 instances"))
        );
    }
}
