//! Rounding and perturbation: other values in place of the true ones, with totals that still add
//! up or noise that stays the same.

mod cell_key;
mod controlled;
mod nearest;

pub use cell_key::{CellKeys, PTable, PTableError, RecordKey};
pub use controlled::{ControlledError, controlled};
pub use nearest::{midpoint, nearest, random};

#[cfg(test)]
mod tests;
