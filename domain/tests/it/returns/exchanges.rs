//! Exchanges: two orders and the return between them, with the origin in the gateway's place for the credit.

use oms_domain::{
    order::{Answer, CREDIT, Command, CoreExchange, Credit, Effect, HoldReason, OrderCore, OrderStatus, PaymentRequest, Request, Wait},
    payment::{Decline, OperationKind, OperationOutcome, OperationStatus, Payment},
    placed::PaymentMethod,
    policy::Policy,
    returns::{self, Disposition, Verdict},
};

use super::support::{House, accept, came, judge, receive, returns_anew};
use crate::support::{Run, anew, at, core, payment};

/// An order that was delivered: line 1 of two units, 915 each. The order for it: one line.
pub struct Exchange {
    pub house: House,
    pub units: u32,
}

impl Exchange {
    /// For so many units, an order over `total_minor`; a card pays what is missing.
    pub fn started(units: u32, total_minor: i64) -> Self {
        Self::under(Policy::default(), units, total_minor)
    }

    pub fn under(policy: Policy, units: u32, total_minor: i64) -> Self {
        let mut house = House::delivered(core(&[2]));
        let linked = Run::under(linked(total_minor, i64::from(units) * 915), policy);
        house.linked = Some(linked);
        let mut this = Self { house, units };
        this.linked().source(|_, units| units);
        this.obey();
        this
    }

    pub fn linked(&mut self) -> &mut Run {
        self.house.linked.as_mut().unwrap()
    }

    /// Both orders and the return do what they owe, and have what they ask for.
    pub fn obey(&mut self) {
        self.same_time();
        while let Some(effect) = self.linked().order.pending_effects().into_iter().find(|effect| !matches!(effect, Effect::Source(_))) {
            match effect {
                Effect::Pay(pay) if pay.payment_id.as_str() == CREDIT => self.answer_credit(&pay),
                _ => self.linked().obey_but(CREDIT),
            }
        }
        for n in 0..self.house.returns.len() {
            self.house.obey(n);
        }
        self.house.order.obey();
        if self.linked().order.pending_effects().iter().any(|effect| !matches!(effect, Effect::Source(_))) {
            self.obey();
        }
    }

    pub fn same_time(&mut self) {
        let now = self.house.order.second.max(self.linked().second);
        self.house.order.second = now;
        self.linked().second = now;
    }

    /// The origin answers, as the starter asks it.
    pub fn answer_credit(&mut self, pay: &PaymentRequest) {
        let outcome = match pay.kind {
            OperationKind::Authorize => self.authorize(pay.amount_minor),
            OperationKind::Capture => true,
            OperationKind::Void | OperationKind::Refund => {
                let (number, amount_minor) = (pay.number, pay.amount_minor);
                let release = Request::ReleaseCredit { return_id: "A1-R1".parse().unwrap(), number, amount_minor };
                let release = anew(release);
                self.house.order.must(&release);
                assert_eq!(self.house.order.must(&release), [], "the same operation again is the same");
                true
            }
        };
        let outcome = match outcome {
            true => OperationOutcome::Succeeded { reference: pay.key(), expires_at: None },
            false => OperationOutcome::Declined { decline: Decline::Hard, code: "no such credit".into() },
        };
        let (payment_id, number) = (pay.payment_id.clone(), pay.number);
        self.linked().must(&Command::Answer(Answer::Payment { payment_id, number, outcome }));
    }

    fn authorize(&mut self, amount_minor: i64) -> bool {
        if self.house.returns.is_empty() {
            let credit = Credit::of("A1-X1".parse().unwrap(), amount_minor);
            let n = self.house.open_for(Some(credit), Policy::default(), &[("1", self.units)]);
            let effect = self.house.returns[n].pending_effects().remove(0);
            let answer = self.house.answer(n, &effect);
            self.house.must(n, &returns::Command::Answer(answer));
        }
        let credit = self.house.order.order.returns.iter().find_map(|known| known.credit.as_ref());
        credit.is_some_and(|credit| credit.amount_minor >= amount_minor)
    }

    /// The units come back, and so many are accepted; the others are rejected.
    fn goods_come(&mut self, accepted: u32) {
        self.house.ask(0, receive("d1", vec![came("1", self.units)])).unwrap();
        if accepted < self.units {
            let judged = vec![judge("1", self.units - accepted, Verdict::Rejected, Disposition::SendBack)];
            self.house.ask(0, returns::Request::Inspect { judged }).unwrap();
        }
        if accepted > 0 {
            self.house.ask(0, accept("1", accepted)).unwrap();
        }
        self.obey();
    }

    fn goes_out(&mut self) {
        self.linked().ship(1).unwrap();
        self.obey();
        self.linked().fulfill(1, oms_domain::order::FulfillmentRequest::Deliver).unwrap();
        self.obey();
    }

