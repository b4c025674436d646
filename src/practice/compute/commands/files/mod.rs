//! Commands about files, owners and users: ls, stat, chown, cp -a, id, useradd, sudo ….

mod chmod;
mod copy;
mod cp;
mod database;
mod destination;
mod groups;
mod id;
mod install;
mod ln;
mod ls;
mod mkdir;
mod modes;
mod mv;
mod options;
mod owner;
mod program;
mod quote;
mod rm;
mod screen;
mod stat;
mod times;
mod touch;
mod users;

use bashkit::BashBuilder;

use self::program::{Program, Run};
use self::screen::Screen;
use crate::practice::compute::host::Seat;

/// Programs that need nothing but the files.
const PROGRAMS: &[(&str, Run)] = &[
    ("chgrp", owner::chgrp),
    ("chmod", chmod::run),
    ("chown", owner::chown),
    ("cp", cp::run),
    ("groupadd", groups::groupadd),
    ("groupdel", groups::groupdel),
    ("groups", id::groups),
    ("id", id::id),
    ("install", install::run),
    ("ln", ln::run),
    ("ls", ls::run),
    ("mkdir", mkdir::run),
    ("mv", mv::run),
    ("passwd", users::passwd),
    ("rm", rm::rm),
    ("rmdir", rm::rmdir),
    ("stat", stat::run),
    ("touch", touch::run),
    ("useradd", users::useradd),
    ("userdel", users::userdel),
    ("usermod", users::usermod),
    ("whoami", id::whoami),
];

/// Registers them.
pub fn register(builder: BashBuilder, seat: &Seat) -> BashBuilder {
    let (mut builder, screen) = Screen::of(builder, seat.session);
    for (name, run) in PROGRAMS {
        let program = Program {
            name,
            run: *run,
            seat: seat.clone(),
            screen: screen.clone(),
        };
        builder = builder.builtin(*name, Box::new(program));
    }
    builder
}

/// `getent passwd|group|shadow [KEY…]`: what it prints and the status it ends with; `None` for another database.
pub fn getent_accounts(seat: &Seat, args: &[String]) -> Option<(String, i32)> {
    database::getent(&seat.host.view(&seat.user), args)
}
