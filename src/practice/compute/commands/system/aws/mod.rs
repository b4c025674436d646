//! `aws`, version 2, as Amazon Linux 2023 has it: services, operations and options come from tables, requests go to the
//! account as they would go over the wire.

mod arguments;
mod call;
mod configure;
mod groups;
mod model;
mod output;
mod paging;
mod query;
pub mod sdk;
mod settings;
mod shorthand;
mod table;
mod value;
mod waiter;
mod wire;

use std::time::Duration;

use async_trait::async_trait;

use self::arguments::Misuse;
use self::call::{CONFIGURATION, Client, Failure, GENERAL, USAGE};
use self::model::{Operation, Service, Waiter, dashed, services};
use self::output::Format;
use self::settings::Settings;
use self::value::Value;
use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;
use crate::practice::compute::kernel::RELEASE;
use crate::practice::storage::Errno;

/// `aws`
pub struct Aws;

/// How long it takes to start, an interpreter and its libraries (an estimate for a t3.micro).
const TO_START: Duration = Duration::from_millis(800);

const USAGE_TEXT: &str = "usage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]\n\
    To see help text, you can run:\n\n  aws help\n  aws <command> help\n  aws <command> <subcommand> help\n";

/// Options that stand anywhere.
#[derive(Debug, Default)]
struct Globals {
    query: Option<String>,
    output: Option<String>,
    region: Option<String>,
    profile: Option<String>,
    endpoint: Option<String>,
    no_paginate: bool,
    version: bool,
    words: Vec<String>,
}

impl Globals {
    fn read(args: &[String]) -> Result<Self, Misuse> {
        let mut globals = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value)),
                _ => (arg.as_str(), None),
            };
            let mut ignored = None;
            let place = match name {
                "--query" => &mut globals.query,
                "--output" => &mut globals.output,
                "--region" => &mut globals.region,
                "--profile" => &mut globals.profile,
                "--endpoint-url" => &mut globals.endpoint,
                "--color"
                | "--ca-bundle"
                | "--cli-read-timeout"
                | "--cli-connect-timeout"
                | "--cli-binary-format" => &mut ignored,
                "--version" => {
                    globals.version = true;
                    continue;
                }
                "--no-paginate" => {
                    globals.no_paginate = true;
                    continue;
                }
                "--debug"
                | "--no-verify-ssl"
                | "--no-sign-request"
                | "--no-cli-pager"
                | "--cli-auto-prompt"
                | "--no-cli-auto-prompt" => continue,
                _ => {
                    globals.words.push(arg.clone());
                    continue;
                }
            };
            let value = inline.map(str::to_owned).or_else(|| args.next().cloned());
            if value.is_none() {
                let what = format!("argument {name}: expected one argument");
                return Err(Misuse::Usage(what));
            }
            *place = value;
        }
        Ok(globals)
    }
}

#[async_trait]
impl Program for Aws {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        seat.activity.sleep(TO_START).await;
        let globals = match Globals::read(call.args) {
            Ok(globals) => globals,
            Err(misuse) => return fail(call, misuse.into()).await,
        };
        if globals.version {
            let text =
                format!("aws-cli/2.30.4 Python/3.9.24 Linux/{RELEASE} source/x86_64.amzn.2023");
            return call.done(text).await;
        }
        if let Some("configure") = globals.words.first().map(String::as_str) {
            let words = globals.words.get(1..).unwrap_or_default();
            return configure::run(seat, call, words, globals.profile.as_deref()).await;
        }
        match answer(seat, call, &globals).await {
            Ok(text) => {
                call.out(text).await?;
                Ok(0)
            }
            Err(failure) => fail(call, failure).await,
        }
    }
}

async fn fail(call: &Call<'_>, failure: Failure) -> Ended {
    call.fail(failure.status, format!("\n{}", failure.text))
        .await
}

impl From<Misuse> for Failure {
    fn from(misuse: Misuse) -> Self {
        let text = match &misuse {
            Misuse::Usage(_) | Misuse::Unknown(_) => format!("{USAGE_TEXT}\n{misuse}\n"),
            _ => misuse.to_string(),
        };
        let status = match misuse {
            Misuse::Number(_) | Misuse::Decimal(_) => GENERAL,
            _ => USAGE,
        };
        Self::new(status, text)
    }
}

