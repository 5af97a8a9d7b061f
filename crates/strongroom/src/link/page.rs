//! `report.html`: one file, no script, nothing fetched. Counts, estimates and parameters; no value of a record.

mod model;

use std::fmt::Write as _;

use protocol::linked::{Score, Scores};

use super::outcome::Outcome;
use super::plot::{Line, Up, curves, escaped};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#16202a;--paper:#fff;--soft:#5b6b7a;--rule:#c9d2da;--for:#1d5f8a;--against:#b3541e;--sum:#444f5a;--third:#6a4c93}\
@media(prefers-color-scheme:dark){:root{--ink:#e8edf1;--paper:#14191e;--soft:#9fb0bf;--rule:#3a4650;--for:#6fb3dd;--against:#e8935f;--sum:#aab6c1;--third:#b79be0}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:56rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.7rem}h2{font-size:1.25rem;margin-top:2.5rem;border-top:1px solid var(--rule);padding-top:1rem}h3{font-size:1rem}\
p.note,caption{color:var(--soft);text-align:left}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{text-align:right;padding:.2rem .6rem;border-bottom:1px solid var(--rule)}td+td{white-space:nowrap}th:first-child,td:first-child{text-align:left}\
.wide{overflow-x:auto}svg{width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:var(--ink)}\
rect.for{fill:var(--for)}rect.against{fill:var(--against)}rect.sum{fill:var(--sum)}\
polyline{fill:none;stroke-width:2}polyline.a,line.a{stroke:var(--for);stroke-width:2}polyline.b,line.b{stroke:var(--against);stroke-width:2;stroke-dasharray:6 3}\
polyline.c,line.c{stroke:var(--third);stroke-width:2;stroke-dasharray:2 3}line.grid{stroke:var(--rule)}";

/// Most levels, rules or groups of one plot or table; what is past it stands in report.json.
const SHOWN_MAX: usize = 60;

/// The page.
pub(super) fn page(outcome: &Outcome) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>Linkage report</title><style>{STYLE}</style></head><body><main><h1>Linkage report</h1>"
    );
    summary(outcome, &mut html);
    thresholds(outcome, &mut html);
    if let Some(scores) = &outcome.scores {
        against_truth(scores, &mut html);
    }
    for pair in &outcome.linkage.pairs {
        model::one_pair(pair, &mut html);
    }
    for fit in &outcome.model.fits {
        model::one_fit(fit, &mut html);
    }
    model::examples(outcome, &mut html);
    groups(outcome, &mut html);
    inputs(outcome, &mut html);
    costs(outcome, &mut html);
    html.push_str("</main></body></html>\n");
    html
}

fn heading(html: &mut String, text: &str, note: &str) {
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        "<h2>{}</h2><p class=\"note\">{}</p>",
        escaped(text),
        escaped(note)
    );
}

