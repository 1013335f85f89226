//! Returns, in all books: the document, the run, and what the order says of it.

use oms_domain::{
    ids::ReturnId,
    order::{Order, ReturnedUnits},
    returns::{Consent, Return},
};

use super::Run;

/// What does not fit of a return.
pub(super) fn judge(id: &ReturnId, this: Option<&Return>, run: Option<Run>, order: Option<&Order>) -> Option<&'static str> {
    let known = order.and_then(|order| order.returned(id));
    orphaned(this, run).or_else(|| this.and_then(|this| differs(this, known)))
}

/// Which of document and run is missing, if one is, or does not end as the other says. One without a document is known by its order, which
/// it asks only once it has recorded something.
pub(super) fn orphaned(document: Option<&Return>, run: Option<Run>) -> Option<&'static str> {
    match (document, run) {
        (None, Some(run)) if run.running => Some("it runs, and PostgreSQL does not know it"),
        (None, Some(_)) => Some("its run has ended and it has no document"),
        (None, None) => Some("its order knows it, and it has neither document nor run"),
        (Some(this), None) => (!this.is_closed()).then_some("it is open and has no run"),
        (Some(this), Some(run)) if !this.is_closed() && !run.running => Some("it is open and its run has ended"),
        (Some(this), Some(run)) if this.is_closed() && !run.running && !run.completed => Some("its run did not end by itself"),
        (Some(_), Some(_)) => None,
    }
}

/// How what the order says of a return differs from what the return says itself.
pub(super) fn differs(this: &Return, known: Option<&ReturnedUnits>) -> Option<&'static str> {
    match (&this.consent, known) {
        (Consent::Pending | Consent::Refused(_), _) => None,
        (Consent::Given | Consent::Settled, None) => Some("its order does not know it"),
        // The order may have been told of the end a moment ago.
        (Consent::Given, Some(_)) => None,
        (Consent::Settled, Some(known)) => {
            let settled = this.settlement.as_ref().map(|settlement| (&settlement.lines, Some(settlement.amount_minor)));
            (settled != Some((&known.returned, known.amount_minor))).then_some("its order has settled it otherwise")
        }
    }
}
