//! The lab on the whole terminal: the lesson, two live terminals, the stack. It takes views and gives commands.
//!
//! `engine`'s message types and `lesson`'s data may enter; the cloud, SSH, the journal, the practice account and the
//! runtime may not.
//!
//! ```text
//! input ─┐                       ┌─ layers (screens and dialogs), widgets
//! views ─┼─ event_loop ── app ───┤
//! output ┘      │                └─ keymap, encode, look, text
//!               └─ effects: commands, clipboard, suspend
//! ```

mod app;
mod chosen;
mod encode;
mod event_loop;
mod guard;
mod input;
mod keymap;
mod layer;
mod layout;
mod look;
mod outlet;
mod screen;
mod screens;
mod text;
mod widgets;

#[cfg(test)]
mod tests;

pub use chosen::{Chosen, LabRow, Place, PlaceRow, Welcome};
pub use event_loop::Front;
pub use input::Input;
pub use look::Look;
pub use screen::{LiveScreen, Screen, TuiError, size_error};

use std::io;

use futures::Stream;
use ratatui::backend::Backend;

use crate::engine::view::Phase;
use screens::lesson::LessonScreen;
use screens::welcome::WelcomeScreen;

/// Shows the first screen and answers what the learner chose. The first frame waits for nothing.
///
/// # Errors
/// The terminal failed, or a signal ended the program.
pub async fn welcome<B, I>(screen: &mut Screen<B, I>, welcome: Welcome) -> Result<Chosen, TuiError>
where
    B: Backend<Error: Send + Sync + 'static>,
    I: Stream<Item = io::Result<Input>> + Unpin,
{
    let base = Box::new(WelcomeScreen::new(welcome));
    let chosen = event_loop::drive(screen, base, None).await?;
    Ok(chosen.unwrap_or(Chosen::Quit))
}

/// Shows the lab until its phase is `Over` or nobody is at the other end of the channels.
///
/// # Errors
/// The terminal failed, or a signal ended the program.
pub async fn run<B, I>(screen: &mut Screen<B, I>, mut front: Front) -> Result<(), TuiError>
where
    B: Backend<Error: Send + Sync + 'static>,
    I: Stream<Item = io::Result<Input>> + Unpin,
{
    let view = front.views.borrow_and_update().clone();
    if view.phase == Phase::Over {
        return Ok(());
    }
    let base = Box::new(LessonScreen::new(view));
    event_loop::drive(screen, base, Some(front)).await?;
    Ok(())
}
