//! Whatever the lab says, whatever the machines print, whatever is pressed, in whatever size: it is drawn.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::fixtures::*;
use super::*;
use crate::engine::view::*;
use crate::lesson::delays::BothWays;
use crate::lesson::schema::Choice;

fn words() -> BoxedStrategy<String> {
    prop_oneof![
        "[a-z`.-]{1,12}( [a-z`漢é]{1,40}){0,30}",
        "(\\PC|[\n\t\u{1b}\u{202e}]){0,60}",
        Just(String::new()),
        Just(
            "- item\n\n- item that goes on for quite a while and then some more `code` in it\n"
                .to_owned()
        ),
    ]
    .boxed()
}

fn block() -> BoxedStrategy<Block> {
    prop_oneof![
        words().prop_map(Block::Text),
        words().prop_map(Block::Diagram),
        (words(), words()).prop_map(|(name, text)| Block::Fragment { name, text }),
        prop::collection::vec(words(), 0..3).prop_map(Block::Commands),
        words().prop_map(Block::Changed),
    ]
    .boxed()
}

fn moment() -> BoxedStrategy<jiff::Timestamp> {
    prop_oneof![
        (-100_000i64..100_000).prop_map(ago),
        Just(jiff::Timestamp::MIN),
        Just(jiff::Timestamp::MAX),
    ]
    .boxed()
}

fn state() -> BoxedStrategy<StepState> {
    prop_oneof![
        Just(StepState::Open),
        (words(), moment()).prop_map(|(what, since)| StepState::Working { what, since }),
        words().prop_map(StepState::NotYet),
        words().prop_map(StepState::Converging),
        words().prop_map(StepState::CouldNotCheck),
        words().prop_map(StepState::Passed),
    ]
    .boxed()
}

fn question() -> BoxedStrategy<QuestionView> {
    let choice = (words(), words()).prop_map(|(text, because)| Choice { text, because });
    let options = prop::collection::vec(choice, 0..12);
    (words(), options, prop::option::of((words(), words())))
        .prop_map(|(ask, options, answered)| QuestionView {
            ask,
            options,
            answered,
            purpose: Purpose::Test,
        })
        .boxed()
}

fn causality() -> BoxedStrategy<CausalityView> {
    let delays = || prop::collection::vec(any::<i64>(), 0..9);
    let side = || prop::sample::select(vec![Side::A, Side::B]);
    (delays(), delays(), prop::option::of(side()))
        .prop_map(|(on_a, on_b, writes)| {
            let mut seen = BothWays::default();
            for delay in on_a {
                seen.on_a.add(delay);
            }
            for delay in on_b {
                seen.on_b.add(delay);
            }
            fixtures::measured(&seen, 100, writes)
        })
        .boxed()
}

fn work() -> BoxedStrategy<Work> {
    prop::sample::select(vec![
        Work::Question,
        Work::Stack,
        Work::Terminals,
        Work::Causality,
        Work::Receipt,
    ])
    .boxed()
}

fn step() -> BoxedStrategy<StepView> {
    let texts = (
        words(),
        words(),
        words(),
        prop::collection::vec(words(), 0..4),
        prop::option::of(words()),
    );
    let parts = (
        prop::collection::vec(block(), 0..4),
        prop::option::of(question()),
        prop::option::of(causality()),
        state(),
        work(),
    );
    (texts, parts, 0usize..9, 0usize..9)
        .prop_map(
            |(
                (lesson, title, action, hints, debrief),
                (blocks, question, causality, state, work),
                number,
                of,
            )| StepView {
                lesson,
                lesson_number: 3,
                number,
                of,
                title,
                blocks,
                action,
                question,
                charts: vec![],
                panels: vec![],
                forward: None,
                causality,
                hints_of: hints.len() + number % 2,
                hints,
                state,
                due: None,
                verdicts: 0,
                debrief,
                work,
            },
        )
        .boxed()
}

fn row() -> BoxedStrategy<ResourceRow> {
    let state = prop_oneof![
        prop::collection::vec(words(), 0..3).prop_map(RowState::Waiting),
        Just(RowState::Working),
        Just(RowState::Done),
        Just(RowState::Deleted),
        words().prop_map(RowState::Failed),
    ];
    (
        words(),
        words(),
        state,
        prop::option::of(moment()),
        prop::option::of(moment()),
        prop::option::of(words()),
    )
        .prop_map(
            |(logical_id, purpose, state, since, until, physical_id)| ResourceRow {
                kind: "AWS::EC2::Instance".into(),
                logical_id,
                purpose,
                state,
                since,
                until,
                physical_id,
            },
        )
        .boxed()
}

