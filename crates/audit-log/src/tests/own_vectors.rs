//! `audit/vectors`, which `audit/make_vectors.py` wrote from the specifications.

use std::fs;

use serde_json::{Value, json};

use super::{hex_hash, repository};
use crate::{
    Entry, Hash, InclusionProof, LeafHashes, LogKey, MemoryTiles, Note, TileNodes, Tiles, Trust,
    Vkey, WitnessKey, commit, consistency_proof, inclusion_proof, leaf_hash, publish,
    root_of_leaf_hashes, sha256, verify_consistency, verify_inclusion,
};

fn vectors(name: &str) -> Value {
    let path = repository().join("audit/vectors").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn hashes(value: &Value) -> Vec<Hash> {
    list(value).iter().map(|h| hex_hash(text(h))).collect()
}

/// The rule of `entry(n)` in `make_vectors.py`, in our own words.
fn entry(n: u64) -> Entry {
    let statement = format!("select {n}");
    Entry {
        time: format!("2026-03-01T10:{:02}:{:02}Z", n / 60 % 60, n % 60),
        actor: format!("person/{}", n % 5),
        action: "output.release".to_owned(),
        object: format!("output/{n}"),
        project: (!n.is_multiple_of(3)).then(|| format!("project/{}", n % 3)),
        policy_sha256: ["access", "disclosure"]
            .map(|name| (name.to_owned(), hex::encode(sha256(name.as_bytes()))))
            .into(),
        details: json!({ "cells": n, "lane": "exact", "votes": ["person/1", "person/2"] }),
        commitments: [(
            "statement".to_owned(),
            hex::encode(commit(&[(n % 256) as u8; 32], statement.as_bytes())),
        )]
        .into(),
    }
}

fn log_entries(n: u64) -> Vec<Vec<u8>> {
    (0..n).map(|n| entry(n).encode().unwrap()).collect()
}

#[test]
fn trees() {
    let file = vectors("tree.json");
    let leaves: Vec<Hash> = list(&file["leaves_hex"])
        .iter()
        .map(|leaf| leaf_hash(&hex::decode(text(leaf)).unwrap()))
        .collect();
    let roots = hashes(&file["root_hex_by_size"]);
    assert_eq!((leaves.len(), roots.len()), (12, 13));
    for (size, root) in roots.iter().enumerate() {
        assert_eq!(root_of_leaf_hashes(&leaves[..size]), *root);
    }
    let mut ran = 0;
    for case in list(&file["inclusion"]) {
        let (index, size) = (
            case["index"].as_u64().unwrap(),
            case["size"].as_u64().unwrap(),
        );
        let proof = hashes(&case["proof_hex"]);
        assert_eq!(
            inclusion_proof(&LeafHashes(&leaves), index, size).unwrap(),
            proof
        );
        let leaf = &leaves[index as usize];
        verify_inclusion(leaf, index, size, &proof, &roots[size as usize]).unwrap();
        ran += 1;
    }
    for case in list(&file["consistency"]) {
        let (old, new) = (case["old"].as_u64().unwrap(), case["new"].as_u64().unwrap());
        let proof = hashes(&case["proof_hex"]);
        assert_eq!(
            consistency_proof(&LeafHashes(&leaves), old, new).unwrap(),
            proof
        );
        let (old_root, new_root) = (&roots[old as usize], &roots[new as usize]);
        verify_consistency(old, new, &proof, old_root, new_root).unwrap();
        ran += 1;
    }
    assert_eq!(ran, 78 + 78);
}

#[test]
fn entry_bytes() {
    let file = vectors("entry.json");
    let mut ran = 0;
    for case in list(&file["entries"]) {
        let n = case["n"].as_u64().unwrap();
        let bytes = entry(n).encode().unwrap();
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), text(&case["utf8"]));
        assert_eq!(leaf_hash(&bytes), hex_hash(text(&case["leaf_hex"])));
        assert_eq!(Entry::decode(&bytes).unwrap(), entry(n));
        ran += 1;
    }
    for case in list(&file["refused_utf8"]) {
        assert!(Entry::decode(text(case).as_bytes()).is_err(), "{case}");
        ran += 1;
    }
    for case in list(&file["commitments"]) {
        let salt = hex_hash(text(&case["salt_hex"]));
        let bytes = hex::decode(text(&case["bytes_hex"])).unwrap();
        assert_eq!(commit(&salt, &bytes), hex_hash(text(&case["sha256_hex"])));
        ran += 1;
    }
    assert_eq!(ran, 8 + 12 + 3);
}

