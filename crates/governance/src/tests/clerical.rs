//! Clerical review: who may judge, what they must judge, and what is settled by whose word.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::samples as s;
use super::samples::{hash, id, live, moment, now, who};
use crate::action::Action;
use crate::delivery::SealedFile;
use crate::extract::Extract;
use crate::indexing::Indexing;
use crate::indexing::review::{
    Answers, Judgement, Match, PAIRS_MAX, REVIEWERS_MAX, Review, Said, settle,
};
use crate::{Lifecycle, Refusal};

use Judgement::{Contradicts, Moved, Namesake, SameHousehold, TooLittle, TypingError};

fn finish(indexing: Indexing, answers: &Answers, earlier: &[Answers]) -> Result<Indexing, Refusal> {
    let (live, complete) = (live(), s::complete());
    let change = indexing.finish_review((&live, &complete), answers, hash('1'), earlier, now())?;
    Ok(change.to().clone())
}

fn begun(names: &[&str]) -> Indexing {
    let unbegun = s::unbegun_review();
    names
        .iter()
        .fold(unbegun, |review, name| s::begin_review(review, name))
}

fn under(indexing: &Indexing) -> &Review {
    match indexing {
        Indexing::UnderReview { review, .. } | Indexing::Settled { review, .. } => review,
        Indexing::Ordered { .. } | Indexing::Indexed { .. } | Indexing::Failed { .. } => {
            panic!("no review")
        }
    }
}

fn why(result: Result<impl Sized, Refusal>) -> String {
    result.err().expect("refused").to_string()
}

#[test]
fn two_who_say_the_same_settle_a_review_whatever_their_reasons() {
    let first = s::answers("ida", &[(1, Moved), (2, Namesake), (3, TooLittle)]);
    let second = s::answers(
        "ivo",
        &[(1, TypingError), (2, SameHousehold), (3, Contradicts)],
    );
    let once = finish(begun(&["ida", "ivo"]), &first, &[]).unwrap();
    assert_eq!(once.state(), "under_review");
    let twice = finish(once, &second, std::slice::from_ref(&first)).unwrap();
    assert_eq!(twice.state(), "settled");
    let said = settle(under(&twice), &[first, second]);
    let decided: Vec<_> = said.iter().map(|one| one.decided).collect();
    assert_eq!(decided, [Some(true), Some(false), None]);
}

#[test]
fn a_third_judges_the_pairs_on_which_two_differ_and_no_others() {
    let first = s::answers("ida", &[(1, Moved), (2, Namesake), (3, TooLittle)]);
    let second = s::answers("ivo", &[(1, Moved), (2, Moved), (3, Namesake)]);
    let once = finish(begun(&["ida", "ivo", "una"]), &first, &[]).unwrap();
    let earlier = [first, second.clone()];
    let twice = finish(once, &second, &earlier[..1]).unwrap();
    assert_eq!(twice.state(), "under_review");
    assert_eq!(under(&twice).asked(), [2, 3].into());

    let all = s::answers("una", &[(1, Moved), (2, Moved), (3, Moved)]);
    assert!(
        finish(twice.clone(), &all, &earlier).is_err(),
        "one is not theirs"
    );
    let some = s::answers("una", &[(2, Moved)]);
    let told = why(finish(twice.clone(), &some, &earlier));
    assert_eq!(told, "1 of 2 pairs are not judged yet");
    let third = s::answers("una", &[(2, Moved), (3, TooLittle)]);
    let settled = finish(twice, &third, &earlier).unwrap();
    assert_eq!(settled.state(), "settled");
    let said = settle(under(&settled), &[earlier.to_vec(), vec![third]].concat());
    let decided: Vec<_> = said.iter().map(|one| one.decided).collect();
    assert_eq!(decided, [Some(true), Some(true), None]);
}

/// By the rule in words: two of at most three say one thing.
#[test]
fn a_pair_is_settled_by_two_of_three_in_every_case() {
    let review = Review {
        pairs: s::file('6'),
        count: 1,
        begun: [].into(),
        finished: Vec::new(),
        disputed: [].into(),
    };
    let words = [
        (Moved, Some(true)),
        (Namesake, Some(false)),
        (TooLittle, None),
    ];
    let of = |name: &str, judged: Judgement| s::answers(name, &[(1, judged)]);
    for (a, says_a) in words {
        for (b, says_b) in words {
            let unasked = says_a == says_b;
            for third in std::iter::once(None).chain(words.map(Some)) {
                let mut answers = vec![of("a", a), of("b", b)];
                answers.extend(third.map(|(judged, _)| of("c", judged)));
                let said: Vec<_> = [says_a, says_b, third.and_then(|(_, says)| says)].into();
                let most = |same| said.iter().filter(|one| **one == Some(same)).count() >= 2;
                let decided = if most(true) {
                    Some(true)
                } else {
                    most(false).then_some(false)
                };
                let expected = Said {
                    first: says_a,
                    second: says_b,
                    decided,
                };
                assert_eq!(
                    settle(&review, &answers),
                    [expected],
                    "{a:?} {b:?} {third:?}"
                );
                if unasked && third.is_none() {
                    assert_eq!(decided, says_a);
                }
            }
        }
    }
}

