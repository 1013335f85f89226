//! What a command leads to: events, or a refusal that changes nothing.

use jiff::Timestamp;

use super::{
    Answer, CarrierMove, Command, Consent, Deadline, Disposition, Effect, Event, GOODS_MAX, GoodsRef, Inspected, Label, Origin,
    RECEIPTS_MAX, Receipt, ReceivedGoods, Request, Return, ReturnAction, ReturnStatus, SCANS, Verdict, Wait,
};
use crate::{
    error::{ErrorCode, Rejection},
    ids::FacilityId,
    order::{LabelFinding, LabelOutcome},
    parcel::ParcelAction,
    placed::QUANTITY_MAX,
    policy::ms,
    taken::{Decided, TakenCommand, body_hash},
    waits::{EXTENDED_MAX, refuse_extension},
};

/// Far more than what is due at once can bring about.
const ROUNDS_MAX: u32 = 20;

const LOST_AFTER: &str = "the carrier says that it has lost the goods, and that it has delivered them: find them";
const LOST_BEFORE: &str = "the carrier says that it had lost the goods before it last scanned them: ask where they are";

/// What `command` leads to at `at` (business time), with everything that then follows by itself. No events is an answer too: nothing
/// changes. So it is for every command that has led to events before and is told again.
pub fn decide(this: &Return, command: &Command, at: Timestamp) -> Result<Decided<Return, Event>, Rejection> {
    let mut draft = Draft { this: this.clone(), events: Vec::new(), at };
    match command {
        Command::Open => draft.open(),
        Command::Request { command_id, request } => draft.taken(command_id, request)?,
        Command::Answer(answer) => draft.answered(answer),
        Command::Carrier(scan) => draft.scanned(scan),
        Command::Tick => draft.time_passed(),
    }
    // What follows from nothing is nothing.
    if !draft.events.is_empty() {
        draft.advance();
        if let Command::Request { command_id, request } = command {
            draft.keep(command_id, request);
        }
    }
    Ok(Decided { state: draft.this, events: draft.events })
}

/// A return as it becomes, with the events that make it so.
struct Draft {
    this: Return,
    events: Vec<Event>,
    at: Timestamp,
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Rejection> {
    Err(Rejection::new(ErrorCode::RefusedByRule, why))
}

impl Draft {
    fn emit(&mut self, event: Event) {
        self.this.evolve(&event, self.at);
        self.events.push(event);
    }

    fn open(&mut self) {
        if self.this.version == 0 {
            let units = self.this.core.lines.iter().map(|line| u64::from(line.quantity)).sum();
            self.emit(Event::ReturnRequested { units });
        }
    }

    /// Done before, under this id; or done now.
    fn taken(&mut self, command_id: &str, request: &Request) -> Result<(), Rejection> {
        if self.this.commands.knows(command_id, request)? { Ok(()) } else { self.request(request) }
    }

    fn keep(&mut self, command_id: &str, request: &Request) {
        let (command_id, body_hash, version) = (command_id.to_owned(), body_hash(request), self.this.version);
        self.this.commands.keep(TakenCommand { command_id, body_hash, version });
    }

    fn request(&mut self, request: &Request) -> Result<(), Rejection> {
        if !self.this.is_answered() {
            return Err(Rejection::new(ErrorCode::Unavailable, "the order has not said yet whether these units may come back"));
        }
        match request {
            Request::Approve => {
                self.legal(ReturnAction::Approve)?;
                self.emit(Event::ReturnApproved { by_rule: false });
            }
            Request::Decline { reason } => {
                self.legal(ReturnAction::Decline)?;
                self.emit(Event::ReturnDeclined { reason: reason.clone() });
            }
            Request::Cancel { reason } => {
                self.legal(ReturnAction::Cancel)?;
                self.emit(Event::ReturnCancelled { reason: reason.clone() });
            }
            Request::Receive { receipt_id, facility_id, goods, complete } => self.receive(receipt_id, facility_id, goods, *complete)?,
            Request::Inspect { judged } => self.inspect(judged)?,
            Request::Retry => self.retry()?,
            Request::ResolveLabel { outcome, reason } => self.resolve_label(*outcome, reason)?,
            Request::ExtendDeadline { wait, subject, until } => self.extend(*wait, subject, *until)?,
        }
        Ok(())
    }

