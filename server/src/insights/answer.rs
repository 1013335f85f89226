//! What a figure comes to, worded for the wire.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oms_api::insights::{
    CountedOrderView, CountedOrdersView, FigurePiece, FigureValue, FigureView, FreshnessView, HeldView, InWorkView, InsightView,
    InsightsSummary, LiveView, SinceView, SummedFigure, WaitingView,
};
use oms_insights::{BySums, FIGURES, Figure, How, Measure, Unit, value};
use oms_store::{CountedPage, Freshness, InsightSums, InsightsFilter, LiveFigures, SplitBy, Store, StoreError};
use serde_json::Number;

use super::question::{By, Question, SummaryQuestion};

/// Every figure there is.
pub(crate) fn catalogue() -> Vec<FigureView> {
    FIGURES.iter().map(described).collect()
}

fn described(figure: &Figure) -> FigureView {
    FigureView {
        figure: figure.id.to_owned(),
        title: figure.title.to_owned(),
        text: figure.text.to_owned(),
        theme: figure.theme().name().to_owned(),
        unit: figure.unit.name().to_owned(),
        by_facility: figure.is_by_facility(),
        by_currency: figure.is_money(),
        by_reason: figure.has_reason(),
        counts: figure.counted().what().to_owned(),
        divided_by: figure.divisor().map(|measure| measure.what().to_owned()),
        leaves_out: figure.left_out.map(|measure| measure.what().to_owned()),
    }
}

/// A figure over a period, with the period before it.
pub(crate) async fn insight(store: &Store, figure: &Figure, asked: &Question) -> Result<InsightView, StoreError> {
    let measures: Vec<Measure> = figure.measures().collect();
    let (cuts, split) = match asked.by {
        Some(By::Time(step)) => (asked.period.cuts(step).unwrap_or_else(|_| vec![asked.period.from, asked.period.to]), SplitBy::Nothing),
        Some(By::Part(split)) => (vec![asked.period.from, asked.period.to], split),
        None => (vec![asked.period.from, asked.period.to], SplitBy::Nothing),
    };
    let sums = Told(store.insight_sums(&measures, &asked.filter, &cuts, split).await?);
    let before = match asked.period.before() {
        Ok(before) => {
            let filter = InsightsFilter { from: before.from, to: before.to, ..asked.filter.clone() };
            Told(store.insight_sums(&measures, &filter, &[before.from, before.to], SplitBy::Nothing).await?)
        }
        Err(_) => Told(Vec::new()),
    };
    let items = match asked.by {
        None => Vec::new(),
        Some(By::Time(_)) => sums.by_time(figure, &cuts),
        Some(By::Part(_)) => sums.by_part(figure, &asked.filter),
    };
    Ok(InsightView {
        figure: described(figure),
        from: asked.period.from,
        to: asked.period.to,
        zone: asked.zone.clone(),
        total: sums.total(figure),
        before: before.total(figure),
        items,
        freshness: freshness(store.insights_freshness().await?),
    })
}

/// The figures of a theme, with the period before it: read at once.
pub(crate) async fn summary(store: &Store, asked: &SummaryQuestion) -> Result<InsightsSummary, StoreError> {
    let figures = asked.figures();
    let measures: BTreeSet<Measure> = figures.iter().flat_map(|figure| figure.measures()).collect();
    let measures: Vec<Measure> = measures.into_iter().collect();
    // Before all time there was nothing.
    let begins = asked.period.before().map_or(asked.period.from, |before| before.from);
    let cuts = [begins, asked.period.from, asked.period.to];
    let filter = InsightsFilter { from: begins, ..asked.filter.clone() };
    let sums = store.insight_sums(&measures, &filter, &cuts, SplitBy::Nothing).await?;
    let told = |figure: &&'static Figure| {
        let own = sums.iter().filter(|one| figure.measures().any(|measure| measure == one.measure));
        let (total, before): (Vec<_>, Vec<_>) = own.cloned().partition(|one| one.piece == 1);
        SummedFigure { figure: described(figure), total: Told(total).total(figure), before: Told(before).total(figure) }
    };
    Ok(InsightsSummary {
        theme: asked.theme.name().to_owned(),
        from: asked.period.from,
        to: asked.period.to,
        zone: asked.zone.clone(),
        items: figures.iter().map(told).collect(),
        freshness: freshness(store.insights_freshness().await?),
    })
}

/// Sums as they were read.
struct Told(Vec<InsightSums>);

impl Told {
    /// Those that `wanted` names, by measure and bucket.
    fn of(&self, wanted: impl Fn(&InsightSums) -> bool) -> BySums {
        let mut sums = BySums::new();
        for one in self.0.iter().filter(|one| wanted(one)) {
            let known = sums.entry((one.measure, one.bucket)).or_default();
            (known.n, known.sum) = (known.n + one.n, known.sum + one.sum);
        }
        sums
    }

