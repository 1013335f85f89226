//! The documented payment tokens (the table is in the [module's documentation](super)).

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::ledger::Kind;

/// What a token makes the gateway do. It is kept with the authorization in place of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Behavior {
    Approve,
    DeclineHard,
    DeclineSoft,
    SoftOnce,
    TimeoutAfter,
    TimeoutBefore,
    TimeoutAfterCapture,
    Slow,
    /// Fails so many times per idempotency key.
    Errors(u32),
    /// Is answered with a status so many times per idempotency key.
    Status(u16, u32),
    DeclineCapture,
    RefundFails,
    /// Its bank wants its holder to prove who they are.
    WantsProof,
    /// Its authorizations last for so many seconds.
    Lasts(u32),
}

/// What goes wrong around the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    Slow,
    /// The first attempts under a key fail and do nothing.
    Errors(u32),
    /// The first attempts under a key are answered with this status and do nothing.
    Status(u16, u32),
    /// The first attempt under a key is never answered, and does nothing.
    SilentBefore,
    /// The first attempt under a key does the work and is never answered.
    SilentAfter,
}

/// Why an instrument says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decline {
    /// `hard`: never try again; `soft`: another time, or another instrument.
    pub(crate) decline: &'static str,
    pub(crate) code: &'static str,
}

const HARD: Decline = Decline { decline: "hard", code: "card_declined" };
const SOFT: Decline = Decline { decline: "soft", code: "insufficient_funds" };
const UNPROVEN: Decline = Decline { decline: "soft", code: "authentication_required" };
const NO_CAPTURE: Decline = Decline { decline: "hard", code: "capture_declined" };
const NO_REFUND: Decline = Decline { decline: "hard", code: "refund_failed" };

/// How long an authorization holds the money, unless its token says otherwise.
const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Behavior {
    /// What the token stands for, once its holder has proven who they are or not; none for what is not a token at all.
    pub(crate) fn of(token: &str, proven: bool) -> Option<Self> {
        let name = token.strip_prefix("tok_").filter(|name| !name.is_empty())?;
        let times = name.strip_prefix("errors_").and_then(|times| times.parse().ok());
        if let Some(Ok(seconds)) = name.strip_prefix("lasts_").map(str::parse) {
            return Some(Self::Lasts(seconds));
        }
        let status = name.strip_prefix("status_").and_then(|rest| rest.split_once('_'));
        if let Some((Ok(status), Ok(times))) = status.map(|(status, times)| (status.parse(), times.parse())) {
            return Some(Self::Status(status, times));
        }
        Some(match (name, times) {
            ("decline_hard", _) => Self::DeclineHard,
            ("decline_soft", _) => Self::DeclineSoft,
            ("soft_once", _) => Self::SoftOnce,
            ("timeout", _) => Self::TimeoutAfter,
            ("timeout_before", _) => Self::TimeoutBefore,
            ("timeout_capture", _) => Self::TimeoutAfterCapture,
            ("slow", _) => Self::Slow,
            ("decline_capture", _) => Self::DeclineCapture,
            ("refund_fails", _) => Self::RefundFails,
            ("wants_proof", _) if !proven => Self::WantsProof,
            (_, Some(times)) => Self::Errors(times),
            _ => Self::Approve,
        })
    }

    /// How long its authorizations hold the money.
    pub(crate) fn lifetime(self) -> SignedDuration {
        match self {
            Self::Lasts(seconds) => SignedDuration::from_secs(seconds.into()),
            _ => LIFETIME,
        }
    }

    /// What goes wrong around an operation of this kind.
    pub(crate) fn trouble(self, kind: Kind) -> Trouble {
        match (self, kind) {
            (Self::TimeoutAfter, Kind::Authorize) => Trouble::SilentAfter,
            (Self::TimeoutAfterCapture, Kind::Capture) => Trouble::SilentAfter,
            (Self::TimeoutBefore, Kind::Authorize) => Trouble::SilentBefore,
            (Self::Slow, _) => Trouble::Slow,
            (Self::Errors(times), Kind::Authorize) => Trouble::Errors(times),
            (Self::Status(status, times), _) => Trouble::Status(status, times),
            _ => Trouble::None,
        }
    }

    /// Whether the instrument says no; it may depend on whether it declined this reference before.
    pub(crate) fn declines(self, kind: Kind, declined_before: impl FnOnce() -> bool) -> Option<Decline> {
        match (self, kind) {
            (Self::DeclineHard, Kind::Authorize) => Some(HARD),
            (Self::DeclineSoft, Kind::Authorize) => Some(SOFT),
            (Self::SoftOnce, Kind::Authorize) if !declined_before() => Some(SOFT),
            (Self::WantsProof, Kind::Authorize) => Some(UNPROVEN),
            (Self::DeclineCapture, Kind::Capture) => Some(NO_CAPTURE),
            (Self::RefundFails, Kind::Refund) => Some(NO_REFUND),
            _ => None,
        }
    }
}