/// What was found for a word: as argparse lists choices, two on a line.
fn invalid_choice(argument: &str, word: &str, choices: &[String]) -> Misuse {
    let lines = choices.chunks(2).map(|pair| {
        let pair: Vec<String> = pair.iter().map(|choice| format!("{choice:<40}")).collect();
        pair.join(" | ")
    });
    let mut text = format!(
        "argument {argument}: Invalid choice, valid choices are:\n\n{}",
        lines.collect::<Vec<_>>().join("\n")
    );
    let mut near: Vec<(f64, &String)> = choices
        .iter()
        .map(|choice| (likeness(word, choice), choice))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .collect();
    near.sort_by(|left, right| right.0.total_cmp(&left.0));
    if !near.is_empty() {
        text.push_str(&format!(
            "\n\n\nInvalid choice: '{word}', maybe you meant:\n"
        ));
        for (_, choice) in near.into_iter().take(3) {
            text.push_str(&format!("\n  * {choice}"));
        }
    }
    Misuse::Usage(text)
}

/// How alike two words are, from 0 to 1: twice the letters they share over all their letters.
fn likeness(left: &str, right: &str) -> f64 {
    let letters = |word: &str| word.chars().collect::<Vec<_>>();
    let (left, right) = (letters(left), letters(right));
    let operations = similar::capture_diff_slices(similar::Algorithm::Myers, &left, &right);
    f64::from(similar::get_diff_ratio(
        &operations,
        left.len(),
        right.len(),
    ))
}

/// What the words ask for.
enum Wanted<'a> {
    /// Text about the command.
    Help(String),
    /// An operation's answer, or that it becomes so.
    Operation {
        service: &'static Service,
        operation: &'static Operation,
        waiter: Option<&'static Waiter>,
        options: &'a [String],
    },
}

/// Finds service and operation by the first words.
fn find(words: &[String]) -> Result<Wanted<'_>, Misuse> {
    let required =
        |what: &str| Misuse::Usage(format!("the following arguments are required: {what}"));
    let command = words.first().ok_or_else(|| required("command"))?;
    if command == "help" {
        return Ok(Wanted::Help(help(None)));
    }
    let Some(service) = services().iter().find(|one| one.command == *command) else {
        let names = services().iter().map(|one| one.command.to_owned());
        let mut names: Vec<String> = names.chain(["configure".to_owned()]).collect();
        names.sort_unstable();
        return Err(invalid_choice("command", command, &names));
    };
    let name = words.get(1).ok_or_else(|| required("operation"))?;
    if name == "help" {
        return Ok(Wanted::Help(help(Some(service))));
    }
    let (operation, waiter, skip) = if name == "wait" {
        let name = words.get(2).ok_or_else(|| required("subcommand"))?;
        let (waiter, operation) = service.waiter(name).ok_or_else(|| {
            let names: Vec<String> = service.waiters.iter().map(|one| dashed(one.name)).collect();
            invalid_choice("subcommand", name, &names)
        })?;
        (operation, Some(waiter), 3)
    } else {
        let operation = service.operation(name).ok_or_else(|| {
            let names = service.operations.iter().map(|one| dashed(one.name));
            let wait = (!service.waiters.is_empty()).then(|| "wait".to_owned());
            let names: Vec<String> = names.chain(wait).chain(["help".to_owned()]).collect();
            invalid_choice("operation", name, &names)
        })?;
        (operation, None, 2)
    };
    let options = words.get(skip..).unwrap_or_default();
    if options.first().is_some_and(|word| word == "help") {
        return Ok(Wanted::Help(help_of(service, operation)));
    }
    Ok(Wanted::Operation {
        service,
        operation,
        waiter,
        options,
    })
}

