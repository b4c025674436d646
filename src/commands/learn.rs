//! `efslab start` and `efslab resume`: the lab with its full screen.

use std::sync::Arc;

use jiff::Timestamp;
use miette::{IntoDiagnostic as _, WrapErr as _};

use super::Outcome;
use super::lab::{self, Front};
use super::site::{self, Site};
use crate::cli::{self, Common};
use crate::engine::effect::Progress;
use crate::engine::view::{LessonRow, Phase, View};
use crate::journal::{self, Journal, Place};
use crate::lesson::schema::Lesson;
use crate::tui::{self, Chosen, LabRow, LiveScreen, PlaceRow, TuiError, Welcome};
use crate::{plain, runtime, ssh};

/// Begins a lab.
pub(super) fn start(common: &Common, lesson: Option<&str>) -> miette::Result<Outcome> {
    let lessons = lab::lessons()?;
    let begin = lesson.map(|id| known(&lessons, id)).transpose()?;
    ssh::keys::client().into_diagnostic()?;
    let journal = Arc::new(site::open_journal(common)?);
    super::runtime()?.block_on(async {
        let mut screen = LiveScreen::enter().into_diagnostic()?;
        let mut common = common.clone();
        let mut begin = begin;
        if common.target.is_none() && common.endpoint_url.is_none() && begin.is_none() {
            let chosen = match tui::welcome(&mut screen, welcome(&journal, &lessons)?).await {
                Err(TuiError::Signal(signal)) => return Ok(Outcome::Interrupted(signal)),
                chosen => chosen.into_diagnostic()?,
            };
            match chosen {
                Chosen::Start { place, lesson } => {
                    common.target = Some(match place {
                        tui::Place::Practice => cli::Target::Practice,
                        tui::Place::Aws => cli::Target::Aws,
                    });
                    begin = lesson;
                }
                Chosen::Resume { lab } => {
                    let lab = lab::find(&journal, Some(&lab))?;
                    let site = opened(&mut screen, &common, &lab.place).await?;
                    return go_on(screen, site, &journal, &lab, lessons, None).await;
                }
                Chosen::CleanUp { lab } => {
                    drop(screen);
                    let how = super::cleanup::How {
                        yes: true,
                        ..super::cleanup::How::default()
                    };
                    return super::cleanup::these(
                        &common,
                        &journal,
                        &[lab::find(&journal, Some(&lab))?],
                        how,
                    )
                    .await;
                }
                Chosen::Quit => return Ok(Outcome::Done),
            }
        }
        let place = site::chosen(&common)?;
        let site = opened(&mut screen, &common, &place).await?;
        // Only now: a place that cannot be reached leaves no lab behind.
        let lab = lab::make(&journal, &place)?;
        go_on(screen, site, &journal, &lab, lessons, begin).await
    })
}

/// Goes on with a lab.
pub(super) fn resume(
    common: &Common,
    lesson: Option<&str>,
    id: Option<&str>,
) -> miette::Result<Outcome> {
    let lessons = lab::lessons()?;
    let begin = lesson.map(|id| known(&lessons, id)).transpose()?;
    ssh::keys::client().into_diagnostic()?;
    let journal = Arc::new(site::open_journal(common)?);
    let lab = lab::find(&journal, id)?;
    super::runtime()?.block_on(async {
        let mut screen = LiveScreen::enter().into_diagnostic()?;
        let site = opened(&mut screen, common, &lab.place).await?;
        go_on(screen, site, &journal, &lab, lessons, begin).await
    })
}

/// Opens the place while the screen says so.
async fn opened(screen: &mut LiveScreen, common: &Common, place: &Place) -> miette::Result<Site> {
    screen.say("Opening the account …").into_diagnostic()?;
    Site::open(common, place).await
}

/// Drives a lab with the full screen until the learner leaves.
async fn go_on(
    mut screen: LiveScreen,
    site: Site,
    journal: &Arc<Journal>,
    lab: &journal::Lab,
    lessons: Arc<[Lesson]>,
    begin: Option<String>,
) -> miette::Result<Outcome> {
    let progress = begin.map(|lesson| Progress {
        lesson,
        step: 0,
        ..lab.progress.clone()
    });
    let result = drive(&mut screen, journal, lab, &site, lessons, progress).await;
    site.close().await;
    // The learner's own terminal is back before anything is printed.
    drop(screen);
    let (outcome, view) = result?;
    let receipt = match &view.phase {
        Phase::CleanedUp(receipt) => Some(receipt.clone()),
        _ if cleaned(journal, &lab.id) => journal.receipt(&lab.id).into_diagnostic()?,
        _ => None,
    };
    let Some(receipt) = receipt else {
        super::print(&farewell(lab, &view))?;
        return Ok(outcome);
    };
    super::print(&plain::receipt::text(&receipt))?;
    super::cleanup::forget(journal, &lab.id, &receipt)?;
    Ok(outcome.and(super::cleanup::judged(&receipt)))
}

