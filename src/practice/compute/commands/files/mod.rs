//! Commands about files, owners and users: ls, stat, chown, cp -a, id, useradd, sudo ….

mod become_user;
mod cd;
mod chmod;
mod copy;
mod cp;
mod database;
mod destination;
mod diff;
mod du;
mod editors;
mod filesystem;
mod find;
mod glob;
mod groups;
mod id;
mod install;
mod ln;
mod ls;
mod mkdir;
mod mktemp;
mod modes;
mod mv;
mod nested;
mod options;
mod owner;
mod program;
mod questions;
mod quote;
mod realpath;
mod rm;
mod screen;
mod stat;
mod su;
mod sudo;
mod switch;
mod sync;
mod tar;
mod tee;
mod times;
mod touch;
mod users;

use std::sync::Arc;

use bashkit::BashBuilder;

use self::editors::Eyes;
pub use self::modes::masked;
use self::nested::Nest;
use self::program::{Program, Run};
pub use self::screen::{OnScreen, Screen};
use self::su::Su;
use self::sudo::Sudo;
use self::switch::Switch;
use crate::practice::clock::Clock;
use crate::practice::compute::host::Seat;
use crate::practice::compute::image::stand_in;
use crate::practice::storage::View;

#[cfg(test)]
mod tests;

/// Programs that need nothing but the files.
const PROGRAMS: &[(&str, Run)] = &[
    ("chgrp", owner::chgrp),
    ("chmod", chmod::run),
    ("chown", owner::chown),
    ("cp", cp::run),
    ("dir", ls::dir),
    ("du", du::run),
    ("groupadd", groups::groupadd),
    ("groupdel", groups::groupdel),
    ("groups", id::groups),
    ("id", id::id),
    ("install", install::run),
    ("link", ln::plain),
    ("ln", ln::run),
    ("ls", ls::run),
    ("mkdir", mkdir::run),
    ("mktemp", mktemp::run),
    ("mv", mv::run),
    ("passwd", users::passwd),
    ("realpath", realpath::run),
    ("rm", rm::rm),
    ("rmdir", rm::rmdir),
    ("stat", stat::run),
    ("touch", touch::run),
    ("unlink", rm::unlink),
    ("useradd", users::useradd),
    ("userdel", users::userdel),
    ("usermod", users::usermod),
    ("vdir", ls::vdir),
    ("whoami", id::whoami),
];

/// Registers them.
#[must_use]
pub fn register(builder: BashBuilder, seat: &Seat, view: &View) -> (BashBuilder, Screen) {
    let (builder, screen) = Screen::of(builder, seat.session);
    let (builder, eyes) = Eyes::of(builder, seat, view);
    let (mut builder, nest) = Nest::of(builder, seat, eyes);
    let place = seat.clone();
    builder = programs(
        builder,
        &screen,
        &seat.user.name,
        &seat.host.clock,
        &(Arc::new(move || place.view()) as Seen),
        seat.process.terminal.is_some().then_some(seat),
    );
    let sync = sync::Sync { seat: seat.clone() };
    let seat = || seat.clone();
    builder = builder
        .builtin("sync", Box::new(sync))
        .builtin("diff", Box::new(diff::Diff { seat: seat() }))
        .builtin("tar", Box::new(tar::Tar { seat: seat() }))
        .builtin("cd", Box::new(cd::Cd { seat: seat() }))
        .command("find", find::Find { seat: seat() })
        .command("tee", tee::Tee { seat: seat() });
    let sudo = Switch {
        seat: seat(),
        screen: screen.clone(),
        nest: nest.clone(),
        program: Sudo,
    };
    let su = Switch {
        seat: seat(),
        screen: screen.clone(),
        nest,
        program: Su,
    };
    (su.register(sudo.register(builder)), screen)
}

/// Programs of administrators, which are in /usr/sbin.
const ADMINISTRATION: &[&str] = &["groupadd", "groupdel", "useradd", "userdel", "usermod"];

/// The files that stand for these commands on the disk of a new instance: path and content, to be made executable.
pub fn files() -> impl Iterator<Item = (String, String)> {
    PROGRAMS
        .iter()
        .map(|(name, _)| *name)
        .chain(["find", "su", "sudo", "sync", "tee"])
        .map(|name| {
            let directory = if ADMINISTRATION.contains(&name) {
                "sbin"
            } else {
                "bin"
            };
            (format!("/usr/{directory}/{name}"), stand_in(name))
        })
}

/// A namespace as some user sees it.
type Seen = Arc<dyn Fn() -> View + Send + Sync>;

/// Registers the programs that need nothing but the files.
fn programs(
    builder: BashBuilder,
    screen: &Screen,
    user: &str,
    clock: &Clock,
    view: &Seen,
    terminal: Option<&Seat>,
) -> BashBuilder {
    PROGRAMS.iter().fold(builder, |builder, (name, run)| {
        let program = Program {
            name,
            run: *run,
            user: user.to_owned(),
            view: Arc::clone(view),
            clock: clock.clone(),
            screen: screen.clone(),
            terminal: terminal.cloned(),
        };
        builder.builtin(*name, Box::new(program))
    })
}

/// The instant that a text of `date -d` means; `None` when it is none.
#[must_use]
pub fn instant(text: &str, now: jiff::Timestamp) -> Option<jiff::Timestamp> {
    times::date(text, now)
}

/// `getent passwd|group|shadow [KEY…]`: what it prints and the status it ends with; `None` for another database.
#[must_use]
pub fn getent_accounts(seat: &Seat, args: &[String]) -> Option<(String, i32)> {
    database::getent(&seat.host.view(&seat.user), args)
}
