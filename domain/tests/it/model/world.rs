//! An order among adapters that fail, repeat themselves and answer late.

use std::collections::BTreeSet;

use oms_domain::{
    address::AddressFlaw,
    order::{CREDIT, Command, CoreExchange, CoreGroup, Deadline, Effect, Event, FulfillmentRequest, Order, OrderCore, Request, decide},
    placed::{DeliveryMethod, PaymentMethod},
    policy::{OnLoss, Policy},
    taken::Decided,
};

use super::{
    Step, draw,
    invariants::{self, Ledger},
    numbers::Model,
};
use crate::support::{anew, at, core, payment};

/// What is told again after each step.
#[derive(Clone, Copy)]
pub enum Again {
    /// The last command that led to something, and any other.
    Some,
    All,
}

pub struct World {
    start: Order,
    pub order: Order,
    /// With their time, as they were recorded.
    events: Vec<(Event, i64)>,
    second: i64,
    /// Every effect there ever was: answers to old ones come late, or again.
    effects: Vec<Effect>,
    /// What was sent: any of it may come once more.
    sent: Vec<Command>,
    /// What led to events, and must never do so again.
    absorbed: Vec<Command>,
    again: Again,
    ledger: Ledger,
    model: Model,
    /// Say what is sent, and what comes of it.
    narrated: bool,
}

/// Orders of one to four lines, of every way of paying, splitting and waiting.
fn shape(draw: u32) -> OrderCore {
    let quantities: Vec<u32> = (0..1 + draw % 4).map(|n| 1 + draw.rotate_left(n * 5) % 7).collect();
    let mut core = core(&quantities);
    core.order_level_minor = [300, 0, -997, 1][usize::try_from(draw >> 4 & 3).unwrap()];
    let total_minor = core.total_minor();
    core.payments = match draw >> 6 & 7 {
        0 => vec![payment("gift", PaymentMethod::GiftCard, 333), payment("card", PaymentMethod::Card, total_minor - 333)],
        1 => vec![
            payment("card", PaymentMethod::Card, total_minor / 2),
            payment("terms", PaymentMethod::Terms, total_minor - total_minor / 2),
        ],
        2 => vec![payment("terms", PaymentMethod::Terms, total_minor)],
        3 => vec![payment("bank", PaymentMethod::External, 100), payment("card", PaymentMethod::Card, total_minor - 100)],
        4 => {
            let mut taken_over = payment("card", PaymentMethod::Card, total_minor);
            taken_over.authorization = Some(("auth-1".into(), None));
            vec![taken_over]
        }
        5 => {
            let (order_id, return_id) = ("B1".parse().unwrap(), "B1-R1".parse().unwrap());
            core.exchange = Some(CoreExchange { order_id, return_id });
            vec![
                payment(CREDIT, PaymentMethod::Credit, total_minor / 2),
                payment("card", PaymentMethod::Card, total_minor - total_minor / 2),
            ]
        }
        _ => vec![payment("card", PaymentMethod::Card, total_minor)],
    };
    core.allow_split = draw >> 9 & 3 != 0;
    core.allow_backorder = draw >> 11 & 3 != 0;
    core.lines[0].fulfill_at = (draw >> 13 & 3 == 0).then(|| at(50_000));
    if draw >> 18 & 3 == 0 {
        core.groups[0] = CoreGroup {
            method: DeliveryMethod::Pickup,
            pickup_facility_id: Some("WH-1".parse().unwrap()),
            address_flaw: None,
            price_minor: Some(300),
        };
    }
    core.groups[0].address_flaw = (draw >> 26 & 7 == 0).then_some(AddressFlaw::PostalCode);
    core.cancel_after = (draw >> 15 & 3 == 0).then(|| at(500_000));
    core
}

fn under_another_id(command: Command) -> Command {
    match command {
        Command::Request { request, .. } => anew(request),
        other => other,
    }
}

/// With fewer an order that waits for something is not at the customer's.
const GOOD_TURNS: u32 = 20;

impl World {
    pub fn new(draw: u32, again: Again) -> Self {
        let on_loss = [OnLoss::Ask, OnLoss::Ask, OnLoss::Replace, OnLoss::Refund][usize::try_from(draw >> 20 & 3).unwrap()];
        let (remorse_ms, resource_rounds_max) = (i64::from(draw >> 17 & 1) * 60_000, draw >> 22 & 3);
        let decision_ms = i64::from(draw >> 24 & 1) * 100_000_000;
        let fraud_check = draw >> 25 & 1 == 1;
        let policy = Policy { fraud_check, remorse_ms, resource_rounds_max, on_loss, decision_ms, ..Policy::default() };
        let order = Order::new(shape(draw), policy);
        let (ledger, model, start) = (Ledger::new(&order), Model::new(&order), order.clone());
        let (events, effects, sent, absorbed) = (vec![], vec![], vec![], vec![]);
        let mut world = Self { start, order, events, second: 0, effects, sent, absorbed, again, ledger, model, narrated: false };
        world.send(Command::Place);
        // Some are at the customer's before anything odd happens.
        for _ in 0..if draw >> 29 & 3 == 0 { GOOD_TURNS } else { 0 } {
            if world.order.returnable(None).is_empty() {
                world.one_good_turn();
            }
        }
        world
    }

