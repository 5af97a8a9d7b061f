// Puts the prebuilt engine library beside what is built, and lets programs and tests find it there.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const LIBRARY: &str = "libduckdb.so";

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    // Beside a program; one folder above a test.
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN");
    println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN/..");
    let Some(folder) = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from) else {
        println!("cargo::error=DUCKDB_LIB_DIR is not set: run cargo inside the repository");
        return;
    };
    let library = folder.join(LIBRARY);
    println!("cargo::rerun-if-changed={}", library.display());
    if !library.is_file() {
        println!("cargo::error={LIBRARY} is missing: run `cargo xtask setup` first");
        return;
    }
    // OUT_DIR is PROFILE/build/NAME-HASH/out.
    let out = env::var_os("OUT_DIR").map(PathBuf::from);
    let Some(profile) = out.as_deref().and_then(|out| out.ancestors().nth(3)) else {
        println!("cargo::error=the folder of the build profile could not be told");
        return;
    };
    if let Err(error) = place(&library, &profile.join(LIBRARY)) {
        println!("cargo::error={LIBRARY} could not be copied beside the programs: {error}");
    }
}

/// Copies under another name first: a running program may have the old file mapped.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    let stamp = |path: &Path| fs::metadata(path).and_then(|m| Ok((m.len(), m.modified()?)));
    if let (Ok(source), Ok(copy)) = (stamp(from), stamp(to))
        && source.0 == copy.0
        && copy.1 >= source.1
    {
        return Ok(());
    }
    let part = to.with_extension(format!("so.{}", std::process::id()));
    fs::copy(from, &part)?;
    fs::rename(part, to)
}
