//! The findings for people.

use protocol::posture::{LayerState, Outcome, Probe, Requirement};
use sandbox::LayerReport;

use super::{Condition, Findings, Need, Purpose, State, Tried};

/// A table of layers and conditions, then what is missing and how to get it.
pub(super) fn table(findings: &Findings) -> String {
    let mut lines = Vec::new();
    for tried in &findings.profiles {
        lines.push(format!(
            "Sandbox layers under the profile {}",
            tried.profile
        ));
        lines.push(format!(
            "  {:<18} {:<9} {:<8} what was tried",
            "layer", "", ""
        ));
        lines.extend(tried.layers.iter().map(layer));
        lines.push(String::new());
    }
    lines.push(format!("Conditions (build {})", findings.build));
    lines.extend(findings.conditions.iter().map(condition));
    lines.push(String::new());
    lines.extend(missing(findings));
    lines.push(last(findings).into());
    lines.join("\n")
}

fn layer(report: &LayerReport) -> String {
    let requirement = match report.requirement {
        Requirement::Required => "required",
        Requirement::Wanted => "wanted",
    };
    let (state, detail) = match &report.state {
        LayerState::Present { detail } => ("present", detail.as_str()),
        LayerState::Missing { why, .. } => ("MISSING", why.as_str()),
    };
    let mut tried: Vec<String> = Vec::new();
    if !detail.is_empty() {
        tried.push(detail.to_owned());
    }
    tried.extend(report.proof.iter().map(probe));
    format!(
        "  {:<18} {requirement:<9} {state:<8} {}",
        report.layer.name(),
        tried.join("; ")
    )
}

fn probe(probe: &Probe) -> String {
    let outcome = match probe.outcome {
        Outcome::Held => "held",
        Outcome::Broken => "BROKEN",
    };
    format!("{}: {outcome} ({})", probe.attempt, probe.happened)
}

fn condition(condition: &Condition) -> String {
    let need = match condition.need {
        Need::Required => "required",
        Need::Production => "for real data",
    };
    let state = match condition.state {
        State::Met => "met",
        State::NotMet => "NOT MET",
        State::CannotBeTried => "not tried",
    };
    format!(
        "  {:<27} {need:<14} {state:<10} {}",
        condition.name, condition.detail
    )
}

/// What is missing, why it matters and how to get it.
fn missing(findings: &Findings) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // Both profiles lack the same layers as a rule: say each once.
    let mut add = |line: String| {
        if !lines.contains(&line) {
            lines.push(line);
        }
    };
    for Tried { layers, .. } in &findings.profiles {
        for report in layers {
            if let LayerState::Missing { why, remedy } = &report.state {
                add(format!(
                    "  {}: {why}; without it {}. To get it: {remedy}.",
                    report.layer,
                    report.layer.without_it()
                ));
            }
        }
    }
    for condition in &findings.conditions {
        match condition.state {
            State::NotMet => add(format!(
                "  {}: {}. To meet it: {}.",
                condition.name, condition.detail, condition.remedy
            )),
            State::Met | State::CannotBeTried => {}
        }
    }
    if !lines.is_empty() {
        lines.insert(0, "Missing".into());
        lines.push(String::new());
    }
    lines
}

fn last(findings: &Findings) -> &'static str {
    match (findings.fit, findings.purpose) {
        (true, Purpose::Rehearsal) => {
            "Everything that is required is there. --production asks for what real data needs."
        }
        (true, Purpose::Production) => {
            "Everything that real data needs and that can be tried from here is there."
        }
        (false, Purpose::Rehearsal) => {
            "Something that is required is missing: this machine is not fit for a rehearsal either."
        }
        (false, Purpose::Production) => "This machine is not fit for real data.",
    }
}
