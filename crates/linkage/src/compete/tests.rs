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

/// Messages among all edges, whoever they are, so many times.
fn among_all(edges: &[Edge], repeats: Repeats) -> Vec<f64> {
    let mut messages = vec![(1.0, 1.0); edges.len()];
    for _ in 0..SWEEPS {
        let before = messages.clone();
        for (at, edge) in edges.iter().enumerate() {
            let others = |same: fn(&Edge, &Edge) -> bool, of: fn(&(f64, f64)) -> f64| -> f64 {
                let rivals = edges.iter().zip(&before).enumerate();
                rivals
                    .filter(|(other, (rival, _))| *other != at && same(rival, edge))
                    .map(|(_, (rival, message))| rival.odds * of(message))
                    .sum()
            };
            let left = others(|a, b| a.left == b.left, |message| message.0);
            let right = others(|a, b| a.right == b.right, |message| message.1);
            messages[at] = (free(right, repeats.right), free(left, repeats.left));
        }
    }
    let heard = edges.iter().zip(&messages);
    heard.map(|(edge, (a, b))| edge.odds * a * b).collect()
}

fn edge(left: u32, right: u32, odds: f64) -> Edge {
    Edge {
        left,
        right,
        pattern: 0,
        rules: 0,
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
    /// Who has next to no odds beside its rivals is not heard, groups are worked out by themselves and stop when they
    /// stand still: no answer changes by more than what is not heard may take.
    #[test]
    fn messages_in_groups_say_what_messages_among_all_do(
        found in proptest::collection::btree_map((0_u32..12, 0_u32..12), -3.0_f64..7.0, 1..40),
        repeats in (0.0_f64..0.5, 0.0_f64..0.5),
    ) {
        let edges: Vec<Edge> = found
            .iter()
            .map(|((l, r), power)| edge(*l, *r, 10_f64.powf(*power)))
            .collect();
        let repeats = Repeats { left: repeats.0, right: repeats.1 };
        let mut heard = Heard::default();
        Contest::of(&edges, (12, 12)).hear(&edges, repeats, &mut heard);
        let contest = Contest::again(&edges, (12, 12), &heard.odds);
        contest.hear(&edges, repeats, &mut heard);
        let p = |odds: f64| odds / (1.0 + odds);
        for (fast, slow) in heard.odds.iter().zip(among_all(&edges, repeats)) {
            prop_assert!((p(*fast) - p(slow)).abs() < 0.02, "{fast} {slow}");
        }
    }

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
