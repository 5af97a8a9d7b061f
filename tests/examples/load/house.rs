//! A full house: everybody, their sessions, submitted applications, and a long log.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use governance::person::{Person, Role};
use governance::{Batch, By, PersonId, Timestamp};
use serde_json::{Value, json};
use service::{Caller, Clock, Keeper, NewCredential, NewPerson, Policies, RandomIds, Service};
use store::{Record, Store};

use crate::measure::Asked;

/// People of each role who ask for pages.
const ROLES: &[(Role, usize)] = &[
    (Role::Researcher, 60),
    (Role::PanelMember, 20),
    (Role::PanelChair, 4),
    (Role::Controller, 6),
    (Role::Coordinator, 4),
    (Role::Auditor, 2),
    (Role::OutputChecker, 4),
];
/// People whose standing is recorded again and again to make the log long: one record holds so many changes.
const FILLERS: usize = 256;
/// Applications that are entered at once.
const AT_ONCE: usize = 64;

struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now()
    }
}

/// A house that is full.
pub(crate) struct Full {
    /// Where it is.
    pub(crate) folder: PathBuf,
    /// Role and session of everybody who reads.
    pub(crate) sessions: Vec<(Role, String)>,
    /// API tokens of researchers, who act and do not read.
    pub(crate) researchers: Vec<String>,
    /// Applications.
    pub(crate) projects: Vec<String>,
    /// Entries of its log.
    pub(crate) entries: u64,
}

/// What is kept of a house beside it, so that it need not be filled again.
#[derive(Default)]
struct Kept {
    readers: Vec<(Role, PersonId)>,
    researchers: Vec<String>,
    projects: Vec<String>,
}

const KEPT: &str = "house.json";

