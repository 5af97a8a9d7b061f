//! `strongroom encode` at two sites, and `strongroom link` on what they made.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::program;

fn strongroom(args: &[&str]) -> Output {
    Command::new(program("strongroom"))
        .args(args)
        .output()
        .unwrap()
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// A folder with a small population, a key and what each site encodes.
struct Sites(tempfile::TempDir);

impl Sites {
    fn new() -> Self {
        let sites = Self(tempfile::tempdir().unwrap());
        let out = strongroom(&[
            "people",
            "--n",
            "3000",
            "--seed",
            "12",
            "--profile",
            "typical",
            "--out",
            &sites.path(""),
        ]);
        assert!(out.status.success(), "{}", said(&out));
        sites.key("key", &[5; 32]);
        sites
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn key(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Encodes one of the two files of the population; `more` is appended to the head of its specification.
    fn encode(&self, file: &str, key: &str, more: &str) -> Output {
        let link: toml::Table = fs::read_to_string(self.path("link.toml"))
            .unwrap()
            .parse()
            .unwrap();
        let input = link["input"]
            .as_array()
            .unwrap()
            .iter()
            .find(|input| input["path"].as_str().unwrap().starts_with(file))
            .unwrap();
        let mut spec = format!(
            "linkage = \"trial\"\n{more}\n[input]\npath = {}\nid = {}\n",
            input["path"], input["id"]
        );
        spec.push_str("[input.columns]\n");
        for (column, role) in input["columns"].as_table().unwrap() {
            let encoded = ["forename", "surname", "date_of_birth", "postcode"];
            if encoded.contains(&role.as_str().unwrap()) {
                spec.push_str(&format!("{column} = {role}\n"));
            }
        }
        fs::write(self.path("encode.toml"), spec).unwrap();
        let (spec, key, out) = (
            self.path("encode.toml"),
            self.path(key),
            self.path(&format!("{file}.encoded")),
        );
        strongroom(&["encode", &spec, "--key", &key, "--out", &out])
    }

    fn link(&self, files: [&str; 2]) -> Output {
        let mut spec = String::from("link_type = \"link\"\nencoded = true\n");
        for file in files {
            spec.push_str(&format!(
                "[[input]]\nname = \"{file}\"\npath = \"{file}.encoded/encoded.parquet\"\nid = \"id\"\n"
            ));
        }
        fs::write(self.path("coded.toml"), spec).unwrap();
        let (spec, out, truth) = (
            self.path("coded.toml"),
            self.path("linked"),
            self.path("truth.csv"),
        );
        strongroom(&["link", &spec, "--out", &out, "--truth", &truth])
    }

    /// Names of the two files, without their ending.
    fn files(&self) -> [String; 2] {
        let link: toml::Table = fs::read_to_string(self.path("link.toml"))
            .unwrap()
            .parse()
            .unwrap();
        let inputs = link["input"].as_array().unwrap();
        [0, 1].map(|at| inputs[at]["name"].as_str().unwrap().to_owned())
    }
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&fs::read(Path::new(path)).unwrap()).unwrap()
}

#[test]
fn two_sites_encode_and_a_third_links_without_reading() {
    let sites = Sites::new();
    let [a, b] = sites.files();
    for file in [&a, &b] {
        let out = sites.encode(file, "key", "");
        assert!(out.status.success(), "{}", said(&out));
        let encoding = json(&sites.path(&format!("{file}.encoded/encoding.json")));
        assert_eq!(
            encoding["salt"], "birth_date",
            "hardened unless told otherwise"
        );
        for attacked in encoding["attacked"].as_array().unwrap() {
            let share = attacked["found"].as_f64().unwrap() / attacked["records"].as_f64().unwrap();
            assert!(share <= 0.01, "{attacked}");
        }
        let bytes = fs::read(sites.path(&format!("{file}.encoded/encoded.parquet"))).unwrap();
        for name in ["Smith", "SMITH", "Brown"] {
            assert!(
                !bytes.windows(5).any(|window| window == name.as_bytes()),
                "{name}"
            );
        }
    }
    let out = sites.link([&a, &b]);
    assert!(out.status.success(), "{}", said(&out));
    let report = json(&sites.path("linked/report.json"));
    let best = report["truth"]["best_f1"].as_f64().unwrap();
    assert!(best > 0.9, "{best}");
}

#[test]
fn what_would_weaken_an_encoding_is_refused() {
    let sites = Sites::new();
    let [a, b] = sites.files();
    let refused = |out: &Output, want: &str| {
        let said = said(out);
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains(want), "{said}");
        assert_eq!(said.matches('\n').count(), 1, "{said}");
    };
    // Without the salt common surnames are found, and nothing is written.
    refused(
        &sites.encode(&a, "key", "salt = \"none\""),
        "encoding_found_max",
    );
    assert!(!Path::new(&sites.path(&format!("{a}.encoded/encoded.parquet"))).exists());
    refused(
        &sites.encode(&a, "key", "xorFolds = 1"),
        "unknown field `xorFolds`",
    );
    refused(
        &sites.encode(&a, "key", "salt = \"sometimes\""),
        "unknown variant `sometimes`",
    );
    sites.key("short", &[5; 31]);
    refused(&sites.encode(&a, "short", ""), "the key has 31 bytes");
    fs::set_permissions(sites.path("key"), fs::Permissions::from_mode(0o644)).unwrap();
    refused(&sites.encode(&a, "key", ""), "may be read by others");
    // Two keys, two worlds.
    sites.key("key", &[5; 32]);
    sites.key("other", &[6; 32]);
    assert!(sites.encode(&a, "key", "").status.success());
    assert!(sites.encode(&b, "other", "").status.success());
    refused(&sites.link([&a, &b]), "encoded with another key");
    let encoding = sites.path(&format!("{a}.encoded/encoding.json"));
    let text = fs::read_to_string(&encoding).unwrap();
    for (from, to, want) in [
        (
            "\"birth_date\"",
            "\"birth_year\"",
            "encoded with another salt",
        ),
        (
            "\"version\": 2",
            "\"version\": 1",
            "of another version of encodings",
        ),
        (
            "\"version\": 2",
            "\"version\": 3, \"new\": 0",
            "of another version of encodings",
        ),
    ] {
        assert!(text.contains(from), "{text}");
        fs::write(&encoding, text.replacen(from, to, 1)).unwrap();
        refused(&sites.link([&a, &b]), want);
    }
    fs::write(&encoding, text.replacen('{', "{\"bits\": 9,", 1)).unwrap();
    refused(&sites.link([&a, &b]), "unknown field `bits`");
}
