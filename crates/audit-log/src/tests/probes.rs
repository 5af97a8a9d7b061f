//! Hostile and odd texts, each against what its specification says of it, and a log of three tile
//! levels against brute force.

use std::collections::BTreeMap;

use super::{log_key, reference};
use crate::{
    AuditError, Checkpoint, Hash, InclusionProof, KeyKind, LeafHashes, LogKey, MemoryTiles, Note,
    NoteSignature, TileNodes, TilePath, Tiles, Trust, Vkey, WitnessKey, bundle_start,
    consistency_proof, empty_root, inclusion_proof, leaf_hash, node_hash, publish, read_entries,
    tile::tiles_at, verify_consistency, verify_inclusion,
};

const ROOT: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

#[test]
fn hashes_of_nothing() {
    // SHA-256 of no bytes (FIPS 180-4 examples), and of one zero byte as RFC 6962 takes an empty leaf.
    assert_eq!(
        hex::encode(empty_root()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(
        hex::encode(leaf_hash(b"")),
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    );
    let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
    assert_eq!(node_hash(&left, &right), reference::root(&[left, right]));
    assert_ne!(node_hash(&left, &right), node_hash(&right, &left));
    // No two entries make an inner node.
    assert_ne!(leaf_hash(&[left, right].concat()), node_hash(&left, &right));
}

#[test]
fn verifier_keys() {
    let good = log_key().vkey().to_string();
    assert_eq!(Vkey::parse(&good).unwrap().to_string(), good);
    let [name, id, material] = good.splitn(3, '+').collect::<Vec<_>>()[..] else {
        panic!("{good}")
    };
    let bad = [
        String::new(),
        name.to_owned(),
        format!("{name}+{id}"),
        format!("+{id}+{material}"),
        format!("a name+{id}+{material}"),
        format!("{name}x+{id}+{material}"),
        format!("{name}+00000000+{material}"),
        format!("{name}+{}+{material}", id.to_uppercase()),
        format!("{name}+{}+{material}", &id[..7]),
        format!("{name}+{id}+"),
        format!("{name}+{id}+{}", &material[..material.len() - 1]),
        format!("{name}+{id}+{}", &material[..material.len() - 4]),
        format!("{name}+{id}+{material}AAAA"),
        format!("{name}+{id}+{material}\n"),
        // Another type byte: none of ours, then the witness's, for which the id is another.
        format!("{name}+{id}+Ag{}", &material[2..]),
        format!("{name}+{id}+BA{}", &material[2..]),
    ];
    // The key id of this seed has a letter, or the upper-case probe would be no probe.
    assert!(id.bytes().any(|b| b.is_ascii_lowercase()), "{id}");
    for text in bad {
        assert!(
            matches!(Vkey::parse(&text), Err(AuditError::KeyFormat(_))),
            "{text:?}"
        );
    }
}

#[test]
fn signed_notes() {
    let key = log_key();
    let other = LogKey::from_seed("other.example", &[9; 32]).unwrap();
    let text = "one\n\ntwo\n";
    let good = key.sign_note(text).unwrap().to_string();
    let line = good.strip_prefix("one\n\ntwo\n\n").unwrap().to_owned();
    let stranger = other.sign_note(text).unwrap().signatures()[0].to_string();
    let trusted = [key.vkey().clone()];
    let verify = |note: &str| Note::parse(note)?.verify(&trusted).map(|v| v.len());
    assert_eq!(verify(&good).unwrap(), 1);
    assert_eq!(verify(&format!("{text}\n{stranger}\n{line}")).unwrap(), 1);
    assert!(matches!(
        verify(&format!("{text}\n{stranger}\n")),
        Err(AuditError::NotSigned)
    ));
    // The id is the key's, not the name alone; and a note's text is signed with its last newline.
    let renamed = line.replacen(key.vkey().name(), "other.example", 1);
    assert!(matches!(
        verify(&format!("{text}\n{renamed}")),
        Err(AuditError::NotSigned)
    ));
    let changed = good.replacen("two", "too", 1);
    assert!(matches!(
        verify(&changed),
        Err(AuditError::BadSignature { .. })
    ));
    // One good line of a known key does not outweigh a bad one.
    let elsewhere = key.sign_note("three\n").unwrap().signatures()[0].to_string();
    assert!(matches!(
        verify(&format!("{good}{elsewhere}\n")),
        Err(AuditError::BadSignature { .. })
    ));
    for bad in [
        String::new(),
        text.to_owned(),
        format!("{text}\n"),
        good.trim_end().to_owned(),
        format!("{good}\n"),
        good.replace('\n', "\r\n"),
        good.replacen("one", "o\tne", 1),
        good.replace("— ", "- "),
        good.replace("— ", "—"),
        good.replace("— ", "—  "),
        good.replacen(key.vkey().name(), "a+b", 1),
        format!("{text}\n— name\n"),
        format!("{text}\n— name AAAA\n"),
        format!("{text}\n— name AAAAAA==\n"),
        format!("{text}\n— name {}\n", "!".repeat(8)),
        format!("{text}\n{line}trailing\n"),
    ] {
        assert!(
            matches!(verify(&bad), Err(AuditError::NoteFormat(_))),
            "{bad:?}"
        );
    }
}

#[test]
fn checkpoint_bodies() {
    let max = (1_u64 << 63) - 1;
    for good in [
        format!("o\n0\n{ROOT}\n"),
        format!("o with spaces é\n{max}\n{ROOT}\n"),
        format!("o\n7\n{ROOT}\nmore\n lines\n"),
    ] {
        assert_eq!(Checkpoint::parse(&good).unwrap().text(), good);
    }
    for bad in [
        String::new(),
        "\n".to_owned(),
        format!("o\n0\n{ROOT}"),
        format!("o\n0\n{ROOT}\n\n"),
        format!("o\n0\n{ROOT}\n\nmore\n"),
        format!("\n0\n{ROOT}\n"),
        format!("o\n\n{ROOT}\n"),
        "o\n0\n".to_owned(),
        "o\n0\n\n".to_owned(),
        format!("o\n00\n{ROOT}\n"),
        format!("o\n+1\n{ROOT}\n"),
        format!("o\n-1\n{ROOT}\n"),
        format!("o\n 1\n{ROOT}\n"),
        format!("o\n0x1\n{ROOT}\n"),
        format!("o\n1e3\n{ROOT}\n"),
        format!("o\n{}\n{ROOT}\n", max + 1),
        format!("o\n18446744073709551616\n{ROOT}\n"),
        format!("o\n0\n{}\n", ROOT.trim_end_matches('=')),
        format!("o\n0\n{} \n", ROOT),
        format!("o\n0\n{}\n", ROOT.replace('+', "-").replace('/', "_")),
        // The last digit before the padding has bits that no byte uses.
        format!("o\n0\n{}\n", ROOT.replace("U=", "V=")),
        "o\n0\nAAAA\n".to_owned(),
        format!("o\r\n0\r\n{ROOT}\r\n"),
    ] {
        assert!(
            matches!(
                Checkpoint::parse(&bad),
                Err(AuditError::CheckpointFormat(_))
            ),
            "{bad:?}"
        );
    }
}

#[test]
fn cosignatures() {
    let witness = WitnessKey::from_seed("witness.example", &[5; 32]).unwrap();
    let trusted = [witness.vkey().clone()];
    let text = format!("o\n0\n{ROOT}\n");
    let verify = |text: &str, line: NoteSignature| {
        let note = Note::new(text, vec![line]).unwrap();
        note.verify(&trusted).map(|v| v[0].time)
    };
    for time in [0, 1, 1_772_000_000, (1 << 63) - 1] {
        let line = witness.cosign(&text, time).unwrap();
        assert_eq!(line.cosignature_time(), Some(time));
        assert_eq!(NoteSignature::parse(&line.to_string()).unwrap(), line);
        assert_eq!(verify(&text, line).unwrap(), Some(time));
    }
    let good = witness.cosign(&text, 7).unwrap();
    let other_text = format!("o\n1\n{ROOT}\n");
    let plain = LogKey::from_seed("witness.example", &[5; 32]).unwrap();
    let plain = plain.sign_note(&text).unwrap().signatures()[0]
        .bytes
        .clone();
    let with = |bytes: Vec<u8>| NoteSignature {
        bytes,
        ..good.clone()
    };
    let mut later = good.bytes.clone();
    later[7] += 1;
    let mut beyond = good.bytes.clone();
    beyond[0] |= 0x80;
    let longer = [&good.bytes[..], &[0]].concat();
    let bad = [
        (&other_text, good.clone()),
        (&text, with(later)),
        (&text, with(beyond)),
        (&text, with(longer)),
        (&text, with(good.bytes[..71].to_vec())),
        // The note itself signed, as a log does: no witness looked at a time.
        (&text, with(plain.clone())),
        (&text, with([&[0; 8][..], &plain].concat())),
    ];
    for (text, line) in bad {
        assert!(matches!(
            verify(text, line),
            Err(AuditError::BadSignature { .. })
        ));
    }
    assert_eq!(trusted[0].kind(), KeyKind::Cosignature);
}

#[test]
fn proof_texts() {
    let list = super::entries(5);
    let leaves: Vec<Hash> = list.iter().map(|entry| leaf_hash(entry)).collect();
    let key = log_key();
    let trust = Trust::new(key.vkey().clone(), &[], 0).unwrap();
    let signed = key.sign_checkpoint(5, reference::root(&leaves)).unwrap();
    let good = InclusionProof::make(&LeafHashes(&leaves), 3, &list[3], &signed)
        .unwrap()
        .to_string();
    let holds = |text: &str| {
        InclusionProof::parse(text).is_ok_and(|proof| proof.verify(&list[3], &trust).is_ok())
    };
    assert!(holds(&good));
    assert!(holds(&good.replacen("\nindex", "\nextra AAAA\nindex", 1)));
    let hashes: Vec<&str> = good.lines().skip(2).take(3).collect();
    let bad = [
        good.replacen("@v1", "@v2", 1),
        good.replacen("c2sp.org", " c2sp.org", 1),
        good.replacen("\n\n", "\n", 1),
        good.replace('\n', "\r\n"),
        good.replacen("index 3", "index 03", 1),
        good.replacen("index 3", "index -3", 1),
        good.replacen("index 3", "index 4", 1),
        good.replacen("index 3", "index 5", 1),
        good.replacen("index 3", "index 18446744073709551615", 1),
        good.replacen("index 3\n", "", 1),
        good.replacen("\nindex", "\nextra ?\nindex", 1),
        good.replacen("\nindex", "\nextra AAAA\nextra AAAA\nindex", 1),
        good.replacen(hashes[0], "AAAA", 1),
        good.replacen(&format!("{}\n", hashes[0]), "", 1),
        good.replacen(hashes[0], hashes[1], 1),
        good.replacen(hashes[0], &format!("{0}\n{0}", hashes[0]), 1),
        good.replacen("\n5\n", "\n6\n", 1),
        good.trim_end().to_owned(),
        good.split_once("\n\n").unwrap().0.to_owned() + "\n\n",
    ];
    for text in bad {
        assert_ne!(text, good);
        assert!(!holds(&text), "{text:?}");
    }
}

#[test]
fn tile_names_and_shapes() {
    for index in [
        0,
        1,
        255,
        999,
        1000,
        1_234_067,
        999_999_999,
        1_000_000_000,
        u64::MAX,
    ] {
        for width in [1, 255, 256] {
            let tile = TilePath::Hashes {
                level: 0,
                index,
                width,
            };
            let name = reference::tile_name("0", index, width.into());
            assert_eq!(tile.to_string(), name);
            assert_eq!(TilePath::parse(&name).unwrap(), tile);
        }
    }
    // C2SP tlog-tiles gives this one as its example.
    let tile = TilePath::parse("tile/0/x001/x234/067").unwrap();
    assert!(matches!(
        tile,
        TilePath::Hashes {
            index: 1_234_067,
            ..
        }
    ));
    for bad in [
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/entries/000/",
        "/tile/0/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "Tile/0/000",
        "tile/0/ 00",
    ] {
        assert!(TilePath::parse(bad).is_err(), "{bad}");
    }
    for size in [
        0_u64,
        1,
        255,
        256,
        257,
        65_535,
        65_536,
        70_000,
        16_777_216,
        (1 << 63) - 1,
    ] {
        for level in 0_u8..64 {
            // floor(size / 256^level), tile by tile, without a shift that overflows.
            let hashes = (0..level).fold(size, |count, _| count / 256);
            let (full, partial) = tiles_at(size, level);
            assert_eq!(full * 256 + u64::from(partial), hashes);
            assert!(partial < 256);
        }
    }
}

/// Entries of a log that has a full tile at level 1, and so one hash at level 2.
const THREE_LEVELS: u64 = 66_000;

#[test]
fn a_log_of_three_levels_is_what_brute_force_gives() {
    let vkey = log_key().vkey().clone();
    let entry = |n: u64| format!("leaf {n}").into_bytes();
    let all: Vec<Vec<u8>> = (0..THREE_LEVELS).map(entry).collect();
    let leaves: Vec<Hash> = all.iter().map(|entry| reference::leaf(entry)).collect();
    let tiles = MemoryTiles::new();
    let mut start = 0;
    for size in [
        1,
        255,
        256,
        257,
        511,
        65_535,
        65_536,
        65_537,
        65_792,
        THREE_LEVELS,
    ] {
        let published = publish(&tiles, &vkey, start, &all[start as usize..size as usize]).unwrap();
        let root = reference::root(&leaves[..size as usize]);
        assert_eq!((published.size, published.root), (size, root));
        start = bundle_start(size);
    }
    let needed = reference::files(&all);
    for (path, bytes) in &needed {
        assert_eq!(tiles.read(path).unwrap().as_ref(), Some(bytes), "{path}");
    }
    let levels = needed.keys().fold(BTreeMap::new(), |mut levels, path| {
        *levels.entry(path.split('/').nth(1).unwrap()).or_insert(0) += 1;
        levels
    });
    assert_eq!(
        levels,
        BTreeMap::from([("0", 258), ("1", 2), ("2", 1), ("entries", 258)])
    );
    let nodes = TileNodes::new(&tiles, THREE_LEVELS);
    let root = reference::root(&leaves);
    for index in [0, 1, 255, 256, 32_768, 65_535, 65_536, 65_791, 65_999] {
        let proof = inclusion_proof(&nodes, index, THREE_LEVELS).unwrap();
        assert_eq!(proof, reference::path(index as usize, &leaves));
        verify_inclusion(&leaves[index as usize], index, THREE_LEVELS, &proof, &root).unwrap();
    }
    for old in [1, 2, 255, 256, 257, 65_535, 65_536, 65_537, THREE_LEVELS] {
        let proof = consistency_proof(&nodes, old, THREE_LEVELS).unwrap();
        assert_eq!(proof, reference::consistency(old as usize, &leaves));
        let old_root = reference::root(&leaves[..old as usize]);
        verify_consistency(old, THREE_LEVELS, &proof, &old_root, &root).unwrap();
    }
    let read: Vec<Vec<u8>> = read_entries(&tiles, THREE_LEVELS, 65_500..65_600)
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(read, all[65_500..65_600]);
}
