//! How people come in: what a password must be, how long a session lasts, and how whoever guesses is slowed.

/// Shortest and longest password. What else makes one good is not to be told from its letters.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 12..=256;
/// A session of which nothing is heard for so long has ended.
pub const SESSION_IDLE_S: u32 = 30 * 60;
/// However busy it is, it ends after so long.
pub const SESSION_MAX_S: u32 = 12 * 60 * 60;
/// An invitation is good for so long, and for one time.
pub const INVITATION_S: u32 = 7 * 24 * 60 * 60;
/// That of the first admin, which whoever sets the house up carries over by hand.
pub const FIRST_INVITATION_S: u32 = 60 * 60;

/// So many tries in a row may fail from one place under one name before the next one waits: a second, then twice as long each time, and a
/// minute at most. Nobody is locked out: neither for good, nor by somebody elsewhere who does not know the password.
pub const LOGIN_TRIES_AT_ONCE: u32 = 5;
pub const LOGIN_PAUSE_S: u32 = 1;
pub const LOGIN_PAUSE_MAX_S: u32 = 60;

/// Why a password cannot be one, if it cannot.
pub fn password_flaw(password: &str) -> Option<String> {
    let (least, most) = (PASSWORD_CHARS.start(), PASSWORD_CHARS.end());
    (!PASSWORD_CHARS.contains(&password.chars().count())).then(|| format!("must have {least} to {most} characters"))
}

/// An e-mail address as it is compared. None: it is none.
pub fn plain_email(text: &str) -> Option<String> {
    let plain = text.trim().to_lowercase();
    let (local, host) = plain.rsplit_once('@')?;
    let legal = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    (plain.len() <= EMAIL_MAX_BYTES && legal(local) && legal(host)).then_some(plain)
}

/// Longest address that mail is sent to: RFC 5321, 4.5.3.1.3.
const EMAIL_MAX_BYTES: usize = 254;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_judged_by_its_length_in_characters() {
        assert!(password_flaw("eleven char").is_some() && password_flaw("twelve chars").is_none());
        assert!(password_flaw(&"ä".repeat(12)).is_none() && password_flaw(&"x".repeat(257)).is_some());
    }

    #[test]
    fn an_address_is_compared_in_lower_case_and_without_blanks_around_it() {
        assert_eq!(plain_email(" Kim@Example.COM ").as_deref(), Some("kim@example.com"));
        for wrong in ["", "kim", "@example.com", "kim@", "k im@example.com", &format!("{}@x", "a".repeat(254))] {
            assert_eq!(plain_email(wrong), None, "{wrong}");
        }
    }
}
