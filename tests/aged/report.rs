//! What was found, as a line of figures and what they count.

use std::fmt;

/// What must be 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Orders that had ended and are not as they were.
    ChangedOrders,
    /// Fulfillment orders that facilities were told of again.
    ReleasedAgain,
    /// Orders that had ended and have a run.
    LiveAgain,
    /// Orders of which something recorded is gone.
    TakenBack,
    /// Orders that had ended and for which the gateway was asked for something more.
    ChargedAgain,
    /// Positions whose units are others.
    StockChanged,
    /// Orders that were placed again and answered in another way.
    OtherAnswers,
    /// What did not go as it must once a run had been set back or terminated.
    UpsetAmiss,
}

impl Figure {
    const ALL: [Self; 8] = [
        Self::ChangedOrders,
        Self::ReleasedAgain,
        Self::LiveAgain,
        Self::TakenBack,
        Self::ChargedAgain,
        Self::StockChanged,
        Self::OtherAnswers,
        Self::UpsetAmiss,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::ChangedOrders => "changed orders",
            Self::ReleasedAgain => "released again",
            Self::LiveAgain => "live again",
            Self::TakenBack => "taken back",
            Self::ChargedAgain => "charged again",
            Self::StockChanged => "stock changed",
            Self::OtherAnswers => "other answers",
            Self::UpsetAmiss => "reset or terminated amiss",
        }
    }
}

/// Findings that are named; all are counted.
const NAMED_MAX: usize = 20;

#[derive(Debug, Default)]
pub struct Report(Vec<(Figure, String)>);

impl Report {
    pub fn found(&mut self, figure: Figure, what: impl Into<String>) {
        self.0.push((figure, what.into()));
    }

    pub fn is_clean(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |figure: Figure| self.0.iter().filter(|(of, _)| *of == figure).count();
        let figures = Figure::ALL.map(|figure| format!("{} {}", figure.name(), count(figure)));
        f.write_str(&figures.join(" · "))?;
        self.0.iter().take(NAMED_MAX).try_for_each(|(figure, what)| write!(f, "\n{}: {what}", figure.name()))
    }
}
