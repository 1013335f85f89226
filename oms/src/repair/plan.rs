//! What would bring an order's books together again. Pure: from what they say to what is to be done.

use std::fmt;

use oms_domain::ids::OrderId;
use serde::{Deserialize, Serialize};

use crate::reconcile::{Figure, Finding, Pages, Run};

/// One step of a repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The document follows the events that PostgreSQL has.
    RebuildDocument { from_version: u64, to_version: u64 },
    /// An open order gets a run.
    Revive,
    /// An order that has recorded nothing gets its first run.
    Start,
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
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RebuildDocument { from_version: 0, to_version } => write!(f, "rebuild its document, at version {to_version}"),
            Self::RebuildDocument { from_version, to_version } => {
                write!(f, "bring its document from version {from_version} to {to_version}")
            }
            Self::Revive => f.write_str("give it a run"),
            Self::Start => f.write_str("start it"),
            Self::Gone { what } => write!(f, "gone: {what}"),
            Self::Person { what } => write!(f, "a person must look: {what}"),
        }
    }
}

/// What is to be done about an order, in this order; `findings` is what does not fit.
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
    let mut steps = known.steps();
    // What was behind is judged again once it has caught up.
    let judged = steps.is_empty() || findings.iter().any(|finding| finding.figure == Figure::OrphanedReturns);
    let of_people = |figure| matches!(figure, Figure::MoneyMismatches | Figure::UnitMismatches | Figure::OrphanedReturns);
    let left = findings.iter().filter(|finding| judged && of_people(finding.figure));
    steps.extend(left.map(|finding| Step::Person { what: finding.what.clone() }));
    steps
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
    pub(super) fn steps(self) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.has_intake && (self.document.is_some() || self.listed.is_some() || self.run.is_some()) {
            steps.push(Step::Gone { what: "its intake: who ordered it, where it goes, and what it was to be paid with".to_owned() });
        }
        let (document, listed) = (self.document.unwrap_or(0), self.listed.unwrap_or(0));
        if document < listed {
            steps.push(Step::RebuildDocument { from_version: document, to_version: listed });
        } else if document > listed {
            let lost = format!("PostgreSQL has lost its events {} to {document}, and what they did to stock", listed + 1);
            steps.push(Step::Gone { what: lost });
        }
        let runs = self.run.is_some_and(|run| run.running);
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
