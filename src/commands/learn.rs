//! `efslab start` and `efslab resume`: the lab with its full screen.

use std::sync::Arc;

use jiff::Timestamp;
use miette::{IntoDiagnostic as _, WrapErr as _, miette};

use super::lab::{self, Front};
use super::site::{self, Site};
use super::Outcome;
use crate::cli::{self, Common};
use crate::engine::effect::Progress;
use crate::engine::view::{Phase, View};
use crate::journal::{self, Journal, Place};
use crate::lesson::schema::Lesson;
use crate::{plain, runtime, ssh, tui};

/// Begins a lab.
pub(super) fn start(common: &Common, lesson: Option<&str>) -> miette::Result<Outcome> {
    let lessons = lab::lessons()?;
    let begin = lesson.map(|id| place_of(&lessons, id)).transpose()?;
    ready()?;
    let journal = Arc::new(site::open_journal(common)?);
    let undecided = common.target.is_none() && common.endpoint_url.is_none() && lesson.is_none();
    let mut common = common.clone();
    if undecided {
        match tui::welcome(welcome(&journal, &lessons)?).into_diagnostic()? {
            tui::Chosen::Practice => common.target = Some(cli::Target::Practice),
            tui::Chosen::Aws => common.target = Some(cli::Target::Aws),
            tui::Chosen::Resume(id) => return go_on(&common, &journal, &lab::find(&journal, Some(&id))?, lessons, None),
            tui::Chosen::Quit => return Ok(Outcome::Done),
            tui::Chosen::CleanUp => {
                let how = super::cleanup::How { all: false, dry_run: false, json: false, yes: false };
                return super::cleanup::run(&common, &[], how);
            }
            tui::Chosen::Doctor => return super::doctor::run(&common),
        }
    }
    let place = site::chosen(&common)?;
    let lab = lab::make(&journal, &place)?;
    go_on(&common, &journal, &lab, lessons, begin)
}

/// Goes on with a lab.
pub(super) fn resume(common: &Common, lesson: Option<&str>, id: Option<&str>) -> miette::Result<Outcome> {
    let lessons = lab::lessons()?;
    let begin = lesson.map(|id| place_of(&lessons, id)).transpose()?;
    let journal = Arc::new(site::open_journal(common)?);
    let lab = lab::find(&journal, id)?;
    ready()?;
    go_on(common, &journal, &lab, lessons, begin)
}

/// Drives a lab with the full screen until the learner leaves.
fn go_on(
    common: &Common,
    journal: &Arc<Journal>,
    lab: &journal::Lab,
    lessons: Arc<[Lesson]>,
    begin: Option<String>,
) -> miette::Result<Outcome> {
    let progress = begin.map(|lesson| Progress { lesson, step: 0, ..lab.progress.clone() });
    let (outcome, view, receipt) = super::runtime()?.block_on(async {
        let site = Site::open(common, &lab.place).await?;
        let result = drive(journal, lab, &site, lessons, progress).await;
        site.close().await;
        result
    })?;
    if let Some(receipt) = receipt {
        super::print(&plain::receipt::text(&receipt))?;
        super::cleanup::forget(journal, &lab.id, &receipt)?;
        return Ok(outcome.and(super::cleanup::judged(&receipt)));
    }
    super::print(&farewell(lab, &view))?;
    Ok(outcome)
}

type Driven = (Outcome, Arc<View>, Option<crate::engine::view::Receipt>);

async fn drive(
    journal: &Arc<Journal>,
    lab: &journal::Lab,
    site: &Site,
    lessons: Arc<[Lesson]>,
    progress: Option<Progress>,
) -> miette::Result<Driven> {
    let driven = lab::take(journal, lab, site, lessons, progress)?;
    let (wires, Front { views, output, commands, acts }) = lab::wires(&driven.engine);
    drop(acts);
    let last = views.clone();
    let screen = tui::run(tui::Front { views, output, commands });
    let (ending, screen) = tokio::join!(runtime::drive(driven.engine, driven.parts, wires), screen);
    let ending = ending.into_diagnostic().wrap_err("the lab stopped, nothing is lost: `efslab resume` goes on")?;
    screen.into_diagnostic().wrap_err("the screen failed, the lab did not: `efslab resume` goes on")?;
    drop(driven.driver);
    let receipt = journal.receipt(&lab.id).into_diagnostic()?.filter(|_| cleaned(journal, &lab.id));
    let view = last.borrow().clone();
    Ok((ending.signal.map_or(Outcome::Done, Outcome::Interrupted), view, receipt))
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
            format!("{} still stands in AWS and costs about {:.2} USD an hour.\n", lab.id, view.cost_per_hour)
        }
        (_, true) => format!("{} is kept; its practice account stands still until you come back.\n", lab.id),
        (_, false) => format!("{} is kept; it has nothing in the account.\n", lab.id),
    };
    format!("{what}  efslab resume    goes on at {} {}/{}\n  efslab cleanup   removes everything, with proof\n",
        view.step.lesson, view.step.number, view.step.of)
}

/// The lessons' id, when there is one of this name.
fn place_of(lessons: &[Lesson], id: &str) -> miette::Result<String> {
    lessons
        .iter()
        .find(|lesson| lesson.id == id)
        .map(|lesson| lesson.id.clone())
        .ok_or_else(|| super::lessons::unknown(id, lessons))
}

/// Whether a full-screen lab can run here at all.
fn ready() -> miette::Result<()> {
    use std::io::IsTerminal as _;
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(miette!(
            help = "run it in a terminal, or use `efslab run`, which needs none",
            "the lab's screen needs a terminal, and standard input or output is none"
        ));
    }
    if let Some(why) = crossterm::terminal::size().ok().and_then(|(columns, rows)| tui::size_error(columns, rows)) {
        return Err(miette!(help = "make the window larger and try again", "{why}"));
    }
    ssh::keys::client_version().into_diagnostic()?;
    Ok(())
}

/// What the first screen shows.
fn welcome(journal: &Journal, lessons: &[Lesson]) -> miette::Result<tui::Welcome> {
    let labs = journal.labs().into_diagnostic()?;
    let row = |lab: &journal::Lab| tui::OpenLab {
        id: lab.id.clone(),
        lesson: lab.progress.lesson.clone(),
        step: lab.progress.step + 1,
        of: lessons.iter().find(|lesson| lesson.id == lab.progress.lesson).map_or(0, |lesson| lesson.steps.len()),
        target: match &lab.place {
            Place::Embedded { .. } | Place::Endpoint { .. } => "practice".to_owned(),
            Place::Aws { region, .. } => format!("AWS {region}"),
        },
        when: ago(lab.driven),
    };
    Ok(tui::Welcome {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        labs: labs.iter().filter(|lab| !lab.clean).map(row).collect(),
        lessons: lessons.iter().map(|lesson| (lesson.number, lesson.title.clone(), lesson.minutes)).collect(),
        aws: "your credentials are looked at when you choose it".to_owned(),
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
