//! `strongroom suppress`: a safe pattern for a table in the JJ format.

use std::path::PathBuf;
use std::process::ExitCode;

use disclosure::jj;
use disclosure::suppress::{CellStatus, Suppression, Table, suppress};
use serde_json::json;

use crate::files::PoliciesArgs;
use crate::form::JsonArgs;
use crate::problem::{Problem, REFUSED, say};

/// Finds further cells to hide so that no hidden cell of a table can be worked out.
///
/// Reads a table in the JJ format of tau-argus and sdcTable and prints `{"feasible", "hidden",
/// "cost", "proved_safe"}`: the ids of all cells to hide, primary ones among them. Exit code 1 where
/// no pattern is safe; `unprotected` then names the cells.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The table.
    #[arg(value_name = "TABLE.jj")]
    table: PathBuf,
    /// Write the table with its secondary cells marked as hidden (status m), for another program
    /// to check.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    policies: PoliciesArgs,
    #[command(flatten)]
    _form: JsonArgs,
}

/// Reads, suppresses, prints.
///
/// # Errors
/// A file that cannot be read or is not a JJ table.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    let name = args.table.display();
    let could_not = |why: &dyn std::fmt::Display| Problem::could_not(format!("{name}: {why}"));
    let limits = args.policies.load()?.disclosure.limits();
    let file = std::fs::metadata(&args.table).map_err(|why| could_not(&why))?;
    within(
        "MiB",
        file.len().div_ceil(1 << 20),
        ("suppress_mib", limits.suppress_mib),
    )
    .map_err(|why| could_not(&why))?;
    let bytes = std::fs::read(&args.table).map_err(|why| could_not(&why))?;
    let text = String::from_utf8(bytes).map_err(|_| could_not(&"the file is not text"))?;
    let table = jj::read(&text).map_err(|why| could_not(&why))?;
    let cells = table.cells().len() as u64;
    within("cells", cells, ("suppress_cells", limits.suppress_cells))
        .map_err(|why| could_not(&why))?;
    let found = suppress(&table, limits.suppress_steps.saturating_mul(1_000_000));
    if let Some(path) = &args.out {
        let text = jj::write(&marked(&table, &found)?);
        std::fs::write(path, text)
            .map_err(|why| Problem::could_not(format!("{}: {why}", path.display())))?;
    }
    say(&answer(&table, &found).to_string())?;
    Ok(if found.feasible {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

/// Refuses what is larger than a limit, and names it.
fn within(what: &str, size: u64, (limit, most): (&str, u64)) -> Result<(), String> {
    match size > most {
        true => Err(format!(
            "the table has {size} {what}; the limit {limit} in policies/disclosure/default.toml is {most}"
        )),
        false => Ok(()),
    }
}

fn ids(table: &Table, cells: &[usize]) -> Vec<i64> {
    let id = |cell: &usize| table.cells().get(*cell).map(|c| c.id);
    cells.iter().filter_map(id).collect()
}

fn answer(table: &Table, found: &Suppression) -> serde_json::Value {
    let mut answer = json!({
        "feasible": found.feasible,
        "hidden": ids(table, &found.hidden),
        "cost": found.cost,
        "proved_safe": found.proved_safe,
    });
    if !found.feasible
        && let Some(fields) = answer.as_object_mut()
    {
        fields.insert(
            "unprotected".to_owned(),
            json!(ids(table, &found.unprotected)),
        );
    }
    answer
}

/// The table with every hidden cell that is not primary marked as hidden.
fn marked(table: &Table, found: &Suppression) -> Result<Table, Problem> {
    let mut cells = table.cells().to_vec();
    for index in &found.hidden {
        if let Some(cell) = cells.get_mut(*index)
            && cell.status == CellStatus::Safe
        {
            cell.status = CellStatus::Hidden;
        }
    }
    let equations = table
        .rows()
        .iter()
        .zip(table.constants())
        .map(|(row, rhs)| disclosure::suppress::Equation {
            rhs: *rhs,
            terms: row.iter().map(|(c, f)| (*c as usize, *f)).collect(),
        })
        .collect();
    Table::new(cells, equations).map_err(|why| Problem::could_not(why.to_string()))
}

#[cfg(test)]
mod tests;