#[test]
fn whoever_is_on_the_project_or_delivers_its_payload_sees_no_pair() {
    let (live, complete, at) = (live(), s::complete(), now());
    let unbegun = s::unbegun_review();
    for name in [s::AUTHOR, "payload"] {
        let by = who(name);
        assert!(
            unbegun
                .clone()
                .begin_review(&live, &complete, &by, at)
                .is_err()
        );
        let forged = match s::begin_review(s::unbegun_review(), "ida") {
            Indexing::UnderReview { core, mut review } => {
                review.begun.insert(by.clone());
                Indexing::UnderReview { core, review }
            }
            other => panic!("{other:?}"),
        };
        assert!(
            forged.pairs_for(&live, &complete, &by, at).is_err(),
            "{name}"
        );
    }
    let author = who(s::AUTHOR);
    let end = unbegun.end_review(&s::in_force(), &author, at);
    assert!(matches!(end, Err(Refusal::OnTheProject(_))));
}

#[test]
fn pairs_are_shown_from_the_beginning_of_a_review_to_its_end_while_the_project_is_live() {
    let (live, complete) = (live(), s::complete());
    let may = |indexing: &Indexing, name: &str, at| {
        indexing.pairs_for(&live, &complete, &who(name), at).is_ok()
    };
    let begun = begun(&["ida"]);
    assert!(may(&begun, "ida", now()) && !may(&begun, "ivo", now()));
    assert!(!may(&begun, "ida", s::after_the_end()));
    let mine = s::answers("ida", &[1, 2, 3].map(|pair| (pair, Moved)));
    let finished = finish(begun, &mine, &[]).unwrap();
    assert!(
        !may(&finished, "ida", now()),
        "what is handed in stays as it is"
    );
    for over in [s::ordered_for_review(), s::settled_review(), s::indexed()] {
        assert!(!may(&over, "ida", now()), "{}", over.state());
    }
}

