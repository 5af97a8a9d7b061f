//! What the front may ask of the keeper, and what the keeper answers, over a Unix socket.
//!
//! A message is a 4-byte little-endian length and that many bytes of JSON. A request that carries a body
//! ([`Request::Upload`], [`Request::Keep`]) and a reply that does ([`Reply::Bytes`]) is followed by body
//! pieces, each with its own 4-byte length, and ended by a piece of length 0. One request a connection.
//!
//! The front names *ids*; the keeper reads job, authority and decision from the store itself and refuses
//! what they do not permit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::compare::{Behind, Judged};
use crate::dummy::Dummy;
use crate::job::PracticeTable;
use crate::linked::Reviewed;
use crate::posture::Tried;
use crate::report::{ExtractTable, StatementResult};

/// Most bytes of one JSON message.
pub const MESSAGE_MAX: usize = 64 * 1024 * 1024;
/// Most bytes of one body piece.
pub const PIECE_MAX: usize = 256 * 1024;

/// The two desks that ask, each at a socket of its own. Which one asks decides what may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// Everything but indexing.
    Research,
    /// Indexing: jobs that mount identifiers and a spine.
    Indexing,
}

impl Door {
    /// The word on the command line and in the names of sockets.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Research => "research",
            Self::Indexing => "indexing",
        }
    }
}

/// What the front may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Who are you?
    Hello,
    /// The file of a queued load job follows. The keeper seals it as it arrives.
    Upload {
        /// The job.
        job: String,
    },
    /// Do a queued job.
    Run {
        /// The job.
        job: String,
    },
    /// Keep a file that a queued check makes of its staged output: its table, its treated table, its report.
    Keep {
        /// The job.
        job: String,
        /// Which of the output's files.
        part: Part,
    },
    /// Give the bytes of a file of an output.
    Fetch {
        /// The output.
        output: String,
        /// Which of its files.
        part: Part,
    },
    /// Give the pairs of an indexing to somebody who judges them now. At the indexing desk only.
    Pairs {
        /// The indexing.
        indexing: String,
        /// Who judges them.
        person: String,
    },
    /// Price a request under differential privacy. Mounts nothing: the price comes from the request alone.
    Price {
        /// The request, JSON text.
        request: String,
    },
    /// Make a dummy extract up. Mounts nothing.
    Dummy {
        /// What is in it.
        plan: Dummy,
    },
    /// Answer a request over made-up tables, for practice. Mounts nothing.
    Practise {
        /// The request, JSON text.
        request: String,
        /// The tables, from the data dictionary.
        tables: Vec<PracticeTable>,
    },
    /// Audit the measuring lane over made-up neighbours. Mounts nothing.
    SelfAudit {
        /// Draws over each neighbour.
        draws: u32,
    },
    /// Compare an output that was checked with what has left since. Opens who is behind the cells of outputs, and
    /// no data.
    Compare {
        /// The output.
        output: String,
    },
    /// Attack everything that left, as a reader of all of it could, and as the people of each project could who saw
    /// its screens too. Opens the same.
    Attack,
    /// Sign the manifest of an approved project.
    SignManifest {
        /// The project.
        project: String,
    },
    /// Sign a checkpoint of the log at its present size.
    SignCheckpoint,
    /// Try every wall around workers, now.
    Posture,
    /// What was refused because the store holds no decision for it.
    Refusals {
        /// Only those after this number; 0 for all that are kept.
        after: u64,
    },
    /// Destroy the secrets and sealed files of a project that has ended.
    Destroy {
        /// The project.
        project: String,
    },
}

/// A file of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The table as it is.
    Exact,
    /// The table as treated.
    Treated,
    /// The checker's report.
    Report,
    /// The version that is under review, approved or released: the bytes that leave.
    Reviewed,
}

/// A sealed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Name under the keeper's folder.
    pub name: String,
    /// SHA-256 of what it holds, in hex.
    pub sha256: String,
    /// Bytes it holds.
    pub bytes: u64,
}

/// What the keeper answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// Who I am.
    Hello {
        /// Build id of keeper and worker.
        build: String,
        /// Verifier key of the log.
        vkey: String,
        /// Verifier key of manifests.
        manifest_vkey: String,
    },
    /// A file was kept.
    Kept {
        /// The file.
        file: File,
    },
    /// How far a job is that is being done. At most a few a second, then one of the others.
    Progress {
        /// Units done.
        done: u64,
        /// Units in all; 0 if not known.
        total: u64,
        /// What is being done, in a few words.
        stage: String,
    },
    /// A job was done.
    Done {
        /// How.
        outcome: Box<Outcome>,
        /// What it cost.
        cost: Cost,
    },
    /// A request was priced.
    Priced(Priced),
    /// A request was answered over made-up tables.
    Practised {
        /// The answer, JSON text.
        answer: String,
    },
    /// The measuring lane was audited.
    SelfAudited {
        /// Whether no claim was contradicted.
        holds: bool,
        /// What was found, JSON text.
        findings: String,
    },
    /// An output was compared again.
    Compared {
        /// Outputs that had left.
        releases: u64,
        /// Screens that had shown something, of all projects.
        screens: u64,
        /// How many of the outputs it could not be compared with.
        unknown: u64,
        /// The output's report with what was found, if anything was.
        report: Option<File>,
    },
    /// What left was attacked.
    Attacked {
        /// What was recovered, JSON text: counts.
        recovered: String,
    },
    /// A note was signed.
    Signed {
        /// The signed note.
        note: String,
        /// SHA-256 of the bytes that were signed for (a manifest), in hex.
        sha256: String,
    },
    /// The job waits for a worker.
    Waiting {
        /// Its number in the queue, from 1.
        position: u64,
    },
    /// Every wall as it was just tried.
    Posture {
        /// Under each sandbox profile.
        tried: Vec<Tried>,
    },
    /// A project's secrets and sealed files were destroyed.
    Destroyed {
        /// What was destroyed and how that was tried: JSON text.
        certificate: String,
        /// The signed note over project and SHA-256 of the certificate.
        note: String,
        /// Files that were deleted.
        files: u64,
        /// The last key epoch with the project's secrets.
        epoch_before: u64,
        /// The first without them.
        epoch_after: u64,
    },
    /// The bytes follow.
    Bytes {
        /// How many.
        bytes: u64,
    },
    /// What was refused.
    Refusals {
        /// Which keeper counts: another word for each start.
        keeper: String,
        /// The refusals, oldest first.
        refusals: Vec<NotedRefusal>,
    },
    /// No.
    Refused(Refused),
}

