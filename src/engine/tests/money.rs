//! What the engine says of money: nothing is billed on practice, everything that stands on AWS, and nothing any more once
//! it is proved to be gone.

use super::*;
use crate::engine::view::{Of, Owed};
use crate::lesson::load;

fn with_prices(target: Target) -> Lab {
    let mut lab = Lab::at("share");
    lab.engine.setup.prices = Some(load::prices().unwrap());
    lab.engine.setup.target = target;
    lab
}

fn practice() -> Lab {
    with_prices(Target::Practice {
        pace: "20x faster".to_owned(),
        region: "us-east-1".to_owned(),
    })
}

fn on_aws() -> Lab {
    let mut lab = with_prices(Target::Aws {
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
    });
    lab.hears(What::Began);
    lab.wishes(Command::RunForMe);
    lab
}

fn owed(lab: &Lab) -> Owed {
    lab.engine.view().owed.unwrap()
}

#[test]
fn practice_costs_nothing_and_says_what_aws_would_take() {
    let mut lab = practice();
    assert_eq!(owed(&lab).of, Of::OnceBuilt);
    lab.open_terminals();
    lab.at += SignedDuration::from_hours(10);
    lab.hears(What::Woke);
    let view = lab.engine.view();
    assert_eq!((view.cost, view.cost_per_hour), (0.0, 0.0));
    let owed = view.owed.unwrap();
    assert_eq!(owed.of, Of::Standing);
    assert!((owed.month - 23.7643).abs() < 1e-3, "{owed:?}");
}

#[test]
fn on_aws_the_meter_runs_from_the_request_on() {
    let mut lab = on_aws();
    assert!(lab.engine.view().cost_per_hour.abs() < 1e-12);
    lab.hears(What::Prepared(Ok(ground())));
    let view = lab.engine.view();
    let hour = view.cost_per_hour;
    assert!((hour - view.owed.unwrap().per_hour).abs() < 1e-12);
    lab.hears(What::StackRequested(Ok(ID.to_owned())));
    lab.at += SignedDuration::from_hours(10);
    lab.hears(looked("CREATE_COMPLETE"));
    let spent = lab.engine.view().cost;
    assert!((10.0 * hour..10.01 * hour).contains(&spent), "{spent}");
}

#[test]
fn a_stopped_machine_keeps_its_disk_and_gives_its_address_back() {
    let mut lab = practice();
    lab.open_terminals();
    let before = owed(&lab);
    let mut machines = machines();
    machines.get_mut(&Side::A).unwrap().state = "stopped".to_owned();
    lab.engine.machines = machines;
    let after = owed(&lab);
    let saved = before.per_hour - after.per_hour;
    assert!((saved - 0.0104 - 0.005).abs() < 1e-9, "{saved}");
    let disks = |owed: &Owed| {
        let lines = owed.items.iter().map(|item| item.what.clone());
        lines
            .filter(|what| what.contains("volume"))
            .collect::<Vec<_>>()
    };
    assert_eq!(disks(&before), disks(&after));
}

#[test]
fn what_a_later_stage_adds_is_owed_once_it_stands() {
    let mut lab = practice();
    lab.open_terminals();
    let before = owed(&lab);
    let mut complete = seen("UPDATE_COMPLETE");
    for output in ["CreditsAlarm", "BackupVolumeId"] {
        let of = (output.to_owned(), "x".to_owned());
        complete.outputs.extend([of]);
    }
    lab.hears(told(Ok(Some(complete))));
    let after = owed(&lab);
    let prices = load::prices().unwrap();
    let whole = Owed::of_stage(&prices, Stage::Backup, "t3.micro");
    assert!(after.month > before.month, "{after:?}");
    assert_eq!(after.items, whole.items);
}

#[test]
fn nothing_is_owed_once_nothing_is_left() {
    let mut lab = practice();
    lab.open_terminals();
    lab.wishes(Command::CleanUp);
    lab.hears(What::InventoryTaken(inventory(Listing::Empty)));
    lab.hears(What::DeletionRequested {
        stack: ID.to_owned(),
        outcome: Ok(()),
    });
    lab.hears(looked("DELETE_COMPLETE"));
    assert_eq!(owed(&lab).of, Of::OnceBuilt);
}

#[test]
fn the_sum_of_a_month_can_be_named_in_a_lesson() {
    let mut lab = practice();
    let mut asks = lessons();
    asks[1].steps[0].check = Check::Fact {
        is: "{owed.month}".to_owned(),
    };
    asks[1].stage = None;
    asks[1].steps[0].solution = vec![Action::Answer("{owed.month}".to_owned())];
    lab.engine.setup.lessons = asks.into();
    lab.wishes(Command::Back);
    lab.wishes(Command::Next);
    lab.wishes(Command::Answer("1.50".to_owned()));
    assert!(matches!(lab.state(), StepState::NotYet(_)));
    lab.wishes(Command::RunForMe);
    assert_eq!(lab.state(), StepState::Passed("23.76 is right".to_owned()));
}
