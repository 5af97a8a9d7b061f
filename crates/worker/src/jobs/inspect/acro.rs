//! `results.json` of a session of acro (version 1; `acro.record.Records.finalise_json`): what its own checks said.
//!
//! The file is whatever its author made of it, so it is told and not believed. Its words go no further: only names
//! that acro has are counted.

use disclosure::inspect::Seen;
use serde_json::Value;

use super::text::Found;
use super::{count, empty};

/// Checks of acro 1.0, as `sdc.summary` names them.
const CHECKS: [&str; 10] = [
    "MinimumThresholdCheck",
    "MinimumDoFCheck",
    "NKCheck",
    "PPercentCheck",
    "PQCheck",
    "AllSameValuesCheck",
    "MissingCheck",
    "PresenceOfZeroCheck",
    "RequiredZeroCheck",
    "PresenceOfLinkedTableCheck",
];

/// What a session says of its outputs; nothing where the object is none.
pub(super) fn session(object: &Value, text: &str) -> Option<Seen> {
    let tool = object.get("tool")?.get("name")?.as_str()?;
    let results = object.get("results")?.as_object()?;
    if tool != "ACRO" {
        return None;
    }
    let mut seen = Seen {
        kind: "acro session".into(),
        ..empty()
    };
    for output in results.values() {
        let said = match output.get("status").and_then(Value::as_str) {
            Some("pass") => "outputs that acro calls pass",
            Some("fail") => "outputs that acro calls fail",
            Some("review") => "outputs that acro calls review",
            Some(_) | None => "outputs of which acro says nothing that is known",
        };
        count(&mut seen, said, 1);
        let asks = output.get("exception").and_then(Value::as_str);
        if asks.is_some_and(|text| !text.trim().is_empty()) {
            count(&mut seen, "outputs for which an exception is asked", 1);
        }
        let files = output.get("files").and_then(Value::as_array);
        for file in files.into_iter().flatten() {
            count(
                &mut seen,
                "files that belong to it, to be looked through too",
                1,
            );
            let summary = file.get("sdc").and_then(|sdc| sdc.get("summary"));
            for check in CHECKS {
                let flagged = summary.and_then(|summary| summary.get(check));
                let flagged = flagged.and_then(Value::as_u64).unwrap_or(0);
                count(
                    &mut seen,
                    &format!("cells that {check} of acro flags"),
                    flagged,
                );
            }
        }
    }
    let mut found = Found::default();
    found.text(text);
    seen.identifiers = found.hits();
    Some(seen)
}
