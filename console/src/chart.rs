//! Charts: where their lines and bars are. Templates draw them as SVG, with the table behind.

use std::fmt::Write as _;

/// The space that charts are drawn in.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 200.0;
const EDGE: f64 = 8.0;
/// Above and below a line.
const ROOM: f64 = 20.0;
const BAR: u32 = 26;
/// Where bars begin, and how long the longest is.
const BARS_AT: f64 = 180.0;
const BARS_LONG: f64 = 260.0;

/// One thing that is drawn: its name, how much, and that in words. Nothing where nothing was counted.
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) value: Option<f64>,
    pub(crate) shown: String,
}

/// A line from left to right.
pub(crate) struct Trend {
    pub(crate) title: String,
    pub(crate) line: String,
    pub(crate) dots: Vec<Dot>,
    pub(crate) points: Vec<Point>,
}

pub(crate) struct Dot {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) told: String,
}

/// Bars from top to bottom.
pub(crate) struct Bars {
    pub(crate) title: String,
    pub(crate) height: u32,
    pub(crate) bars: Vec<Bar>,
    pub(crate) points: Vec<Point>,
}

pub(crate) struct Bar {
    pub(crate) y: u32,
    pub(crate) text_y: u32,
    pub(crate) long: String,
    pub(crate) ends: String,
    pub(crate) name: String,
    pub(crate) shown: String,
}

fn most(points: &[Point]) -> f64 {
    points.iter().filter_map(|point| point.value).fold(0.0, f64::max).max(f64::MIN_POSITIVE)
}

impl Trend {
    /// Broken where nothing was counted.
    pub(crate) fn of(title: String, points: Vec<Point>) -> Self {
        let top = most(&points);
        let step = (WIDTH - 2.0 * EDGE) / (points.len().max(2) - 1) as f64;
        let (mut line, mut dots, mut is_drawing) = (String::new(), Vec::new(), false);
        for (n, point) in points.iter().enumerate() {
            if let Some(value) = point.value {
                let (x, y) = (EDGE + step * n as f64, HEIGHT - ROOM - (HEIGHT - 2.0 * ROOM) * value / top);
                let _ = write!(line, "{}{x:.1} {y:.1} ", if is_drawing { 'L' } else { 'M' });
                dots.push(Dot { x: format!("{x:.1}"), y: format!("{y:.1}"), told: format!("{}: {}", point.name, point.shown) });
            }
            is_drawing = point.value.is_some();
        }
        Self { title, line, dots, points }
    }

    pub(crate) fn first(&self) -> &str {
        self.points.first().map_or("", |point| &point.name)
    }

    pub(crate) fn last(&self) -> &str {
        self.points.last().map_or("", |point| &point.name)
    }
}

impl Bars {
    /// Each as long as its part of the longest.
    pub(crate) fn of(title: String, points: Vec<Point>) -> Self {
        let top = most(&points);
        let bar = |(n, point): (u32, &Point)| {
            let long = BARS_LONG * point.value.unwrap_or(0.0) / top;
            let (y, ends) = (BAR * n + 4, BARS_AT + long + 6.0);
            let (name, shown) = (shortened(&point.name), point.shown.clone());
            Bar { y, text_y: y + 13, long: format!("{long:.1}"), ends: format!("{ends:.1}"), name, shown }
        };
        let bars: Vec<Bar> = (0..).zip(&points).map(bar).collect();
        Self { title, height: BAR * u32::try_from(bars.len().max(1)).unwrap_or(1), bars, points }
    }
}

/// As long as there is room for it; all of it stands in the table.
fn shortened(name: &str) -> String {
    const ROOM_CHARS: usize = 24;
    if name.chars().count() <= ROOM_CHARS { name.to_owned() } else { name.chars().take(ROOM_CHARS - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[Option<f64>]) -> Vec<Point> {
        let point = |(n, value): (usize, &Option<f64>)| Point { name: format!("n{n}"), value: *value, shown: format!("{value:?}") };
        values.iter().enumerate().map(point).collect()
    }

    #[test]
    fn a_line_is_broken_where_nothing_was_counted_and_reaches_from_edge_to_edge() {
        let trend = Trend::of("t".to_owned(), points(&[Some(1.0), Some(2.0), None, Some(0.0)]));
        assert_eq!(trend.line, "M8.0 100.0 L216.0 20.0 M632.0 180.0 ");
        assert_eq!((trend.dots.len(), trend.first(), trend.last()), (3, "n0", "n3"));
        assert_eq!(Trend::of("t".to_owned(), Vec::new()).line, "");
    }

    #[test]
    fn bars_are_as_long_as_their_part_of_the_longest() {
        let bars = Bars::of("b".to_owned(), points(&[Some(4.0), Some(1.0), None]));
        assert_eq!(bars.bars.iter().map(|bar| bar.long.as_str()).collect::<Vec<_>>(), ["260.0", "65.0", "0.0"]);
        assert_eq!((bars.height, bars.bars[2].y), (78, 56));
        assert_eq!(shortened("a name that is longer than there is room").chars().count(), 24);
    }
}
