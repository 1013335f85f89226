//! Free texts that people write: reasons, remarks. They may name people, so that each is kept beside its order's intake, and what travels and
//! is recorded (commands, events, documents) has a reference in its place.

use std::{fmt, ops::Range, str::FromStr};

use crate::ids::OrderId;

/// What every reference begins with.
pub const REFERENCE_PREFIX: &str = "text:";
/// 128 bits of a keyed hash.
const HASH_DIGITS: usize = 32;

/// What stands for a text of an order: `text:<order_id>:<hash>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextReference {
    pub order_id: OrderId,
    hash: String,
}

impl TextReference {
    /// `hash`: in hex, of at least 128 bits. The same text of the same order has the same one.
    pub fn new(order_id: OrderId, hash: &str) -> Self {
        Self { order_id, hash: hash.chars().take(HASH_DIGITS).collect() }
    }

    pub fn hash(&self) -> &str {
        &self.hash
    }
}

impl fmt::Display for TextReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{REFERENCE_PREFIX}{}:{}", self.order_id, self.hash)
    }
}

/// The references in a text, and where each stands: a sentence may quote what somebody has written.
pub fn references_in(text: &str) -> Vec<(Range<usize>, TextReference)> {
    let found = text.match_indices(REFERENCE_PREFIX).filter_map(|(start, prefix)| {
        let hash = start + prefix.len() + text[start + prefix.len()..].find(':')? + 1;
        let place = start..hash + HASH_DIGITS;
        text.get(place.clone())?.parse().ok().map(|reference| (place, reference))
    });
    found.collect()
}

/// Whether a text that was kept is the one that is said now. One from before texts were kept apart cannot be compared with a reference: whoever
/// says it again says the same.
pub fn is_the_same(kept: &str, said: &str) -> bool {
    let is_reference = |text: &str| text.parse::<TextReference>().is_ok();
    kept == said || is_reference(said) && !is_reference(kept)
}

/// It is no reference, but a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no reference to a text")]
pub struct NoReference;

impl FromStr for TextReference {
    type Err = NoReference;

    fn from_str(text: &str) -> Result<Self, NoReference> {
        let (order_id, hash) = text.strip_prefix(REFERENCE_PREFIX).and_then(|rest| rest.split_once(':')).ok_or(NoReference)?;
        let is_hash = hash.len() == HASH_DIGITS && hash.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let order_id = OrderId::parse(order_id).map_err(|_| NoReference)?;
        if is_hash { Ok(Self { order_id, hash: hash.to_owned() }) } else { Err(NoReference) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_it_is_written_and_a_text_is_none() {
        let reference = TextReference::new(OrderId::parse("A-1").unwrap(), &"0123456789abcdef".repeat(4));
        assert_eq!(reference.to_string(), "text:A-1:0123456789abcdef0123456789abcdef");
        assert_eq!(reference.to_string().parse(), Ok(reference));
        for text in ["too small", "text:", "text:A-1", "text:A-1:0123", "text:A 1:0123456789abcdef0123456789abcdef", ""] {
            assert_eq!(text.parse::<TextReference>(), Err(NoReference), "{text}");
        }
    }

    #[test]
    fn a_text_from_before_there_were_references_is_the_same_and_another_reference_is_not() {
        let reference = |digit: &str| TextReference::new(OrderId::parse("A-1").unwrap(), &digit.repeat(32)).to_string();
        assert!(is_the_same(&reference("a"), &reference("a")) && is_the_same("too small", "too small"));
        assert!(is_the_same("too small", &reference("a")));
        assert!(!is_the_same(&reference("a"), &reference("b")) && !is_the_same("too small", "too large"));
        assert!(!is_the_same(&reference("a"), "too small"));
    }

    #[test]
    fn references_are_found_within_sentences() {
        let [one, other] = ["a", "b"].map(|digit| TextReference::new(OrderId::parse("A-1").unwrap(), &digit.repeat(32)));
        let text = format!("declined: {one}. text: text:é:{other} ({other})");
        let found = references_in(&text);
        assert_eq!(
            found.iter().map(|(place, _)| &text[place.clone()]).collect::<Vec<_>>(),
            [one.to_string(), other.to_string(), other.to_string()]
        );
        assert!(references_in("text:A-1:é text:").is_empty());
    }
}
