//! Why an act was not done. Texts are for the person who asked; none carries a value of a row.

use governance::Refusal;
use protocol::keeper::{Refused, RefusedCode};

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A rule refused.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The site's policies do not permit it.
    #[error("{person} may not {action}: {reason}")]
    Denied {
        /// Who asked.
        person: String,
        /// What for.
        action: &'static str,
        /// Why not.
        reason: String,
    },
    /// Nobody is signed in.
    #[error("sign in first: the token is missing, unknown or expired")]
    NotSignedIn,
    /// There is no such thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// What was sent cannot be read.
    #[error("{0}")]
    BadInput(String),
    /// Somebody asks too often; the name of the limit.
    #[error("too many requests in one minute ({0} in policies/limits.toml)")]
    TooOften(&'static str),
    /// A project asked too often; how many statements it may ask in a minute.
    #[error(
        "this project asked {0} statements within a minute (project_per_minute in policies/limits.toml): wait a minute, then ask again"
    )]
    AskedOften(u32),
    /// Too many statements run or wait already.
    #[error(
        "{who} {most} statements that run or wait ({limit} in policies/limits.toml): wait until one has ended, or cancel one"
    )]
    QueueFull {
        /// Who has so many, with the verb.
        who: &'static str,
        /// The limit.
        most: u32,
        /// Its name.
        limit: &'static str,
    },
    /// The keeper refused.
    #[error("{}", .0.message)]
    Keeper(Refused),
    /// The keeper does not answer.
    #[error("the keeper does not answer; nothing was done")]
    KeeperGone,
    /// The keeper ended in the middle of a job, or another front took it over.
    #[error("the keeper or the front ended while this ran; nothing of it was kept")]
    Interrupted,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// Evidence, policy or report could not be read; that blocks.
    #[error("this could not be checked, so it is not released: {0}")]
    Uncheckable(String),
    /// A policy file is not usable.
    #[error("{0}")]
    Policy(String),
    /// The log could not be published or read.
    #[error("the log folder: {0}")]
    Log(String),
    /// The clock moved backwards.
    #[error("the clock stands behind the newest act; no act is taken until it is right again")]
    ClockBackwards,
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    NoRandomness,
}

/// What kind of no it is, for exit codes and HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A rule or policy said no.
    Refused,
    /// Not signed in.
    NotSignedIn,
    /// Not permitted.
    Denied,
    /// No such thing.
    NotFound,
    /// Bad input.
    BadInput,
    /// Somebody changed it meanwhile.
    Stale,
    /// Asked too often.
    TooOften,
    /// Something that is needed is missing.
    Unavailable,
    /// Our fault.
    Internal,
}

impl Kind {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NotSignedIn => "not_signed_in",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::BadInput => "bad_input",
            Self::Stale => "stale",
            Self::TooOften => "too_often",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

impl ServiceError {
    /// The keeper answered with something that was not asked for.
    pub(crate) fn strange() -> Self {
        Self::Keeper(Refused {
            code: RefusedCode::Internal,
            message: "the keeper did not answer as it should; nothing was done".into(),
            row: None,
            column: None,
        })
    }

    /// What kind of no it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Refused(_) | Self::Uncheckable(_) => Kind::Refused,
            Self::Denied { .. } => Kind::Denied,
            Self::NotSignedIn => Kind::NotSignedIn,
            Self::NotFound(_) => Kind::NotFound,
            Self::BadInput(_) => Kind::BadInput,
            Self::TooOften(_) | Self::AskedOften(_) | Self::QueueFull { .. } => Kind::TooOften,
            Self::Keeper(refused) => match refused.code {
                RefusedCode::NotPermitted | RefusedCode::Destroyed => Kind::Refused,
                RefusedCode::BadInput | RefusedCode::Limit => Kind::BadInput,
                RefusedCode::MissingLayer | RefusedCode::NoSpace => Kind::Unavailable,
                RefusedCode::Internal => Kind::Internal,
            },
            Self::KeeperGone | Self::Interrupted | Self::ClockBackwards | Self::NoRandomness => {
                Kind::Unavailable
            }
            Self::Store(store::StoreError::Stale { .. }) => Kind::Stale,
            Self::Store(error) if error.disk().is_some() => Kind::Unavailable,
            Self::Store(store::StoreError::NameTaken) => Kind::BadInput,
            Self::Store(store::StoreError::OverBudget(_)) => Kind::Refused,
            Self::Store(_) | Self::Policy(_) | Self::Log(_) => Kind::Internal,
        }
    }
}

impl From<serde_json::Error> for ServiceError {
    fn from(_: serde_json::Error) -> Self {
        Self::BadInput("what was sent is not the expected JSON".into())
    }
}
