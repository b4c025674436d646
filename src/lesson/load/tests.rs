//! What an author is told about a broken lesson: file, line, and what was expected.

use super::*;

/// A lesson with two steps; the first begins in line 7, the second in line 22.
const RIGHT: &str = r"id: sample
number: 1
title: Sample
minutes: 5
objectives: [Load]
steps:
  - id: one
    rows: [C01]
    title: One
    text: Read.
    action: Answer.
    question:
      ask: Which?
      options:
        - { text: this, because: it is }
        - { text: that, because: it is not }
    check: !Answer { option: 1 }
    hints: [a, b, c]
    solution: [!Answer 1]
    wrong: [!Answer 2]
    debrief: So.
  - id: two
    rows: [C02]
    title: Two
    text: Build.
    action: Build.
    check: !All
      - !Stack { stage: share }
      - !Terminal { on: a, typed: ls }
    hints: [a, b, c]
    solution:
      - !Build { stage: share }
      - !Type { on: a, line: ls }
    wrong: [!Build { stage: share }]
    debrief: So.
";

/// What is said when `from` is replaced by `to` in the right lesson.
fn told(from: &str, to: &str) -> String {
    assert!(RIGHT.contains(from), "{from:?} is not in the sample");
    let text = RIGHT.replacen(from, to, 1);
    match lesson("sample.yaml", &text) {
        Ok(_) => "nothing".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn the_right_lesson_is_loaded() {
    let lesson = lesson("sample.yaml", RIGHT).unwrap();
    assert_eq!(lesson.steps.len(), 2);
    assert_eq!(
        lesson.steps[0].solution,
        [crate::lesson::schema::Action::Answer("1".to_owned())]
    );
}

#[test]
fn broken_yaml_points_at_its_line() {
    insta::assert_snapshot!(told("rows: [C02]", "rows: [C02"), @"sample.yaml:24: did not find expected ',' or ']' at line 24 column 10, while parsing a flow sequence at line 23 column 11");
    insta::assert_snapshot!(told("    title: One", "  title: One"), @"sample.yaml:7: steps[0]: missing field `title`");
    insta::assert_snapshot!(told("title: Two", "title: \"Two"), @"sample.yaml:36: found unexpected end of stream at line 36 column 1, while scanning a quoted scalar at line 24 column 12");
    insta::assert_snapshot!(lesson("empty.yaml", "").unwrap_err(), @"empty.yaml:1: missing field `id`");
}

#[test]
fn a_wrong_type_or_name_points_at_its_line_and_says_what_was_expected() {
    insta::assert_snapshot!(told("minutes: 5", "minutes: five"), @r#"sample.yaml:4: minutes: invalid type: string "five", expected u32"#);
    insta::assert_snapshot!(told("minutes: 5\n", ""), @"sample.yaml:1: missing field `minutes`");
    insta::assert_snapshot!(told("minutes: 5", "minuts: 5"), @"sample.yaml:4: unknown field `minuts`, expected one of `id`, `number`, `title`, `minutes`, `stage`, `objectives`, `steps`");
    insta::assert_snapshot!(told("minutes: 5", "minutes: 5\nminutes: 6"), @"sample.yaml:1: duplicate field `minutes`");
    insta::assert_snapshot!(told("    action: Build.\n", ""), @"sample.yaml:22: steps[1]: missing field `action`");
    insta::assert_snapshot!(told("rows: [C02]", "rows: C02"), @r#"sample.yaml:23: steps[1].rows: invalid type: string "C02", expected a sequence"#);
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!Anser { option: 1 }"), @"sample.yaml:17: steps[0]: unknown variant `Anser`, expected one of `Answer`, `Number`, `Calculator`, `Measured`, `Fact`, `Stack`, `Proposed`, `Alarm`, `Metric`, `Snapshots`, `Taken`, `Pinned`, `Volume`, `Restored`, `Machine`, `Terminal`, `Remote`, `Causality`, `NothingLeft`, `All`");
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!Answer { choice: 1 }"), @"sample.yaml:17: steps[0].check: unknown field `choice`, expected `option`");
    insta::assert_snapshot!(told("!Answer { option: 1 }", "{ option: 1 }"), @"sample.yaml:17: steps[0].check: invalid type: map, expected a YAML tag starting with '!'");
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!Answer"), @"sample.yaml:17: steps[0].check: missing field `option`");
    insta::assert_snapshot!(told("!Terminal { on: a", "!Terminal { on: c"), @"sample.yaml:29: steps[1].check[1].on: unknown variant `c`, expected `a` or `b`");
    insta::assert_snapshot!(told("typed: ls", "typed: { a: b }"), @"sample.yaml:29: steps[1].check[1].typed: invalid type: map, expected a text or a list of texts");
    insta::assert_snapshot!(told("!Stack { stage: share }", "!Stack { stage: shared }"), @"sample.yaml:28: steps[1].check[0].stage: unknown variant `shared`, expected one of `share`, `alarms`, `backup`");
}

#[test]
fn what_leads_nowhere_points_at_its_step() {
    insta::assert_snapshot!(told("rows: [C02]", "rows: [C02, C99]"), @"sample.yaml:22: step `two`: the outline has no row `C99`; expected one of C01, C02, C03, C04, C05, C06, C10, C11, C20, C21, C30, C31, C32, C33, C34, C35, C36, C40, C41, C42, C50, C51, C52, C60, C61, C62, C63, C64, C70, C71, C72, C73, C74, C75, C76, C80, C81, B1, B2, B3, B4, B5, B6");
    insta::assert_snapshot!(told("title: Two", "title: Two\n    diagram: gone"), @"sample.yaml:22: step `two`: there is no diagram `gone`; expected one of backup-options, three-storages, three-compared, mount-targets, security-groups");
    insta::assert_snapshot!(told("title: Two", "title: Two\n    fragment: gone"), @"sample.yaml:22: step `two`: there is no fragment `gone`; expected one of network, filesystem, mount-targets, instances, alarms, backup, scripts/prepare.sh, scripts/share-a.sh, scripts/share-b.sh");
    insta::assert_snapshot!(told("text: Build.", "text: 'Build {lab} in {zone}.'"), @"sample.yaml:22: step `two`: there is no placeholder {zone}; expected one of lab, stack, guard, region, fs, a.address, b.address, a.zone, b.zone, a.name, b.name, a.instance, b.instance, credits.alarm, volume, snapshot, restored, owed.month, key, ssh_config");
    insta::assert_snapshot!(told("id: two", "id: one"), @"sample.yaml:22: step `one`: an earlier step has this id too; expected one of its own");
}

#[test]
fn what_cannot_be_answered_points_at_its_step() {
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!Answer { option: 3 }"), @r"
sample.yaml:7: step `one`: check Answer wants option 3 of 2; expected one from 1 to 2
sample.yaml:7: step `one`: solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp
");
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!Answer { option: 0 }"), @r"
sample.yaml:7: step `one`: check Answer wants option 0 of 2; expected one from 1 to 2
sample.yaml:7: step `one`: solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp
");
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!Number { is: 1, within: 0 }"), @"sample.yaml:7: step `one`: check Number is for a typed answer; expected a question without options");
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!Number { is: .nan, within: -1 }"), @r"
sample.yaml:7: step `one`: check Number is for a typed answer; expected a question without options
sample.yaml:7: step `one`: check Number cannot be met; expected finite numbers and `within` from 0
sample.yaml:7: step `one`: solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp
");
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!Fact { is: plain }"), @r"
sample.yaml:7: step `one`: check Fact is for a typed answer; expected a question without options
sample.yaml:7: step `one`: check Fact compares with `plain`; expected a placeholder such as {b.address}
sample.yaml:7: step `one`: solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp
");
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!Fact { is: '{gone}' }"), @r"
sample.yaml:7: step `one`: check Fact is for a typed answer; expected a question without options
sample.yaml:7: step `one`: there is no placeholder {gone}; expected one of lab, stack, guard, region, fs, a.address, b.address, a.zone, b.zone, a.name, b.name, a.instance, b.instance, credits.alarm, volume, snapshot, restored, owed.month, key, ssh_config
sample.yaml:7: step `one`: solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp
");
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!Calculator { of: !Bill { per_gb: 0 } }"), @r"
sample.yaml:7: step `one`: check Calculator is for a typed answer; expected a question without options
sample.yaml:7: step `one`: check Calculator has no price; expected `per_gb` above 0
sample.yaml:7: step `one`: wrong gives the right answer; expected one that must not pass
");
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!NothingLeft {}"), @r"
sample.yaml:7: step `one`: no check looks at the answer; expected a check Answer, Number, Calculator, Measured or Fact
sample.yaml:7: step `one`: solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp
");
    insta::assert_snapshot!(told("!Stack { stage: share }", "!Answer { option: 1 }"), @r"
sample.yaml:22: step `two`: check Answer needs a question; expected `question`
sample.yaml:22: step `two`: solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp
");
    insta::assert_snapshot!(told("!Stack { stage: share }", "!Calculator { of: !Bill { per_gb: 1 } }"), @r"
sample.yaml:22: step `two`: check Calculator needs a question; expected `question`
sample.yaml:22: step `two`: solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp
");
    insta::assert_snapshot!(told("ask: Which?", "ask: Which"), @"sample.yaml:7: step `one`: the question has no question mark; expected one at its end");
    insta::assert_snapshot!(told("        - { text: that, because: it is not }\n", ""), @"sample.yaml:7: step `one`: the question has one option; expected none or at least two");
    insta::assert_snapshot!(told("because: it is not", "because: ''"), @"sample.yaml:7: step `one`: an option is empty; expected `text` and `because`");
    insta::assert_snapshot!(told("[!Answer 1]", "[!Answer 2]"), @r"
sample.yaml:7: step `one`: wrong is the same as solution; expected a mistake that must not pass
sample.yaml:7: step `one`: solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp
");
    insta::assert_snapshot!(told("[!Answer 2]", "[!Answer this]"), @"sample.yaml:7: step `one`: wrong gives the right answer; expected one that must not pass");
    insta::assert_snapshot!(told("wrong: [!Build { stage: share }]", "wrong: [!Answer 1]"), @"sample.yaml:22: step `two`: solution or wrong answers where nothing is asked; expected `question`");
}

#[test]
fn what_cannot_be_done_points_at_its_step() {
    insta::assert_snapshot!(told("      - !Build { stage: share }\n", ""), @r"
sample.yaml:22: step `two`: check Terminal needs the machines; expected `stage: share` in the lesson, or a Build in the solution of this step or an earlier one
sample.yaml:22: step `two`: solution types on a machine that is not there; expected `stage: share` in the lesson, or a Build before
");
    insta::assert_snapshot!(told("- !Terminal { on: a, typed: ls }", "- !Remote { on: a, run: '', otherwise: x }"), @"sample.yaml:22: step `two`: check Remote has an empty `run` or `otherwise`; expected a command and what to say when it fails");
    insta::assert_snapshot!(told("- !Terminal { on: a, typed: ls }", "- !Causality { writes: 0 }"), @r"
sample.yaml:22: step `two`: check Causality wants 0 writes; expected a number from 1 to 1000
sample.yaml:22: step `two`: solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp
");
    insta::assert_snapshot!(told("wrong: [!Build { stage: share }]", "wrong: [!Causality {}]"), @"sample.yaml:22: step `two`: wrong lets the machines answer each other for nothing; expected a check Causality");
    insta::assert_snapshot!(told("typed: ls", "typed: ''"), @"sample.yaml:22: step `two`: check Terminal has an empty `typed`; expected a command, or several to choose from");
    insta::assert_snapshot!(told("typed: ls", "typed: []"), @"sample.yaml:22: step `two`: check Terminal has an empty `typed`; expected a command, or several to choose from");
    insta::assert_snapshot!(told("typed: ls", "typed: [ls, ll], shows: [a, '{gone}']"), @"sample.yaml:22: step `two`: there is no placeholder {gone}; expected one of lab, stack, guard, region, fs, a.address, b.address, a.zone, b.zone, a.name, b.name, a.instance, b.instance, credits.alarm, volume, snapshot, restored, owed.month, key, ssh_config");
    insta::assert_snapshot!(told("line: ls", "line: ' '"), @"sample.yaml:22: step `two`: solution types an empty or a broken line; expected one line");
    insta::assert_snapshot!(told("- !Stack { stage: share }\n      - !Terminal { on: a, typed: ls }", "[]"), @"sample.yaml:22: step `two`: check All is empty; expected at least one check");
    insta::assert_snapshot!(told("solution: [!Answer 1]", "solution: []"), @"sample.yaml:7: step `one`: solution is empty; expected at least one action");
    insta::assert_snapshot!(told("wrong: [!Answer 2]", "wrong: []"), @"sample.yaml:7: step `one`: wrong is empty; expected at least one action");
    insta::assert_snapshot!(told("wrong: [!Build { stage: share }]", "wrong:\n      - !Build { stage: share }\n      - !Type { on: a, line: ls }"), @"sample.yaml:22: step `two`: wrong is the same as solution; expected a mistake that must not pass");
    insta::assert_snapshot!(told("!Answer { option: 1 }", "!All [!Answer { option: 1 }, !NothingLeft {}]"), @"sample.yaml:7: step `one`: solution does not do what its check asks for; expected the right answer, Build, Causality or CleanUp");
}

#[test]
fn what_is_missing_is_named() {
    insta::assert_snapshot!(told("hints: [a, b, c]", "hints: [a, b]"), @"sample.yaml:7: step `one`: hints has 2; expected 3");
    insta::assert_snapshot!(told("hints: [a, b, c]", "hints: [a, '', c]"), @"sample.yaml:7: step `one`: a hint is empty; expected words that help");
    insta::assert_snapshot!(told("text: Read.", "text: ''"), @"sample.yaml:7: step `one`: text is empty; expected words for the learner");
    insta::assert_snapshot!(told("action: Answer.", "action: |\n      Answer.\n      Then go."), @"sample.yaml:7: step `one`: action has several lines; expected one sentence");
    insta::assert_snapshot!(told("rows: [C01]", "rows: []"), @"sample.yaml:7: step `one`: rows is empty; expected the rows of the outline that it teaches");
    insta::assert_snapshot!(told("id: two", "id: Step Two"), @"sample.yaml:22: step `Step Two`: the id is not made of lower-case words; expected one such as first-login");
    insta::assert_snapshot!(told("id: sample", "id: ''"), @"sample.yaml:1: the id `` is not made of lower-case words; expected one such as share-files");
    insta::assert_snapshot!(told("number: 1", "number: 0"), @"sample.yaml:1: number is 0; expected one from 1");
    insta::assert_snapshot!(told("minutes: 5", "minutes: 0"), @"sample.yaml:1: minutes is 0; expected how long a learner takes");
    insta::assert_snapshot!(told("title: Sample", "title: ''"), @"sample.yaml:1: title is empty; expected a few words");
    insta::assert_snapshot!(told("objectives: [Load]", "objectives: []"), @"sample.yaml:1: objectives is empty; expected what the learner can do afterwards");
    insta::assert_snapshot!(
        lesson("sample.yaml", &format!("{}steps: []\n", RIGHT.split("steps:").next().unwrap())).unwrap_err(),
        @"sample.yaml:1: steps is empty; expected at least one"
    );
}

#[test]
fn all_mistakes_of_the_contents_are_told_at_once() {
    let text = RIGHT
        .replace("hints: [a, b, c]", "hints: [a]")
        .replace("minutes: 5", "minutes: 0");
    insta::assert_snapshot!(lesson("sample.yaml", &text).unwrap_err(), @r"
sample.yaml:1: minutes is 0; expected how long a learner takes
sample.yaml:7: step `one`: hints has 1; expected 3
sample.yaml:22: step `two`: hints has 1; expected 3
");
}

#[test]
fn what_is_looked_at_and_what_is_done_in_the_account_points_at_its_step() {
    let two = |field: &str| told("title: Two", &format!("title: Two\n    {field}"));
    insta::assert_snapshot!(two("shows: [credit]"), @"sample.yaml:25: steps[1].shows[0]: unknown variant `credit`, expected one of `credits`, `usage`, `io-limit`, `alarms`, `snapshots`, `volumes`, `machines`");
    insta::assert_snapshot!(two("shows: [credits, credits]"), @"sample.yaml:22: step `two`: shows names something twice; expected each once");
    insta::assert_snapshot!(told("title: One", "title: One\n    shows: [alarms]"), @"sample.yaml:7: step `one`: shows something of an account in which nothing stands; expected `stage` in the lesson, or a Build before");
    insta::assert_snapshot!(two("forward: 0"), @"sample.yaml:22: step `two`: forward is 0; expected minutes, or nothing");
    insta::assert_snapshot!(two("forward: soon"), @"sample.yaml:25: steps[1].forward: invalid type: string \"soon\", expected u32");
    insta::assert_snapshot!(two("brings: [gone.sh]"), @r"
sample.yaml:22: step `two`: there is no file `gone.sh` to bring; expected one of assets/scripts
sample.yaml:22: step `two`: brings files for a disk that is not there; expected `stage: backup` in the lesson, or a Build before
");
    insta::assert_snapshot!(two("timed_from: two"), @"sample.yaml:22: step `two`: timed_from names `two`; expected the id of an earlier step");
    assert_eq!(two("timed_from: one"), "nothing");
    let check = |check: &str| told("- !Terminal { on: a, typed: ls }", check);
    insta::assert_snapshot!(check("- !Alarm { id: CreditsAlarm, state: RED }"), @"sample.yaml:22: step `two`: check Alarm needs an id and a state; expected OK, ALARM or INSUFFICIENT_DATA");
    insta::assert_snapshot!(check("- !Metric { metric: Bytes, above: 1 }"), @"sample.yaml:29: steps[1].check[1].metric: unknown variant `Bytes`, expected one of `DataReadIOBytes`, `DataWriteIOBytes`, `MetadataIOBytes`");
    insta::assert_snapshot!(check("- !Metric { metric: DataReadIOBytes, above: -1 }"), @"sample.yaml:22: step `two`: check Metric passes without anything counted; expected `above` from 0");
    insta::assert_snapshot!(check("- !Snapshots { at_least: 0 }"), @"sample.yaml:22: step `two`: check Snapshots passes without any; expected at_least from 1");
    insta::assert_snapshot!(check("- !Volume { gib: 0 }"), @"sample.yaml:22: step `two`: check Volume passes with any disk; expected `gib` from 1");
    insta::assert_snapshot!(check("- !Machine { on: a, state: broken }"), @"sample.yaml:22: step `two`: check Machine needs a state; expected running or stopped");
    insta::assert_snapshot!(check("- !Remote { on: a, run: x, otherwise: y, awaited: often }"), @"sample.yaml:29: steps[1].check[1].awaited: invalid type: string \"often\", expected a boolean");
    assert_eq!(
        check("- !Remote { on: a, run: x, otherwise: y, awaited: true }"),
        "nothing"
    );
    let does = |action: &str| told("- !Type { on: a, line: ls }", action);
    insta::assert_snapshot!(does("- !Type { on: a, line: ls }\n      - !Forward { minutes: 0 }"), @"sample.yaml:22: step `two`: solution puts the clock forward by nothing; expected minutes from 1");
    insta::assert_snapshot!(does("- !Type { on: a, line: ls }\n      - !SetAlarm { id: CreditsAlarm, state: RED }"), @"sample.yaml:22: step `two`: solution sets an alarm to `RED`; expected an id and one of OK, ALARM, INSUFFICIENT_DATA");
    insta::assert_snapshot!(does("- !Type { on: a, line: ls }\n      - !OnPractice [!Forward { minutes: 0 }]"), @"sample.yaml:22: step `two`: solution puts the clock forward by nothing; expected minutes from 1");
    insta::assert_snapshot!(told("solution: [!Answer 1]", "solution: [!Answer 1, !Stop { on: a }]"), @"sample.yaml:7: step `one`: solution does something with a machine that is not there; expected `stage` in the lesson, or a Build before");
}
