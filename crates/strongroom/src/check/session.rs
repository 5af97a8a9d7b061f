//! The answer as a session of acro, which SACRO Viewer opens: `results.json`, a table a statement, their checksums.
//!
//! Layout and names are those of acro 1.0.2 (`acro.record.Records.finalise_json` and `write_checksums`): its reader
//! takes no other version. The folder holds what an output checker sees, counts under the threshold included.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use audit_log::sha256;
use disclosure::{
    CellReport, Datum, Key, Output, Policy, Report, Rule, Status, Verdict, ZeroRule, to_csv,
};
use serde_json::{Map, Value, json};

use crate::problem::Problem;

/// The version of the layout.
const VERSION: &str = "1.0.2";

/// Writes the session into a folder that is made for it.
///
/// # Errors
/// If the folder is there already, or a file cannot be written.
pub(super) fn write(
    folder: &Path,
    report: &Report,
    policy: &Policy,
    timestamp: &str,
) -> Result<(), Problem> {
    let failed = |error: std::io::Error| {
        Problem::could_not(format!(
            "the session {} cannot be written: {error}",
            folder.display()
        ))
    };
    fs::create_dir(folder).map_err(failed)?;
    for (name, bytes) in files(report, policy, timestamp)? {
        let sums = folder.join("checksums");
        fs::create_dir_all(&sums).map_err(failed)?;
        fs::write(folder.join(&name), &bytes).map_err(failed)?;
        fs::write(
            sums.join(format!("{name}.txt")),
            hex::encode(sha256(&bytes)),
        )
        .map_err(failed)?;
    }
    Ok(())
}

/// The files, by name.
fn files(
    report: &Report,
    policy: &Policy,
    timestamp: &str,
) -> Result<BTreeMap<String, Vec<u8>>, Problem> {
    let mut files = BTreeMap::new();
    let mut results = Map::new();
    for (n, output) in report.outputs.iter().enumerate() {
        let uid = format!("output_{n}");
        let table = Table::of(output, report.verdict);
        let file = format!("{uid}_0.csv");
        results.insert(
            uid.clone(),
            table.record(&uid, &file, report, policy, timestamp),
        );
        files.insert(file, to_csv(&output.columns, table.rows));
    }
    let session = json!({
        "version": VERSION,
        "tool": {
            "@type": "SoftwareApplication",
            // Its reader and viewer know no other; which program wrote it stands in each summary.
            "name": "ACRO",
            "url": "https://github.com/AI-SDC/ACRO",
            "version": VERSION,
        },
        "results": results,
    });
    files.insert("results.json".into(), serde_json::to_vec_pretty(&session)?);
    Ok(files)
}

/// How many cells, and the row and column of those that the file holds.
type Flagged = (u64, Vec<(usize, usize)>);

/// One output, with the rows that its file holds.
struct Table<'a> {
    output: &'a Output,
    rows: &'a [Vec<Datum>],
    treated: bool,
    /// Number of the row of each key.
    places: BTreeMap<Vec<&'a Datum>, usize>,
    /// Columns of the keys.
    keys: Vec<usize>,
}

impl<'a> Table<'a> {
    fn of(output: &'a Output, verdict: Verdict) -> Self {
        let treated = verdict == Verdict::Treat && !output.treated_rows.is_empty();
        let rows = match treated {
            true => &output.treated_rows,
            false => &output.rows,
        };
        let column = |name: &str| output.columns.iter().position(|column| column == name);
        let names = output.cells.first().map(|cell| &cell.key);
        let keys: Vec<usize> = names
            .and_then(|Key(pairs)| pairs.iter().map(|(name, _)| column(name)).collect())
            .unwrap_or_default();
        let places = rows.iter().enumerate().map(|(n, row)| {
            let key = keys.iter().filter_map(|at| row.get(*at)).collect();
            (key, n)
        });
        Self {
            places: places.collect(),
            output,
            rows,
            treated,
            keys,
        }
    }

    /// Row and column of a cell as the viewer counts them: without the header, and from the column behind the first.
    fn place(&self, cell: &CellReport) -> Option<(usize, usize)> {
        let key: Vec<&Datum> = cell.key.0.iter().map(|(_, value)| value).collect();
        let row = *self.places.get(&key)?;
        let column = self.output.columns.iter().position(|c| *c == cell.column)?;
        Some((row, column.checked_sub(1)?))
    }

