//! Figures, plots and tables.

use memex_trajectories::statistics::{
    Column, Interval, Panel, PanelBar, PanelPlot, PanelRow, ParetoPlot, PlotPoint, Series, Table,
    bootstrap_mean, bootstrap_median_ratio, mean, pareto_front, percentile, wilson,
};
use proptest::prelude::*;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 5e-4
}

#[test]
fn wilson_agrees_with_published_figures() {
    for (successes, trials, low, high) in [
        (0, 0, 0.0, 1.0),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (81, 263, 0.2553, 0.3662),
    ] {
        let interval = wilson(successes, trials);
        assert!(
            close(interval.low, low) && close(interval.high, high),
            "{successes}/{trials}: {interval:?}"
        );
    }
}

#[test]
fn the_bootstrap_depends_on_its_seed_alone() {
    let values: Vec<f64> = (0..200).map(|n| f64::from(n % 10)).collect();
    let first = bootstrap_mean(&values, 2_000, 1).unwrap();
    assert_eq!(Some(first), bootstrap_mean(&values, 2_000, 1));
    assert_ne!(Some(first), bootstrap_mean(&values, 2_000, 2));
    // The mean is 4.5, its standard error 0.203.
    assert!(
        (first.low - 4.10).abs() < 0.06 && (first.high - 4.90).abs() < 0.06,
        "{first:?}"
    );
    assert_eq!(
        bootstrap_mean(&[3.0], 10, 0),
        Some(Interval {
            low: 3.0,
            high: 3.0
        })
    );
    assert_eq!(bootstrap_mean(&[f64::NAN], 10, 0), None);
}

#[test]
fn percentiles_interpolate() {
    let values = [4.0, 1.0, 3.0, 2.0];
    for (percent, expected) in [
        (0.0, 1.0),
        (50.0, 2.5),
        (100.0, 4.0),
        (25.0, 1.75),
        (250.0, 4.0),
    ] {
        assert_eq!(percentile(&values, percent), Some(expected));
    }
    assert_eq!(percentile(&[], 50.0), None);
    assert_eq!(mean(&[1.0, f64::INFINITY, 3.0]), Some(2.0));
    assert_eq!(mean(&[]), None);
}

#[test]
fn the_front_is_what_nothing_beats() {
    let points = [
        (3.0, 0.9),
        (1.0, 0.5),
        (2.0, 0.5),
        (2.0, 0.7),
        (4.0, 0.8),
        (1.0, 0.5),
        (f64::NAN, 1.0),
    ];
    assert_eq!(pareto_front(&points), [1, 5, 3, 0]);
}

fn plot() -> ParetoPlot {
    let point = |label: &str, x, y| PlotPoint {
        label: label.into(),
        x,
        y,
        interval: Some(Interval {
            low: y - 0.05,
            high: y + 0.05,
        }),
    };
    ParetoPlot {
        title: "Suite <a> & more".into(),
        x_label: "cost per task (USD)".into(),
        y_label: "accuracy".into(),
        series: vec![
            Series {
                name: "code".into(),
                points: vec![
                    point("small", 0.01, 0.6),
                    point("large", 0.04, 0.9),
                    point("tiny \u{1b}</text>", 0.0101, 0.6),
                ],
            },
            Series {
                name: "tools".into(),
                points: vec![point("small", 0.02, 0.55), point("broken", f64::NAN, 0.1)],
            },
        ],
    }
}

#[test]
fn a_plot() {
    let svg = plot().to_svg();
    assert!(!svg.contains("<a>") && !svg.contains("broken") && !svg.contains('\u{1b}'));
    insta::assert_snapshot!(svg);
}

/// The frames of the labels, from the places they are written at.
#[test]
fn labels_of_a_crowd_do_not_cover_each_other() {
    let points = (0..12).map(|n| PlotPoint {
        label: format!("model {n}"),
        x: f64::from(n % 4),
        y: f64::from(n / 4),
        interval: None,
    });
    let plot = ParetoPlot {
        series: vec![Series {
            name: "s".into(),
            points: points.collect(),
        }],
        ..ParetoPlot::default()
    };
    let svg = plot.to_svg();
    let attribute = |tag: &str, name: &str| -> f64 {
        let start = tag.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
        tag[start..].split('"').next().unwrap().parse().unwrap()
    };
    let labels: Vec<(f64, f64)> = svg
        .split("<text")
        .filter(|tag| {
            tag.split('>')
                .nth(1)
                .is_some_and(|text| text.starts_with("model "))
        })
        .map(|tag| (attribute(tag, "x"), attribute(tag, "y")))
        .collect();
    assert_eq!(labels.len(), 12);
    for (n, a) in labels.iter().enumerate() {
        for b in &labels[n + 1..] {
            assert!(
                (a.0 - b.0).abs() >= 46.0 || (a.1 - b.1).abs() >= 13.0,
                "{a:?} {b:?}"
            );
        }
    }
}

