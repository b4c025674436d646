//! What must hold for the lessons that this program brings, and how problems of several files are told.

use std::collections::BTreeSet;

use super::*;
use crate::lesson::calculator::Calculator;
use crate::lesson::check::{
    Evidence, Facts, MachineFacts, Need, ReceiptState, StackState, Verdict, evaluate, needs,
};
use crate::lesson::facts::fill;
use crate::lesson::schema::{Action, Check, Step};
use crate::template::{self, Stage};

fn embedded() -> Catalog {
    Catalog::embedded().unwrap_or_else(|problems| panic!("{problems}"))
}

fn steps() -> Vec<(String, Step)> {
    embedded()
        .lessons()
        .iter()
        .flat_map(|lesson| {
            lesson
                .steps
                .iter()
                .map(|step| (format!("{}/{}", lesson.id, step.id), step.clone()))
        })
        .collect()
}

#[test]
fn every_lesson_file_is_embedded_and_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons");
    let files: BTreeSet<String> = folder
        .read_dir()
        .unwrap()
        .map(|entry| format!("lessons/{}", entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    let names: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, names);
    assert_eq!(Catalog::of_path(&folder).unwrap(), embedded());
}

#[test]
fn lessons_come_in_their_order_under_their_names() {
    let catalog = embedded();
    let ids: Vec<_> = catalog
        .lessons()
        .iter()
        .map(|lesson| (lesson.number, lesson.id.as_str()))
        .collect();
    assert_eq!(
        ids,
        [
            (1, "why-efs"),
            (2, "filesystem"),
            (3, "mount-targets"),
            (4, "instances"),
            (5, "share-files"),
            (6, "performance"),
            (7, "monitoring"),
            (8, "backup"),
            (9, "restore"),
            (10, "outage"),
            (11, "cleanup"),
        ]
    );
    for (file, _) in FILES {
        let named = catalog
            .lessons()
            .iter()
            .any(|lesson| *file == format!("lessons/{:02}-{}.yaml", lesson.number, lesson.id));
        assert!(named, "{file}");
    }
    assert!(catalog.lesson("share-files").is_some());
    assert!(catalog.lesson("nothing").is_none());
}

#[test]
fn texts_are_short_enough_to_be_read_beside_the_work() {
    for (name, step) in steps() {
        let words = step.text.split_whitespace().count();
        assert!((15..=90).contains(&words), "{name}: {words} words");
        assert!(
            step.action.chars().count() <= 75,
            "{name}: the action does not fit one line at 80 columns"
        );
        assert!(step.title.chars().count() <= 44, "{name}");
        assert!(step.debrief.split_whitespace().count() <= 60, "{name}");
    }
}

#[test]
fn every_fragment_and_every_diagram_is_shown_somewhere() {
    let steps = steps();
    // The network is not the subject: it is printed by `efslab template`.
    let fragments = &template::fragments()[1..];
    for (fragment, _) in fragments.iter().chain(template::scripts()) {
        let shown = steps
            .iter()
            .any(|(_, step)| step.fragment.as_deref() == Some(fragment));
        assert!(shown, "{fragment}");
    }
    for (diagram, _) in crate::lesson::diagram::diagrams() {
        let shown = steps
            .iter()
            .any(|(_, step)| step.diagram.as_deref() == Some(diagram));
        assert!(shown, "{diagram}");
    }
}

