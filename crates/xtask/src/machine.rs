//! What a machine needs for a build, and how to get it on Debian.

use std::path::Path;
use std::process::Command;

use crate::fault::Fault;
use crate::run;

/// A program, what it is for, and how to install it.
struct Tool {
    program: &'static str,
    why: &'static str,
    how: &'static str,
}

const NEEDED: [Tool; 3] = [
    Tool {
        program: "cc",
        why: "compiles SQLite, zstd and ring, and links",
        how: "apt-get install build-essential",
    },
    Tool {
        program: "tar",
        why: "unpacks the prebuilt DuckDB",
        how: "apt-get install tar",
    },
    Tool {
        program: "sha256sum",
        why: "checks the prebuilt DuckDB",
        how: "apt-get install coreutils",
    },
];

const USEFUL: [Tool; 2] = [
    Tool {
        program: "python3",
        why: "runs the second verifier of the log; without it one test says that it was left out",
        how: "apt-get install python3",
    },
    Tool {
        program: "cargo-nextest",
        why: "runs tests faster; without it `cargo test` runs them",
        how: "cargo install --locked cargo-nextest",
    },
];

/// With apt, where we are root and it is there.
pub(crate) fn install(packages: &[&str], why: &str) -> Result<(), Fault> {
    let line = format!("apt-get install {}", packages.join(" "));
    let root = run::said(Command::new("id").arg("-u"))?.trim() == "0";
    if !root || !has("apt-get") {
        return Err(Fault::Lacks(vec![format!(
            "{} ({why}); on Debian: {line}",
            packages.join(", ")
        )]));
    }
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    let mut installing = apt();
    installing
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(packages);
    // The lists of a fresh machine are empty or old.
    run::must(apt().args(["update", "--quiet"]))?;
    run::must(&mut installing)
}

/// Whether the system's OpenSSL can be linked: OpenDP draws its noise from it.
pub(crate) fn has_openssl() -> bool {
    if std::env::var_os("OPENSSL_DIR").is_some() || std::env::var_os("OPENSSL_LIB_DIR").is_some() {
        // A site that says where it lies is believed, as by the build itself.
        return true;
    }
    has("pkg-config")
        && Command::new("pkg-config")
            .args(["--exists", "openssl"])
            .status()
            .is_ok_and(|status| status.success())
}

/// Fails with one line for each thing that is missing; says which useful ones are.
pub(crate) fn check() -> Result<(), Fault> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Fault::Plain(
            "only Linux on x86-64 can build this repository: the walls around a worker are Linux's, \
             and the pinned DuckDB is built for it"
                .into(),
        ));
    }
    for tool in USEFUL.iter().filter(|tool| !has(tool.program)) {
        eprintln!("xtask: not found, not needed: {}", sentence(tool));
    }
    let missing: Vec<String> = NEEDED
        .iter()
        .filter(|tool| !has(tool.program))
        .map(sentence)
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Fault::Lacks(missing))
    }
}

fn sentence(tool: &Tool) -> String {
    format!("`{}` ({}); on Debian: {}", tool.program, tool.why, tool.how)
}

/// Whether a program is on the path.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| is_program(&folder.join(program)))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_and_a_missing_one_is_not() {
        assert!(has("sh"));
        assert!(!has("no-such-program-here"));
    }

    #[test]
    fn a_file_that_cannot_be_executed_is_not_a_program() {
        use std::os::unix::fs::PermissionsExt;
        let file = std::env::temp_dir().join(format!("xtask-program-{}", std::process::id()));
        std::fs::write(&file, "").unwrap();
        for (mode, program) in [(0o644, false), (0o755, true)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_program(&file), program);
        }
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn each_tool_says_why_and_how() {
        for tool in NEEDED.iter().chain(&USEFUL) {
            let said = sentence(tool);
            assert!(said.contains("install"), "{said}");
        }
    }
}
