//! A return's waits are listed, and can be given more time.

use jiff::SignedDuration;
use oms_domain::{
    error::ErrorCode,
    returns::{Request, Wait},
};

use super::support::{House, came, receive};
use crate::support::{at, core};

fn extend(house: &House, wait: Wait, days: i64) -> Request {
    let until = at(house.order.second + days * 86_400);
    Request::ExtendDeadline { wait, subject: "A1-R1".into(), until }
}

#[test]
fn a_return_that_is_given_more_time_expires_later() {
    let mut house = House::delivered(core(&[2]));
    let n = house.opened(&[("1", 1)]);
    let due = house.returns[n].deadlines()[0].due;
    let more = extend(&house, Wait::Sending, 45);
    assert_eq!(house.ask(n, more.clone()).unwrap().len(), 1);
    assert_eq!(house.ask(n, more).unwrap(), [], "the same time again is the same");
    assert!(house.returns[n].deadlines()[0].due > due);
    house.order.second = due.as_second() - at(0).as_second() + 1;
    assert_eq!(house.must(n, &oms_domain::returns::Command::Tick), [], "it is not over yet");
    house.wait(n);
    assert_eq!(house.status(n), "expired");
}

#[test]
fn more_time_is_refused_for_what_is_not_waited_for_and_for_a_time_that_is_not_later() {
    let mut house = House::delivered(core(&[2]));
    let n = house.opened(&[("1", 2)]);
    let other = extend(&house, Wait::Rest, 45);
    assert_eq!(house.ask(n, other).unwrap_err().code, ErrorCode::NotFound);
    for days in [1, 400] {
        let asked = extend(&house, Wait::Sending, days);
        assert!(house.ask(n, asked).unwrap_err().message.contains("within a year"), "{days}");
    }
    house.ask(n, receive("d1", vec![came("1", 1)])).unwrap();
    let rest = extend(&house, Wait::Rest, 45);
    assert_eq!(house.ask(n, rest).unwrap().len(), 1);
}

#[test]
fn something_is_heard_of_a_return_by_its_next_wait_or_within_minutes_of_asking_until_it_has_ended() {
    let mut house = House::delivered(core(&[2]));
    let n = house.open(&[("1", 2)]);
    let now = |house: &House| at(house.order.second);
    // It has asked its order, and waits for nothing else.
    let asked = house.returns[n].next_wait_at(now(&house));
    assert_eq!(asked, Some(now(&house) + SignedDuration::from_mins(2)));
    house.obey(n);
    assert_eq!(house.returns[n].next_wait_at(now(&house)), Some(house.returns[n].deadlines()[0].due));
    house.wait(n);
    // Nobody can send with its label any more once the carrier has said so, and its order knows how it ended.
    assert!(house.returns[n].next_wait_at(now(&house)) <= Some(now(&house) + SignedDuration::from_mins(2)));
    house.obey(n);
    assert_eq!((house.status(n), house.returns[n].next_wait_at(now(&house))), ("expired", None));
}