    /// The action has a row in the table; else the refusal says, in the API's words, what has.
    fn legal(&self, action: ReturnAction) -> Result<(), Rejection> {
        let legal_actions = || self.this.legal_actions().into_iter().map(str::to_owned).collect();
        self.this.status.try_after(action).map(drop).map_err(|refusal| Rejection { legal_actions: legal_actions(), ..refusal })
    }

    /// A delivery counts once. After the refund has begun, what turns up is another return.
    fn receive(
        &mut self,
        receipt_id: &str,
        facility_id: &FacilityId,
        goods: &[ReceivedGoods],
        complete: Option<bool>,
    ) -> Result<(), Rejection> {
        if let Some(known) = self.this.receipts.get(receipt_id) {
            let same = (&known.facility_id, known.goods.as_slice()) == (facility_id, goods);
            return if same { Ok(()) } else { refuse(format!("delivery {receipt_id} was received with other goods")) };
        }
        self.legal(ReturnAction::ReceiveAll)?;
        if self.this.receipts.len() >= RECEIPTS_MAX || self.this.goods.len() + goods.len() > GOODS_MAX {
            return refuse(format!("a return takes at most {RECEIPTS_MAX} deliveries and {GOODS_MAX} kinds of goods: open another"));
        }
        if goods.is_empty() && complete != Some(true) {
            return refuse("name what came, or say that this is all");
        }
        for came in goods {
            if self.this.identified(came).is_none() {
                let line = came.line_id.as_ref().map_or("no line", |id| id.as_str());
                return refuse(format!(
                    "{line}: the order has no such line, or another SKU there; goods it never sold are named by their SKU alone"
                ));
            }
        }
        let units: u64 =
            goods.iter().map(|came| u64::from(came.quantity)).chain(self.this.goods.iter().map(|g| u64::from(g.received))).sum();
        if units > u64::from(QUANTITY_MAX) {
            return refuse(format!("a return takes at most {QUANTITY_MAX} units"));
        }
        let receipt = Receipt { facility_id: facility_id.clone(), goods: goods.to_vec(), at: self.at };
        let complete = self.is_complete(&receipt, complete);
        self.emit(Event::GoodsReceived { receipt_id: receipt_id.to_owned(), receipt, complete });
        Ok(())
    }

    /// Unless someone knows better: all that was announced has come. Once nothing more was awaited, nothing is again.
    fn is_complete(&self, receipt: &Receipt, said: Option<bool>) -> bool {
        if matches!(self.this.status, ReturnStatus::Received | ReturnStatus::Inspected) {
            return true;
        }
        said.unwrap_or_else(|| {
            let mut then = self.this.clone();
            let event = Event::GoodsReceived { receipt_id: String::new(), receipt: receipt.clone(), complete: false };
            then.evolve(&event, self.at);
            let received = then.received();
            then.announced().iter().all(|(id, units)| received.get(id).is_some_and(|came| came >= units))
        })
    }

    fn inspect(&mut self, judged: &[Inspected]) -> Result<(), Rejection> {
        self.legal(ReturnAction::Inspect)?;
        if judged.is_empty() {
            return refuse("name the units that were judged");
        }
        // Judged one after the other: two entries may mean the same goods.
        let mut then = self.this.clone();
        for inspected in judged {
            check_judgement(&then, inspected)?;
            then.evolve(&Event::GoodsInspected { judged: vec![inspected.clone()], assumed: false }, self.at);
        }
        self.emit(Event::GoodsInspected { judged: judged.to_vec(), assumed: false });
        Ok(())
    }

