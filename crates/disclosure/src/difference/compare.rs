//! A new table against everything released before.

use super::bounds::bounded;
use super::close::{Close, close};
use super::cut::{Cut, cuts};
use super::release::{Release, Treatment, overlap};
use super::space::{ATOMS_MAX, Determined, System, TOGETHER_MAX};
use super::words::{cell_words, group_words};

/// In which way people are isolated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isolated {
    /// Released numbers add up to the number (or the sum) of these people, exactly.
    Exactly,
    /// Rounded numbers leave no more than a few people, and not nobody.
    Within,
    /// Because nobody is counted less than once, there are few of them.
    Bounded,
    /// A cell differs from an earlier one by few people each way: not their number, but the
    /// difference of their sums follows.
    Near,
    /// The same people counted again with fresh noise: averaging takes the noise away.
    Again,
}

/// One cell with its sign in a combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// The earlier table, by its place in what was compared; `None` for the new one.
    pub earlier: Option<usize>,
    /// The cell's index in its table.
    pub cell: usize,
    /// Its factor.
    pub factor: i64,
}

/// The arithmetic: the sum of factor times cell, over the divisor, counts the isolated people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Cells with their factors.
    pub terms: Vec<Term>,
    /// What the sum is divided by.
    pub divisor: i64,
}

/// People whom the new table isolates.
#[derive(Debug, Clone, PartialEq)]
pub struct Isolation {
    /// In which way.
    pub how: Isolated,
    /// How many people.
    pub people: u32,
    /// Cells of the new table that take part, by index, ascending.
    pub cells: Vec<usize>,
    /// Earlier tables that take part, by their place in what was compared.
    pub earlier: Vec<usize>,
    /// The arithmetic.
    pub proof: Proof,
    /// Who they are, in the words of the tables' cells.
    pub group: String,
    /// For the output checker: what isolates whom. It holds a number of few people.
    pub sentence: String,
    /// What would help, for the researcher too.
    pub fix: String,
}

/// A comparison in progress: earlier tables are shown to it one at a time, so that they need not be
/// in memory together.
pub struct Comparison<'n> {
    pub(super) new: &'n Release,
    minimum: u32,
    new_layers: Vec<Vec<u16>>,
    found: Vec<Isolation>,
    close: Vec<Close>,
    /// Those that cut the people up most like the new one: pairs of cells with people, place, table.
    related: Vec<(usize, usize, Release)>,
    compared: usize,
    /// Words of every table that took part, by its place.
    pub(super) names: Vec<String>,
}

/// Compares a new table with all earlier ones of the same measure.
pub fn compare(new: &Release, earlier: &[Release], minimum: u32) -> Vec<Isolation> {
    let mut comparison = Comparison::new(new, minimum);
    for release in earlier {
        comparison.add(release);
    }
    comparison.finish()
}

impl<'n> Comparison<'n> {
    /// Begins. A group of fewer than `minimum` people, and more than none, is isolated.
    pub fn new(new: &'n Release, minimum: u32) -> Self {
        Self {
            new,
            minimum,
            new_layers: new.layers(),
            found: Vec::new(),
            close: Vec::new(),
            related: Vec::new(),
            compared: 0,
            names: Vec::new(),
        }
    }

    /// Compares with one earlier table; its place is the number of tables shown before it.
    pub fn add(&mut self, old: &Release) {
        let place = self.compared;
        self.compared += 1;
        let about = &old.about;
        self.names.push(if about.date.is_empty() {
            about.name.clone()
        } else {
            format!("{} of {}", about.name, about.date)
        });
        // The same numbers of the same people say nothing that the earlier table does not.
        if about.measure != self.new.about.measure || self.new.is_same_table(old) {
            return;
        }
        let overlaps = overlap(self.new, old);
        if self.new.about.treatment == Treatment::Noise || about.treatment == Treatment::Noise {
            self.again(place, old, &overlaps);
            return;
        }
        if self.new.is_exact() && old.is_exact() {
            let tables = (self.new, old);
            self.close
                .extend(close(tables, place, &overlaps, self.minimum));
        }
        let old_layers = old.layers();
        for new_layer in 0..self.new_layers.len() {
            for old_layer in &old_layers {
                self.pair(place, old, new_layer, old_layer, &overlaps);
            }
        }
        self.keep(place, old, overlaps.len());
    }

