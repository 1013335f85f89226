//! Money: an integer in the currency's minor unit, never without its currency, never a float.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::currencies::CURRENCIES;

/// A currency the house trades in: an ISO 4217 code, in capitals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency {
    index: u8,
}

/// The text is not an ISO 4217 code the house knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency: expected an ISO 4217 code such as GBP")]
pub struct UnknownCurrency;

impl Currency {
    /// Every code.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        CURRENCIES.iter().map(|(code, _)| *code)
    }
    pub fn code(self) -> &'static str {
        CURRENCIES[usize::from(self.index)].0
    }
    /// Decimals of the minor unit: 2 for GBP, 0 for JPY.
    pub fn decimals(self) -> u8 {
        CURRENCIES[usize::from(self.index)].1
    }
    /// An amount as people write it, such as `5.00`, in the minor unit. None when it has more decimals than the currency, or is none.
    pub fn minor_of(self, text: &str) -> Option<i64> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let decimals = usize::from(self.decimals());
        if whole.is_empty() || !all_digits(whole) || !all_digits(part) || part.len() > decimals || digits.ends_with('.') {
            return None;
        }
        format!("{whole}{part:0<decimals$}").parse::<i64>().ok().map(|minor| sign * minor)
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;
    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        let found = CURRENCIES.binary_search_by_key(&code, |(known, _)| known).map_err(|_| UnknownCurrency)?;
        Ok(Self { index: u8::try_from(found).map_err(|_| UnknownCurrency)? })
    }
}
impl TryFrom<String> for Currency {
    type Error = UnknownCurrency;
    fn try_from(code: String) -> Result<Self, UnknownCurrency> {
        code.parse()
    }
}
impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.code().to_owned()
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }
    pub fn minor(self) -> i64 {
        self.minor
    }
    pub fn currency(self) -> Currency {
        self.currency
    }
}

/// As people read it: `GBP 15.30`, `JPY 1530`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (decimals, sign) = (self.currency.decimals(), if self.minor < 0 { "-" } else { "" });
        let (minor, scale) = (self.minor.unsigned_abs(), 10_u64.pow(u32::from(decimals)));
        if decimals == 0 {
            return write!(f, "{} {sign}{minor}", self.currency);
        }
        let width = usize::from(decimals);
        write!(f, "{} {sign}{}.{:0width$}", self.currency, minor / scale, minor % scale)
    }
}

/// The share of `total_minor` that units `from..to` of `of` carry: ⌊T·to/of⌋ − ⌊T·from/of⌋ (LIFECYCLE.md, Payment).
///
/// Shares of neighbouring ranges add up exactly, so any split of the units splits the money without a penny lost.
/// `from ≤ to ≤ of` and `of > 0`; the floor is towards minus infinity, so credits are shared as exactly as charges.
pub fn share_minor(total_minor: i64, from: u64, to: u64, of: u64) -> i64 {
    debug_assert!(from <= to && to <= of && of > 0);
    let upto = |units: u64| (i128::from(total_minor) * i128::from(units)).div_euclid(i128::from(of));
    // The difference of two floors of fractions of an i64 lies between 0 and that i64.
    i64::try_from(upto(to) - upto(from)).unwrap_or(total_minor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_currency_table_is_sorted_so_that_the_search_finds_every_code() {
        for (code, decimals) in CURRENCIES {
            let currency: Currency = code.parse().unwrap();
            assert_eq!((currency.code(), currency.decimals()), (*code, *decimals));
        }
        assert!("gbp".parse::<Currency>().is_err() && "XXX".parse::<Currency>().is_err());
    }

    #[test]
    fn amounts_are_read_as_people_write_them_and_never_rounded() {
        let read = |code: &str, text: &str| code.parse::<Currency>().unwrap().minor_of(text);
        let read_gbp = ["5", "5.0", "5.00", "0.05", "-1.5", "007"].map(|text| read("GBP", text));
        assert_eq!(read_gbp, [500, 500, 500, 5, -150, 700].map(Some));
        assert_eq!((read("JPY", "1530"), read("KWD", "1.234")), (Some(1_530), Some(1_234)));
        for (code, text) in [
            ("GBP", "5.001"),
            ("JPY", "5.0"),
            ("GBP", ""),
            ("GBP", "5."),
            ("GBP", ".5"),
            ("GBP", "1,50"),
            ("GBP", "+5"),
            ("GBP", "5 "),
            ("GBP", "--5"),
            ("GBP", "99999999999999999999"),
        ] {
            assert_eq!(read(code, text), None, "{code} {text}");
        }
    }

    #[test]
    fn money_reads_as_people_write_it() {
        let gbp = "GBP".parse().unwrap();
        assert_eq!(Money::new(-1_530, gbp).to_string(), "GBP -15.30");
        assert_eq!(Money::new(7, "JPY".parse().unwrap()).to_string(), "JPY 7");
    }

    proptest! {
        #[test]
        fn shares_add_up_over_any_split(total in any::<i64>(), mut cuts in prop::collection::vec(0_u64..=1_000_000, 0..8)) {
            cuts.extend([0, 1_000_000]);
            cuts.sort_unstable();
            let sum: i128 = cuts.windows(2).map(|w| i128::from(share_minor(total, w[0], w[1], 1_000_000))).sum();
            prop_assert_eq!(sum, i128::from(total));
        }
    }
}
