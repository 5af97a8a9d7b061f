//! Privacy loss in whole numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::account::Account;
use crate::refusal::Refusal;

/// Least price of a measurement: rho of a millionth. Many small questions add up to something.
pub const PRICE_NANO_RHO_MIN: u64 = 1_000;
/// Largest rho of a cap: a hundred, which protects nobody any more.
pub const NANO_RHO_MAX: u64 = 100_000_000_000;
/// Largest delta of a cap: a thousandth.
pub const ATTO_DELTA_MAX: u64 = 1_000_000_000_000_000;

/// Privacy loss under approximate zero-concentrated differential privacy (Bun and Steinke 2016), rounded up to
/// whole units by whoever prices it. It composes by addition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// Rho in billionths.
    pub nano_rho: u64,
    /// Delta in units of 10⁻¹⁸.
    pub atto_delta: u64,
}

impl Loss {
    /// A loss of rho alone, in billionths.
    #[must_use]
    pub const fn of_rho(nano_rho: u64) -> Self {
        Self {
            nano_rho,
            atto_delta: 0,
        }
    }

    /// Whether a question may cost this.
    ///
    /// # Errors
    /// If it is nearly nothing, or more than any publication needs.
    pub fn must_be_a_price(self) -> Result<(), Refusal> {
        if (PRICE_NANO_RHO_MIN..=NANO_RHO_MAX).contains(&self.nano_rho)
            && self.atto_delta <= ATTO_DELTA_MAX
        {
            return Ok(());
        }
        Err(Refusal::Invalid(format!(
            "a question costs between {PRICE_NANO_RHO_MIN} and {NANO_RHO_MAX} billionths of rho, and a delta of \
             at most {ATTO_DELTA_MAX} units of 10^-18"
        )))
    }

    /// No loss.
    pub const ZERO: Self = Self {
        nano_rho: 0,
        atto_delta: 0,
    };

    /// Both together; none if a number would not fit, which no account that keeps to its limits reaches.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            nano_rho: self.nano_rho.checked_add(other.nano_rho)?,
            atto_delta: self.atto_delta.checked_add(other.atto_delta)?,
        })
    }

    /// This without the other; none if the other is larger in either part.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        Some(Self {
            nano_rho: self.nano_rho.checked_sub(other.nano_rho)?,
            atto_delta: self.atto_delta.checked_sub(other.atto_delta)?,
        })
    }

    /// What of a cap is left after this; nothing of a part that is used up.
    #[must_use]
    pub fn left_of(self, cap: Self) -> Self {
        Self {
            nano_rho: cap.nano_rho.saturating_sub(self.nano_rho),
            atto_delta: cap.atto_delta.saturating_sub(self.atto_delta),
        }
    }

    /// Whether both parts are at most those of a cap.
    #[must_use]
    pub fn within(self, cap: Self) -> bool {
        self.nano_rho <= cap.nano_rho && self.atto_delta <= cap.atto_delta
    }

    /// Whether it can be a cap.
    #[must_use]
    pub(super) fn sane(self) -> bool {
        self.nano_rho <= NANO_RHO_MAX && self.atto_delta <= ATTO_DELTA_MAX
    }
}

/// A fixed-point number without trailing zeros.
fn decimal(f: &mut fmt::Formatter<'_>, units: u64, one: u64, digits: usize) -> fmt::Result {
    let (whole, rest) = (units / one, units % one);
    let rest = format!("{rest:0digits$}");
    match rest.trim_end_matches('0') {
        "" => write!(f, "{whole}"),
        rest => write!(f, "{whole}.{rest}"),
    }
}

impl fmt::Display for Loss {
    /// `rho 0.0025, delta 0.000000000000001`, exactly.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rho ")?;
        decimal(f, self.nano_rho, 1_000_000_000, 9)?;
        if self.atto_delta > 0 {
            f.write_str(", delta ")?;
            decimal(f, self.atto_delta, 1_000_000_000_000_000_000, 18)?;
        }
        Ok(())
    }
}

/// An account holds too little for a price. It says nothing about data: balances and prices come from
/// requests alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the account of {} has {left} left and this costs {price}; ask a coarser question, or the controller for more", .account.words())]
pub struct OverBudget {
    /// Which.
    pub account: Account,
    /// What is left of it.
    pub left: Loss,
    /// What was to be reserved.
    pub price: Loss,
}