    /// The pairs of cells that were found close so far: exact numbers of nearly the same people.
    pub fn close(&self) -> &[Close] {
        &self.close
    }

    /// The result: exact isolation first, fewest people first.
    pub fn finish(mut self) -> Vec<Isolation> {
        self.together();
        let rank = |i: &Isolation| (i.how, i.people, i.cells.clone(), i.earlier.clone());
        self.found.sort_by_key(rank);
        self.found
            .dedup_by(|a, b| a.how == b.how && a.proof == b.proof);
        self.found
    }

    /// One layer of the new table against one of an earlier one.
    fn pair(
        &mut self,
        place: usize,
        old: &Release,
        new_layer: usize,
        old_layer: &[u16],
        overlaps: &[(u16, u16, u32)],
    ) {
        let Some(new_layer) = self.new_layers.get(new_layer).cloned() else {
            return;
        };
        let new_layer = new_layer.as_slice();
        let at = |layer: &[u16], label: u16| layer.get(usize::from(label)).copied().unwrap_or(0);
        let mut joint: Vec<(u16, u16, u32)> = overlaps
            .iter()
            .map(|(a, b, n)| (at(new_layer, *a), at(old_layer, *b), *n))
            .collect();
        joint.sort_unstable();
        joint.dedup_by(|next, kept| {
            let is_same = (next.0, next.1) == (kept.0, kept.1);
            if is_same {
                kept.2 += next.2;
            }
            is_same
        });
        if !joint
            .iter()
            .any(|(a, b, n)| *n < self.minimum && (*a, *b) != (0, 0))
        {
            return;
        }
        let cuts = cuts(&joint, self.minimum);
        for cut in cuts {
            let inside = overlaps.iter().filter(|(a, b, _)| {
                let cells = (at(new_layer, *a), at(old_layer, *b));
                cut.group.contains(&cells)
            });
            let labels: Vec<(u16, u32)> = inside.map(|(_, b, n)| (*b, *n)).collect();
            if !was_known(old, overlaps, &labels) {
                self.cut(place, old, &cut);
            }
        }
        self.near(place, old, &joint);
    }

    fn cut(&mut self, place: usize, old: &Release, cut: &Cut) {
        let sign = if cut.is_new_less_old { 1 } else { -1 };
        let mut terms: Vec<Term> = cut.new.iter().map(|cell| term(None, *cell, sign)).collect();
        terms.extend(cut.old.iter().map(|cell| term(Some(place), *cell, -sign)));
        if cut.new.is_empty() {
            // A sum of earlier cells alone is no news.
            return;
        }
        let group: Vec<String> = cut
            .group
            .iter()
            .map(|(new, old_cell)| {
                let in_new = cell_words(self.new, *new);
                let in_old = cell_words(old, *old_cell);
                match (in_new, in_old) {
                    (Some(new), Some(old)) => format!("{new} here and {old} there"),
                    (Some(new), None) => format!("{new} here and not counted there"),
                    (None, Some(old)) => format!("{old} there and not counted here"),
                    (None, None) => String::new(),
                }
            })
            .collect();
        let proof = Proof { terms, divisor: 1 };
        let tables = [(place, old)];
        let Some(how) = self.how(&proof, cut.people, &tables) else {
            return;
        };
        self.push(how, cut.people, proof, group.join("; "));
    }

