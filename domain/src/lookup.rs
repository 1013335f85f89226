//! What somebody who calls says of their order, as it is compared: people write the same number, code and name in many ways.

/// Digits that tell a phone number, whatever stands before them for the country.
const PHONE_DIGITS: usize = 9;
/// Fewer are no phone number.
const PHONE_DIGITS_MIN: usize = 7;
/// Letters and digits of postal codes.
const POSTAL_CODE_CHARS: std::ops::RangeInclusive<usize> = 3..=10;
/// Words of a name that it is found by.
const WORDS_MAX: usize = 8;
/// A shorter word tells nothing.
const WORD_CHARS_MIN: usize = 2;

/// The last digits of a phone number, if it can be one.
pub fn phone(text: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_digit() || " +-/().".contains(c);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_phone = text.chars().all(is_part) && digits.len() >= PHONE_DIGITS_MIN;
    is_phone.then(|| digits[digits.len().saturating_sub(PHONE_DIGITS)..].to_owned())
}

/// Letters and digits of a postal code, if it can be one: it has a digit, or it would be any word.
pub fn postal_code(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    let is_code = text.chars().all(|c| c.is_alphanumeric() || c == ' ' || c == '-') && plain.chars().any(|c| c.is_ascii_digit());
    (is_code && POSTAL_CODE_CHARS.contains(&plain.chars().count())).then_some(plain)
}

/// Whole words of a name, in lower case, the longest first.
pub fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'').map(str::to_lowercase);
    let mut words: Vec<String> =
        words.filter(|word| word.chars().count() >= WORD_CHARS_MIN && word.chars().any(char::is_alphabetic)).collect();
    words.sort_by_key(|word| (std::cmp::Reverse(word.chars().count()), word.clone()));
    words.dedup();
    words.truncate(WORDS_MAX);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_the_same_however_it_is_written() {
        for text in ["+44 7700 900123", "07700 900123", "0044 (7700) 900-123"] {
            assert_eq!(phone(text).as_deref(), Some("700900123"), "{text}");
        }
        for text in ["", "12345", "T1-F2-P1", "call 07700 900123", "4711"] {
            assert_eq!(phone(text), None, "{text}");
        }
    }

    #[test]
    fn a_postal_code_has_a_digit_and_no_blanks() {
        for text in ["ls1 4ap", "LS1-4AP", "LS14AP"] {
            assert_eq!(postal_code(text).as_deref(), Some("LS14AP"), "{text}");
        }
        for text in ["Leeds", "1", "somebody@example.com", "0190c1f2-7a3b-7000-8000-0123456789ab"] {
            assert_eq!(postal_code(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_its_words_in_any_order_and_case() {
        assert_eq!(words("Ada  Example-Lovelace"), ["lovelace", "example", "ada"]);
        assert_eq!(words("EXAMPLE, Ada"), words("ada example"));
        assert_eq!(words("O'Brien J. 2"), ["o'brien"]);
    }
}