async fn answer(seat: &Seat, call: &Call<'_>, globals: &Globals) -> Result<String, Failure> {
    let (service, operation, waiter, options) = match find(&globals.words)? {
        Wanted::Help(text) => return Ok(text),
        Wanted::Operation {
            service,
            operation,
            waiter,
            options,
        } => (service, operation, waiter, options),
    };
    let options = groups::unfold(operation.name, options);
    let settings = Settings::read(seat, call, globals.profile.as_deref())
        .map_err(|why| Failure::new(GENERAL, why))?;
    let format = format_of(globals, &settings)?;
    if let Some(expression) = &globals.query {
        query::check(expression).map_err(|why| Failure::new(USAGE, why))?;
    }
    let load = |path: &str| {
        let read = seat.view().read_text(&call.path(path));
        read.map_err(|why| match why {
            Errno::NotFound => format!("[Errno 2] {why}: '{path}'"),
            Errno::IsDirectory => format!("[Errno 21] {why}: '{path}'"),
            _ => format!("[Errno 13] {why}: '{path}'"),
        })
    };
    let arguments = arguments::read(service, operation, &options, &load)?;
    let region = globals.region.clone();
    let region = region.or_else(|| settings.region(seat).map(|(region, _)| region));
    let region = region.ok_or_else(|| {
        Failure::new(
            CONFIGURATION,
            "You must specify a region. You can also configure your region by running \"aws configure\".",
        )
    })?;
    let client = Client {
        seat,
        service,
        region,
        keys: settings.keys(seat),
        endpoint: globals.endpoint.clone().or_else(|| settings.endpoint()),
    };
    if let Some(waiter) = waiter {
        waiter::wait(&client, waiter, operation, &arguments).await?;
        return Ok(String::new());
    }
    let show = |value: Value| {
        let found = match &globals.query {
            Some(expression) => {
                query::search(expression, &value).map_err(|why| Failure::new(GENERAL, why))?
            }
            None => value,
        };
        Ok::<_, Failure>(output::show(format, operation.name, &found))
    };
    let Some(pages) = paging::pages(operation, &arguments, !globals.no_paginate) else {
        return show(client.ask(operation, &arguments.parameters).await?);
    };
    let mut listing = paging::list(&client, operation, pages, &arguments).await?;
    if format != Format::Text {
        return show(listing.whole());
    }
    // Text is shown page by page, and the token by itself.
    let mut text = String::new();
    for page in std::mem::take(&mut listing.pages) {
        text.push_str(&show(page)?);
    }
    if let Some(token) = listing.resume {
        let token = Value::Object(vec![("NextToken".to_owned(), Value::Text(token))]);
        text.push_str(&show(Value::Object(vec![("NextToken".to_owned(), token)]))?);
    }
    Ok(text)
}

fn format_of(globals: &Globals, settings: &Settings) -> Result<Format, Failure> {
    if let Some(name) = &globals.output {
        return Format::find(name).ok_or_else(|| {
            let choices = ["json", "text", "table", "yaml"].map(str::to_owned);
            invalid_choice("--output", name, &choices).into()
        });
    }
    match settings.output() {
        None => Ok(Format::Json),
        Some(name) => Format::find(name)
            .ok_or_else(|| Failure::new(GENERAL, format!("Unknown output type: {name}"))),
    }
}

/// What there is, shorter than the real one's pages.
fn help(service: Option<&Service>) -> String {
    let (head, names): (String, Vec<String>) = match service {
        None => (
            format!("{USAGE_TEXT}\nServices of the practice account:\n"),
            services()
                .iter()
                .map(|one| one.command.to_owned())
                .collect(),
        ),
        Some(service) => {
            let operations = service.operations.iter().map(|one| dashed(one.name));
            let waiters = service.waiters.iter();
            let waiters = waiters.map(|one| format!("wait {}", dashed(one.name)));
            (
                format!("{USAGE_TEXT}\nCommands of {}:\n", service.command),
                operations.chain(waiters).collect(),
            )
        }
    };
    names
        .iter()
        .fold(head, |text, name| text + "  " + name + "\n")
}

fn help_of(service: &Service, operation: &Operation) -> String {
    let mut text = format!(
        "usage: aws {} {}\n",
        service.command,
        dashed(operation.name)
    );
    for member in &operation.input {
        let name = dashed(member.name);
        let value = match member.kind {
            model::Kind::Boolean => String::new(),
            model::Kind::List(_) => " <value> [<value> ...]".to_owned(),
            _ => " <value>".to_owned(),
        };
        let option = format!("--{name}{value}");
        let option = if member.required {
            option
        } else {
            format!("[{option}]")
        };
        text.push_str(&format!("  {option}\n"));
    }
    text
}
