//! What a site may change without a programmer, loaded strictly, each file with its hash.

use std::collections::BTreeMap;
use std::path::Path;

use governance::request::TierPolicy;

use crate::access::Access;
use crate::error::ServiceError;
pub use crate::limits::FrontLimits;

/// The files as they are shipped; a folder of the same layout replaces them.
const SHIPPED: [(&str, &str); 9] = [
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
        "privacy/request.toml",
        include_str!("../../../policies/privacy/request.toml"),
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
        limits.check()?;
        let disclosure = disclosure::Policy::parse(text("disclosure/default.toml"))
            .map_err(|e| ServiceError::Policy(format!("policies/disclosure/default.toml: {e}")))?;
        if !disclosure.has_threshold() {
            return Err(ServiceError::Policy(
                "policies/disclosure/default.toml: a safe haven needs the section [threshold]"
                    .into(),
            ));
        }
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