#[test]
fn whoever_types_a_command_elsewhere_is_told_how_it_finds_the_practice_account() {
    for lesson in embedded().lessons() {
        // Each lesson can be the first.
        let by_aws = lesson
            .steps
            .iter()
            .find(|step| step.commands.iter().any(|it| it.starts_with("aws ")));
        if let Some(step) = by_aws {
            assert!(
                step.text.contains(r#"`eval "$(efslab practice env)"`"#),
                "{}/{}",
                lesson.id,
                step.id
            );
        }
        for step in &lesson.steps {
            // The first one is copied: it must not need an address that only AWS has.
            let first = step.commands.first().map_or("", String::as_str);
            assert!(!first.starts_with("ssh -i"), "{}/{}", lesson.id, step.id);
        }
    }
}

#[test]
fn include_which_cloudformation_does_not_know_is_explained_where_it_is_shown_first() {
    let shows = |(_, step): &(String, Step)| {
        let text = step.fragment.as_deref().and_then(template::fragment);
        text.is_some_and(|text| text.contains("!Include"))
    };
    let (name, step) = steps().into_iter().find(shows).unwrap();
    assert!(step.text.contains("`!Include`"), "{name}");
}

#[test]
fn the_price_says_what_a_new_account_has_for_free_and_on_which_condition() {
    let price = steps()
        .into_iter()
        .find(|(name, _)| name == "filesystem/price");
    let (_, step) = price.unwrap();
    let text = step.text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["free tier", "within days", "clean up"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(step.changed.unwrap().contains("credits"));
}

#[test]
fn bills_use_the_price_that_the_lab_reckons_with() {
    let price = load::prices().unwrap().shared_gb_month;
    let bills: Vec<f64> = steps()
        .into_iter()
        .filter_map(|(_, step)| match step.check {
            Check::Calculator {
                of: Calculator::Bill { per_gb },
            } => Some(per_gb),
            _ => None,
        })
        .collect();
    assert!(!bills.is_empty());
    assert!(bills.iter().all(|per_gb| (per_gb - price).abs() < 1e-9));
}

#[test]
fn no_step_passes_untouched() {
    for (name, step) in steps() {
        let verdict = evaluate(&step, &Evidence::default());
        assert!(
            !matches!(verdict, Verdict::Passed(_)),
            "{name}: {verdict:?}"
        );
    }
}

#[test]
fn the_wrong_answer_never_passes_and_the_solution_does() {
    let machine = |name: &str| MachineFacts {
        address: Some(format!("address of {name}")),
        ..MachineFacts::default()
    };
    let facts = Facts {
        a: machine("A"),
        b: machine("B"),
        owed_month: Some("23.76".to_owned()),
        ..Facts::default()
    };
    let mut judged = 0;
    for (name, step) in steps() {
        let needs = needs(&step);
        let on_machines = |need: &Need| {
            matches!(
                need,
                Need::Transcript(_) | Need::Remote(_) | Need::Causality { .. } | Need::Sight(_)
            )
        };
        if !needs.contains(&Need::Answer) || needs.iter().any(on_machines) {
            continue;
        }
        judged += 1;
        // The stack stands throughout: only the answer decides.
        let after = |actions: &[Action]| {
            let answer = actions.iter().find_map(|action| match action {
                Action::Answer(answer) => Some(fill(answer, &facts)),
                _ => None,
            });
            let evidence = Evidence {
                answer,
                facts: facts.clone(),
                stack: StackState::Standing(Stage::Backup),
                ..Evidence::default()
            };
            evaluate(&step, &evidence)
        };
        let wrong = after(&step.wrong);
        assert!(matches!(wrong, Verdict::NotYet(_)), "{name}: {wrong:?}");
        let right = after(&step.solution);
        assert!(matches!(right, Verdict::Passed(_)), "{name}: {right:?}");
    }
    assert!(judged > 20);
}

#[test]
fn the_last_step_deletes_everything_and_no_other_does() {
    let steps = steps();
    let (last, before) = steps.split_last().unwrap();
    assert_eq!(last.1.check, Check::NothingLeft {});
    for (name, step) in before {
        let deletes = step
            .solution
            .iter()
            .chain(&step.wrong)
            .any(|action| matches!(action, Action::CleanUp {}));
        assert!(!deletes, "{name}");
    }
}

#[test]
fn nobody_gets_machines_in_order_to_delete_them() {
    let catalog = embedded();
    let cleanup = catalog.lesson("cleanup").unwrap();
    assert_eq!(cleanup.stage, None);
    // What the learner is asked to do needs no stack; only the unattended run's mistake builds one, to have it deleted.
    for step in &cleanup.steps {
        let builds = |action: &Action| matches!(action, Action::Build { .. } | Action::Type { .. });
        assert!(!step.solution.iter().any(builds), "{}", step.id);
    }
    let nothing = Evidence {
        receipt: ReceiptState::Clean("asked 2 times, all empty".to_owned()),
        ..Evidence::default()
    };
    let last = cleanup.steps.last().unwrap();
    assert!(matches!(evaluate(last, &nothing), Verdict::Passed(_)));
}

/// A lesson that is right, as text.
fn text(id: &str, number: u32) -> String {
    let text = include_str!("../../../lessons/02-filesystem.yaml");
    text.replace("id: filesystem\n", &format!("id: {id}\n"))
        .replace("number: 2\n", &format!("number: {number}\n"))
}

#[test]
fn lessons_are_ordered_by_number_not_by_file() {
    let (one, two) = (text("one", 1), text("two", 2));
    let catalog = Catalog::of_files([("b.yaml", two.as_str()), ("a.yaml", one.as_str())]).unwrap();
    assert_eq!(catalog.lessons()[0].id, "one");
}

#[test]
fn problems_of_all_files_are_told_together() {
    let (one, two) = (text("one", 1), text("one", 1));
    let problems = Catalog::of_files([
        ("a.yaml", one.as_str()),
        ("b.yaml", two.as_str()),
        ("c.yaml", "id: [\n"),
    ])
    .unwrap_err();
    insta::assert_snapshot!(problems, @r"
b.yaml:1: a.yaml has the id `one` too; expected one of its own
b.yaml:1: a.yaml has the number 1 too; expected one of its own
c.yaml:1: id: invalid type: sequence, expected a string
");
}

#[test]
fn a_path_without_lessons_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let told = Catalog::of_path(folder.path()).unwrap_err().to_string();
    assert!(
        told.ends_with("has no lesson; expected files that end in .yaml"),
        "{told}"
    );
    let told = Catalog::of_path(&folder.path().join("gone.yaml"))
        .unwrap_err()
        .to_string();
    assert!(told.contains("gone.yaml: cannot be read: "), "{told}");
}
