//! Three Unix users, tried from each: only as root, who alone can make them.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::journeys::http::{Client, Heard, text};
use crate::kill::processes::below;
use crate::support::program;

/// Numbers that no account has.
const FRONT: u32 = 64_001;
const INDEXING: u32 = 64_002;
const KEEPER: u32 = 64_003;
const STRANGER: u32 = 64_009;

/// A safe haven as root starts it, in a folder that others may pass through.
struct Apart {
    folder: tempfile::TempDir,
    serving: Child,
    token: String,
}

impl Apart {
    /// None, with a printed reason, where this cannot be tried.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if folder.path().metadata().unwrap().uid() != 0 {
            println!("left out: only root gives each process a user of its own");
            return None;
        }
        for tool in ["setpriv", "python3"] {
            if Command::new(tool).arg("--version").output().is_err() {
                println!("left out: {tool} is not here to try as another user with");
                return None;
            }
        }
        open_to_all(folder.path());
        // Where they were built, the users of this test may not go.
        for name in [
            "strongroom",
            "strongroom-worker",
            "strongroom-query",
            "strongroom-judge",
            "libduckdb.so",
        ] {
            let built = program("strongroom").with_file_name(name);
            let to = folder.path().join(name);
            fs::copy(&built, &to).unwrap_or_else(|why| panic!("{}: {why}", built.display()));
            open_to_all(&to);
        }
        let key = folder.path().join("root.key");
        fs::write(&key, [7; 32]).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        chown(&key, Some(KEEPER), Some(KEEPER)).unwrap();
        let config = format!(
            "data_dir = {:?}\nlisten = \"127.0.0.1:0\"\nindexing_listen = \"127.0.0.1:0\"\n\
             [root_key]\nfrom = \"file\"\npath = {key:?}\n\
             [users]\nfront = {FRONT}\nindexing = {INDEXING}\nkeeper = {KEEPER}\n",
            folder.path().join("haven"),
        );
        fs::write(folder.path().join("config.toml"), config).unwrap();
        let strongroom = folder.path().join("strongroom");
        let made = Command::new(&strongroom)
            .args(["init", "--administrator", "Administrator", "--data-dir"])
            .arg(folder.path().join("haven"))
            .output()
            .unwrap();
        let made: Value = serde_json::from_slice(&made.stdout).expect("init prints JSON");
        let serving = Command::new(&strongroom)
            .args(["serve", "--config"])
            .arg(folder.path().join("config.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut apart = Self {
            folder,
            serving,
            token: text(&made, "/token"),
        };
        apart.wait();
        Some(apart)
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        let sockets = ["strongroom.sock", "indexing.sock"].map(|name| self.at(name));
        while !sockets.iter().all(|socket| socket.exists()) {
            let ended = self.serving.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(90),
                "it does not serve: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn at(&self, inside: &str) -> PathBuf {
        self.folder.path().join("haven").join(inside)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }

    fn client(&self) -> Client {
        Client::new(&self.at("strongroom.sock"), Heard::default()).with_token(&self.token)
    }

    /// Process number and user id of the keeper and of each desk.
    fn processes(&self) -> Vec<(String, u32, u32)> {
        let mut found = Vec::new();
        for (pid, words) in below(self.serving.id()) {
            let word = match words
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice()
            {
                [_, "keeper", ..] => "keeper",
                [_, "serve", "--desk", desk, ..] => desk,
                _ => continue,
            };
            let uid = fs::metadata(format!("/proc/{pid}")).unwrap().uid();
            found.push((word.to_owned(), pid, uid));
        }
        found.sort();
        found
    }

    /// A shell line as a user with these further groups: what the process of that user could do.
    fn as_user(&self, uid: u32, groups: &[u32], line: &str) -> Output {
        let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={uid}"), format!("--regid={uid}")]);
        match groups.as_slice() {
            [] => command.arg("--clear-groups"),
            groups => command.arg(format!("--groups={}", groups.join(","))),
        };
        command
            .args(["--no-new-privs", "sh", "-c", line, "sh"])
            .arg(self.at(""))
            .output()
            .unwrap()
    }

    #[track_caller]
    fn must_not(&self, uid: u32, groups: &[u32], line: &str) {
        let output = self.as_user(uid, groups, line);
        assert!(!output.status.success(), "user {uid} could: {line}");
    }

    #[track_caller]
    fn may(&self, uid: u32, groups: &[u32], line: &str) {
        let output = self.as_user(uid, groups, line);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "user {uid} could not: {line}: {said}"
        );
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", self.serving.id())])
            .status();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if let Ok(Some(_)) = self.serving.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}