    pub fn events(&self) -> Vec<Event> {
        self.events.iter().map(|(event, _)| event.clone()).collect()
    }

    pub fn sent(&self) -> Vec<Command> {
        self.sent.clone()
    }

    pub fn narrated(self) -> Self {
        println!("{:?}", self.order.core);
        Self { narrated: true, ..self }
    }

    pub fn step(&mut self, (kind, a, b, c): Step) {
        self.second += i64::from(1 + c % 600);
        let command = match kind % 43 {
            // Rare, and what a person found of it is rarer: nobody hears the carrier void a label, again and again, and somebody looks.
            _ if c.is_multiple_of(4) && !self.order.labels_to_void().is_empty() => {
                let void = Effect::VoidLabel(self.order.labels_to_void().remove(0));
                (0..b % 6).for_each(|_| self.send(Command::Answer(draw::gave_up(&self.order, &void, 1))));
                draw::label_given_up(&self.order, a).map(anew)
            }
            // Some orders get far enough for what can only happen to delivered units.
            0 => {
                self.one_good_turn();
                None
            }
            1..=9 => draw::pick(&self.order.pending_effects(), a).map(|e| Command::Answer(draw::answer(&self.order, &e, b, c, a))),
            10..=17 => draw::fulfillment(&self.order, a, b, c).map(anew),
            18 | 19 => Some(anew(draw::cancel(&self.order, a, b, c))),
            20 => Some(anew(draw::hold(&self.order, a, b))),
            21 | 22 => Some(Command::Fact(draw::stock(&self.order, a, b, c))),
            23..=25 => draw::carrier(&self.order, self.second, a, b, c).map(Command::Fact),
            26 => draw::pick(&self.effects, a).map(|e| Command::Answer(draw::answer(&self.order, &e, b, c, a))),
            27 => draw::pick(&self.sent, a).map(|sent| if b.is_multiple_of(2) { sent } else { under_another_id(sent) }),
            28 => draw::stray_label(&self.order, a).map(Command::Answer),
            29 => {
                self.second += i64::from(b % 400_000);
                Some(Command::Tick)
            }
            30 => Some(anew(draw::refund(&self.order, a, b, c))),
            31 | 32 => draw::resolve(&self.order, a, b).map(anew),
            33 if c.is_multiple_of(3) => draw::resolve_payment(&self.order, a, b).map(anew),
            33 if c.is_multiple_of(10) => draw::any_label(&self.order, a, b).map(anew),
            33 => Some(anew(draw::payment(&self.order, a, b))),
            34 => draw::retry(&self.order, a).map(anew),
            35 => draw::pick(&self.effects, a).map(|e| Command::Answer(draw::gave_up(&self.order, &e, b))),
            36 if b.is_multiple_of(2) => draw::short(&self.order, a, b, c).map(Command::Fact),
            36 => draw::extend(&self.order, self.second, a, b).map(anew),
            37 if b.is_multiple_of(2) => draw::decide_for(&self.order, a, c).map(anew),
            37 if b.is_multiple_of(3) => draw::exchange(&self.order, a, c).map(anew),
            37 => draw::fulfillment(&self.order, a, b, c).map(anew),
            38 if self.order.core.exchange.is_some() && b.is_multiple_of(4) => Some(anew(draw::settle_credit(&self.order, a))),
            38 => Some(anew(draw::claim(&self.order, a, b, c))),
            39 => Some(anew(draw::come_back(&self.order, a, b, c))),
            40 if c.is_multiple_of(4) => draw::cancel_change(&self.order, b).map(anew),
            40..=42 => draw::change(&self.order, a, b, c).map(anew),
            _ => Some(Command::Tick),
        };
        if let Some(command) = command {
            self.send(command);
        }
        self.tell_again(b);
    }

    pub fn send(&mut self, command: Command) {
        let now = at(self.second);
        let decided = decide(&self.order, &command, now);
        if self.narrated {
            println!("{} s: {command:?}\n    {decided:?}", self.second);
        }
        assert_eq!(decided, decide(&self.order, &command, now), "the same question, another answer");
        invariants::round_trip(&command);
        match decided {
            Ok(Decided { state, events }) => {
                if !events.is_empty() && command != Command::Tick {
                    self.absorbed.push(command.clone());
                }
                for event in events {
                    invariants::round_trip(&event);
                    self.happen(event);
                }
                self.order.commands = state.commands.clone();
                assert_eq!(self.order, state, "its events tell another story");
            }
            Err(refusal) => {
                assert!(matches!(command, Command::Request { .. }), "a fact was refused: {command:?}: {refusal:?}");
                assert!(!refusal.message.is_empty());
            }
        }
        if command == Command::Tick {
            assert_eq!(self.due(), [], "a deadline that never passes would keep the worker spinning");
            self.leads_to_nothing(&command);
        }
        invariants::hold(&self.order);
        self.ledger.agrees(&self.order);
        let known: BTreeSet<String> = self.effects.iter().map(Effect::key).collect();
        self.effects.extend(self.order.pending_effects().into_iter().filter(|effect| !known.contains(&effect.key())));
        self.sent.push(command);
    }

