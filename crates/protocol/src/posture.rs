//! The walls around a worker: their names, which of them a profile requires, and what a worker found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One wall. The order is the order in which a worker raises them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Started with an empty environment and no descriptor but the socket.
    CleanStart,
    /// A user id that nothing else on the machine uses.
    SeparateUser,
    /// A memory control group around the worker.
    MemoryCgroup,
    /// Input files in memory that is never swapped to a disk.
    NoSwap,
    /// A user namespace in which the worker is nobody.
    UserNamespace,
    /// Own mounts.
    MountNamespace,
    /// Own process numbers: it can see and signal no other process.
    PidNamespace,
    /// A network stack without interfaces.
    NetworkNamespace,
    /// Own System V and POSIX queues.
    IpcNamespace,
    /// Own host name.
    UtsNamespace,
    /// Own view of the control groups.
    CgroupNamespace,
    /// A root folder that holds nothing but `/in` and `/spill`, and cannot be written.
    EmptyRoot,
    /// Input files that cannot be written, on a mount without a path on the host.
    ReadOnlyInputs,
    /// Scratch space with a cap on bytes and files, gone with the worker.
    Scratch,
    /// No capability of any kind.
    Capabilities,
    /// Nothing that it runs can gain rights.
    NoNewPrivileges,
    /// Landlock, ABI 4 or later: files only below `/in` and `/spill`, nothing executable, no TCP.
    Landlock,
    /// Landlock, ABI 6 or later: no signal and no abstract socket to processes outside.
    LandlockScopes,
    /// Caps on memory, stack, file size, descriptors, threads, locked memory, core files and CPU time.
    ResourceLimits,
    /// Ends with the process that guards it, and cannot be read by another process of the same user.
    Guarded,
    /// A list of allowed system calls: no sockets, no new processes, no executable memory.
    Seccomp,
}

impl Layer {
    /// Every layer, in the order in which they are raised.
    pub const ALL: [Self; 21] = [
        Self::CleanStart,
        Self::SeparateUser,
        Self::MemoryCgroup,
        Self::NoSwap,
        Self::UserNamespace,
        Self::MountNamespace,
        Self::PidNamespace,
        Self::NetworkNamespace,
        Self::IpcNamespace,
        Self::UtsNamespace,
        Self::CgroupNamespace,
        Self::EmptyRoot,
        Self::ReadOnlyInputs,
        Self::Scratch,
        Self::Capabilities,
        Self::NoNewPrivileges,
        Self::Landlock,
        Self::LandlockScopes,
        Self::ResourceLimits,
        Self::Guarded,
        Self::Seccomp,
    ];

    /// The name that a policy file and a refusal use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CleanStart => "clean_start",
            Self::SeparateUser => "separate_user",
            Self::MemoryCgroup => "memory_cgroup",
            Self::NoSwap => "no_swap",
            Self::UserNamespace => "user_namespace",
            Self::MountNamespace => "mount_namespace",
            Self::PidNamespace => "pid_namespace",
            Self::NetworkNamespace => "network_namespace",
            Self::IpcNamespace => "ipc_namespace",
            Self::UtsNamespace => "uts_namespace",
            Self::CgroupNamespace => "cgroup_namespace",
            Self::EmptyRoot => "empty_root",
            Self::ReadOnlyInputs => "read_only_inputs",
            Self::Scratch => "scratch",
            Self::Capabilities => "capabilities",
            Self::NoNewPrivileges => "no_new_privileges",
            Self::Landlock => "landlock",
            Self::LandlockScopes => "landlock_scopes",
            Self::ResourceLimits => "resource_limits",
            Self::Guarded => "guarded",
            Self::Seccomp => "seccomp",
        }
    }

    /// Why the layer matters, as the end of a sentence "without it …".
    #[must_use]
    pub fn without_it(self) -> &'static str {
        match self {
            Self::CleanStart => "a worker could inherit secrets and open files",
            Self::SeparateUser => "a worker shares its user id with the process that started it",
            Self::MemoryCgroup => "only the worker's own limits bound its memory",
            Self::NoSwap => "decrypted rows could be swapped to a disk",
            Self::UserNamespace => "a worker cannot be given a world of its own",
            Self::MountNamespace => "a worker could see the files of the host",
            Self::PidNamespace => "a worker could see and signal other processes",
            Self::NetworkNamespace => "rows could leave over the network",
            Self::IpcNamespace => "rows could leave through shared memory",
            Self::UtsNamespace => "a worker could learn the name of the host",
            Self::CgroupNamespace => "a worker could learn how the host is arranged",
            Self::EmptyRoot => "a worker could open files of the host",
            Self::ReadOnlyInputs => "a query could change the data that it reads",
            Self::Scratch => "a query could fill the disk or leave rows on it",
            Self::Capabilities => "a worker could take down its own walls",
            Self::NoNewPrivileges => "a worker could gain rights from a program that it runs",
            Self::Landlock => "one mistake in the mounts would open the files of the host",
            Self::LandlockScopes => "one wall fewer stands against signals and abstract sockets",
            Self::ResourceLimits => "one query could take the whole machine",
            Self::Guarded => "a worker could outlive its guard or be read by another process",
            Self::Seccomp => "a worker could reach sockets, new processes and executable memory",
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a worker may start without a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// No layer, no worker.
    Required,
    /// Used where the machine offers it; its absence is reported.
    Wanted,
}