fn witnesses(file: &Value) -> Vec<(WitnessKey, u64)> {
    list(&file["witnesses"])
        .iter()
        .map(|w| {
            let seed = hex_hash(text(&w["seed_hex"]));
            let key = WitnessKey::from_seed(text(&w["name"]), &seed).unwrap();
            assert_eq!(key.vkey().to_string(), text(&w["vkey"]));
            (key, w["time"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn checkpoints_and_cosignatures() {
    let file = vectors("note.json");
    let seed = hex_hash(text(&file["log"]["seed_hex"]));
    let key = LogKey::from_seed(text(&file["log"]["name"]), &seed).unwrap();
    assert_eq!(key.vkey().to_string(), text(&file["log"]["vkey"]));
    let trust = Trust::new(key.vkey().clone(), &[], 0).unwrap();
    let entries = log_entries(300);
    let mut ran = 0;
    for case in list(&file["checkpoints"]) {
        let size = case["size"].as_u64().unwrap();
        let leaves: Vec<Hash> = entries[..size as usize]
            .iter()
            .map(|e| leaf_hash(e))
            .collect();
        let root = root_of_leaf_hashes(&leaves);
        assert_eq!(root, hex_hash(text(&case["root_hex"])));
        let signed = key.sign_checkpoint(size, root).unwrap();
        assert_eq!(signed, text(&case["signed"]));
        assert_eq!(trust.open(&signed).unwrap().checkpoint.size, size);
        ran += 1;
    }
    assert_eq!(ran, 5);
    let witnesses = witnesses(&file);
    let mut note = Note::parse(text(&list(&file["checkpoints"])[4]["signed"])).unwrap();
    for (witness, time) in &witnesses {
        let line = witness.cosign(note.text(), *time).unwrap();
        note = note.with_signature(line).unwrap();
    }
    assert_eq!(note.to_string(), text(&file["cosigned"]));
    let keys: Vec<Vkey> = witnesses.iter().map(|(w, _)| w.vkey().clone()).collect();
    let trust = Trust::new(key.vkey().clone(), &keys, 2).unwrap();
    assert_eq!(trust.open(&note.to_string()).unwrap().verified.len(), 3);
}

#[test]
fn log_files() {
    let file = vectors("log.json");
    let all = log_entries(300);
    let mut ran = 0;
    for log in list(&file["logs"]) {
        let size = log["size"].as_u64().unwrap();
        let tiles = MemoryTiles::new();
        publish(&tiles, super::log_key().vkey(), 0, &all[..size as usize]).unwrap();
        let files = log["files"].as_object().unwrap();
        let mut paths = tiles.paths();
        paths.retain(|path| path != "vkey");
        assert_eq!(paths, files.keys().cloned().collect::<Vec<_>>());
        for (path, hash) in files {
            let stored = tiles.read(path).unwrap().unwrap();
            assert_eq!(sha256(&stored), hex_hash(text(hash)), "{path} at {size}");
            ran += 1;
        }
    }
    assert_eq!(ran, 19);
}

#[test]
fn proof_files() {
    let file = vectors("proof.json");
    let notes = vectors("note.json");
    let keys: Vec<Vkey> = witnesses(&notes)
        .iter()
        .map(|(w, _)| w.vkey().clone())
        .collect();
    let log = Vkey::parse(text(&notes["log"]["vkey"])).unwrap();
    let trust = Trust::new(log, &keys, 2).unwrap();
    let tiles = MemoryTiles::new();
    let entries = log_entries(300);
    publish(&tiles, super::log_key().vkey(), 0, &entries).unwrap();
    let mut ran = 0;
    for case in list(&file["proofs"]) {
        let index = case["index"].as_u64().unwrap();
        let entry = &entries[index as usize];
        let nodes = TileNodes::new(&tiles, 300);
        let made = InclusionProof::make(&nodes, index, entry, text(&notes["cosigned"])).unwrap();
        assert_eq!(made.to_string(), text(&case["proof"]));
        let read = InclusionProof::parse(text(&case["proof"])).unwrap();
        read.verify(entry, &trust).unwrap();
        assert!(read.verify(&entries[7], &trust).is_err());
        ran += 1;
    }
    assert_eq!(ran, 5);
}
