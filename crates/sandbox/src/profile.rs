//! Sandbox profiles: which walls must stand, and how far the limits of a job may go.

use std::collections::BTreeMap;

use protocol::limits::Limits;
use protocol::posture::{Layer, Requirement};
use serde::Deserialize;

/// A profile from `policies/sandbox/*.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Every layer with its requirement.
    pub layers: BTreeMap<Layer, Requirement>,
    /// The limits; an order may ask for less, never for more.
    pub limits: Limits,
}

/// Why a profile was refused.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Not TOML of the expected shape; the text is the parser's.
    #[error("the sandbox profile cannot be read: {0}")]
    Shape(String),
    /// A layer is not named.
    #[error("the sandbox profile does not say whether {0} is required or wanted")]
    Silent(Layer),
    /// A layer that no site may relax.
    #[error("the sandbox profile makes {layer} optional; without it {}", .layer.without_it())]
    Relaxed {
        /// Which one.
        layer: Layer,
    },
    /// A limit of zero.
    #[error("the sandbox profile sets {0} to 0; it must be at least 1")]
    Zero(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    layers: BTreeMap<Layer, Requirement>,
    limits: Limits,
}

impl Profile {
    /// Reads a profile. Every layer and every limit must be there, and nothing else may.
    ///
    /// # Errors
    /// If the text is not such a profile, or makes a layer optional that no site may do without.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let Text {
            name,
            layers,
            limits,
        } = toml::from_str(text)
            .map_err(|error: toml::de::Error| ProfileError::Shape(error.message().to_owned()))?;
        for layer in Layer::ALL {
            match (layers.get(&layer), may_be_wanted(layer)) {
                (None, _) => return Err(ProfileError::Silent(layer)),
                (Some(Requirement::Wanted), Relax::Never) => {
                    return Err(ProfileError::Relaxed { layer });
                }
                (Some(Requirement::Required), _) | (Some(Requirement::Wanted), Relax::Allowed) => {}
            }
        }
        if let Some((name, _)) = named(&limits).into_iter().find(|(_, value)| *value == 0) {
            return Err(ProfileError::Zero(name));
        }
        Ok(Self {
            name,
            layers,
            limits,
        })
    }

    /// The same with every layer that may be wanted only wanted, to try all the others.
    pub(crate) fn relaxed(&self) -> Self {
        let mut relaxed = self.clone();
        for (layer, requirement) in &mut relaxed.layers {
            match may_be_wanted(*layer) {
                Relax::Allowed => *requirement = Requirement::Wanted,
                Relax::Never => {}
            }
        }
        relaxed
    }

    /// The first limit in which `limits` goes beyond this profile.
    #[must_use]
    pub fn exceeded(&self, limits: &Limits) -> Option<&'static str> {
        named(limits)
            .into_iter()
            .zip(named(&self.limits))
            .find(|((_, asked), (_, most))| asked > most)
            .map(|((name, _), _)| name)
    }
}

enum Relax {
    Never,
    Allowed,
}

/// What a machine may lack without a way out for rows or into the host.
fn may_be_wanted(layer: Layer) -> Relax {
    match layer {
        Layer::SeparateUser | Layer::MemoryCgroup | Layer::NoSwap | Layer::LandlockScopes => {
            Relax::Allowed
        }
        Layer::CleanStart
        | Layer::UserNamespace
        | Layer::MountNamespace
        | Layer::PidNamespace
        | Layer::NetworkNamespace
        | Layer::IpcNamespace
        | Layer::UtsNamespace
        | Layer::CgroupNamespace
        | Layer::EmptyRoot
        | Layer::ReadOnlyInputs
        | Layer::Scratch
        | Layer::Capabilities
        | Layer::NoNewPrivileges
        | Layer::Landlock
        | Layer::ResourceLimits
        | Layer::Guarded
        | Layer::Seccomp => Relax::Never,
    }
}

fn named(limits: &Limits) -> [(&'static str, u32); 11] {
    let Limits {
        memory_mib,
        threads,
        time_s,
        cpu_s,
        scratch_mib,
        rows,
        columns,
        cell_bytes,
        result_bytes,
        statement_bytes,
        file_mib,
    } = *limits;
    [
        ("memory_mib", memory_mib),
        ("threads", threads),
        ("time_s", time_s),
        ("cpu_s", cpu_s),
        ("scratch_mib", scratch_mib),
        ("rows", rows),
        ("columns", columns),
        ("cell_bytes", cell_bytes),
        ("result_bytes", result_bytes),
        ("statement_bytes", statement_bytes),
        ("file_mib", file_mib),
    ]
}

#[cfg(test)]
mod tests;