    pub fn status(&mut self) -> OrderStatus {
        self.linked().order.status
    }

    /// What the customer has paid through gateways, for both orders.
    pub fn paid_minor(&mut self) -> i64 {
        let card = |order: &oms_domain::order::Order| {
            let asked = order.payments.iter().filter(|p| p.uses_gateway());
            asked.map(|p| p.captured_minor() - p.refunded_minor()).sum::<i64>()
        };
        card(&self.house.order.order) + card(&self.linked().order)
    }

    /// What the customer keeps of both orders is worth this.
    pub fn kept_minor(&mut self) -> i64 {
        let kept =
            |order: &oms_domain::order::Order| order.shipped_minor - order.refunds.iter().map(|refund| refund.amount_minor).sum::<i64>();
        kept(&self.house.order.order) + kept(&self.linked().order)
    }

    /// All is over: what is kept is paid for, to the penny, and both ends say the same of the credit.
    pub fn nets_out(&mut self) {
        assert!(self.house.order.order.is_closed() && self.linked().order.is_closed(), "{:?}", self.linked().order);
        assert!(self.house.returns.iter().all(returns::Return::is_closed));
        assert_eq!(self.paid_minor(), self.kept_minor());
        let taken: i64 = self.credit().map_or(0, |credit| credit.captured_minor() - credit.refunded_minor());
        let given: i64 = self.house.order.order.exchanges().map(|(_, credit)| credit.amount_minor).sum();
        assert_eq!(taken, given);
    }

    fn credit(&mut self) -> Option<&Payment> {
        self.linked().order.payments.iter().find(|payment| payment.method == PaymentMethod::Credit)
    }
}

fn linked(total_minor: i64, worth_minor: i64) -> OrderCore {
    let mut core = core(&[1]);
    core.order_id = "A1-X1".parse().unwrap();
    core.exchange = Some(CoreExchange { order_id: "A1".parse().unwrap(), return_id: "A1-R1".parse().unwrap() });
    (core.lines[0].total_minor, core.order_level_minor) = (total_minor, 0);
    core.payments = vec![payment(CREDIT, PaymentMethod::Credit, total_minor.min(worth_minor))];
    if total_minor > worth_minor {
        core.payments.push(payment("difference", PaymentMethod::Card, total_minor - worth_minor));
    }
    core
}

#[test]
fn an_even_exchange_moves_no_money_and_goes_out_when_the_goods_are_back() {
    let mut exchange = Exchange::started(1, 915);
    assert_eq!(exchange.status(), OrderStatus::Created);
    assert_eq!(exchange.linked().order.holds[0].reason, HoldReason::AwaitingReturnItems);
    exchange.goods_come(1);
    assert_eq!((exchange.status(), exchange.house.status(0)), (OrderStatus::Processing, "closed"));
    exchange.goes_out();
    assert_eq!(exchange.status(), OrderStatus::Completed);
    assert_eq!(exchange.paid_minor(), 1_830, "not a penny has moved");
    exchange.nets_out();
}

#[test]
fn dearer_goods_cost_the_difference_and_cheaper_ones_give_back_the_rest() {
    for (total_minor, paid_minor) in [(1_200, 1_830 + 285), (700, 1_830 - 215)] {
        let mut exchange = Exchange::started(1, total_minor);
        exchange.goods_come(1);
        exchange.goes_out();
        assert_eq!((exchange.status(), exchange.paid_minor()), (OrderStatus::Completed, paid_minor));
        exchange.nets_out();
    }
}

#[test]
fn goods_that_never_come_cancel_the_new_order_and_nothing_is_charged() {
    let cancel = returns_anew(returns::Request::Cancel { reason: "keeps it".into() });
    for ends in [Some(cancel), None] {
        let mut exchange = Exchange::started(1, 1_200);
        match ends {
            Some(command) => drop(exchange.house.must(0, &command)),
            None => exchange.house.wait(0),
        }
        exchange.obey();
        assert_eq!((exchange.status(), exchange.paid_minor()), (OrderStatus::Cancelled, 1_830));
        exchange.nets_out();
    }
}

#[test]
fn an_exchange_whose_return_says_nothing_is_cancelled_at_its_own_deadline() {
    let mut exchange = Exchange::started(1, 915);
    exchange.linked().wait_for(Wait::ReturnItems);
    exchange.obey();
    assert_eq!(exchange.status(), OrderStatus::Cancelled);
    assert_eq!(exchange.linked().order.attention, []);
    // The goods come all the same: their money goes back.
    exchange.goods_come(1);
    assert_eq!(exchange.paid_minor(), 915);
    exchange.nets_out();
}

