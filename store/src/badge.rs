//! Badges: a code that a scanner reads, of the characters that every barcode has, and known by its hash.

use secrecy::SecretString;

use crate::api_key::{KeyHash, random_bytes};

const PREFIX: &str = "BDG-";
/// Five random bits each.
const CHARS: usize = 16;
/// Crockford's base 32, without what is read as something else.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A badge's code: `BDG-` and 80 random bits.
#[derive(Clone)]
pub struct BadgeCode(SecretString);

impl BadgeCode {
    /// A new one.
    ///
    /// # Panics
    /// When the system has no random numbers to give: nothing made then would be a secret.
    pub fn random() -> Self {
        let code: String = random_bytes::<CHARS>().iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
        Self(format!("{PREFIX}{code}").into())
    }

    /// The code that a scanner has read, whatever its keyboard makes of letters.
    pub fn parse(scanned: &str) -> Option<Self> {
        let code = scanned.trim().to_ascii_uppercase();
        let rest = code.strip_prefix(PREFIX)?;
        (rest.len() == CHARS && rest.bytes().all(|b| ALPHABET.contains(&b))).then(|| Self(code.into()))
    }

    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.0)
    }

    /// The whole code: to be shown once, to whoever prints it.
    pub fn text(&self) -> &SecretString {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_badge_is_read_as_scanners_type_it() {
        let badge = BadgeCode::random();
        let text = badge.text().expose_secret();
        for scanned in [text.to_owned(), text.to_lowercase(), format!(" {text}\n")] {
            assert!(BadgeCode::parse(&scanned).is_some_and(|read| read.hash().matches(&badge.hash())), "{scanned}");
        }
        for wrong in ["", "BDG-", &text[..text.len() - 1], &text.replace("BDG", "CMD"), &format!("{text}0")] {
            assert!(BadgeCode::parse(wrong).is_none(), "{wrong}");
        }
        assert!(!BadgeCode::random().hash().matches(&badge.hash()));
    }
}
