//! What only all candidates together tell: how many have a match, and how many partners a record has.

use crate::compete::{Contest, Edge, Heard};
use crate::fit::{self, Parameters, Setting};

/// Rounds in which share and repeats settle, the other parameters held.
const SETTLE_ROUNDS: usize = 3;

/// Settles share and repeats on all edges, and the odds under them.
pub(super) fn whole(
    edges: &mut [Edge],
    parameters: &mut Parameters,
    setting: &Setting,
) -> Vec<f64> {
    let mut heard = Heard::default();
    Contest::of(edges, setting.rows).hear(edges, parameters.repeats, &mut heard);
    let contest = Contest::again(edges, setting.rows, &heard.odds);
    contest.hear(edges, parameters.repeats, &mut heard);
    let mut probabilities = Vec::new();
    for _ in 0..SETTLE_ROUNDS {
        let before = parameters.prior_odds(setting);
        probabilities.clear();
        probabilities.extend(heard.odds.iter().map(|odds| odds / (1.0 + odds)));
        let total: f64 = probabilities.iter().sum();
        parameters.share = (total / setting.rows.0 as f64).clamp(1e-9, 1e6);
        parameters.repeats = fit::new_repeats(edges, &probabilities, setting);
        let factor = parameters.prior_odds(setting) / before;
        for edge in edges.iter_mut() {
            edge.odds *= factor;
        }
        contest.hear(edges, parameters.weights(setting), &mut heard);
    }
    heard.odds
}
