//! Acts on an indexing and on its clerical review.

use super::{Done, done};
use crate::action::Action;
use crate::indexing::Indexing;
use crate::tests::samples as s;
use crate::tests::samples::{hash, now, who};

pub(super) fn of_indexing(action: Action, indexing: &Indexing) -> Vec<Done> {
    let (at, indexing) = (now(), indexing.clone());
    let (live, complete) = (s::live(), s::complete());
    match action {
        Action::OpenReview => vec![done(indexing.open_review(s::file('6'), 3, at))],
        Action::BeginReview => {
            vec![done(indexing.begin_review(
                &live,
                &complete,
                &who("una"),
                at,
            ))]
        }
        Action::FinishReview => {
            let of = (&live, &complete);
            let (ida, ivo) = (s::all_one("ida"), s::all_one("ivo"));
            let once = indexing.clone();
            let once = done(once.finish_review(of, &ida, hash('1'), &[], at));
            vec![
                once,
                done(indexing.finish_review(of, &ivo, hash('2'), &[ida], at)),
            ]
        }
        Action::EndReview => vec![done(indexing.end_review(
            &s::in_force(),
            &who("indexer"),
            at,
        ))],
        Action::CompleteIndexing => [s::counts(), s::reviewed_counts()]
            .map(|counts| {
                let (links, map) = (s::file('4'), s::file('5'));
                done(indexing.clone().complete(links, map, counts, at))
            })
            .into(),
        Action::FailIndexing => vec![done(indexing.fail(at))],
        _ => Vec::new(),
    }
}
