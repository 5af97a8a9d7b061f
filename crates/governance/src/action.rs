//! Every action, what it acts on, and in which states. The reference page of permissions and the access
//! policies are held against this table by tests.

use serde::{Deserialize, Serialize};

use crate::refusal::Refusal;

/// Who can do an action at all, before any policy: people, or only the safe haven itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person within their roles.
    Person,
    /// The safe haven itself.
    System,
}

/// One row of the table of actions.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The action.
    pub action: Action,
    /// Word in the log, in policies and on the command line.
    pub word: &'static str,
    /// Kind of object it acts on.
    pub kind: &'static str,
    /// States in which it is possible; `-` stands for an object that does not exist yet.
    pub states: &'static [&'static str],
    /// People, or the safe haven itself.
    pub actor: Actor,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident $word:literal $actor:ident $kind:literal [$($state:literal)*];)*) => {
        /// Everything that can be done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// Every action with its object and states.
            pub const TABLE: &'static [Row] = &[
                $(Row { action: Self::$name, word: $word, kind: $kind, states: &[$($state),*], actor: Actor::$actor },)*
            ];

            /// The row of this action.
            #[must_use]
            pub fn row(self) -> Row {
                match self {
                    $(Self::$name => Row { action: self, word: $word, kind: $kind, states: &[$($state),*], actor: Actor::$actor },)*
                }
            }
        }
    };
}