/// What became of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerState {
    /// It stands.
    Present {
        /// Version or numbers.
        detail: String,
    },
    /// It does not.
    Missing {
        /// What was tried and what the machine answered.
        why: String,
        /// How to get it.
        remedy: String,
    },
}

/// What became of each layer. A layer that is not named was not reached and counts as missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Posture(pub BTreeMap<Layer, LayerState>);

/// A layer that a profile requires and a worker lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the sandbox layer {layer} is missing ({why}); without it {}; {remedy}", .layer.without_it())]
#[serde(deny_unknown_fields)]
pub struct MissingLayer {
    /// Which one.
    pub layer: Layer,
    /// What was tried and what the machine answered.
    pub why: String,
    /// How to get it.
    pub remedy: String,
}

impl Posture {
    /// Notes that a layer stands.
    pub fn present(&mut self, layer: Layer, detail: impl Into<String>) {
        self.0.insert(
            layer,
            LayerState::Present {
                detail: detail.into(),
            },
        );
    }

    /// Notes that a layer is missing.
    pub fn missing(&mut self, layer: Layer, why: impl Into<String>, remedy: impl Into<String>) {
        self.0.insert(
            layer,
            LayerState::Missing {
                why: why.into(),
                remedy: remedy.into(),
            },
        );
    }

    /// The state of a layer; one that was never reached is missing.
    #[must_use]
    pub fn state(&self, layer: Layer) -> LayerState {
        self.0.get(&layer).cloned().unwrap_or(LayerState::Missing {
            why: "it was not reached".into(),
            remedy: "see the layer that is missing before it".into(),
        })
    }

    /// Checks that every required layer stands.
    ///
    /// # Errors
    /// The first required layer, in the order of raising, that does not.
    pub fn satisfies(&self, needs: &BTreeMap<Layer, Requirement>) -> Result<(), MissingLayer> {
        for layer in Layer::ALL {
            let need = needs.get(&layer).copied().unwrap_or(Requirement::Required);
            match (need, self.state(layer)) {
                (Requirement::Required, LayerState::Missing { why, remedy }) => {
                    return Err(MissingLayer { layer, why, remedy });
                }
                (Requirement::Wanted, LayerState::Missing { .. })
                | (Requirement::Required | Requirement::Wanted, LayerState::Present { .. }) => {}
            }
        }
        Ok(())
    }
}

/// One wall as it was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wall {
    /// Which one.
    pub layer: Layer,
    /// Whether the profile requires it.
    pub requirement: Requirement,
    /// Whether it stands. A wall whose attack worked counts as missing.
    pub state: LayerState,
    /// The attacks on it. Empty if no worker could be sealed.
    pub proof: Vec<Probe>,
}

/// Every wall under one sandbox profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// Name of the profile.
    pub profile: String,
    /// Its walls, in the order of raising.
    pub walls: Vec<Wall>,
}

/// One attack that a sealed worker made on its own walls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The layer that should hold; others may hold it too.
    pub layer: Layer,
    /// What was tried.
    pub attempt: String,
    /// Whether the wall held.
    pub outcome: Outcome,
    /// What happened: the name of the error, or that it worked.
    pub happened: String,
}

/// How an attack ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The attack failed.
    Held,
    /// The attack worked.
    Broken,
}
