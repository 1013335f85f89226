//! An order that was delivered, and returns beside it: each effect of a return is done here as its workflow would do it.

use oms_domain::{
    error::Rejection,
    order::{self, FulfillmentRequest, LabelOutcome, OrderCore, RefundProgress},
    policy::Policy,
    returns::{
        AnnouncedLine, Answer, Command, Disposition, Effect, Event, GoodsRef, Inspected, Origin, ReceivedGoods, Request, Return,
        ReturnCore, Settlement, Verdict, decide,
    },
};

use crate::support::{Run, anew, at, new_id};

/// A house with one order and its returns, on one clock.
pub struct House {
    pub order: Run,
    pub returns: Vec<Return>,
    /// An order that one of the returns pays for.
    pub linked: Option<Run>,
    /// What led to events, each with its return: none of it may do so again.
    pub absorbed: Vec<(usize, Command)>,
    pub events: Vec<Event>,
}

pub fn delivered(core: OrderCore) -> Run {
    let mut run = Run::released(core);
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    run.obey();
    run
}

impl House {
    pub fn delivered(core: OrderCore) -> Self {
        Self { order: delivered(core), returns: Vec::new(), linked: None, absorbed: Vec::new(), events: Vec::new() }
    }

    /// A return of these units is opened; its index. Nothing has been asked of the order yet.
    pub fn open(&mut self, lines: &[(&str, u32)]) -> usize {
        self.open_under(Policy::default(), lines)
    }

    pub fn open_under(&mut self, policy: Policy, lines: &[(&str, u32)]) -> usize {
        self.open_for(None, policy, lines)
    }

    /// The same, and it pays for another order.
    pub fn open_for(&mut self, credit: Option<order::Credit>, policy: Policy, lines: &[(&str, u32)]) -> usize {
        let number = u32::try_from(self.returns.len()).unwrap() + 1;
        let order_id = self.order.order.core.order_id.clone();
        let announced =
            |(id, quantity): &(&str, u32)| AnnouncedLine { line_id: id.parse().unwrap(), quantity: *quantity, reason: "too small".into() };
        let return_id = oms_domain::ids::ReturnId::of(&order_id, number);
        let (opened_at, lines) = (at(self.order.second), lines.iter().map(announced).collect());
        self.returns.push(Return::new(ReturnCore { return_id, order_id, opened_at, lines, credit }, policy));
        self.must(self.returns.len() - 1, &Command::Open);
        self.returns.len() - 1
    }

    /// The same, and everything it asks for is done.
    pub fn opened(&mut self, lines: &[(&str, u32)]) -> usize {
        let n = self.open(lines);
        self.obey(n);
        n
    }

    pub fn send(&mut self, n: usize, command: &Command) -> Result<Vec<Event>, Rejection> {
        self.order.second += 1;
        let now = at(self.order.second);
        let decided = decide(&self.returns[n], command, now)?;
        decided.events.iter().for_each(|event| self.returns[n].evolve(event, now));
        self.returns[n].commands = decided.state.commands.clone();
        assert_eq!(self.returns[n], decided.state, "its events say otherwise: {command:?}");
        assert!(self.returns[n].goods.iter().all(|goods| goods.add_up()), "{command:?} loses goods: {:?}", self.returns[n].goods);
        if !decided.events.is_empty() && *command != Command::Tick {
            self.absorbed.push((n, command.clone()));
        }
        self.events.extend(decided.events.iter().cloned());
        Ok(decided.events)
    }

    pub fn must(&mut self, n: usize, command: &Command) -> Vec<Event> {
        self.send(n, command).unwrap_or_else(|refusal| panic!("{command:?}: {refusal:?}"))
    }

    pub fn ask(&mut self, n: usize, request: Request) -> Result<Vec<Event>, Rejection> {
        self.send(n, &returns_anew(request))
    }

    /// Tells the returns again all that has ever moved them.
    pub fn tell_again(&self) {
        for (n, command) in &self.absorbed {
            let this = &self.returns[*n];
            let again = decide(this, command, at(self.order.second)).unwrap_or_else(|refusal| panic!("{command:?}: {refusal:?}"));
            assert_eq!((again.events, &again.state), (vec![], this), "told again: {command:?}");
        }
    }

