//! `--query`: JMESPath over an answer. The library sorts the members of objects; the `aws` command keeps them in order.

use std::collections::{BTreeMap, HashMap};

use jmespath::ast::Ast;
use jmespath::{Context, DEFAULT_RUNTIME, JmespathError, Rcvar, Variable, interpret};
use serde_json::Number;

use super::value::Value;

/// What an expression finds; the error says why it is none.
pub fn search(expression: &str, value: &Value) -> Result<Value, String> {
    let ast = parse(expression)?;
    let mut known = HashMap::new();
    // It outlives what is found, which may be a part of it.
    let document = shared(value, &mut known);
    let mut context = Context::new(expression, &DEFAULT_RUNTIME);
    let found = interpret(&document, &ast, &mut context).map_err(|why| wrong(expression, &why))?;
    let mut orders = Vec::new();
    orders_of(&ast, &mut orders);
    Ok(Found { known, orders }.value(&found))
}

fn wrong(expression: &str, why: &JmespathError) -> String {
    let text = format!("Bad value for --query {expression}: {why}");
    text.trim_end().to_owned()
}

fn parse(expression: &str) -> Result<Ast, String> {
    jmespath::parse(&quoted(expression)).map_err(|why| wrong(expression, &why))
}

/// The expression with quotes in literals that lack them: `` `text` `` means `` `"text"` `` to the library that the
/// `aws` command has, and AWS's own examples are written so.
fn quoted(expression: &str) -> String {
    let mut quoted = String::new();
    let mut letters = expression.chars();
    while let Some(letter) = letters.next() {
        quoted.push(letter);
        if !matches!(letter, '`' | '\'' | '"') {
            continue;
        }
        let mut inside = String::new();
        let mut closed = false;
        while let Some(next) = letters.next() {
            if next == letter {
                closed = true;
                break;
            }
            inside.push(next);
            if next == '\\' {
                inside.extend(letters.next());
            }
        }
        if letter == '`' && serde_json::from_str::<serde::de::IgnoredAny>(&inside).is_err() {
            quoted.push_str(&Value::from(inside.trim_start()).line());
        } else {
            quoted.push_str(&inside);
        }
        if closed {
            quoted.push(letter);
        }
    }
    quoted
}

/// Refuses an expression that is none, before anything is asked.
pub fn check(expression: &str) -> Result<(), String> {
    parse(expression).map(|_| ())
}

/// What the library gives, and how to find the order of its objects again.
struct Found<'a> {
    /// Objects of the answer itself, by where the library has them.
    known: HashMap<*const Variable, &'a Value>,
    /// Keys of objects that the expression makes.
    orders: Vec<Vec<String>>,
}

impl Found<'_> {
    fn value(&self, found: &Rcvar) -> Value {
        if let Some(known) = self.known.get(&Rcvar::as_ptr(found)) {
            return (*known).clone();
        }
        match &**found {
            // A function on its own is no value.
            Variable::Null | Variable::Expref(_) => Value::Null,
            Variable::Bool(truth) => Value::Bool(*truth),
            Variable::Number(number) => self::number(number),
            Variable::String(text) => Value::Text(text.clone()),
            Variable::Array(items) => {
                Value::List(items.iter().map(|item| self.value(item)).collect())
            }
            Variable::Object(members) => {
                let same = |order: &&Vec<String>| {
                    order.len() == members.len()
                        && order.iter().all(|key| members.contains_key(key))
                };
                let ordered = self.orders.iter().find(same);
                let keys = ordered.cloned();
                let keys = keys.unwrap_or_else(|| members.keys().cloned().collect());
                let members = keys.into_iter().filter_map(|key| {
                    let value = self.value(members.get(&key)?);
                    Some((key, value))
                });
                Value::Object(members.collect())
            }
        }
    }
}

/// The library counts in floating point; whole numbers are shown as such.
fn number(number: &Number) -> Value {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => Value::Integer(whole),
        #[allow(clippy::cast_possible_truncation, reason = "it is whole and not large")]
        (None, Some(float)) if float.fract() == 0.0 && float.abs() < 1e15 => {
            Value::Integer(float as i64)
        }
        (None, float) => float.map_or(Value::Null, Value::Float),
    }
}