#[test]
fn the_credit_of_a_cancelled_exchange_goes_back_before_the_goods_are_here_and_after() {
    for goods_first in [true, false] {
        let mut exchange = Exchange::under(Policy { remorse_ms: 3_600_000, ..Policy::default() }, 1, 1_200);
        if goods_first {
            exchange.goods_come(1);
        }
        exchange.linked().cancel("c", None).unwrap();
        exchange.obey();
        assert_eq!(exchange.status(), OrderStatus::Cancelled);
        if !goods_first {
            exchange.goods_come(1);
        }
        assert_eq!(exchange.paid_minor(), 915, "the origin has paid the unit back");
        exchange.nets_out();
    }
}

#[test]
fn goods_that_are_worth_less_than_expected_leave_the_customer_to_pay_or_the_new_order_expires() {
    for pays in [true, false] {
        let mut exchange = Exchange::started(2, 1_830);
        exchange.goods_come(1);
        assert_eq!(exchange.status(), OrderStatus::Created);
        assert_eq!(exchange.linked().order.holds[0].reason, HoldReason::AwaitingPayment);
        assert_eq!(exchange.credit().map(Payment::capturable_minor), Some(915));
        if pays {
            let more = Request::AddPayment { payment: payment("more", PaymentMethod::Card, 915) };
            exchange.linked().must(&anew(more));
            exchange.obey();
            exchange.goes_out();
        } else {
            exchange.linked().wait_for(Wait::Payment);
            exchange.obey();
        }
        let expected = if pays { (OrderStatus::Completed, 1_830 + 915) } else { (OrderStatus::Expired, 915) };
        assert_eq!((exchange.status(), exchange.paid_minor()), expected);
        exchange.nets_out();
    }
}

#[test]
fn what_goes_out_in_advance_is_paid_by_the_goods_or_else_by_the_customer() {
    for comes in [true, false] {
        let mut exchange = Exchange::under(Policy { exchange_in_advance: true, ..Policy::default() }, 1, 915);
        assert_eq!(exchange.status(), OrderStatus::Processing);
        exchange.goes_out();
        assert_eq!(exchange.credit().map(Payment::charged_minor), Some(0), "nobody knows yet what the credit is worth");
        if comes {
            exchange.goods_come(1);
        } else {
            exchange.house.wait(0);
            exchange.obey();
            assert_eq!(exchange.status(), OrderStatus::Processing);
            assert_eq!(exchange.linked().order.holds[0].reason, HoldReason::AwaitingPayment);
            exchange.linked().must(&anew(Request::AddPayment { payment: payment("more", PaymentMethod::Card, 915) }));
            exchange.obey();
        }
        assert_eq!(exchange.status(), OrderStatus::Completed);
        exchange.nets_out();
    }
}

#[test]
fn a_person_who_lifts_the_hold_sends_it_out_in_advance() {
    let mut exchange = Exchange::started(1, 915);
    let hold_id = exchange.linked().order.holds[0].hold_id.clone();
    exchange.linked().must(&anew(Request::ReleaseHold { hold_id }));
    exchange.goes_out();
    exchange.goods_come(1);
    assert_eq!(exchange.status(), OrderStatus::Completed);
    exchange.nets_out();
}

#[test]
fn a_credit_beyond_the_worth_of_its_units_is_refused_and_so_is_a_return_for_another_order() {
    let mut house = House::delivered(core(&[2]));
    let open = |credit: Option<(&str, i64)>| {
        let credit = credit.map(|(id, amount_minor)| Credit::of(id.parse().unwrap(), amount_minor));
        anew(Request::OpenReturn { return_id: "A1-R1".parse().unwrap(), lines: crate::support::lines([("1", 1)]), credit })
    };
    assert!(house.order.send(&open(Some(("A1-X1", 916)))).unwrap_err().message.contains("worth 915"));
    assert!(house.order.send(&open(Some(("A1-X1", 0)))).is_err());
    house.order.must(&open(Some(("A1-X1", 915))));
    assert_eq!(house.order.must(&open(Some(("A1-X1", 915)))), []);
    assert!(house.order.send(&open(Some(("A1-X2", 915)))).is_err());
    assert!(house.order.send(&open(None)).is_err());
}

#[test]
fn an_order_that_the_origin_gives_no_credit_is_rejected_and_charges_nothing() {
    let mut house = House::delivered(core(&[2]));
    let taken = house.opened(&[("1", 2)]);
    house.linked = Some(Run::placed(linked(1_200, 915)));
    let mut exchange = Exchange { house, units: 1 };
    exchange.linked().source(|_, units| units);
    exchange.obey();
    assert_eq!(exchange.status(), OrderStatus::Rejected);
    assert_eq!(exchange.credit().unwrap().operations[0].status, OperationStatus::Failed);
    assert_eq!(exchange.paid_minor(), 1_830);
    exchange.house.ask(taken, returns::Request::Cancel { reason: "keeps it".into() }).unwrap();
    exchange.obey();
    exchange.nets_out();
    assert!(exchange.linked().order.status_since <= at(1_000));
}
