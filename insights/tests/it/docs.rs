//! docs/insights.md is printed from the table in the code. Changed it? `UPDATE_DOCS=1 cargo test -p oms-insights docs`.

use std::{collections::BTreeSet, path::Path};

use oms_insights::{FIGURES, Figure, Measure, Theme, figure, page};

#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own settings, not the rules'")]
fn the_page_of_figures_says_what_the_code_counts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/insights.md");
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&path, page()).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page(), "docs/insights.md is not what the code says: UPDATE_DOCS=1 cargo test -p oms-insights docs");
}

#[test]
fn every_figure_has_its_own_name_and_every_measure_is_in_some_figure() {
    let ids: BTreeSet<_> = FIGURES.iter().map(|figure| figure.id).collect();
    assert_eq!(ids.len(), FIGURES.len());
    assert!(FIGURES.iter().all(|known| figure(known.id) == Some(known)));
    let mut themed: Vec<&Figure> = Theme::NAMED.iter().flat_map(|(_, theme)| theme.figures()).collect();
    assert!(themed.len() == FIGURES.len() && Theme::NAMED.iter().all(|(name, theme)| theme.name() == *name));
    themed.sort_by_key(|known| known.id);
    themed.dedup();
    assert_eq!(themed.len(), FIGURES.len(), "each has one theme");
    assert!(FIGURES.iter().all(|known| known.theme().figures().any(|of| of == known)));
    let used: BTreeSet<_> = FIGURES.iter().flat_map(oms_insights::Figure::measures).collect();
    assert_eq!(used, Measure::ALL.iter().copied().collect());
    for known in FIGURES {
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(is_plain(known.id) && !known.text.is_empty() && !known.text.contains('|'), "{}", known.id);
        // Money by money, or neither: a quotient of two currencies says nothing.
        assert!(known.divisor().is_none_or(|by| by.is_money() == known.is_money()), "{}", known.id);
    }
    for measure in Measure::ALL {
        assert_eq!(Measure::from_name(measure.name()), Some(*measure));
    }
}
