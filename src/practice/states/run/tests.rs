//! What executions do, played without any service.

use serde_json::json;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_600_000 + seconds).unwrap()
}

/// An execution that is being played.
struct Play {
    definition: Definition,
    run: Run,
    now: Timestamp,
    news: Vec<Item>,
}

impl Play {
    fn of(states: &Value, start: &str, input: Value) -> Self {
        let text = json!({"StartAt": start, "States": states}).to_string();
        let definition = Definition::read(&text).unwrap();
        Self {
            run: Run::new(&definition, input),
            definition,
            now: at(0),
            news: Vec::new(),
        }
    }

    fn advance(&mut self) -> Step {
        // Whatever it is, it can be stored and read back.
        let stored = serde_json::to_string(&self.run).unwrap();
        self.run = serde_json::from_str(&stored).unwrap();
        let mut scene = Scene {
            definition: &self.definition,
            now: self.now,
            context: &json!({"Execution": {"Name": "e"}}),
            news: Vec::new(),
        };
        let step = self.run.advance(&mut scene);
        self.news.extend(scene.news);
        step
    }

    fn answer(&mut self, outcome: Result<Value, Failed>) -> Step {
        let mut scene = Scene {
            definition: &self.definition,
            now: self.now,
            context: &Value::Null,
            news: Vec::new(),
        };
        let step = self.run.called(&mut scene, outcome);
        self.news.extend(scene.news);
        step.unwrap_or_else(|| self.advance())
    }
}

fn called(step: &Step) -> (&str, &Value) {
    match step {
        Step::Call {
            action, parameters, ..
        } => (action, parameters),
        other => panic!("no call: {other:?}"),
    }
}

fn refused(error: &str) -> Failed {
    Failed {
        error: error.into(),
        cause: "why".into(),
    }
}

const DELETE: &str = "arn:aws:states:::aws-sdk:ec2:deleteVolume";

#[test]
fn a_map_does_the_same_for_each_item_and_an_error_that_is_caught_does_not_stop_the_rest() {
    let states = json!({
        "Each": {"Type": "Map", "ItemsPath": "$.found.Volumes", "MaxConcurrency": 1, "ResultPath": null, "Next": "Done",
            "ItemProcessor": {"StartAt": "Delete", "States": {
                "Delete": {"Type": "Task", "Resource": DELETE, "Parameters": {"VolumeId.$": "$.VolumeId"}, "End": true,
                    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Leave"}]},
                "Leave": {"Type": "Pass", "End": true}}}},
        "Done": {"Type": "Succeed"},
    });
    let input = json!({"found": {"Volumes": [{"VolumeId": "vol-1"}, {"VolumeId": "vol-2"}]}});
    let mut play = Play::of(&states, "Each", input.clone());
    let first = play.advance();
    assert_eq!(
        called(&first),
        ("deleteVolume", &json!({"VolumeId": "vol-1"}))
    );
    let second = play.answer(Err(refused("Ec2.Ec2Exception")));
    assert_eq!(called(&second).1, &json!({"VolumeId": "vol-2"}));
    assert_eq!(play.answer(Ok(json!({}))), Step::Over(Ok(input)));
    assert!(play.news.iter().any(|item| item.failed.is_some()));
}

#[test]
fn what_fails_is_tried_again_ever_later_and_then_fails_for_good() {
    let states = json!({"Delete": {"Type": "Task", "Resource": DELETE, "Parameters": {"VolumeId": "v"}, "End": true,
        "Retry": [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 5, "MaxAttempts": 2, "BackoffRate": 2}]}});
    let mut play = Play::of(&states, "Delete", json!({}));
    play.advance();
    let wait = play.answer(Err(refused("Ec2.Ec2Exception")));
    assert_eq!(wait, Step::Wait(at(5)));
    play.now = at(5);
    called(&play.advance());
    assert_eq!(
        play.answer(Err(refused("Ec2.Ec2Exception"))),
        Step::Wait(at(15))
    );
    play.now = at(15);
    called(&play.advance());
    let over = play.answer(Err(refused("Ec2.Ec2Exception")));
    assert_eq!(over, Step::Over(Err(refused("Ec2.Ec2Exception"))));
}

#[test]
fn choices_waits_and_passes_lead_on() {
    let states = json!({
        "Wait": {"Type": "Wait", "Seconds": 60, "Next": "Late"},
        "Late": {"Type": "Choice", "Default": "Mark",
            "Choices": [{"Variable": "$.until", "TimestampGreaterThanPath": "$$.State.EnteredTime", "Next": "Wait"}]},
        "Mark": {"Type": "Pass", "Result": 1, "ResultPath": "$.empty", "Next": "End"},
        "End": {"Type": "Fail", "Error": "Over", "Cause": "enough"},
    });
    let until = at(90).to_string();
    let mut play = Play::of(&states, "Wait", json!({"until": until}));
    assert_eq!(play.advance(), Step::Wait(at(60)));
    // Asked too early it still waits.
    play.now = at(30);
    assert_eq!(play.advance(), Step::Wait(at(60)));
    play.now = at(60);
    assert_eq!(play.advance(), Step::Wait(at(120)));
    play.now = at(120);
    let over = play.advance();
    assert!(matches!(over, Step::Over(Err(failed)) if failed.error == "Over"));
}

#[test]
fn a_machine_that_runs_in_circles_is_ended() {
    let states = json!({
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Pass", "Next": "A"},
    });
    let mut play = Play::of(&states, "A", json!({}));
    let over = play.advance();
    assert!(matches!(over, Step::Over(Err(failed)) if failed.cause.contains("25000")));
}

#[test]
fn a_result_is_selected_and_placed() {
    let states = json!({"Find": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:cloudformation:describeStacks",
        "Parameters": {"StackName": "s"}, "ResultSelector": {"Stack.$": "$.Stacks[0]"}, "ResultPath": "$.found", "End": true}});
    let mut play = Play::of(&states, "Find", json!({"a": 1}));
    play.advance();
    let over = play.answer(Ok(json!({"Stacks": [{"StackId": "x"}]})));
    assert_eq!(
        over,
        Step::Over(Ok(json!({"a": 1, "found": {"Stack": {"StackId": "x"}}})))
    );
}
