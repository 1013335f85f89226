//! Amounts as Stripe counts them (<https://docs.stripe.com/currencies#minor-units>): mostly the currency's minor unit, and not always.

use oms_domain::money::{Currency, Money};

use crate::ports::PortError;

/// Counted in whole units, whatever ISO 4217 says.
const WHOLE: [&str; 16] = ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF", "ZMK"];
/// Counted in hundredths, which are always 0.
const HUNDREDTHS_OF_WHOLE: [&str; 2] = ["ISK", "UGX"];
/// Of a currency with thousandths the last digit is always 0.
const THOUSANDTHS_STEP: i64 = 10;

/// Decimals of the unit that Stripe counts in.
fn decimals(currency: Currency) -> u8 {
    match currency.code() {
        code if WHOLE.contains(&code) => 0,
        code if HUNDREDTHS_OF_WHOLE.contains(&code) => 2,
        _ => currency.decimals(),
    }
}

/// As Stripe counts it. Errors: `Refused`, for an amount that it cannot take.
pub(super) fn to_stripe(money: Money) -> Result<i64, PortError> {
    let currency = money.currency();
    let refused = || PortError::Refused(format!("Stripe takes no amount of {currency} as small as this one is exact to"));
    let scaled = rescaled(money.minor(), currency.decimals(), decimals(currency)).ok_or_else(refused)?;
    if currency.decimals() == 3 && scaled % THOUSANDTHS_STEP != 0 {
        return Err(refused());
    }
    Ok(scaled)
}

/// As the house counts it. Errors: an amount that the house has no unit for.
pub(super) fn from_stripe(amount: i64, currency: Currency) -> Result<Money, ()> {
    rescaled(amount, decimals(currency), currency.decimals()).map(|minor| Money::new(minor, currency)).ok_or(())
}

fn rescaled(amount: i64, from: u8, to: u8) -> Option<i64> {
    let factor = 10_i64.pow(u32::from(from.abs_diff(to)));
    if to >= from { amount.checked_mul(factor) } else { (amount % factor == 0).then_some(amount / factor) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_the_same_money_on_both_sides() {
        for (code, minor, stripe) in [
            ("GBP", 1_234, Some(1_234)),
            ("JPY", 500, Some(500)),
            ("KRW", 12_000, Some(12_000)),
            ("KWD", 12_340, Some(12_340)),
            ("KWD", 12_345, None),
            ("ISK", 500, Some(50_000)),
            ("UGX", 7, Some(700)),
            ("MGA", 1_200, Some(12)),
            ("MGA", 1_250, None),
        ] {
            let money = Money::new(minor, code.parse().unwrap());
            let sent = to_stripe(money).ok();
            assert_eq!(sent, stripe, "{money}");
            if let Some(sent) = sent {
                assert_eq!(from_stripe(sent, money.currency()), Ok(money));
            }
        }
        assert_eq!(from_stripe(50_001, "ISK".parse().unwrap()), Err(()));
    }
}