    /// Does everything that is owed, until nothing is.
    pub fn obey(&mut self, n: usize) {
        while let Some(effect) = self.returns[n].pending_effects().into_iter().next() {
            let answer = self.answer(n, &effect);
            self.must(n, &Command::Answer(answer));
        }
    }

    /// What the order, the carrier and the gateway say to it.
    pub fn answer(&mut self, n: usize, effect: &Effect) -> Answer {
        let return_id = self.returns[n].core.return_id.clone();
        match effect {
            Effect::AskOrder { lines } => {
                let credit = self.returns[n].core.credit.clone();
                let open = order::Request::OpenReturn { return_id, lines: lines.clone(), credit };
                match self.order.send(&anew(open)) {
                    Ok(_) => Answer::Agreed(self.origin(lines)),
                    Err(refusal) => Answer::Refused(refusal),
                }
            }
            Effect::BookLabel(_) => {
                let attempt = self.returns[n].attempt(&effect.key());
                Answer::Label {
                    attempt,
                    outcome: LabelOutcome::Booked { carrier: "SIM".into(), tracking_number: format!("T-{return_id}"), tracking_url: None },
                }
            }
            Effect::VoidLabel => Answer::LabelVoided,
            Effect::Settle { lines } => {
                let settle = order::Request::SettleReturn { return_id: return_id.clone(), lines: lines.clone() };
                self.order.must(&anew(settle));
                let settled = self.order.order.returned(&return_id).unwrap();
                let credited_minor = settled.credit.as_ref().map_or(0, |credit| credit.amount_minor);
                let (lines, amount_minor) = (settled.returned.clone(), settled.amount_minor.unwrap());
                Answer::Settled(Settlement { lines, amount_minor, credited_minor })
            }
            Effect::TellCredit { amount_minor, .. } => {
                let settle = order::Request::SettleCredit { return_id, amount_minor: *amount_minor };
                self.linked.as_mut().expect("an order that it pays for").must(&anew(settle));
                Answer::CreditTold
            }
            Effect::Refund { .. } => {
                self.order.obey();
                let refund_id = self.order.order.returned(&return_id).and_then(order::ReturnedUnits::refund_id).unwrap();
                assert_eq!(self.order.order.refund_progress(&refund_id), Some(RefundProgress::Done));
                Answer::Refunded
            }
        }
    }

    fn origin(&self, lines: &order::Lines) -> Origin {
        let order = &self.order.order;
        Origin {
            currency: order.core.currency,
            skus: order.core.lines.iter().map(|line| (line.line_id.clone(), line.sku.clone())).collect(),
            return_to: order.sent_from(lines),
            delivered_at: order.delivered_at(lines),
        }
    }

    pub fn status(&self, n: usize) -> &'static str {
        self.returns[n].status.name()
    }

    /// Lets time pass until the return's soonest deadline, and gives it its default.
    pub fn wait(&mut self, n: usize) {
        let due = self.returns[n].deadlines().first().expect("nothing to wait for").due;
        self.order.second += due.duration_since(at(self.order.second)).as_secs().max(0) + 1;
        self.must(n, &Command::Tick);
    }

    /// What the customer has paid and not got back.
    pub fn paid_minor(&self) -> i64 {
        self.order.order.net_captured_minor()
    }
}

/// A request of its own: under an id that nobody has used.
pub fn returns_anew(request: Request) -> Command {
    Command::Request { command_id: new_id(), request }
}

pub fn came(line: &str, quantity: u32) -> ReceivedGoods {
    ReceivedGoods { line_id: Some(line.parse().unwrap()), sku: None, quantity }
}

pub fn wrong(sku: &str, quantity: u32) -> ReceivedGoods {
    ReceivedGoods { line_id: None, sku: Some(sku.parse().unwrap()), quantity }
}

pub fn receive(id: &str, goods: Vec<ReceivedGoods>) -> Request {
    Request::Receive { receipt_id: id.into(), facility_id: "WH-1".parse().unwrap(), goods, complete: None }
}

pub fn judge(line: &str, quantity: u32, verdict: Verdict, disposition: Disposition) -> Inspected {
    let goods = GoodsRef { line_id: Some(line.parse().unwrap()), sku: None, facility_id: None };
    Inspected { goods, quantity, verdict, disposition }
}

pub fn accept(line: &str, quantity: u32) -> Request {
    Request::Inspect { judged: vec![judge(line, quantity, Verdict::Accepted, Disposition::Restock)] }
}
