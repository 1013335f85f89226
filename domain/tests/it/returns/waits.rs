//! A return's waits are listed, and can be given more time.

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
