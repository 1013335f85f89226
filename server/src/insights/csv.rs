//! A figure as a table for spreadsheets.

use oms_api::insights::{FigurePiece, InsightView, csv_cell};

const HEADER: &str = "figure,unit,from,to,part,currency,value,counted,divided_by,p90_ms,p99_ms,left_out\n";

/// A row for each piece; without any, one for the period.
pub(crate) fn table(view: &InsightView) -> String {
    let whole = || view.total.iter().map(|value| FigurePiece { from: view.from, to: view.to, part: None, value: value.clone() }).collect();
    let pieces = if view.items.is_empty() { whole() } else { view.items.clone() };
    pieces.iter().fold(HEADER.to_owned(), |text, piece| text + &row(view, piece))
}

fn row(view: &InsightView, piece: &FigurePiece) -> String {
    let value = &piece.value;
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let cells = [
        csv_cell(&view.figure.figure),
        csv_cell(&view.figure.unit),
        piece.from.to_string(),
        piece.to.to_string(),
        csv_cell(piece.part.as_deref().unwrap_or_default()),
        csv_cell(value.currency.as_deref().unwrap_or_default()),
        value.value.as_ref().map(ToString::to_string).unwrap_or_default(),
        value.counted.to_string(),
        number(value.divided_by),
        number(value.p90_ms),
        number(value.p99_ms),
        number(value.left_out),
    ];
    cells.join(",") + "\n"
}
