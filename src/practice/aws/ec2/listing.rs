//! What all of EC2's Describe calls have in common: ids, filters, pages, tags.

use regex::Regex;

use crate::practice::aws::paging;
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::{Tags, World};

/// A filter's name, and the values it looks at.
pub type Field<T> = (&'static str, fn(&World, &T) -> Vec<String>);

/// A record that a Describe call lists.
pub trait Described: Sized + 'static {
    /// Filters, but for those on tags.
    const FIELDS: &'static [Field<Self>];

    /// What it is listed by: its id, or its name where that is what one asks for.
    fn key(&self) -> &str;

    /// Its tags.
    fn tags(&self) -> Tags;

    /// The one with this id.
    fn find(world: &World, id: &str) -> Result<Self, AwsError>;

    /// All, in the order of their ids.
    fn all(world: &World) -> Vec<Self>;

    /// It as XML.
    fn element(&self, world: &World, item: Element) -> Element;
}

/// What a Describe call asks for.
#[derive(Debug)]
pub struct Listing {
    ids: Vec<String>,
    filters: Vec<(String, Vec<String>)>,
    limit: Option<usize>,
    token: Option<String>,
}

impl Listing {
    /// Takes it from the parameters, of which `ids` names the ids.
    pub fn take(params: &mut Params, ids: &str) -> Result<Self, AwsError> {
        let ids = params.texts(ids)?;
        let mut filters = Vec::new();
        for mut filter in params.list("Filter")? {
            let name = filter.needed("Name")?;
            let values = filter.texts("Value")?;
            filter.finish()?;
            if values.is_empty() {
                return Err(AwsError::client(
                    "InvalidParameterValue",
                    "The filter 'null' is invalid",
                ));
            }
            filters.push((name, values));
        }
        let limit: Option<usize> = params.number("MaxResults")?;
        if let Some(limit) = limit.filter(|limit| !(5..=1000).contains(limit)) {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!(
                    "Value ( {limit} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000."
                ),
            ));
        }
        if limit.is_some() && !ids.is_empty() {
            return Err(AwsError::client(
                "InvalidParameterCombination",
                "The parameter MaxResults cannot be used with a list of ids",
            ));
        }
        Ok(Self {
            ids,
            filters,
            limit,
            token: params.text("NextToken"),
        })
    }

    /// What is asked for, and the token of the next page.
    pub fn choose<T: Described>(
        &self,
        world: &World,
    ) -> Result<(Vec<T>, Option<String>), AwsError> {
        let mut chosen = if self.ids.is_empty() {
            T::all(world)
        } else {
            self.ids
                .iter()
                .map(|id| T::find(world, id))
                .collect::<Result<_, _>>()?
        };
        for (name, values) in &self.filters {
            let wanted: Vec<Regex> = values.iter().filter_map(|value| pattern(value)).collect();
            let matches = |value: &String| wanted.iter().any(|wanted| wanted.is_match(value));
            if let Some(key) = name.strip_prefix("tag:") {
                chosen.retain(|item| item.tags().get(key).is_some_and(matches));
            } else if name == "tag-key" {
                chosen.retain(|item| item.tags().keys().any(matches));
            } else if let Some((_, field)) = T::FIELDS.iter().find(|(field, _)| field == name) {
                chosen.retain(|item| field(world, item).iter().any(matches));
            } else {
                return Err(AwsError::client(
                    "InvalidParameterValue",
                    format!("The filter '{name}' is invalid"),
                ));
            }
        }
        let keyed = chosen
            .into_iter()
            .map(|item| (item.key().to_owned(), item))
            .collect();
        paging::page(
            keyed,
            self.limit.unwrap_or(usize::MAX),
            self.token.as_deref(),
        )
        .ok_or_else(|| AwsError::client("InvalidNextToken", "The token is invalid."))
    }
}

/// A filter's value, in which `*` and `?` stand for any text and any character.
fn pattern(value: &str) -> Option<Regex> {
    let mut pattern = String::from("(?s)^");
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            '\\' => {
                let literal = letters.next().unwrap_or('\\');
                pattern.push_str(&regex::escape(&literal.to_string()));
            }
            literal => pattern.push_str(&regex::escape(&literal.to_string())),
        }
    }
    pattern.push('$');
    Regex::new(&pattern).ok()
}

/// Answers a Describe call whose result is one set of items.
pub fn describe<T: Described>(
    world: &World,
    mut params: Params,
    ids: &str,
    response: Element,
    set: &str,
) -> Result<Element, AwsError> {
    let listing = Listing::take(&mut params, ids)?;
    params.finish()?;
    let (items, next) = listing.choose::<T>(world)?;
    Ok(response
        .list(set, "item", items, |item, one| one.element(world, item))
        .maybe("nextToken", next))
}

/// A resource's `tagSet`.
pub fn tag_set(element: Element, tags: &Tags) -> Element {
    element.list("tagSet", "item", tags, |item, (key, value)| {
        item.text("key", key).text("value", value)
    })
}

/// An instant as EC2 writes it.
pub fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// One value.
#[allow(
    clippy::needless_pass_by_value,
    reason = "taken from values and references alike"
)]
pub fn one(value: impl ToString) -> Vec<String> {
    vec![value.to_string()]
}

/// A value that may be missing.
pub fn maybe(value: Option<impl ToString>) -> Vec<String> {
    value.map(|value| value.to_string()).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_anything_unless_escaped() {
        let matches = |value: &str, text: &str| pattern(value).unwrap().is_match(text);
        assert!(matches("lab-*", "lab-7f3k") && matches("l?b", "lab") && matches("a.b", "a.b"));
        assert!(!matches("a.b", "axb") && !matches("lab", "lab-7f3k") && !matches("l\\*b", "lab"));
    }
}
