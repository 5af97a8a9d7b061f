//! An output beside what was released before from the same people.
//!
//! Numbers of one [`Family`] can be subtracted from each other. Two cells whose people differ by few are a cell
//! that the reader makes: the one minus the other. Where the smaller lies within the larger their number follows
//! exactly; where a few differ on each side the difference of their sums does. Several cells, of the output and
//! of several releases, make a cell the same way: that is what [`crate::difference`] looks for.

use crate::Policy;
use crate::difference::{self, About, Comparison, Isolated, Release, ReleaseError, Treatment};
use crate::evidence::{Evidence, Kind, Visible};
use crate::report::{Finding, Key, Report, Rule, Status, Told, Verdict};

/// Of what numbers are: only numbers of one family are subtracted from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Counts of rows and people, and what is computed from counts alone.
    People,
    /// Whatever depends on values. Of which column is not told apart: a name says nothing about it.
    Values,
}

impl Family {
    const ALL: [Self; 2] = [Self::People, Self::Values];

    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Count | Kind::Share | Kind::Distinct => Self::People,
            Kind::Total
            | Kind::Spread
            | Kind::Relation
            | Kind::Quantile
            | Kind::Extreme
            | Kind::Crafted
            | Kind::Mode => Self::Values,
        }
    }

    /// [`About::measure`] of its tables.
    fn measure(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Values => "values",
        }
    }
}

/// A cell of an output: where it is and who is behind it.
#[derive(Clone, PartialEq)]
pub struct CellPeople {
    /// The group's key.
    pub key: Key,
    /// The column.
    pub column: String,
    /// What it is a number of.
    pub family: Family,
    /// Whether a reader sees its value.
    pub shown: bool,
    /// Ordinals of the people behind it.
    pub people: Vec<u32>,
}

/// The cells of one family of an output, as they would be released.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// For the register of releases.
    pub release: Release,
    /// The place of each of its cells among the cells of the output.
    places: Vec<usize>,
}

impl Outgoing {
    /// A table as a register kept it.
    pub(super) fn kept(release: Release) -> Self {
        let places = (0..release.cells().len()).collect();
        Self { release, places }
    }
}

/// The cells of an output in the order in which people are listed: each group's measures. `hidden` are cells
/// that a reader will not see.
pub fn places(evidence: &Evidence, hidden: &dyn Fn(&Key, &str) -> bool) -> Vec<CellPeople> {
    let mut cells = Vec::new();
    for group in &evidence.groups {
        let key = super::key_of(evidence, &group.key);
        for (column, kind) in evidence.measures() {
            cells.push(CellPeople {
                shown: group.visible == Visible::Shown && !hidden(&key, column),
                key: key.clone(),
                column: column.to_owned(),
                family: Family::of(kind),
                people: Vec::new(),
            });
        }
    }
    cells
}

/// A cell in words: `sex F, region R2: n`.
pub fn in_words(key: &Key, column: &str) -> String {
    let values = key.0.iter().map(|(name, value)| {
        let value = value.text().unwrap_or("missing or total");
        format!("{name} {value}")
    });
    let values: Vec<String> = values.collect();
    match values.is_empty() {
        true => column.to_owned(),
        false => format!("{}: {column}", values.join(", ")),
    }
}

/// An output as releases, one for each family that it has shown cells of. `population`: ordinals of people lie
/// below it.
///
/// # Errors
/// Past a limit of what can be compared; then it cannot be released without a person.
pub fn outgoing(
    name: &str,
    date: &str,
    cells: &[CellPeople],
    population: usize,
    policy: &Policy,
) -> Result<Vec<Outgoing>, ReleaseError> {
    let treatment = match policy.rounding() {
        None => Treatment::Exact,
        Some(base) => Treatment::Within(base as f64 / 2.0),
    };
    let mut found = Vec::new();
    for family in Family::ALL {
        // Values leave as they are where counts are rounded.
        let treatment = match family {
            Family::People => treatment,
            Family::Values => Treatment::Exact,
        };
        let of_family = |(_, cell): &(usize, &CellPeople)| cell.family == family && cell.shown;
        let (places, cells): (Vec<usize>, Vec<difference::CellPeople>) = cells
            .iter()
            .enumerate()
            .filter(of_family)
            .map(|(place, cell)| (place, released(cell, treatment)))
            .unzip();
        if cells.is_empty() {
            continue;
        }
        let about = About {
            name: name.to_owned(),
            date: date.to_owned(),
            measure: family.measure().to_owned(),
            data_version: String::new(),
            treatment,
        };
        found.push(Outgoing {
            release: Release::new(about, population, cells)?,
            places,
        });
    }
    Ok(found)
}

fn released(cell: &CellPeople, treatment: Treatment) -> difference::CellPeople {
    let people = cell.people.len() as f64;
    let value = match treatment {
        Treatment::Within(half) => (people / (2.0 * half)).round() * 2.0 * half,
        Treatment::Exact | Treatment::Noise => people,
    };
    difference::CellPeople {
        key: in_words(&cell.key, &cell.column),
        value: Some(value),
        people: cell.people.clone(),
    }
}

/// An output being compared with releases, one after the other.
pub struct Beside<'n> {
    new: Vec<(&'n Outgoing, Comparison<'n>)>,
    /// Name and date, and the words of the cells, of each release that was compared, by family.
    earlier: Vec<Vec<Words>>,
    minimum: u64,
}

/// What would help.
pub(super) const FIX: &str =
    ": ask for it over the same selection of people, or over one that is further away";

struct Words {
    name: String,
    cells: Vec<String>,
}

/// What the output gives away: how many people, at which cell of it, in a sentence.
pub(super) type Given = (u32, usize, String);

