//! Where things are: header, lesson and work, and the two terminals in the work. Pure geometry.
//!
//! ```text
//! narrow (80x24)            wide (120x40)
//! ┌────────header───────┐   ┌───────────header───────────┐
//! │lesson               │   │┌──lesson──┐┌─────work─────┐│
//! │> action             │   ││          ││              ││
//! ├────work─────────────┤   ││          ││              ││
//! │A         │B         │   ││> action  ││              ││
//! └─────────────────────┘   │└──────────┘└──────────────┘│
//! ```

use ratatui::layout::{Rect, Size};

use crate::lesson::schema::Side;

/// From this width on the lesson stands left of the work.
const WIDE: u16 = 110;
/// Lines longer than this are hard to read.
const READABLE: u16 = 84;
/// A terminal narrower than this, inside its border, cannot hold a prompt and a command.
const TERMINAL: u16 = 44;
/// Below this width two terminals do not fit beside each other at all.
const PAIR: u16 = 60;

/// Whether the lesson can stand beside the work.
pub(super) fn is_wide(width: u16) -> bool {
    width >= WIDE
}

/// How much room the work needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// None: the lesson takes all.
    Nothing,
    /// About so many rows, where it stands below the lesson.
    Rows(u16),
    /// Two terminals: always the same room, so that a step does not resize them.
    Terminals,
    /// All: the lesson waits.
    Everything,
}

/// The parts of the screen, without the footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places {
    /// One row.
    pub header: Rect,
    /// May be empty.
    pub lesson: Rect,
    /// May be empty.
    pub work: Rect,
    /// Whether the lesson stands in a box of its own, beside the work.
    pub boxed: bool,
}

/// The parts of `area`. `widest` is the widest line of the lesson that cannot be wrapped: where it does not fit beside the
/// work, the lesson stands above it also on a wide screen, unless that would resize terminals.
pub(super) fn places(area: Rect, need: Need, widest: u16) -> Places {
    let left = (area.width * 2 / 5).clamp(50, READABLE);
    let beside = need == Need::Terminals || widest + 4 <= left;
    let header = Rect {
        height: area.height.min(1),
        ..area
    };
    let body = Rect {
        y: area.y + header.height,
        height: area.height - header.height,
        ..area
    };
    let nothing = Rect { height: 0, ..body };
    match need {
        Need::Nothing => Places {
            header,
            lesson: body,
            work: nothing,
            boxed: false,
        },
        Need::Everything => Places {
            header,
            lesson: nothing,
            work: body,
            boxed: false,
        },
        _ if is_wide(area.width) && beside => {
            let lesson = Rect {
                width: left,
                ..body
            };
            let work = Rect {
                x: body.x + left,
                width: body.width - left,
                ..body
            };
            Places {
                header,
                lesson,
                work,
                boxed: true,
            }
        }
        Need::Rows(_) | Need::Terminals => {
            let least = (body.height * 2 / 5).max(5).min(body.height);
            let below = match need {
                Need::Rows(rows) => rows.min(body.height - least),
                _ => body.height - least,
            };
            let lesson = Rect {
                height: body.height - below,
                ..body
            };
            let work = Rect {
                y: lesson.bottom(),
                height: below,
                ..body
            };
            Places {
                header,
                lesson,
                work,
                boxed: false,
            }
        }
    }
}

/// The boxes of the terminals of A and B; equally large. Where only one fits, both are in the same place.
pub(super) fn terminals(work: Rect) -> [Rect; 2] {
    let half = work.width / 2;
    let beside = half >= TERMINAL + 2 || (half >= PAIR / 2 && work.height < 20);
    if beside {
        [
            Rect {
                width: half,
                ..work
            },
            Rect {
                x: work.x + half,
                width: half,
                ..work
            },
        ]
    } else if work.height >= 16 {
        let height = work.height / 2;
        [
            Rect { height, ..work },
            Rect {
                y: work.y + height,
                height,
                ..work
            },
        ]
    } else {
        [work; 2]
    }
}

/// What is inside a box's border.
pub(super) fn inside(outer: Rect) -> Rect {
    Rect {
        x: outer.x + 1.min(outer.width),
        y: outer.y + 1.min(outer.height),
        width: outer.width.saturating_sub(2),
        height: outer.height.saturating_sub(2),
    }
}

/// Columns and rows of each terminal on a screen with this body.
pub(super) fn terminal_size(area: Rect) -> Size {
    inside(terminals(places(area, Need::Terminals, 0).work)[0]).as_size()
}

/// Which of a pair belongs to this machine.
pub(super) fn index(side: Side) -> usize {
    match side {
        Side::A => 0,
        Side::B => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_classic_terminal_shows_the_lesson_above_two_terminals() {
        let body = Rect::new(0, 0, 80, 23);
        let places = places(body, Need::Terminals, 0);
        assert_eq!(
            (places.lesson.height, places.work.height, places.boxed),
            (8, 14, false)
        );
        assert_eq!(
            terminals(places.work).map(|t| (t.x, t.width)),
            [(0, 40), (40, 40)]
        );
    }

    #[test]
    fn a_wide_one_shows_the_lesson_on_the_left_and_terminals_wide_enough_to_type_in() {
        let size = |width, height| terminal_size(Rect::new(0, 0, width, height));
        assert_eq!(size(120, 39), Size::new(68, 17), "one above the other");
        assert_eq!(size(200, 49), Size::new(58, 46), "side by side");
    }

    proptest! {
        #[test]
        fn the_parts_cover_the_screen_without_overlap(width in 0u16..300, height in 0u16..100, rows in 0u16..60, widest in 0u16..200) {
            let area = Rect::new(0, 0, width, height);
            for need in [Need::Nothing, Need::Rows(rows), Need::Terminals, Need::Everything] {
                let places = places(area, need, widest);
                let parts = [places.header, places.lesson, places.work];
                prop_assert_eq!(parts.iter().map(|r| r.area()).sum::<u32>(), area.area(), "{:?}", need);
                prop_assert!(parts.iter().all(|part| part.is_empty() || area.intersection(*part) == *part));
            }
            let [a, b] = terminals(places(area, Need::Terminals, widest).work);
            prop_assert_eq!(a.as_size(), b.as_size());
            prop_assert!(a == b || a.intersection(b).is_empty());
        }
    }
}
