//! Who lives with whom: couples, parents and children, twins, people alone, care homes.

#![allow(
    clippy::indexing_slicing,
    reason = "members index the people they were made from"
)]

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::pick::shuffle;
use super::{Draft, Sex};

/// What holds a household together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One or two adults and any children; one surname, as a rule.
    Family,
    /// Adults who are twins.
    Twins,
    /// Many old people of many surnames.
    CareHome,
}

/// A household; the adults come first.
pub(crate) struct Household {
    pub(crate) kind: Kind,
    pub(crate) adults: Vec<usize>,
    pub(crate) children: Vec<usize>,
}

const ADULT: u8 = 18;

/// One in so many adults, and children, begins a pair of twins.
const ADULTS_PER_TWINS: usize = 150;
const CHILDREN_PER_TWINS: usize = 60;

/// Puts everybody into a household, and notes it on each.
pub(crate) fn form(drafts: &mut [Draft], rng: &mut ChaCha8Rng) -> Vec<Household> {
    let mut pool = Pool::new(drafts, rng);
    let mut households = pool.adult_twins(drafts);
    pool.child_twins(drafts);
    households.extend(pool.care_homes(drafts, rng));
    let mut order: Vec<usize> = (0..drafts.len())
        .filter(|who| drafts[*who].age >= ADULT)
        .collect();
    shuffle(&mut order, rng);
    for who in order {
        if pool.placed[who] {
            continue;
        }
        pool.placed[who] = true;
        let mut adults = vec![who];
        let (age, sex) = (drafts[who].age, drafts[who].sex);
        if rng.random_bool(0.6) {
            adults.extend(pool.partner(age, sex, rng));
        }
        let mut children = Vec::new();
        if (20..=62).contains(&age) {
            // As many as the pyramid holds find a home this way.
            for _ in 0..rng.random_range(0..=3) {
                children.extend(pool.children_of(age, rng));
            }
        }
        households.push(Household {
            kind: Kind::Family,
            adults,
            children,
        });
    }
    // Children for whom no adult was left, as when all hints are of children, keep house together.
    let alone: Vec<Vec<usize>> = pool.children.iter_mut().flat_map(std::mem::take).collect();
    households.extend(alone.into_iter().map(|children| Household {
        kind: Kind::Family,
        adults: Vec::new(),
        children,
    }));
    for (number, household) in (0_u32..).zip(&households) {
        for who in household.adults.iter().chain(&household.children) {
            drafts[*who].household = number;
        }
    }
    households
}

/// People not yet placed, by age.
struct Pool {
    placed: Vec<bool>,
    /// By sex, then age.
    adults: [Vec<Vec<usize>>; 2],
    /// By age; twins stay together.
    children: Vec<Vec<Vec<usize>>>,
}

impl Pool {
    fn new(drafts: &[Draft], rng: &mut ChaCha8Rng) -> Self {
        let mut order: Vec<usize> = (0..drafts.len()).collect();
        shuffle(&mut order, rng);
        let mut adults = [vec![Vec::new(); 256], vec![Vec::new(); 256]];
        let mut children = vec![Vec::new(); usize::from(ADULT)];
        for who in order {
            let draft = &drafts[who];
            if draft.age >= ADULT {
                adults[place(draft.sex)][usize::from(draft.age)].push(who);
            } else {
                children[usize::from(draft.age)].push(vec![who]);
            }
        }
        Self {
            placed: vec![false; drafts.len()],
            adults,
            children,
        }
    }

    /// Pairs of adults of one age and sex become twins who live together.
    fn adult_twins(&mut self, drafts: &mut [Draft]) -> Vec<Household> {
        let mut households = Vec::new();
        let mut owed = 0;
        for bucket in self.adults.iter_mut().flatten() {
            owed += bucket.len();
            while owed >= ADULTS_PER_TWINS && bucket.len() >= 2 {
                owed -= ADULTS_PER_TWINS;
                if let (Some(first), Some(second)) = (bucket.pop(), bucket.pop()) {
                    make_twins(drafts, first, second);
                    self.placed[first] = true;
                    self.placed[second] = true;
                    households.push(Household {
                        kind: Kind::Twins,
                        adults: vec![first, second],
                        children: Vec::new(),
                    });
                }
            }
        }
        households
    }

    fn child_twins(&mut self, drafts: &mut [Draft]) {
        let mut owed = 0;
        for bucket in &mut self.children {
            owed += bucket.len();
            let mut pair = 0;
            // Those at the front are twins already; the last is still by itself.
            while owed >= CHILDREN_PER_TWINS && bucket.len() >= pair + 2 {
                owed -= CHILDREN_PER_TWINS;
                if let Some(second) = bucket.pop()
                    && let Some(first) = bucket.get_mut(pair)
                {
                    make_twins(drafts, first[0], second[0]);
                    first.extend(second);
                }
                pair += 1;
            }
        }
    }

    /// One in seven of those over 80, fifteen to a home.
    fn care_homes(&mut self, drafts: &[Draft], rng: &mut ChaCha8Rng) -> Vec<Household> {
        let old: Vec<usize> = (0..drafts.len())
            .filter(|who| drafts[*who].age > 80 && !self.placed[*who])
            .filter(|_| rng.random_bool(1.0 / 7.0))
            .collect();
        for who in &old {
            self.placed[*who] = true;
        }
        old.chunks(15)
            .map(|adults| Household {
                kind: Kind::CareHome,
                adults: adults.to_vec(),
                children: Vec::new(),
            })
            .collect()
    }

    /// An adult of the other sex (nineteen times of twenty) and nearly the same age.
    fn partner(&mut self, age: u8, sex: Sex, rng: &mut ChaCha8Rng) -> Option<usize> {
        let other = if rng.random_bool(0.95) {
            1 - place(sex)
        } else {
            place(sex)
        };
        for gap in [0_i16, 1, -1, 2, -2, 3, -3, 5, -5, 8, -8] {
            let Ok(wanted) = usize::try_from(i16::from(age) + gap) else {
                continue;
            };
            while let Some(who) = self.adults[other].get_mut(wanted).and_then(Vec::pop) {
                if !self.placed[who] {
                    self.placed[who] = true;
                    return Some(who);
                }
            }
        }
        None
    }

    /// A child, or twins, that somebody of the age may have.
    fn children_of(&mut self, age: u8, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let oldest = age.saturating_sub(18).min(ADULT - 1);
        let youngest = age.saturating_sub(45).min(oldest);
        let start = rng.random_range(youngest..=oldest);
        for step in 0..=(oldest - youngest) {
            let wanted = youngest + (start - youngest + step) % (oldest - youngest + 1);
            if let Some(children) = self.children[usize::from(wanted)].pop() {
                return children;
            }
        }
        Vec::new()
    }
}

const fn place(sex: Sex) -> usize {
    match sex {
        Sex::Female => 0,
        Sex::Male => 1,
    }
}

/// The same age in whole years, so the second's hint holds for the first's birth date too.
fn make_twins(drafts: &mut [Draft], first: usize, second: usize) {
    drafts[second].date_of_birth = drafts[first].date_of_birth;
    drafts[first].twin = Some(second);
    drafts[second].twin = Some(first);
}
