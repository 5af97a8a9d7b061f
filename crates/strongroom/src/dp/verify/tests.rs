use std::collections::BTreeMap;

use audit_log::{FileTiles, LogKey, TileNodes, publish, publish_checkpoint};

use super::*;

const SHA: &str = "aa11bb22cc33dd44ee55ff66778899aabbccddeeff00112233445566778899aa";

fn log_key() -> LogKey {
    LogKey::from_seed("test.example/log", &[7; 32]).unwrap()
}

fn answer() -> String {
    json!({ "request_sha256": SHA, "nano_rho": 10_000_000, "atto_delta": 0, "words": "number of people of t.",
        "rows": [{ "group": {}, "values": { "people": { "value": 812 } } }] })
    .to_string()
}

/// A record as a safe haven gives it: the release is the third of five leaves.
fn record(void: Value) -> Record {
    let folder = tempfile::tempdir().unwrap();
    let tiles = FileTiles::new(folder.path());
    let entry = Entry {
        time: "2026-11-29T00:00:00Z".into(),
        actor: "system".into(),
        action: "release_measurement".into(),
        object: "mea_1".into(),
        project: None,
        policy_sha256: BTreeMap::new(),
        details: json!({ "kind": "measurement", "facts": {
            "bytes": hex::encode(sha256(answer().as_bytes())),
            "request": SHA, "snapshot": SHA, "nano_rho": 10_000_000, "atto_delta": 0,
            "accounts": ["people:bud_a"], "void": void } }),
        commitments: BTreeMap::new(),
    };
    let entry = entry.encode().unwrap();
    let mut leaves: Vec<Vec<u8>> = (0..5).map(|n| format!("leaf {n}").into_bytes()).collect();
    leaves[2] = entry.clone();
    let key = log_key();
    let published = publish(&tiles, key.vkey(), 0, leaves).unwrap();
    let signed = key.sign_checkpoint(5, published.root).unwrap();
    publish_checkpoint(&tiles, key.vkey(), &signed).unwrap();
    let proof = InclusionProof::make(&TileNodes::new(&tiles, 5), 2, &entry, &signed).unwrap();
    Record {
        form: service::RELEASE_RECORD.into(),
        measurement: "mea_1".into(),
        _request: "{}".into(),
        answer: answer(),
        entry: String::from_utf8(entry).unwrap(),
        proof: proof.to_string(),
    }
}

fn trust() -> Trust {
    Trust::new(log_key().vkey().clone(), &[], 0).unwrap()
}

#[test]
fn a_record_proves_answer_price_and_moment_with_nothing_but_a_key() {
    let told = held(&record(json!([])), &trust()).unwrap();
    assert_eq!(told["verdict"], "ok");
    assert_eq!((&told["leaf"], &told["log_size"]), (&json!(2), &json!(5)));
    assert_eq!(told["charged"]["nano_rho"], 10_000_000);
    assert!(told["statement"].as_str().unwrap().contains("held"));
    // A statement that an exact release had ended is told as ended.
    let told = held(&record(json!(["bud_a"])), &trust()).unwrap();
    assert!(told["statement"].as_str().unwrap().contains("did not hold"));
}

type Change = (&'static str, fn(&mut Record));

#[test]
fn whatever_is_changed_in_a_record_is_bad() {
    let changes: [Change; 6] = [
        ("answer", |r| r.answer = r.answer.replace("812", "813")),
        ("leaf of the release", |r| {
            r.entry = r.entry.replace("10000000", "20000000")
        }),
        ("leaf of the release", |r| {
            r.proof = r.proof.replace("index 2", "index 3")
        }),
        ("not the release of this", |r| {
            r.measurement = "mea_2".into()
        }),
        ("", |r| {
            r.proof = r.proof.replace("test.example", "best.example")
        }),
        ("", |r| r.proof.clear()),
    ];
    for (words, change) in changes {
        let mut changed = record(json!([]));
        change(&mut changed);
        let reason = held(&changed, &trust()).unwrap_err();
        assert!(reason.contains(words), "{words}: {reason}");
    }
    // A log of somebody else's with the same leaves.
    let other = LogKey::from_seed("test.example/log", &[8; 32]).unwrap();
    let other = Trust::new(other.vkey().clone(), &[], 0).unwrap();
    assert!(held(&record(json!([])), &other).is_err());
}
