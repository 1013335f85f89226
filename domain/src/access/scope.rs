//! How far roles reach: all facilities and channels, or some.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{ids::FacilityId, money::Currency};

/// All there are, also those to come, or only those that are named.
#[derive(Default, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    from = "Option<BTreeSet<T>>",
    into = "Option<BTreeSet<T>>",
    bound(serialize = "T: Clone + Serialize", deserialize = "T: Ord + Deserialize<'de>")
)]
pub enum Reach<T: Ord> {
    #[default]
    All,
    Only(BTreeSet<T>),
}

impl<T: Ord> Reach<T> {
    pub fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// Whether it is within reach.
    pub fn covers<Q: Ord + ?Sized>(&self, one: &Q) -> bool
    where
        T: std::borrow::Borrow<Q>,
    {
        match self {
            Self::All => true,
            Self::Only(some) => some.contains(one),
        }
    }

    /// Those that are named; None: no need to name any.
    pub fn only(&self) -> Option<&BTreeSet<T>> {
        match self {
            Self::All => None,
            Self::Only(some) => Some(some),
        }
    }
}

impl<T: Ord> From<Option<BTreeSet<T>>> for Reach<T> {
    fn from(some: Option<BTreeSet<T>>) -> Self {
        some.map_or(Self::All, Self::Only)
    }
}

impl<T: Ord> From<Reach<T>> for Option<BTreeSet<T>> {
    fn from(reach: Reach<T>) -> Self {
        match reach {
            Reach::All => None,
            Reach::Only(some) => Some(some),
        }
    }
}

/// What of the house somebody knows of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Absent: all.
    #[serde(default)]
    pub facilities: Reach<FacilityId>,
    /// Absent: all.
    #[serde(default)]
    pub channels: Reach<String>,
    /// Whose scans they bring. Absent: all carriers'.
    #[serde(default, skip_serializing_if = "Reach::is_all")]
    pub carriers: Reach<String>,
    /// In which they place orders. Absent: all.
    #[serde(default, skip_serializing_if = "Reach::is_all")]
    pub currencies: Reach<Currency>,
}

impl Scope {
    /// Whether they may say what this carrier reports: names differ in case, blanks and dashes.
    pub fn speaks_for(&self, carrier: &str) -> bool {
        self.carriers.only().is_none_or(|some| some.iter().any(|known| plain(known) == plain(carrier)))
    }

    /// Nothing is hidden.
    pub fn is_whole(&self) -> bool {
        self.facilities.is_all() && self.channels.is_all()
    }

    /// Whether an order of the channel, which is at these facilities, is known of.
    pub fn sees_order<'a>(&self, channel: &str, facilities: impl IntoIterator<Item = &'a FacilityId>) -> bool {
        self.channels.covers(channel) && (self.facilities.is_all() || facilities.into_iter().any(|id| self.facilities.covers(id)))
    }
}

fn plain(carrier: &str) -> String {
    carrier.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(facilities: &[&str], channels: &[&str]) -> Scope {
        let named = |names: &[&str]| (!names.is_empty()).then(|| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
        let facilities = named(facilities).map(|ids| ids.into_iter().map(|id| FacilityId::parse(id).unwrap()).collect());
        Scope { facilities: Reach::from(facilities), channels: Reach::from(named(channels)), ..Scope::default() }
    }

    #[test]
    fn an_order_is_seen_by_its_channel_and_by_any_of_its_facilities() {
        let (here, there) = (FacilityId::parse("HERE").unwrap(), FacilityId::parse("THERE").unwrap());
        assert!(Scope::default().sees_order("web", []));
        assert!(some(&["HERE"], &[]).sees_order("web", [&there, &here]));
        assert!(!some(&["HERE"], &[]).sees_order("web", [&there]) && !some(&["HERE"], &[]).sees_order("web", []));
        assert!(some(&[], &["web"]).sees_order("web", []) && !some(&[], &["web"]).sees_order("shop", []));
        assert!(!some(&["HERE"], &["web"]).sees_order("shop", [&here]));
    }

    #[test]
    fn a_carrier_speaks_for_itself_however_its_name_is_written() {
        let own = Scope { carriers: Reach::Only(["DHL Express".to_owned()].into()), ..Scope::default() };
        assert!(own.speaks_for("dhl-express") && !own.speaks_for("dhl") && !own.speaks_for("") && own.is_whole());
        assert!(Scope::default().speaks_for("anybody"));
    }

    #[test]
    fn nobody_named_is_nobody_and_no_list_is_all() {
        let read = |text: &str| serde_json::from_str::<Scope>(text).unwrap();
        assert!(read("{}").is_whole() && read(r#"{"facilities":null}"#).is_whole());
        let none = read(r#"{"channels":[]}"#);
        assert!(!none.is_whole() && !none.sees_order("web", []));
        assert_eq!(serde_json::to_string(&some(&["A"], &[])).unwrap(), r#"{"facilities":["A"],"channels":null}"#);
    }
}
