//! Who reads which vote, turn by turn.

use governance::delivery::SealedFile;
use governance::output::{Approved, Checked, Core, Rendering, ReviewVote, UnderReview};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn hash() -> Sha256 {
    "ab".repeat(32).try_into().unwrap()
}

fn file() -> SealedFile {
    serde_json::from_value(serde_json::json!({ "name": "f", "sha256": hash(), "bytes": 1 }))
        .unwrap()
}

fn core() -> Core {
    Core {
        id: "out_1".parse().unwrap(),
        author: "per_author".parse().unwrap(),
        project: "prj_1".parse().unwrap(),
        workspace: "wsp_1".parse().unwrap(),
        extract: "ext_1".parse().unwrap(),
        statement: hash(),
        context: hash(),
        handed_over: None,
    }
}

fn checked() -> Checked {
    Checked {
        verdict: Verdict::Pass,
        report: file(),
        policy: hash(),
        exact: file(),
        treated: None,
        compared: None,
    }
}

fn person(name: &str) -> PersonId {
    format!("per_{name}").parse().unwrap()
}

fn under_review(votes: &[(&str, ReviewVerdict)]) -> Output {
    Output::UnderReview(UnderReview {
        core: core(),
        checked: checked(),
        rendering: Rendering::Exact,
        file: file(),
        votes: votes
            .iter()
            .map(|(by, verdict)| ReviewVote {
                by: person(by),
                verdict: *verdict,
                bytes: hash(),
                comment: None,
                at: at(0),
            })
            .collect(),
    })
}

/// `submit`, or `NAME OUTCOME` for a vote.
fn log(lines: &[&str]) -> Vec<Told> {
    let event = |(leaf, line): (usize, &&str)| {
        let (by, fact, action) = match line.split_once(' ') {
            None => ("author", ("rendering", "exact"), Action::SubmitOutput),
            Some((by, outcome)) => (by, ("outcome", outcome), Action::VoteOnOutput),
        };
        Told {
            leaf: leaf as u64,
            action,
            by: By::Person(person(by)),
            at: at(leaf as i64),
            kind: "output".into(),
            object: "out_1".into(),
            project: None,
            version: 1,
            facts: BTreeMap::from([(fact.0.to_owned(), Fact::Word(fact.1.into()))]),
        }
    };
    lines.iter().enumerate().map(event).collect()
}

/// Turns as `outcome: name=vote …`, where `?` is a vote that is not told.
fn shown(lines: &[&str], output: &Output, me: &str) -> Vec<String> {
    let mut turns = turns(&log(lines));
    settle(&mut turns, output, &person(me));
    let word = |verdict: Option<ReviewVerdict>| match verdict {
        Some(ReviewVerdict::Approve) => "yes",
        Some(ReviewVerdict::RequestChanges) => "changes",
        Some(ReviewVerdict::Refuse) => "no",
        None => "?",
    };
    turns
        .iter()
        .map(|turn| {
            let cast: Vec<String> = turn
                .cast
                .iter()
                .map(|c| {
                    format!(
                        "{}={}",
                        c.by.as_str().trim_start_matches("per_"),
                        word(c.verdict)
                    )
                })
                .collect();
            format!(
                "{}: {}",
                turn.outcome.as_deref().unwrap_or("open"),
                cast.join(" ")
            )
        })
        .collect()
}

#[test]
fn a_vote_is_hidden_until_both_are_in_and_ones_own_is_among_them() {
    use ReviewVerdict::{Approve, Refuse};
    let one = under_review(&[("b", Approve)]);
    let log = ["submit", "b under_review"];
    assert_eq!(shown(&log, &one, "b"), ["open: b=yes"]);
    assert_eq!(shown(&log, &one, "a"), ["open: b=?"]);
    assert_eq!(shown(&log, &one, "author"), ["open: b=?"]);

    let two = under_review(&[("b", Approve), ("a", Refuse)]);
    let log = ["submit", "b under_review", "a under_review"];
    assert_eq!(shown(&log, &two, "a"), ["open: b=yes a=no"]);
    assert_eq!(
        shown(&log, &two, "c"),
        ["open: b=? a=?"],
        "a third votes blind too"
    );
}

#[test]
fn an_earlier_turn_is_open_to_read_while_the_next_is_blind() {
    let log = [
        "submit",
        "a under_review",
        "b changes_requested",
        "submit",
        "a under_review",
    ];
    let output = under_review(&[("a", ReviewVerdict::Approve)]);
    assert_eq!(
        shown(&log, &output, "c"),
        ["changes_requested: a=changes b=changes", "open: a=?"]
    );
}

#[test]
fn votes_that_the_outcome_does_not_tell_are_not_guessed() {
    let log = ["submit", "a under_review", "b under_review", "c approved"];
    let output = Output::Approved(Approved {
        core: core(),
        checked: checked(),
        file: file(),
        by: [person("a"), person("c")].into(),
    });
    assert_eq!(shown(&log, &output, "d"), ["approved: a=yes b=? c=yes"]);
    let log = ["submit", "a under_review", "b under_review", "c refused"];
    let output = Output::Refused { core: core() };
    assert_eq!(shown(&log, &output, "d"), ["refused: a=? b=? c=?"]);
}
