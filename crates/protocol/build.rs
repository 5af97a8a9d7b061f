//! Hashes the protocol's sources and the lock file, so that a keeper and a worker can be checked to belong together.

use std::io::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Error> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = Vec::new();
    collect(&here.join("src"), &mut files)?;
    files.push(here.join("../../Cargo.lock"));
    files.sort();
    let mut hash = Fnv::new();
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.file_name().unwrap_or_default();
        hash.eat(name.as_encoded_bytes());
        // A packed source tree may lack the lock file; its absence is hashed as such.
        match fs::read(file) {
            Ok(bytes) => hash.eat(&bytes),
            Err(_) => hash.eat(b"absent"),
        }
    }
    println!("cargo::rerun-if-changed={}", here.join("src").display());
    println!("cargo::rustc-env=STRONGROOM_BUILD_ID={:016x}", hash.0);
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// FNV-1a, 64 bits: it tells builds apart; it is no defence against a forger, who could answer any id.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn eat(&mut self, bytes: &[u8]) {
        let length = (bytes.len() as u64).to_le_bytes();
        for byte in length.iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
