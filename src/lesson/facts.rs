//! Facts of the running lab that lessons may name, and how they are put into text. Nothing here finds a fact out.

/// A name that lesson texts may put in braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placeholder {
    /// Without braces: `b.address`.
    pub name: &'static str,
    /// Shown in its place, in parentheses, until the fact is known: `address of B`.
    pub means: &'static str,
}

/// Every placeholder there is.
pub const PLACEHOLDERS: &[Placeholder] = &[
    place("lab", "id of the lab"),
    place("stack", "name of the stack"),
    place("guard", "name of the guard's stack"),
    place("region", "region"),
    place("fs", "id of the filesystem"),
    place("a.address", "address of A"),
    place("b.address", "address of B"),
    place("a.zone", "zone of A"),
    place("b.zone", "zone of B"),
    place("a.name", "host name of A"),
    place("b.name", "host name of B"),
    place("a.instance", "instance id of A"),
    place("b.instance", "instance id of B"),
    place("credits.alarm", "name of the alarm on the credits"),
    place("volume", "id of the backup volume"),
    place("snapshot", "id of the snapshot"),
    place("restored", "id of the restored volume"),
    place("owed.month", "what a month costs"),
    place("key", "path of the private key"),
    place("ssh_config", "path of the SSH configuration"),
];

const fn place(name: &'static str, means: &'static str) -> Placeholder {
    Placeholder { name, means }
}

/// What is known of the lab now. `None`: not known yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `lab-7f3k`.
    pub lab: Option<String>,
    /// Name of the stack.
    pub stack: Option<String>,
    /// Name of the guard's stack.
    pub guard: Option<String>,
    /// `us-east-1`.
    pub region: Option<String>,
    /// `fs-…`.
    pub file_system: Option<String>,
    /// US dollars that a month of the lab costs on AWS, with cents: `23.76`.
    pub owed_month: Option<String>,
    /// Machine A.
    pub a: MachineFacts,
    /// Machine B.
    pub b: MachineFacts,
    /// What CloudWatch calls the alarm on the burst credits.
    pub credits_alarm: Option<String>,
    /// The backup volume, `vol-…`.
    pub volume: Option<String>,
    /// The snapshot in mind, `snap-…`.
    pub snapshot: Option<String>,
    /// The volume made from a snapshot, `vol-…`.
    pub restored: Option<String>,
    /// Path of the lab's private key.
    pub key: Option<String>,
    /// Path of the lab's SSH configuration.
    pub ssh_config: Option<String>,
}

/// What is known of one machine now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineFacts {
    /// Public address.
    pub address: Option<String>,
    /// `us-east-1a`.
    pub zone: Option<String>,
    /// Its own idea of its name: `ip-10-0-1-12`.
    pub name: Option<String>,
    /// `i-…`
    pub instance: Option<String>,
}

impl Facts {
    /// The fact that a placeholder (without braces) stands for, once it is known.
    #[must_use]
    pub fn get(&self, placeholder: &str) -> Option<&str> {
        match placeholder {
            "lab" => &self.lab,
            "stack" => &self.stack,
            "guard" => &self.guard,
            "region" => &self.region,
            "fs" => &self.file_system,
            "a.address" => &self.a.address,
            "b.address" => &self.b.address,
            "a.zone" => &self.a.zone,
            "b.zone" => &self.b.zone,
            "a.name" => &self.a.name,
            "b.name" => &self.b.name,
            "a.instance" => &self.a.instance,
            "b.instance" => &self.b.instance,
            "credits.alarm" => &self.credits_alarm,
            "volume" => &self.volume,
            "snapshot" => &self.snapshot,
            "restored" => &self.restored,
            "owed.month" => &self.owed_month,
            "key" => &self.key,
            "ssh_config" => &self.ssh_config,
            _ => return None,
        }
        .as_deref()
    }
}

