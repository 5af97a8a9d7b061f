//! Of what a plan's numbers are: two tables over the same rows are judged together where they are known to be.

use disclosure::Lineage;
use serde_json::{Value, json};

use super::node;
use super::plan::{Part, Plan, ValuePart};
use super::same::{Renaming, canonical};

/// Digests of the plan's rows, keys, counts and values, whatever the relations and columns are called.
pub(super) fn of(plan: &Plan) -> Lineage {
    let mut names = Renaming::new();
    let from = canonical(&json!([plan.from, plan.unit]), &mut names);
    let condition = conjunction(plan.condition.as_ref(), &mut names);
    // Of what is computed of rows, names are those of the rows.
    let under = |place: usize| plan.conditions.get(place).and_then(Option::as_ref);
    let of_keys = |(_, key): &(String, Value)| canonical(key, &mut names.clone());
    let of_count = |(_, part): &(String, Part)| {
        let rows = conjunction(under(part.condition), &mut names.clone());
        json!([rows, part.source])
    };
    let of_part = |part: &ValuePart| {
        let names = &mut names.clone();
        let values = plan.values.get(part.value);
        json!([
            values.map(|value| canonical(value, names)),
            conjunction(under(part.condition), names),
            part.but.map(|but| conjunction(under(but), names)),
        ])
    };
    let digest = |tree: Value| Lineage::digest(&tree.to_string());
    Lineage {
        rows: digest(json!([from, condition])),
        keys: plan.keys.iter().map(of_keys).map(digest).collect(),
        counts: plan.counts.iter().map(of_count).map(digest).collect(),
        parts: plan.parts.iter().map(of_part).map(digest).collect(),
    }
}

/// A condition whatever the order of its conjuncts.
fn conjunction(condition: Option<&Value>, names: &mut Renaming) -> Vec<String> {
    let parts = node::conjuncts(condition).into_iter();
    let mut parts: Vec<String> = parts
        .map(|part| canonical(part, names).to_string())
        .collect();
    parts.sort_unstable();
    parts
}
