//! Waits as tables: every wait has a deadline, a default and someone who can extend it. The docs are printed from the tables.

use jiff::{SignedDuration, Timestamp};

use crate::{
    error::{ErrorCode, Rejection},
    policy::ms,
};

/// Longest that a wait is put off at once.
const EXTENSION_MAX_MS: i64 = 366 * 24 * 60 * 60 * 1_000;
/// Most waits of an order, or of a return, that were given more time.
pub(crate) const EXTENDED_MAX: usize = 1_000;

/// What has asked something outside, and has no other wait, is looked after so long after it was last heard of.
const ASKED_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// What waits for a person alone, likewise.
const HEARD_OF_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// When something should be heard of what was last heard of at `at`: its next wait is over, or something that it asked outside has been
/// answered.
pub(crate) fn heard_of_by(at: Timestamp, next: Option<Timestamp>, asks: bool) -> Timestamp {
    let asked = asks.then(|| at.saturating_add(ASKED_AGAIN_AFTER).unwrap_or(Timestamp::MAX));
    let idle = at.saturating_add(HEARD_OF_WITHIN).unwrap_or(Timestamp::MAX);
    next.into_iter().chain(asked).min().unwrap_or(idle)
}

/// A wait that is due then is put off to a later time, and within a year.
pub(crate) fn refuse_extension(due: Timestamp, until: Timestamp, at: Timestamp) -> Result<(), Rejection> {
    let latest = at.saturating_add(ms(EXTENSION_MAX_MS)).unwrap_or(Timestamp::MAX);
    if until < due || until <= at || until > latest {
        let why = format!("it is due at {due}: name a later time, within a year");
        return Err(Rejection::new(ErrorCode::RefusedByRule, why));
    }
    Ok(())
}

/// Declares what something can wait for: key, how long, what happens then, who extends it.
macro_rules! waits {
    (
        $(#[$doc:meta])* $Wait:ident
        { $( $name:ident = $key:literal, $lasts:literal, $default:literal, $extends:literal; )+ }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $Wait { $( #[serde(rename = $key)] $name, )+ }

        impl $Wait {
            /// Every wait: key, how long, what happens then, who may extend it. Printed into the docs.
            pub const TABLE: &[($Wait, &str, &str, &str, &str)] = &[ $( ($Wait::$name, $key, $lasts, $default, $extends), )+ ];
            /// What happens when it is over, in words.
            pub fn overdue(self) -> &'static str { match self { $( Self::$name => $default, )+ } }
            /// One such wait, by what it is and what waits.
            pub fn of(self, subject: &str) -> String { format!("{}.{subject}", self.key()) }
            pub fn key(self) -> &'static str { match self { $( Self::$name => $key, )+ } }
            /// The wait with this key.
            pub fn from_key(key: &str) -> Option<Self> { match key { $( $key => Some(Self::$name), )+ _ => None } }
            /// Who may give it more time; none for what nobody can.
            pub fn extended_by(self) -> Option<&'static str> {
                Some(match self { $( Self::$name => $extends, )+ }).filter(|who| *who != "nobody")
            }
        }
    };
}
pub(crate) use waits;
