//! The simple model of an order: how many units of each line are where, and how much money went which way. It knows nothing of
//! statuses, facilities, deadlines and rules: it moves what each event says was moved, and shares no code with the order's own `evolve`.

use std::collections::BTreeMap;

use oms_domain::{
    ids::{FulfillmentOrderId, LineId, ParcelId},
    order::{Event, Finding, Order, Units},
    parcel::ParcelAction,
    payment::{OperationKind, OperationOutcome, Payment},
};

type Lines = BTreeMap<LineId, u32>;

/// Where a unit can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Open,
    Waiting,
    Reserved,
    OnItsWay,
    Delivered,
    PickedUp,
    Lost,
    SentBack,
    Cancelled,
}

/// Units that move together.
#[derive(Debug, Clone)]
struct Part {
    id: FulfillmentOrderId,
    place: Place,
    lines: Lines,
    /// By their number; an opened one stays, empty, so that its number is not used again.
    parcels: Vec<Parcel>,
}

#[derive(Debug, Clone, Default)]
struct Parcel {
    lines: Lines,
    /// Once it has shipped.
    place: Option<Place>,
}

/// Money that moved at the gateway, or was handed over as an authorization, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    pub authorized_minor: i64,
    pub captured_minor: i64,
    pub voided_minor: i64,
    pub refunded_minor: i64,
}

#[derive(Debug, Clone)]
pub struct Model {
    ordered: Lines,
    replaced: Lines,
    counts: BTreeMap<(LineId, Place), u64>,
    /// Of those that the customer got: back for good.
    returned: Lines,
    /// Open units that are in no part.
    loose: Lines,
    parts: Vec<Part>,
    pub sums: Sums,
}

impl Model {
    /// Of an order to which nothing has happened yet.
    pub fn new(order: &Order) -> Self {
        let ordered: Lines = order.core.lines.iter().map(|line| (line.line_id.clone(), line.quantity)).collect();
        let counts = ordered.iter().map(|(id, units)| ((id.clone(), Place::Open), u64::from(*units))).collect();
        let (loose, replaced, returned) = (ordered.clone(), Lines::new(), Lines::new());
        Self { ordered, replaced, counts, returned, loose, parts: Vec::new(), sums: Sums::default() }
    }

    /// Where the units of a line are, in the order's words.
    pub fn units(&self, id: &LineId) -> Units {
        let at = |place| self.counts.get(&(id.clone(), place)).copied().unwrap_or(0);
        let of = |lines: &Lines| lines.get(id).copied().map_or(0, u64::from);
        let (in_transit, delivered, picked_up) = (at(Place::OnItsWay), at(Place::Delivered), at(Place::PickedUp));
        let (lost, sent_back) = (at(Place::Lost), at(Place::SentBack));
        Units {
            ordered: of(&self.ordered),
            replaced: of(&self.replaced),
            open: at(Place::Open),
            backordered: at(Place::Waiting),
            allocated: at(Place::Reserved),
            shipped: in_transit + delivered + picked_up + lost + sent_back,
            cancelled: at(Place::Cancelled),
            in_transit,
            delivered,
            picked_up,
            lost,
            sent_back,
            returned: of(&self.returned),
        }
    }

    /// Nothing is lost, and the order says the same.
    pub fn agrees(&self, order: &Order) {
        for (id, units) in order.units() {
            let modelled = self.units(&id);
            assert!(modelled.add_up(), "the model loses units of line {id}: {modelled:?}");
            assert_eq!(units, modelled, "line {id}: the order's units, and the model's");
        }
        let sum = |of: fn(&Payment) -> i64| order.payments.iter().filter(|payment| payment.is_answered_for()).map(of).sum();
        let sums = Sums {
            authorized_minor: sum(Payment::authorized_minor),
            captured_minor: sum(Payment::captured_minor),
            voided_minor: sum(Payment::voided_minor),
            refunded_minor: sum(Payment::refunded_minor),
        };
        assert_eq!(sums, self.sums, "the order's money, and the model's");
        let gone = sums.captured_minor + sums.voided_minor;
        assert!(gone <= sums.authorized_minor && sums.refunded_minor <= sums.captured_minor, "more was taken than given: {sums:?}");
    }

