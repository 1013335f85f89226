//! A change set that touches what facilities have accepted is asked for: they let go or refuse, and the order goes on meanwhile.

use std::collections::BTreeSet;

use super::Draft;
use crate::{
    error::{ErrorCode, Rejection},
    free_text::is_the_same,
    fulfillment::FulfillmentAction,
    ids::{ChangeId, FulfillmentOrderId},
    order::{Asked, ChangeAction, ChangeRequest, ChangeStatus, CoreChange, Event, FulfillmentOrder, Order, decide::changes::CHANGES_MAX},
};

impl Draft {
    /// Confirmed at once, or asked of the facilities that it touches. The same change set again has been answered already.
    pub(super) fn change(&mut self, id: &ChangeId, reason: &str, changes: &[CoreChange], at_version: Option<u64>) -> Result<(), Rejection> {
        if self.order.knows_change(id) {
            let asked = self.order.change_request(id).map(|known| (&known.changes, &known.reason));
            let known = asked.or_else(|| self.order.change(id).map(|known| (&known.changes, &known.reason)));
            let same = known.is_some_and(|known| known.0.as_slice() == changes && is_the_same(known.1, reason));
            let refusal = || Rejection::new(ErrorCode::RefusedByRule, format!("change set {id} exists with other changes or reason"));
            return if same { Ok(()) } else { Err(refusal()) };
        }
        if at_version.is_some_and(|seen| seen != self.order.version) {
            let why = format!("the order is at version {}: look at it again, then ask again", self.order.version);
            return Err(Rejection::new(ErrorCode::VersionConflict, why));
        }
        self.order.one_at_a_time()?;
        let mut changed = self.clone();
        if changed.confirm(id, reason, changes).is_ok() {
            *self = changed;
            return Ok(());
        }
        self.ask_for(ChangeRequest {
            change_id: id.clone(),
            reason: reason.to_owned(),
            changes: changes.to_vec(),
            status: ChangeStatus::Requested,
            since: self.at,
            asked: Vec::new(),
            ended_at: None,
            why: None,
        })
    }

    fn ask_for(&mut self, request: ChangeRequest) -> Result<(), Rejection> {
        let asked = self.must_let_go(&request)?;
        if self.order.change_requests.len() >= CHANGES_MAX {
            let why = format!("facilities are asked about at most {CHANGES_MAX} change sets of an order");
            return Err(Rejection::new(ErrorCode::RefusedByRule, why));
        }
        self.emit(Event::ChangeRequested(ChangeRequest { asked, ..request }));
        Ok(())
    }

    /// Who must let go for the change set: some of those who are asked already, if that is enough; refused if nobody's consent is.
    fn must_let_go(&self, request: &ChangeRequest) -> Result<Vec<Asked>, Rejection> {
        let open_to = |f: &&FulfillmentOrder| f.status.after(FulfillmentAction::RequestChange).is_some();
        let everyone = self.order.fulfillment_orders.iter().filter(open_to).map(|f| f.fulfillment_order_id.clone());
        let asked = request.asked.iter().map(|asked| asked.fulfillment_order_id.clone()).collect();
        let touched = self.touched(request, asked).or_else(|_| self.touched(request, everyone.collect()))?;
        let agreed = |id: &FulfillmentOrderId| request.asked.iter().any(|asked| asked.fulfillment_order_id == *id && asked.agreed);
        Ok(touched.into_iter().map(|id| Asked { agreed: agreed(&id), fulfillment_order_id: id }).collect())
    }

    /// What facilities have accepted of what the change set would touch, if these let go.
    fn touched(&self, request: &ChangeRequest, letting_go: Vec<FulfillmentOrderId>) -> Result<BTreeSet<FulfillmentOrderId>, Rejection> {
        let mut trial = Self { order: self.order.clone(), events: Vec::new(), at: self.at };
        let asked = letting_go.into_iter().map(|fulfillment_order_id| Asked { fulfillment_order_id, agreed: true }).collect();
        trial.order.request_change(&ChangeRequest { asked, ..request.clone() });
        trial.confirm(&request.change_id, &request.reason, &request.changes)?;
        let begun = |id: &&FulfillmentOrderId| {
            self.order.fulfillment_order(id).is_some_and(|f| f.status.after(FulfillmentAction::RequestChange).is_some())
        };
        Ok(trial.events.iter().filter_map(calls_back).filter(begun).cloned().collect())
    }

