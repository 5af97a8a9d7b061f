//! A measure of spread with its margins as one problem.
//!
//! Spreads do not add up, but what is behind them does: around the mean `M` of everybody, a group of `n` values
//! with mean `m` and standard deviation `s` adds `(n - 1)·s² + n·(m - M)²` to each of its margins (the parts
//! within and between of an analysis of variance). A reader who knows counts and means can therefore subtract.

use std::collections::BTreeSet;

use super::totals::{self, Column, Sum};
use super::{At, Problem, Unsafe, of_kind};
use crate::Datum;
use crate::evidence::{Evidence, Kind, Magnitude};
use crate::suppress::{Bounds, Levels};

/// The spreads that a reader can take apart, those of the same values in several tables together.
///
/// That takes the means of the groups. They are known where a table shows totals or means, and where a cell is
/// unsafe though its mean is not (nine degrees of freedom of ten people, say): another output may show that. In
/// all other cases the mean of an unsafe group is hidden in every output, and hiding the spread is enough.
pub(super) fn that_add_up(found: &Unsafe<'_>) -> Vec<Vec<Column>> {
    let mut spreads = found.columns(Kind::Spread);
    spreads.retain(|columns| columns.iter().any(|column| adds_up(found, *column)));
    // Of one table each shows its own number of the values.
    if !found.is_linked() {
        let alone = spreads.into_iter().flatten();
        let alone = alone.filter(|column| adds_up(found, *column));
        return alone.map(|column| vec![column]).collect();
    }
    spreads
}

/// The correlations and lines that a reader can take apart: the sums of products behind them are not in the evidence.
pub(super) fn of_products(found: &Unsafe<'_>) -> BTreeSet<Column> {
    let columns = found.columns(Kind::Relation).into_iter().flatten();
    let all: BTreeSet<Column> = columns.collect();
    match all.iter().any(|column| adds_up(found, *column)) {
        true => all,
        false => BTreeSet::new(),
    }
}

/// Whether a column has an unsafe cell that its margins could give back.
fn adds_up(found: &Unsafe<'_>, (table, measure): Column) -> bool {
    let mut unsafe_groups = found.cells.iter();
    unsafe_groups.any(|(of, group, one)| {
        *of == table && *one == measure && can_be_taken_apart(found, (table, *group), measure)
    })
}

/// Whether a reader can know the mean of a group: from these tables, or from another output, which hides it where
/// few people have a value or all have the same.
fn can_be_taken_apart(found: &Unsafe<'_>, at: At, measure: usize) -> bool {
    let mut tables = found.tables.iter();
    if tables.any(|one| {
        of_kind(one.evidence, |kind| kind == Kind::Total)
            .next()
            .is_some()
    }) {
        return true;
    }
    let Some(evidence) = found.evidence(at.0) else {
        return true;
    };
    let part = totals::part_of(evidence, measure, Kind::Spread);
    let group = evidence.groups.get(at.1);
    let values = part.and_then(|part| group?.magnitudes.get(part));
    let behind = group.and_then(|group| group.behind.get(measure));
    let few = behind.is_some_and(|behind| behind.people < found.policy.minimum());
    !few && !values.is_some_and(|values| values.same)
}

/// What the column shows of the sum of squared deviations.
#[derive(Clone, Copy)]
enum Way {
    SampleDeviation,
    SampleVariance,
    Deviation,
    Variance,
    /// The standard error of the mean.
    Error,
}

const WAYS: [Way; 5] = [
    Way::SampleDeviation,
    Way::SampleVariance,
    Way::Deviation,
    Way::Variance,
    Way::Error,
];

impl Way {
    fn squares(self, shown: f64, n: f64) -> f64 {
        match self {
            Self::SampleDeviation => shown * shown * (n - 1.0),
            Self::SampleVariance => shown * (n - 1.0),
            Self::Deviation => shown * shown * n,
            Self::Variance => shown * n,
            Self::Error => shown * shown * n * n,
        }
    }
}

/// The problem of one spread. Which it is shows by adding up; `None` where it does not in any way, or two tables
/// show it in two.
pub(super) fn problem(
    found: &Unsafe<'_>,
    columns: &[Column],
    hidden: &BTreeSet<At>,
) -> Option<Problem> {
    let (table, measure) = *columns.first()?;
    let evidence = found.evidence(table)?;
    let mean = mean_of_all(evidence, totals::part_of(evidence, measure, Kind::Spread)?)?;
    let share = found.policy.p_percent().unwrap_or(totals::SHARE);
    WAYS.into_iter().find_map(|way| {
        totals::posed(found, columns, hidden, |at, measure| {
            let evidence = found.evidence(at.0)?;
            let part = totals::part_of(evidence, measure, Kind::Spread)?;
            let values = evidence.groups.get(at.1)?.magnitudes.get(part)?;
            let shown = found.shown((at.0, at.1, measure))?;
            let sum = sum(way, shown, values, mean, share)?;
            Some(Sum {
                levels: sum
                    .levels
                    .filter(|_| can_be_taken_apart(found, at, measure)),
                ..sum
            })
        })
    })
}

/// The mean of all values; `None` where there are none. The groups of every set are all rows.
fn mean_of_all(evidence: &Evidence, part: usize) -> Option<f64> {
    let groups = evidence.groups.iter().filter(|group| group.set == 0);
    let (mut n, mut total) = (0.0, 0.0);
    for group in groups {
        let values = group.magnitudes.get(part)?;
        n += values.rows as f64;
        total += values.total;
    }
    (n > 0.0).then(|| total / n)
}

/// What a group adds. `None` for values that are negative or no finite numbers: of these the evidence has no sum.
fn sum(way: Way, shown: &Datum, values: &Magnitude, mean: f64, share: f64) -> Option<Sum> {
    if values.negative > 0 || values.odd > 0 {
        return None;
    }
    let n = values.rows as f64;
    let between = match values.rows {
        0 => 0.0,
        _ => n * (values.total / n - mean).powi(2),
    };
    // One value does not differ from itself, and everybody knows.
    if *shown == Datum::Missing || values.rows < 2 {
        let known = Bounds {
            lower: between,
            upper: between,
        };
        return Some(Sum {
            value: between,
            bounds: known,
            levels: None,
        });
    }
    let within = way.squares(shown.text()?.parse().ok()?, n);
    // Identical values must not be known to be: they could be as far apart as they are from nothing.
    let level = match within > 0.0 {
        true => share * within,
        false => share * n * mean.powi(2),
    };
    (within.is_finite() && within >= 0.0).then_some(Sum {
        value: within + between,
        bounds: Bounds {
            lower: between,
            upper: f64::INFINITY,
        },
        levels: Some(Levels {
            lower: share * within,
            upper: level,
            sliding: 0.0,
        }),
    })
}
