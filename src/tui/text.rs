//! Text into lines of a given width: wrapping, inline `code`, verbatim lines, light YAML styling, durations.
//! Nothing about the lab may enter.

use jiff::SignedDuration;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::look::{Look, Tone};

/// One character and its style; what wrapping works on.
type Glyph = (char, Style);

/// A paragraph or several (separated by an empty line), wrapped; text in backticks is styled as code.
///
/// Lines that begin with `- ` are items with a hanging indent; other single line breaks are spaces.
pub(super) fn paragraphs(text: &str, width: u16, look: Look, base: Style) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut pending = String::new();
    let flush = |pending: &mut String, lines: &mut Vec<Line<'static>>| {
        if !pending.is_empty() {
            let hang = if pending.starts_with("- ") { 2 } else { 0 };
            lines.extend(wrap(&inline(pending, look, base), width, hang));
            pending.clear();
        }
    };
    for line in text.trim_end().lines() {
        let line = line.trim();
        if line.is_empty() {
            flush(&mut pending, &mut lines);
            lines.push(Line::default());
        } else if line.starts_with("- ") {
            flush(&mut pending, &mut lines);
            pending.push_str(line);
        } else {
            if !pending.is_empty() {
                pending.push(' ');
            }
            pending.push_str(line);
        }
    }
    flush(&mut pending, &mut lines);
    lines
}

/// A label, then text that wraps beside it.
pub(super) fn labelled(
    label: &Span<'static>,
    text: &str,
    width: u16,
    look: Look,
    base: Style,
) -> Vec<Line<'static>> {
    let hang = u16::try_from(label.content.width() + 1).unwrap_or(u16::MAX);
    let mut glyphs: Vec<Glyph> = label.content.chars().map(|c| (c, label.style)).collect();
    glyphs.push((' ', Style::new()));
    glyphs.extend(inline(
        &text.split_whitespace().collect::<Vec<_>>().join(" "),
        look,
        base,
    ));
    // A hanging indent that leaves no room for the text helps nobody.
    let hang = if hang > width / 2 { 0 } else { hang };
    wrap(&glyphs, width, hang)
}

/// A label, then text that goes on under it, a little indented.
pub(super) fn entry(
    label: &Span<'static>,
    text: &str,
    width: u16,
    look: Look,
) -> Vec<Line<'static>> {
    let mut glyphs: Vec<Glyph> = label.content.chars().map(|c| (c, label.style)).collect();
    glyphs.push((' ', Style::new()));
    glyphs.extend(inline(text, look, Style::new()));
    wrap(&glyphs, width, 2)
}

/// Characters with their styles: `code` in backticks, the rest as `base`.
fn inline(text: &str, look: Look, base: Style) -> Vec<Glyph> {
    let mut glyphs = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, next)) = after.split_once('`') else {
            break;
        };
        glyphs.extend(before.chars().map(|c| (c, base)));
        let style = base.patch(look.style(Tone::Code));
        if look.colour {
            glyphs.extend(code.chars().map(|c| (c, style)));
        } else {
            glyphs.extend(format!("`{code}`").chars().map(|c| (c, style)));
        }
        rest = next;
    }
    glyphs.extend(rest.chars().map(|c| (c, base)));
    glyphs
}

/// Breaks at spaces where it can, inside a word where it must; lines after the first begin with `hang` spaces.
fn wrap(glyphs: &[Glyph], width: u16, hang: u16) -> Vec<Line<'static>> {
    let width = usize::from(width.max(1));
    let hang = usize::from(hang).min(width.saturating_sub(1));
    let mut lines = Vec::new();
    let mut line: Vec<Glyph> = Vec::new();
    let mut used = 0;
    let mut next = |line: &mut Vec<Glyph>| {
        lines.push(spans(line));
        *line = vec![(' ', Style::new()); hang];
        hang
    };
    let mut rest = glyphs;
    while !rest.is_empty() {
        let spaces = rest.iter().take_while(|(c, _)| breaks(*c)).count();
        let letters = rest[spaces..]
            .iter()
            .take_while(|(c, _)| !breaks(*c))
            .count();
        let (gap, tail) = rest.split_at(spaces);
        let (word, tail) = tail.split_at(letters);
        rest = tail;
        let wide = columns(word);
        if used + columns(gap) + wide <= width {
            line.extend(gap.iter().chain(word));
            used += columns(gap) + wide;
            continue;
        }
        if used > 0 && !word.is_empty() {
            used = next(&mut line);
        }
        for &glyph in word {
            let wide = columns(&[glyph]);
            if used + wide > width && used > 0 {
                used = next(&mut line);
            }
            line.push(glyph);
            used += wide;
        }
    }
    lines.push(spans(&line));
    lines
}