    /// Whether a combination isolates although values were rounded.
    fn how(&self, proof: &Proof, people: u32, tables: &[(usize, &Release)]) -> Option<Isolated> {
        let (mut seen, mut within) = (0.0, 0.0);
        for term in &proof.terms {
            let release = match term.earlier {
                None => self.new,
                Some(place) => tables.iter().find(|(p, _)| *p == place)?.1,
            };
            let factor = term.factor as f64 / proof.divisor as f64;
            seen += factor * release.cells.get(term.cell)?.value?;
            within += match release.about.treatment {
                Treatment::Exact => 0.0,
                Treatment::Within(distance) => factor.abs() * distance,
                Treatment::Noise => return None,
            };
        }
        if within == 0.0 {
            return Some(Isolated::Exactly);
        }
        let (least, most) = (seen - within, seen + within);
        let is_count = self.new.about.measure == "people";
        let is_known = if is_count {
            least > 0.0 && most < f64::from(self.minimum)
        } else {
            people > 0 && (least > 0.0 || most < 0.0)
        };
        is_known.then_some(Isolated::Within)
    }

    /// Cells that are nearly a cell of an earlier table.
    fn near(&mut self, place: usize, old: &Release, joint: &[(u16, u16, u32)]) {
        if !self.new.is_exact() || !old.is_exact() {
            return;
        }
        let mut near = Vec::new();
        for &(a, b, shared) in joint.iter().filter(|(a, b, _)| *a > 0 && *b > 0) {
            let (Some(new), Some(past)) = (
                self.new.cells.get(usize::from(a) - 1),
                old.cells.get(usize::from(b) - 1),
            ) else {
                continue;
            };
            let (more, fewer) = (
                new.people.saturating_sub(shared),
                past.people.saturating_sub(shared),
            );
            let few = 1..self.minimum;
            if few.contains(&more) && few.contains(&fewer) && shared >= self.minimum {
                near.push((a, b, more, fewer, new.key.clone(), past.key.clone()));
            }
        }
        for (a, b, more, fewer, new, past) in near {
            let proof = Proof {
                terms: vec![term(None, a, 1), term(Some(place), b, -1)],
                divisor: 1,
            };
            let group = format!(
                "{} people in {new} here and not in {past} there, {} the other way round",
                more, fewer
            );
            self.push(Isolated::Near, more + fewer, proof, group);
        }
    }

    /// The same people under fresh noise.
    fn again(&mut self, place: usize, old: &Release, overlaps: &[(u16, u16, u32)]) {
        if self.new.about.treatment != Treatment::Noise || old.about.treatment != Treatment::Noise {
            return;
        }
        let mut shared: std::collections::BTreeMap<(u16, u16), u32> =
            std::collections::BTreeMap::new();
        for &(a, b, people) in overlaps {
            for new in self.new.shown_within(usize::from(a)) {
                for past in old.shown_within(usize::from(b)) {
                    *shared.entry((new, past)).or_default() += people;
                }
            }
        }
        for ((new, past), people) in shared {
            let (Some(a), Some(b)) = (
                self.new.cells.get(usize::from(new)),
                old.cells.get(usize::from(past)),
            ) else {
                continue;
            };
            if a.people == people && b.people == people && a.value != b.value {
                let group = a.key.clone();
                let proof = Proof {
                    terms: vec![term(None, new + 1, 1), term(Some(place), past + 1, 1)],
                    divisor: 2,
                };
                self.push(Isolated::Again, people, proof, group);
            }
        }
    }

    /// Keeps the tables that make the fewest atoms together with the new one.
    fn keep(&mut self, place: usize, old: &Release, pairs: usize) {
        if pairs > ATOMS_MAX {
            return;
        }
        self.related.push((pairs, place, old.clone()));
        self.related
            .sort_by_key(|(pairs, place, _)| (*pairs, *place));
        self.related.truncate(TOGETHER_MAX);
    }

