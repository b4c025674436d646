//! Conditions of statements ("IAM JSON policy elements: Condition operators").

use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::Context;
use super::pattern::{Pattern, filled};

/// One key, an operator, and the values that the key is held against.
#[derive(Debug)]
pub struct Condition {
    operator: Operator,
    set: Option<Set>,
    if_exists: bool,
    key: String,
    values: Vec<String>,
}

/// How a key with several values counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    All,
    Any,
}

/// What is compared, and whether it must not be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Null,
    Compare(Comparison),
    Not(Comparison),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Text,
    TextIgnoringCase,
    TextLike,
    ArnLike,
    Bool,
    Address,
    Number(Order),
    Date(Order),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    fn find(name: &str) -> Option<Self> {
        use Comparison as C;
        use Operator::{Compare, Not, Null};
        Some(match name {
            "Null" => Null,
            "StringEquals" | "BinaryEquals" => Compare(C::Text),
            "StringNotEquals" => Not(C::Text),
            "StringEqualsIgnoreCase" => Compare(C::TextIgnoringCase),
            "StringNotEqualsIgnoreCase" => Not(C::TextIgnoringCase),
            "StringLike" => Compare(C::TextLike),
            "StringNotLike" => Not(C::TextLike),
            // "ArnEquals and ArnLike behave identically."
            "ArnEquals" | "ArnLike" => Compare(C::ArnLike),
            "ArnNotEquals" | "ArnNotLike" => Not(C::ArnLike),
            "Bool" => Compare(C::Bool),
            "IpAddress" => Compare(C::Address),
            "NotIpAddress" => Not(C::Address),
            _ => {
                let (kind, order): (fn(Order) -> C, _) = match name.strip_prefix("Numeric") {
                    Some(order) => (C::Number, order),
                    None => (C::Date, name.strip_prefix("Date")?),
                };
                match order {
                    "Equals" => Compare(kind(Order::Equal)),
                    "NotEquals" => Not(kind(Order::Equal)),
                    "LessThan" => Compare(kind(Order::Less)),
                    "LessThanEquals" => Compare(kind(Order::LessOrEqual)),
                    "GreaterThan" => Compare(kind(Order::Greater)),
                    "GreaterThanEquals" => Compare(kind(Order::GreaterOrEqual)),
                    _ => return None,
                }
            }
        })
    }
}

impl Condition {
    /// With the name of its operator; an error when there is no such one.
    pub fn new(operator: &str, key: String, values: Vec<String>) -> Result<Self, String> {
        let wrong = || format!("Invalid Condition type : {operator}.");
        let (set, name) = match operator.split_once(':') {
            None => (None, operator),
            Some(("ForAllValues", name)) => (Some(Set::All), name),
            Some(("ForAnyValue", name)) => (Some(Set::Any), name),
            Some(_) => return Err(wrong()),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let operator = Operator::find(name).ok_or_else(wrong)?;
        if !key.contains(':') {
            return Err(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".into(),
            );
        }
        Ok(Self {
            operator,
            set,
            if_exists,
            key,
            values,
        })
    }

    /// Whether it holds for a request.
    pub fn holds(&self, context: &Context, variables: bool) -> bool {
        let present = context.get(&self.key);
        let (comparison, negated) = match self.operator {
            Operator::Null => {
                let absent = present.is_none_or(<[String]>::is_empty);
                return self.values.iter().any(|value| *value == absent.to_string());
            }
            Operator::Compare(comparison) => (comparison, false),
            Operator::Not(comparison) => (comparison, true),
        };
        let Some(present) = present.filter(|values| !values.is_empty()) else {
            return match self.set {
                Some(Set::All) => true,
                Some(Set::Any) => self.if_exists,
                None => self.if_exists || negated,
            };
        };
        let variables = variables.then_some(context);
        let satisfied = |value: &String| {
            let mut wanted = self.values.iter();
            wanted.any(|wanted| comparison.holds(value, wanted, variables)) != negated
        };
        match self.set {
            Some(Set::All) => present.iter().all(satisfied),
            Some(Set::Any) => present.iter().any(satisfied),
            // A key with one value, or one whose values all must not be so.
            None if negated => present.iter().all(satisfied),
            None => present.iter().any(satisfied),
        }
    }
}

impl Comparison {
    fn holds(self, value: &str, wanted: &str, variables: Option<&Context>) -> bool {
        match self {
            Self::Text => filled(wanted, variables).is_some_and(|wanted| value == wanted),
            Self::TextIgnoringCase => filled(wanted, variables)
                .is_some_and(|wanted| value.to_lowercase() == wanted.to_lowercase()),
            Self::TextLike => {
                Pattern::new(wanted, variables).is_some_and(|wanted| wanted.matches(value))
            }
            Self::ArnLike => arn_like(value, wanted, variables),
            Self::Bool => value.eq_ignore_ascii_case(wanted),
            Self::Address => in_range(value, wanted),
            Self::Number(order) => match (value.parse::<f64>(), wanted.parse::<f64>()) {
                (Ok(value), Ok(wanted)) => order.holds(value.partial_cmp(&wanted)),
                _ => false,
            },
            Self::Date(order) => match (instant(value), instant(wanted)) {
                (Some(value), Some(wanted)) => order.holds(Some(value.cmp(&wanted))),
                _ => false,
            },
        }
    }
}

impl Order {
    fn holds(self, found: Option<std::cmp::Ordering>) -> bool {
        found.is_some_and(|found| match self {
            Self::Equal => found.is_eq(),
            Self::Less => found.is_lt(),
            Self::LessOrEqual => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::GreaterOrEqual => found.is_ge(),
        })
    }
}

/// "Each of the six colon-delimited components of the ARN is checked separately."
fn arn_like(value: &str, wanted: &str, variables: Option<&Context>) -> bool {
    if wanted == "*" {
        return true;
    }
    let parts = |text: &str| -> Vec<String> { text.splitn(6, ':').map(str::to_owned).collect() };
    let (value, wanted) = (parts(value), parts(wanted));
    value.len() == wanted.len()
        && value.iter().zip(&wanted).all(|(value, wanted)| {
            Pattern::new(wanted, variables).is_some_and(|wanted| wanted.matches(value))
        })
}

/// An address in a range, or the same address.
fn in_range(value: &str, wanted: &str) -> bool {
    let (network, bits) = match wanted.split_once('/') {
        Some((network, bits)) => (network, bits.parse().ok()),
        None => (wanted, Some(32)),
    };
    let addresses = (value.parse::<Ipv4Addr>(), network.parse::<Ipv4Addr>());
    let (Ok(value), Ok(network), Some(bits @ 0..=32)) = (addresses.0, addresses.1, bits) else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    value.to_bits() & mask == network.to_bits() & mask
}

/// ISO 8601, or seconds since 1970.
fn instant(text: &str) -> Option<Timestamp> {
    text.parse()
        .ok()
        .or_else(|| Timestamp::from_second(text.parse().ok()?).ok())
}