fn table(html: &mut String, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    html.push_str("<div class=\"wide\"><table><thead><tr>");
    for name in head {
        // Writing to a string cannot fail.
        let _ = write!(html, "<th scope=\"col\">{}</th>", escaped(name));
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            // Writing to a string cannot fail.
            let _ = write!(html, "<td>{}</td>", escaped(&cell));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
}

/// A count with thin spaces between thousands.
fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

fn share(part: f64, whole: f64) -> String {
    if whole > 0.0 {
        format!("{:.2} %", 100.0 * part / whole)
    } else {
        String::from("–")
    }
}

fn summary(outcome: &Outcome, html: &mut String) {
    let report = &outcome.linkage;
    heading(
        html,
        "In short",
        "A link is a pair of records held to be one person with at least the threshold's probability, its rivals heard.",
    );
    let mut rows = vec![
        vec!["Threshold".into(), report.threshold_probability.to_string()],
        vec!["Links".into(), count(outcome.links())],
    ];
    for (step, joins) in &report.joins_by_step {
        rows.push(vec![format!("… by {}", step.as_str()), count(*joins)]);
    }
    let in_force = report.thresholds.iter();
    for at in in_force.filter(|at| at.threshold == report.threshold_probability) {
        rows.push(vec![
            "Of these false, estimated".into(),
            format!("{:.0}", at.false_joins),
        ]);
        rows.push(vec![
            "Matches missed, estimated".into(),
            format!("{:.0}", at.missed),
        ]);
    }
    for file in &report.files {
        rows.push(vec![
            format!("Records of {} that are linked", file.name),
            format!("{} of {}", count(file.linked), count(file.records)),
        ]);
    }
    rows.push(vec!["Persons".into(), count(report.clusters.persons)]);
    rows.push(vec![
        "Links not used, for a person would have two records of a file that holds each once".into(),
        count(report.clusters.refused),
    ]);
    for impossible in &report.impossible {
        rows.push(vec![
            format!("Contradiction: {}", impossible.what),
            count(impossible.joins),
        ]);
    }
    table(html, &["What", "Count"], rows);
    html.push_str("<h3>Persons by number of records</h3>");
    let sizes = report.clusters.sizes.iter().take(SHOWN_MAX);
    table(
        html,
        &["Records", "Persons"],
        sizes.map(|(size, persons)| vec![count(*size), count(*persons)]),
    );
}

fn thresholds(outcome: &Outcome, html: &mut String) {
    let estimates = &outcome.linkage.thresholds;
    if estimates.is_empty() {
        return;
    }
    heading(
        html,
        "Thresholds",
        "Estimated from the probabilities themselves, without labels.",
    );
    let line = |name, class, of: fn(&linkage::ThresholdEstimate) -> f64| Line {
        name,
        class,
        points: estimates.iter().map(|e| (e.threshold, of(e))).collect(),
    };
    let lines = [
        line("precision", "a", |e| e.precision),
        line("recall", "b", |e| e.recall),
    ];
    let low = estimates.iter().map(|e| e.precision.min(e.recall));
    let low = (low.fold(1.0, f64::min) * 20.0).floor() / 20.0;
    html.push_str(&curves(
        "Estimated precision and recall by threshold",
        "probability at least",
        &lines,
        Up::Plain,
        (low.clamp(0.0, 0.95), 1.0),
    ));
    let rows = estimates.iter().map(|e| {
        vec![
            e.threshold.to_string(),
            count(e.joins),
            format!("{:.0}", e.false_joins),
            format!("{:.0}", e.missed),
            format!("{:.4}", e.precision),
            format!("{:.4}", e.recall),
        ]
    });
    let head = [
        "Threshold",
        "Links",
        "False, estimated",
        "Missed, estimated",
        "Precision",
        "Recall",
    ];
    table(html, &head, rows);
}

fn against_truth(scores: &Scores, html: &mut String) {
    heading(
        html,
        "Against the truth that was given",
        "Counts of pairs. The probability is good if what it says is so.",
    );
    let row = |name: String, score: &Score| {
        vec![
            name,
            count(score.pairs),
            format!("{:.4}", score.precision),
            format!("{:.4}", score.recall),
            format!("{:.4}", score.f1),
        ]
    };
    let mut rows = vec![row(
        format!("chosen, {}", scores.chosen.threshold),
        &scores.chosen,
    )];
    rows.extend(scores.at.iter().map(|at| row(at.threshold.to_string(), at)));
    rows.push(row("persons, all their pairs".into(), &scores.clusters));
    table(
        html,
        &["Threshold", "Pairs", "Precision", "Recall", "F1"],
        rows,
    );
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        "<p>Best F1 {:.4}, at {:.3}. Recall {:.4} at precision .999. Expected calibration error {:.4}. {} true pairs; {} records that the truth does not name.</p>",
        scores.best_f1,
        scores.best_f1_threshold,
        scores.recall_at_precision_999,
        scores.expected_calibration_error,
        count(scores.true_pairs),
        count(scores.records_without_truth),
    );
    calibration(scores, html);
    let rows = scores.calibration.iter().map(|bin| {
        vec![
            format!("{} to {}", bin.from, bin.to),
            count(bin.pairs),
            format!("{:.4}", bin.said),
            format!("{:.4}", bin.so),
        ]
    });
    table(html, &["Probability", "Pairs", "Said", "So"], rows);
}

