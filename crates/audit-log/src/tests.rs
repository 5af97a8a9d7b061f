mod forms;
mod growth;
mod own_vectors;
mod ownership;
mod probes;
mod python;
mod reference;
mod shared_tiles;
mod shared_vectors;
mod tamper;
mod trees;

use std::path::PathBuf;

use crate::{
    Entry, Hash, LogKey, MemoryTiles, Published, Tiles, commit, publish, publish_checkpoint,
};

pub(crate) const ORIGIN: &str = "strongroom.example/audit";

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../..")
}

pub(crate) fn log_key() -> LogKey {
    LogKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

pub(crate) fn hex_hash(text: &str) -> Hash {
    hex::decode(text).unwrap().try_into().unwrap()
}

pub(crate) fn entry(n: u64) -> Entry {
    Entry {
        time: format!("2026-02-01T09:{:02}:{:02}Z", n / 60 % 60, n % 60),
        actor: format!("person/{}", n % 3),
        action: "application.submit".to_owned(),
        object: format!("application/{n}"),
        project: (n % 2 == 1).then(|| "project/4".to_owned()),
        policy_sha256: [(
            "access".to_owned(),
            hex::encode(commit(&[0; 32], b"access")),
        )]
        .into(),
        details: serde_json::json!({ "version": n, "quorum": 2 }),
        commitments: [(
            "summary".to_owned(),
            hex::encode(commit(&[1; 32], b"prose")),
        )]
        .into(),
    }
}

pub(crate) fn entries(n: u64) -> Vec<Vec<u8>> {
    (0..n).map(|n| entry(n).encode().unwrap()).collect()
}

/// Publishes entries from 0 with key and checkpoint.
pub(crate) fn write_log(tiles: &dyn Tiles, entries: &[Vec<u8>]) -> Published {
    let key = log_key();
    let published = publish(tiles, key.vkey(), 0, entries).unwrap();
    let signed = key.sign_checkpoint(published.size, published.root).unwrap();
    publish_checkpoint(tiles, key.vkey(), &signed).unwrap();
    published
}

pub(crate) fn log_of(n: u64) -> MemoryTiles {
    let tiles = MemoryTiles::new();
    write_log(&tiles, &entries(n));
    tiles
}
