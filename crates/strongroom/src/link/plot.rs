//! Plots as SVG text. Colours come from the page's style; every plot has a title that a screen reader says.

use std::fmt::Write as _;

/// Width of every plot, in units of its own.
const WIDTH: f64 = 640.0;
/// Least and most room for the labels of bars, and what a letter takes of it.
const LABELS: (f64, f64) = (120.0, 330.0);
const LETTER: f64 = 6.6;
/// Height of a row of bars.
const ROW: f64 = 22.0;

/// Text that is safe between tags and in attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A bar: its name, its length, what stands at its end, its class.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: f64,
    pub(super) told: String,
    pub(super) class: &'static str,
}

fn open(height: f64, title: &str) -> String {
    let title = escaped(title);
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>"
    )
}

/// Room that the longest of some labels needs.
fn room_for<'a>(labels: impl Iterator<Item = &'a str>) -> f64 {
    let longest = labels.map(|label| label.chars().count()).max().unwrap_or(0);
    (LETTER * longest as f64 + 12.0).clamp(LABELS.0, LABELS.1)
}

/// Bars to the right for what is above nought, to the left for what is below.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let least = bars.iter().map(|bar| bar.value).fold(0.0, f64::min);
    let labels = room_for(bars.iter().map(|bar| bar.label.as_str()));
    // What is told stands at the end of a bar, on either side.
    let before = if least < 0.0 { 40.0 } else { 0.0 };
    let unit = (WIDTH - labels - before - 60.0) / (most - least).max(1e-9);
    let nought = labels + before - least * unit;
    let mut svg = open(ROW * bars.len() as f64 + 6.0, title);
    for (at, bar) in bars.iter().enumerate() {
        let y = ROW * at as f64 + 3.0;
        let length = (bar.value * unit).abs();
        let x = if bar.value < 0.0 {
            nought - length
        } else {
            nought
        };
        let (end, anchor) = if bar.value < 0.0 {
            (x - 4.0, "end")
        } else {
            (x + length + 4.0, "start")
        };
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect class=\"{}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/><text x=\"{end:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            labels - 6.0,
            y + 14.0,
            escaped(&bar.label),
            bar.class,
            length.max(0.5),
            ROW - 6.0,
            y + 14.0,
            escaped(&bar.told),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A waterfall: each bar begins where the one before ended.
pub(super) fn waterfall(title: &str, steps: &[(String, f64)]) -> String {
    let mut ends = vec![0.0];
    for (_, bits) in steps {
        ends.push(ends.last().copied().unwrap_or(0.0) + bits);
    }
    let most = ends.iter().copied().fold(0.0, f64::max);
    let least = ends.iter().copied().fold(0.0, f64::min);
    let labels = room_for(steps.iter().map(|(label, _)| label.as_str()));
    let unit = (WIDTH - labels - 60.0) / (most - least).max(1e-9);
    let place = |bits: f64| labels + (bits - least) * unit;
    let rows = steps.len() as f64 + 1.0;
    let mut svg = open(ROW * rows + 6.0, title);
    let total = ends.last().copied().unwrap_or(0.0);
    let sums = ends.windows(2).filter_map(|pair| match pair {
        [from, to] => Some((*from, *to)),
        _ => None,
    });
    let rows = steps
        .iter()
        .map(|(label, _)| label.as_str())
        .zip(sums)
        .chain([("in all", (0.0, total))]);
    for (at, (label, (from, to))) in rows.enumerate() {
        let y = ROW * at as f64 + 3.0;
        let class = match (at == steps.len(), to >= from) {
            (true, _) => "sum",
            (false, true) => "for",
            (false, false) => "against",
        };
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect class=\"{class}\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\">{:+.1}</text>",
            labels - 6.0,
            y + 14.0,
            escaped(label),
            place(from.min(to)),
            ((to - from).abs() * unit).max(0.5),
            ROW - 6.0,
            place(from.max(to)) + 4.0,
            y + 14.0,
            to - from,
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A line of a curve plot: its name, its class, its points.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) class: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

/// How the height of a point is written at its axis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Up {
    Plain,
    /// Heights are powers of ten.
    Tens,
}

/// Lines over a common pair of axes.
pub(super) fn curves(
    title: &str,
    across: &str,
    lines: &[Line],
    up: Up,
    (low, high): (f64, f64),
) -> String {
    const HEIGHT: f64 = 260.0;
    const LEFT: f64 = 48.0;
    let xs = || {
        lines
            .iter()
            .flat_map(|line| line.points.iter().map(|p| p.0))
    };
    let (first, last) = (xs().fold(f64::MAX, f64::min), xs().fold(f64::MIN, f64::max));
    let x = |value: f64| LEFT + (value - first) / (last - first).max(1e-9) * (WIDTH - LEFT - 140.0);
    let y = |value: f64| {
        let share = (value.clamp(low, high) - low) / (high - low).max(1e-9);
        HEIGHT - 36.0 - share * (HEIGHT - 50.0)
    };
    let mut svg = open(HEIGHT, title);
    let steps = match up {
        Up::Plain => 4,
        // A line for each power.
        Up::Tens => (high - low).ceil().clamp(1.0, 12.0) as u32,
    };
    for step in 0..=steps {
        let value = low + (high - low) * f64::from(step) / f64::from(steps);
        let across = first + (last - first) * f64::from(step) / f64::from(steps);
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{:.1}\" y2=\"{:.1}\"/><text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            WIDTH - 140.0,
            y(value),
            y(value),
            LEFT - 6.0,
            y(value) + 4.0,
            match up {
                Up::Plain => short(value),
                Up::Tens => format!("1e{value:.0}"),
            },
            x(across),
            HEIGHT - 18.0,
            short(across),
        );
    }
    for (at, line) in lines.iter().enumerate() {
        let points = line.points.iter();
        let points = points.map(|(across, up)| format!("{:.1},{:.1}", x(*across), y(*up)));
        drawn(line, at, &points.collect::<Vec<_>>().join(" "), &mut svg);
    }
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text></svg>",
        (WIDTH - 140.0 + LEFT) / 2.0,
        HEIGHT - 2.0,
        escaped(across)
    );
    svg
}

