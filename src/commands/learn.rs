//! `efslab start` and `efslab resume`: the lab with its full screen.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic as _, WrapErr as _, miette};
use tokio_util::task::AbortOnDropHandle;

use super::Outcome;
use super::farewell;
use super::lab::{self, Front};
use super::program;
use super::site::{self, Site};
use crate::cli::{self, Common};
use crate::engine::effect::Progress;
use crate::engine::view::{LessonRow, Mark, StepRow, View};
use crate::journal::{self, Driver, Journal, Place};
use crate::lesson::schema::Lesson;
use crate::plain;
use crate::runtime::{self, Ending};
use crate::tui::{self, Chosen, LabRow, LiveScreen, PlaceRow, TuiError, Welcome};

/// Begins a lab.
pub(super) fn start(common: &Common, lesson: Option<&str>, yes: bool) -> miette::Result<Outcome> {
    // The first screen shows local time, and the time zone is looked for in many files: meanwhile.
    std::thread::spawn(TimeZone::system);
    let lessons = lab::lessons()?;
    let begin = lesson.map(|id| known(&lessons, id)).transpose()?;
    program::ssh_client().into_diagnostic()?;
    let journal = Arc::new(site::open_journal(common)?);
    if !site::may_stand_unguarded(common, &site::chosen(common)?, yes)? {
        return Ok(Outcome::Failed);
    }
    super::runtime()?.block_on(async {
        let mut screen = LiveScreen::enter().into_diagnostic()?;
        let mut common = common.clone();
        let mut begin = begin;
        if common.target.is_none() && common.endpoint_url.is_none() && begin.is_none() {
            let chosen =
                match tui::welcome(&mut screen, welcome(&common, &journal, &lessons)?).await {
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
                    let place = site::way(&common, &lab)?;
                    let site = match opened(&mut screen, &common, &place).await? {
                        Ok(site) => site,
                        Err(ended) => return Ok(ended),
                    };
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
        let site = match opened(&mut screen, &common, &place).await? {
            Ok(site) => site,
            Err(ended) => return Ok(ended),
        };
        // Only now: a place that cannot be reached leaves no lab behind.
        let lab = lab::make(&journal, &site.place)?;
        go_on(screen, site, &journal, &lab, lessons, begin).await
    })
}

/// Goes on with a lab.
pub(super) fn resume(
    common: &Common,
    lesson: Option<&str>,
    id: Option<&str>,
    yes: bool,
) -> miette::Result<Outcome> {
    let lessons = lab::lessons()?;
    let begin = lesson.map(|id| known(&lessons, id)).transpose()?;
    program::ssh_client().into_diagnostic()?;
    let journal = Arc::new(site::open_journal(common)?);
    let lab = lab::find(&journal, id)?;
    if lab.clean {
        return Err(miette!(
            help = format!("`{} start` begins another", program::name()),
            "{} was cleaned up: there is nothing of it to go on with",
            lab.id
        ));
    }
    let place = site::way(common, &lab)?;
    if !site::may_stand_unguarded(common, &place, yes)? {
        return Ok(Outcome::Failed);
    }
    super::runtime()?.block_on(async {
        let mut screen = LiveScreen::enter().into_diagnostic()?;
        let site = match opened(&mut screen, common, &place).await? {
            Ok(site) => site,
            Err(ended) => return Ok(ended),
        };
        go_on(screen, site, &journal, &lab, lessons, begin).await
    })
}

/// Opens the place while the screen says so; `Err`: the learner or a signal ended it before.
async fn opened(
    screen: &mut LiveScreen,
    common: &Common,
    place: &Place,
) -> miette::Result<Result<Site, Outcome>> {
    let (common, place) = (common.clone(), place.clone());
    // A task of its own, so that nothing it does keeps the screen from its keys.
    let opening = AbortOnDropHandle::new(tokio::spawn(
        async move { Site::open(&common, &place).await },
    ));
    match screen.say_while("Opening the account …", opening).await {
        Ok(site) => Ok(Ok(site.into_diagnostic()??)),
        Err(TuiError::Signal(signal)) => Ok(Err(Outcome::Interrupted(signal))),
        Err(error) => Err(error).into_diagnostic(),
    }
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
    let (outcome, ending, driver) = result?;
    let Some(receipt) = ending.receipt else {
        super::print(&farewell(lab, &ending.view, &program::name()))?;
        return Ok(outcome);
    };
    super::print(&plain::receipt::text(&receipt))?;
    super::print(&plain::tally::text(&ending.view.lessons))?;
    if !receipt.is_clean() {
        let again = program::name();
        super::print(&format!("\n  {again} cleanup   tries again\n"))?;
    }
    super::cleanup::forget(journal, &lab.id, &receipt)?;
    drop(driver);
    Ok(outcome.and(super::cleanup::judged(&receipt)))
}

async fn drive(
    screen: &mut LiveScreen,
    journal: &Arc<Journal>,
    lab: &journal::Lab,
    site: &Site,
    lessons: Arc<[Lesson]>,
    progress: Option<Progress>,
) -> miette::Result<(Outcome, Ending, Driver)> {
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
    let ending = ending.into_diagnostic().wrap_err_with(|| {
        format!(
            "the lab stopped; nothing is lost, `{} resume` goes on",
            program::name()
        )
    })?;
    let signal = match shown {
        Err(TuiError::Signal(signal)) => Some(signal),
        shown => {
            shown.into_diagnostic().wrap_err_with(|| {
                format!(
                    "the screen failed, the lab did not: `{} resume` goes on",
                    program::name()
                )
            })?;
            None
        }
    };
    Ok((
        signal
            .or(ending.signal)
            .map_or(Outcome::Done, Outcome::Interrupted),
        ending,
        driven.driver,
    ))
}

/// What stays, and how to go on or end it with this program.
fn farewell(lab: &journal::Lab, view: &View, program: &str) -> String {
    let what = farewell::left(lab, view);
    let tally = plain::tally::text(&view.lessons);
    format!(
        "{what}{tally}  {program} resume    goes on at {} {}/{}\n  {program} cleanup   removes everything, with proof\n",
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
fn welcome(common: &Common, journal: &Journal, lessons: &[Lesson]) -> miette::Result<Welcome> {
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
            .map(|step| StepRow {
                title: step.title.clone(),
                mark: Mark::Open,
            })
            .collect(),
    };
    Ok(Welcome {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        practice: PlaceRow {
            about: "on this computer: no AWS account, no cost".to_owned(),
            state: "ready".to_owned(),
            ready: true,
            details: vec![
                "An AWS of your own inside this program. The lab talks to it with the same SDK calls and the same \
                 ssh, and you type the same commands; what it shows of speed and time is modelled."
                    .to_owned(),
            ],
        },
        aws: PlaceRow {
            about: "your own, about 0.03 USD per hour".to_owned(),
            state: "checked once you choose it".to_owned(),
            ready: true,
            details: vec![
                "Two t3.micro instances with public addresses, two small volumes and one filesystem, billed by AWS \
                 until the lab is cleaned up."
                    .to_owned(),
                about_guard(common),
            ],
        },
        labs: labs.iter().filter(|lab| !lab.clean).map(row).collect(),
        lessons: lessons.iter().map(lesson).collect(),
    })
}

/// What becomes of a lab in AWS that its learner forgets.
fn about_guard(common: &Common) -> String {
    if common.no_guard {
        return "Without a guard (--no-guard) nothing removes a lab that you forget: it is billed until you clean it up."
            .to_owned();
    }
    // Step Functions and EventBridge Scheduler, "Pricing": a state machine and a schedule that do not run cost nothing; a
    // removal takes some hundred transitions, of which 4,000 a month are free and 1,000 cost 0.025 USD.
    format!(
        "A guard in your account removes a lab {} after you were last seen (--ttl), whatever becomes of this computer. \
         It costs nothing while it waits, and less than a cent when it has to act.",
        common.ttl
    )
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
