//! The values of one aggregate in one group, by the people who contribute them.

use disclosure::{Magnitude, TOP_MAX};

use super::{PartSpec, Who};

/// One person's values in one group.
pub(super) struct Own {
    rows: u64,
    negative: u64,
    odd: u64,
    /// Values that are neither zero nor one.
    other: u64,
    sum: f64,
    least: f64,
    most: f64,
    mode: Option<f64>,
    has_mode: bool,
}

impl Own {
    pub(super) fn new(mode: Option<f64>) -> Self {
        Self {
            mode,
            has_mode: false,
            rows: 0,
            negative: 0,
            odd: 0,
            other: 0,
            sum: 0.0,
            least: f64::INFINITY,
            most: f64::NEG_INFINITY,
        }
    }

    pub(super) fn add(&mut self, value: f64) {
        self.rows += 1;
        if !value.is_finite() {
            self.odd += 1;
            self.other += 1;
            return;
        }
        self.has_mode |= self.mode == Some(value);
        self.negative += u64::from(value < 0.0);
        self.other += u64::from(value != 0.0 && value != 1.0);
        self.sum += value.abs();
        self.least = self.least.min(value);
        self.most = self.most.max(value);
    }
}

/// A sum that keeps what rounding takes from it (Knuth's two-sum), so that it is the same in whatever order the
/// people come.
#[derive(Default)]
struct Sum {
    high: f64,
    low: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        let sum = self.high + value;
        let part = sum - self.high;
        self.low += (self.high - (sum - part)) + (value - part);
        self.high = sum;
    }
}

/// The values of one aggregate in one group.
pub(super) struct PartAcc {
    people: u64,
    rows: u64,
    unnamed: u64,
    negative: u64,
    odd: u64,
    active: u64,
    other: u64,
    total: Sum,
    top: Vec<f64>,
    /// Smallest and largest value, and the people who have it.
    least: (f64, u64),
    most: (f64, u64),
    /// Smallest and largest contribution.
    contributions: (f64, f64),
    below: u64,
    above: u64,
    /// Whether the part that is taken away reaches beyond.
    pub(super) crosses: bool,
}

impl PartAcc {
    pub(super) fn new() -> Self {
        Self {
            people: 0,
            rows: 0,
            unnamed: 0,
            negative: 0,
            odd: 0,
            active: 0,
            other: 0,
            total: Sum::default(),
            top: Vec::new(),
            least: (f64::INFINITY, 0),
            most: (f64::NEG_INFINITY, 0),
            contributions: (f64::INFINITY, f64::NEG_INFINITY),
            below: 0,
            above: 0,
            crosses: false,
        }
    }

    pub(super) fn person(&mut self, own: &Own, who: Who, quantile: Option<f64>) {
        if own.rows == 0 {
            return;
        }
        let named = u64::from(who == Who::Named);
        self.people += named;
        self.rows += own.rows;
        self.unnamed += own.rows * (1 - named);
        self.negative += own.negative;
        self.odd += own.odd;
        self.active += named & u64::from(own.sum > 0.0);
        self.other += own.other;
        self.total.add(own.sum);
        self.rank(own.sum);
        self.contributions.0 = self.contributions.0.min(own.sum);
        self.contributions.1 = self.contributions.1.max(own.sum);
        if own.least < self.least.0 {
            self.least = (own.least, 0);
        }
        if own.most > self.most.0 {
            self.most = (own.most, 0);
        }
        self.least.1 += named & u64::from(own.least <= self.least.0);
        self.most.1 += named & u64::from(own.most >= self.most.0);
        self.below += named & u64::from(own.has_mode);
        if let Some(quantile) = quantile {
            self.below += named & u64::from(own.least <= quantile);
            self.above += named & u64::from(own.most >= quantile);
        }
    }

    /// Takes a contribution among the largest, if it is one.
    fn rank(&mut self, sum: f64) {
        if self.top.len() == TOP_MAX && self.top.last().is_some_and(|least| *least >= sum) {
            return;
        }
        let place = self.top.partition_point(|one| *one >= sum);
        self.top.insert(place, sum);
        self.top.truncate(TOP_MAX);
    }

    /// Adds what other people contribute.
    pub(super) fn merge(&mut self, other: &Self) {
        self.people += other.people;
        self.rows += other.rows;
        self.unnamed += other.unnamed;
        self.negative += other.negative;
        self.odd += other.odd;
        self.active += other.active;
        self.other += other.other;
        self.total.add(other.total.high);
        self.total.add(other.total.low);
        self.below += other.below;
        self.above += other.above;
        self.crosses |= other.crosses;
        for sum in &other.top {
            self.rank(*sum);
        }
        let (fewest, largest) = other.contributions;
        self.contributions.0 = self.contributions.0.min(fewest);
        self.contributions.1 = self.contributions.1.max(largest);
        if other.least.0 < self.least.0 {
            self.least = (other.least.0, 0);
        }
        if other.most.0 > self.most.0 {
            self.most = (other.most.0, 0);
        }
        self.least.1 += if other.least.0 <= self.least.0 {
            other.least.1
        } else {
            0
        };
        self.most.1 += if other.most.0 >= self.most.0 {
            other.most.1
        } else {
            0
        };
    }

    pub(super) fn magnitude(self, part: &PartSpec) -> Magnitude {
        let (least, most) = (self.least.0, self.most.0);
        let one_value = self.rows > self.odd && least >= most;
        let (fewest, largest) = self.contributions;
        let one_contribution = part.is_total && self.people > 1 && fewest >= largest;
        let total = self.total.high + self.total.low;
        let finite = total.is_finite();
        let magnitude = Magnitude {
            people: self.people,
            rows: self.rows,
            unnamed: self.unnamed,
            negative: self.negative,
            odd: if finite { self.odd } else { self.rows },
            active: self.active,
            flags: self.rows > 0 && self.other == 0,
            total: if finite { total } else { 0.0 },
            top: if finite { self.top } else { Vec::new() },
            same: one_value || one_contribution,
            least: self.least.1,
            most: self.most.1,
            below: self.below,
            above: self.above,
        };
        match self.crosses {
            true => nothing(),
            false => magnitude,
        }
    }
}

/// No values at all.
fn nothing() -> Magnitude {
    Magnitude {
        people: 0,
        rows: 0,
        unnamed: 0,
        negative: 0,
        odd: 0,
        active: 0,
        flags: false,
        total: 0.0,
        top: Vec::new(),
        same: false,
        least: 0,
        most: 0,
        below: 0,
        above: 0,
    }
}
