//! What the specifications say, by brute force and in their own words: RFC 6962 section 2.1 for
//! trees and proofs, C2SP tlog-tiles for files. Shares nothing with the crate but SHA-256.

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};

use crate::Hash;

fn sha256(parts: &[&[u8]]) -> Hash {
    digest(&SHA256, &parts.concat())
        .as_ref()
        .try_into()
        .unwrap()
}

/// The largest power of two below n.
fn split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

pub(super) fn leaf(entry: &[u8]) -> Hash {
    sha256(&[&[0], entry])
}

/// MTH over leaf hashes.
pub(super) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split(many.len()));
            sha256(&[&[1], &root(left), &root(right)])
        }
    }
}

/// PATH(m, D[n]).
pub(super) fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, sibling) = if m < left.len() {
        (path(m, left), root(right))
    } else {
        (path(m - left.len(), right), root(left))
    };
    proof.push(sibling);
    proof
}

/// PROOF(m, D[n]).
pub(super) fn consistency(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    subproof(m, leaves, true)
}

fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole {
            Vec::new()
        } else {
            vec![root(leaves)]
        };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, sibling) = if m <= left.len() {
        (subproof(m, left, whole), root(right))
    } else {
        (subproof(m - left.len(), right, false), root(left))
    };
    proof.push(sibling);
    proof
}

/// Groups of three digits, all but the last with `x` before.
pub(super) fn tile_name(kind: &str, index: u64, width: usize) -> String {
    let mut name = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        name = format!("x{:03}/{name}", rest % 1000);
        rest /= 1000;
    }
    if width < 256 {
        name += &format!(".p/{width}");
    }
    format!("tile/{kind}/{name}")
}

/// Every file that a log of these entries needs.
pub(super) fn files(entries: &[Vec<u8>]) -> BTreeMap<String, Vec<u8>> {
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf(entry)).collect();
    let mut files = BTreeMap::new();
    for (index, part) in (0..).zip(entries.chunks(256)) {
        let bundle = part.iter().fold(Vec::new(), |mut bundle, entry| {
            bundle.extend_from_slice(&(entry.len() as u16).to_be_bytes());
            bundle.extend_from_slice(entry);
            bundle
        });
        files.insert(tile_name("entries", index, part.len()), bundle);
    }
    let (mut level, mut span) = (0, 1);
    while leaves.len() >= span {
        // A subtree that is not full is not hashed into the level above.
        let hashes: Vec<Hash> = leaves.chunks_exact(span).map(root).collect();
        for (index, tile) in (0..).zip(hashes.chunks(256)) {
            let name = tile_name(&level.to_string(), index, tile.len());
            files.insert(name, tile.concat());
        }
        (level, span) = (level + 1, span * 256);
    }
    files
}