    pub fn follow(&mut self, event: &Event) {
        match event {
            Event::OrderSourced { packages, waiting, .. } => {
                packages.iter().for_each(|package| self.source(&package.fulfillment_order_id, Place::Reserved, &package.lines));
                waiting.iter().for_each(|package| self.source(&package.fulfillment_order_id, Place::Waiting, &package.lines));
            }
            Event::StockGranted { from, package } => {
                self.leave(from, &package.lines);
                self.shift(&package.lines, Place::Waiting, Place::Reserved);
                self.open_part(&package.fulfillment_order_id, Place::Reserved, &package.lines);
            }
            Event::WaitingEnded { fulfillment_order_id } => {
                let lines = self.part(fulfillment_order_id).lines.clone();
                self.leave(fulfillment_order_id, &lines);
                self.shift(&lines, Place::Waiting, Place::Open);
                add(&mut self.loose, &lines);
            }
            Event::FulfillmentBackordered { fulfillment_order_id } => self.send(fulfillment_order_id, Place::Waiting),
            Event::FulfillmentRejected { fulfillment_order_id, reopened, into, .. }
            | Event::FulfillmentShorted { fulfillment_order_id, reopened, into }
            | Event::FulfillmentCalledBack { fulfillment_order_id, reopened, into } => match into {
                Some(into) => self.give_back(fulfillment_order_id, reopened, into),
                None if reopened.is_empty() => {}
                None => self.send(fulfillment_order_id, Place::Open),
            },
            Event::FulfillmentMoved { from, into, .. } | Event::FulfillmentReissued { from, into } => {
                let lines = self.part(from).lines.clone();
                self.give_back(from, &lines, into);
            }
            Event::FulfillmentSplit { from, into, lines, parcels } => self.split(from, into, lines, parcels),
            Event::FulfillmentMerged { from, into } => {
                let lines = self.part(from).lines.clone();
                self.leave(from, &lines);
                add(&mut self.part(into).lines, &lines);
            }
            Event::UnitsCancelled { fulfillment_order_id, lines, .. } => self.cancel(fulfillment_order_id.as_ref(), lines),
            Event::LineAdded(line) => self.order_more(&line.line_id, line.quantity),
            Event::UnitsAdded { line_id, quantity, .. } => self.order_more(line_id, *quantity),
            Event::UnitsRemoved { fulfillment_order_id, lines } => self.order_less(fulfillment_order_id.as_ref(), lines),
            Event::Packed { fulfillment_order_id, parcels } => {
                self.part(fulfillment_order_id).pack(parcels.iter().map(|parcel| parcel.lines.clone()));
            }
            Event::Unpacked { fulfillment_order_id } => self.part(fulfillment_order_id).unpack(),
            Event::FulfillmentShipped { fulfillment_order_id, .. } => self.send(fulfillment_order_id, Place::OnItsWay),
            Event::FulfillmentPickedUp { fulfillment_order_id, .. } => self.send(fulfillment_order_id, Place::PickedUp),
            Event::FulfillmentUnshipped { fulfillment_order_id, .. } => self.unship(fulfillment_order_id),
            Event::ParcelMoved { parcel_id, action, .. } => self.carry(parcel_id, *action),
            Event::ParcelResolved { parcel_id, into, .. } => {
                if let Some(into) = into {
                    self.send_again(parcel_id, into);
                }
            }
            Event::ReturnSettled { lines, .. } => add(&mut self.returned, lines),
            Event::PaymentAdded(_) => {}
            Event::PaymentAnswered { kind, amount_minor, outcome, .. } => self.pay(*kind, *amount_minor, outcome),
            Event::PaymentResolved { kind, amount_minor, finding: Finding::Succeeded { reference, expires_at }, .. } => {
                let (reference, expires_at) = (reference.clone(), *expires_at);
                self.pay(*kind, *amount_minor, &OperationOutcome::Succeeded { reference, expires_at });
            }
            Event::PaymentResolved { finding: Finding::Failed, .. } => {}
            // Asked for, promised, said or decided: nothing moves.
            Event::OrderPlaced { .. } | Event::SourcingAsked { .. } | Event::PaymentAsked { .. } | Event::InvoiceDue { .. } => {}
            Event::AuthorizationLapsed { .. } | Event::RefundAsked(_) | Event::RefundSetOff { .. } | Event::CreditDue { .. } => {}
            Event::ScreeningAsked | Event::ScreeningAnswered { .. } => {}
            Event::OrderApproved | Event::OrderProcessing | Event::OrderRejected { .. } | Event::OrderExpired => {}
            Event::OrderCompleted | Event::OrderCancelled | Event::HoldPlaced(_) | Event::HoldReleased { .. } => {}
            Event::PreorderDue { .. } | Event::FulfillmentReleased { .. } | Event::FulfillmentAccepted { .. } => {}
            Event::PickingStarted { .. } | Event::ShippingAsked { .. } | Event::LabelAsked { .. } | Event::LabelBooked { .. } => {}
            Event::LabelRefused { .. } | Event::FulfillmentReady { .. } | Event::LabelVoided { .. } | Event::GrantsSeen { .. } => {}
            Event::LabelResolved { .. } => {}
            Event::CreditGranted { .. } | Event::CreditReleased { .. } | Event::CreditSettled { .. } => {}
            Event::ReturnOpened { .. } | Event::ClaimOpened { .. } | Event::ClaimApproved { .. } => {}
            Event::ClaimDeclined { .. } | Event::ClaimClosed { .. } => {}
            Event::DeliveryChanged { .. } | Event::ShippingPriced { .. } => {}
            Event::PaymentRaised { .. } | Event::ChangeConfirmed(_) => {}
            Event::ChangeRequested(_) | Event::ChangeAnswered { .. } | Event::ChangeDeclined { .. } | Event::ChangeCancelled { .. } => {}
            Event::DecisionAsked(_) | Event::DecisionMade { .. } | Event::DeadlineExtended { .. } => {}
            Event::CancellationRequested { .. } | Event::CancellationAnswered { .. } | Event::CancellationRecorded(_) => {}
            Event::AttentionRaised { .. } | Event::EffectGaveUp { .. } | Event::AttentionResolved { .. } => {}
            Event::BooksRestored { .. } => {}
        }
    }

