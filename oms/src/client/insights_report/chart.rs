//! Three kinds of chart, as SVG without anything from outside: a trend, a funnel, and bars by weight with what they come to together.

use std::fmt::Write as _;

use super::escaped;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 8.0;
const BAR: f64 = 26.0;

/// One thing that is drawn: its name, how much, and that in words. Nothing where nothing was counted.
pub struct Point {
    pub name: String,
    pub value: Option<f64>,
    pub shown: String,
}

fn svg(title: &str, height: f64, body: &str) -> String {
    format!("<svg role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {height}\">{body}</svg>", escaped(title))
}

fn most(points: &[Point]) -> f64 {
    points.iter().filter_map(|point| point.value).fold(0.0, f64::max)
}

/// A line from left to right, broken where nothing was counted.
pub fn trend(title: &str, points: &[Point]) -> String {
    let top = most(points).max(f64::MIN_POSITIVE);
    let step = (WIDTH - 2.0 * LEFT) / (points.len().max(2) - 1) as f64;
    let (mut line, mut dots, mut is_drawing) = (String::new(), String::new(), false);
    for (n, point) in points.iter().enumerate() {
        if let Some(value) = point.value {
            let (x, y) = (LEFT + step * n as f64, HEIGHT - 20.0 - (HEIGHT - 40.0) * value / top);
            let told = format!("{}: {}", escaped(&point.name), escaped(&point.shown));
            let _ = write!(line, "{}{x:.1} {y:.1} ", if is_drawing { 'L' } else { 'M' });
            let _ = write!(dots, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"><title>{told}</title></circle>");
        }
        is_drawing = point.value.is_some();
    }
    let axis = format!("<line class=\"axis\" x1=\"0\" y1=\"{0}\" x2=\"{WIDTH}\" y2=\"{0}\"/>", HEIGHT - 20.0);
    let ends = [points.first().map(|point| (LEFT, "start", point)), points.last().map(|point| (WIDTH - LEFT, "end", point))];
    let ends = ends.into_iter().flatten().fold(String::new(), |text, (x, anchor, point)| {
        text + &format!("<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>", HEIGHT - 4.0, escaped(&point.name))
    });
    svg(title, HEIGHT, &format!("{axis}<path class=\"line\" d=\"{line}\"/>{dots}{ends}"))
}

/// Bars from top to bottom, each as long as its part of the longest.
pub fn funnel(title: &str, points: &[Point]) -> String {
    bars(title, points, |_| None)
}

/// The same, heaviest first, with what they come to together so far.
pub fn pareto(title: &str, points: &[Point]) -> String {
    let all: f64 = points.iter().filter_map(|point| point.value).sum();
    let mut so_far = 0.0;
    let together: Vec<Option<f64>> = points
        .iter()
        .map(|point| {
            so_far += point.value.unwrap_or(0.0);
            Some(so_far / all).filter(|_| all > 0.0)
        })
        .collect();
    bars(title, points, |n| together.get(n).copied().flatten())
}

fn bars(title: &str, points: &[Point], together: impl Fn(usize) -> Option<f64>) -> String {
    let top = most(points).max(f64::MIN_POSITIVE);
    let (from, room) = (170.0, WIDTH - 340.0);
    let mut body = String::new();
    for (n, point) in points.iter().enumerate() {
        let (y, long) = (BAR * n as f64, room * point.value.unwrap_or(0.0) / top);
        let _ = write!(body, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", from - 8.0, y + 17.0, escaped(&point.name));
        let _ = write!(body, "<rect class=\"bar\" x=\"{from}\" y=\"{}\" width=\"{long:.1}\" height=\"18\"/>", y + 4.0);
        let sum = together(n).map(|share| format!(" ({:.0} % so far)", share * 100.0)).unwrap_or_default();
        let _ = write!(body, "<text x=\"{:.1}\" y=\"{}\">{}{sum}</text>", from + long + 6.0, y + 17.0, escaped(&point.shown));
    }
    svg(title, BAR * points.len().max(1) as f64, &body)
}
