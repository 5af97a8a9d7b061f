//! The journey in steps that can be taken again: each looks where things stand and does what is missing, as
//! people would after a crash.

use std::path::PathBuf;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use testkit::people::{ErrorProfile, episodes};

use super::memory::Memory;
use super::oracle::Books;
use crate::journeys::haven::Haven;
use crate::journeys::http::{Answer, text};
use crate::journeys::project::{self, SAFE};

/// Why a step did not get to its end.
#[derive(Debug)]
pub(crate) enum Not {
    /// No answer: whoever was asked is gone.
    Answered,
    /// A no.
    Done(u16, String),
}

/// The files that are delivered.
pub(crate) struct Files {
    pub(crate) register: String,
    pub(crate) identifiers: String,
    pub(crate) payload: String,
}

impl Files {
    pub(crate) fn new() -> Self {
        let population = project::population();
        let everybody: Vec<usize> = (0..population.people.len()).collect();
        let rows = population.identifier_rows(&everybody, 1, &ErrorProfile::typical());
        Self {
            register: population.register_rows(),
            payload: episodes::hospital_episodes(&population, &rows.held, 1),
            identifiers: rows.csv,
        }
    }
}

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Register,
    Spine,
    Identifiers,
    Payload,
    Apply,
    Approve,
    Commence,
    Index,
    Extract,
    Workspace,
    Query,
    Recover,
    Stage,
    Review,
    Release,
    Download,
}

impl Step {
    /// In the order of the journey.
    pub(crate) const ALL: [Self; 16] = [
        Self::Register,
        Self::Spine,
        Self::Identifiers,
        Self::Payload,
        Self::Apply,
        Self::Approve,
        Self::Commence,
        Self::Index,
        Self::Extract,
        Self::Workspace,
        Self::Query,
        Self::Recover,
        Self::Stage,
        Self::Review,
        Self::Release,
        Self::Download,
    ];

    /// Whether a worker runs in it.
    pub(crate) fn works(self) -> bool {
        match self {
            Self::Spine
            | Self::Identifiers
            | Self::Payload
            | Self::Index
            | Self::Extract
            | Self::Query
            | Self::Stage => true,
            Self::Register
            | Self::Apply
            | Self::Approve
            | Self::Commence
            | Self::Workspace
            | Self::Recover
            | Self::Review
            | Self::Release
            | Self::Download => false,
        }
    }
}

/// One person after another on the way, in a safe haven that may be killed.
pub(crate) struct Walk<'a> {
    pub(crate) haven: &'a Haven,
    pub(crate) files: &'a Files,
    pub(crate) memory: &'a mut Memory,
}

/// The file of a safe haven's store.
pub(crate) fn store(haven: &Haven) -> PathBuf {
    haven.at("front/strongroom.sqlite")
}

