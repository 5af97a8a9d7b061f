//! Competition: what a pair's evidence is worth once the alternatives of both records have been heard.
//!
//! Every way to join records has a weight, the product of the odds of its pairs, a second partner of a record
//! weighing `repeats` times as much as a first one: 0 in a register, 1 where partners do not exclude each other.
//! The probability of a pair is its share over all ways, worked out by passing messages between records
//! (belief propagation for matchings: Bayati, Shah and Sharma 2008; exact where the candidates form a tree).

#![allow(
    clippy::indexing_slicing,
    reason = "edges name rows that the tables were made for"
)]

/// A candidate pair that could be a match.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edge {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) pattern: u32,
    /// Odds of the pair against nobody, alternatives unheard.
    pub(crate) odds: f64,
}

/// How partners of one record exclude each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Repeats {
    /// Second partners of a record of the left file.
    pub(crate) left: f64,
    /// Second partners of a record of the right file.
    pub(crate) right: f64,
}

impl Repeats {
    /// What is believed before any data are seen: a second partner is so unlikely that only pairs as strong as
    /// true repeats stand beside a first one. Were it likelier, look-alikes would be taken for repeats and the
    /// parameters learned from them.
    pub(crate) const UNKNOWN: Self = Self {
        left: 0.003,
        right: 0.003,
    };
    /// Partners do not exclude each other.
    pub(crate) const FREE: Self = Self {
        left: 1.0,
        right: 1.0,
    };
}

/// Messages are passed this often.
const SWEEPS: usize = 6;

/// The odds of each edge with the alternatives heard. Rows are under `rows` of their side.
pub(crate) fn odds(edges: &[Edge], rows: (usize, usize), repeats: Repeats) -> Vec<f64> {
    let mut heard: Vec<f64> = edges.iter().map(|edge| edge.odds).collect();
    if repeats.left >= 1.0 && repeats.right >= 1.0 {
        return heard;
    }
    let (mut contested, rows) = contested(edges, rows);
    let mut left = vec![0.0_f64; rows.0];
    let mut right = vec![0.0_f64; rows.1];
    for _ in 0..SWEEPS {
        left.fill(0.0);
        right.fill(0.0);
        for edge in &contested {
            left[edge.left as usize] += edge.odds * edge.to_left;
            right[edge.right as usize] += edge.odds * edge.to_right;
        }
        for edge in &mut contested {
            let others_left = (left[edge.left as usize] - edge.odds * edge.to_left).max(0.0);
            let others_right = (right[edge.right as usize] - edge.odds * edge.to_right).max(0.0);
            edge.to_right = free(others_left, repeats.left);
            edge.to_left = free(others_right, repeats.right);
        }
    }
    for edge in &contested {
        heard[edge.place] = edge.odds * edge.to_left * edge.to_right;
    }
    heard
}

/// An edge that has rivals, with its messages.
struct Contested {
    place: usize,
    left: u32,
    right: u32,
    odds: f64,
    to_left: f64,
    to_right: f64,
}

/// The edges that share a record with another, in their order, and how many rows of each side they have. Without
/// a rival nothing is heard, and that is most edges. Rows are numbered as they come, so that those of one family lie
/// together in memory.
fn contested(edges: &[Edge], rows: (usize, usize)) -> (Vec<Contested>, (usize, usize)) {
    let mut left = Numbers::new(edges, rows.0, |edge| edge.left);
    let mut right = Numbers::new(edges, rows.1, |edge| edge.right);
    let mut contested = Vec::new();
    for (place, edge) in edges.iter().enumerate() {
        if left.is_alone(edge.left) && right.is_alone(edge.right) {
            continue;
        }
        contested.push(Contested {
            place,
            left: left.number(edge.left),
            right: right.number(edge.right),
            odds: edge.odds,
            to_left: 1.0,
            to_right: 1.0,
        });
    }
    (contested, (left.count as usize, right.count as usize))
}

/// Rows of one side as they come.
struct Numbers {
    /// By row: [`ALONE`] or [`RIVALS`] by its edges, then its number above these.
    of_row: Vec<u32>,
    count: u32,
}

const ALONE: u32 = 1;
const RIVALS: u32 = 2;

impl Numbers {
    fn new(edges: &[Edge], rows: usize, of: fn(&Edge) -> u32) -> Self {
        let mut of_row = vec![0; rows];
        for edge in edges {
            let row = &mut of_row[of(edge) as usize];
            *row = (*row + ALONE).min(RIVALS);
        }
        Self { of_row, count: 0 }
    }

    fn is_alone(&self, row: u32) -> bool {
        self.of_row[row as usize] == ALONE
    }

    fn number(&mut self, row: u32) -> u32 {
        let number = &mut self.of_row[row as usize];
        if *number <= RIVALS {
            self.count += 1;
            *number = RIVALS + self.count;
        }
        *number - RIVALS - 1
    }
}

