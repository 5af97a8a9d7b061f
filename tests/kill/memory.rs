//! What somebody on the journey was told, and that the books hold it.

use serde_json::Value;

use super::oracle::Books;

/// What a person on the journey remembers: only what was acknowledged.
#[derive(Debug, Default, Clone)]
pub(crate) struct Memory {
    pub(super) register: Option<String>,
    pub(super) hospital: Option<String>,
    pub(super) project: Option<String>,
    pub(super) spine: Option<String>,
    pub(super) delivery: Option<String>,
    pub(super) table: Option<Vec<u8>>,
    /// Every answer that was a yes to an act.
    acknowledged: Vec<Value>,
}

impl Memory {
    pub(crate) fn acknowledge(&mut self, answer: &Value) {
        self.acknowledged.push(answer.clone());
    }

    /// What was acknowledged is in the books: every id that was given, and a leaf for every act.
    pub(crate) fn is_kept(&self, books: &Books) {
        for answer in &self.acknowledged {
            for id in ids(answer) {
                assert!(books.holds(&id), "{id} was acknowledged: {answer}");
            }
        }
        let leaves = books.actions().count();
        assert!(
            leaves >= self.acknowledged.len(),
            "{leaves} leaves for {} acknowledged acts",
            self.acknowledged.len()
        );
    }
}

/// Ids among the values of an answer.
fn ids(answer: &Value) -> Vec<String> {
    let Some(fields) = answer.as_object() else {
        return Vec::new();
    };
    let texts = fields.values().filter_map(Value::as_str);
    texts
        .filter(|text| text.get(3..4) == Some("_") && text.len() == 20)
        .map(ToOwned::to_owned)
        .collect()
}