fn open_to_all(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

/// A request to a socket of the keeper: exits 0 only if there is an answer.
fn ask(socket: &str) -> String {
    format!(
        "python3 -c 'import json,socket,struct,sys\n\
         s=socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect(sys.argv[1]+\"{socket}\")\n\
         m=json.dumps({{\"ask\":\"hello\"}}).encode(); s.sendall(struct.pack(\"<I\",len(m))+m)\n\
         sys.exit(0 if len(s.recv(4))==4 else 1)' \"$1\""
    )
}

#[test]
fn each_process_has_its_own_user_and_none_opens_what_is_anothers() {
    let Some(apart) = Apart::start() else {
        return;
    };
    let processes = apart.processes();
    let users: Vec<(&str, u32)> = processes.iter().map(|p| (p.0.as_str(), p.2)).collect();
    assert_eq!(
        users,
        [
            ("indexing", INDEXING),
            ("keeper", KEEPER),
            ("research", FRONT)
        ]
    );
    // Exactly the groups that the supervisor gives.
    let (front, indexing): (&[u32], &[u32]) = (&[KEEPER], &[KEEPER, FRONT]);
    let keeper = processes[1].1;
    for (uid, groups) in [(FRONT, front), (INDEXING, indexing)] {
        for line in [
            "ls \"$1\"keeper".to_owned(),
            "cat \"$1\"keeper/keys/epoch-1.key".to_owned(),
            "cat \"$1\"../root.key".to_owned(),
            "touch \"$1\"keeper/x".to_owned(),
            "rm \"$1\"doors/research.sock".to_owned(),
            "touch \"$1\"x".to_owned(),
            "ls \"$1\"".to_owned(),
            format!("kill -0 {keeper}"),
            format!("cat /proc/{keeper}/environ"),
            format!("head -c 1 /proc/{keeper}/mem"),
        ] {
            apart.must_not(uid, groups, &line);
        }
        // What they are for.
        apart.may(
            uid,
            groups,
            "head -c 1 \"$1\"front/strongroom.sqlite && : >> \"$1\"front/strongroom.sqlite",
        );
    }
    // The keeper reads the store and changes nothing of it.
    apart.may(KEEPER, &[], "head -c 1 \"$1\"front/strongroom.sqlite");
    for file in [
        "strongroom.sqlite",
        "strongroom.sqlite-wal",
        "strongroom.sqlite-shm",
        "new",
    ] {
        apart.must_not(KEEPER, &[], &format!(": >> \"$1\"front/{file}"));
    }
    // A desk's socket and folder are its own.
    apart.must_not(INDEXING, indexing, "ls \"$1\"research");
    apart.must_not(FRONT, front, "ls \"$1\"indexing");
    apart.must_not(FRONT, front, "touch \"$1\"indexing/desk.sock");
    // Each desk is answered at its own socket of the keeper, and nobody else anywhere.
    apart.may(FRONT, front, &ask("doors/research.sock"));
    apart.may(INDEXING, indexing, &ask("doors/indexing.sock"));
    apart.must_not(FRONT, front, &ask("doors/indexing.sock"));
    apart.must_not(INDEXING, indexing, &ask("doors/research.sock"));
    // Somebody with another account on the machine does not get past the data folder.
    for line in [
        "ls \"$1\"",
        "cat \"$1\"front/strongroom.sqlite",
        "ls \"$1\"log",
    ] {
        apart.must_not(STRANGER, &[], line);
        apart.must_not(STRANGER, &[STRANGER + 1], line);
    }
}

#[test]
fn under_three_users_the_keeper_reads_what_both_desks_write() {
    let Some(apart) = Apart::start() else {
        return;
    };
    let client = apart.client();
    // A checkpoint is signed over what the front just wrote: the keeper reads the write-ahead log as another user.
    let mut size = 0;
    for name in ["a", "b", "c"] {
        let new = json!({ "name": name, "organisation": "x", "roles": ["auditor"] });
        let auditor = text(&client.post("/v1/people", &new).ok(), "/token");
        let state = client
            .with_token(&auditor)
            .post("/v1/log/publish", &json!({}))
            .ok();
        let now = state["size"].as_u64().unwrap();
        assert!(now > size, "{state}");
        size = now;
    }
    // What people see of the machine: fit for real data but for what only a person can arrange.
    let output = Command::new(apart.folder.path().join("strongroom"))
        .args(["doctor", "--production", "--format", "json", "--data-dir"])
        .arg(apart.at(""))
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    for name in [
        "users of front and keeper",
        "root key apart",
        "modes of the data folder",
        "users of workers",
    ] {
        let conditions = found["conditions"].as_array().unwrap();
        let condition = conditions.iter().find(|c| c["name"] == name).unwrap();
        assert_eq!(condition["state"], "met", "{condition}");
    }
}
