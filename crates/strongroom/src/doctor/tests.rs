use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use clap::Parser;
use protocol::posture::{Outcome, Probe};

use super::machine::{Owners, effective_uid, library as look_at, place, swap as swap_of};
use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn layers(missing: &[(Layer, Requirement)]) -> Vec<Tried> {
    let report = |layer| {
        let lacking = missing.iter().find(|(missing, _)| *missing == layer);
        LayerReport {
            layer,
            requirement: lacking.map_or(Requirement::Required, |(_, need)| *need),
            state: match lacking {
                Some(_) => LayerState::Missing {
                    why: "the kernel answers EPERM".into(),
                    remedy: "start the keeper as root".into(),
                },
                None => LayerState::Present {
                    detail: "it stands".into(),
                },
            },
            proof: vec![Probe {
                layer,
                attempt: "open a socket".into(),
                outcome: Outcome::Held,
                happened: "EPERM".into(),
            }],
        }
    };
    ["job", "sql"]
        .map(|profile| Tried {
            profile: profile.into(),
            layers: Layer::ALL.map(report).to_vec(),
        })
        .to_vec()
}

fn machine() -> Machine {
    Machine {
        uid: Some(1000),
        swap: Swap::Off,
        libraries: vec![("lib.so".into(), Library::AsPinned("ab".into()))],
        place: None,
    }
}

fn state(findings: &Findings, name: &str) -> State {
    findings
        .conditions
        .iter()
        .find(|condition| condition.name == name)
        .unwrap_or_else(|| panic!("no condition {name}"))
        .state
}

#[test]
fn a_wanted_layer_may_be_missing_and_a_required_one_may_not() {
    let whole = judge(layers(&[]), &machine(), Purpose::Rehearsal);
    assert!(whole.fit);
    let wanted = [(Layer::SeparateUser, Requirement::Wanted)];
    assert!(judge(layers(&wanted), &machine(), Purpose::Rehearsal).fit);
    let required = [(Layer::Seccomp, Requirement::Required)];
    assert!(!judge(layers(&required), &machine(), Purpose::Rehearsal).fit);
    // Nothing tried is nothing found.
    assert!(!judge(Vec::new(), &machine(), Purpose::Rehearsal).fit);
}

#[test]
fn another_engine_library_is_not_fit() {
    for library in [
        Library::Unread("it is not there".into()),
        Library::Other {
            found: "cd".into(),
            pinned: "ab".into(),
        },
    ] {
        let machine = Machine {
            libraries: vec![("lib.so".into(), library)],
            ..machine()
        };
        let findings = judge(layers(&[]), &machine, Purpose::Rehearsal);
        assert!(!findings.fit);
        assert_eq!(state(&findings, "engine library"), State::NotMet);
    }
}

#[test]
fn production_wants_users_apart_and_the_root_key_elsewhere() {
    let with = |owners| Machine {
        place: Some(Place {
            owners,
            modes: Modes::Private { looked_at: 3 },
            root_key: None,
        }),
        ..machine()
    };
    let apart = Owners::Apart {
        front: 64001,
        indexing: 64002,
        keeper: User {
            uid: 64003,
            gid: 64003,
        },
    };
    // A keeper that is not root gives its workers no user of their own, and needs none.
    let lacking = [(Layer::SeparateUser, Requirement::Wanted)];
    assert!(judge(layers(&lacking), &with(apart.clone()), Purpose::Production).fit);
    let more = [
        (Layer::SeparateUser, Requirement::Wanted),
        (Layer::LandlockScopes, Requirement::Wanted),
    ];
    let findings = judge(layers(&more), &with(apart.clone()), Purpose::Production);
    assert_eq!(state(&findings, "users of workers"), State::NotMet);
    let mut beside = with(apart);
    if let Some(place) = &mut beside.place {
        place.root_key = Some("keeper/root.key".into());
    }
    let findings = judge(layers(&[]), &beside, Purpose::Production);
    assert!(!findings.fit);
    assert_eq!(state(&findings, "root key apart"), State::NotMet);

    let findings = judge(layers(&[]), &with(Owners::One(1000)), Purpose::Production);
    assert!(!findings.fit);
    let unmet: Vec<_> = findings
        .conditions
        .iter()
        .filter(|condition| condition.state == State::NotMet)
        .map(|condition| condition.name)
        .collect();
    assert_eq!(unmet, ["users of front and keeper"]);
    assert_eq!(state(&findings, "indexing apart"), State::CannotBeTried);
    let findings = judge(layers(&[]), &machine(), Purpose::Production);
    assert_eq!(state(&findings, "root key apart"), State::NotMet);
}

#[test]
fn swap_counts_where_nothing_keeps_rows_from_it() {
    let lacking = [(Layer::NoSwap, Requirement::Wanted)];
    let on = Machine {
        swap: Swap::On,
        ..machine()
    };
    let name = "swap";
    assert_eq!(
        state(&judge(layers(&lacking), &on, Purpose::Rehearsal), name),
        State::NotMet
    );
    assert_eq!(
        state(&judge(layers(&[]), &on, Purpose::Rehearsal), name),
        State::Met
    );
    assert_eq!(
        state(
            &judge(layers(&lacking), &machine(), Purpose::Rehearsal),
            name
        ),
        State::Met
    );
    assert!(judge(layers(&lacking), &on, Purpose::Rehearsal).fit);
}