impl<'n> Beside<'n> {
    /// Begins. A group of fewer people than the policy's `differencing` minimum, or its threshold where that
    /// section is off, may not be told by subtraction.
    pub fn new(new: &'n [Outgoing], policy: &Policy) -> Self {
        let minimum = policy.differencing().unwrap_or(policy.minimum());
        let least = u32::try_from(minimum).unwrap_or(u32::MAX);
        Self {
            earlier: new.iter().map(|_| Vec::new()).collect(),
            new: new
                .iter()
                .map(|one| (one, Comparison::new(&one.release, least)))
                .collect(),
            minimum,
        }
    }

    /// Compares with one release.
    pub fn add(&mut self, old: &Release) {
        let measure = &old.about().measure;
        let families = self.new.iter_mut().zip(&mut self.earlier);
        for ((new, comparison), earlier) in families {
            if new.release.about().measure == *measure {
                comparison.add(old);
                earlier.push(Words {
                    name: format!("{} of {}", old.about().name, old.about().date),
                    cells: old.cells().iter().map(|cell| cell.key.clone()).collect(),
                });
            }
        }
    }

    /// What the output gives away: people, cell among those of the output, sentence; fewest people first.
    pub(super) fn given(self) -> Vec<Given> {
        let mut found: Vec<Given> = Vec::new();
        for ((new, comparison), earlier) in self.new.into_iter().zip(self.earlier) {
            given(new, comparison, &earlier, &mut found);
        }
        found.sort();
        found.dedup();
        found
    }

    /// Writes what the output gives away into the report. It may not leave then, and there is no treatment.
    pub fn finish(self, report: &mut Report, cells: &[CellPeople]) {
        let minimum = self.minimum;
        let found = self.given();
        let Some((_, first, sentence)) = found.first() else {
            return;
        };
        let whole = cells
            .get(*first)
            .map(|cell| in_words(&cell.key, &cell.column));
        // What was said of the treated version goes with it.
        let of_treatment = |found: &Finding| matches!(found.told, Told::Said(_));
        report.findings.retain(|found| !of_treatment(found));
        report.findings.push(differencing(format!(
            "{}: {sentence}; at least {minimum} people must differ, or none{FIX}",
            whole.unwrap_or_default()
        )));
        for (_, place, sentence) in found {
            if let Some(cell) = cells.get(place) {
                mark(report, cell, &sentence);
            }
        }
        report.verdict = Verdict::Fail;
        for output in &mut report.outputs {
            output.treated_rows.clear();
        }
    }
}

/// Writes into the report that so many earlier outputs could not be compared with: a person does that.
pub(super) fn not_with(report: &mut Report, outputs: u64) {
    report.findings.push(Finding {
        told: Told::Whole,
        ..differencing(format!(
            "of {outputs} of the outputs that left it is not on record who is behind their numbers: an output checker compares them by hand"
        ))
    });
    // A treated version stays on offer: people see it before it leaves.
    if report.verdict == Verdict::Pass {
        report.verdict = Verdict::Review;
    }
}

/// Writes into the report that an output cannot be compared: it does not leave by itself.
pub fn cannot_compare(report: &mut Report, error: &ReleaseError) {
    report.findings.push(Finding {
        told: Told::Whole,
        ..differencing(error.to_string())
    });
    report.verdict = report.verdict.max(Verdict::Review);
    for output in &mut report.outputs {
        output.treated_rows.clear();
    }
}

fn differencing(detail: String) -> Finding {
    Finding {
        rule: Rule::Differencing,
        detail,
        told: Told::Kind,
    }
}

fn given(new: &Outgoing, comparison: Comparison<'_>, earlier: &[Words], found: &mut Vec<Given>) {
    let place = |cell: usize| new.places.get(cell).copied();
    for pair in comparison.close() {
        let words = earlier.get(pair.earlier);
        let (Some(words), Some(place)) = (words, place(pair.cell)) else {
            continue;
        };
        let cell = words.cells.get(pair.old).map_or("", String::as_str);
        let sentence = format!(
            "this cell minus {cell} of {} isolates {}",
            words.name,
            said(pair.only_here, pair.only_there)
        );
        found.push((pair.only_here + pair.only_there, place, sentence));
    }
    for one in comparison.finish() {
        let adds_up = match one.how {
            Isolated::Exactly | Isolated::Within | Isolated::Bounded => true,
            // Pairs are named above, and fresh noise is not drawn here.
            Isolated::Near | Isolated::Again => false,
        };
        // One table alone was judged by itself, and one exact cell less another is a pair.
        let is_pair = one.how == Isolated::Exactly && one.proof.terms.len() < 3;
        if adds_up && !one.earlier.is_empty() && !is_pair {
            let places = one.cells.iter().filter_map(|cell| place(*cell));
            found.extend(places.map(|place| (one.people, place, one.sentence.clone())));
        }
    }
}

fn mark(report: &mut Report, cell: &CellPeople, sentence: &str) {
    let outputs = report.outputs.iter_mut();
    let reports = outputs.flat_map(|output| &mut output.cells);
    for report in reports.filter(|one| one.key == cell.key && one.column == cell.column) {
        report.status = Status::Primary;
        report.findings.push(differencing(sentence.to_owned()));
    }
}

fn said(few: u32, more: u32) -> String {
    let people = |n: u32| match n {
        1 => "1 person who is only".to_owned(),
        n => format!("{n} people who are only"),
    };
    match (few, more) {
        (few, 0) => format!("{} in this cell", people(few)),
        (0, more) => format!("{} in the other", people(more)),
        (few, more) => format!(
            "{} in this cell and {} in the other",
            people(few),
            people(more)
        ),
    }
}

#[cfg(test)]
mod tests;
