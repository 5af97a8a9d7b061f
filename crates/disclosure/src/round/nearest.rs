//! Rounding of single numbers.

/// To the nearest multiple of `base` (a positive number of people); halves go up. Easily unpicked
/// where margins are rounded from true values too (SDC handbook 5.4); zero stays zero.
pub fn nearest(value: u64, base: u64) -> u64 {
    let base = base.max(1);
    let below = value - value % base;
    if value % base * 2 >= base {
        below.saturating_add(base)
    } else {
        below
    }
}

/// OpenSAFELY's midpoint rounding, for base 6: 1 to 6 become 3, 7 to 12 become 9; zero stays zero.
/// In general `ceil(value / base) · base - base / 2`: an unbiased answer whose rounded value can be
/// plotted, and from which a count of one cannot be told from a count of `base`.
pub fn midpoint(value: u64, base: u64) -> u64 {
    let base = base.max(1);
    if value == 0 {
        return 0;
    }
    value
        .div_ceil(base)
        .saturating_mul(base)
        .saturating_sub(base / 2)
}

/// Unbiased random rounding to `base`: up with probability remainder over base. `share` is a uniform
/// number in 0..1; take it from the cell's key, so that the same cell is always rounded the same way.
pub fn random(value: u64, base: u64, share: f64) -> u64 {
    let base = base.max(1);
    let (below, rest) = (value - value % base, value % base);
    if share * (base as f64) < rest as f64 {
        below.saturating_add(base)
    } else {
        below
    }
}