#[test]
fn nobody_judges_twice_or_unbegun_or_for_another_and_few_begin() {
    let mine = s::answers("ida", &[1, 2, 3].map(|pair| (pair, Moved)));
    assert!(why(finish(s::unbegun_review(), &mine, &[])).contains("begin the review first"));
    let once = finish(begun(&["ida", "ivo"]), &mine, &[]).unwrap();
    let again = why(finish(once.clone(), &mine, std::slice::from_ref(&mine)));
    assert!(again.contains("another indexer"), "{again}");
    let theirs = s::answers("ivo", &[1, 2, 3].map(|pair| (pair, Moved)));
    assert!(
        finish(once.clone(), &theirs, &[]).is_err(),
        "the first one's are kept back"
    );
    let other = Answers {
        indexing: id("idx_other"),
        ..theirs.clone()
    };
    assert!(finish(once.clone(), &other, std::slice::from_ref(&mine)).is_err());
    let other = Answers {
        by: who("una"),
        ..mine.clone()
    };
    assert!(
        finish(once, &theirs, &[other]).is_err(),
        "not the first one's"
    );

    let names: Vec<String> = (0..REVIEWERS_MAX).map(|n| format!("n{n}")).collect();
    let full = begun(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let further = full.begin_review(&live(), &s::complete(), &who("una"), now());
    assert!(why(further).contains("6 people have begun"));
}

#[test]
fn there_are_no_links_without_the_review_that_was_ordered() {
    let (links, map) = (s::file('4'), s::file('5'));
    let done = |indexing: Indexing, counts| {
        indexing
            .complete(links.clone(), map.clone(), counts, now())
            .is_ok()
    };
    assert!(!done(s::ordered_for_review(), s::counts()));
    assert!(!done(s::ordered_for_review(), s::reviewed_counts()));
    assert!(!done(s::ordered_indexing(), s::reviewed_counts()));
    assert!(!done(s::settled_review(), s::counts()));
    assert!(done(s::settled_review(), s::reviewed_counts()));
    // Nothing to judge is a review of no pairs.
    let mut none = s::reviewed_counts();
    none.review.as_mut().unwrap().pairs = 0;
    assert!(done(s::ordered_for_review(), none));

    // A run that fails loses no answer.
    assert!(s::settled_review().fail(now()).is_err());
    for waiting in [
        s::ordered_for_review(),
        s::unbegun_review(),
        s::settled_review(),
    ] {
        let state = waiting.state();
        let mut both = s::both_indexed();
        both[0].1 = waiting;
        let extract = Extract::order(id("ext_2"), &live(), &both, &who("steward"), now());
        let expected = Action::OrderExtract.wrong_state(Indexing::KIND, state);
        assert_eq!(extract.unwrap_err(), expected);
    }
}

#[test]
fn a_review_has_as_many_pairs_as_were_ordered_at_most_and_one_at_least() {
    let open = |ordered: Indexing, count| ordered.open_review(s::file('6'), count, now()).is_ok();
    for (count, may) in [
        (0, false),
        (1, true),
        (4, true),
        (5, false),
        (PAIRS_MAX, false),
    ] {
        assert_eq!(open(s::ordered_for_review(), count), may, "{count}");
    }
    assert!(!open(s::ordered_indexing(), 1));
}

#[test]
fn the_log_tells_who_began_and_finished_and_nothing_of_what_they_said() {
    let (live, complete) = (live(), s::complete());
    let answers = s::answers("ida", &[(1, Moved), (2, Namesake), (3, TooLittle)]);
    let begun = begun(&["ida"]);
    let of = (&live, &complete);
    let change = begun
        .finish_review(of, &answers, hash('1'), &[], now())
        .unwrap();
    let facts = change.event().facts();
    assert_eq!(facts.keys().collect::<Vec<_>>(), ["reviewer"]);
    assert_eq!(change.event().by(), &crate::By::Person(who("ida")));
    let index = crate::Index::of(change.to());
    let tie = crate::Tie::new(crate::TieKind::Spoke, &who("ida"));
    assert!(index.ties.contains(&tie), "asked no more");
}

#[test]
fn every_reason_has_a_word_of_its_own_and_each_answer_a_reason() {
    let words: BTreeMap<_, _> = Judgement::ALL
        .iter()
        .map(|j| (j.word(), j.says()))
        .collect();
    assert_eq!(words.len(), Judgement::ALL.len());
    for says in [Match::Yes, Match::No, Match::CannotTell] {
        assert!(words.values().any(|one| *one == says));
    }
    for one in Judgement::ALL {
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(json, format!("\"{}\"", one.word()));
    }
}

#[test]
fn an_indexing_of_before_there_were_reviews_is_read_as_it_was() {
    let json = serde_json::to_string(&s::indexed()).unwrap();
    assert!(!json.contains("review"), "{json}");
    assert_eq!(
        serde_json::from_str::<Indexing>(&json).unwrap(),
        s::indexed()
    );
}

proptest! {
    /// Whoever comes first and second, and whatever they say: the review is settled exactly when everything that
    /// two differ on was judged by a third.
    #[test]
    fn a_review_is_settled_when_nothing_is_open(
        said in prop::collection::vec((0..9_usize, 0..9_usize, 0..9_usize), 1..5)
    ) {
        let count = said.len() as u32;
        let file: SealedFile = s::file('6');
        let ordered = s::ordered_for_review();
        let opened = s::to(ordered.open_review(file, count, moment("2026-03-02T10:00:00Z")));
        let opened = ["ida", "ivo", "una"].into_iter().fold(opened, s::begin_review);
        let of = |name: &str, pick: fn(&(usize, usize, usize)) -> usize, of: &[u32]| {
            let judged: Vec<_> = of
                .iter()
                .map(|n| (*n, Judgement::ALL[pick(&said[*n as usize - 1])]))
                .collect();
            s::answers(name, &judged)
        };
        let all: Vec<u32> = (1..=count).collect();
        let first = of("ida", |one| one.0, &all);
        let second = of("ivo", |one| one.1, &all);
        let once = finish(opened, &first, &[]).unwrap();
        let earlier = [first, second];
        let twice = finish(once, &earlier[1], &earlier[..1]).unwrap();
        let open: Vec<u32> = all
            .iter()
            .copied()
            .filter(|n| {
                let (a, b, _) = said[*n as usize - 1];
                Judgement::ALL[a].says() != Judgement::ALL[b].says()
            })
            .collect();
        prop_assert_eq!(twice.state() == "settled", open.is_empty());
        if !open.is_empty() {
            let third = of("una", |one| one.2, &open);
            let settled = finish(twice, &third, &earlier).unwrap();
            prop_assert_eq!(settled.state(), "settled");
        }
    }
}
