//! Nothing about a person stands where the machine or the operator can read it: not in logs, not in error
//! bodies, not in the published log, not in the database of the front, not in the arguments of a process.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::haven::{Haven, files};
use super::project;

/// Values to look for, by their first four bytes, in small letters.
pub(crate) struct Needles(HashMap<[u8; 4], Vec<Vec<u8>>>);

impl Needles {
    pub(crate) fn new<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let distinct: BTreeSet<Vec<u8>> = values
            .into_iter()
            .filter(|v| v.len() >= 6)
            .map(|v| v.to_ascii_lowercase().into_bytes())
            .collect();
        let mut map: HashMap<[u8; 4], Vec<Vec<u8>>> = HashMap::new();
        for value in distinct {
            let key = [value[0], value[1], value[2], value[3]];
            map.entry(key).or_default().push(value);
        }
        Self(map)
    }

    /// Every value of six characters or more in these CSV files.
    pub(crate) fn of_files(files: &[String]) -> Self {
        Self::new(
            files
                .iter()
                .flat_map(|file| file.lines().skip(1))
                .flat_map(|line| line.split(',')),
        )
    }

    fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// How many values stand in these bytes, as words of their own. Counted and not shown.
    pub(crate) fn count(&self, bytes: &[u8]) -> usize {
        let bytes = bytes.to_ascii_lowercase();
        let mut found = 0;
        for (at, window) in bytes.windows(4).enumerate() {
            let key = [window[0], window[1], window[2], window[3]];
            let Some(values) = self.0.get(&key) else {
                continue;
            };
            let before = at.checked_sub(1).map(|n| bytes[n]);
            found += values
                .iter()
                .filter(|v| bytes[at..].starts_with(v))
                .filter(|v| !letter(before) && !letter(bytes.get(at + v.len()).copied()))
                .count();
        }
        found
    }
}

fn letter(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric())
}

#[test]
fn the_needles_find_what_is_there() {
    let needles = Needles::of_files(&["record,surname\nr12345,MacDonald\n".to_owned()]);
    assert_eq!(needles.len(), 2);
    assert_eq!(needles.count(b"{\"name\":\"macdonald\"}"), 1);
    assert_eq!(needles.count(b"nothing of r12345, or of him"), 1);
    assert_eq!(needles.count(b"macdonalds and r123456"), 0);
}

/// Arguments and environment of a process and of everything below it, as often as they can be read.
fn watch(root: u32, stop: &AtomicBool) -> BTreeSet<Vec<u8>> {
    let mut seen = BTreeSet::new();
    while !stop.load(Ordering::Relaxed) {
        let mut parents = BTreeMap::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(pid) = name.parse::<u32>() else {
                continue;
            };
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent = stat
                .rsplit_once(')')
                .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
            parents.insert(pid, parent.unwrap_or_default());
        }
        for pid in parents.keys() {
            let mut up = *pid;
            while up != root && up != 0 {
                up = parents.get(&up).copied().unwrap_or_default();
            }
            if up != root {
                continue;
            }
            for file in ["cmdline", "environ"] {
                seen.extend(fs::read(format!("/proc/{pid}/{file}")));
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    seen
}

/// Everything that goes wrong where a value is at hand.
fn stumble(haven: &Haven, open: &project::Open) {
    let queries = format!("/v1/workspaces/{}/queries", open.workspace);
    for sql in [
        "select cast(hospital as integer) as n, count(*) as c from hospital_episodes group by 1",
        "select error(string_agg(hospital, ' ')) as n from hospital_episodes",
        "select cast(person as date) as d, count(*) as c from hospital_episodes group by 1",
        "select no_such_thing from hospital_episodes",
        "select count(*) as n from hospital_episodes where",
    ] {
        let answer = haven.post("researcher", &queries, &json!({ "sql": sql }));
        let passed = answer.status == 200 && answer.json()["verdict"] == "pass";
        assert!(!passed, "{sql}: {}", answer.text());
        // Every hospital's code ends so; some are too short to be among the needles.
        assert!(!answer.text().contains("101H"), "{sql}: {}", answer.text());
    }
    // The register, cut in the middle of a row, and with its columns in disorder.
    let register = &open.delivered[0];
    let path = format!("/v1/datasets/{}/deliveries?format=csv", open.sets.register);
    let lines: Vec<&str> = register.lines().collect();
    let (half, _) = lines[9].split_at(lines[9].len() / 3);
    let cut = format!("{}\n{half}", lines[..9].join("\n"));
    let twice = format!("{register}{}\n", lines[7]);
    let quoted = register.replacen(",M,", ",\"M,", 3);
    for file in [cut.as_bytes(), twice.as_bytes(), quoted.as_bytes()] {
        haven.of("identifiers").post_bytes(&path, file).no(422);
    }
    let payload = open.delivered[1].as_bytes();
    haven
        .of("identifiers")
        .post_bytes(&path, &payload[100..])
        .no(422);
}

#[test]
fn nothing_of_a_person_is_where_the_operator_looks() {
    let haven = Haven::start();
    let stop = Arc::new(AtomicBool::new(false));
    let watching = {
        let (stop, pid) = (stop.clone(), haven.pid());
        std::thread::spawn(move || watch(pid, &stop))
    };
    let open = project::open(&haven);
    let (output, _) = project::stage(&haven, &open.workspace, project::SAFE);
    let path = format!("/v1/outputs/{output}/submit");
    haven.yes("researcher", &path, &json!({ "rendering": "exact" }));
    stumble(&haven, &open);
    haven.publish();
    stop.store(true, Ordering::Relaxed);
    let arguments = watching.join().unwrap();

    // Identifiers: the register and both deliveries of identifiers. Tokens too.
    let mut held: Vec<String> = [0, 1, 3].map(|n| open.delivered[n].clone()).to_vec();
    held.push(format!("\n{}\n", haven.tokens().join(",")));
    let needles = Needles::of_files(&held);
    assert!(
        needles.len() > 1_900,
        "{} values to look for",
        needles.len()
    );
    let clean = |what: &str, bytes: &[u8]| {
        assert_eq!(needles.count(bytes), 0, "values of people in {what}");
    };
    let log = haven.log();
    assert!(log.contains("\"refused\""), "the log was captured: {log}");
    clean("the logs of front and keeper", log.as_bytes());
    let heard = haven.heard();
    assert!(heard.len() >= 6, "{} errors were heard", heard.len());
    clean("the bodies of errors", heard.join("\n").as_bytes());
    let published = files(&haven.at("log"));
    assert!(published.len() > 3, "{published:?}");
    for file in published {
        clean("the published log", &fs::read(&file).unwrap());
    }
    for file in files(&haven.at("front")) {
        clean("the front's folder", &fs::read(&file).unwrap());
    }
    let all: Vec<String> = arguments
        .iter()
        .map(|a| String::from_utf8_lossy(a).into_owned())
        .collect();
    assert!(
        all.iter().any(|a| a.contains("strongroom-worker"))
            && all.iter().any(|a| a.contains("keeper")),
        "keeper and workers were seen: {all:?}"
    );
    clean("the arguments of processes", all.join("\n").as_bytes());
}
