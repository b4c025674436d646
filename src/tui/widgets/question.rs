//! A question: options with their numbers, or the line on which an answer is typed; then what was answered and why it
//! was right or not. Which key answers is decided elsewhere.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::engine::view::{Purpose, QuestionView, StepState};
use crate::tui::look::{Look, Tone};
use crate::tui::text;
use crate::tui::widgets::answer::AnswerLine;

/// The question as lines, and where among them the answer is typed (row and column), if it is.
pub(in crate::tui) fn lines(
    question: &QuestionView,
    state: &StepState,
    typed: &AnswerLine,
    width: u16,
    look: Look,
) -> (Vec<Line<'static>>, Option<(u16, u16)>) {
    let mut lines = text::paragraphs(&question.ask, width, look, look.style(Tone::Strong));
    lines.push(Line::default());
    let mut cursor = None;
    let over = match question.purpose {
        Purpose::Test => matches!(state, StepState::Passed(_)),
        Purpose::Guess => question.answered.is_some() && !typed.open,
        Purpose::Calculation => matches!(state, StepState::Passed(_)) && !typed.open,
    };
    if question.options.is_empty() && !over {
        let room = width.saturating_sub(text::width(PROMPT) + 1);
        let (shown, column) = typed.shown(room);
        cursor = Some((text::count(lines.len()), text::width(PROMPT) + column));
        lines.push(Line::from(vec![
            Span::styled(PROMPT, look.style(Tone::Key)),
            Span::styled(shown, look.style(Tone::Code)),
        ]));
    }
    for (index, option) in question.options.iter().enumerate() {
        let number = index + 1;
        let chosen = is_answered(question, number, &option.text);
        let style = if chosen {
            look.style(Tone::Strong)
        } else {
            Style::new()
        };
        let mark = if chosen { '>' } else { ' ' };
        let label = Span::styled(format!("{mark} {number} "), look.style(Tone::Key));
        lines.extend(text::labelled(&label, &option.text, width, look, style));
    }
    if let Some((answer, said)) = &question.answered {
        if lines.last().is_some_and(|line| !line.spans.is_empty()) {
            lines.push(Line::default());
        }
        if question.options.is_empty() {
            let label = match question.purpose {
                Purpose::Guess => "Your guess:",
                Purpose::Test | Purpose::Calculation => "Your answer:",
            };
            let label = Span::styled(label, look.style(Tone::Strong));
            lines.extend(text::labelled(&label, answer, width, look, Style::new()));
        }
        if !verdict_says(state, said) {
            lines.extend(text::paragraphs(said, width, look, Style::new()));
        }
    }
    while lines.last().is_some_and(|line| line.spans.is_empty()) {
        lines.pop();
    }
    (lines, cursor)
}

/// Whether the verdict, which always stands beside the question, has the same words.
fn verdict_says(state: &StepState, said: &str) -> bool {
    match state {
        StepState::NotYet(why) | StepState::Passed(why) => why.contains(said),
        _ => false,
    }
}

/// Before what is typed.
const PROMPT: &str = "answer: ";

/// An answer is told by the number of its option or by its text.
fn is_answered(question: &QuestionView, number: usize, text: &str) -> bool {
    question
        .answered
        .as_ref()
        .is_some_and(|(answer, _)| answer == text || answer.trim() == number.to_string())
}