/// How far a record is open to one more partner, others claiming it with the given odds.
fn free(others: f64, repeats: f64) -> f64 {
    (1.0 + repeats * others) / (1.0 + others)
}

/// The repeats that probabilities of edges show: E[n(n-1)] / E[n]² over the records of each side, n being the
/// partners of a record: 0 if no record has two, 1 if partners fall like rain.
pub(crate) fn repeats(edges: &[Edge], probabilities: &[f64], rows: (usize, usize)) -> Repeats {
    let side = |rows: usize, count: f64, of: fn(&Edge) -> u32| {
        let mut sums = vec![(0.0_f64, 0.0_f64); rows];
        for (edge, p) in edges.iter().zip(probabilities) {
            let (sum, squares) = &mut sums[of(edge) as usize];
            *sum += p;
            *squares += p * p;
        }
        let total: f64 = sums.iter().map(|(sum, _)| sum).sum();
        let pairs: f64 = sums.iter().map(|(sum, squares)| sum * sum - squares).sum();
        let mean = total / count.max(1.0);
        if mean <= 0.0 {
            return 1.0;
        }
        (pairs / count.max(1.0) / (mean * mean)).clamp(1e-5, 1.0)
    };
    Repeats {
        left: side(rows.0, rows.0 as f64, |edge| edge.left),
        right: side(rows.1, rows.1 as f64, |edge| edge.right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every set of edges, one after the other.
    fn reference(edges: &[Edge], rows: (usize, usize), repeats: Repeats) -> Vec<f64> {
        let mut with = vec![0.0; edges.len()];
        let mut all = 0.0;
        for set in 0..1_u32 << edges.len() {
            let mut left = vec![0_i32; rows.0];
            let mut right = vec![0_i32; rows.1];
            let mut weight = 1.0;
            for (at, edge) in edges.iter().enumerate() {
                if set >> at & 1 == 1 {
                    weight *= edge.odds;
                    left[edge.left as usize] += 1;
                    right[edge.right as usize] += 1;
                }
            }
            for n in &left {
                weight *= repeats.left.powi((n - 1).max(0));
            }
            for n in &right {
                weight *= repeats.right.powi((n - 1).max(0));
            }
            all += weight;
            for (at, with) in with.iter_mut().enumerate() {
                if set >> at & 1 == 1 {
                    *with += weight;
                }
            }
        }
        with.iter().map(|with| with / (all - with)).collect()
    }

    fn edge(left: u32, right: u32, odds: f64) -> Edge {
        Edge {
            left,
            right,
            pattern: 0,
            odds,
        }
    }

    #[test]
    fn a_twin_yields_to_its_own_record() {
        // Two twins in each file; a third record that could be either.
        let edges = [
            edge(0, 0, 1e6),
            edge(0, 1, 5.0),
            edge(1, 1, 1e6),
            edge(1, 0, 5.0),
            edge(2, 0, 5.0),
        ];
        let one = odds(
            &edges,
            (3, 2),
            Repeats {
                left: 0.0,
                right: 0.0,
            },
        );
        assert!(one[0] > 1e5 && one[2] > 1e5);
        assert!(one[1] < 1e-3 && one[3] < 1e-3 && one[4] < 1e-3);
        let many = odds(
            &edges,
            (3, 2),
            Repeats {
                left: 0.0,
                right: 1.0,
            },
        );
        assert!(many[4] > 4.9);
    }

    #[test]
    fn repeats_are_read_off_the_links() {
        let edges = [
            edge(0, 0, 1.0),
            edge(1, 1, 1.0),
            edge(2, 2, 1.0),
            edge(3, 2, 1.0),
        ];
        let found = repeats(&edges, &[1.0; 4], (4, 3));
        assert!(found.left < 1e-4);
        // n = 1, 1, 2: E[n(n-1)] = 2/3, E[n] = 4/3.
        assert!((found.right - 0.375).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn a_star_or_a_path_is_worked_out_exactly(
            weights in proptest::collection::vec(0.01_f64..50.0, 1..6),
            path in any::<bool>(),
        ) {
            let edges: Vec<Edge> = weights.iter().enumerate().map(|(i, w)| {
                let i = i as u32;
                if path { edge(i.div_ceil(2), i / 2, *w) } else { edge(0, i, *w) }
            }).collect();
            let rows = (4, 6);
            let one = Repeats { left: 0.0, right: 0.0 };
            let fast = odds(&edges, rows, one);
            for (fast, slow) in fast.iter().zip(reference(&edges, rows, one)) {
                prop_assert!((fast / slow - 1.0).abs() < 1e-9, "{fast} {slow}");
            }
        }
    }
}
