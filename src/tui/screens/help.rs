//! All keys, written from the keymap itself.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::tui::keymap::{BINDINGS, Binding, Scope};
use crate::tui::look::{Look, Tone};
use crate::tui::screens::reader::Reader;
use crate::tui::text;

/// The parts of the help, in order.
const PARTS: [(Scope, &str); 4] = [
    (Scope::Lesson, "In the lesson"),
    (
        Scope::Shell,
        "In a machine's terminal, where every other key goes to its shell",
    ),
    (Scope::Answer, "While typing an answer"),
    (Scope::Lessons, "In the list of lessons"),
];

/// The list of keys.
pub(in crate::tui) fn help() -> Reader {
    Reader::of("Keys", |width, cx| lines(width, cx.look))
}

fn lines(width: u16, look: Look) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (scope, title) in PARTS {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(text::paragraphs(
            title,
            width,
            look,
            look.style(Tone::Strong),
        ));
        let bindings = BINDINGS
            .iter()
            .filter(|binding| binding.scopes.contains(&scope));
        lines.extend(bindings.flat_map(|binding| entry(binding, width, look)));
    }
    lines
}

fn entry(binding: &Binding, width: u16, look: Look) -> Vec<Line<'static>> {
    let label = Span::styled(format!("  {:<11}", binding.keys), look.style(Tone::Key));
    text::labelled(&label, binding.help, width, look, Style::new())
}