actions! {
    /// Adds a person with roles.
    AddPerson "add_person" Person "person" ["-"];
    /// Invites somebody again who lost what they sign in with.
    InvitePerson "invite_person" Person "person" ["active"];
    /// Records accreditation, training and undertaking.
    RecordStanding "record_standing" Person "person" ["active"];
    /// Ends every right of a person.
    RetirePerson "retire_person" Person "person" ["active"];
    /// Sets name, password and second factor of one's own account.
    SetCredential "set_credential" Person "person" ["active"];
    /// Ends every session and token of a person.
    EndSessions "end_sessions" Person "person" ["active"];
    /// Enters a dataset in the catalogue.
    RegisterDataset "register_dataset" Person "dataset" ["-"];
    /// A controller's standing instruction.
    GiveInstruction "give_instruction" Person "dataset" ["registered" "instructed"];
    /// Takes it back.
    WithdrawInstruction "withdraw_instruction" Person "dataset" ["instructed"];
    /// Allows counts of people to whoever plans a study.
    AllowFeasibility "allow_feasibility" Person "dataset" ["instructed"];
    /// Allows no more.
    EndFeasibility "end_feasibility" Person "dataset" ["instructed"];
    /// Delivers a file of identifiers.
    DeliverIdentifiers "deliver_identifiers" Person "delivery" ["-"];
    /// The identifiers were fit to keep.
    KeepIdentifiers "keep_identifiers" System "delivery" ["opened"];
    /// They were not.
    RefuseIdentifiers "refuse_identifiers" System "delivery" ["opened"];
    /// Delivers a file of payload.
    DeliverPayload "deliver_payload" Person "delivery" ["identified"];
    /// The payload was fit to keep.
    KeepPayload "keep_payload" System "delivery" ["reading"];
    /// It was not.
    RefusePayload "refuse_payload" System "delivery" ["reading"];
    /// Begins an application.
    StartApplication "start_application" Person "project" ["-"];
    /// Freezes a version and submits it.
    SubmitApplication "submit_application" Person "project" ["draft" "returned"];
    /// A controller agrees for its dataset.
    SignForDataset "sign_for_dataset" Person "project" ["submitted"];
    /// A controller does not.
    DeclineForDataset "decline_for_dataset" Person "project" ["submitted"];
    /// A panel member votes.
    VoteOnApplication "vote_on_application" Person "project" ["submitted"];
    /// A panel member declares an interest and has no vote any more.
    DeclareInterest "declare_interest" Person "project" ["submitted"];
    /// Says something about an application.
    CommentOnProject "comment_on_project" Person "project" ["submitted" "returned" "approved" "in_force"];
    /// The panel approves.
    ApproveApplication "approve_application" Person "project" ["submitted"];
    /// The panel sends it back.
    ReturnApplication "return_application" Person "project" ["submitted"];
    /// The panel refuses.
    RefuseApplication "refuse_application" Person "project" ["submitted"];
    /// The author withdraws.
    WithdrawApplication "withdraw_application" Person "project" ["draft" "submitted" "returned" "approved"];
    /// Puts an approval in force.
    CommenceProject "commence_project" Person "project" ["approved"];
    /// Files papers in place of those that lapsed or will.
    RenewPapers "renew_papers" Person "project" ["in_force"];
    /// Ends a project on its day.
    ExpireProject "expire_project" System "project" ["in_force"];
    /// Ends it before.
    RevokeProject "revoke_project" Person "project" ["approved" "in_force"];
    /// The author ends it.
    CloseProject "close_project" Person "project" ["in_force"];
    /// Destroys the secrets and sealed files of a project that has ended.
    DestroyProject "destroy_project" Person "project" ["refused" "expired" "revoked" "closed"];
    /// Orders the indexing of a delivery.
    OrderIndexing "order_indexing" Person "indexing" ["-"];
    /// The pairs that people judge are chosen and sealed.
    OpenReview "open_review" System "indexing" ["ordered"];
    /// Begins to judge them: from here on they are shown to this person.
    BeginReview "begin_review" Person "indexing" ["under_review"];
    /// Hands the answers to every pair in.
    FinishReview "finish_review" Person "indexing" ["under_review"];
    /// Ends the review without decisions, and the indexing with it: nothing is linked.
    EndReview "end_review" Person "indexing" ["under_review" "settled"];
    /// It is done.
    CompleteIndexing "complete_indexing" System "indexing" ["ordered" "settled"];
    /// It is not.
    FailIndexing "fail_indexing" System "indexing" ["ordered"];
    /// Orders an extract.
    OrderExtract "order_extract" Person "extract" ["-"];
    /// It is made and sealed.
    SealExtract "seal_extract" System "extract" ["ordered"];
    /// It is not.
    FailExtract "fail_extract" System "extract" ["ordered"];
    /// It went with its project.
    DestroyExtract "destroy_extract" System "extract" ["sealed"];
    /// Opens a workspace.
    OpenWorkspace "open_workspace" Person "workspace" ["-"];
    /// Closes it for now.
    SuspendWorkspace "suspend_workspace" Person "workspace" ["open"];
    /// Opens it again.
    ResumeWorkspace "resume_workspace" Person "workspace" ["suspended"];
    /// Closes it for good.
    CloseWorkspace "close_workspace" Person "workspace" ["open" "suspended"];
    /// Runs a statement.
    RunQuery "run_query" Person "workspace" ["open"];
    /// Sees the rows of a statement, on a locked desktop.
    ViewRows "view_rows" Person "workspace" ["open"];
    /// Asks for the recovery of what somebody left in a workspace.
    AskRecovery "ask_recovery" Person "recovery" ["-"];
    /// The second person opens it.
    ConfirmRecovery "confirm_recovery" Person "recovery" ["asked"];
    /// The second person does not.
    RefuseRecovery "refuse_recovery" Person "recovery" ["asked"];
    /// Nobody confirmed it in time.
    LapseRecovery "lapse_recovery" System "recovery" ["asked"];
    /// Reads the statements that are saved in the workspace.
    ReadRecovery "read_recovery" Person "recovery" ["open"];
    /// Hands the statements of somebody who left to somebody of the project.
    HandOverStatements "hand_over_statements" Person "recovery" ["open"];
    /// Ends it before its time.
    EndRecovery "end_recovery" Person "recovery" ["open"];
    /// Its time is over.
    ExpireRecovery "expire_recovery" System "recovery" ["open"];
    /// Stages a result for release.
    StageOutput "stage_output" Person "output" ["-"];
    /// The machine checked it.
    CompleteCheck "complete_check" System "output" ["staged"];
    /// It could not.
    FailCheck "fail_check" System "output" ["staged"];
    /// The machine compared it with what has left since its check.
    CompareOutput "compare_output" System "output" ["checked" "under_review" "changes_requested" "approved"];
    /// Puts a version before output checkers.
    SubmitOutput "submit_output" Person "output" ["checked" "changes_requested"];
    /// An output checker votes.
    VoteOnOutput "vote_on_output" Person "output" ["under_review"];
    /// Says something about an output.
    CommentOnOutput "comment_on_output" Person "output" ["under_review" "changes_requested" "approved" "released"];
    /// Releases the reviewed bytes.
    ReleaseOutput "release_output" Person "output" ["approved"];
    /// Uses the single download.
    DownloadOutput "download_output" Person "output" ["released"];
    /// The author withdraws.
    WithdrawOutput "withdraw_output" Person "output" ["checked" "under_review" "changes_requested" "approved"];
    /// Calls a release back.
    RecallOutput "recall_output" Person "output" ["released"];
    /// Hands the output of somebody who left to somebody of the project, under a recovery.
    HandOverOutput "hand_over_output" Person "output" ["checked" "under_review" "changes_requested" "approved" "released"];
    /// Opens the privacy budget of a dataset.
    OpenBudget "open_budget" Person "budget" ["-"];
    /// Lets a copy of a dataset share the budget of the first.
    JoinBudget "join_budget" Person "budget" ["-"];
    /// Says how much may be learnt of a dataset's people.
    SetCaps "set_caps" Person "budget" ["open" "void"];
    /// An exact release over the same people ends the statement of differential privacy.
    VoidStatement "void_statement" System "budget" ["open"];
    /// Reserves the price of a question that was not put to this snapshot before.
    ReserveMeasurement "reserve_measurement" Person "measurement" ["-"];
    /// Reserves it once more, after an end without an answer.
    ReserveMeasurementAgain "reserve_measurement_again" Person "measurement" ["freed" "forfeited"];
    /// Has it run. From here on it counts as having read data.
    RunMeasurement "run_measurement" Person "measurement" ["reserved"];
    /// Its noisy answer is released.
    ReleaseMeasurement "release_measurement" System "measurement" ["running"];
    /// Its noisy answer names groups that were found in the data: an output checker looks at them first.
    HoldMeasurement "hold_measurement" System "measurement" ["running"];
    /// The labels of the groups tell nobody apart: the answer is released.
    ReleaseLabels "release_labels" Person "measurement" ["under_review"];
    /// They may: nothing is given out.
    WithholdLabels "withhold_labels" Person "measurement" ["under_review"];
    /// It ended without an answer after data may have been read: charged.
    ForfeitMeasurement "forfeit_measurement" System "measurement" ["running"];
    /// Takes a reservation back before it ran.
    WithdrawMeasurement "withdraw_measurement" Person "measurement" ["reserved"];
    /// Gives back a reservation that was not used in time.
    ExpireMeasurement "expire_measurement" System "measurement" ["reserved"];
    /// Queues a job.
    QueueJob "queue_job" System "job" ["-"];
    /// It is done.
    FinishJob "finish_job" System "job" ["queued"];
    /// It is not.
    FailJob "fail_job" System "job" ["queued"];
    /// It is cancelled.
    CancelJob "cancel_job" Person "job" ["queued"];
    /// Notes that the keeper refused what the store holds no decision for.
    NoteRefusal "note_refusal" System "keeper_refusal" ["-"];
    /// Reads how a job stands.
    ViewJob "view_job" Person "job" ["queued" "done" "shown" "failed" "cancelled"];
    /// Reads an application, its votes and its papers.
    ViewProject "view_project" Person "project" ["draft" "submitted" "returned" "refused" "withdrawn" "approved" "in_force" "expired" "revoked" "closed" "destroyed"];
    /// Reads an output, its findings and its bytes.
    ViewOutput "view_output" Person "output" ["staged" "checked" "uncheckable" "under_review" "changes_requested" "approved" "released" "refused" "withdrawn" "recalled"];
    /// Reads what those who decide say among themselves about an application.
    ViewPanelComments "view_panel_comments" Person "project" ["submitted" "returned" "refused" "withdrawn" "approved" "in_force" "expired" "revoked" "closed" "destroyed"];
    /// Reads what output checkers say among themselves about an output.
    ViewCheckerComments "view_checker_comments" Person "output" ["under_review" "changes_requested" "approved" "released" "refused" "recalled"];
    /// Reads what became of a delivery.
    ViewDelivery "view_delivery" Person "delivery" ["opened" "identified" "reading" "complete" "refused"];
    /// Reads who asked for a recovery, why, and what became of it.
    ViewRecovery "view_recovery" Person "recovery" ["asked" "open" "ended" "refused" "lapsed"];
    /// Reads a privacy budget, its caps and accounts.
    ViewBudget "view_budget" Person "budget" ["open" "void" "joined"];
    /// Reads a measurement and its answer.
    ViewMeasurement "view_measurement" Person "measurement" ["reserved" "running" "under_review" "released" "withheld" "forfeited" "freed"];
    /// Reads who is in the safe haven, with roles and standing.
    ViewPeople "view_people" Person "people" ["-"];
    /// Reads the log.
    ViewLog "view_log" Person "log" ["-"];
    /// Has the log published up to now.
    PublishLog "publish_log" Person "log" ["-"];
    /// Has every wall around workers tried, and reads which policies are in force.
    ViewPosture "view_posture" Person "log" ["-"];
    /// Reads the catalogue.
    ViewCatalogue "view_catalogue" Person "catalogue" ["-"];
    /// Has people of a dataset counted whose controller allows it.
    CountPeople "count_people" Person "catalogue" ["-"];
}

