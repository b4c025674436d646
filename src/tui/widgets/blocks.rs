//! The blocks of a step as lines: text, diagram, template fragment, commands, what changed. No state enters.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::engine::view::Block;
use crate::tui::look::{Look, Tone};
use crate::tui::text;

/// All blocks, an empty line between two.
pub(in crate::tui) fn lines(blocks: &[Block], width: u16, look: Look) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for block in blocks {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(block_lines(block, width, look));
    }
    lines
}

fn block_lines(block: &Block, width: u16, look: Look) -> Vec<Line<'static>> {
    match block {
        Block::Text(text) => text::paragraphs(text, width, look, Style::new()),
        Block::Diagram(diagram) => text::verbatim(diagram, width, Style::new()),
        Block::Fragment { name, text: yaml } => {
            let title = match name.strip_prefix("scripts/") {
                Some(script) => format!("The file {script}:"),
                None => format!("Template, part {name}:"),
            };
            let title = Line::styled(title, look.style(Tone::Strong));
            let inner = text::yaml(yaml, width.saturating_sub(2), look);
            std::iter::once(title)
                .chain(inner.into_iter().map(|line| behind("  ", line)))
                .collect()
        }
        Block::Commands(commands) => {
            let title = if commands.len() == 1 {
                "The same by hand:"
            } else {
                "The same by hand, one by one:"
            };
            let title = Line::styled(title, look.style(Tone::Strong));
            let inner = commands
                .iter()
                .flat_map(|command| text::command(command, width.saturating_sub(2), look));
            std::iter::once(title)
                .chain(inner.map(|line| behind("  ", line)))
                .collect()
        }
        Block::Changed(what) => {
            let label = Span::styled("Since 2018:", look.style(Tone::Strong));
            text::labelled(&label, what, width, look, Style::new())
        }
    }
}

/// The widest line among those that cannot be wrapped.
pub(in crate::tui) fn widest(blocks: &[Block]) -> u16 {
    let diagrams = blocks.iter().filter_map(|block| match block {
        Block::Diagram(text) => Some(text),
        _ => None,
    });
    diagrams
        .flat_map(|text| text.lines())
        .map(text::width)
        .max()
        .unwrap_or(0)
}

/// The line after a prefix.
pub(in crate::tui) fn behind(prefix: &'static str, mut line: Line<'static>) -> Line<'static> {
    line.spans.insert(0, Span::raw(prefix));
    line
}

/// The commands of a step.
pub(in crate::tui) fn commands(blocks: &[Block]) -> Vec<String> {
    let commands = blocks.iter().filter_map(|block| match block {
        Block::Commands(commands) => Some(commands.clone()),
        _ => None,
    });
    commands.flatten().collect()
}
