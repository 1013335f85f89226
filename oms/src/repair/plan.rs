//! What would bring an order's books together again. Pure: from what they say to what is to be done.

use std::fmt;

use oms_domain::ids::{OrderId, ReturnId};
use serde::{Deserialize, Serialize};

use super::returns;
use crate::reconcile::{Figure, Finding, Pages, Run};

/// One step of a repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The document follows the events that PostgreSQL has.
    RebuildDocument { from_version: u64, to_version: u64 },
    /// PostgreSQL has lost some of it, and is told again what the order has come to; whether or not it has ended.
    Restate { from_version: u64, to_version: u64 },
    /// An open order gets a run.
    Revive,
    /// An order that has recorded nothing gets its first run.
    Start,
    /// An open return gets a run.
    ReviveReturn { return_id: ReturnId },
    /// PostgreSQL has lost the return, and is told again by its run.
    RestateReturn { return_id: ReturnId },
    /// A return that only its order knows begins again.
    ReopenReturn { return_id: ReturnId },
    /// No book has it any more.
    Gone { what: String },
    /// Only a person can tell what is right.
    Person { what: String },
}

impl Step {
    /// Whether it can only be named.
    pub fn is_for_people(&self) -> bool {
        matches!(self, Self::Gone { .. } | Self::Person { .. })
    }

    /// Whether PostgreSQL was restored to an earlier day, or it would not be needed.
    pub(super) fn is_of_lost_records(&self) -> bool {
        matches!(self, Self::Restate { .. } | Self::RestateReturn { .. } | Self::ReopenReturn { .. })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RebuildDocument { from_version: 0, to_version } => write!(f, "rebuild its document, at version {to_version}"),
            Self::RebuildDocument { from_version, to_version } => {
                write!(f, "bring its document from version {from_version} to {to_version}")
            }
            Self::Restate { from_version, to_version } => {
                write!(f, "have PostgreSQL told what it has lost of it, from version {from_version} to {to_version}")
            }
            Self::Revive => f.write_str("give it a run"),
            Self::Start => f.write_str("start it"),
            Self::ReviveReturn { return_id } => write!(f, "give return {return_id} a run"),
            Self::RestateReturn { return_id } => write!(f, "have PostgreSQL told of return {return_id} again"),
            Self::ReopenReturn { return_id } => write!(f, "begin return {return_id} again with the units that its order knows of"),
            Self::Gone { what } => write!(f, "gone: {what}"),
            Self::Person { what } => write!(f, "a person must look: {what}"),
        }
    }
}

/// What is to be done about an order, in this order; `findings` is what does not fit, and what no step is about is for a person.
pub(super) fn steps(pages: &Pages, order_id: &OrderId, findings: &[Finding]) -> Vec<Step> {
    let (kept, listed) = (pages.kept(order_id), pages.listed(order_id));
    let document = kept.and_then(|kept| kept.document.as_ref());
    let known = Known {
        has_intake: kept.is_some_and(|kept| kept.has_intake),
        document: document.map(|order| order.version),
        listed: listed.map(|listed| listed.version),
        is_closed: match (document, listed) {
            (Some(order), Some(listed)) if order.version < listed.version => listed.is_over,
            (Some(order), _) => order.is_closed(),
            (None, listed) => listed.is_some_and(|listed| listed.is_over),
        },
        run: pages.run(order_id),
    };
    known.plan(returns::steps(pages, order_id), findings)
}

/// What the books know of an order.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    pub has_intake: bool,
    /// Versions; None: it is not there.
    pub document: Option<u64>,
    pub listed: Option<u64>,
    /// By the newer of the two.
    pub is_closed: bool,
    pub run: Option<Run>,
}

impl Known {
    pub(super) fn plan(self, of_returns: Vec<(ReturnId, Step)>, findings: &[Finding]) -> Vec<Step> {
        let mut steps = self.steps();
        let about = |finding: &&Finding| !self.is_seen_to(&steps, &of_returns, finding);
        let left: Vec<Step> = findings.iter().filter(about).map(|finding| Step::Person { what: finding.what.clone() }).collect();
        steps.extend(of_returns.into_iter().map(|(_, step)| step));
        steps.extend(left);
        steps
    }

    /// Whether one of the steps is about it: it mends it, or names what is gone.
    fn is_seen_to(self, steps: &[Step], of_returns: &[(ReturnId, Step)], finding: &Finding) -> bool {
        let mends = steps.iter().any(|step| !step.is_for_people());
        match finding.figure {
            Figure::OrphanedOrders => mends || !self.has_intake && !steps.is_empty(),
            Figure::StaleDocuments => self.document != self.listed,
            // Judged again once the order has caught up, and its run has asked the gateway.
            Figure::MoneyMismatches | Figure::UnitMismatches => mends,
            // Where the order's document is behind, what it says of its returns is judged again, too.
            Figure::OrphanedReturns => {
                self.document < self.listed || of_returns.iter().any(|(id, _)| finding.return_id.as_ref() == Some(id))
            }
        }
    }

    fn steps(self) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.has_intake && (self.document.is_some() || self.listed.is_some() || self.run.is_some()) {
            steps.push(Step::Gone { what: "its intake: who ordered it, where it goes, and what it was to be paid with".to_owned() });
        }
        let (document, listed) = (self.document.unwrap_or(0), self.listed.unwrap_or(0));
        let runs = self.run.is_some_and(|run| run.running);
        if document < listed {
            steps.push(Step::RebuildDocument { from_version: document, to_version: listed });
        } else if document > listed {
            let lost = format!("its events {} to {document}: PostgreSQL has lost them", listed + 1);
            steps.push(Step::Gone { what: lost });
            if runs || self.has_intake {
                steps.push(Step::Restate { from_version: listed, to_version: document });
            }
            return steps;
        }
        if runs || !self.has_intake {
            return steps;
        }
        if document.max(listed) == 0 {
            steps.push(Step::Start);
        } else if !self.is_closed {
            steps.push(Step::Revive);
        }
        steps
    }
}