/// Whether a line may be broken at this character.
fn breaks(character: char) -> bool {
    character == ' ' || character.is_control()
}

/// Columns of these characters; a control character is shown as a space.
fn columns(line: &[Glyph]) -> usize {
    line.iter().map(|(c, _)| c.width().unwrap_or(1)).sum()
}

/// Neighbours of one style become one span.
fn spans(line: &[Glyph]) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for &(character, style) in line {
        // A space that must not be broken at has done its duty.
        let character = if character == '\u{a0}' || character.is_control() {
            ' '
        } else {
            character
        };
        match spans.last_mut() {
            Some(span) if span.style == style => span.content.to_mut().push(character),
            _ => spans.push(Span::styled(character.to_string(), style)),
        }
    }
    Line::from(spans)
}

/// Lines as they are; what is too wide ends in an ellipsis.
pub(super) fn verbatim(text: &str, width: u16, style: Style) -> Vec<Line<'static>> {
    text.trim_end()
        .lines()
        .map(|line| Line::styled(clip(&line.replace('\t', "    "), width), style))
        .collect()
}

/// Lines of YAML as they are, with keys and comments set off; what is too wide goes on indented.
pub(super) fn yaml(text: &str, width: u16, look: Look) -> Vec<Line<'static>> {
    let line = |line: &str| {
        let line = line.replace('\t', "    ");
        let indent = u16::try_from(line.len() - line.trim_start().len()).unwrap_or(u16::MAX);
        let styled = yaml_line(&line, look);
        let glyphs: Vec<Glyph> = styled.spans.iter().flat_map(glyphs).collect();
        wrap(&glyphs, width, indent.saturating_add(4).min(width / 2))
    };
    text.trim_end().lines().flat_map(line).collect()
}

fn glyphs<'a>(span: &'a Span<'_>) -> impl Iterator<Item = Glyph> + 'a {
    span.content
        .chars()
        .map(|character| (character, span.style))
}

fn yaml_line(line: &str, look: Look) -> Line<'static> {
    let trimmed = line.trim_start();
    if trimmed.starts_with('#') {
        return Line::from(Span::styled(line.to_owned(), look.style(Tone::Quiet)));
    }
    let key = trimmed
        .trim_start_matches("- ")
        .split(':')
        .next()
        .unwrap_or_default();
    let is_key = line.contains(':')
        && !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '"' | '\'' | '.'));
    if !is_key {
        return Line::raw(line.to_owned());
    }
    let (before, after) = line.split_once(':').unwrap_or((line, ""));
    Line::from(vec![
        Span::styled(before.to_owned(), look.style(Tone::Code)),
        Span::raw(format!(":{after}")),
    ])
}

/// A command behind a prompt, wrapped; what follows its first line is indented.
pub(super) fn command(text: &str, width: u16, look: Look) -> Vec<Line<'static>> {
    let style = look.style(Tone::Code);
    let mut glyphs: Vec<Glyph> = "$ ".chars().map(|c| (c, look.style(Tone::Quiet))).collect();
    glyphs.extend(text.trim().chars().map(|c| (c, style)));
    wrap(&glyphs, width, 4)
}

