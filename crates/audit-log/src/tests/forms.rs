//! Formats: limits, refusals, and readers that never panic.

use std::{fmt::Debug, marker::PhantomData};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{entry, log_key, log_of};
use crate::{
    AuditError, Checkpoint, ENTRY_BYTES_MAX, Entry, InclusionProof, LeafHashes, LogKey, Note,
    TilePath, Tiles, Trust, Vkey, WitnessKey, bundle_entries, encode_bundle, leaf_hash,
};

fn refused(change: impl FnOnce(&mut Entry)) -> &'static str {
    let mut entry = entry(1);
    change(&mut entry);
    match entry.encode() {
        Err(AuditError::EntryField { field, .. }) => field,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn an_entry_holds_ids_numbers_and_hashes_only() {
    assert_eq!(refused(|e| e.actor = "Ada Lovelace".into()), "actor");
    assert_eq!(refused(|e| e.actor = String::new()), "actor");
    assert_eq!(refused(|e| e.action = "released\n".into()), "action");
    assert_eq!(refused(|e| e.object = "x".repeat(257)), "object");
    assert_eq!(refused(|e| e.project = Some(String::new())), "project");
    assert_eq!(
        refused(|e| e.details = json!({ "why": "a few words" })),
        "details"
    );
    assert_eq!(refused(|e| e.details = json!({ "a key": 1 })), "details");
    assert_eq!(
        refused(|e| e.details = json!({ "deep": [["tab\there"]] })),
        "details"
    );
    assert_eq!(refused(|e| e.details = json!([1, 2])), "details");
    let deep = (0..8).fold(json!(1), |inner, _| json!({ "x": inner }));
    assert_eq!(refused(|e| e.details = deep), "details");
    let mut seven = entry(1);
    seven.details = (0..7).fold(json!(1), |inner, _| json!({ "x": inner }));
    assert_eq!(Entry::decode(&seven.encode().unwrap()).unwrap(), seven);
    for hash in ["", "00", &"g".repeat(64), &"A".repeat(64), &"0".repeat(65)] {
        let map = || [("x".to_owned(), hash.to_owned())].into();
        assert_eq!(refused(|e| e.policy_sha256 = map()), "policy_sha256");
        assert_eq!(refused(|e| e.commitments = map()), "commitments");
    }
}

#[test]
fn times_are_rfc_3339() {
    let with = |time: &str| {
        Entry {
            time: time.to_owned(),
            ..entry(1)
        }
        .encode()
        .is_ok()
    };
    for good in [
        "2026-01-31T09:30:00Z",
        "2026-01-31T09:30:00.123456789Z",
        "2026-12-31T23:59:60+01:00",
        "2026-01-31T09:30:00.1-11:30",
        "2028-02-29T09:30:00Z",
        "2000-02-29T09:30:00Z",
    ] {
        assert!(with(good), "{good}");
    }
    for bad in [
        "",
        "2026-01-31",
        "2026-01-31 09:30:00Z",
        "2026-01-31T09:30:00",
        "2026-13-31T09:30:00Z",
        "2026-00-31T09:30:00Z",
        "2026-01-32T09:30:00Z",
        "2026-02-29T09:30:00Z",
        "2100-02-29T09:30:00Z",
        "2026-04-31T09:30:00Z",
        "2026-01-31T24:30:00Z",
        "2026-01-31T09:60:00Z",
        "2026-01-31T09:30:61Z",
        "2026-01-31T09:30:00.Z",
        "2026-01-31T09:30:00.1234567890Z",
        "2026-01-31T09:30:00z",
        "2026-01-31T09:30:00+24:00",
        "2026-01-31T09:30:00+0100",
        "2026-01-31T09:30:00ZZ",
        "2026-01-31T09:30:0éZ",
    ] {
        assert!(!with(bad), "{bad}");
    }
}

#[test]
fn an_entry_too_long_is_refused_not_cut() {
    let long = |count: usize| {
        let ids: Vec<Value> = (0..count).map(|_| json!("y".repeat(250))).collect();
        Entry {
            details: json!({ "ids": ids }),
            ..entry(1)
        }
        .encode()
    };
    assert!(long(250).unwrap().len() <= ENTRY_BYTES_MAX);
    assert!(matches!(long(270), Err(AuditError::EntryTooLong { .. })));
    assert!(Entry::decode(&vec![b' '; ENTRY_BYTES_MAX + 1]).is_err());
    assert!(encode_bundle(&[vec![0; ENTRY_BYTES_MAX]]).is_ok());
    assert!(encode_bundle(&[vec![0; ENTRY_BYTES_MAX + 1]]).is_err());
}

#[test]
fn other_versions_say_so() {
    let text = String::from_utf8(entry(1).encode().unwrap()).unwrap();
    assert!(text.starts_with(r#"{"v":1,"time":""#));
    let later = text.replace(r#"{"v":1"#, r#"{"v":2,"more":true"#);
    assert!(matches!(
        Entry::decode(later.as_bytes()),
        Err(AuditError::EntryVersion(2))
    ));
    let unknown = text.replace(r#"{"v":1"#, r#"{"v":1,"more":true"#);
    assert!(matches!(
        Entry::decode(unknown.as_bytes()),
        Err(AuditError::EntryUnreadable)
    ));
    let twice = text.replace(r#"{"v":1"#, r#"{"v":1,"v":1"#);
    assert!(Entry::decode(twice.as_bytes()).is_err());
}

#[test]
fn no_name_comes_twice_in_an_object() {
    let mut whole = entry(1);
    whole.details = json!({
        "a": null, "b": true, "c": -1, "d": u64::MAX, "e": 0.25, "f": "x",
        "g": [1, { "a": [] }, [{ "a": 2 }]], "h": { "a": {} },
    });
    let bytes = whole.encode().unwrap();
    assert_eq!(Entry::decode(&bytes).unwrap(), whole);
    let text = String::from_utf8(bytes).unwrap();
    let hash = "0".repeat(64);
    for (once, twice) in [
        (r#""details":{"#, r#""details":{"h":1,"#.to_owned()),
        (r#"{"a":[]}"#, r#"{"a":[],"a":[]}"#.to_owned()),
        (r#"{"a":2}"#, r#"{"a":2,"\u0061":3}"#.to_owned()),
        (r#""h":{"a":{}}"#, r#""h":{"a":{},"a":{}}"#.to_owned()),
        (
            r#""commitments":{"#,
            format!(r#""commitments":{{"summary":"{hash}","#),
        ),
        (
            r#""policy_sha256":{"#,
            format!(r#""policy_sha256":{{"access":"{hash}","#),
        ),
        (r#""actor":"#, r#""actor":"person/2","actor":"#.to_owned()),
    ] {
        let changed = text.replacen(once, &twice, 1);
        assert_ne!(changed, text, "{once}");
        assert!(matches!(
            Entry::decode(changed.as_bytes()),
            Err(AuditError::EntryUnreadable)
        ));
    }
}

trait Unprintable {
    const PRINTS: bool = false;
}
impl<T> Unprintable for T {}
struct Probe<T>(PhantomData<T>);
impl<T: Debug> Probe<T> {
    // Found before the trait's constant exactly when T can be printed.
    const PRINTS: bool = true;
}

#[test]
fn keys_cannot_be_printed() {
    const { assert!(!Probe::<LogKey>::PRINTS) };
    const { assert!(!Probe::<WitnessKey>::PRINTS) };
    const { assert!(Probe::<Vkey>::PRINTS) };
}

#[test]
fn key_names_and_limits() {
    for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb"] {
        assert!(LogKey::from_seed(name, &[1; 32]).is_err(), "{name:?}");
        assert!(WitnessKey::from_seed(name, &[1; 32]).is_err(), "{name:?}");
    }
    let key = log_key();
    assert!(key.sign_checkpoint(1 << 63, [0; 32]).is_err());
    assert!(key.sign_note("no newline").is_err());
    let witness = WitnessKey::from_seed("w", &[1; 32]).unwrap();
    assert!(witness.cosign("not a checkpoint\n", 1).is_err());
    let text = Checkpoint {
        origin: "o".into(),
        size: 1,
        root: [0; 32],
        extensions: vec![],
    }
    .text();
    assert!(witness.cosign(&text, 1 << 63).is_err());
    // A cosignature key signs no log, and a log's key is no witness.
    assert!(Trust::new(witness.vkey().clone(), &[], 0).is_err());
    let other = LogKey::from_seed("other", &[2; 32]).unwrap();
    assert!(Trust::new(key.vkey().clone(), &[other.vkey().clone()], 0).is_err());
}

#[test]
fn a_note_takes_sixteen_signatures_and_refuses_a_flood() {
    let text = "hello\n";
    let sign = |n: u64| {
        let key = LogKey::from_seed(&format!("k{n}"), &[3; 32]).unwrap();
        key.sign_note(text).unwrap().signatures()[0].clone()
    };
    let note = Note::new(text, (0..16).map(sign).collect()).unwrap();
    assert_eq!(Note::parse(&note.to_string()).unwrap(), note);
    assert!(Note::new(text, (0..65).map(sign).collect()).is_err());
    let line = format!("{}\n", sign(1));
    assert!(Note::parse(&format!("hello\n\n{}", line.repeat(65))).is_err());
    assert!(Note::parse(&format!("hello\n\n{}", line.repeat(5000))).is_err());
    // A key that signs twice counts once.
    let twice = Note::parse(&format!("hello\n\n{}", line.repeat(2))).unwrap();
    let key = LogKey::from_seed("k1", &[3; 32]).unwrap();
    assert_eq!(twice.verify(&[key.vkey().clone()]).unwrap().len(), 1);
}

#[test]
fn a_proof_is_refused_when_the_tree_is_not_the_signed_one() {
    let tiles = log_of(5);
    let signed = String::from_utf8(tiles.read("checkpoint").unwrap().unwrap()).unwrap();
    let list = super::entries(5);
    let leaves: Vec<_> = list.iter().map(|e| leaf_hash(e)).collect();
    let nodes = LeafHashes(&leaves);
    let mut proof = InclusionProof::make(&nodes, 3, &list[3], &signed).unwrap();
    assert!(InclusionProof::make(&nodes, 3, &list[2], &signed).is_err());
    assert!(InclusionProof::make(&nodes, 5, &list[3], &signed).is_err());
    let mut other = leaves.clone();
    other[0] = [0; 32];
    let refused = InclusionProof::make(&LeafHashes(&other), 3, &list[3], &signed);
    assert!(matches!(refused, Err(AuditError::ProofRefused)));
    proof.extra = Some(b"extra".to_vec());
    assert_eq!(InclusionProof::parse(&proof.to_string()).unwrap(), proof);
    let trust = Trust::new(log_key().vkey().clone(), &[], 0).unwrap();
    assert_eq!(proof.verify(&list[3], &trust).unwrap().checkpoint.size, 5);
    proof.hashes = vec![[0; 32]; 64];
    assert!(InclusionProof::parse(&proof.to_string()).is_err());
}

proptest! {
    #[test]
    fn readers_never_panic(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let lines = format!("{text}\n\n— {text}\n");
        for text in [text.as_str(), lines.as_str()] {
            let _ = Note::parse(text);
            let _ = Vkey::parse(text);
            let _ = Checkpoint::parse(text);
            let _ = InclusionProof::parse(&format!("c2sp.org/tlog-proof@v1\nindex 1\n{text}"));
            let _ = TilePath::parse(&format!("tile/{text}"));
            let _ = Entry::decode(text.as_bytes());
        }
        let _ = Entry::decode(&bytes);
        prop_assert!(bundle_entries(&bytes).count() <= bytes.len());
    }

    #[test]
    fn tile_paths_go_there_and_back(level in 0_u8..64, index in any::<u64>(), width in 1_u16..257) {
        for tile in [TilePath::Hashes { level, index, width }, TilePath::Entries { index, width }] {
            prop_assert_eq!(TilePath::parse(&tile.to_string()).unwrap(), tile);
        }
    }

    #[test]
    fn bundles_go_there_and_back(
        list in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..20)
    ) {
        let bundle = encode_bundle(&list).unwrap();
        let back: Vec<Vec<u8>> = bundle_entries(&bundle).map(|e| e.unwrap().to_vec()).collect();
        prop_assert_eq!(back, list);
    }
}