    fn pay(&mut self, kind: OperationKind, amount_minor: i64, outcome: &OperationOutcome) {
        let sum = match kind {
            OperationKind::Authorize => &mut self.sums.authorized_minor,
            OperationKind::Capture => &mut self.sums.captured_minor,
            OperationKind::Void => &mut self.sums.voided_minor,
            OperationKind::Refund => &mut self.sums.refunded_minor,
        };
        match outcome {
            OperationOutcome::Succeeded { .. } => *sum += amount_minor,
            OperationOutcome::Declined { .. } | OperationOutcome::Unknown => {}
        }
    }

    fn part(&mut self, id: &FulfillmentOrderId) -> &mut Part {
        self.parts.iter_mut().find(|part| part.id == *id).unwrap_or_else(|| panic!("nobody opened {id}"))
    }

    fn open_part(&mut self, id: &FulfillmentOrderId, place: Place, lines: &Lines) {
        assert!(self.parts.iter().all(|part| part.id != *id), "{id} was opened twice");
        self.parts.push(Part { id: id.clone(), place, lines: lines.clone(), parcels: Vec::new() });
    }

    fn shift(&mut self, lines: &Lines, from: Place, to: Place) {
        for (id, units) in lines {
            let left = self.counts.entry((id.clone(), from)).or_default();
            *left = left.checked_sub(u64::from(*units)).unwrap_or_else(|| panic!("{units} of line {id} leave {from:?}, where {left} are"));
            *self.counts.entry((id.clone(), to)).or_default() += u64::from(*units);
        }
    }

    /// Units leave a part, whose parcels are opened for it.
    fn leave(&mut self, id: &FulfillmentOrderId, lines: &Lines) {
        let part = self.part(id);
        take(&mut part.lines, lines);
        part.unpack();
    }

    /// The whole part goes somewhere: as it is packed, or opened if it must wait for a place.
    fn send(&mut self, id: &FulfillmentOrderId, to: Place) {
        let part = self.part(id);
        let (lines, from) = (part.lines.clone(), part.place);
        part.place = to;
        match to {
            Place::OnItsWay => part.parcels.iter_mut().for_each(|parcel| parcel.place = Some(Place::OnItsWay)),
            Place::Open | Place::Waiting => part.unpack(),
            Place::Reserved | Place::PickedUp | Place::Cancelled => {}
            Place::Delivered | Place::Lost | Place::SentBack => {}
        }
        self.shift(&lines, from, to);
    }

    /// Takes units that look for a place: the loose ones first, then those of open parts.
    fn take_open(&mut self, wanted: &Lines) {
        let mut left = wanted.clone();
        take_what_is_there(&mut self.loose, &mut left);
        for part in self.parts.iter_mut().filter(|part| part.place == Place::Open) {
            take_what_is_there(&mut part.lines, &mut left);
        }
        assert!(left.is_empty(), "units that are not open were taken: {left:?}");
    }

    fn source(&mut self, id: &FulfillmentOrderId, to: Place, lines: &Lines) {
        self.take_open(lines);
        self.shift(lines, Place::Open, to);
        self.open_part(id, to, lines);
    }

    /// Packed again as it was, in parcels with new numbers.
    fn unship(&mut self, id: &FulfillmentOrderId) {
        self.send(id, Place::Reserved);
        let part = self.part(id);
        let again: Vec<Lines> = part.parcels.iter().map(|parcel| parcel.lines.clone()).filter(|lines| !lines.is_empty()).collect();
        part.unpack();
        part.pack(again.into_iter());
    }

    /// Units of a part are open again, as a part of their own.
    fn give_back(&mut self, from: &FulfillmentOrderId, lines: &Lines, into: &FulfillmentOrderId) {
        let place = self.part(from).place;
        self.leave(from, lines);
        self.shift(lines, place, Place::Open);
        self.open_part(into, Place::Open, lines);
    }

