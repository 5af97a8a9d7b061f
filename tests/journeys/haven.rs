//! A safe haven of its own for each test: the real programs, everybody with one role, gone at the end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{Answer, Client, Heard, text};
use crate::support::program;

/// What the tests call them, and the role they have.
const PEOPLE: &[(&str, &str)] = &[
    ("coordinator", "coordinator"),
    ("researcher", "researcher"),
    ("colleague", "researcher"),
    ("panel_1", "panel_member"),
    ("panel_2", "panel_member"),
    ("panel_3", "panel_member"),
    ("chair", "panel_chair"),
    ("controller_1", "controller"),
    ("controller_2", "controller"),
    ("identifiers", "provider"),
    ("payload", "provider"),
    ("indexer", "indexer"),
    ("steward", "data_steward"),
    ("checker_1", "output_checker"),
    ("checker_2", "output_checker"),
    ("auditor", "auditor"),
];

/// A running safe haven.
pub(crate) struct Haven {
    folder: tempfile::TempDir,
    serving: Option<Child>,
    door: Client,
    people: BTreeMap<&'static str, (String, Client)>,
    heard: Heard,
}

impl Haven {
    /// `init`, `serve`, and everybody added by the administrator.
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// The same, with more in the config file than the folder.
    pub(crate) fn start_with(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("haven");
        let made = Command::new(program("strongroom"))
            .args(["init", "--administrator", "Administrator", "--data-dir"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let made: Value = serde_json::from_slice(&made.stdout).expect("init prints JSON");
        let config = format!("data_dir = {data:?}\n{config}\n");
        fs::write(folder.path().join("haven.toml"), config).unwrap();
        let serving = serve(folder.path());
        let heard = Heard::default();
        let mut haven = Self {
            door: Client::new(&data.join("strongroom.sock"), heard.clone()),
            folder,
            serving: Some(serving),
            people: BTreeMap::new(),
            heard,
        };
        haven.wait();
        let administrator = haven.door.with_token(&text(&made, "/token"));
        let me = text(&made, "/person");
        haven.people.insert("administrator", (me, administrator));
        for (key, role) in PEOPLE {
            haven.add(key, role);
        }
        haven
    }

    /// Adds a person with one role.
    pub(crate) fn add(&mut self, key: &'static str, role: &str) {
        let ask = json!({ "name": key, "organisation": "Test", "roles": [role] });
        let answer = self.yes("administrator", "/v1/people", &ask);
        let client = self.door.with_token(&text(&answer, "/token"));
        self.people.insert(key, (text(&answer, "/person"), client));
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        loop {
            let answers = self.at("strongroom.sock").exists()
                && std::os::unix::net::UnixStream::connect(self.at("strongroom.sock")).is_ok();
            if answers && self.door.get("/v1/health").status == 200 {
                return;
            }
            let ended = self.serving.as_mut().map(|c| c.try_wait().unwrap());
            assert!(
                matches!(ended, Some(None)) && begun.elapsed() < Duration::from_secs(60),
                "the safe haven does not serve: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its front was killed: waits until it is gone. Its keeper ends by itself.
    pub(crate) fn was_killed(&mut self) {
        if let Some(mut child) = self.serving.take() {
            child.wait().unwrap();
        }
    }

    /// Serves again after a kill or a stop; what still serves is left alone. Waits until front and keeper answer.
    pub(crate) fn start_again(&mut self) {
        let begun = Instant::now();
        loop {
            let ended = self.serving.as_mut().map(|c| c.try_wait().unwrap());
            if !matches!(ended, Some(None)) {
                self.serving = Some(serve(self.folder.path()));
            }
            let health = self.door.try_send("GET", "/v1/health", &[]);
            if health.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "the safe haven does not serve again: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A place in its folder.
    pub(crate) fn at(&self, inside: &str) -> PathBuf {
        self.folder.path().join("haven").join(inside)
    }

    /// What front and keeper wrote to standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }

    /// Bodies of every no so far.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// Process number of the front.
    pub(crate) fn pid(&self) -> u32 {
        self.serving.as_ref().expect("it serves").id()
    }

    /// Somebody without a token.
    pub(crate) fn door(&self) -> &Client {
        &self.door
    }

    pub(crate) fn of(&self, who: &str) -> &Client {
        &self.people[who].1
    }

    pub(crate) fn id(&self, who: &str) -> &str {
        &self.people[who].0
    }

    /// Every token.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let tokens = self.people.values().filter_map(|(_, c)| c.token());
        tokens.map(ToOwned::to_owned).collect()
    }

    pub(crate) fn post(&self, who: &str, path: &str, json: &Value) -> Answer {
        self.of(who).post(path, json)
    }

    /// Must be done.
    #[track_caller]
    pub(crate) fn yes(&self, who: &str, path: &str, json: &Value) -> Value {
        self.post(who, path, json).ok()
    }

    /// Must be refused with this status.
    #[track_caller]
    pub(crate) fn no(&self, status: u16, who: &str, path: &str, json: &Value) -> Value {
        self.post(who, path, json).no(status)
    }

    /// Must be kept out: by the policy of who may what (403), by the rule of the thing itself (409), or, whoever
    /// indexes, because the desk at which they sit has no such address (404).
    #[track_caller]
    pub(crate) fn kept_out(&self, who: &str, path: &str, json: &Value) {
        let answer = self.post(who, path, json);
        let status = match answer.status {
            409 => 409,
            404 if who == "indexer" => 404,
            _ => 403,
        };
        answer.no(status);
    }

    /// Publishes the log as it stands.
    pub(crate) fn publish(&self) -> Value {
        self.yes("auditor", "/v1/log/publish", &json!({}))
    }

    /// Stops it as an operator would, and says how it ended.
    pub(crate) fn stop(&mut self) -> Option<std::process::ExitStatus> {
        let mut child = self.serving.take()?;
        let _ = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", child.id())])
            .status();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if let Ok(Some(status)) = child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        child.wait().ok()
    }
}

fn serve(folder: &Path) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("stderr"))
        .unwrap();
    Command::new(program("strongroom"))
        .args(["serve", "--config"])
        .arg(folder.join("haven.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

impl Drop for Haven {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
