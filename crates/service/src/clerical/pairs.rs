//! Two records side by side, as whoever judges them sees them.

use governance::IndexingId;
use governance::indexing::review::Judgement;
use protocol::pairs::Pair;
use serde::Serialize;

/// Pairs on one page.
pub const PAIRS_PAGE: usize = 20;

/// A page of pairs for somebody who judges them.
#[derive(Serialize)]
pub struct PairsPage {
    /// The indexing.
    pub indexing: IndexingId,
    /// This page, from 1.
    pub page: usize,
    /// Pages in all.
    pub pages: usize,
    /// Pairs that the caller judges.
    pub asked: usize,
    /// Of these, judged so far.
    pub answered: usize,
    /// The pairs of this page.
    pub pairs: Vec<PairView>,
}

/// Two records side by side, with no word of how the model weighs them.
#[derive(Serialize)]
pub struct PairView {
    /// Number of the pair.
    pub number: u32,
    /// What each record says.
    pub fields: Vec<FieldView>,
    /// What the caller said so far.
    pub answer: Option<Judgement>,
}

/// What two records say of one thing.
#[derive(Serialize)]
pub struct FieldView {
    /// Role of the column, such as `surname`.
    pub field: String,
    /// The record of the delivery.
    pub record: Option<String>,
    /// The record of the spine.
    pub spine: Option<String>,
    /// `same`, `different`, or `missing` where one of them says nothing.
    pub comparison: &'static str,
}

/// A pair as somebody sees it who judges it.
pub(super) fn seen(
    number: u32,
    fields: &[String],
    pair: &Pair,
    answer: Option<&Judgement>,
) -> PairView {
    let fields = fields.iter().zip(&pair.values);
    PairView {
        number,
        fields: fields
            .map(|(field, [record, spine])| FieldView {
                field: field.clone(),
                record: record.clone(),
                spine: spine.clone(),
                comparison: match (record, spine) {
                    (Some(record), Some(spine)) if alike(record, spine) => "same",
                    (Some(_), Some(_)) => "different",
                    (None, _) | (_, None) => "missing",
                },
            })
            .collect(),
        answer: answer.copied(),
    }
}

/// Whether two values are one to the eye: capitals and spaces do not count.
fn alike(one: &str, other: &str) -> bool {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|c| !c.is_whitespace());
        letters.flat_map(char::to_lowercase).collect()
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_said_and_capitals_and_spaces_do_not_count() {
        for (one, other, same) in [
            ("EH1 1AB", "eh11ab", true),
            ("Zoë", "ZOË", true),
            ("Reid", "Reed", false),
            ("", " ", true),
        ] {
            assert_eq!(alike(one, other), same, "{one} {other}");
        }
        let of = |values: [Option<&str>; 2]| {
            let pair = Pair {
                record: 1,
                spine: 2,
                values: vec![values.map(|value| value.map(str::to_owned))],
            };
            let view = seen(3, &["surname".into()], &pair, Some(&Judgement::Moved));
            assert_eq!((view.number, view.answer), (3, Some(Judgement::Moved)));
            view.fields[0].comparison
        };
        assert_eq!(of([Some("Reid"), Some("REID")]), "same");
        assert_eq!(of([Some("Reid"), Some("Reed")]), "different");
        for missing in [[None, Some("Reid")], [Some("Reid"), None], [None, None]] {
            assert_eq!(of(missing), "missing");
        }
    }

    #[test]
    fn a_page_of_pairs_says_nothing_of_weights_or_of_others() {
        let pair = Pair {
            record: 11,
            spine: 22,
            values: vec![[Some("Ann".into()), Some("Anne".into())]],
        };
        let page = PairsPage {
            indexing: "idx_1".parse().unwrap(),
            page: 1,
            pages: 1,
            asked: 1,
            answered: 0,
            pairs: vec![seen(1, &["forename".into()], &pair, None)],
        };
        let json = serde_json::to_value(&page).unwrap();
        let keys: Vec<&String> = json["pairs"][0].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["number", "fields", "answer"]);
    }
}
