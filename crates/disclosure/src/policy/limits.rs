//! How large a problem of hidden cells may be.

use serde::Deserialize;

use super::{PolicyError, within};
use crate::derive::COUNTS_MAX;
use crate::suppress::CELLS_MAX;

/// The section `[limits]` of a policy; one that is left out is [`Limits::SHIPPED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most statements that are checked together.
    pub statements: u64,
    /// Most finished files that are looked through at once.
    pub files: u64,
    /// Most cells of one table that are judged.
    pub table_cells: u64,
    /// Most counts of one row between which every sum and difference is tried.
    pub row_counts: u64,
    /// Most parameters of a regression.
    pub parameters: u64,
    /// Most bands of time of a survival curve.
    pub curve_bands: u64,
    /// Most strata of a survival curve.
    pub curve_strata: u64,
    /// Most cells of one problem for which a check searches a pattern. Of a larger table everything that shares
    /// people with a hidden cell is hidden.
    pub pattern_cells: u64,
    /// Most totals and means of one table for which a pattern is searched.
    pub pattern_totals: u64,
    /// Million steps of the search for a cheaper pattern in a check, about 20 a CPU second. The search for a safe
    /// one is not bounded by it.
    pub pattern_steps: u64,
    /// Most MiB of a table in the JJ format.
    pub suppress_mib: u64,
    /// Most cells of it.
    pub suppress_cells: u64,
    /// Million steps of the search for a cheaper pattern over it.
    pub suppress_steps: u64,
}

impl Limits {
    /// As `policies/disclosure/default.toml` is shipped.
    pub const SHIPPED: Self = Self {
        statements: 20,
        files: 100,
        table_cells: 1_000_000,
        row_counts: 8,
        parameters: 40,
        curve_bands: 100,
        curve_strata: 20,
        pattern_cells: 10_000,
        pattern_totals: 8,
        pattern_steps: 20,
        suppress_mib: 256,
        suppress_cells: 200_000,
        suppress_steps: 120,
    };

    pub(super) fn checked(self) -> Result<Self, PolicyError> {
        let cells = CELLS_MAX as u64;
        within("limits.statements", self.statements, 1, 1_000)?;
        within("limits.files", self.files, 1, 10_000)?;
        let counts = COUNTS_MAX as u64;
        within("limits.table_cells", self.table_cells, 1, 10_000_000)?;
        within("limits.row_counts", self.row_counts, 2, counts)?;
        within("limits.parameters", self.parameters, 1, 200)?;
        within("limits.curve_bands", self.curve_bands, 1, 1_000)?;
        within("limits.curve_strata", self.curve_strata, 1, 200)?;
        within("limits.pattern_cells", self.pattern_cells, 1, cells)?;
        within("limits.pattern_totals", self.pattern_totals, 1, 1_000)?;
        within("limits.pattern_steps", self.pattern_steps, 1, 1_000_000)?;
        within("limits.suppress_mib", self.suppress_mib, 1, 1 << 20)?;
        within("limits.suppress_cells", self.suppress_cells, 1, cells)?;
        within("limits.suppress_steps", self.suppress_steps, 1, 1_000_000)?;
        Ok(self)
    }

    /// In words, for `strongroom policy explain`.
    pub(super) fn in_words(self) -> String {
        format!(
            "at most {} statements and {} finished files are checked together; a table has at most {} judged cells and a row {} counts that are added and subtracted, a regression {} parameters, a survival curve {} bands of time and {} strata; of a table with more than {} cells (counts taken apart) or {} totals everything that shares people with a hidden cell is hidden; a pattern is improved for at most {} million steps, by strongroom suppress for {} million, over at most {} cells and {} MiB.",
            self.statements,
            self.files,
            self.table_cells,
            self.row_counts,
            self.parameters,
            self.curve_bands,
            self.curve_strata,
            self.pattern_cells,
            self.pattern_totals,
            self.pattern_steps,
            self.suppress_steps,
            self.suppress_cells,
            self.suppress_mib
        )
    }
}
