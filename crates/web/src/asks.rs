//! What may be sent, strictly.

use std::collections::BTreeMap;

use governance::comment::Visibility;
use governance::indexing::review::Judgement;
use governance::output::{Rendering, ReviewVerdict};
use governance::project::{Condition, PanelVerdict, SignatureVerdict};
use governance::{
    DatasetId, Date, DeliveryId, ExtractId, IndexingId, OutputId, PersonId, ProjectId, Sha256,
};
use serde::Deserialize;

macro_rules! asks {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name { $($(#[$attr])* pub(crate) $field: $type),* }
    )*};
}

asks! {
    Standing { accreditation_until: Date, training_until: Date, undertaking_on: Date }
    NewDataset {
        controller: PersonId,
        identifiers_from: PersonId,
        payload_from: PersonId,
        dictionary: governance::dataset::Dictionary,
    }
    Until { until: Date }
    JoinBudget { with: DatasetId }
    Count { #[serde(default)] filter: Vec<serde_json::Value> }
    Format { format: String }
    Sign { dataset: DatasetId, version: Sha256, verdict: SignatureVerdict }
    PanelVote {
        version: Sha256,
        verdict: PanelVerdict,
        #[serde(default)]
        conditions: Vec<Condition>,
    }
    Revoke { #[serde(default)] dataset: Option<DatasetId> }
    Index { delivery: DeliveryId, spine: DeliveryId, #[serde(default)] objections: Option<DeliveryId>, #[serde(default)] review: u32 }
    Judged { answers: BTreeMap<u32, Option<Judgement>> }
    Page { #[serde(default)] page: Option<usize> }
    Extract { indexings: Vec<IndexingId> }
    OpenWorkspace { extract: ExtractId }
    Query { sql: String }
    Stage { sql: String, context: String }
    AskRecovery { reason: String, minutes: u32 }
    HandOverStatements { from: PersonId, to: PersonId }
    HandOverOutput { output: OutputId, to: PersonId }
    ReleaseLabels { bytes: Sha256 }
    WithholdLabels { reason: String }
    SaveQuery { name: String, sql: String, #[serde(default)] shared: bool }
    Submit { rendering: Rendering }
    ReviewVote { verdict: ReviewVerdict, bytes: Sha256, #[serde(default)] comment: Option<String> }
    After { #[serde(default)] after: Option<String> }
    RegisterPage { #[serde(default)] after: Option<ProjectId> }
    CommentOnProject { section: String, visibility: Visibility, text: String }
    CommentOnOutput { visibility: Visibility, text: String }
    Events { #[serde(default)] project: Option<ProjectId>, #[serde(default)] after: Option<u64> }
}