fn stack() -> BoxedStrategy<StackView> {
    let usual = prop_oneof![
        Just(SignedDuration::MAX),
        (0i64..9999).prop_map(SignedDuration::from_secs)
    ];
    (
        prop::collection::vec(row(), 0..40),
        words(),
        moment(),
        prop::option::of(moment()),
        usual,
        prop::option::of(words()),
    )
        .prop_map(|(rows, name, since, until, usual, cause)| StackView {
            proposal: None,
            status: name.clone(),
            name,
            rows,
            since,
            until,
            usual,
            cause,
        })
        .boxed()
}

fn phase() -> BoxedStrategy<Phase> {
    let listing = prop_oneof![
        Just(Listing::Empty),
        prop::collection::vec(words(), 1..4).prop_map(Listing::Left),
        prop::collection::vec(words(), 1..4).prop_map(Listing::Kept),
        words().prop_map(Listing::CouldNotTell),
    ];
    let row =
        (words(), words(), listing, 0usize..999).prop_map(|(kind, asked, answer, deleted)| {
            ReceiptRow {
                kind,
                asked,
                answer,
                deleted,
            }
        });
    let notes = prop::collection::vec(words(), 0..3);
    let receipt =
        (prop::collection::vec(row, 0..20), notes, moment()).prop_map(|(rows, notes, asked)| {
            Receipt {
                rows,
                asked,
                notes,
                ..receipt()
            }
        });
    prop_oneof![
        4 => Just(Phase::Learning),
        1 => (words(), moment()).prop_map(|(doing, since)| Phase::CleaningUp { doing, since, share: None }),
        1 => receipt.prop_map(Phase::CleanedUp),
    ]
    .boxed()
}

fn view() -> BoxedStrategy<View> {
    let session = prop_oneof![
        1 => Just(TerminalState::Closed),
        1 => Just(TerminalState::Connecting),
        3 => Just(TerminalState::Open),
        1 => words().prop_map(TerminalState::Ended),
    ];
    let trouble = (words(), words(), words(), prop::option::of(words())).prop_map(
        |(what, why, remedy, retry)| Trouble {
            what,
            why,
            remedy,
            retry,
        },
    );
    let lab = (words(), any::<bool>(), moment(), any::<f64>());
    (
        lab,
        step(),
        prop::option::of(stack()),
        [session.clone(), session],
        prop::option::of(trouble),
        phase(),
    )
        .prop_map(
            |((lab, aws, started, cost), step, stack, [a, b], trouble, phase)| {
                let mut view = terminals();
                if aws {
                    view = in_aws(view);
                }
                view.machines[0].terminal = a;
                view.machines[1].terminal = b;
                View {
                    lab,
                    started,
                    cost,
                    cost_per_hour: cost,
                    step,
                    stack,
                    trouble,
                    phase,
                    ..view
                }
            },
        )
        .boxed()
}

fn keys() -> BoxedStrategy<String> {
    let names = "Enter Esc Tab Space Backspace Up Down Left Right PgUp PgDn S-PgUp F2 F3 C-] C-c a b c e h k l n q r t v y ? 1 2 9";
    let name = prop::sample::select(names.split(' ').collect::<Vec<_>>());
    prop::collection::vec(name, 0..12)
        .prop_map(|names| names.join(" "))
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_lab_is_drawn_in_any_size(
        (first, second) in (view(), view()),
        sizes in prop::collection::vec((1u16..250, 1u16..80), 1..4),
        keys in keys(),
        printed in prop::collection::vec(any::<u8>(), 0..200),
        look in (any::<bool>(), any::<bool>()),
    ) {
        let base = Box::new(LessonScreen::new(Arc::new(first)));
        let look = Look { unicode: look.0, colour: look.1 };
        let mut drive = Drive::over(base, 80, 24, look);
        for (width, height) in sizes {
            drive.resize(width, height).keys(&keys).print(Side::A, &printed).screen();
            drive.show(second.clone());
            let screen = drive.screen();
            prop_assert!(look.unicode || screen.is_ascii() || screen.contains('█'));
            prop_assert!(!screen.contains('\u{1b}'), "an escape reached the terminal");
            let lasts = drive.app.lasts(drive.now);
            prop_assert!(lasts.is_none_or(|lasts| lasts <= std::time::Duration::from_mins(1)));
        }
    }
}
