//! What would bring a return's books together again. Its document and its events are PostgreSQL's alone: what PostgreSQL has lost of it only
//! its run can still know, and its order what became of the units.

use oms_domain::{
    ids::{OrderId, ReturnId},
    order::ReturnedUnits,
    returns::{Consent, Return},
};

use super::Step;
use crate::reconcile::{Pages, Run};

/// What is to be done about each of an order's returns.
pub(super) fn steps(pages: &Pages, order_id: &OrderId) -> Vec<(ReturnId, Step)> {
    let order = pages.kept(order_id).and_then(|kept| kept.document.as_ref());
    let of_each = pages.returns_of(order_id).map(|(id, this, run)| {
        let steps = plan(&id, this, run, order.and_then(|order| order.returned(&id)));
        steps.into_iter().map(move |step| (id.clone(), step)).collect::<Vec<_>>()
    });
    of_each.flatten().collect()
}

pub(super) fn plan(id: &ReturnId, this: Option<&Return>, run: Option<Run>, known: Option<&ReturnedUnits>) -> Vec<Step> {
    let return_id = id.clone();
    let gone = |what| Step::Gone { what: format!("return {id}: {what}") };
    match (this, run.is_some_and(|run| run.running)) {
        (None, true) => vec![gone("its events: PostgreSQL has lost them"), Step::RestateReturn { return_id }],
        (None, false) => {
            vec![gone("its events: PostgreSQL has lost them, and its order knows its units alone"), Step::ReopenReturn { return_id }]
        }
        (Some(this), false) if !this.is_closed() && has_ended(this, known) => {
            vec![gone("its last events: PostgreSQL has lost them, and its order knows how it ended"), Step::ReviveReturn { return_id }]
        }
        (Some(this), false) if !this.is_closed() => vec![Step::ReviveReturn { return_id }],
        (Some(_), _) => Vec::new(),
    }
}

/// Its order was told how it ended, and it does not know that itself.
fn has_ended(this: &Return, known: Option<&ReturnedUnits>) -> bool {
    this.consent == Consent::Given && !this.status.is_final() && known.is_some_and(|known| known.amount_minor.is_some())
}
