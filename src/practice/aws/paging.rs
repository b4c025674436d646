//! Pages of a listing. A token is opaque to its holder and says after which item to go on.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

/// One page of `items`, which are in the order of their keys, and the token of the next; `None` when the token is none.
pub fn page<T>(
    items: Vec<(String, T)>,
    limit: usize,
    token: Option<&str>,
) -> Option<(Vec<T>, Option<String>)> {
    let after = match token {
        None => None,
        Some(token) => {
            let key = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
            Some(
                String::from_utf8(key)
                    .ok()?
                    .strip_prefix("after:")?
                    .to_owned(),
            )
        }
    };
    let mut left = items
        .into_iter()
        .filter(|(key, _)| after.as_ref().is_none_or(|after| key > after))
        .peekable();
    let mut page = Vec::new();
    let mut last = None;
    for (key, item) in left.by_ref().take(limit) {
        last = Some(key);
        page.push(item);
    }
    let next = left
        .peek()
        .and(last)
        .map(|key| BASE64_URL_SAFE_NO_PAD.encode(format!("after:{key}")));
    Some((page, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_together_are_the_whole_listing_even_if_an_item_goes_meanwhile() {
        let all = || {
            ["a", "b", "c", "d"]
                .map(|key| (key.to_owned(), key))
                .to_vec()
        };
        let (first, token) = page(all(), 2, None).unwrap();
        assert_eq!(first, ["a", "b"]);
        let mut fewer = all();
        fewer.remove(1);
        let (second, end) = page(fewer, 2, token.as_deref()).unwrap();
        assert_eq!((second, end), (vec!["c", "d"], None));
        assert!(page(all(), 2, Some("nonsense")).is_none());
    }
}