/// Puts facts into a text. What is not known yet reads as what it will be: `(address of A)`.
#[must_use]
pub fn fill(text: &str, facts: &Facts) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Name(name) => match (facts.get(name), known(name)) {
                (Some(fact), _) => filled.push_str(fact),
                (None, Some(place)) => {
                    filled.push('(');
                    filled.push_str(place.means);
                    filled.push(')');
                }
                (None, None) => {
                    filled.push('{');
                    filled.push_str(name);
                    filled.push('}');
                }
            },
        }
    }
    filled
}

/// The names in braces in a text, known or not, in order. Braces around anything but lower-case words are shell, not ours.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Name(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// The placeholder of this name.
#[must_use]
pub fn known(name: &str) -> Option<&'static Placeholder> {
    PLACEHOLDERS.iter().find(|place| place.name == name)
}

/// A part of a text.
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Cuts a text at its placeholders. `${…}` belongs to the shell or the template and stays text.
fn pieces(mut rest: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (start, end) = next_name(rest).unwrap_or((rest.len(), rest.len()));
        let piece = if start == 0 {
            let name = &rest[1..end - 1];
            rest = &rest[end..];
            Piece::Name(name)
        } else {
            let text = &rest[..start];
            rest = &rest[start..];
            Piece::Text(text)
        };
        Some(piece)
    })
}

/// Where the next `{name}` begins and ends, in bytes.
fn next_name(text: &str) -> Option<(usize, usize)> {
    text.match_indices('{').find_map(|(start, _)| {
        let inner = &text[start + 1..];
        let length = inner.find('}')?;
        let name = &inner[..length];
        let ours = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '.' || c == '_')
            && !text[..start].ends_with('$');
        ours.then_some((start, start + length + 2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            lab: Some("lab-7f3k".to_owned()),
            a: MachineFacts {
                address: Some("203.0.113.10".to_owned()),
                ..MachineFacts::default()
            },
            ..Facts::default()
        }
    }

    #[test]
    fn known_facts_are_put_in_and_others_read_as_what_they_will_be() {
        assert_eq!(
            fill("{lab}: ssh ec2-user@{a.address}, {b.address}", &facts()),
            "lab-7f3k: ssh ec2-user@203.0.113.10, (address of B)"
        );
    }

    #[test]
    fn other_braces_stay_as_they_are() {
        for text in [
            "${lab} {} { print } {A} {a b",
            "Stacks[0].{Key: x}",
            "{nothing}",
            "äö{",
        ] {
            assert_eq!(fill(text, &facts()), text);
        }
    }

    #[test]
    fn names_lists_what_a_text_asks_for() {
        assert_eq!(
            names("{a.zone} ${x} {lab} {nothing}").collect::<Vec<_>>(),
            ["a.zone", "lab", "nothing"]
        );
    }

    #[test]
    fn every_placeholder_can_be_known() {
        let machine = |name: &str| MachineFacts {
            address: Some(format!("{name}.address")),
            zone: Some(format!("{name}.zone")),
            name: Some(format!("{name}.name")),
            instance: Some(format!("{name}.instance")),
        };
        let all = Facts {
            lab: Some("lab".to_owned()),
            stack: Some("stack".to_owned()),
            guard: Some("guard".to_owned()),
            region: Some("region".to_owned()),
            file_system: Some("fs".to_owned()),
            owed_month: Some("owed.month".to_owned()),
            a: machine("a"),
            b: machine("b"),
            credits_alarm: Some("credits.alarm".to_owned()),
            volume: Some("volume".to_owned()),
            snapshot: Some("snapshot".to_owned()),
            restored: Some("restored".to_owned()),
            key: Some("key".to_owned()),
            ssh_config: Some("ssh_config".to_owned()),
        };
        for place in PLACEHOLDERS {
            assert_eq!(all.get(place.name), Some(place.name));
            assert_eq!(
                fill(&format!("<{{{}}}>", place.name), &Facts::default()),
                format!("<({})>", place.means)
            );
        }
    }
}