#[test]
fn tables_are_padded_and_escaped() {
    let table = Table {
        columns: vec![Column::left("model"), Column::right("accuracy")],
        rows: vec![
            vec!["small|er".into(), "0.5".into()],
            vec!["<b>\n*x*".into(), "12.25".into(), "too much".into()],
            vec!["é".into()],
        ],
    };
    insta::assert_snapshot!(table.to_text());
    insta::assert_snapshot!(table.to_markdown());
    assert_eq!(Table::default().to_text().trim(), "");
}

proptest! {
    #[test]
    fn any_plot_is_drawn(points in proptest::collection::vec((any::<f64>(), any::<f64>(), any::<String>()), 0..8)) {
        let points = points.into_iter().map(|(x, y, label)| PlotPoint { label, x, y, interval: None });
        let svg = ParetoPlot { series: vec![Series { name: "s".into(), points: points.collect() }], ..ParetoPlot::default() }.to_svg();
        let has_end = svg.ends_with("</svg>\n");
        prop_assert!(has_end);
    }

    #[test]
    fn an_interval_contains_its_rate(trials in 1..10_000_u64, part in 0.0..=1.0_f64) {
        let successes = (trials as f64 * part) as u64;
        let rate = successes as f64 / trials as f64;
        let interval = wilson(successes, trials);
        prop_assert!(0.0 <= interval.low && interval.low <= rate && rate <= interval.high && interval.high <= 1.0);
    }
}

#[test]
fn the_ratio_of_medians_has_an_interval_around_it() {
    let base: Vec<f64> = (0..100)
        .map(|n| 100.0 + f64::from(n * 37 % 100) / 10.0)
        .collect();
    let scaled: Vec<f64> = base.iter().map(|value| value * 1.2).collect();
    let interval = |new: &[f64]| bootstrap_median_ratio(&base, new, 1_000, 1).unwrap();
    let found = interval(&scaled);
    assert!(found.low > 1.15 && found.low < 1.2 && found.high > 1.2 && found.high < 1.25);
    let same = interval(&base);
    assert!(same.low < 1.0 && same.high > 1.0, "{same:?}");
    assert_eq!(interval(&[240.0]).low, interval(&[240.0]).low);
    for (base, new) in [
        (&[][..], &[1.0][..]),
        (&[1.0], &[]),
        (&[0.0], &[1.0]),
        (&[f64::NAN], &[1.0]),
    ] {
        assert_eq!(
            bootstrap_median_ratio(base, new, 10, 1),
            None,
            "{base:?} {new:?}"
        );
    }
}

#[test]
fn panels_draw_every_row_and_escape_what_they_name() {
    let bar = |value: f64| {
        Some(PanelBar {
            value,
            upper: Some(value * 2.0),
            text: format!("{value} µs"),
        })
    };
    let row = |label: &str, is_bad: bool| PanelRow {
        label: label.to_owned(),
        is_bad,
    };
    let plot = PanelPlot {
        title: "a < b & c".to_owned(),
        rows: vec![
            row("<script>", false),
            row("b\u{1b}", true),
            row("c", false),
        ],
        panels: vec![Panel {
            title: "latency".to_owned(),
            bars: vec![bar(10.0), None, bar(f64::NAN)],
        }],
        ..PanelPlot::default()
    };
    let svg = plot.to_svg();
    assert!(
        !svg.contains("<script>") && !svg.contains('\u{1b}'),
        "{svg}"
    );
    assert!(!svg.contains("NaN\""), "{svg}");
    assert!(
        svg.contains("a &lt; b &amp; c") && svg.contains("not recorded"),
        "{svg}"
    );
    assert_eq!(svg.matches("✗ ").count(), 1, "{svg}");
    assert!(svg.contains("prefers-color-scheme:dark"), "{svg}");
    let many = PanelPlot {
        rows: vec![row("r", false); 1_000],
        ..PanelPlot::default()
    };
    assert!(many.to_svg().contains("600 further rows are not drawn."));
    assert_eq!(svg, plot.to_svg());
}
