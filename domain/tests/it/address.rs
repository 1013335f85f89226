//! Addresses that cannot be right: the order is held until a person has looked.

use oms_domain::{
    address::AddressFlaw,
    order::{HoldReason, OrderStatus, Request},
    placed::Address,
};

use crate::support::{Run, anew, core};

fn address(country: &str, postal_code: Option<&str>) -> Address {
    Address {
        name: "Ada Example".into(),
        line1: "94 High Street".into(),
        line2: None,
        city: "Leeds".into(),
        region: None,
        postal_code: postal_code.map(str::to_owned),
        country: country.into(),
        phone: None,
        position: None,
    }
}

#[test]
fn a_postal_code_fits_its_country_however_it_is_spaced_and_written() {
    let right = [
        ("GB", "LS1 4DY"),
        ("GB", "m11ae"),
        ("GB", "EC1A 1BB"),
        ("US", "02139"),
        ("US", "02139-4307"),
        ("NL", "1012 js"),
        ("CA", "K1A 0B1"),
        ("PL", "00-950"),
        ("JP", "100-0001"),
        ("JP", "〒100-0001"),
        ("JP", "〒１００－０００１"),
        ("DE", "D-10115"),
        ("DE", "DE-10115"),
        ("AT", "A-1010"),
        ("CH", "CH–8001"),
        ("SE", "SE-111 22"),
        ("SE", "S 111 22"),
        ("FI", "FIN-00100"),
        ("PT", "1000‑001"),
        ("FR", "７５００１"),
    ];
    for (country, code) in right {
        assert_eq!(AddressFlaw::of(&address(country, Some(code))), None, "{country} {code}");
    }
    for (country, code) in
        [("GB", "00000"), ("GB", "LS1"), ("US", "2139"), ("DE", "1011A"), ("NL", "1012"), ("FR", ""), ("DE", "A-10115"), ("DE", "D-1011")]
    {
        assert_eq!(AddressFlaw::of(&address(country, Some(code))), Some(AddressFlaw::PostalCode), "{country} {code}");
    }
}

#[test]
fn what_nobody_knows_is_not_judged() {
    assert_eq!(AddressFlaw::of(&address("GB", None)), None, "a postal code is not asked for");
    assert_eq!(AddressFlaw::of(&address("ZZ", Some("?"))), None);
}

#[test]
fn an_order_to_an_address_with_a_flaw_waits_for_a_person() {
    let mut core = core(&[2]);
    core.groups[0].address_flaw = Some(AddressFlaw::PostalCode);
    let mut run = Run::placed(core);
    run.source(|_, units| units);
    run.obey();
    let held: Vec<_> = run.order.holds.iter().map(|hold| (hold.reason, hold.why.as_deref())).collect();
    assert_eq!(held, [(HoldReason::IncorrectAddress, Some("the postal code is not of a form that its country has"))]);
    assert_eq!(run.order.status, OrderStatus::Created);
    let hold_id = run.order.holds[0].hold_id.clone();
    run.must(&anew(Request::ReleaseHold { hold_id: hold_id.clone() }));
    assert_eq!((run.order.status, run.order.holds.len()), (OrderStatus::Processing, 0));
    let again = Request::PlaceHold { hold_id, reason: HoldReason::Other, expires_at: None };
    assert!(run.send(&anew(again)).is_err(), "the order's own ids are not for people");
}