    fn retry(&mut self) -> Result<(), Rejection> {
        if self.this.status == ReturnStatus::RefundFailed {
            self.emit(Event::RefundRetried);
            return Ok(());
        }
        if self.this.attention.is_empty() {
            return self.legal(ReturnAction::Retry);
        }
        for known in self.this.attention.clone() {
            self.emit(Event::AttentionResolved { subject: known.subject });
        }
        Ok(())
    }

    /// What became of a label that the carrier was never heard to void. The same finding again is the same.
    fn resolve_label(&mut self, outcome: LabelFinding, reason: &str) -> Result<(), Rejection> {
        if self.this.label.as_ref().is_some_and(|label| label.finding == Some(outcome)) {
            return Ok(());
        }
        let gave_up = |effect: &Effect| *effect == Effect::VoidLabel && self.this.is_held_up(&effect.key());
        if !self.this.owed_effects().any(|effect| gave_up(&effect)) {
            let why = "nothing is to be said of its label: no call to void it has given up";
            return Err(Rejection {
                status: Some(self.this.status.name().to_owned()),
                ..Rejection::new(ErrorCode::IllegalTransition, why)
            });
        }
        self.emit(Event::ReturnLabelResolved { outcome, reason: reason.to_owned() });
        Ok(())
    }

    /// A wait gets more time. The same time again is the same.
    fn extend(&mut self, wait: Wait, subject: &str, until: Timestamp) -> Result<(), Rejection> {
        let deadlines = self.this.deadlines();
        let Some(known) = deadlines.iter().find(|known| known.wait == wait && known.subject == subject) else {
            return Err(Rejection::new(ErrorCode::NotFound, format!("the return does not wait for {} of {subject}", wait.key())));
        };
        if known.due == until {
            return Ok(());
        }
        refuse_extension(known.due, until, self.at)?;
        if self.this.extended.len() >= EXTENDED_MAX && !self.this.extended.contains_key(&wait.of(subject)) {
            return refuse(format!("a return has at most {EXTENDED_MAX} extended deadlines"));
        }
        self.emit(Event::DeadlineExtended { wait, subject: subject.to_owned(), until });
        Ok(())
    }

    /// An answer to what is not asked any more changes nothing.
    fn answered(&mut self, answer: &Answer) {
        let (pending, held) = (self.this.consent == Consent::Pending, self.this.consent == Consent::Given);
        match answer {
            Answer::Agreed(origin) if pending => self.agreed(origin),
            Answer::Refused(refusal) if pending => self.emit(Event::OrderRefused { refusal: refusal.clone() }),
            Answer::Label { attempt, outcome } if self.this.status == ReturnStatus::Approved => self.labelled(*attempt, outcome),
            Answer::Label { attempt, outcome: booked @ LabelOutcome::Booked { .. } } if self.this.is_label_too_late() => {
                self.labelled(*attempt, booked);
            }
            Answer::LabelVoided if self.this.label.as_ref().is_some_and(|label| !label.voided) => self.emit(Event::ReturnLabelVoided),
            Answer::Settled(settlement) if held => self.emit(Event::ReturnSettled(settlement.clone())),
            Answer::CreditTold if self.this.credit_to_tell().is_some() => self.emit(Event::CreditTold),
            Answer::Refunded if self.this.status == ReturnStatus::Refunding => self.emit(Event::ReturnClosed),
            Answer::RefundFailed { retries, why }
                if self.this.status == ReturnStatus::Refunding && *retries == self.this.refund_retries =>
            {
                self.emit(Event::RefundFailed { why: why.clone() });
            }
            Answer::GaveUp { effect, attempt, why } => self.gave_up(effect, *attempt, why),
            Answer::Agreed(_) | Answer::Refused(_) | Answer::Label { .. } | Answer::LabelVoided => {}
            Answer::Settled(_) | Answer::CreditTold | Answer::Refunded | Answer::RefundFailed { .. } => {}
        }
    }

    /// Within the window a rule approves; after it a person must. Unannounced goods are here already: there is nothing to approve.
    fn agreed(&mut self, origin: &Origin) {
        self.emit(Event::OrderAgreed { origin: origin.clone() });
        let window_ends = |delivered: Timestamp| delivered.saturating_add(ms(self.this.policy.return_window_ms)).unwrap_or(Timestamp::MAX);
        let in_window = origin.delivered_at.is_none_or(|delivered| self.this.core.opened_at <= window_ends(delivered));
        if in_window {
            self.emit(Event::ReturnApproved { by_rule: true });
        }
    }