async fn drive(
    screen: &mut LiveScreen,
    journal: &Arc<Journal>,
    lab: &journal::Lab,
    site: &Site,
    lessons: Arc<[Lesson]>,
    progress: Option<Progress>,
) -> miette::Result<(Outcome, Arc<View>)> {
    let driven = lab::take(journal, lab, site, lessons, progress)?;
    let (
        wires,
        Front {
            views,
            output,
            commands,
            acts,
        },
    ) = lab::wires(&driven.engine);
    drop(acts);
    let front = tui::Front {
        views,
        output,
        commands,
    };
    let (ending, shown) = tokio::join!(
        runtime::drive(driven.engine, driven.parts, wires),
        tui::run(screen, front)
    );
    let ending = ending
        .into_diagnostic()
        .wrap_err("the lab stopped; nothing is lost, `efslab resume` goes on")?;
    let signal = match shown {
        Err(TuiError::Signal(signal)) => Some(signal),
        shown => {
            shown
                .into_diagnostic()
                .wrap_err("the screen failed, the lab did not: `efslab resume` goes on")?;
            None
        }
    };
    drop(driven.driver);
    Ok((
        signal
            .or(ending.signal)
            .map_or(Outcome::Done, Outcome::Interrupted),
        ending.view,
    ))
}

/// Whether the lab's last receipt is of now: the account holds nothing since.
fn cleaned(journal: &Journal, lab: &str) -> bool {
    journal.lab(lab).is_ok_and(|lab| lab.clean)
}

/// What stays, and how to go on or end it.
fn farewell(lab: &journal::Lab, view: &View) -> String {
    let standing = view.stack.is_some() && !matches!(view.phase, Phase::CleanedUp(_));
    let what = match (&lab.place, standing) {
        (Place::Aws { .. }, true) => {
            format!(
                "{} still stands in AWS and costs about {:.2} USD an hour.\n",
                lab.id, view.cost_per_hour
            )
        }
        (_, true) => format!(
            "{} is kept; its practice account stands still until you come back.\n",
            lab.id
        ),
        (_, false) => format!("{} is kept; it has nothing in the account.\n", lab.id),
    };
    format!(
        "{what}  efslab resume    goes on at {} {}/{}\n  efslab cleanup   removes everything, with proof\n",
        view.step.lesson, view.step.number, view.step.of
    )
}

/// The id, when there is a lesson of it.
fn known(lessons: &[Lesson], id: &str) -> miette::Result<String> {
    let found = lessons.iter().find(|lesson| lesson.id == id);
    found
        .map(|lesson| lesson.id.clone())
        .ok_or_else(|| super::lessons::unknown(id, lessons))
}

/// What the first screen shows.
fn welcome(journal: &Journal, lessons: &[Lesson]) -> miette::Result<Welcome> {
    let labs = journal.labs().into_diagnostic()?;
    let row = |lab: &journal::Lab| {
        let of = lessons
            .iter()
            .find(|lesson| lesson.id == lab.progress.lesson)
            .map_or(0, |lesson| lesson.steps.len());
        LabRow {
            id: lab.id.clone(),
            lesson: lab.progress.lesson.clone(),
            step: format!("step {} of {of}", lab.progress.step + 1),
            target: match &lab.place {
                Place::Embedded { .. } | Place::Endpoint { .. } => "practice".to_owned(),
                Place::Aws { region, .. } => format!("AWS {region}"),
            },
            when: format!("left {}", ago(lab.driven)),
        }
    };
    let lesson = |lesson: &Lesson| LessonRow {
        id: lesson.id.clone(),
        number: lesson.number,
        title: lesson.title.clone(),
        minutes: lesson.minutes,
        steps: lesson
            .steps
            .iter()
            .map(|step| (step.title.clone(), false))
            .collect(),
    };
    Ok(Welcome {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        practice: PlaceRow {
            about: "on this computer: no AWS account, no cost, same commands".to_owned(),
            state: "ready".to_owned(),
            ready: true,
            details: vec![
                "An AWS of your own inside this program. The lab talks to it with the same SDK calls and the same \
                 ssh; what it shows of speed and time is modelled."
                    .to_owned(),
            ],
        },
        aws: PlaceRow {
            about: "your own account, about 0.03 USD per hour".to_owned(),
            state: "credentials are looked at when you choose it".to_owned(),
            ready: true,
            details: vec![
                "Two t3.micro instances with public addresses, two small volumes and one filesystem, billed by AWS \
                 until the lab is cleaned up."
                    .to_owned(),
                "There is no timer in the account yet that removes a forgotten lab: clean up before you close the \
                 lid."
                    .to_owned(),
            ],
        },
        labs: labs.iter().filter(|lab| !lab.clean).map(row).collect(),
        lessons: lessons.iter().map(lesson).collect(),
    })
}

/// How long ago, roughly.
fn ago(then: Timestamp) -> String {
    let minutes = Timestamp::now().duration_since(then).as_mins();
    match minutes {
        ..2 => "just now".to_owned(),
        2..120 => format!("{minutes} minutes ago"),
        120..2880 => format!("{} hours ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}
