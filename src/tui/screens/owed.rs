//! What the lab has cost, what it costs now, and what it would come to if one walked away. The sums come with the view.

use std::borrow::Cow;
use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::engine::view::{Of, Owed, Target, View};
use crate::tui::keymap::{Act, Scope};
use crate::tui::layer::{Context, Flow, Layer, News};
use crate::tui::look::{Look, Tone};
use crate::tui::screens::reader::{Scroll, page};
use crate::tui::text;
use crate::tui::widgets::header;

/// The screen.
pub(in crate::tui) struct OwedScreen {
    view: Arc<View>,
    scroll: Scroll,
}

impl OwedScreen {
    /// Of this lab, and it follows the lab.
    pub(in crate::tui) fn new(view: Arc<View>) -> Self {
        Self {
            view,
            scroll: Scroll::default(),
        }
    }
}

impl Layer for OwedScreen {
    fn scope(&self) -> Scope {
        Scope::Reader
    }

    fn label(&self, act: Act, usual: &'static str) -> Option<Cow<'static, str>> {
        self.scroll.label(act, usual)
    }

    fn act(&mut self, act: Act, _cx: &mut Context) -> Flow {
        if act == Act::Close {
            return Flow::Close;
        }
        self.scroll.act(act);
        Flow::Stay
    }

    fn news(&mut self, news: &News<'_>, _cx: &mut Context) -> Flow {
        if let News::View(view) = news {
            self.view = Arc::clone(view);
        }
        Flow::Stay
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, cx: &Context) -> Option<Position> {
        let lines = lines(&self.view, area.width.saturating_sub(2), cx);
        page(
            frame,
            area,
            "What you owe",
            lines,
            &mut self.scroll,
            cx.look,
        );
        None
    }
}

fn lines(view: &View, width: u16, cx: &Context) -> Vec<Line<'static>> {
    let look = cx.look;
    let strong = look.style(Tone::Strong);
    let mut lines = text::paragraphs(&spent(view), width, look, strong);
    let Some(owed) = &view.owed else {
        lines.push(Line::default());
        let unknown = "No prices are known: nothing more can be said.";
        lines.extend(text::paragraphs(unknown, width, look, Style::new()));
        return lines;
    };
    lines.push(Line::default());
    lines.extend(text::paragraphs(
        heading(&view.target, owed.of),
        width,
        look,
        Style::new(),
    ));
    lines.push(Line::default());
    lines.extend(table(owed, width, look));
    lines.push(Line::default());
    lines.extend(text::paragraphs(&away(view, owed, cx), width, look, strong));
    lines.push(Line::default());
    lines.extend(text::paragraphs(
        &source(&view.target, owed),
        width,
        look,
        look.style(Tone::Quiet),
    ));
    lines
}

fn spent(view: &View) -> String {
    match &view.target {
        Target::Practice { .. } => {
            "Spent so far: 0.00 USD. The practice account is a model on this computer.".to_owned()
        }
        Target::Aws { .. } => format!(
            "Spent so far: about {:.2} USD. Now: {:.4} USD an hour.",
            view.cost, view.cost_per_hour
        ),
    }
}

fn heading(target: &Target, of: Of) -> &'static str {
    match (target, of) {
        (Target::Practice { .. }, Of::Standing) => "What stands now would cost on AWS:",
        (Target::Practice { .. }, Of::OnceBuilt) => {
            "Nothing stands. Once it is built, the lab would cost on AWS:"
        }
        (Target::Aws { .. }, Of::Standing) => "What stands now, by what it costs:",
        (Target::Aws { .. }, Of::OnceBuilt) => {
            "Nothing stands, nothing is billed. Once it is built, the lab costs:"
        }
    }
}

/// One line an item, and their sum; the price of one goes first where there is no room.
fn table(owed: &Owed, width: u16, look: Look) -> Vec<Line<'static>> {
    /// Columns of a sum an hour and of one a month.
    const SUMS: u16 = 10 + 9;
    let longest = |texts: &mut dyn Iterator<Item = &String>| {
        texts.map(|text| text::width(text)).max().unwrap_or(0)
    };
    let price = longest(&mut owed.items.iter().map(|item| &item.price));
    let what = longest(&mut owed.items.iter().map(|item| &item.what));
    let priced = what + price + SUMS + 2 <= width;
    let what = what.min(width.saturating_sub(SUMS));
    let line = |said: &str, each: &str, sums: [String; 2], style| {
        let each = if priced {
            format!("  {each:<0$}", usize::from(price))
        } else {
            String::new()
        };
        let [hour, month] = sums;
        let said = text::clip(said, what);
        let gap = " ".repeat(usize::from(what.saturating_sub(text::width(&said))));
        Line::from(vec![
            Span::styled(format!("{said}{gap}"), style),
            Span::styled(each, look.style(Tone::Quiet)),
            Span::styled(format!("{hour:>10}{month:>9}"), style),
        ])
    };
    let head = ["an hour".to_owned(), "a month".to_owned()];
    let mut lines = vec![line("", "", head, look.style(Tone::Quiet))];
    for item in &owed.items {
        let sums = item.per_hour.map_or_else(
            || ["?".to_owned(), "?".to_owned()],
            |hour| {
                sums(
                    hour,
                    hour / owed.per_hour.max(f64::MIN_POSITIVE) * owed.month,
                )
            },
        );
        lines.push(line(&item.what, &item.price, sums, Style::new()));
    }
    lines.push(line(
        "together, USD",
        "",
        sums(owed.per_hour, owed.month),
        look.style(Tone::Strong),
    ));
    lines
}

fn sums(hour: f64, month: f64) -> [String; 2] {
    [format!("{hour:.4}"), format!("{month:.2}")]
}

fn away(view: &View, owed: &Owed, cx: &Context) -> String {
    let until = header::lease_time(view, cx);
    let would = match (&view.target, owed.of) {
        (Target::Aws { .. }, Of::Standing) if until.is_none() => "",
        _ => " it would be",
    };
    let guarded = until.map_or_else(String::new, |until| {
        let off = match &view.target {
            Target::Aws { .. } => ", also when this computer is off",
            Target::Practice { .. } => "",
        };
        format!(
            " It does not come to that: at {until} the lab's guard removes it{off}. The guard itself costs nothing."
        )
    });
    format!(
        "If you walk away for a day,{would} {:.2} USD; for a month, {:.2} USD.{guarded}",
        owed.day, owed.month
    )
}

fn source(target: &Target, owed: &Owed) -> String {
    let (Target::Practice { region, .. } | Target::Aws { region, .. }) = target;
    let elsewhere = if *region == owed.region {
        String::new()
    } else {
        format!(" Those of {region} differ by some per cent.")
    };
    format!(
        "List prices of {} as of {} (`assets/prices.yaml`), without taxes and free tier.{elsewhere} Not counted: what \
         you store on the share, and data sent to the internet. The authority is AWS:\n\n{}",
        owed.region,
        owed.date,
        owed.sources
            .iter()
            .map(|page| format!("- {page}"))
            .collect::<Vec<_>>()
            .join("\n")
    )
}