    fn split(&mut self, from: &FulfillmentOrderId, into: &FulfillmentOrderId, lines: &Lines, parcels: &[ParcelId]) {
        let part = self.part(from);
        let place = part.place;
        take(&mut part.lines, lines);
        let numbers: Vec<u32> = (1..).zip(&part.parcels).map(|(number, _)| number).collect();
        let along = numbers.into_iter().filter(|number| parcels.contains(&ParcelId::of(from, *number)));
        let along: Vec<Lines> = along.map(|number| std::mem::take(part.parcel(number)).lines).collect();
        if parcels.is_empty() {
            part.unpack();
        }
        self.open_part(into, place, lines);
        self.part(into).pack(along.into_iter());
    }

    fn order_more(&mut self, id: &LineId, quantity: u32) {
        let more = Lines::from([(id.clone(), quantity)]);
        add(&mut self.ordered, &more);
        add(&mut self.loose, &more);
        *self.counts.entry((id.clone(), Place::Open)).or_default() += u64::from(quantity);
    }

    fn order_less(&mut self, id: Option<&FulfillmentOrderId>, lines: &Lines) {
        let from = self.take_out(id, lines);
        take(&mut self.ordered, lines);
        for (line, units) in lines {
            *self.counts.entry((line.clone(), from)).or_default() -= u64::from(*units);
        }
    }

    fn cancel(&mut self, id: Option<&FulfillmentOrderId>, lines: &Lines) {
        let from = self.take_out(id, lines);
        self.shift(lines, from, Place::Cancelled);
    }

    /// Says where they were.
    fn take_out(&mut self, id: Option<&FulfillmentOrderId>, lines: &Lines) -> Place {
        match id {
            Some(id) => {
                let place = self.part(id).place;
                self.leave(id, lines);
                place
            }
            None => {
                self.take_open(lines);
                Place::Open
            }
        }
    }

    fn carry(&mut self, id: &ParcelId, action: ParcelAction) {
        let to = match action {
            ParcelAction::Deliver => Place::Delivered,
            ParcelAction::Lose => Place::Lost,
            ParcelAction::ReturnToSender => Place::SentBack,
            ParcelAction::RequestLabel | ParcelAction::Label | ParcelAction::RefuseLabel | ParcelAction::Void => return,
            ParcelAction::HandOver | ParcelAction::Transit | ParcelAction::OutForDelivery => Place::OnItsWay,
            ParcelAction::Attempt | ParcelAction::Except => Place::OnItsWay,
        };
        let parcel = self.parcel(id);
        // What its customer collects was counted when it was handed over.
        let Some(from) = parcel.place.replace(to) else { return };
        let lines = parcel.lines.clone();
        self.shift(&lines, from, to);
    }

    fn send_again(&mut self, id: &ParcelId, into: &FulfillmentOrderId) {
        let lines = self.parcel(id).lines.clone();
        add(&mut self.replaced, &lines);
        for (line, units) in &lines {
            *self.counts.entry((line.clone(), Place::Open)).or_default() += u64::from(*units);
        }
        self.open_part(into, Place::Open, &lines);
    }

    fn parcel(&mut self, id: &ParcelId) -> &mut Parcel {
        let owner = id.fulfillment_order_id().expect("a parcel of a fulfillment order");
        let part = self.part(&owner);
        let number = (1..).zip(&part.parcels).map(|(number, _)| number).find(|number| ParcelId::of(&owner, *number) == *id);
        part.parcel(number.expect("a parcel that was packed"))
    }
}

impl Part {
    fn pack(&mut self, contents: impl Iterator<Item = Lines>) {
        self.parcels.extend(contents.map(|lines| Parcel { lines, place: None }));
    }

    fn unpack(&mut self) {
        self.parcels.fill_with(Parcel::default);
    }

    fn parcel(&mut self, number: u32) -> &mut Parcel {
        &mut self.parcels[usize::try_from(number - 1).expect("a small number")]
    }
}

fn add(sum: &mut Lines, lines: &Lines) {
    for (id, units) in lines {
        *sum.entry(id.clone()).or_default() += units;
    }
}

/// Takes exactly these units.
fn take(from: &mut Lines, lines: &Lines) {
    let mut left = lines.clone();
    take_what_is_there(from, &mut left);
    assert!(left.is_empty(), "units that are not there left: {left:?}");
}

/// Takes what there is of what is left to take.
fn take_what_is_there(from: &mut Lines, left: &mut Lines) {
    for (id, units) in left.iter_mut() {
        let Some(there) = from.get_mut(id) else { continue };
        let taken = (*there).min(*units);
        *there -= taken;
        *units -= taken;
    }
    from.retain(|_, units| *units > 0);
    left.retain(|_, units| *units > 0);
}