/// At most `width` columns of a line; an ellipsis says that there was more.
pub(super) fn clip(text: &str, width: u16) -> String {
    let width = usize::from(width);
    if text.width() <= width {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut used = 0;
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        clipped.push(character);
    }
    if width > 0 {
        clipped.push('…');
    }
    clipped
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// Columns of a line.
pub(super) fn line_width(line: &Line<'_>) -> u16 {
    u16::try_from(line.width()).unwrap_or(u16::MAX)
}

/// How many, as a length on the screen.
pub(super) fn count(lines: usize) -> u16 {
    u16::try_from(lines).unwrap_or(u16::MAX)
}

/// `01:21`, from an hour on `1:01:21`.
pub(super) fn clock(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// `40 s`, `4 min`, `1 h 05 min`: for what is only roughly known.
pub(super) fn roughly(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let minutes = seconds.saturating_add(30) / 60;
    match seconds {
        ..=89 => format!("{seconds} s"),
        90..3570 => format!("{minutes} min"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

/// `12 min`, `1 h 05 min`: whole minutes that have passed.
pub(super) fn elapsed(duration: SignedDuration) -> String {
    let minutes = duration.as_secs().max(0) / 60;
    if minutes < 60 {
        format!("{minutes} min")
    } else {
        format!("{} h {:02} min", minutes / 60, minutes % 60)
    }
}

/// `3 instances`, `1 instance`.
pub(super) fn plural(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOOK: Look = Look {
        unicode: true,
        colour: true,
    };

    fn shown(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn words_stay_whole_and_items_hang() {
        let text = "one two three\nfour\n\n- an item that wraps\n- next";
        assert_eq!(
            shown(&paragraphs(text, 10, LOOK, Style::new())),
            [
                "one two",
                "three four",
                "",
                "- an item",
                "  that",
                "  wraps",
                "- next"
            ]
        );
    }

    #[test]
    fn a_word_longer_than_the_line_is_broken() {
        assert_eq!(
            shown(&paragraphs("ab abcdefghij", 4, LOOK, Style::new())),
            ["ab", "abcd", "efgh", "ij"]
        );
    }

    #[test]
    fn code_loses_its_backticks_only_where_colour_shows_it() {
        let plain = Look {
            unicode: true,
            colour: false,
        };
        assert_eq!(
            shown(&paragraphs("run `ls` now", 20, LOOK, Style::new())),
            ["run ls now"]
        );
        assert_eq!(
            shown(&paragraphs("run `ls` now", 20, plain, Style::new())),
            ["run `ls` now"]
        );
        assert_eq!(
            shown(&paragraphs("a lone ` stays", 20, LOOK, Style::new())),
            ["a lone ` stays"]
        );
    }

    #[test]
    fn a_long_command_goes_on_indented() {
        assert_eq!(
            shown(&command("aws efs describe --region x", 16, LOOK)),
            ["$ aws efs", "    describe", "    --region x"]
        );
    }

    #[test]
    fn yaml_keeps_its_shape_and_long_lines_go_on_indented() {
        let text = "a:\n  b: !Sub one two three\n  # why\n";
        assert_eq!(
            shown(&yaml(text, 14, LOOK)),
            ["a:", "  b: !Sub one", "      two", "      three", "  # why"]
        );
    }

    #[test]
    fn durations_read_as_people_write_them() {
        let seconds = SignedDuration::from_secs;
        assert_eq!(clock(seconds(81)), "01:21");
        assert_eq!(clock(seconds(3681)), "1:01:21");
        assert_eq!(clock(seconds(-5)), "00:00");
        assert_eq!(roughly(seconds(40)), "40 s");
        assert_eq!(roughly(seconds(250)), "4 min");
        assert_eq!(roughly(seconds(3599)), "1 h 00 min");
        assert_eq!(elapsed(seconds(3900)), "1 h 05 min");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_asked_and_no_letter_is_lost(text in "[a-z漢é `]{0,80}", width in 2u16..30, hang in 0u16..40) {
            let glyphs: Vec<Glyph> = text.chars().map(|c| (c, Style::new())).collect();
            let lines = wrap(&glyphs, width, hang.min(width - 2));
            for line in &lines {
                prop_assert!(line.width() <= usize::from(width), "{line:?}");
            }
            let letters = |s: &str| s.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&shown(&lines).concat()), letters(&text));
        }

        #[test]
        fn a_clipped_text_fits(text in "\\PC{0,40}", width in 0u16..30) {
            prop_assert!(clip(&text, width).width() <= usize::from(width));
        }
    }
}
