//! Stations: places of work that people take over by a badge and a PIN. Neither is good for money, wherever it is shown.

use super::{Principal, Reach, Role};
use crate::ids::{FacilityId, StationId};

/// Digits of a PIN: few, since it is good for nothing without the badge, and whoever guesses waits (see `login`).
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;
/// A station that nobody has worked at for so long asks for a badge again.
pub const STATION_IDLE_S: u32 = 10 * 60;

impl Role {
    /// Whether it is work where the goods are: what somebody is at a station, whatever else they are to the house.
    pub fn is_of_a_facility(self) -> bool {
        matches!(self, Self::Associate | Self::FacilityManager)
    }
}

impl Principal {
    /// The same person at a station: with what they are to its facility alone. None: they have nothing to do there.
    pub fn at_station(mut self, station: StationId, facility: &FacilityId) -> Option<Self> {
        self.roles.retain(|role| role.is_of_a_facility());
        if self.roles.is_empty() || !self.sees_facility(facility) {
            return None;
        }
        self.scope.facilities = Reach::Only([facility.clone()].into());
        self.station = Some(station);
        Some(self)
    }
}

/// Why digits cannot be a PIN, if they cannot.
pub fn pin_flaw(pin: &str) -> Option<&'static str> {
    let digits = pin.as_bytes();
    if !PIN_DIGITS.contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Some("must be 4 to 12 digits");
    }
    let steps = |step: i16| digits.windows(2).all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == step);
    (steps(0) || steps(1) || steps(-1)).then_some("must not be one digit again and again, nor digits in a row")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::{Permission, PrincipalKind, Scope},
        ids::AccountId,
    };

    fn person(roles: &[Role], facilities: &[&str]) -> Principal {
        let named = |id: &&str| FacilityId::parse(*id).unwrap();
        let facilities = if facilities.is_empty() { Reach::All } else { Reach::Only(facilities.iter().map(named).collect()) };
        Principal {
            kind: PrincipalKind::Person,
            id: AccountId::parse("per-1").unwrap(),
            roles: roles.iter().copied().collect(),
            scope: Scope { facilities, ..Scope::default() },
            station: None,
        }
    }

    fn at_desk(person: Principal) -> Option<Principal> {
        person.at_station(StationId::parse("desk-1").unwrap(), &FacilityId::parse("HERE").unwrap())
    }

    #[test]
    fn nobody_moves_money_or_makes_people_at_a_station() {
        let all: Vec<Role> = Role::all().collect();
        let there = at_desk(person(&all, &[])).unwrap();
        assert!(there.may(Permission::WorkFulfillment) && there.may(Permission::ReceiveReturns));
        use Permission as P;
        let money = [P::RefundOrders, P::TakePayments, P::PayElsewhere, P::ResolvePayments, P::DecideApprovals, P::ManageLimits];
        for never in money.into_iter().chain([P::ManageAccounts, P::ManagePeople]) {
            assert!(!there.may(never), "{never:?}");
        }
        assert_eq!(there.actor().station.as_ref().map(StationId::as_str), Some("desk-1"));
    }

    #[test]
    fn a_station_is_of_one_facility_and_of_those_who_work_there() {
        let here = at_desk(person(&[Role::Associate], &["HERE", "THERE"])).unwrap();
        assert!(here.sees_facility(&FacilityId::parse("HERE").unwrap()) && !here.sees_facility(&FacilityId::parse("THERE").unwrap()));
        assert_eq!(at_desk(person(&[Role::Associate], &["THERE"])), None);
        assert_eq!(at_desk(person(&[Role::Support, Role::Admin], &[])), None);
    }

    #[test]
    fn a_pin_is_digits_that_are_not_the_first_that_anybody_tries() {
        for good in ["4071", "1123", "735102846193"] {
            assert_eq!(pin_flaw(good), None, "{good}");
        }
        for bad in ["", "123", "1234", "4321", "0000", "12a4", "1234567890123", "١٢٣٥"] {
            assert!(pin_flaw(bad).is_some(), "{bad}");
        }
    }
}
