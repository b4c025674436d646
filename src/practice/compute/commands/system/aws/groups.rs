//! The short options for one rule of a security group (`--protocol tcp --port 22 --cidr 203.0.113.0/24`), which only the
//! command has: the service takes them as `--ip-permissions`.

use super::value::Value;

/// Operations that take them.
const OPERATIONS: [&str; 2] = [
    "AuthorizeSecurityGroupIngress",
    "RevokeSecurityGroupIngress",
];
const OPTIONS: [&str; 4] = ["--protocol", "--port", "--cidr", "--source-group"];

/// The words with the rule in one option.
pub fn unfold(operation: &str, words: &[String]) -> Vec<String> {
    let mut left = Vec::new();
    if !OPERATIONS.contains(&operation) {
        return words.to_vec();
    }
    let mut given: [Option<String>; 4] = Default::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        match OPTIONS.iter().position(|option| *option == name) {
            Some(at) => given[at] = inline.or_else(|| words.next().cloned()),
            None => left.push(word.clone()),
        }
    }
    let [protocol, port, cidr, group] = given;
    if protocol.is_none() && port.is_none() && cidr.is_none() && group.is_none() {
        return left;
    }
    let mut rule = Vec::new();
    let mut add = |name: &str, value: Value| rule.push((name.to_owned(), value));
    let list = |name: &str, text: String| {
        let member = (name.to_owned(), Value::Text(text));
        Value::List(vec![Value::Object(vec![member])])
    };
    if let Some(protocol) = protocol {
        let protocol = if protocol == "all" { "-1" } else { &protocol };
        add("IpProtocol", Value::from(protocol));
    }
    if let Some(port) = port {
        // `22`, `20-22`, or `all`; what is no number the service refuses.
        let (from, to) = match port.split_once('-') {
            _ if port == "all" || port == "-1" => ("-1", "-1"),
            Some((from, to)) => (from, to),
            None => (port.as_str(), port.as_str()),
        };
        let number = |text: &str| {
            text.parse()
                .map_or_else(|_| Value::from(text), Value::Integer)
        };
        add("FromPort", number(from));
        add("ToPort", number(to));
    }
    if let Some(cidr) = cidr {
        add("IpRanges", list("CidrIp", cidr));
    }
    if let Some(group) = group {
        let name = if group.starts_with("sg-") {
            "GroupId"
        } else {
            "GroupName"
        };
        add("UserIdGroupPairs", list(name, group));
    }
    let rules = Value::List(vec![Value::Object(rule)]);
    left.extend(["--ip-permissions".to_owned(), rules.line()]);
    left
}

#[cfg(test)]
mod tests {
    use super::unfold;

    #[test]
    fn a_rule_in_short_becomes_permissions() {
        let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
        let short = words("--group-id sg-1 --protocol tcp --port 20-22 --cidr=10.0.0.0/8");
        assert_eq!(
            unfold("AuthorizeSecurityGroupIngress", &short),
            [
                "--group-id",
                "sg-1",
                "--ip-permissions",
                r#"[{"IpProtocol": "tcp", "FromPort": 20, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]"#
            ]
        );
        let other = words("--port 1");
        assert_eq!(unfold("DescribeVolumes", &other), other);
    }
}
