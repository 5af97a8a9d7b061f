//! The published tlog-tiles vectors: names, shapes, Tessera's log, a log of 70,000.

use super::{
    hex_hash, log_key,
    shared_vectors::{bytes, hashes, list, text, vectors},
};
use crate::{
    Frontier, LeafHashes, MemoryTiles, Outcome, TileNodes, TilePath, Tiles, VerifyOptions, Vkey,
    bundle_entries, bundle_start, consistency_proof, encode_bundle, inclusion_proof, leaf_hash,
    publish, publish_checkpoint, root_of_leaf_hashes, sha256, tile::tiles_at, verify_consistency,
    verify_inclusion, verify_log,
};

#[test]
fn tile_paths_and_shapes() {
    let Some(file) = vectors("11-tlog-tiles.json") else {
        return;
    };
    let mut ran = 0;
    for case in list(&file["index_path"]) {
        let index = case["n"].as_u64().unwrap();
        let tile = TilePath::Hashes {
            level: 0,
            index,
            width: 256,
        };
        let path = format!("tile/0/{}", text(&case["path"]));
        assert_eq!(tile.to_string(), path);
        assert_eq!(TilePath::parse(&path).unwrap(), tile);
        ran += 1;
    }
    for path in list(&file["bad_paths"]) {
        assert!(TilePath::parse(text(path)).is_err(), "{path}");
        ran += 1;
    }
    let generated = file["generated_log"]["sizes"].as_object().unwrap();
    let named = list(&file["shape"])
        .iter()
        .map(|s| (s["size"].as_u64().unwrap(), &s["levels"]));
    let sized = generated
        .iter()
        .map(|(size, v)| (size.parse().unwrap(), &v["shape"]));
    for (size, levels) in named.chain(sized) {
        let expected: Vec<(u64, u64)> = list(levels)
            .iter()
            .map(|l| {
                (
                    l["full_tiles"].as_u64().unwrap(),
                    l["partial_width"].as_u64().unwrap(),
                )
            })
            .collect();
        let got: Vec<(u64, u64)> = (0..64)
            .map(|level| tiles_at(size, level))
            .map(|(full, partial)| (full, u64::from(partial)))
            .take_while(|shape| *shape != (0, 0))
            .collect();
        assert_eq!(got, expected, "size {size}");
        ran += 1;
    }
    assert_eq!(ran, 8 + 9 + 6 + 10);
}

#[test]
fn tessera_log() {
    let Some(file) = vectors("11-tlog-tiles.json") else {
        return;
    };
    let log = &file["tessera_log"];
    let vkey = Vkey::parse(text(&log["vkey"])).unwrap();
    let leaves: Vec<&str> = list(&log["leaves_utf8"]).iter().map(text).collect();
    let mut ran = 0;
    for (size, signed) in list(&log["checkpoints"]).iter().enumerate() {
        let tiles = MemoryTiles::new();
        publish(&tiles, &vkey, 0, &leaves[..size]).unwrap();
        publish_checkpoint(&tiles, &vkey, text(signed)).unwrap();
        let options = VerifyOptions {
            vkey: Some(vkey.clone()),
            ..VerifyOptions::default()
        };
        let verdict = verify_log(&tiles, &options);
        assert_eq!(verdict.verdict, Outcome::Ok, "{}", verdict.reason);
        assert_eq!(verdict.size, Some(size as u64));
        for (key, kind) in [
            ("tile_0_000", "tile/0/000"),
            ("entries_000", "tile/entries/000"),
        ] {
            if let Some(expected) = log[key].get(format!("p/{size}")) {
                let stored = tiles.read(&format!("{kind}.p/{size}")).unwrap().unwrap();
                assert_eq!(stored, bytes(expected));
                ran += 1;
            }
        }
        ran += 1;
    }
    assert_eq!(ran, 16 + 6);
    assert_eq!(
        encode_bundle(&leaves).unwrap(),
        bytes(&log["entries_000"]["p/15"])
    );
    let all = bytes(&log["entries_000"]["p/15"]);
    let back: Vec<&[u8]> = bundle_entries(&all).map(Option::unwrap).collect();
    assert_eq!(
        back,
        leaves.iter().map(|l| l.as_bytes()).collect::<Vec<_>>()
    );
}

#[test]
fn generated_log_of_70_000() {
    let Some(file) = vectors("11-tlog-tiles.json") else {
        return;
    };
    let log = &file["generated_log"];
    let entry = |n: u64| format!("leaf {n}").into_bytes();
    let sizes = log["sizes"].as_object().unwrap();
    let tiles = MemoryTiles::new();
    let mut leaves = Vec::new();
    let mut frontier = Frontier::new();
    let (mut ran, mut start) = (0, 0);
    for n in 0..=70_000 {
        if let Some(expected) = sizes.get(&n.to_string()) {
            let root = hex_hash(text(&expected["root_hex"]));
            assert_eq!(frontier.root(), root, "size {n}");
            // Grow the published log in the same steps.
            let published =
                publish(&tiles, log_key().vkey(), start, (start..n).map(entry)).unwrap();
            assert_eq!((published.size, published.root), (n, root));
            start = bundle_start(n);
            ran += 1;
        }
        let leaf = leaf_hash(&entry(n));
        if n < 70_000 {
            leaves.push(leaf);
            frontier.append(leaf).unwrap();
        }
    }
    for tile in list(&log["tiles_at_70000"]) {
        let stored = tiles.read(text(&tile["path"])).unwrap().unwrap();
        assert_eq!(
            sha256(&stored),
            hex_hash(text(&tile["sha256_hex"])),
            "{}",
            tile["path"]
        );
        ran += 1;
    }
    let nodes = TileNodes::new(&tiles, 70_000);
    let root = frontier.root();
    for case in list(&log["inclusion_at_70000"]) {
        let index = case["leaf_index"].as_u64().unwrap();
        let proof = hashes(&case["proof_hex"]);
        assert_eq!(inclusion_proof(&nodes, index, 70_000).unwrap(), proof);
        assert_eq!(
            inclusion_proof(&LeafHashes(&leaves), index, 70_000).unwrap(),
            proof
        );
        let leaf = hex_hash(text(&case["leaf_hash_hex"]));
        verify_inclusion(&leaf, index, 70_000, &proof, &root).unwrap();
        ran += 1;
    }
    for case in list(&log["consistency_to_70000"]) {
        let old = case["old_size"].as_u64().unwrap();
        let proof = hashes(&case["proof_hex"]);
        assert_eq!(consistency_proof(&nodes, old, 70_000).unwrap(), proof);
        let old_root = root_of_leaf_hashes(&leaves[..old as usize]);
        verify_consistency(old, 70_000, &proof, &old_root, &root).unwrap();
        ran += 1;
    }
    assert_eq!(ran, 10 + 6 + 6 + 8);
}
