//! The levels of each comparison, weakest first, and what is believed of them before any data are seen.

use super::Level;

const fn level(label: &'static str, m: f64, u: f64) -> Level {
    Level { label, m, u }
}

pub(super) const FORENAME: &[Level] = &[
    level("differs", 0.01, 0.93),
    level("similar", 0.01, 0.035),
    level("initial", 0.01, 0.004),
    level("typing error", 0.04, 0.004),
    level("variant", 0.04, 0.008),
    level("one word of several", 0.02, 0.002),
    level("exact", 0.86, 0.016),
    level("exchanged with surname", 0.01, 1e-6),
];
pub(super) const SURNAME: &[Level] = &[
    level("differs", 0.01, 0.95),
    level("similar", 0.01, 0.04),
    level("typing error", 0.04, 0.004),
    level("one word of several", 0.02, 0.001),
    level("exact", 0.92, 0.005),
];
pub(super) const BIRTH: &[Level] = &[
    level("differs", 0.001, 0.97596),
    level("same year", 0.002, 0.02),
    level("two parts of three", 0.014, 0.003),
    level("one edit", 0.03, 0.001),
    level("exact", 0.953, 0.00004),
];
pub(super) const SEX: &[Level] = &[level("differs", 0.01, 0.5), level("exact", 0.99, 0.5)];
pub(super) const POSTCODE: &[Level] = &[
    level("differs", 0.01, 0.97),
    level("district", 0.01, 0.02),
    level("sector", 0.01, 0.003),
    level("one edit", 0.04, 0.0004),
    level("exact", 0.93, 0.0001),
];
pub(super) const ADDRESS: &[Level] = &[
    level("differs", 0.03, 0.97),
    level("same street, another number", 0.02, 0.01),
    level("same street, no number", 0.02, 0.001),
    level("similar street, same number", 0.05, 0.0005),
    level("exact", 0.88, 0.0002),
];
pub(super) const TOWN: &[Level] = &[
    level("differs", 0.03, 0.93),
    level("similar", 0.04, 0.02),
    level("exact", 0.93, 0.05),
];
pub(super) const CHI: &[Level] = &[
    level("differs", 0.005, 0.999_9),
    level("same birth part", 0.005, 5e-5),
    level("one edit", 0.02, 9e-7),
    level("exact", 0.97, 1e-7),
];
pub(super) const NUMBER: &[Level] = &[
    level("differs", 0.01, 0.999_99),
    level("one edit", 0.02, 1e-6),
    level("exact", 0.97, 1e-7),
];
pub(super) const CONTACT: &[Level] = &[
    level("differs", 0.2, 0.999_9),
    level("similar", 0.05, 5e-5),
    level("exact", 0.75, 1e-5),
];
pub(super) const TEXT: &[Level] = &[
    level("differs", 0.1, 0.9),
    level("similar", 0.03, 0.04),
    level("one edit", 0.05, 0.01),
    level("exact", 0.82, 0.05),
];
