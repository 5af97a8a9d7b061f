//! Candidates, parameters and examples of a linkage, as parts of the page.

use std::fmt::Write as _;

use linkage::{Fit, PairReport};

use super::{Outcome, SHOWN_MAX, count, heading, table};
use crate::link::plot::{Bar, Line, Up, bars, curves, escaped, waterfall};

pub(super) fn one_pair(pair: &PairReport, html: &mut String) {
    let names = format!("{} and {}", pair.left, pair.right);
    heading(
        html,
        &format!("Candidates of {names}"),
        &format!(
            "{} pairs were compared, in {} distinct patterns; an estimated {:.2} % of all matches are among them.",
            count(pair.candidate_pairs),
            count(pair.patterns),
            100.0 * pair.candidate_recall
        ),
    );
    let rules: Vec<Bar> = pair
        .blocking
        .iter()
        .filter(|rule| rule.used)
        .take(SHOWN_MAX)
        .map(|rule| Bar {
            label: rule.rule.clone(),
            value: rule.new_pairs as f64,
            told: count(rule.new_pairs),
            class: "for",
        })
        .collect();
    html.push_str("<h3>Blocking: pairs that each rule adds</h3>");
    html.push_str(&bars("Pairs that each blocking rule adds", &rules));
    let rows = pair.blocking.iter().take(SHOWN_MAX).map(|rule| {
        let used = |text: String| if rule.used { text } else { "–".to_owned() };
        vec![
            rule.rule.clone(),
            if rule.used { "yes" } else { "no" }.to_owned(),
            count(rule.predicted_pairs),
            used(count(rule.new_pairs)),
            used(count(rule.keys_left_out)),
            used(format!("{:.2} %", 100.0 * rule.recall)),
        ]
    });
    html.push_str("<p class=\"note\">A rule that is not used would find more pairs than its share of the budget; a narrower one stands in for it.</p>");
    let head = [
        "Equal",
        "Used",
        "Pairs counted before",
        "New",
        "Common keys left out",
        "Matches found, estimated",
    ];
    table(html, &head, rows);
    weights(pair, html);
    if !pair.unlinkables.is_empty() {
        html.push_str("<h3>Unlinkable records</h3><p class=\"note\">Share of records that say so little that their own copy would not reach the weight.</p>");
        let line = Line {
            name: "unlinkable",
            class: "b",
            points: pair.unlinkables.clone(),
        };
        let most = pair.unlinkables.iter().map(|p| p.1).fold(0.0, f64::max);
        html.push_str(&curves(
            "Share of unlinkable records by weight",
            "match weight needed, in bits",
            &[line],
            Up::Plain,
            (0.0, most.max(0.01)),
        ));
    }
}

fn weights(pair: &PairReport, html: &mut String) {
    if pair.weights.is_empty() {
        return;
    }
    html.push_str("<h3>Match weights</h3><p class=\"note\">Candidate pairs by weight, on a scale of powers of ten; matches as estimated.</p>");
    let log = |pairs: f64| (pairs + 1.0).log10();
    let line = |name, class, of: &dyn Fn(&linkage::WeightBar) -> f64| Line {
        name,
        class,
        points: pair
            .weights
            .iter()
            .map(|bar| (f64::from(bar.weight), log(of(bar))))
            .collect(),
    };
    let lines = [
        line("matches", "a", &|bar| bar.matches),
        line("not matches", "b", &|bar| {
            (bar.pairs as f64 - bar.matches).max(0.0)
        }),
    ];
    let highest = lines.iter().flat_map(|line| line.points.iter());
    let highest = highest.map(|point| point.1).fold(1.0, f64::max);
    html.push_str(&curves(
        "Candidate pairs by match weight",
        "match weight, in bits",
        &lines,
        Up::Tens,
        (0.0, highest.ceil()),
    ));
}

pub(super) fn one_fit(fit: &Fit, html: &mut String) {
    heading(
        html,
        &format!("Model of {} and {}", fit.left, fit.right),
        &format!(
            "A random pair is one person with probability {:.3e}. m is a level's share among matches, u among random pairs; its weight is the evidence in bits.",
            fit.lambda
        ),
    );
    let mut levels: Vec<Bar> = Vec::new();
    for comparison in &fit.comparisons {
        for level in comparison.levels.iter().rev() {
            levels.push(Bar {
                label: format!("{}: {}", comparison.comparison, level.label),
                value: level.weight,
                told: format!("{:+.1}", level.weight),
                class: if level.weight < 0.0 { "against" } else { "for" },
            });
        }
    }
    levels.truncate(SHOWN_MAX);
    html.push_str("<h3>Weights of the levels</h3>");
    html.push_str(&bars("Weight of each level in bits", &levels));
    let rows = fit.comparisons.iter().flat_map(|comparison| {
        comparison.levels.iter().rev().map(|level| {
            vec![
                format!("{}: {}", comparison.comparison, level.label),
                format!("{:.6}", level.m),
                format!("{:.3e}", level.u),
                format!("{:+.2}", level.weight),
                count(level.pairs),
            ]
        })
    });
    html.push_str("<h3>m and u</h3>");
    table(
        html,
        &["Level", "m", "u", "Weight", "Candidate pairs"],
        rows.take(SHOWN_MAX * 3),
    );
    if !fit.kinds.is_empty() {
        html.push_str("<h3>Kinds of pairs</h3><p class=\"note\">Fields depend on each other within a household or after a move; within a kind they are taken as independent.</p>");
        let rows = fit.kinds.iter().map(|kind| {
            let same = if kind.same_person {
                "one person"
            } else {
                "two people"
            };
            vec![kind.kind.clone(), same.into(), format!("{:.3e}", kind.rate)]
        });
        table(html, &["Kind", "Is", "For each record"], rows);
    }
}

pub(super) fn examples(outcome: &Outcome, html: &mut String) {
    if outcome.linkage.examples.is_empty() {
        return;
    }
    heading(
        html,
        "How pairs got their weight",
        "Levels and bits of typical pairs; the values that were compared are not shown.",
    );
    for example in outcome.linkage.examples.iter().take(SHOWN_MAX) {
        // Writing to a string cannot fail.
        let _ = write!(
            html,
            "<h3>{}: {:.1} bits, probability {:.4}</h3>",
            escaped(&example.of),
            example.match_weight,
            example.match_probability
        );
        let steps: Vec<(String, f64)> = example
            .steps
            .iter()
            .map(|(what, level, bits)| match level.is_empty() {
                true => (what.clone(), *bits),
                false => (format!("{what}: {level}"), *bits),
            })
            .collect();
        html.push_str(&waterfall(&example.of, &steps));
    }
}
