//! Secrets that are made here for people: shown once, and known afterwards by their hash alone.

use secrecy::SecretString;

use crate::api_key::{KeyHash, hex, random_bytes};

/// Hexadecimal digits of one: 256 random bits.
const DIGITS: usize = 64;

/// What a token is good for: no other kind is taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Its holder is who has logged in.
    Session,
    /// Its holder may set a password, once.
    Invitation,
    /// It stands at a station, which people take over.
    Station,
}

/// A secret of a kind: `oms-session_<256 random bits>`.
#[derive(Clone)]
pub struct Token(SecretString);

impl TokenKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Session => "oms-session_",
            Self::Invitation => "oms-invitation_",
            Self::Station => "oms-station_",
        }
    }
}

impl Token {
    /// A new one.
    ///
    /// # Panics
    /// When the system has no random numbers to give: nothing made then would be a secret.
    pub fn random(kind: TokenKind) -> Self {
        Self(format!("{}{}", kind.prefix(), hex(&random_bytes::<{ DIGITS / 2 }>())).into())
    }

    /// The token, if the text has the form of one of this kind.
    pub fn parse(kind: TokenKind, text: &str) -> Option<Self> {
        let digits = text.strip_prefix(kind.prefix())?;
        let legal = digits.len() == DIGITS && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        legal.then(|| Self(text.into()))
    }

    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.0)
    }

    /// The whole token: to be shown once, to whoever it was made for.
    pub fn text(&self) -> &SecretString {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_token_is_read_back_as_what_it_is_and_as_nothing_else() {
        let token = Token::random(TokenKind::Session);
        let text = token.text().expose_secret();
        let read = Token::parse(TokenKind::Session, text).unwrap();
        assert!(read.hash().matches(&token.hash()) && !Token::random(TokenKind::Session).hash().matches(&token.hash()));
        assert!(Token::parse(TokenKind::Invitation, text).is_none());
        for wrong in ["", "oms-session_", &text[1..], &text[..text.len() - 1], &text.to_uppercase()] {
            assert!(Token::parse(TokenKind::Session, wrong).is_none(), "{wrong}");
        }
    }
}