/// Every state of every lifecycle, in the order of the reference pages.
pub const STATES: &[(&str, &[&str])] = &[
    ("person", &["active", "retired"]),
    ("dataset", &["registered", "instructed"]),
    (
        "delivery",
        &["opened", "identified", "reading", "complete", "refused"],
    ),
    (
        "project",
        &[
            "draft",
            "submitted",
            "returned",
            "refused",
            "withdrawn",
            "approved",
            "in_force",
            "expired",
            "revoked",
            "closed",
            "destroyed",
        ],
    ),
    (
        "indexing",
        &["ordered", "under_review", "settled", "indexed", "failed"],
    ),
    ("extract", &["ordered", "sealed", "destroyed", "failed"]),
    ("workspace", &["open", "suspended", "closed"]),
    ("recovery", &["asked", "open", "ended", "refused", "lapsed"]),
    (
        "output",
        &[
            "staged",
            "checked",
            "uncheckable",
            "under_review",
            "changes_requested",
            "approved",
            "released",
            "refused",
            "withdrawn",
            "recalled",
        ],
    ),
    ("budget", &["open", "void", "joined"]),
    (
        "measurement",
        &[
            "reserved",
            "running",
            "under_review",
            "released",
            "withheld",
            "forfeited",
            "freed",
        ],
    ),
    ("job", &["queued", "done", "shown", "failed", "cancelled"]),
    ("keeper_refusal", &["noted"]),
];

impl Action {
    /// Word in the log, in policies and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// The refusal for a state that does not allow it.
    #[must_use]
    pub fn wrong_state(self, kind: &'static str, state: &'static str) -> Refusal {
        Refusal::WrongState {
            action: self.word(),
            kind,
            state,
        }
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}
