//! What policies allow and deny, case by case and for whatever they say.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::pattern::Pattern;
use super::{Context, Decision, Request, check, check_trust, decide, trusts};

#[allow(
    clippy::needless_pass_by_value,
    reason = "tests write values where they stand"
)]
fn statement(effect: &str, action: &str, resource: Value, condition: Option<Value>) -> Value {
    let mut statement = json!({"Effect": effect, "Action": action, "Resource": resource});
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    statement
}

fn policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn request(action: &str, resource: Option<&str>, context: &[(&str, &str)]) -> Request {
    let mut request = Request {
        action: action.into(),
        resource: resource.map(str::to_owned),
        context: Context::default(),
    };
    for (key, value) in context {
        request.context.set(key, *value);
    }
    request
}

const VOLUME: &str = "arn:aws:ec2:us-east-1:123456789012:volume/vol-1";
const SNAPSHOT: &str = "arn:aws:ec2:us-east-1::snapshot/*";

#[test]
fn a_snapshot_needs_the_volume_and_the_tagged_snapshot_in_two_statements() {
    let tagged = json!({"StringEquals": {"aws:RequestTag/lab": "l"}});
    let two = policy(&[
        statement("Allow", "ec2:CreateSnapshot", json!(VOLUME), None),
        statement(
            "Allow",
            "ec2:CreateSnapshot",
            json!("arn:aws:ec2:us-east-1::snapshot/*"),
            Some(tagged.clone()),
        ),
    ]);
    let one = policy(&[statement(
        "Allow",
        "ec2:CreateSnapshot",
        json!([VOLUME, "arn:aws:ec2:us-east-1::snapshot/*"]),
        Some(tagged),
    )]);
    let volume = request("ec2:CreateSnapshot", Some(VOLUME), &[]);
    let snapshot = request(
        "ec2:CreateSnapshot",
        Some(SNAPSHOT),
        &[("aws:RequestTag/lab", "l")],
    );
    let untagged = request("ec2:CreateSnapshot", Some(SNAPSHOT), &[]);
    assert_eq!(decide(&[&two], None, &volume), Decision::Allowed);
    assert_eq!(decide(&[&two], None, &snapshot), Decision::Allowed);
    assert_eq!(decide(&[&two], None, &untagged), Decision::NotAllowed);
    assert_eq!(decide(&[&one], None, &volume), Decision::NotAllowed);
}

#[test]
fn a_deny_wins_and_a_boundary_limits() {
    let all = policy(&[statement("Allow", "*", json!("*"), None)]);
    let not = policy(&[statement("Deny", "EC2:delete*", json!("*"), None)]);
    let reads = policy(&[statement("Allow", "ec2:Describe*", json!("*"), None)]);
    let delete = request("ec2:DeleteSnapshot", Some(SNAPSHOT), &[]);
    let list = request("ec2:DescribeVolumes", None, &[]);
    assert_eq!(decide(&[&all], None, &delete), Decision::Allowed);
    assert_eq!(decide(&[&all, &not], None, &delete), Decision::Forbidden);
    assert_eq!(decide(&[&all], Some(&not), &delete), Decision::Forbidden);
    assert_eq!(
        decide(&[&all], Some(&reads), &delete),
        Decision::OutOfBounds
    );
    assert_eq!(decide(&[&all], Some(&reads), &list), Decision::Allowed);
    assert_eq!(decide(&[&not], Some(&all), &list), Decision::NotAllowed);
    assert_eq!(decide(&[], None, &list), Decision::NotAllowed);
}

#[test]
fn an_action_about_no_single_resource_needs_a_star() {
    let list = request("ec2:DescribeSnapshots", None, &[]);
    let narrow = policy(&[statement(
        "Allow",
        "ec2:*",
        json!("arn:aws:ec2:*:*:*"),
        None,
    )]);
    assert_eq!(decide(&[&narrow], None, &list), Decision::NotAllowed);
    let others = json!({"Effect": "Allow", "NotAction": "iam:*", "NotResource": VOLUME});
    assert_eq!(
        decide(&[&policy(&[others])], None, &list),
        Decision::Allowed
    );
}

/// Operator, key, values; the request's context; whether it holds.
type Case<'a> = (&'a str, &'a str, Value, &'a [(&'a str, &'a str)], bool);

