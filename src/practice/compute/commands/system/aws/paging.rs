//! Listings over several pages: asked for until they end, or until there are as many items as are wanted.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::arguments::Arguments;
use super::call::{Client, Failure};
use super::model::{Operation, Pages};
use super::value::Value;

/// What a paged operation gives.
#[derive(Debug, Default)]
pub struct Listing {
    /// Results of each page.
    pub pages: Vec<Value>,
    /// Where to go on, when it was cut.
    pub resume: Option<String>,
}

/// Whether the operation is to be asked until its listing ends: not when the learner pages himself.
pub fn pages<'a>(
    operation: &'a Operation,
    arguments: &Arguments,
    paginate: bool,
) -> Option<&'a Pages> {
    let pages = operation.pages.as_ref().filter(|_| paginate)?;
    let by_hand = arguments.get(pages.input).is_some()
        || pages
            .limit
            .is_some_and(|limit| arguments.get(limit).is_some());
    (!by_hand).then_some(pages)
}

/// Asks for page after page.
pub async fn list(
    client: &Client<'_>,
    operation: &Operation,
    pages: &Pages,
    arguments: &Arguments,
) -> Result<Listing, Failure> {
    let mut parameters = arguments.parameters.clone();
    if let (Some(limit), Some(size)) = (pages.limit, arguments.page_size) {
        parameters.push((limit, Value::Integer(size)));
    }
    let start = arguments.starting_token.as_deref();
    let (mut token, mut skip) = match start {
        Some(text) => from_token(pages, text)?,
        None => (None, 0),
    };
    let mut listing = Listing::default();
    let mut total = 0;
    loop {
        let mut asked = parameters.clone();
        if let Some(token) = &token {
            asked.push((pages.input, Value::Text(token.clone())));
        }
        let answer = client.ask(operation, &asked).await?;
        let next = answer.get(pages.output).and_then(Value::text);
        let next = next.filter(|next| !next.is_empty()).map(str::to_owned);
        let mut found: Vec<(String, Value)> = Vec::new();
        for result in &pages.results {
            if let Some(value) = answer.get(result) {
                found.push(((*result).to_owned(), value.clone()));
            }
        }
        let skipped = std::mem::take(&mut skip);
        let mut cut = None;
        for (at, (_, value)) in found.iter_mut().enumerate() {
            let Value::List(items) = value else { continue };
            // Only the first of several results counts, and is cut.
            items.drain(..skipped.min(items.len()));
            if at > 0 {
                continue;
            }
            let room = arguments.max_items.map(|most| most.saturating_sub(total));
            if let Some(room) = room.filter(|room| items.len() > *room) {
                items.truncate(room);
                cut = Some(room + skipped);
            }
            total += items.len();
        }
        listing.pages.push(Value::Object(found));
        if let Some(cut) = cut {
            listing.resume = Some(to_token(pages, token.as_deref(), Some(cut)));
            return Ok(listing);
        }
        match next {
            None => return Ok(listing),
            Some(next) if arguments.max_items == Some(total) => {
                listing.resume = Some(to_token(pages, Some(&next), None));
                return Ok(listing);
            }
            Some(next) => token = Some(next),
        }
    }
}

impl Listing {
    /// All pages as one answer.
    pub fn whole(self) -> Value {
        let mut whole: Vec<(String, Value)> = Vec::new();
        for page in self.pages {
            let Value::Object(results) = page else {
                continue;
            };
            for (name, value) in results {
                match (whole.iter_mut().find(|(known, _)| *known == name), value) {
                    (Some((_, Value::List(all))), Value::List(more)) => all.extend(more),
                    (Some(_), _) => {}
                    (None, value) => whole.push((name, value)),
                }
            }
        }
        if let Some(resume) = self.resume {
            whole.push(("NextToken".to_owned(), Value::Text(resume)));
        }
        Value::Object(whole)
    }
}

/// A token of the command's own: that of the page, and how many of its items were shown.
fn to_token(pages: &Pages, token: Option<&str>, shown: Option<usize>) -> String {
    let token = token.map_or(Value::Null, Value::from);
    let mut members = vec![(pages.input.to_owned(), token)];
    if let Some(shown) = shown {
        let shown = i64::try_from(shown).unwrap_or(i64::MAX);
        members.push(("boto_truncate_amount".to_owned(), Value::Integer(shown)));
    }
    BASE64_STANDARD.encode(Value::Object(members).line())
}

fn from_token(pages: &Pages, text: &str) -> Result<(Option<String>, usize), Failure> {
    let read = || {
        let json = String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok()?;
        let token = Value::parse(&json).ok()?;
        let shown = match token.get("boto_truncate_amount") {
            Some(Value::Integer(shown)) => usize::try_from(*shown).ok()?,
            _ => 0,
        };
        let page = token.get(pages.input)?.text().map(str::to_owned);
        Some((page, shown))
    };
    read().ok_or_else(|| Failure::new(255, format!("Bad starting token: {text}")))
}
