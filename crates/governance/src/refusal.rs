//! A reasoned no. Each text says what, why and what next, in words for the person who reads it.

use crate::ids::{DatasetId, PersonId};
use crate::measure::OverBudget;
use jiff::Timestamp;
use jiff::civil::Date;

/// Why a rule refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The object's state does not allow the action.
    #[error("{action} is not possible while the {kind} is {state}")]
    WrongState {
        /// The action.
        action: &'static str,
        /// Kind of object.
        kind: &'static str,
        /// Its state.
        state: &'static str,
    },
    /// Only the author may.
    #[error("only the person who made this {0} may do that")]
    NotTheAuthor(&'static str),
    /// Only a member of the project may.
    #[error("only a member of the project may do that")]
    NotAMember,
    /// Somebody on the project may not.
    #[error("{0} is on this project; somebody who is not must do this")]
    OnTheProject(PersonId),
    /// Somebody with an interest may not.
    #[error("{0} declared an interest in this project; somebody who has none must do this")]
    Interested(PersonId),
    /// The interest is known.
    #[error("{0} has already declared an interest in this project")]
    InterestKnown(PersonId),
    /// Only the controller may.
    #[error("only the controller of {0} may do that")]
    NotTheController(DatasetId),
    /// Only the named provider may.
    #[error("only the person named to deliver {what} of {dataset} may do that")]
    NotTheProvider {
        /// Identifiers or payload.
        what: &'static str,
        /// The dataset.
        dataset: DatasetId,
    },
    /// Identifiers and payload need two people.
    #[error("identifiers and payload of one dataset must come from two different people")]
    SameProviderTwice,
    /// The controller has not given a standing instruction that is live.
    #[error(
        "the controller of {0} has given no standing instruction that is in force; ask the controller"
    )]
    NoInstruction(DatasetId),
    /// Nobody may have people of the dataset counted now.
    #[error(
        "people of {0} cannot be counted now: its controller allows no feasibility counts, or the extract that they are taken from is not open"
    )]
    NoFeasibility(DatasetId),
    /// The act cites another version than the one that is decided on.
    #[error(
        "this was about another version of the application; read the submitted version and decide again"
    )]
    AnotherVersion,
    /// The form has a fault.
    #[error("the application cannot be submitted: {0}")]
    Form(String),
    /// A decision needs every controller.
    #[error("the controller of {0} has not signed this version")]
    NotSigned(DatasetId),
    /// A controller declined.
    #[error("the controller of {0} declined; the application can only be returned or refused")]
    Declined(DatasetId),
    /// The person voted already.
    #[error("{0} has already voted on this version")]
    VotedAlready(PersonId),
    /// The quorum is not met.
    #[error("{have} of {need} panel votes are in; the quorum is not met")]
    NoQuorum {
        /// Votes so far.
        have: u32,
        /// Votes needed.
        need: u32,
    },
    /// The votes do not carry it.
    #[error(
        "the votes do not carry this decision: {approve} approve, {return_} return, {refuse} refuse"
    )]
    NotCarried {
        /// Votes to approve.
        approve: u32,
        /// Votes to return.
        return_: u32,
        /// Votes to refuse.
        refuse: u32,
    },
    /// A paper is missing or out of date.
    #[error("the {0} is missing or out of date; a research coordinator files a new one")]
    Paper(&'static str),
    /// A person's standing lapsed.
    #[error("{person} has no {what} that is valid on {day}; renew it first")]
    Standing {
        /// Whose.
        person: PersonId,
        /// Accreditation, training or undertaking.
        what: &'static str,
        /// The day asked about.
        day: Date,
    },
    /// The project ended.
    #[error("the project's approval ended on {0}; ask for an extension")]
    Ended(Date),
    /// Not yet begun.
    #[error("the project's approval begins on {0}")]
    NotBegun(Date),
    /// The end has not come.
    #[error("the project's approval runs until {0}; it cannot expire before")]
    NotEnded(Date),
    /// A manifest, extract or other thing is not the one that was approved.
    #[error("{0} is not what was approved")]
    NotApproved(&'static str),
    /// Something of another project or delivery.
    #[error("{0} belongs to something else")]
    Elsewhere(&'static str),
    /// The output cannot go on as it stands.
    #[error("{0}")]
    Verdict(&'static str),
    /// The author may not check.
    #[error("nobody checks their own output")]
    OwnOutput,
    /// Two different people.
    #[error("{0} has already voted; a second output checker must decide")]
    SameCheckerTwice(PersonId),
    /// The bytes differ.
    #[error("the bytes are not the bytes that were reviewed")]
    OtherBytes,
    /// Something left since, or nothing was compared at all.
    #[error(
        "it was not compared with everything that has left the safe haven or was shown in it; ask again, or stage it anew"
    )]
    NotCompared,
    /// A download was used.
    #[error("this release has been downloaded already; stage the output again if it was lost")]
    Downloaded,
    /// A deadline passed.
    #[error("the job was not finished within its deadline")]
    Deadline,
    /// A job was cancelled while somebody waited for it.
    #[error("the job was cancelled before it was done; ask again if it is still wanted")]
    Cancelled,
    /// A job that was interrupted and is not tried again.
    #[error("a job of kind {0} is not tried again by itself; ask again")]
    Unrepeatable(&'static str),
    /// A job that was tried as often as it may be.
    #[error(
        "the job was interrupted {0} times and is not tried again (job_attempts in policies/limits.toml)"
    )]
    Attempts(u32),
    /// No controller has said how much may be learnt.
    #[error("the controller of {0} has opened no privacy budget for it; ask the controller")]
    NoBudget(DatasetId),
    /// An account of privacy loss is too low.
    #[error("{0}")]
    OverBudget(#[from] OverBudget),
    /// The same question is on its way.
    #[error(
        "this very question is being measured already; wait for its answer, which costs nothing more"
    )]
    Measuring,
    /// The answer is there.
    #[error("this very question has been answered; the answer is kept and costs nothing")]
    Measured,
    /// Labels that were found in data wait for an output checker.
    #[error(
        "this very question has been answered; an output checker looks at the labels that were found before it \
         is released, and that costs nothing more"
    )]
    LabelsUnderReview,
    /// They were kept back.
    #[error(
        "an output checker kept the labels of this answer back; ask again with the groups that the codebook has"
    )]
    LabelsWithheld,
    /// The author may not look at the labels first.
    #[error("nobody checks the labels of their own measurement")]
    OwnMeasurement,
    /// A measurement ended without an answer.
    #[error(
        "the question ended without an answer after data may have been read; its price is spent"
    )]
    Lost,
    /// A reservation lapsed.
    #[error("the reservation was not used in time and is given back; ask again")]
    Lapsed,
    /// Two different people.
    #[error("{0} asked for this; another person must confirm it")]
    SamePersonTwice(PersonId),
    /// Another role.
    #[error("only {0} may do that")]
    NotTheRole(&'static str),
    /// A recovery's time is over.
    #[error("the recovery ended at {0}; ask for a new one")]
    RecoveryOver(Timestamp),
    /// A recovery's time is not over.
    #[error("there is time until {0}; nothing ends by itself before")]
    StillOpen(Timestamp),
    /// Nobody's work is handed over while they can do it.
    #[error("{0} may still work in this project; their work is not handed to anybody else")]
    StillHere(PersonId),
    /// A value is not acceptable.
    #[error("{0}")]
    Invalid(String),
}