#[test]
fn conditions_hold_as_the_guide_says() {
    let cases: &[Case] = &[
        (
            "StringEquals",
            "aws:a",
            json!(["x", "y"]),
            &[("aws:A", "y")],
            true,
        ),
        ("StringEquals", "aws:a", json!("x"), &[], false),
        ("StringEqualsIfExists", "aws:a", json!("x"), &[], true),
        (
            "StringNotEquals",
            "aws:a",
            json!(["x", "y"]),
            &[("aws:a", "y")],
            false,
        ),
        ("StringNotEquals", "aws:a", json!("x"), &[], true),
        (
            "StringEquals",
            "aws:a",
            json!("x*"),
            &[("aws:a", "xy")],
            false,
        ),
        ("StringLike", "aws:a", json!("x*"), &[("aws:a", "xy")], true),
        (
            "StringEqualsIgnoreCase",
            "aws:a",
            json!("ABC"),
            &[("aws:a", "abC")],
            true,
        ),
        (
            "StringEquals",
            "aws:a",
            json!("${aws:b}"),
            &[("aws:a", "1"), ("aws:b", "1")],
            true,
        ),
        (
            "StringEquals",
            "aws:a",
            json!("${aws:b, 'd'}"),
            &[("aws:a", "d")],
            true,
        ),
        (
            "StringEquals",
            "aws:a",
            json!("${aws:b}"),
            &[("aws:a", "")],
            false,
        ),
        (
            "StringLike",
            "aws:a",
            json!("${*}"),
            &[("aws:a", "x")],
            false,
        ),
        (
            "ArnEquals",
            "aws:a",
            json!("arn:aws:ec2:*:*:volume/*"),
            &[("aws:a", VOLUME)],
            true,
        ),
        (
            "ArnLike",
            "aws:a",
            json!("arn:*:volume/vol-1"),
            &[("aws:a", VOLUME)],
            false,
        ),
        (
            "ArnNotLike",
            "aws:a",
            json!("arn:aws:ec2:*:*:volume/*"),
            &[("aws:a", VOLUME)],
            false,
        ),
        ("Bool", "aws:a", json!(true), &[("aws:a", "true")], true),
        ("Bool", "aws:a", json!("true"), &[], false),
        ("Null", "aws:a", json!("true"), &[], true),
        ("Null", "aws:a", json!(false), &[], false),
        (
            "NumericLessThanEquals",
            "aws:a",
            json!(5),
            &[("aws:a", "5.0")],
            true,
        ),
        (
            "DateGreaterThan",
            "aws:a",
            json!("2026-01-01T00:00:00Z"),
            &[("aws:a", "1900000000")],
            true,
        ),
        (
            "IpAddress",
            "aws:a",
            json!("203.0.113.0/24"),
            &[("aws:a", "203.0.113.9")],
            true,
        ),
        (
            "NotIpAddress",
            "aws:a",
            json!("203.0.113.0/24"),
            &[("aws:a", "203.0.113.9")],
            false,
        ),
    ];
    for (operator, key, values, context, expected) in cases {
        let condition = json!({*operator: {*key: values}});
        let policy = policy(&[statement("Allow", "*", json!("*"), Some(condition.clone()))]);
        assert_eq!(check(&policy), Ok(()), "{condition}");
        let decision = decide(&[&policy], None, &request("a:b", None, context));
        assert_eq!(
            decision == Decision::Allowed,
            *expected,
            "{condition} {context:?}"
        );
    }
}

#[test]
fn sets_of_values_count_all_or_any() {
    let holds = |operator: &str, keys: &[&str]| {
        let condition = json!({operator: {"aws:TagKeys": ["a", "b"]}});
        let policy = policy(&[statement("Allow", "*", json!("*"), Some(condition))]);
        let mut request = request("a:b", None, &[]);
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        request.context.set_all("aws:TagKeys", keys);
        decide(&[&policy], None, &request) == Decision::Allowed
    };
    assert!(
        holds("ForAllValues:StringEquals", &["a", "b"]) && holds("ForAllValues:StringEquals", &[])
    );
    assert!(!holds("ForAllValues:StringEquals", &["a", "c"]));
    assert!(
        holds("ForAnyValue:StringEquals", &["a", "c"]) && !holds("ForAnyValue:StringEquals", &[])
    );
    assert!(holds("ForAnyValue:StringNotEquals", &["a", "c"]));
    assert!(!holds("ForAllValues:StringNotEquals", &["a", "c"]));
}