    /// The order, its money and the model go on together, and say the same.
    fn happen(&mut self, event: Event) {
        let before = self.order.clone();
        self.order.evolve(&event, at(self.second));
        invariants::legal_steps(&before, &self.order, &event);
        self.ledger.follow(&before, &event);
        self.model.follow(&event);
        self.model.agrees(&self.order);
        self.events.push((event, self.second));
    }

    fn due(&self) -> Vec<Deadline> {
        self.order.deadlines().into_iter().filter(|deadline| deadline.due <= at(self.second)).collect()
    }

    /// What the order has absorbed is told again: all of it, or the last and another one.
    fn tell_again(&self, draw: u32) {
        match self.again {
            Again::All => self.absorbed.iter().for_each(|command| self.leads_to_nothing(command)),
            Again::Some => {
                self.absorbed.iter().last().into_iter().for_each(|command| self.leads_to_nothing(command));
                draw::pick(&self.absorbed, draw).iter().for_each(|command| self.leads_to_nothing(command));
            }
        }
    }

    fn leads_to_nothing(&self, command: &Command) {
        // Whoever asks for more than a hundred things is known for longer by the store.
        if let Command::Request { command_id, .. } = command
            && self.order.commands.find(command_id).is_none()
        {
            return;
        }
        let again = decide(&self.order, command, at(self.second)).unwrap_or_else(|refusal| panic!("{command:?}: {refusal:?}"));
        assert_eq!(again.events, [], "told again: {command:?}");
        assert_eq!(again.state, self.order, "told again: {command:?}");
    }

    /// From now on everything goes well: the order must come to its end, and its document must be what its events say.
    pub fn finish(mut self) -> BTreeSet<&'static str> {
        for _ in 0..400 {
            if self.order.is_closed() {
                break;
            }
            self.one_good_turn();
        }
        assert!(self.order.is_closed() || !self.order.attention.is_empty(), "stuck, and nobody knows: {:?}", self.order);
        if self.order.is_closed() {
            self.tell_again(0);
            self.ledger.nets_out(&self.order);
            invariants::nothing_reserved(&self.order);
        }
        let mut replayed = self.start.clone();
        for (event, second) in &self.events {
            replayed.evolve(event, at(*second));
        }
        replayed.commands = self.order.commands.clone();
        assert_eq!(replayed, self.order, "the events tell another story");
        invariants::round_trip(&self.order);
        self.events.iter().map(|(event, _)| event.kind()).collect()
    }

    fn one_good_turn(&mut self) {
        self.second += 1;
        if let Some(effect) = self.order.pending_effects().first().cloned() {
            return self.send(Command::Answer(draw::good(&self.order, &effect)));
        }
        if self.order.awaits_goods() {
            return self.send(anew(draw::settle_credit(&self.order, 0)));
        }
        if let Some(declined) = draw::decline(&self.order) {
            return self.send(anew(declined));
        }
        let ours = |hold: &&oms_domain::order::Hold| !hold.hold_id.as_str().starts_with("awaiting.");
        let holds = self.order.holds.iter().find(ours).map(|hold| Request::ReleaseHold { hold_id: hold.hold_id.clone() });
        let pickup = self.order.core.groups[0].method == DeliveryMethod::Pickup;
        let ship = || match pickup {
            true => FulfillmentRequest::Ready { code_hash: None },
            false => FulfillmentRequest::Ship { carrier: None, tracking_number: None },
        };
        let request = self.order.fulfillment_orders.iter().find_map(|f| {
            let action = match f.status.name() {
                "released" | "accepted" if pickup => FulfillmentRequest::StartPicking { picker: "p1".into() },
                "ready_for_pickup" => FulfillmentRequest::Handover { code_hash: f.pickup_code_hash.clone() },
                "released" | "accepted" | "picking" => ship(),
                "packed" if !f.ship_requested => ship(),
                "shipped" if f.parcels.iter().any(|p| p.status.is_in_transit()) => FulfillmentRequest::Deliver,
                _ => return None,
            };
            Some(Request::Fulfillment { fulfillment_order_id: f.fulfillment_order_id.clone(), action })
        });
        // What is not paid for stays where it is: then time goes on.
        let possible = |request: &Request| decide(&self.order, &anew(request.clone()), at(self.second)).is_ok();
        match holds.or(request).filter(possible) {
            Some(request) if !self.order.status.is_final() => self.send(anew(request)),
            _ => {
                if let Some(next) = self.order.deadlines().first() {
                    self.second = self.second.max(next.due.as_second() - at(0).as_second()) + 1;
                    self.send(Command::Tick);
                }
            }
        }
    }
}