    fn labelled(&mut self, attempt: u32, outcome: &LabelOutcome) {
        match outcome {
            LabelOutcome::Booked { carrier, tracking_number, tracking_url } => {
                let (carrier, tracking_number, tracking_url) = (carrier.clone(), tracking_number.clone(), tracking_url.clone());
                let label = Label { carrier, tracking_number, tracking_url, voided: false, finding: None };
                self.emit(Event::ReturnLabelSent { label });
            }
            LabelOutcome::Refused { why } => self.gave_up("label", attempt, why),
        }
    }

    /// What is not owed any more needs nobody, and neither does an attempt that has given up before.
    fn gave_up(&mut self, effect: &str, attempt: u32, why: &str) {
        let is_owed = self.this.owed_effects().any(|owed| owed.key() == effect);
        if is_owed && !self.this.is_held_up(effect) && attempt == self.this.attempt(effect) {
            self.emit(Event::AttentionRaised { subject: effect.to_owned(), why: why.to_owned() });
        }
    }

    /// A scan says that the goods are on their way, or lost; what has arrived, only the facility says.
    fn scanned(&mut self, scan: &CarrierMove) {
        // What has been told has happened; what happened long before the customer could send is another parcel's.
        let occurred_at = scan.occurred_at.min(self.at);
        let earliest = self.this.status_since.saturating_sub(ms(self.this.policy.scan_before_ms)).unwrap_or(Timestamp::MIN);
        if self.this.status != ReturnStatus::InTransit && occurred_at < earliest {
            return;
        }
        let (moves, loses) = match scan.action {
            ParcelAction::HandOver | ParcelAction::Transit | ParcelAction::OutForDelivery | ParcelAction::Attempt => (true, false),
            ParcelAction::Except | ParcelAction::Deliver => (true, false),
            // A carrier cannot lose what it never had.
            ParcelAction::Lose => (false, true),
            ParcelAction::ReturnToSender | ParcelAction::RequestLabel | ParcelAction::Label => (false, false),
            ParcelAction::RefuseLabel | ParcelAction::Void => (false, false),
        };
        if moves && self.this.status.after(ReturnAction::Transit).is_some() {
            self.emit(Event::GoodsInTransit { occurred_at });
        }
        if moves && self.this.status == ReturnStatus::InTransit {
            self.scanned_again(scan);
        }
        if loses && self.this.status.after(ReturnAction::Lose).is_some() {
            self.lost(scan);
        }
    }

    /// What is no news is not recorded: it is no later, and does not say that they were delivered.
    fn scanned_again(&mut self, scan: &CarrierMove) {
        let delivers = |last: &CarrierMove| last.action != ParcelAction::Deliver && scan.action == ParcelAction::Deliver;
        if self.this.scanned.as_ref().is_none_or(|last| scan.occurred_at > last.occurred_at || delivers(last)) {
            self.emit(Event::GoodsScanned { action: scan.action, occurred_at: scan.occurred_at });
        }
    }

    /// A loss ends the return, and pays for what is lost under the house's label: so what cannot be so is looked at, once, and until then the
    /// goods may still come.
    fn lost(&mut self, scan: &CarrierMove) {
        let why = match &self.this.scanned {
            Some(last) if last.action == ParcelAction::Deliver => LOST_AFTER,
            // Some carriers give dates only.
            Some(last) if last.occurred_at > scan.occurred_at => LOST_BEFORE,
            Some(_) | None => return self.emit(Event::GoodsLost { assumed: false }),
        };
        if !self.this.gave_up.contains_key(SCANS) {
            self.emit(Event::AttentionRaised { subject: SCANS.to_owned(), why: why.to_owned() });
        }
    }

