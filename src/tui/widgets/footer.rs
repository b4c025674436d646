//! The last row: the keys that work now, or what there is to say about the last one. The keymap decides which exist.

use std::borrow::Cow;

use ratatui::text::{Line, Span};

use crate::tui::keymap::BINDINGS;
use crate::tui::layer::{Context, Layer};
use crate::tui::look::Tone;
use crate::tui::text;

/// Between two keys.
const GAP: u16 = 2;

/// The footer of this layer.
pub(in crate::tui) fn line(layer: &dyn Layer, cx: &Context, width: u16) -> Line<'static> {
    let width = width.saturating_sub(2);
    if let Some(notice) = &cx.notice {
        return Line::from(vec![
            Span::raw(" "),
            Span::styled(text::clip(notice, width), cx.look.style(Tone::Strong)),
        ]);
    }
    let mut spans = Vec::new();
    for Offer { keys, label, .. } in fitting(offered(layer), width) {
        spans.push(Span::raw(if spans.is_empty() { " " } else { "  " }));
        spans.push(Span::styled(keys, cx.look.style(Tone::Key)));
        spans.push(Span::raw(format!(" {label}")));
    }
    Line::from(spans)
}

/// A key that works now.
struct Offer {
    keys: Cow<'static, str>,
    label: Cow<'static, str>,
    rank: u8,
}

impl Offer {
    fn width(&self) -> u16 {
        text::width(&self.keys) + 1 + text::width(&self.label) + GAP
    }
}

/// Keys that work now, as the layer names them.
fn offered(layer: &dyn Layer) -> Vec<Offer> {
    let scope = layer.scope();
    BINDINGS
        .iter()
        .filter(|binding| !binding.label.is_empty() && binding.scopes.contains(&scope))
        .filter_map(|binding| {
            let label = layer.label(binding.act, binding.label)?;
            Some(Offer {
                keys: layer.keys(binding.act, binding.keys),
                label,
                rank: binding.rank,
            })
        })
        .collect()
}

/// As many as fit; the lowest ranks stay.
fn fitting(mut offered: Vec<Offer>, width: u16) -> Vec<Offer> {
    while offered.iter().map(Offer::width).sum::<u16>() > width + GAP && offered.len() > 1 {
        let Some(last) = (0..offered.len()).max_by_key(|&i| (offered[i].rank, i)) else {
            break;
        };
        offered.remove(last);
    }
    offered
}
