//! What an address must look like where its country is known, so that a slip of the pen is seen before a parcel goes astray. Only what
//! is there is judged: the API does not ask for a postal code, and many countries have none.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::placed::Address;

/// How postal codes look, by country: `9` is a digit, `A` a letter. Blanks and dashes are left out here, and do not count.
const POSTAL_CODES: &[(&str, &[&str])] = &[
    ("AT", &["9999"]),
    ("AU", &["9999"]),
    ("BE", &["9999"]),
    ("CA", &["A9A9A9"]),
    ("CH", &["9999"]),
    ("DE", &["99999"]),
    ("DK", &["9999"]),
    ("ES", &["99999"]),
    ("FI", &["99999"]),
    ("FR", &["99999"]),
    // The last one is a bank's, GIR 0AA.
    ("GB", &["A99AA", "A999AA", "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA", "AAA9AA"]),
    ("IT", &["99999"]),
    ("JP", &["9999999"]),
    ("NL", &["9999AA"]),
    ("NO", &["9999"]),
    ("PL", &["99999"]),
    ("PT", &["9999999"]),
    ("SE", &["99999"]),
    ("US", &["99999", "999999999"]),
];

/// What is wrong with an address. Says nothing of what it contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressFlaw {
    /// There is a postal code, and its country has none like it.
    PostalCode,
}

impl AddressFlaw {
    /// The first flaw of an address; none in a country that is not known here.
    pub fn of(address: &Address) -> Option<Self> {
        let code = address.postal_code.as_deref()?;
        let (_, forms) = POSTAL_CODES.iter().find(|(country, _)| *country == address.country)?;
        let fits = |code: &str| forms.contains(&code.chars().map(kind).collect::<String>().as_str());
        let code = bare(code);
        let without_country = prefixes(&address.country).filter_map(|prefix| code.strip_prefix(prefix)).any(fits);
        (!fits(&code) && !without_country).then_some(Self::PostalCode)
    }

    /// For the person who lifts the hold.
    pub fn why(self) -> &'static str {
        match self {
            Self::PostalCode => "the postal code is not of a form that its country has",
        }
    }
}

/// A code as people write it, without what they write around it: 〒１００-０００１ is 1000001.
fn bare(code: &str) -> String {
    let counts = |c: &char| !c.is_whitespace() && *c != '〒' && !is_dash(*c);
    code.nfkc().filter(counts).flat_map(char::to_uppercase).collect()
}

/// The hyphen, and what keyboards and word processors put in its place.
fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' | '\u{30fc}')
}

/// What stands before a code on letters from abroad (D-10115): the sign on the country's cars, and its ISO code.
fn prefixes(country: &str) -> impl Iterator<Item = &str> {
    const SIGNS: &[(&str, &str)] = &[
        ("AT", "A"),
        ("BE", "B"),
        ("CH", "CH"),
        ("DE", "D"),
        ("DK", "DK"),
        ("ES", "E"),
        ("FI", "FIN"),
        ("FR", "F"),
        ("IT", "I"),
        ("NO", "N"),
        ("PT", "P"),
        ("SE", "S"),
    ];
    let sign = SIGNS.iter().find(|(of, _)| *of == country).map(|(_, sign)| *sign);
    std::iter::once(country).chain(sign)
}

/// What the forms above call a character; any other stands for itself and fits none of them.
fn kind(c: char) -> char {
    match c {
        '0'..='9' => '9',
        'a'..='z' | 'A'..='Z' => 'A',
        other => other,
    }
}
