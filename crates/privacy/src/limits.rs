//! Limits of one request (`policies/privacy/request.toml`).

use crate::PrivacyError;

/// How large a request may be. Each refusal names the limit that it met.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Most statistics.
    pub statistics: u32,
    /// Most group keys.
    pub keys: u32,
    /// Most groups: combinations of codebook values, or keys found by threshold.
    pub groups: u32,
    /// Most conditions, over rows and over people together.
    pub conditions: u32,
    /// Most features and windows together.
    pub features: u32,
    /// Most joined tables.
    pub joins: u32,
    /// Most candidates of a quantile, or bins of a histogram.
    pub bins: u32,
    /// Most cells: groups times bins, over all components.
    pub cells: u32,
    /// Most rows of one person in one group (linf).
    pub rows: u32,
    /// Largest rho of one request, in nano-rho.
    pub nano_rho_max: u64,
    /// Smallest rho of one request, in nano-rho.
    pub nano_rho_min: u64,
    /// Largest delta of one request, in units of 10^-18.
    pub atto_delta_max: u64,
    /// The delta at which epsilon is told when the request names none.
    pub report_delta: f64,
}

impl Limits {
    /// Refuses a number above a limit.
    pub(crate) fn most(
        limit: &'static str,
        most: u32,
        has: usize,
        what: &str,
    ) -> Result<(), PrivacyError> {
        if has as u64 <= u64::from(most) {
            return Ok(());
        }
        Err(PrivacyError::Limit {
            limit,
            most: most.to_string(),
            what: format!("{has} {what}"),
        })
    }
}

/// Limits for tests.
#[cfg(test)]
pub(crate) fn roomy() -> Limits {
    Limits {
        statistics: 20,
        keys: 4,
        groups: 10_000,
        conditions: 20,
        features: 20,
        joins: 4,
        bins: 1_000,
        cells: 200_000,
        rows: 1_000,
        nano_rho_max: 10_000_000_000,
        nano_rho_min: 1_000,
        atto_delta_max: 1_000_000_000_000,
        report_delta: 1e-6,
    }
}