fn calibration(scores: &Scores, html: &mut String) {
    let met: Vec<(f64, f64)> = scores
        .calibration
        .iter()
        .filter(|bin| bin.pairs > 0)
        .map(|bin| (bin.said, bin.so))
        .collect();
    html.push_str("<h3>Calibration</h3><p class=\"note\">Share of pairs that are matches, by the probability that was said of them; where both lines are one, what is said is so.</p>");
    let as_said = met.iter().map(|(said, _)| (*said, *said)).collect();
    let lines = [
        Line {
            name: "so",
            class: "a",
            points: met,
        },
        Line {
            name: "as said",
            class: "c",
            points: as_said,
        },
    ];
    let title = "Share of matches by probability";
    html.push_str(&curves(
        title,
        "probability said",
        &lines,
        Up::Plain,
        (0.0, 1.0),
    ));
}

fn groups(outcome: &Outcome, html: &mut String) {
    if outcome.linkage.groups.is_empty() {
        return;
    }
    heading(
        html,
        "Rates by group",
        "Who is linked less often is missing from the research. Groups of fewer than ten records are put together.",
    );
    let rows = outcome
        .linkage
        .groups
        .iter()
        .take(SHOWN_MAX * 4)
        .map(|group| {
            vec![
                format!("{}: {}", group.by.replace('_', " "), group.value),
                group.file.clone(),
                count(group.records),
                share(group.linked as f64, group.records as f64),
                share(group.false_joins, group.linked as f64),
                share(group.missed, group.records as f64),
            ]
        });
    let head = [
        "Group",
        "Input",
        "Records",
        "Linked",
        "Of these false, estimated",
        "Missed, estimated",
    ];
    table(html, &head, rows);
}

fn inputs(outcome: &Outcome, html: &mut String) {
    heading(
        html,
        "Inputs",
        "Stand-ins (BABY, 1900-01-01, ZZ99) and values that cannot be what the column says are taken as missing.",
    );
    let rows = outcome.linkage.files.iter().map(|file| {
        vec![
            file.name.clone(),
            count(file.records),
            share(file.linked as f64, file.records as f64),
            count(file.ambiguous),
        ]
    });
    table(
        html,
        &[
            "Input",
            "Records",
            "Linked",
            "Surely match, but nobody in particular",
        ],
        rows,
    );
    let columns = outcome.linkage.files.iter().flat_map(|file| {
        file.columns.iter().map(|column| {
            vec![
                format!("{}: {}", file.name, column.name),
                column.role.clone(),
                count(column.usable),
                count(column.missing),
                count(column.stand_ins),
                count(column.invalid),
            ]
        })
    });
    table(
        html,
        &[
            "Column",
            "Role",
            "Usable",
            "Missing",
            "Stand-ins",
            "Invalid",
        ],
        columns,
    );
}

fn costs(outcome: &Outcome, html: &mut String) {
    let cost = &outcome.cost;
    heading(
        html,
        "Cost",
        &format!(
            "{:.2} CPU s in all, {:.2} s on the wall, {:.0} MB at most in one process.",
            cost.cpu_s, cost.wall_s, cost.peak_mb
        ),
    );
    let rows = outcome.stages.iter().map(|stage| {
        vec![
            stage.stage.clone(),
            format!("{:.3}", stage.cpu_s),
            format!("{:.3}", stage.wall_s),
        ]
    });
    table(html, &["Stage", "CPU s", "Wall s"], rows);
}
