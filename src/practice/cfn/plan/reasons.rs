//! Why a property of a resource would change: what of its value is new, and where that comes from.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Fate, Look};
use crate::practice::cfn::behaviour::Recreation;
use crate::practice::cfn::diff;
use crate::practice::cfn::references::{self, Reference};
use crate::practice::cfn::schema::Property;
use crate::practice::cfn::template::ResourceDefinition;
use crate::practice::cfn::wanted::TAGS;
use crate::practice::world::stacks::Resource;
use crate::practice::world::stacks::change_sets::{Detail, Source};

/// Stands for what is not known before a new resource is there, as in change sets of CloudFormation.
const UNKNOWN: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

impl Look<'_> {
    /// Why a property changes, or may change.
    pub(super) fn property(
        &self,
        property: &Property,
        current: &Resource,
        definition: &ResourceDefinition,
        fates: &BTreeMap<&str, Fate>,
    ) -> Vec<Detail> {
        let before = current.properties.get(property.name);
        let Some(written) = definition.properties.get(property.name) else {
            let taken_away =
                before.map(|before| detail(property, Source::Direct, true, (Some(before), None)));
            return taken_away.into_iter().collect();
        };
        let unknown = |name: &str| matches!(fates.get(name), Some(Fate::Added | Fate::Replaced));
        // What cannot be worked out without the value of something new is not known either.
        let after = self
            .live
            .evaluate_with(written, &|name, attribute| {
                if unknown(name) {
                    return Ok(UNKNOWN.into());
                }
                self.live.lookup(name, attribute)
            })
            .unwrap_or_else(|_| Some(UNKNOWN.into()));
        let references =
            references::of(written, Some(&self.checked.conditions)).unwrap_or_default();
        let refers_to_new = references.iter().any(|reference| match reference {
            Reference::Name(name) | Reference::Attribute(name, _) => unknown(name),
            Reference::Condition(_) | Reference::Mapping(_) => false,
        });
        let causes = self.causes(&references, fates);
        let written_before = self
            .old
            .resources
            .get(&current.logical_id)
            .and_then(|old| old.properties.get(property.name));
        let secret =
            self.is_secret(written) || written_before.is_some_and(|old| self.is_secret(old));
        let values = if secret {
            (None, None)
        } else {
            (before, after.as_ref())
        };
        let detail = |source, is_static| detail(property, source, is_static, values);
        if !refers_to_new && diff::same(property.name, before, after.as_ref()) {
            // What is read from a resource that changes may change with it.
            return causes
                .into_iter()
                .filter(|(source, certain)| !certain && !matches!(source, Source::Parameter(_)))
                .map(|(source, _)| detail(source, false))
                .collect();
        }
        let rewritten = written_before != Some(written);
        let direct = detail(Source::Direct, rewritten || causes.is_empty());
        let others = causes
            .into_iter()
            .map(|(source, certain)| detail(source, certain));
        [direct].into_iter().chain(others).collect()
    }

    /// What a value depends on that changes, and whether that is certain.
    fn causes(
        &self,
        references: &[Reference],
        fates: &BTreeMap<&str, Fate>,
    ) -> Vec<(Source, bool)> {
        let fate = |name: &str| fates.get(name).copied().unwrap_or(Fate::Same);
        let mut causes: Vec<(Source, bool)> = Vec::new();
        for reference in references {
            let cause = match reference {
                Reference::Name(name) if self.parameters.contains(name) => {
                    Some((Source::Parameter(name.clone()), true))
                }
                Reference::Name(name) => match fate(name) {
                    Fate::Replaced => Some((Source::Resource(name.clone()), true)),
                    Fate::Conditional => Some((Source::Resource(name.clone()), false)),
                    Fate::Same | Fate::InPlace | Fate::Added => None,
                },
                Reference::Attribute(name, attribute) => {
                    let whole = match attribute {
                        Some(attribute) => format!("{name}.{attribute}"),
                        None => name.clone(),
                    };
                    match fate(name) {
                        Fate::Replaced => Some((Source::Attribute(whole), true)),
                        Fate::Conditional | Fate::InPlace => {
                            Some((Source::Attribute(whole), false))
                        }
                        Fate::Same | Fate::Added => None,
                    }
                }
                Reference::Condition(_) | Reference::Mapping(_) => None,
            };
            causes.extend(cause.filter(|cause| !causes.contains(cause)));
        }
        causes
    }

    /// Whether a value has a parameter in it that is never shown.
    fn is_secret(&self, written: &Value) -> bool {
        let templates = [self.old, &self.checked.template];
        let hidden = |name: &String| {
            let declared = templates.iter().filter_map(|one| one.parameters.get(name));
            declared.into_iter().any(|one| one.no_echo)
        };
        let references = references::of(written, None).unwrap_or_default();
        references
            .iter()
            .any(|one| matches!(one, Reference::Name(name) if hidden(name)))
    }
}

fn detail(
    property: &Property,
    source: Source,
    is_static: bool,
    (before, after): (Option<&Value>, Option<&Value>),
) -> Detail {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Detail {
        property: (property.name != TAGS[0]).then(|| property.name.to_owned()),
        recreation: match property.update.recreation() {
            Recreation::Never => "Never",
            Recreation::Conditionally => "Conditionally",
            Recreation::Always => "Always",
        }
        .to_owned(),
        is_static,
        source,
        values: (before.map(shown), after.map(shown)),
    }
}
