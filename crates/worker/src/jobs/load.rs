//! Reading a delivery: refused whole or kept whole.

mod hidden;
pub(super) mod identifiers;
pub(super) mod payload;
mod values;

use std::collections::BTreeMap;
use std::path::Path;

use frames::{Frame, Strings};
use protocol::job::Format;
use protocol::report::Failure;

use super::of_frame;

/// Name of the delivered file.
const DELIVERY: &str = "delivery";
/// Name of the file of sorted record numbers.
const RECORDS: &str = "records";

/// A delivered file with exactly the declared columns.
fn read(
    path: &Path,
    format: Format,
    declared: &[&str],
    limits: &frames::Limits,
) -> Result<Frame, Failure> {
    match format {
        Format::Csv => frames::csv::read(path, declared, limits),
        Format::Parquet => frames::parquet::read_text(path, declared, limits),
    }
    .map_err(of_frame)
}

fn missing(cells: &Strings) -> u64 {
    cells.iter().filter(Option::is_none).count() as u64
}

/// Missing values of every column but the record number.
fn missing_by_column(frame: &Frame, record: &str) -> BTreeMap<String, u64> {
    frame
        .columns
        .iter()
        .filter(|(name, _)| name != record)
        .map(|(name, cells)| (name.clone(), missing(cells)))
        .collect()
}