    fn record(
        &self,
        uid: &str,
        file: &str,
        report: &Report,
        policy: &Policy,
        timestamp: &str,
    ) -> Value {
        let flagged = self.flagged(policy);
        let counted = flagged
            .iter()
            .map(|(check, (number, _))| ((*check).to_owned(), json!(number)));
        let placed = flagged
            .iter()
            .map(|(check, (_, places))| ((*check).to_owned(), json!(places)));
        let said = flagged.iter().map(|(check, (number, _))| {
            let said = if *number == 0 { "pass" } else { "fail" };
            ((*check).to_owned(), said.into())
        });
        let sdc = json!({
            "summary": counted.collect::<Map<_, _>>(),
            "cells": placed.collect::<Map<_, _>>(),
        });
        let named = |wanted: bool| -> Vec<&String> {
            let columns = self.output.columns.iter().enumerate();
            let those = columns.filter(|(at, _)| self.keys.contains(at) == wanted);
            those.map(|(_, name)| name).collect()
        };
        json!({
            "uid": uid,
            "status": match report.verdict {
                Verdict::Pass => "pass",
                Verdict::Treat | Verdict::Review => "review",
                Verdict::Fail => "fail",
            },
            "type": match self.output.class {
                "table" | "survival" => "table",
                "regression" => "regression",
                _ => "custom",
            },
            "properties": {
                "method": "strongroom check",
                "mitigation": if self.treated { "suppression" } else { "none" },
            },
            "files": [{ "name": file, "sdc": sdc }],
            "outcome": self.outcome(),
            "command": self.output.statement,
            "summary": self.summary(report),
            "timestamp": timestamp,
            "comments": [],
            "exception": "",
            "fair": {
                "context": "https://w3id.org/statbarnsdc#",
                "statbarn": "unknown",
                "risks": [],
                "checks_needed": flagged.keys().collect::<Vec<_>>(),
                "common_mitigations": ["Suppression"],
                "check_status": said.collect::<Map<_, _>>(),
                "dependent": named(false),
                "independent": named(true),
            },
        })
    }

    /// How many cells each rule that is on flags, and where.
    fn flagged(&self, policy: &Policy) -> BTreeMap<&'static str, Flagged> {
        let on = Rule::ALL.into_iter().filter(|rule| is_on(*rule, policy));
        let mut flagged: BTreeMap<_, _> = on.map(|rule| (check(rule), (0, Vec::new()))).collect();
        let wrong = |cell: &&CellReport| cell.status != Status::Ok;
        for cell in self.output.cells.iter().filter(wrong) {
            for finding in &cell.findings {
                let (number, places) = flagged.entry(check(finding.rule)).or_default();
                *number += 1;
                places.extend(self.place(cell));
            }
        }
        flagged
    }

    /// What became of each cell, by column and row.
    fn outcome(&self) -> Value {
        let mut columns: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
        for cell in &self.output.cells {
            let Some((row, _)) = self.place(cell) else {
                continue;
            };
            let said = match cell.status {
                Status::Ok => "ok".to_owned(),
                Status::Primary | Status::Secondary | Status::Review => {
                    let checks = cell
                        .findings
                        .iter()
                        .map(|found| format!("{}; ", check(found.rule)));
                    checks.collect()
                }
            };
            columns
                .entry(&cell.column)
                .or_default()
                .insert(row.to_string(), said);
        }
        json!(columns)
    }

    fn summary(&self, report: &Report) -> String {
        let verdict = match report.verdict {
            Verdict::Pass => "pass",
            Verdict::Treat => "treat",
            Verdict::Review => "review",
            Verdict::Fail => "fail",
        };
        let mut text = format!(
            "strongroom check: {verdict} by the policy {} ({})",
            report.policy.name, report.policy.sha256
        );
        let cells = self
            .output
            .cells
            .iter()
            .filter(|cell| cell.status != Status::Ok);
        match cells.count() {
            0 => {}
            n => text += &format!("; {n} cells are not ok"),
        }
        if self.treated {
            text += "; the table is the treated one";
        }
        for found in &report.findings {
            text += &format!("\n{}: {}", found.rule.name(), found.detail);
        }
        text
    }
}

/// Whether a policy has a rule; what needs no parameter is always judged.
fn is_on(rule: Rule, policy: &Policy) -> bool {
    match rule {
        Rule::Threshold => policy.has_threshold(),
        Rule::Zero => policy.zero() == ZeroRule::Unsafe,
        Rule::Dominance => policy.dominance().is_some(),
        Rule::PPercent => policy.p_percent().is_some(),
        Rule::DegreesOfFreedom => policy.degrees_of_freedom().is_some(),
        Rule::EndPoint => policy.end_point().is_some(),
        Rule::ClassDisclosure => policy.class_share().is_some(),
        Rule::Differencing => policy.differencing().is_some(),
        Rule::AllSame | Rule::Negative | Rule::Missing | Rule::Untraceable => true,
    }
}

/// acro's name of a rule, or ours where it has none.
fn check(rule: Rule) -> &'static str {
    match rule {
        Rule::Threshold => "MinimumThresholdCheck",
        Rule::Zero => "PresenceOfZeroCheck",
        Rule::Dominance => "NKCheck",
        Rule::PPercent => "PPercentCheck",
        Rule::AllSame => "AllSameValuesCheck",
        Rule::DegreesOfFreedom => "MinimumDoFCheck",
        Rule::Missing => "MissingCheck",
        Rule::Differencing => "PresenceOfLinkedTableCheck",
        Rule::EndPoint | Rule::ClassDisclosure | Rule::Negative | Rule::Untraceable => rule.name(),
    }
}