#[test]
fn what_the_kernel_says_is_read_and_silence_counts_against() {
    assert_eq!(swap_of(Some("Filename Type Size\n")), Swap::Off);
    assert_eq!(
        swap_of(Some("Filename Type Size\n/dev/sda2 partition 8\n")),
        Swap::On
    );
    assert_eq!(swap_of(None), Swap::On);
    assert_eq!(effective_uid("Name:\tx\nUid:\t1000\t0\t0\t0\n"), Some(0));
    assert_eq!(effective_uid("Name:\tx\n"), None);
}

#[test]
fn the_library_beside_the_worker_is_hashed() {
    let folder = tempfile::tempdir().unwrap();
    let worker = folder.path().join("strongroom-worker");
    let mut pinned = pinned().unwrap().remove(0);
    assert_eq!(
        (pinned.file.as_str(), pinned.sha256.len()),
        ("libduckdb.so", 64)
    );
    assert!(matches!(look_at(&worker, &pinned), Library::Unread(_)));
    fs::write(folder.path().join("libduckdb.so"), "abc").unwrap();
    assert!(matches!(look_at(&worker, &pinned), Library::Other { .. }));
    // FIPS 180-2, appendix B.1.
    pinned.sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into();
    assert!(matches!(look_at(&worker, &pinned), Library::AsPinned(_)));
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_data_folder_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let wrong = |words: &str| match place(at).modes {
        Modes::Wrong(what) => assert!(what.contains(words), "{what}"),
        Modes::Private { .. } => panic!("not found: {words}"),
    };
    chmod(at, 0o700);
    wrong("keeper cannot be looked at");
    fs::create_dir_all(at.join("keeper/keys")).unwrap();
    for name in ["keeper", "keeper/keys"] {
        chmod(&at.join(name), 0o700);
    }
    let key = at.join("keeper/keys/secret");
    fs::write(&key, "x").unwrap();
    chmod(&key, 0o640);
    wrong("secret has mode 0640; it must be 0600");
    chmod(&key, 0o600);
    assert_eq!(
        place(at),
        Place {
            owners: Owners::One(at.metadata().unwrap().uid()),
            modes: Modes::Private { looked_at: 4 },
            root_key: None
        }
    );
    let root = at.join("keeper/root.key");
    fs::write(&root, "x").unwrap();
    chmod(&root, 0o644);
    wrong("root.key has mode 0644");
    assert_eq!(place(at).root_key, Some(root));
    chmod(&at.join("keeper"), 0o750);
    wrong("keeper has mode 0750; it must be 0700");
    chmod(at, 0o755);
    wrong("has mode 0755");
}

#[test]
fn the_table_says_why_a_missing_layer_matters_and_how_to_get_it() {
    let lacking = [(Layer::MemoryCgroup, Requirement::Wanted)];
    let text = print::table(&judge(layers(&lacking), &machine(), Purpose::Rehearsal));
    let row = text
        .lines()
        .find(|line| line.trim_start().starts_with("memory_cgroup "))
        .unwrap();
    assert!(
        row.contains("wanted") && row.contains("MISSING") && row.contains("EPERM"),
        "{row}"
    );
    let wanted = "  memory_cgroup: the kernel answers EPERM; without it only the worker's own limits bound its memory. To get it: start the keeper as root.";
    assert_eq!(
        text.lines().filter(|line| *line == wanted).count(),
        1,
        "{text}"
    );
    assert!(text.contains("open a socket: held (EPERM)"), "{text}");
    assert!(
        text.ends_with("--production asks for what real data needs."),
        "{text}"
    );
}

#[test]
fn the_json_has_every_layer_of_both_profiles() {
    let findings = judge(layers(&[]), &machine(), Purpose::Production);
    let json = serde_json::to_value(&findings).unwrap();
    assert_eq!(
        (&json["fit"], &json["purpose"]),
        (&false.into(), &"production".into())
    );
    assert_eq!(
        json["profiles"][1]["layers"].as_array().unwrap().len(),
        Layer::ALL.len()
    );
    assert_eq!(json["profiles"][0]["layers"][0]["layer"], "clean_start");
    assert_eq!(json["conditions"][0]["state"], "met");
}

#[test]
fn the_words_of_the_command_are_known() {
    let parse = |words: &[&str]| Line::try_parse_from([&["x"], words].concat());
    let args = parse(&["--production", "--format", "json", "--data-dir", "d"])
        .unwrap()
        .args;
    assert!(args.production && args.format == Form::Json);
    assert_eq!(parse(&[]).unwrap().args.format, Form::Text);
    assert!(parse(&["--format", "xml"]).is_err());
}