    /// Each wait whose deadline has passed gets its default, and so does what comes due by that: nothing is due any more.
    fn time_passed(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let due = self.this.deadlines().into_iter().filter(|deadline| deadline.due <= self.at).collect::<Vec<_>>();
            due.iter().for_each(|deadline| self.default_of(deadline));
            self.advance();
            if due.is_empty() {
                return;
            }
        }
    }

    fn default_of(&mut self, deadline: &Deadline) {
        match deadline.wait {
            Wait::Approval => self.emit(Event::ReturnDeclined { reason: "nobody approved it in time".to_owned() }),
            Wait::Sending => self.emit(Event::ReturnExpired),
            Wait::Transit => self.emit(Event::GoodsLost { assumed: true }),
            Wait::Rest => self.emit(Event::WaitingStopped),
            Wait::Inspection => self.assume(Verdict::ManualReview),
            Wait::Review => self.assume(Verdict::Accepted),
            Wait::Retry if self.this.status == ReturnStatus::RefundFailed && deadline.subject == self.this.core.return_id.as_str() => {
                self.emit(Event::RefundRetried);
            }
            Wait::Retry => self.emit(Event::AttentionResolved { subject: deadline.subject.clone() }),
        }
    }

    /// Nobody judged in time: all units that are still open are judged alike, in the customer's favour where they bought them.
    fn assume(&mut self, verdict: Verdict) {
        let open = self.this.goods.iter().filter_map(|goods| {
            let quantity = if verdict == Verdict::ManualReview { goods.undecided() } else { goods.undecided() + goods.in_review };
            let verdict = if verdict == Verdict::Accepted && goods.line_id.is_none() { Verdict::Rejected } else { verdict };
            let (line_id, sku, facility_id) = (goods.line_id.clone(), Some(goods.sku.clone()), Some(goods.facility_id.clone()));
            let goods = GoodsRef { line_id, sku, facility_id };
            (quantity > 0).then_some(Inspected { goods, quantity, verdict, disposition: Disposition::WriteOff })
        });
        let judged = open.collect();
        self.emit(Event::GoodsInspected { judged, assumed: true });
    }

    /// What follows by itself: all judged → the refund begins; nothing to refund → closed; what no longer matters needs nobody.
    fn advance(&mut self) {
        if self.this.is_judged() {
            if self.this.status == ReturnStatus::Received {
                self.emit(Event::GoodsInspected { judged: Vec::new(), assumed: false });
            }
            self.emit(Event::RefundBegun);
        }
        let nothing_due = self.this.settlement.as_ref().is_some_and(|settlement| settlement.amount_minor == 0);
        if self.this.status == ReturnStatus::Refunding && nothing_due {
            self.emit(Event::ReturnClosed);
        }
        // A label nobody needs any more: the goods are under way, here, or not coming.
        self.settle_if(self.this.status != ReturnStatus::Approved, "label");
        self.settle_if(!self.this.has_unused_label(), &Effect::VoidLabel.key());
        self.settle_if(self.this.status != ReturnStatus::InTransit, SCANS);
    }

    /// Nobody needs to look at it any more.
    fn settle_if(&mut self, is_over: bool, subject: &str) {
        if is_over && self.this.attention.iter().any(|known| known.subject == subject) {
            self.emit(Event::AttentionResolved { subject: subject.to_owned() });
        }
    }
}

fn check_judgement(this: &Return, inspected: &Inspected) -> Result<(), Rejection> {
    let Inspected { goods, quantity, verdict, disposition } = inspected;
    let open = this.open_units(goods, *verdict);
    if open < u64::from(*quantity) || *quantity == 0 {
        return refuse(format!("{quantity} units cannot be judged: {open} such units have come and are open"));
    }
    if *verdict == Verdict::Accepted && goods.line_id.is_none() && this.meant_beyond_the_order(goods) {
        return refuse("goods that the order never sold have no money to give back: reject them, or send them to review");
    }
    if *verdict == Verdict::Accepted && *disposition == Disposition::SendBack {
        return refuse("units whose money goes back are not sent back too");
    }
    Ok(())
}