fn shared<'a>(value: &'a Value, known: &mut HashMap<*const Variable, &'a Value>) -> Rcvar {
    let variable = match value {
        Value::Null => Variable::Null,
        Value::Bool(truth) => Variable::Bool(*truth),
        Value::Integer(number) => Variable::Number((*number).into()),
        Value::Float(number) => Number::from_f64(*number).map_or(Variable::Null, Variable::Number),
        Value::Text(text) => Variable::String(text.clone()),
        Value::List(items) => {
            Variable::Array(items.iter().map(|item| shared(item, known)).collect())
        }
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| (name.clone(), shared(value, known)));
            Variable::Object(members.collect::<BTreeMap<_, _>>())
        }
    };
    let shared = Rcvar::new(variable);
    if !value.is_scalar() {
        known.insert(Rcvar::as_ptr(&shared), value);
    }
    shared
}

/// Keys of every `{a: …, b: …}`, as they are written.
fn orders_of(ast: &Ast, orders: &mut Vec<Vec<String>>) {
    match ast {
        Ast::MultiHash { elements, .. } => {
            orders.push(elements.iter().map(|pair| pair.key.clone()).collect());
            for pair in elements {
                orders_of(&pair.value, orders);
            }
        }
        Ast::MultiList { elements, .. } | Ast::Function { args: elements, .. } => {
            for element in elements {
                orders_of(element, orders);
            }
        }
        Ast::Comparison { lhs, rhs, .. }
        | Ast::Projection { lhs, rhs, .. }
        | Ast::And { lhs, rhs, .. }
        | Ast::Or { lhs, rhs, .. }
        | Ast::Subexpr { lhs, rhs, .. }
        | Ast::Condition {
            predicate: lhs,
            then: rhs,
            ..
        } => {
            orders_of(lhs, orders);
            orders_of(rhs, orders);
        }
        Ast::Expref { ast: node, .. }
        | Ast::Flatten { node, .. }
        | Ast::Not { node, .. }
        | Ast::ObjectValues { node, .. } => orders_of(node, orders),
        Ast::Identity { .. }
        | Ast::Field { .. }
        | Ast::Index { .. }
        | Ast::Literal { .. }
        | Ast::Slice { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, check, search};

    #[test]
    fn what_is_found_keeps_its_order() {
        let answer = Value::parse(
            r#"{"Volumes": [{"VolumeId": "vol-2", "Size": 8, "Attachments": []}, {"VolumeId": "vol-1", "Size": 5}]}"#,
        )
        .unwrap();
        for (expression, expected) in [
            ("Volumes[].VolumeId", r#"["vol-2", "vol-1"]"#),
            (
                "Volumes[0]",
                r#"{"VolumeId": "vol-2", "Size": 8, "Attachments": []}"#,
            ),
            (
                "Volumes[].{Size: Size, Id: VolumeId}",
                r#"[{"Size": 8, "Id": "vol-2"}, {"Size": 5, "Id": "vol-1"}]"#,
            ),
            ("sort_by(Volumes, &Size)[-1].VolumeId", r#""vol-2""#),
            ("Volumes[?Size > `5`].[VolumeId, Size]", r#"[["vol-2", 8]]"#),
            ("Volumes[?VolumeId==`vol-1`].Size", "[5]"),
            ("Volumes[?VolumeId=='vol-1'||Size==`8`] | length(@)", "2"),
            ("length(Volumes)", "2"),
            ("sum(Volumes[].Size)", "13"),
            ("Nothing", "null"),
        ] {
            assert_eq!(
                search(expression, &answer).unwrap().line(),
                expected,
                "{expression}"
            );
        }
        assert!(
            search("Volumes[", &answer)
                .unwrap_err()
                .starts_with("Bad value for --query Volumes[")
        );
        assert!(check("length(").is_err() && check("Volumes").is_ok());
    }
}