    /// The order has gone on: others may have to let go by now, or nobody, or it cannot be made any more.
    pub(super) fn review_change(&mut self) {
        let Some(open) = self.order.open_change().cloned() else { return };
        if self.order.status.is_final() {
            return self.decline_change(&format!("the order is {}", self.order.status));
        }
        match self.must_let_go(&open) {
            Ok(asked) if asked.iter().all(|asked| asked.agreed) => self.make_asked(&open),
            Ok(asked) if asked == open.asked => {}
            Ok(asked) => self.emit(Event::ChangeRequested(ChangeRequest { asked, ..open })),
            Err(refusal) => self.decline_change(&self.order.went_on(&open, &refusal.message)),
        }
    }

    fn make_asked(&mut self, open: &ChangeRequest) {
        let mut changed = self.clone();
        match changed.confirm(&open.change_id, &open.reason, &open.changes) {
            Ok(()) => *self = changed,
            Err(refusal) => self.decline_change(&refusal.message),
        }
    }

    pub(super) fn accept_change(&mut self, found: &FulfillmentOrder) -> Result<(), Rejection> {
        let change_id = self.asked_about(found, FulfillmentAction::AcceptChange)?;
        if !self.order.has_agreed(found) {
            self.answer_change(change_id, found, true, None);
        }
        Ok(())
    }

    pub(super) fn refuse_change(&mut self, found: &FulfillmentOrder, reason: Option<&str>) -> Result<(), Rejection> {
        let change_id = self.asked_about(found, FulfillmentAction::RefuseChange)?;
        self.answer_change(change_id, found, false, reason);
        let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        self.decline_change(&format!("{} was not let go{why}", found.fulfillment_order_id));
        Ok(())
    }

    fn asked_about(&self, found: &FulfillmentOrder, action: FulfillmentAction) -> Result<ChangeId, Rejection> {
        let Some(open) = self.order.open_change().filter(|_| self.order.is_asked(found)) else {
            let message = "no change set that touches this waits for an answer".to_owned();
            return Err(Rejection { message, ..found.status.refuse(action) });
        };
        found.status.try_after(action).map(|_| open.change_id.clone())
    }

    fn answer_change(&mut self, change_id: ChangeId, found: &FulfillmentOrder, accepted: bool, reason: Option<&str>) {
        let (fulfillment_order_id, reason) = (found.fulfillment_order_id.clone(), reason.map(str::to_owned));
        self.emit(Event::ChangeAnswered { change_id, fulfillment_order_id, accepted, reason });
    }

    /// The change set that is open, if there is one, is not made.
    pub(super) fn decline_change(&mut self, why: &str) {
        if let Some(change_id) = self.order.open_change().map(|open| open.change_id.clone()) {
            self.emit(Event::ChangeDeclined { change_id, why: why.to_owned() });
        }
    }

    /// Whoever asked does not want it any more. The same again is the same.
    pub(super) fn cancel_change(&mut self, id: &ChangeId) -> Result<(), Rejection> {
        if !self.order.knows_change(id) {
            return Err(Rejection::new(ErrorCode::NotFound, format!("this order has no change set {id}")));
        }
        let status = self.order.change_request(id).map_or(ChangeStatus::Confirmed, |known| known.status);
        if status != ChangeStatus::Cancelled {
            status.try_after(ChangeAction::Cancel)?;
            self.emit(Event::ChangeCancelled { change_id: id.clone() });
        }
        Ok(())
    }
}

impl Order {
    /// Another change set would be worked out from what the open one changes.
    fn one_at_a_time(&self) -> Result<(), Rejection> {
        let Some(open) = self.open_change() else { return Ok(()) };
        let asked = open.asked.iter().map(|asked| asked.fulfillment_order_id.as_str()).collect::<Vec<_>>().join(", ");
        let message = format!("change set {} waits for an answer about {asked}: cancel it first, or wait", open.change_id);
        let (status, legal_actions) = (Some(self.status.name().to_owned()), vec![format!("cancel change set {}", open.change_id)]);
        Err(Rejection { status, legal_actions, ..Rejection::new(ErrorCode::IllegalTransition, message) })
    }

    /// Why a change set that could be asked for cannot be made now.
    fn went_on(&self, open: &ChangeRequest, why: &str) -> String {
        let gone = open.asked.iter().filter_map(|asked| self.fulfillment_order(&asked.fulfillment_order_id)).find(|f| f.status.has_left());
        gone.map_or_else(|| why.to_owned(), |gone| format!("{} is {}: {why}", gone.fulfillment_order_id, gone.status))
    }
}

/// The fulfillment order that gives units back by the event.
fn calls_back(event: &Event) -> Option<&FulfillmentOrderId> {
    if let Event::UnitsRemoved { fulfillment_order_id, .. } | Event::UnitsCancelled { fulfillment_order_id, .. } = event {
        return fulfillment_order_id.as_ref();
    }
    if let Event::FulfillmentReissued { from, .. } = event { Some(from) } else { None }
}