    /// What follows from several earlier tables.
    fn together(&mut self) {
        let related = std::mem::take(&mut self.related);
        let tables: Vec<&Release> = std::iter::once(self.new)
            .chain(related.iter().map(|(_, _, release)| release))
            .collect();
        let Some(system) = System::new(&tables) else {
            return;
        };
        let by_place: Vec<(usize, &Release)> =
            related.iter().map(|(_, place, r)| (*place, r)).collect();
        let (groups, _) = system.small_groups(self.minimum);
        let mut known: Vec<usize> = Vec::new();
        for group in groups {
            known.extend(&group.atoms);
            let mut proof = proof(&system, &group, &by_place);
            proof.terms.sort_by_key(|t| (t.earlier, t.cell));
            let words = group_words(&system, &group.atoms, &tables);
            let is_there = self.found.iter().any(|f| f.proof.terms == proof.terms);
            if !is_there && let Some(how) = self.how(&proof, group.people, &by_place) {
                self.push(how, group.people, proof, words);
            }
        }
        let all_exact = tables.iter().all(|table| table.is_exact());
        if !all_exact || self.new.about.measure != "people" {
            return;
        }
        for bound in bounded(&system, self.minimum) {
            let Some(atom) = system
                .atoms
                .get(bound.atom)
                .filter(|_| !known.contains(&bound.atom))
            else {
                continue;
            };
            let rows = atom
                .rows
                .iter()
                .filter_map(|row| system.rows.get(*row as usize));
            let terms = rows
                .map(|&(table, cell)| term(place_of(table, &by_place), cell + 1, 1))
                .collect();
            let words = group_words(&system, &[bound.atom], &tables);
            let words = format!(
                "{words} ({:.0} to {:.0} people)",
                bound.least.ceil(),
                bound.most.floor()
            );
            self.push(
                Isolated::Bounded,
                atom.people,
                Proof { terms, divisor: 1 },
                words,
            );
        }
    }

    fn push(&mut self, how: Isolated, people: u32, mut proof: Proof, group: String) {
        proof.terms.sort_by_key(|t| (t.earlier, t.cell));
        let mut cells: Vec<usize> = proof
            .terms
            .iter()
            .filter(|t| t.earlier.is_none())
            .map(|t| t.cell)
            .collect();
        cells.sort_unstable();
        cells.dedup();
        let mut earlier: Vec<usize> = proof.terms.iter().filter_map(|t| t.earlier).collect();
        earlier.sort_unstable();
        earlier.dedup();
        let sentence = self.sentence(how, people, &proof, &earlier, &group);
        let fix = self.fix(how, &cells);
        self.found.push(Isolation {
            how,
            people,
            cells,
            earlier,
            proof,
            group,
            sentence,
            fix,
        });
    }
}

/// Whether the earlier table alone counts a group, given by its people under each of that table's
/// labels.
fn was_known(old: &Release, overlaps: &[(u16, u16, u32)], group: &[(u16, u32)]) -> bool {
    let mut inside: std::collections::BTreeMap<u16, u32> = std::collections::BTreeMap::new();
    for (label, people) in group {
        *inside.entry(*label).or_default() += people;
    }
    let all = |label: u16| -> u32 {
        let with = overlaps.iter().filter(|(_, b, _)| *b == label);
        with.map(|(_, _, n)| n).sum()
    };
    if inside
        .iter()
        .any(|(label, people)| *label == 0 || *people != all(*label))
    {
        return false;
    }
    let labels: Vec<u16> = inside.into_keys().collect();
    System::alone(old).counts(&labels)
}

/// A term; cells are numbered from one, as layers have them.
fn term(earlier: Option<usize>, cell: u16, factor: i64) -> Term {
    Term {
        earlier,
        cell: usize::from(cell).saturating_sub(1),
        factor,
    }
}

fn place_of(table: usize, by_place: &[(usize, &Release)]) -> Option<usize> {
    let number = table.checked_sub(1)?;
    by_place.get(number).map(|(place, _)| *place)
}

fn proof(system: &System, group: &Determined, by_place: &[(usize, &Release)]) -> Proof {
    let terms = group
        .terms
        .iter()
        .filter_map(|(row, factor)| {
            let &(table, cell) = system.rows.get(*row)?;
            Some(term(place_of(table, by_place), cell + 1, *factor))
        })
        .collect();
    Proof {
        terms,
        divisor: group.divisor,
    }
}
