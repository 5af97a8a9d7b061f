//! The same competition, heard among a few edges: what [`super::Contest`] would make of them among all.

use super::{Edge, Messages, Repeats, UNHEARD, WORTH_HEARING, free, numbered, pass};

/// True if an edge speaks before any odds are heard, `best` being the best odds of either of its records.
pub(crate) fn speaks(edge: &Edge, best: (f64, f64)) -> bool {
    edge.odds >= UNHEARD * best.0.max(best.1)
}

/// True if an edge speaks for the odds that were heard of it.
pub(crate) fn speaks_again(heard: f64) -> bool {
    heard >= WORTH_HEARING
}

/// True if no partner excludes another, so that nothing is to be heard.
pub(crate) fn nobody_competes(repeats: Repeats) -> bool {
    repeats.left >= 1.0 && repeats.right >= 1.0
}

/// The odds of an edge that does not speak, its records being told so much by those that do.
pub(crate) fn unspoken(edge: &Edge, told: (f64, f64), repeats: Repeats) -> f64 {
    let left = free(told.0, repeats.left);
    edge.odds * left * free(told.1, repeats.right)
}

/// What was heard in a group.
pub(crate) struct Spoken {
    /// By edge, its odds with the alternatives heard.
    pub(crate) odds: Vec<f64>,
    /// Left records, and what each is told.
    pub(crate) left: Vec<(u32, f64)>,
    pub(crate) right: Vec<(u32, f64)>,
}

/// Hears all edges that speak to each other, in the order in which a contest of all edges has them.
pub(crate) fn group(edges: &[Edge], repeats: Repeats) -> Spoken {
    if let [alone] = edges {
        return Spoken {
            odds: vec![alone.odds],
            left: vec![(alone.left, alone.odds)],
            right: vec![(alone.right, alone.odds)],
        };
    }
    let (mut left, mut right) = (Side::default(), Side::default());
    let mut messages: Vec<Messages> = edges
        .iter()
        .map(|edge| Messages {
            left: left.number(edge.left),
            right: right.number(edge.right),
            odds: edge.odds,
            to_left: 1.0,
            to_right: 1.0,
        })
        .collect();
    let mut sums = (vec![0.0; edges.len()], vec![0.0; edges.len()]);
    pass(&mut messages, &mut sums, repeats);
    for message in &messages {
        left.tell(message.left, message.odds * message.to_left);
        right.tell(message.right, message.odds * message.to_right);
    }
    Spoken {
        odds: messages
            .iter()
            .map(|message| message.odds * message.to_left * message.to_right)
            .collect(),
        left: left.told,
        right: right.told,
    }
}

/// The records of one side, numbered as the edges name them.
#[derive(Default)]
struct Side {
    numbers: std::collections::BTreeMap<u32, u32>,
    told: Vec<(u32, f64)>,
}

impl Side {
    fn number(&mut self, row: u32) -> u32 {
        let mut next = self.told.len() as u32;
        let number = numbered(self.numbers.entry(row).or_insert(u32::MAX), &mut next);
        if next as usize > self.told.len() {
            self.told.push((row, 0.0));
        }
        number
    }

    fn tell(&mut self, number: u32, odds: f64) {
        if let Some((_, told)) = self.told.get_mut(number as usize) {
            *told += odds;
        }
    }
}