/// A line through points, and its place in the key.
fn drawn(line: &Line, at: usize, points: &str, svg: &mut String) {
    let key = 20.0 + 18.0 * at as f64;
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        "<polyline class=\"{}\" points=\"{points}\"/><line class=\"{}\" x1=\"{:.0}\" x2=\"{:.0}\" y1=\"{key}\" y2=\"{key}\"/><text x=\"{:.0}\" y=\"{}\">{}</text>",
        line.class,
        line.class,
        WIDTH - 130.0,
        WIDTH - 108.0,
        WIDTH - 104.0,
        key + 4.0,
        line.name,
    );
}

fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(
            escaped("<script>\"a\" & 'b'"),
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;"
        );
        let bar = Bar {
            label: "</svg><script>".into(),
            value: 1.0,
            told: String::new(),
            class: "for",
        };
        assert!(!bars("x", &[bar]).contains("<script>"));
    }

    #[test]
    fn long_labels_get_their_room() {
        let bar = |label: &str| Bar {
            label: label.into(),
            value: 1.0,
            told: "1".into(),
            class: "for",
        };
        let label = "forename_root + surname_sound + birth_year";
        let svg = bars("x", &[bar(label)]);
        let end: f64 = svg
            .split_once("<text x=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .and_then(|(x, _)| x.parse().ok())
            .unwrap();
        assert!(end >= 6.0 * label.len() as f64, "{end}");
    }

    #[test]
    fn a_waterfall_ends_at_the_sum() {
        let svg = waterfall("x", &[("prior".into(), -20.0), ("surname".into(), 12.5)]);
        assert!(svg.contains(">-20.0<") && svg.contains(">+12.5<") && svg.contains(">-7.5<"));
    }

    #[test]
    fn plots_of_nothing_are_plots() {
        assert!(bars("x", &[]).ends_with("</svg>"));
        assert!(waterfall("x", &[]).ends_with("</svg>"));
        assert!(curves("x", "y", &[], Up::Plain, (0.0, 1.0)).ends_with("</svg>"));
    }
}