    /// One currency after the other; of what is no money, one that is none.
    fn currencies(&self, figure: &Figure) -> Vec<Option<String>> {
        if !figure.is_money() {
            return vec![None];
        }
        let known: BTreeSet<&String> = self.0.iter().map(|one| &one.currency).filter(|code| !code.is_empty()).collect();
        known.into_iter().cloned().map(Some).collect()
    }

    fn values(&self, figure: &Figure, wanted: impl Fn(&InsightSums) -> bool) -> Vec<FigureValue> {
        let of_currency = |code: Option<String>| {
            let sums = self.of(|one| wanted(one) && code.as_ref().is_none_or(|code| one.currency == *code));
            worded(figure, code, &sums)
        };
        self.currencies(figure).into_iter().map(of_currency).collect()
    }

    fn total(&self, figure: &Figure) -> Vec<FigureValue> {
        self.values(figure, |_| true)
    }

    /// Each piece, also those in which nothing was counted.
    fn by_time(&self, figure: &Figure, cuts: &[Timestamp]) -> Vec<FigurePiece> {
        let piece = |(n, pair): (usize, &[Timestamp])| {
            let (from, to) = (pair[0], pair[1]);
            let values = self.values(figure, |one| one.piece == n);
            values.into_iter().map(move |value| FigurePiece { from, to, part: None, value })
        };
        cuts.windows(2).enumerate().flat_map(piece).collect()
    }

    /// Each facility, channel or reason. What is divided by may have none: it is the same for all.
    fn by_part(&self, figure: &Figure, filter: &InsightsFilter) -> Vec<FigurePiece> {
        let parts: BTreeSet<&String> = self.0.iter().map(|one| &one.part).filter(|part| !part.is_empty()).collect();
        let piece = |part: &String| {
            let values = self.values(figure, |one| one.part == *part || one.part.is_empty());
            let named = part.clone();
            values.into_iter().map(move |value| FigurePiece { from: filter.from, to: filter.to, part: Some(named.clone()), value })
        };
        parts.into_iter().flat_map(piece).collect()
    }
}

fn worded(figure: &Figure, currency: Option<String>, sums: &BySums) -> FigureValue {
    let told = value(figure, sums);
    let shown = match (figure.how, figure.unit) {
        (How::Total(_), _) => Some(Number::from(told.numerator)),
        (How::Times(_), _) | (How::Quotient { .. }, Unit::Ms) => told.value.map(|ms| Number::from(whole_ms(ms))),
        (How::Quotient { .. }, _) => told.value.and_then(Number::from_f64),
    };
    FigureValue {
        currency,
        value: shown,
        counted: told.numerator,
        divided_by: told.denominator,
        p90_ms: told.p90.map(whole_ms),
        p99_ms: told.p99.map(whole_ms),
        left_out: told.left_out,
    }
}

/// Percentiles are off by more than a fraction of a millisecond.
fn whole_ms(ms: f64) -> i64 {
    ms.round() as i64
}

pub(crate) fn freshness(found: Freshness) -> FreshnessView {
    FreshnessView {
        counted_until: found.counted_until,
        lag_ms: found.lag_ms,
        is_rebuilding: found.is_rebuilding,
        unread_orders: found.unread_orders,
    }
}

pub(crate) fn counted_orders(found: CountedPage) -> CountedOrdersView {
    let item = |order: oms_store::CountedOrder| CountedOrderView {
        order_id: order.order_id,
        counted_at: order.at,
        n: order.n,
        sum: order.sum,
        channel: order.channel,
        currency: order.currency,
        status: order.status,
        placed_at: order.placed_at,
        facility_ids: order.facilities,
    };
    CountedOrdersView {
        items: found.page.items.into_iter().map(item).collect(),
        has_more: found.page.next_cursor.is_some(),
        next_cursor: found.page.next_cursor,
        orders: found.total.orders,
        n: found.total.n,
        sum: found.total.sum,
    }
}

/// What waits, with its ages at `now`, in business time.
pub(crate) fn live(found: LiveFigures, now: Timestamp) -> LiveView {
    let age_ms = |since: Timestamp| i64::try_from(now.duration_since(since).as_millis()).unwrap_or(i64::MAX).max(0);
    let in_work = found.in_work.into_iter().map(|one| InWorkView {
        facility_id: one.facility_id,
        status: one.status,
        fulfillment_orders: one.fulfillment_orders,
        oldest_age_ms: age_ms(one.oldest_since),
    });
    let held = found.held.into_iter();
    let held = held.map(|one| HeldView { reason: one.reason, orders: one.orders, oldest_age_ms: age_ms(one.oldest_since) });
    let (attention, waiting) = (found.needing_attention, found.waiting_for_stock);
    LiveView {
        in_work: in_work.collect(),
        held: held.collect(),
        needing_attention: SinceView { orders: attention.orders, oldest_age_ms: attention.oldest_since.map(age_ms) },
        waiting_for_stock: WaitingView { orders: waiting.orders, units: waiting.units, oldest_age_ms: waiting.oldest_since.map(age_ms) },
    }
}
