//! The page for people, printed from the table.

use std::fmt::Write as _;

use crate::{FIGURES, Figure, How, Part};

/// `docs/insights.md`.
pub fn page() -> String {
    let mut text = "# Figures\n\nPrinted from the table in `insights/` by its test `docs`, which fails when they differ; `UPDATE_DOCS=1 cargo test -p oms-insights docs` prints \
                    it anew.\n\nFigures are seconds old, and add up: each is a sum over what was counted of single orders, by quarters of an hour in UTC, so that any time zone's days \
                    are whole, and the orders behind it can be listed. What happens late is counted where it belongs, and changes what was shown before. A figure of an \
                    order as a whole has no facility, since an order that is split counts once; no two currencies are ever added. Percentiles are off by 1 % at most.\n\n\
                    | figure | is | unit | made of | by facility | left out and counted beside |\n| --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    FIGURES.iter().for_each(|figure| text.push_str(&row(figure)));
    text.push_str("\n## What is counted\n\n| measure | counts |\n| --- | --- |\n");
    for measure in crate::Measure::ALL {
        let _ = writeln!(text, "| `{}` | {} |", measure.name(), measure.what());
    }
    text
}

fn row(figure: &Figure) -> String {
    let made_of = match figure.how {
        How::Total(of) => part(of),
        How::Quotient { of, by } => format!("{} ÷ {}", part(of), part(by)),
        How::Times(measure) => format!("percentiles of `{}`", measure.name()),
    };
    let by_facility = if figure.is_by_facility() { "yes" } else { "" };
    let left_out = figure.left_out.map(|measure| format!("`{}`", measure.name())).unwrap_or_default();
    format!("| `{}` | {} | {} | {made_of} | {by_facility} | {left_out} |\n", figure.id, figure.text, figure.unit.name())
}

fn part(part: Part) -> String {
    match part {
        Part::Number(measure) => format!("number of `{}`", measure.name()),
        Part::Sum(measure) => format!("`{}`", measure.name()),
    }
}
