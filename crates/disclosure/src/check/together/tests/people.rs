//! Statements over a few people, as the engine would have counted them.

use std::collections::BTreeMap;

use crate::check::Traced;
use crate::evidence::{
    Atom, Behind, Class, Column, CountLevel, Counted, Group, Kind, Lineage, Magnitude, Part, Role,
    Visible, Whole,
};
use crate::{Datum, Evidence};

/// One of the people: three keys, of which the band is told by the level, whether ill, and a cost.
#[derive(Clone, Copy)]
pub(super) struct Person {
    pub(super) k: usize,
    pub(super) level: usize,
    pub(super) m: usize,
    pub(super) is_ill: bool,
    pub(super) cost: u64,
}

pub(super) const KEYS: [&str; 4] = ["k", "level", "m", "band"];

impl Person {
    pub(super) fn key(&self, name: &str) -> usize {
        match name {
            "k" => self.k,
            "level" => self.level,
            "m" => self.m,
            "band" => self.level / 2,
            other => panic!("{other}"),
        }
    }
}

/// A statement: its keys, whether it has all margins, and its columns.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) keys: Vec<&'static str>,
    pub(super) is_cube: bool,
    pub(super) columns: Vec<&'static str>,
}

impl Asked {
    /// The columns that are counts.
    fn counted(&self) -> Vec<&'static str> {
        let columns = self.columns.iter().copied();
        columns.filter(|one| counts_in(one)).collect()
    }
}

/// What a column shows: whether of counts, of whom.
pub(super) fn counts_in(column: &str) -> bool {
    column != "cost" && column != "mean"
}

pub(super) fn table(people: &[Person], asked: &Asked) -> Traced {
    let mut evidence = Evidence::untraceable("s", "");
    evidence.class = Class::Table;
    evidence.keys = asked.keys.iter().map(|key| (*key).to_owned()).collect();
    let all: Vec<u16> = (0..).take(asked.keys.len()).collect();
    evidence.sets = match asked.is_cube {
        false => vec![all],
        true => (0..1_u16 << all.len())
            .map(|of| {
                all.iter()
                    .copied()
                    .filter(|key| of >> key & 1 == 0)
                    .collect()
            })
            .collect(),
    };
    let column = |name: &str, role| Column {
        name: name.to_owned(),
        role,
        across: false,
    };
    let keys = (0..).zip(&asked.keys);
    evidence.columns = keys
        .map(|(place, key)| column(key, Role::Key(place)))
        .collect();
    for name in &asked.columns {
        let kind = if counts_in(name) {
            Kind::Count
        } else {
            Kind::Total
        };
        evidence.columns.push(column(name, Role::Measure(kind)));
    }
    let counted = asked.counted();
    evidence.counts = counted
        .iter()
        .map(|name| Counted {
            label: (*name).to_owned(),
            level: CountLevel::Rows,
            whole: if *name == "n" {
                Whole::Whole
            } else {
                Whole::Part
            },
        })
        .collect();
    let valued = asked
        .columns
        .iter()
        .enumerate()
        .filter(|(_, name)| !counts_in(name));
    evidence.parts = valued
        .map(|(place, name)| Part {
            measures: vec![u16::try_from(place).unwrap()],
            label: (*name).to_owned(),
            kind: Kind::Total,
            quantile: None,
        })
        .collect();
    evidence.lineage = Some(Lineage {
        rows: Lineage::digest("all"),
        keys: asked.keys.iter().map(|key| Lineage::digest(key)).collect(),
        counts: counted.iter().map(|name| Lineage::digest(name)).collect(),
        parts: evidence
            .parts
            .iter()
            .map(|_| Lineage::digest("cost"))
            .collect(),
    });
    let mut groups: BTreeMap<(u16, Vec<Datum>), Vec<u32>> = BTreeMap::new();
    for (number, person) in (0..).zip(people) {
        for (set, keys) in (0..).zip(&evidence.sets) {
            let value = |(place, name): (u16, &&str)| match keys.contains(&place) {
                true => Datum::Text(person.key(name).to_string()),
                false => Datum::Missing,
            };
            let key = (0..).zip(&asked.keys).map(value).collect();
            groups.entry((set, key)).or_default().push(number);
        }
    }
    let mut listed = Vec::new();
    for ((set, key), inside) in groups {
        let (group, lists) = group(people, asked, (set, key), &inside);
        evidence.groups.push(group);
        listed.extend(lists);
    }
    assert_eq!(evidence.validate(), Ok(()));
    Traced {
        evidence,
        people: listed,
    }
}

fn group(
    people: &[Person],
    asked: &Asked,
    (set, key): (u16, Vec<Datum>),
    inside: &[u32],
) -> (Group, Vec<Vec<u32>>) {
    let of = |number: &u32| people[*number as usize];
    let ill: Vec<u32> = inside
        .iter()
        .copied()
        .filter(|one| of(one).is_ill)
        .collect();
    let mut costs: Vec<u64> = inside.iter().map(|one| of(one).cost).collect();
    costs.sort_unstable_by(|a, b| b.cmp(a));
    let all = inside.len() as u64;
    let total = costs.iter().sum::<u64>() as f64;
    let mut values = key.clone();
    let (mut behind, mut lists) = (Vec::new(), Vec::new());
    for column in &asked.columns {
        let (value, who) = match *column {
            "n" => (all.to_string(), inside),
            "ill" => (ill.len().to_string(), ill.as_slice()),
            "cost" => (total.to_string(), inside),
            _ => ((total / all as f64).to_string(), inside),
        };
        values.push(Datum::Number(value));
        let people = who.len() as u64;
        behind.push(Behind {
            people,
            rows: people,
        });
        lists.push(who.to_vec());
    }
    let counted = asked.counted();
    let atom = |is_ill: bool, rows: u64| {
        let bits = (0..).zip(&counted);
        let bits = bits.filter(|(_, name)| **name == "n" || is_ill);
        Atom {
            pattern: bits.map(|(bit, _)| 1 << bit).sum(),
            rows,
            people: rows,
        }
    };
    let few = ill.len() as u64;
    let atoms = [atom(true, few), atom(false, all - few)];
    let group = Group {
        key,
        set,
        visible: Visible::Shown,
        people: all,
        rows: all,
        values,
        behind,
        magnitudes: asked
            .columns
            .iter()
            .filter(|one| !counts_in(one))
            .map(|_| Magnitude {
                people: all,
                rows: all,
                unnamed: 0,
                negative: 0,
                odd: 0,
                total,
                top: costs.iter().take(10).map(|cost| *cost as f64).collect(),
                active: all,
                flags: false,
                same: false,
                least: 1,
                most: 1,
                below: 0,
                above: 0,
            })
            .collect(),
        row_atoms: match counted.len() {
            0 | 1 => Vec::new(),
            _ => atoms.into_iter().filter(|atom| atom.rows > 0).collect(),
        },
        person_atoms: Vec::new(),
    };
    (group, lists)
}
