//! A policy in words.

use super::{Forced, Policy, SECTIONS, ZeroRule};

impl Policy {
    /// What each section does and which are off, in words, one line each.
    pub fn explain(&self) -> String {
        let version = self.version().map(|v| format!(" version {v}"));
        let mut lines = vec![format!(
            "policy {}{} (sha256 {})",
            self.name(),
            version.unwrap_or_default(),
            self.sha256()
        )];
        for section in SECTIONS {
            match self.is_on(section) {
                Some(said) => {
                    lines.extend(said.into_iter().map(|what| format!("[{section}] {what}")))
                }
                None => lines.push(format!("[{section}] off: {}.", without(section))),
            }
        }
        lines.push(format!("[limits] {}", self.limits().in_words()));
        lines.push(
            "always on: identical values in a group, negative and missing values, and what cannot be traced."
                .to_owned(),
        );
        lines.join("\n")
    }

    /// What a section does, if it is on.
    fn is_on(&self, section: &str) -> Option<Vec<String>> {
        let one = |text: String| Some(vec![text]);
        match section {
            "threshold" => self.has_threshold().then(|| self.threshold_in_words()),
            "dominance" => self.dominance().and_then(|rule| {
                one(format!(
                    "on: the {} largest contributions may make up at most {} of a total or mean; more is unsafe.",
                    rule.n,
                    percent(rule.k)
                ))
            }),
            "p_percent" => self.p_percent().and_then(|p| {
                one(format!(
                    "on: a total or mean is unsafe if what remains without the two largest contributions is less than {} of the largest.",
                    percent(p)
                ))
            }),
            "degrees_of_freedom" => self.degrees_of_freedom().and_then(|least| {
                one(format!(
                    "on: a measure of spread needs {least} degrees of freedom: the people with a value less one, less two for a measure of two values."
                ))
            }),
            "end_point" => self.end_point().and_then(|least| {
                one(format!(
                    "on: {least} people must share a smallest or largest value, and be on each side of a median or quantile."
                ))
            }),
            "class_disclosure" => self.class_share().and_then(|share| {
                one(format!(
                    "on: a count that is all, or more than {}, of its row or column gives the group away.",
                    percent(share)
                ))
            }),
            "rounding" => self.rounding().and_then(|base| {
                one(format!(
                    "on: counts leave rounded to multiples of {base}, after small ones are hidden."
                ))
            }),
            "differencing" => self.differencing().and_then(|least| {
                one(format!(
                    "on: an output may not differ from an earlier one by 1 to {} people.",
                    least.saturating_sub(1)
                ))
            }),
            "forced" => {
                let forced = self.forced().iter();
                (!self.forced().is_empty()).then(|| forced.map(Forced::in_words).collect())
            }
            _ => None,
        }
    }

    fn threshold_in_words(&self) -> Vec<String> {
        let minimum = match self.raised() {
            None => format!(
                "on: a cell with 1 to {} people behind it is unsafe; {} people are enough.",
                self.minimum().saturating_sub(1),
                self.minimum()
            ),
            Some(minimum) => format!(
                "on: {minimum} people are needed behind a cell; a condition raised it from {}.",
                self.file_minimum
            ),
        };
        let zero = match self.zero() {
            ZeroRule::Unsafe => {
                "zero: a cell with nobody behind it is unsafe, also one that the table leaves out."
            }
            ZeroRule::Safe => "zero: a cell with nobody behind it is safe.",
        };
        vec![minimum, zero.to_owned()]
    }
}

/// A share in per cent, without noise digits.
fn percent(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// What becomes of outputs that a rule would concern while it is off.
fn without(section: &str) -> &'static str {
    match section {
        "threshold" => "cells pass however few people are behind them",
        "dominance" => "totals and means pass however much the largest contributors make up",
        "p_percent" => {
            "totals and means pass however closely the largest contribution can be estimated"
        }
        "degrees_of_freedom" => {
            "measures of spread pass with any number of people that the threshold allows"
        }
        "end_point" => {
            "smallest and largest values, medians and quantiles pass however few people have them"
        }
        "class_disclosure" => "a group that is given away by a full cell is not found",
        "differencing" => "outputs are not compared with earlier releases",
        "rounding" => "numbers are not rounded",
        "forced" => "any cell may be hidden to protect others",
        _ => "this build does not enforce it",
    }
}
