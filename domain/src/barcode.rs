//! Codes on goods, as scanners read them and people type them.

/// Longest code of a product.
pub const BARCODE_MAX_CHARS: usize = 80;
/// A GTIN with all its digits (GS1 General Specifications, 2.1).
const GTIN_DIGITS: usize = 14;

/// A code without what a scanner puts before it (the symbology identifier of ISO/IEC 15424, FNC1) and around it; a GTIN of any length with
/// 14 digits, so that the same article has the same code, whichever of its bars was read.
pub fn normalised(code: &str) -> String {
    let code = code.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let code = without_symbology(code).trim_start_matches('\u{1d}');
    match code.len() {
        8 | 12 | 13 if is_gtin(code) => format!("{code:0>GTIN_DIGITS$}"),
        _ => code.to_owned(),
    }
}

/// `]C1`, `]E0` and the like: a bracket, a letter and a digit or letter.
fn without_symbology(code: &str) -> &str {
    let mut signs = code.chars();
    match (signs.next(), signs.next(), signs.next()) {
        (Some(']'), Some(kind), Some(modifier)) if kind.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() => signs.as_str(),
        _ => code,
    }
}

/// Whether it is as long as a GTIN, of digits alone, with the right check digit.
pub fn is_gtin(code: &str) -> bool {
    let digits = || code.bytes().rev().map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let weighted = digits().enumerate().map(|(place, digit)| if place % 2 == 1 { 3 * digit } else { digit });
    matches!(code.len(), 8 | 12 | 13 | GTIN_DIGITS) && code.bytes().all(|byte| byte.is_ascii_digit()) && weighted.sum::<u32>() % 10 == 0
}

/// Why a code cannot be kept; None: it can. One that is all digits and as long as a GTIN must be one: the rest are typing errors.
pub fn flaw(code: &str) -> Option<&'static str> {
    let is_long_number = matches!(code.len(), 8 | 12 | 13 | GTIN_DIGITS) && code.bytes().all(|byte| byte.is_ascii_digit());
    match code {
        "" => Some("must not be empty"),
        long if long.chars().count() > BARCODE_MAX_CHARS => Some("must have at most 80 characters"),
        odd if odd.chars().any(|c| c.is_control()) => Some("must be of printable characters"),
        number if is_long_number && !is_gtin(number) => Some("is as long as a GTIN, and its check digit is wrong"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_has_one_code_whichever_bars_were_read() {
        for read in ["4006381333931", "]E04006381333931", " 04006381333931\r\n", "\u{1d}4006381333931"] {
            assert_eq!(normalised(read), "04006381333931", "{read:?}");
        }
        assert_eq!(normalised("036000291452"), "00036000291452");
        assert_eq!(normalised("96385074"), "00000096385074");
        assert_eq!(normalised("85123A"), "85123A");
        assert_eq!(normalised("]"), "]");
    }

    #[test]
    fn a_gtin_with_a_wrong_check_digit_is_a_typing_error() {
        assert!(flaw("4006381333931").is_none() && flaw("ABC-1").is_none() && flaw("1234567").is_none());
        assert!(flaw("4006381333932").unwrap().contains("check digit"));
        assert!(flaw("").is_some() && flaw(&"x".repeat(81)).is_some());
    }
}