/// The house of this size that an earlier run kept, or else a new one. Everybody who reads signs in anew.
pub(crate) fn open(applications: usize, entries: u64) -> Full {
    let folder = program()
        .with_file_name("bench-houses")
        .join(format!("{applications}-{entries}"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if !folder.join(KEPT).is_file() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let begun = Instant::now();
        let token = init(&folder);
        let kept = runtime.block_on(fill_store(&folder, &token, applications, entries));
        kept.write(&folder.join(KEPT));
        println!("filled in {:.0} s", begun.elapsed().as_secs_f64());
    }
    let kept = Kept::read(&folder.join(KEPT));
    runtime.block_on(sign_in(folder, kept))
}

/// An empty house; gives its administrator's token.
fn init(folder: &Path) -> String {
    let made = Command::new(program())
        .args(["init", "--administrator", "Administrator", "--data-dir"])
        .arg(folder.join("haven"))
        .output()
        .unwrap();
    assert!(made.status.success(), "init");
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    made["token"].as_str().unwrap().to_owned()
}

impl Kept {
    fn write(&self, path: &Path) {
        let readers = self.readers.iter();
        let readers: Vec<Value> = readers
            .map(|(role, id)| json!({ "role": role, "id": id }))
            .collect();
        let text = json!({
            "readers": readers, "researchers": self.researchers, "projects": self.projects,
        });
        std::fs::write(path, text.to_string()).unwrap();
    }

    fn read(path: &Path) -> Self {
        let kept: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let of = |key: &str| serde_json::from_value(kept[key].clone()).unwrap();
        let read = |reader: &Value| {
            let part = |key: &str| reader[key].clone();
            (
                serde_json::from_value(part("role")).unwrap(),
                serde_json::from_value(part("id")).unwrap(),
            )
        };
        Self {
            readers: kept["readers"]
                .as_array()
                .unwrap()
                .iter()
                .map(read)
                .collect(),
            researchers: of("researchers"),
            projects: of("projects"),
        }
    }
}

async fn office(folder: &Path) -> Service {
    Service::new(
        Store::open(&folder.join("haven/front")).await.unwrap(),
        Keeper::at(&folder.join("no-keeper")),
        Arc::new(Policies::load(None).unwrap()),
        Arc::new(MachineClock),
        Arc::new(RandomIds::new()),
    )
}

/// Begins a session for everybody who reads, as if each had given a code that was never used.
async fn sign_in(folder: PathBuf, kept: Kept) -> Full {
    let service = office(&folder).await;
    let step = jiff::Timestamp::now().as_second();
    let mut sessions = Vec::new();
    for (role, person) in kept.readers {
        let secret = service.begin_session(&person, step).await.unwrap();
        sessions.push((role, secret));
    }
    let entries = service.store().log_size().await.unwrap();
    service.store().close().await;
    Full {
        folder,
        sessions,
        researchers: kept.researchers,
        projects: kept.projects,
        entries,
    }
}

async fn fill_store(folder: &Path, token: &str, applications: usize, entries: u64) -> Kept {
    let service = office(folder).await;
    let administrator = service.sign_in(token).await.unwrap();
    let mut people: Vec<(Role, Caller, String)> = Vec::new();
    for (role, count) in ROLES {
        for n in 0..*count {
            let (caller, token) = add(
                &service,
                &administrator,
                *role,
                &format!("{} {n}", role.word()),
            )
            .await;
            people.push((*role, caller, token));
        }
    }
    let steward = add(&service, &administrator, Role::DataSteward, "Steward")
        .await
        .0;
    let identifiers = add(
        &service,
        &administrator,
        Role::Provider,
        "Provider of identifiers",
    )
    .await
    .0;
    let payload = add(
        &service,
        &administrator,
        Role::Provider,
        "Provider of payload",
    )
    .await
    .0;
    let mut datasets = Vec::new();
    for (n, (_, controller, _)) in people
        .iter()
        .filter(|p| p.0 == Role::Controller)
        .enumerate()
    {
        let dictionary = json!({
            "title": format!("Dataset {n}"), "table": format!("table_{n}"), "purpose": "payload",
            "record": "record", "identifiers": {"chi": "chi"},
            "variables": [
                {"name": "ward", "kind": "text", "description": "Ward of the stay"},
                {"name": "cost", "kind": "number", "description": "Cost in pounds"},
            ],
        });
        let dataset = service
            .register_dataset(
                &steward,
                controller.person.id.clone(),
                identifiers.person.id.clone(),
                payload.person.id.clone(),
                serde_json::from_value(dictionary).unwrap(),
            )
            .await
            .unwrap();
        datasets.push(dataset);
    }
    let researchers: Vec<Caller> = people
        .iter()
        .filter(|p| p.0 == Role::Researcher)
        .map(|p| p.1.clone())
        .collect();
    let projects = submit(&service, &researchers, &datasets, applications).await;
    lengthen(&service, &administrator.person.id, entries).await;
    let mut kept = Kept {
        projects,
        ..Kept::default()
    };
    for (n, (role, caller, token)) in people.iter().enumerate() {
        // Researchers who keep their tokens act in the last measurement and read no pages.
        if *role == Role::Researcher && n % 2 == 0 {
            kept.researchers.push(token.clone());
            continue;
        }
        let new = NewCredential {
            name: format!("person{n}"),
            // Nobody signs in here with a password: sessions are begun directly.
            phc: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA".into(),
            totp: vec![7; 20],
            totp_step: 0,
        };
        service.set_credential(caller, new).await.unwrap();
        kept.readers.push((*role, caller.person.id.clone()));
    }
    service.store().close().await;
    kept
}

async fn add(service: &Service, by: &Caller, role: Role, name: &str) -> (Caller, String) {
    let new = NewPerson {
        name: name.to_owned(),
        organisation: "Example".into(),
        roles: BTreeSet::from([role]),
    };
    let (_, token) = service.add_person(by, new).await.unwrap();
    (service.sign_in(&token).await.unwrap(), token)
}

async fn submit(
    service: &Service,
    researchers: &[Caller],
    datasets: &[governance::DatasetId],
    applications: usize,
) -> Vec<String> {
    let mut projects = Vec::with_capacity(applications);
    let mut next = 0;
    while next < applications {
        let mut running = tokio::task::JoinSet::new();
        for n in next..applications.min(next + AT_ONCE) {
            let service = service.clone();
            let author = researchers[n % researchers.len()].clone();
            let colleague = researchers[(n + 1) % researchers.len()].person.id.clone();
            let dataset = datasets[n % datasets.len()].clone();
            running.spawn(async move {
                let project = service.start_application(&author).await.unwrap();
                let form = json!({
                    "title": format!("Application number {n} about costs of stays"),
                    "lay_summary": "How much a stay in each ward costs, and why it differs. ".repeat(8),
                    "public_benefit": "Money goes where it does most good. ".repeat(8),
                    "people": [author.person.id, colleague],
                    "datasets": [{ "dataset": dataset, "variables": [
                        { "name": "ward", "why": "To compare wards with each other" },
                        { "name": "cost", "why": "It is what the study is about" },
                    ]}],
                    "start": "2026-01-01", "end": "2030-12-31",
                    "minimum_cell": 10, "commercial": "none",
                });
                let form = form.to_string();
                service.submit_application(&author, &project, form.as_bytes()).await.unwrap();
                project.to_string()
            });
        }
        next += AT_ONCE;
        while let Some(project) = running.join_next().await {
            projects.push(project.unwrap());
        }
    }
    projects
}

/// Entries until the log has as many as asked: standing recorded again and again, each a state, an event and
/// a leaf as any act is.
async fn lengthen(service: &Service, by: &PersonId, entries: u64) {
    let store = service.store();
    let day = |text: &str| text.parse().unwrap();
    let now = jiff::Timestamp::now();
    let mut held: Vec<(Person, i64)> = Vec::new();
    let mut batch = Batch::new();
    for n in 0..FILLERS {
        let id = PersonId::try_from(format!("{}filler{n:010}", PersonId::PREFIX)).unwrap();
        let roles = BTreeSet::from([Role::Researcher]);
        let change = Person::add(
            id,
            format!("Filler {n}"),
            "Example".into(),
            roles,
            &By::System,
            now,
        )
        .unwrap();
        held.push((change.to().clone(), 1));
        batch = batch.begin(change).unwrap();
    }
    record(store, batch).await;
    while store.log_size().await.unwrap() + (FILLERS as u64) < entries {
        let mut batch = Batch::new();
        for (person, version) in &mut held {
            let change = person
                .clone()
                .record_standing(
                    day("2030-12-31"),
                    day("2030-12-31"),
                    day("2026-01-05"),
                    by,
                    now,
                )
                .unwrap();
            *person = change.to().clone();
            batch = batch.change(*version, change).unwrap();
            *version += 1;
        }
        record(store, batch).await;
    }
}

async fn record(store: &Store, batch: Batch) {
    let record = Record {
        batch,
        ..Record::default()
    };
    store.record(record).await.unwrap();
}

/// Everybody's own worklist.
pub(crate) fn worklists(full: &Full) -> Vec<Asked> {
    full.sessions
        .iter()
        .map(|(role, session)| Asked {
            path: "/".into(),
            session: session.clone(),
            role: *role,
        })
        .collect()
}

/// Applications, each read by somebody who decides.
pub(crate) fn applications(full: &Full) -> Vec<Asked> {
    let readers: Vec<&(Role, String)> = full
        .sessions
        .iter()
        .filter(|(role, _)| {
            matches!(
                role,
                Role::PanelMember | Role::PanelChair | Role::Coordinator
            )
        })
        .collect();
    full.projects
        .iter()
        .step_by(7)
        .enumerate()
        .map(|(n, project)| {
            let (role, session) = readers[n % readers.len()];
            Asked {
                path: format!("/projects/{project}"),
                session: session.clone(),
                role: *role,
            }
        })
        .collect()
}

/// A safe haven that serves, until it is dropped.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) port: u16,
    pub(crate) socket: PathBuf,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `strongroom serve`, and waits until it answers.
pub(crate) fn serve(folder: &Path) -> Serving {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    // So many requests come from few visitors here.
    let policies = folder.join("policies");
    copy(&root().join("policies"), &policies);
    let limits = policies.join("limits.toml");
    let text = std::fs::read_to_string(&limits).unwrap();
    let text: Vec<String> = text
        .lines()
        .map(|line| match line.starts_with("requests_per_minute") {
            true => "requests_per_minute = 1000000".to_owned(),
            false => line.to_owned(),
        })
        .collect();
    std::fs::write(&limits, text.join("\n") + "\n").unwrap();
    let config = folder.join("config.toml");
    let text = format!(
        "data_dir = {:?}\npolicies = {:?}\nlisten = \"127.0.0.1:{port}\"\n",
        folder.join("haven"),
        policies
    );
    std::fs::write(&config, text).unwrap();
    let child = Command::new(program())
        .args(["serve", "--config"])
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(folder.join("serve.log")).unwrap())
        .spawn()
        .unwrap();
    let serving = Serving {
        child,
        port,
        socket: folder.join("haven/strongroom.sock"),
    };
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it does not serve"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    serving
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The repository: above `tests/` where cargo runs this, above xtask where that does.
fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
        .ancestors()
        .find(|folder| folder.join("policies").is_dir())
        .unwrap()
        .to_owned()
}

/// The program beside this one's folder.
fn program() -> PathBuf {
    let me = std::env::current_exe().unwrap();
    me.parent()
        .and_then(Path::parent)
        .unwrap()
        .join("strongroom")
}
