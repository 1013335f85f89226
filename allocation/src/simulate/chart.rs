//! Runs side by side as bars.

use std::fmt::Write;

use super::outcome::Figures;
use super::replay::Run;

/// Length of a panel's longest bar, pixels.
const BAR: f64 = 360.0;
/// Height of a bar with its space, pixels.
const ROW: usize = 26;

/// A run's name and figures.
type Named = (&'static str, Figures);

/// A title, and the figure under it.
type Panel = (&'static str, fn(&Figures) -> f64);

const PANELS: [Panel; 2] = [("cost per order, minor units", |of| of.cost_per_order), ("packages per order", |of| of.packages_per_order)];

/// Cost and packages per order, an SVG document without a background: its grey is readable on white and on black.
pub fn chart_svg(runs: &[Run]) -> String {
    let figures: Vec<Named> = runs.iter().map(|run| (run.policy.name(), Figures::of(&run.orders))).collect();
    let height = PANELS.len() * (runs.len() + 2) * ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"{height}\" viewBox=\"0 0 640 {height}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#777\">\n"
    );
    let mut top = ROW;
    for panel in PANELS {
        draw(&mut svg, top, panel, &figures);
        top += (runs.len() + 2) * ROW;
    }
    svg + "</svg>\n"
}

fn draw(svg: &mut String, top: usize, (title, figure): Panel, figures: &[Named]) {
    let longest = figures.iter().map(|(_, of)| figure(of)).fold(f64::MIN_POSITIVE, f64::max);
    // Writing into a text cannot fail.
    let _ = writeln!(svg, "<text x=\"16\" y=\"{top}\" font-weight=\"bold\">{title}</text>");
    for (row, (name, of)) in (1..).zip(figures) {
        let y = top + row * ROW;
        let (value, length) = (figure(of), BAR * figure(of) / longest);
        let (bar, end) = (y - 14, 148.0 + length);
        let _ = writeln!(
            svg,
            "<text x=\"16\" y=\"{y}\">{name}</text><rect x=\"140\" y=\"{bar}\" width=\"{length:.1}\" height=\"18\" fill=\"#4a78b0\"/>\
             <text x=\"{end:.1}\" y=\"{y}\">{value:.2}</text>"
        );
    }
}