/// With what an output, or the result for a screen, was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparedWith {
    /// Outputs that had left.
    pub releases: u64,
    /// Screens that had shown something: of all projects for an output, of its own for a screen.
    pub screens: u64,
    /// How many of the outputs it could not be compared with.
    pub unknown: u64,
    /// Whether it is known who is behind its cells.
    pub behind: Behind,
    /// The delivery whose ordinals these people go by, and who they are, if that was sent.
    pub people: Option<(String, File)>,
}

/// The price of a request, rounded up to whole units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Priced {
    /// SHA-256 of the canonical request, in hexadecimal.
    pub request_sha256: String,
    /// Tables that it reads.
    pub tables: Vec<String>,
    /// Rho, in units of 10^-9.
    pub nano_rho: u64,
    /// Delta, in units of 10^-18.
    pub atto_delta: u64,
    /// The price for people, as JSON text: the request in words, epsilon, error bars.
    pub price: String,
}

/// A refusal of something that the store holds no decision for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotedRefusal {
    /// Counted from 1 by each keeper.
    pub number: u64,
    /// What was asked, such as `run`.
    pub ask: String,
    /// About which id, as far as it was one.
    pub about: String,
}

/// A refusal of the keeper: one clear sentence without any value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Word from a closed list.
    pub code: RefusedCode,
    /// The sentence.
    pub message: String,
    /// Row of a delivered file, from 1, not counting the header.
    pub row: Option<u64>,
    /// Column of a delivered file.
    pub column: Option<String>,
}

/// Kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedCode {
    /// The store holds no decision that permits it.
    NotPermitted,
    /// The input is not fit: a bad file, a statement that cannot be read.
    BadInput,
    /// A limit was reached; the message names it.
    Limit,
    /// A sandbox layer is missing; the message names it.
    MissingLayer,
    /// The keeper's disk is full.
    NoSpace,
    /// The secret of the data was destroyed: it opens for nobody any more.
    Destroyed,
    /// The keeper or a worker failed.
    Internal,
}

impl RefusedCode {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotPermitted => "not_permitted",
            Self::BadInput => "bad_input",
            Self::Limit => "limit",
            Self::MissingLayer => "missing_layer",
            Self::NoSpace => "no_space",
            Self::Destroyed => "destroyed",
            Self::Internal => "internal",
        }
    }
}

/// What a worker cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Wall-clock milliseconds, start of the worker to its end.
    pub wall_ms: u64,
    /// CPU milliseconds of the worker.
    pub cpu_ms: u64,
    /// Peak resident memory of the worker, in KiB.
    pub peak_kib: u64,
}

/// The end of a job that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// Identifiers were read and sealed.
    LoadIdentifiers {
        /// Columns with roles.
        file: File,
        /// Sorted record numbers.
        records_file: File,
        /// Records.
        records: u64,
        /// Missing values by column.
        missing: BTreeMap<String, u64>,
    },
    /// Payload was read and sealed.
    LoadPayload {
        /// Typed columns.
        file: File,
        /// Event ids in row order.
        events_file: Option<File>,
        /// Rows.
        rows: u64,
        /// Rows without identifiers.
        unmatched: u64,
        /// Records with at least one row.
        records: u64,
        /// Missing values by column.
        missing: BTreeMap<String, u64>,
    },
    /// Records were linked and keyed.
    Index {
        /// Record ordinal to spine ordinal.
        links: File,
        /// Record ordinal to pseudonym.
        map: File,
        /// Records.
        records: u64,
        /// Linked records by step.
        linked: BTreeMap<String, u64>,
        /// Records whose link was withheld.
        withheld: u64,
        /// Spine people who objected.
        objected: u64,
        /// The engine's report as JSON text.
        detail: String,
        /// What the clerical review came to, if one was ordered.
        review: Option<Reviewed>,
    },
    /// Pairs were chosen for people to judge, and sealed; nothing is linked yet.
    Pairs {
        /// The pairs.
        file: File,
        /// How many.
        pairs: u32,
        /// Records of the delivery.
        records: u64,
    },
    /// An extract was made and sealed.
    Extract {
        /// The database file.
        file: File,
        /// Counts.
        tables: Vec<ExtractTable>,
    },
    /// A request was judged.
    Judged {
        /// What the rules say.
        judged: Judged,
        /// How it was compared.
        compared: ComparedWith,
    },
    /// A statement was run for the screen of a locked desktop.
    Statement {
        /// What came of it: rows of people, which go to that screen and are kept nowhere.
        result: StatementResult,
    },
    /// Noise was drawn, for a measurement.
    Measured {
        /// The answer, JSON text: noisy numbers that may be published.
        answer: String,
    },
}