#[test]
fn a_document_that_is_no_policy_is_refused_in_the_words_of_iam() {
    let statement = |text: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{text}]}}"#);
    let cases = [
        ("{".to_owned(), "This policy contains invalid Json"),
        ("{}".to_owned(), "Syntax errors in policy."),
        (
            statement(r#"{"Effect":"Maybe","Action":"*","Resource":"*"}"#),
            "Syntax errors in policy.",
        ),
        (
            statement(r#"{"Effect":"Allow","Resource":"*"}"#),
            "Policy statement must contain actions.",
        ),
        (
            statement(r#"{"Effect":"Allow","Action":"*"}"#),
            "Policy statement must contain resources.",
        ),
        (
            statement(r#"{"Effect":"Allow","Action":"Describe","Resource":"*"}"#),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            statement(r#"{"Effect":"Allow","Action":"*","Resource":"vol-1"}"#),
            "Resource vol-1 must be in ARN format or \"*\".",
        ),
        (
            statement(
                r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Frobs":{"a:b":"c"}}}"#,
            ),
            "Invalid Condition type : Frobs.",
        ),
    ];
    for (document, expected) in cases {
        assert_eq!(check(&document), Err(expected.to_owned()), "{document}");
    }
}

#[test]
fn a_trust_policy_says_who_may_assume_the_role() {
    let trust = |principal: Value| {
        policy(&[json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal})])
    };
    let ec2 = trust(json!({"Service": ["ssm.amazonaws.com", "ec2.amazonaws.com"]}));
    assert_eq!(check_trust(&ec2), Ok(()));
    assert!(trusts(&ec2, "ec2.amazonaws.com"));
    let other = trust(json!({"Service": "lambda.amazonaws.com"}));
    assert!(!trusts(&other, "ec2.amazonaws.com"));
    assert!(
        check_trust(&policy(&[statement(
            "Allow",
            "sts:AssumeRole",
            json!("*"),
            None
        )]))
        .is_err()
    );
    assert!(check(&ec2).is_err());
}

/// What a pattern means, said as a regular expression.
fn as_regex(pattern: &str) -> regex::Regex {
    let body: String = pattern
        .chars()
        .map(|c| match c {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            c => regex::escape(&c.to_string()),
        })
        .collect();
    regex::Regex::new(&format!("(?s)^{body}$")).unwrap()
}

proptest! {
    #[test]
    fn a_pattern_means_what_a_regular_expression_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
        let ours = Pattern::new(&pattern, None).unwrap().matches(&text);
        prop_assert_eq!(ours, as_regex(&pattern).is_match(&text));
    }

    #[test]
    fn statements_give_the_same_in_any_order_and_a_deny_never_gives_more(
        parts in proptest::collection::vec((any::<bool>(), "(\\*|ec2:\\*|ec2:[A-C]\\*|ec2:[A-C]x|iam:Ax)"), 1..6),
        action in "(ec2|iam):[A-C]x",
        turn in 0..6usize,
    ) {
        let effect = |allow: bool| if allow { "Allow" } else { "Deny" };
        let mut statements: Vec<Value> = parts
            .iter()
            .map(|(allow, action)| statement(effect(*allow), action, json!("*"), None))
            .collect();
        let request = request(&action, Some(VOLUME), &[]);
        let before = decide(&[&policy(&statements)], None, &request);
        let turn = turn % statements.len();
        statements.rotate_left(turn);
        prop_assert_eq!(before, decide(&[&policy(&statements)], None, &request));
        // As separate policies, they are the same.
        let apart: Vec<String> = statements.iter().map(|one| policy(std::slice::from_ref(one))).collect();
        let apart: Vec<&str> = apart.iter().map(String::as_str).collect();
        prop_assert_eq!(before, decide(&apart, None, &request));
        statements.retain(|one| one["Effect"] == "Allow");
        let without = if statements.is_empty() {
            Decision::NotAllowed
        } else {
            decide(&[&policy(&statements)], None, &request)
        };
        prop_assert!(before != Decision::Allowed || without == Decision::Allowed);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,64}") {
        let _ = (check(&text), check_trust(&text));
    }
}
