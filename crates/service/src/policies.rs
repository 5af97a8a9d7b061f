//! What a site may change without a programmer, loaded strictly, each file with its hash.

use std::collections::BTreeMap;
use std::path::Path;

use governance::request::TierPolicy;
use serde::Deserialize;

use crate::access::Access;
use crate::error::ServiceError;

/// The files as they are shipped; a folder of the same layout replaces them.
const SHIPPED: [(&str, &str); 8] = [
    (
        "access/schema.cedarschema",
        include_str!("../../../policies/access/schema.cedarschema"),
    ),
    (
        "access/policies.cedar",
        include_str!("../../../policies/access/policies.cedar"),
    ),
    (
        "disclosure/default.toml",
        include_str!("../../../policies/disclosure/default.toml"),
    ),
    ("tiers.toml", include_str!("../../../policies/tiers.toml")),
    ("limits.toml", include_str!("../../../policies/limits.toml")),
    (
        "linkage/standard.toml",
        include_str!("../../../policies/linkage/standard.toml"),
    ),
    (
        "sandbox/job.toml",
        include_str!("../../../policies/sandbox/job.toml"),
    ),
    (
        "sandbox/sql.toml",
        include_str!("../../../policies/sandbox/sql.toml"),
    ),
];

/// Limits of the front office (`policies/limits.toml`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontLimits {
    /// Most bytes of a delivered file, in MiB.
    pub delivery_mib: u64,
    /// Most bytes of one statement.
    pub statement_bytes: usize,
    /// Most bytes of an application, a context or a comment.
    pub document_bytes: usize,
    /// Seconds until a query or check must be done.
    pub query_s: i64,
    /// Seconds until a load, index or extract job must be done.
    pub job_s: i64,
    /// Most starts of the keeper in a minute.
    pub keeper_starts: usize,
    /// Most entries of one page of a list.
    pub page: u32,
    /// Most entries of each part of a worklist.
    pub worklist: u32,
    /// Most comments on one application or one output.
    pub comments: u64,
    /// Failed attempts to sign in after which a name is locked.
    pub sign_in_failures: u32,
    /// Seconds for which it is locked.
    pub sign_in_lock_s: i64,
    /// Seconds without a request after which a session ends.
    pub session_idle_s: i64,
    /// Seconds after which a session ends whatever happens.
    pub session_s: i64,
    /// Seconds for which the one-time token of a new person is good.
    pub invitation_s: i64,
    /// Seconds for which a front holds a job that it runs, unless it says so again.
    pub lease_s: i64,
    /// Most tries at an indexing, an extract or a check that is interrupted.
    pub job_attempts: u32,
    /// Most requests of one visitor to the pages in a minute.
    pub requests_per_minute: u32,
    /// Most attempts to sign in, by everybody together, in a minute.
    pub sign_ins_per_minute: u32,
}

/// Every policy of the front office.
#[derive(Debug)]
pub struct Policies {
    /// Who may do what.
    pub access: Access,
    /// What an output must satisfy.
    pub disclosure: disclosure::Policy,
    /// The panel's tiers.
    pub tiers: TierPolicy,
    /// Limits.
    pub limits: FrontLimits,
    texts: BTreeMap<&'static str, String>,
    hashes: BTreeMap<String, String>,
}

impl Policies {
    /// The policies of a folder, or the shipped ones.
    ///
    /// # Errors
    /// The file that is missing or wrong, and why.
    pub fn load(folder: Option<&Path>) -> Result<Self, ServiceError> {
        let mut texts = BTreeMap::new();
        let mut hashes = BTreeMap::new();
        for (name, shipped) in SHIPPED {
            let text = match folder {
                None => shipped.to_owned(),
                Some(folder) => std::fs::read_to_string(folder.join(name))
                    .map_err(|_| ServiceError::Policy(format!("policies/{name} cannot be read")))?,
            };
            hashes.insert(name.to_owned(), crate::sha256(text.as_bytes())?.into());
            texts.insert(name, text);
        }
        let text = |name: &str| texts.get(name).map(String::as_str).unwrap_or_default();
        let tiers: TierPolicy = strict("tiers.toml", text("tiers.toml"))?;
        tiers.validate()?;
        let access = Access::load(
            text("access/schema.cedarschema"),
            text("access/policies.cedar"),
        )?;
        let limits: FrontLimits = strict("limits.toml", text("limits.toml"))?;
        if limits.lease_s < 3 || limits.job_attempts < 1 {
            return Err(ServiceError::Policy(
                "policies/limits.toml cannot be used: lease_s is at least 3, job_attempts at least 1"
                    .into(),
            ));
        }
        let disclosure = disclosure::Policy::parse(text("disclosure/default.toml"))
            .map_err(|e| ServiceError::Policy(format!("policies/disclosure/default.toml: {e}")))?;
        Ok(Self {
            access,
            disclosure,
            tiers,
            limits,
            texts,
            hashes,
        })
    }

    /// The text of a policy file; empty for a name that is not one.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map(String::as_str).unwrap_or_default()
    }

    /// File name to SHA-256, as every log entry carries it.
    #[must_use]
    pub fn hashes(&self) -> BTreeMap<String, String> {
        self.hashes.clone()
    }
}

fn strict<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, ServiceError> {
    toml::from_str(text).map_err(|e| {
        ServiceError::Policy(format!("policies/{name} cannot be used: {}", e.message()))
    })
}