impl Walk<'_> {
    pub(crate) fn take(&mut self, step: Step) -> Result<(), Not> {
        match step {
            Step::Register => self.register(),
            Step::Spine => self.spine(),
            Step::Identifiers => self.identifiers(),
            Step::Payload => self.payload(),
            Step::Apply => self.apply(),
            Step::Approve => self.approve(),
            Step::Commence => self.commence(),
            Step::Index => self.index(),
            Step::Extract => self.extract(),
            Step::Workspace => self.workspace(),
            Step::Query => self.query(),
            Step::Recover => self.recover(),
            Step::Stage => self.stage(),
            Step::Review => self.review(),
            Step::Release => self.release(),
            Step::Download => self.download(),
        }
    }

    fn books(&self) -> Books {
        Books::read(&store(self.haven))
    }

    fn send(&self, who: &str, method: &str, path: &str, body: &[u8]) -> Result<Answer, Not> {
        let answer = self.haven.of(who).try_send(method, path, body);
        let answer = answer.map_err(|_| Not::Answered)?;
        if answer.status == 200 {
            Ok(answer)
        } else {
            Err(Not::Done(answer.status, answer.text()))
        }
    }

    fn post(&mut self, who: &str, path: &str, json: &Value) -> Result<Value, Not> {
        let body = json.to_string();
        self.act(who, path, body.as_bytes())
    }

    /// Does something, and remembers that it was acknowledged.
    fn act(&mut self, who: &str, path: &str, body: &[u8]) -> Result<Value, Not> {
        let answer = self.send(who, "POST", path, body)?.json();
        self.memory.acknowledge(&answer);
        Ok(answer)
    }

    /// What may have been done before, unheard.
    fn once(&mut self, who: &str, path: &str, json: &Value) -> Result<(), Not> {
        match self.post(who, path, json) {
            Ok(_) | Err(Not::Done(409, _)) => Ok(()),
            Err(not) => Err(not),
        }
    }

    fn dataset(&mut self, dictionary: &Value) -> Result<String, Not> {
        let ask = json!({
            "controller": self.haven.id("controller_1"),
            "identifiers_from": self.haven.id("identifiers"),
            "payload_from": self.haven.id("payload"),
            "dictionary": dictionary,
        });
        Ok(text(
            &self.post("steward", "/v1/datasets", &ask)?,
            "/dataset",
        ))
    }

    fn register(&mut self) -> Result<(), Not> {
        let spine = json!({
            "title": "Register", "table": "register", "purpose": "spine",
            "record": "record", "identifiers": project::identifiers(),
        });
        let variables: Vec<Value> = [
            ("episode", "integer"),
            ("admission_date", "date"),
            ("discharge_date", "date"),
            ("specialty", "text"),
            ("main_condition", "text"),
            ("hospital", "text"),
            ("age", "integer"),
            ("length_of_stay", "integer"),
            ("date_of_birth", "date_of_birth"),
            ("postcode", "postcode"),
        ]
        .map(|(name, kind)| json!({ "name": name, "kind": kind, "required": true }))
        .to_vec();
        let hospital = json!({
            "title": "Hospital", "table": "hospital_episodes", "purpose": "payload",
            "record": "record", "identifiers": project::identifiers(), "variables": variables,
        });
        if self.memory.register.is_none() {
            self.memory.register = Some(self.dataset(&spine)?);
        }
        if self.memory.hospital.is_none() {
            self.memory.hospital = Some(self.dataset(&hospital)?);
        }
        for dataset in [self.memory.register.clone(), self.memory.hospital.clone()] {
            let dataset = dataset.unwrap();
            let path = format!("/v1/datasets/{dataset}/instruction");
            self.post("controller_1", &path, &json!({ "until": "2030-12-31" }))?;
        }
        Ok(())
    }

    fn deliver(&mut self, dataset: &str, csv: &str) -> Result<String, Not> {
        let path = format!("/v1/datasets/{dataset}/deliveries?format=csv");
        let answer = self.act("identifiers", &path, csv.as_bytes())?;
        Ok(text(&answer, "/delivery"))
    }

    fn spine(&mut self) -> Result<(), Not> {
        let dataset = self.memory.register.clone().unwrap();
        let files = self.files;
        self.memory.spine = Some(self.deliver(&dataset, &files.register)?);
        Ok(())
    }

    fn identifiers(&mut self) -> Result<(), Not> {
        let dataset = self.memory.hospital.clone().unwrap();
        let files = self.files;
        self.memory.delivery = Some(self.deliver(&dataset, &files.identifiers)?);
        Ok(())
    }

    fn payload(&mut self) -> Result<(), Not> {
        let delivery = self.memory.delivery.clone().unwrap();
        if self.books().state("delivery", &delivery) == "complete" {
            return Ok(());
        }
        let path = format!("/v1/deliveries/{delivery}/payload?format=csv");
        let files = self.files;
        self.act("payload", &path, files.payload.as_bytes())?;
        Ok(())
    }

    fn form(&self) -> Value {
        let why = "Needed to describe who is admitted.";
        let asked = |name: &str| json!({ "name": name, "why": why });
        json!({
            "title": "Admissions",
            "lay_summary": "We ask who is admitted to hospital.",
            "public_benefit": "Services can be placed where people need them.",
            "people": [self.haven.id("researcher")],
            "datasets": [{ "dataset": self.memory.hospital, "variables": [
                asked("specialty"),
                { "name": "age_at_admission", "source": "date_of_birth", "why": why,
                  "transform": { "to": "age_at", "date": "admission_date" } },
            ]}],
            "start": "2026-01-01", "end": "2030-12-31", "minimum_cell": 5, "commercial": "none",
        })
    }

    fn apply(&mut self) -> Result<(), Not> {
        if self.memory.project.is_none() {
            let project = self.post("researcher", "/v1/projects", &json!({}))?;
            self.memory.project = Some(text(&project, "/project"));
        }
        if self.project_state() == "draft" {
            let (path, form) = (self.project("submit"), self.form());
            self.post("researcher", &path, &form)?;
        }
        Ok(())
    }

    fn project(&self, act: &str) -> String {
        format!(
            "/v1/projects/{}/{act}",
            self.memory.project.as_deref().unwrap()
        )
    }

    fn project_state(&self) -> String {
        let project = self.memory.project.clone().unwrap();
        self.books().state("project", &project).to_owned()
    }

    fn approve(&mut self) -> Result<(), Not> {
        let version = hex::encode(digest(&SHA256, self.form().to_string().as_bytes()));
        if self.project_state() == "submitted" {
            let dataset = self.memory.hospital.clone().unwrap();
            let sign = json!({ "dataset": dataset, "version": version, "verdict": "signed" });
            let path = self.project("sign");
            self.once("controller_1", &path, &sign)?;
            let vote = json!({ "version": version, "verdict": "approve" });
            for member in ["panel_1", "panel_2", "panel_3"] {
                let path = self.project("votes");
                self.once(member, &path, &vote)?;
            }
            let path = self.project("approve");
            self.post("chair", &path, &json!({}))?;
        }
        Ok(())
    }

    fn commence(&mut self) -> Result<(), Not> {
        if self.project_state() != "approved" {
            return Ok(());
        }
        let standing = json!({
            "accreditation_until": "2029-06-30", "training_until": "2029-06-30",
            "undertaking_on": "2026-01-05",
        });
        let path = format!("/v1/people/{}/standing", self.haven.id("researcher"));
        self.post("coordinator", &path, &standing)?;
        let paper = |name: &str| json!({ "reference": name, "until": "2030-12-31" });
        let papers = json!({
            "ethics": paper("REC 1"), "impact_assessment": paper("DPIA 1"),
            "sharing_agreement": paper("DSA 1"), "funding": paper("F 1"),
        });
        let path = self.project("commence");
        self.post("coordinator", &path, &papers)?;
        Ok(())
    }

    fn index(&mut self) -> Result<(), Not> {
        if self.books().find("indexing", "indexed").is_none() {
            let ask = json!({ "delivery": self.memory.delivery, "spine": self.memory.spine });
            let path = self.project("indexings");
            self.post("indexer", &path, &ask)?;
        }
        Ok(())
    }

    fn extract(&mut self) -> Result<(), Not> {
        let books = self.books();
        if books.find("extract", "sealed").is_none() {
            let indexing = books
                .find("indexing", "indexed")
                .expect("an indexing is done");
            let ask = json!({ "indexings": [indexing] });
            let path = self.project("extracts");
            self.post("steward", &path, &ask)?;
        }
        Ok(())
    }

    fn workspace(&mut self) -> Result<(), Not> {
        let books = self.books();
        if books.find("workspace", "open").is_none() {
            let extract = books
                .find("extract", "sealed")
                .expect("an extract is sealed");
            let ask = json!({ "extract": extract });
            let path = self.project("workspaces");
            self.post("steward", &path, &ask)?;
        }
        Ok(())
    }

    fn in_workspace(&self, act: &str) -> String {
        let workspace = self.books().find("workspace", "open").expect("one is open");
        format!("/v1/workspaces/{workspace}/{act}")
    }

    fn query(&mut self) -> Result<(), Not> {
        let path = self.in_workspace("queries");
        let answer = self.post("researcher", &path, &json!({ "sql": SAFE }))?;
        assert_eq!(text(&answer, "/verdict"), "pass", "{answer}");
        Ok(())
    }

    /// Two people look at what is saved in the workspace, and end it.
    fn recover(&mut self) -> Result<(), Not> {
        if self.books().find("recovery", "ended").is_some() {
            return Ok(());
        }
        let at = |recovery: &str, act: &str| format!("/v1/recoveries/{recovery}/{act}");
        if self.books().of("recovery").next().is_none() {
            let ask = json!({ "reason": "Somebody left.", "minutes": 60 });
            let path = self.in_workspace("recoveries");
            self.post("administrator", &path, &ask)?;
        }
        if let Some(asked) = self.books().find("recovery", "asked") {
            self.post("steward", &at(&asked, "confirm"), &json!({}))?;
        }
        let open = self.books().find("recovery", "open").expect("one is open");
        for who in ["administrator", "steward"] {
            self.post(who, &at(&open, "read"), &json!({}))?;
        }
        self.post("administrator", &at(&open, "end"), &json!({}))?;
        Ok(())
    }

    fn stage(&mut self) -> Result<(), Not> {
        if self.books().find("output", "checked").is_none() {
            let ask = json!({ "sql": SAFE, "context": "Table 1: people by age." });
            let path = self.in_workspace("outputs");
            let answer = self.post("researcher", &path, &ask)?;
            assert_eq!(text(&answer, "/verdict"), "pass", "{answer}");
        }
        Ok(())
    }

    fn review(&mut self) -> Result<(), Not> {
        if let Some(output) = self.books().find("output", "checked") {
            let path = format!("/v1/outputs/{output}/submit");
            self.post("researcher", &path, &json!({ "rendering": "exact" }))?;
        }
        for checker in ["checker_1", "checker_2"] {
            let Some(output) = self.books().find("output", "under_review") else {
                break;
            };
            let path = format!("/v1/outputs/{output}");
            let seen = self.send(checker, "GET", &path, &[])?.json();
            let ask = json!({ "verdict": "approve", "bytes": text(&seen, "/bytes") });
            let table = self.send(checker, "GET", &format!("{path}/table"), &[])?;
            self.memory.table = Some(table.body);
            self.once(checker, &format!("{path}/votes"), &ask)?;
        }
        Ok(())
    }

    fn release(&mut self) -> Result<(), Not> {
        if let Some(output) = self.books().find("output", "approved") {
            let path = format!("/v1/outputs/{output}/release");
            self.post("checker_2", &path, &json!({}))?;
        }
        Ok(())
    }

    fn download(&mut self) -> Result<(), Not> {
        let books = self.books();
        let output = books.find("output", "released").expect("one is released");
        let used = books
            .of("output")
            .any(|(_, row)| row.json["download"] == "used");
        if !used {
            let path = format!("/v1/outputs/{output}/download");
            let table = self.send("researcher", "POST", &path, b"{}")?;
            assert_eq!(
                Some(table.body),
                self.memory.table,
                "other bytes left than were reviewed"
            );
        }
        Ok(())
    }
}
