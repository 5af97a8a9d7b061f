//! The end of a project's data: its secrets are destroyed, its sealed files tried, found shut and deleted.
//!
//! 1. The plan is on the disk before a secret goes: which files are the project's, each opened once with a
//!    secret of the project. A front that lies about whose a file is cannot have another project's destroyed.
//! 2. The secrets go together, under one new epoch key (`vault`).
//! 3. Every file of the plan is tried with the very function that opened it before. One that opens stops it all.
//! 4. Only then are the files deleted, and the certificate is signed.
//!
//! Cut short anywhere, it is completed by asking again: the plan stays, and the vault certifies what was
//! destroyed before.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use governance::extract::Extract;
use governance::indexing::Indexing;
use governance::output::Output;
use governance::project::Project;
use governance::{Lifecycle, ProjectId};
use protocol::keeper::{Refused, RefusedCode, Reply};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use vault::{DestructionCertificate, Purpose};

use crate::checks::PEOPLE_WORD;
use crate::custody::Custody;
use crate::error::{by_log, by_rule, by_store, by_vault, internal, no, not_permitted};
use crate::rooms::{names, remove, sync_folder};
use crate::server::Keeper;
use crate::spares::put_out;

const SCHEMA: &str = "destruction/1";
/// Most files of one project: the certificate names each, and is a document of the log.
const FILES_MAX: usize = 20_000;
/// Most bytes of a plan.
const PLAN_BYTES_MAX: u64 = 8 << 20;
/// What a project may have secrets for. Each is destroyed even where it was never used, so that it never will be.
const PURPOSES: [Purpose; 4] = [
    Purpose::Linkage,
    Purpose::Pseudonym,
    Purpose::Extract,
    Purpose::Output,
];

/// A file that is the project's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Doomed {
    name: String,
    /// Of the sealed bytes.
    sealed_sha256: String,
    sealed_bytes: u64,
}

/// What is destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    schema: String,
    project: ProjectId,
    files: Vec<Doomed>,
    /// Files that the store calls the project's and that no secret of it opened: damaged, or not its own. They stay.
    not_its_own: Vec<String>,
}

/// What was destroyed, as it is signed for.
#[derive(Debug, Serialize)]
struct Certificate<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    epoch_before: u64,
    epoch_after: u64,
    secrets: Vec<Gone<'a>>,
    /// Files that were tried after the secrets had gone, of which none opened.
    files_tried: u64,
}

#[derive(Debug, Serialize)]
struct Gone<'a> {
    purpose: Purpose,
    at_epoch: u64,
    tried: &'a [vault::Trial],
}

impl Keeper {
    /// Destroys the secrets and sealed files of a project that has ended, and certifies it.
    pub(crate) async fn destroy(self: &Arc<Self>, project: &str) -> Result<Reply, Refused> {
        let id: ProjectId = project
            .parse()
            .map_err(|_| not_permitted("not a valid project id"))?;
        let project: Project = self.books.get(id.as_str()).await?;
        project.must_be_destroyable().map_err(by_rule)?;
        let _one = self.destroying.lock().await;
        put_out(self.spares.forget(&id)).await;
        let path = self.rooms.destroyed.join(id.as_str());
        let plan = match read_plan(&path, &id)? {
            Some(plan) => plan,
            None => self.plan(&id, path).await?,
        };
        let keeper = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || carry_out(&keeper, &plan)).await;
        let done = done.map_err(|_| internal("the destruction broke off; ask again"))?;
        if done.is_err() && self.custody.must_be_reopened() {
            // Only a new start tells where a destruction stands that failed in the middle.
            self.broken.notify_one();
        }
        if done.is_ok() {
            self.forget_people(&id).await?;
        }
        done
    }

    /// Who is behind the cells of its outputs that never left goes as well: it lies under a key of the spine.
    async fn forget_people(&self, id: &ProjectId) -> Result<(), Refused> {
        for name in names(&self.rooms.sealed).map_err(|error| disk(&error))? {
            let mut parts = name.split('.');
            let (Some(object), Some(PEOPLE_WORD)) = (parts.next(), parts.next()) else {
                continue;
            };
            let held = self.books.store.load::<Output>(object).await;
            let held = held.map_err(by_store)?;
            if held.is_some_and(|held| !held.value.has_left() && held.value.core().project == *id) {
                remove(&self.rooms.sealed, &name);
            }
        }
        Ok(())
    }

    /// Finds the project's files and keeps the plan.
    async fn plan(self: &Arc<Self>, id: &ProjectId, path: PathBuf) -> Result<Plan, Refused> {
        let mut whose: BTreeMap<String, bool> = BTreeMap::new();
        let mut found = Vec::new();
        for name in names(&self.rooms.sealed).map_err(|error| disk(&error))? {
            let mut parts = name.split('.');
            let object = parts.next().unwrap_or_default().to_owned();
            // Sealed under the spine: what left stays comparable. The rest of it is swept away.
            if parts.next() == Some(PEOPLE_WORD) {
                continue;
            }
            let its = match whose.get(&object) {
                Some(its) => *its,
                None => {
                    let its = self.project_of(&object).await?.as_ref() == Some(id);
                    whose.insert(object, its);
                    its
                }
            };
            if its {
                found.push(name);
            }
        }
        if found.len() > FILES_MAX {
            return Err(no(
                RefusedCode::Limit,
                format!("a project of more than {FILES_MAX} sealed files is not destroyed at once"),
            ));
        }
        let (keeper, id) = (Arc::clone(self), id.clone());
        let planned = tokio::task::spawn_blocking(move || look(&keeper, id, found, &path)).await;
        planned.map_err(|_| internal("the destruction broke off; ask again"))?
    }

    /// Whose a sealed file is, by the object that it is named after.
    async fn project_of(&self, object: &str) -> Result<Option<ProjectId>, Refused> {
        async fn of<S: Lifecycle>(keeper: &Keeper, id: &str) -> Result<Option<ProjectId>, Refused> {
            let held = keeper.books.store.load::<S>(id).await.map_err(by_store)?;
            Ok(held.and_then(|held| held.value.project().cloned()))
        }
        match object.split('_').next() {
            Some("idx") => of::<Indexing>(self, object).await,
            Some("ext") => of::<Extract>(self, object).await,
            Some("out") => of::<Output>(self, object).await,
            Some(_) | None => Ok(None),
        }
    }
}

/// Opens every file once with the project's own secrets, and writes the plan.
fn look(
    keeper: &Keeper,
    project: ProjectId,
    found: Vec<String>,
    path: &Path,
) -> Result<Plan, Refused> {
    for purpose in PURPOSES {
        match keeper.custody.make(project.as_str(), purpose) {
            Ok(_) => {}
            // Destroyed already: then none of its files can be told from noise.
            Err(refused) if refused.code == RefusedCode::Destroyed => {}
            Err(refused) => return Err(refused),
        }
    }
    let mut plan = Plan {
        schema: SCHEMA.to_owned(),
        project,
        files: Vec::new(),
        not_its_own: Vec::new(),
    };
    for name in found {
        if opens(&keeper.custody, &keeper.rooms.sealed, &name, &plan.project) {
            let (sealed_sha256, sealed_bytes) =
                digest(&keeper.rooms.sealed.join(&name)).map_err(|error| disk(&error))?;
            plan.files.push(Doomed {
                name,
                sealed_sha256,
                sealed_bytes,
            });
        } else {
            plan.not_its_own.push(name);
        }
    }
    let bytes = serde_json::to_vec(&plan).map_err(|_| internal("the plan cannot be written"))?;
    vault::write_once(path, &bytes).map_err(by_vault)?;
    Ok(plan)
}

fn carry_out(keeper: &Keeper, plan: &Plan) -> Result<Reply, Refused> {
    let (custody, sealed) = (&keeper.custody, &keeper.rooms.sealed);
    let gone = custody.destroy(plan.project.as_str())?;
    let purposes: BTreeSet<Purpose> = gone.iter().map(|gone| gone.purpose).collect();
    if purposes != PURPOSES.into_iter().collect() {
        return Err(internal("not every secret of the project was destroyed"));
    }
    for file in &plan.files {
        // One that is not there was tried and deleted before this was asked again.
        if opens(custody, sealed, &file.name, &plan.project) {
            tracing::error!(file = file.name, "a sealed file opens without its secret");
            return Err(internal(
                "a sealed file could still be opened after its secret was destroyed",
            ));
        }
    }
    for file in &plan.files {
        remove(sealed, &file.name);
        if sealed.join(&file.name).exists() {
            return Err(internal("a sealed file could not be deleted; ask again"));
        }
    }
    sync_folder(sealed).map_err(|error| disk(&error))?;
    certify(keeper, plan, &gone)
}

fn certify(
    keeper: &Keeper,
    plan: &Plan,
    gone: &[DestructionCertificate],
) -> Result<Reply, Refused> {
    let epoch_after = gone.iter().map(|gone| gone.at_epoch).max().unwrap_or(0);
    let epoch_before = epoch_after.saturating_sub(1);
    let files = plan.files.len() as u64;
    let certificate = Certificate {
        plan,
        epoch_before,
        epoch_after,
        secrets: gone
            .iter()
            .map(|gone| Gone {
                purpose: gone.purpose,
                at_epoch: gone.at_epoch,
                tried: &gone.tried,
            })
            .collect(),
        files_tried: files,
    };
    let certificate = serde_json::to_string(&certificate)
        .map_err(|_| internal("the certificate cannot be written"))?;
    let hash = hex::encode(audit_log::sha256(certificate.as_bytes()));
    let text = format!("strongroom destruction\n{}\n{hash}\n", plan.project);
    let note = keeper.custody.manifest.sign_note(&text).map_err(by_log)?;
    tracing::info!(project = %plan.project, files, epoch = epoch_after, "destroyed");
    Ok(Reply::Destroyed {
        certificate,
        note: note.to_string(),
        files,
        epoch_before,
        epoch_after,
    })
}

/// Whether any secret of the project opens the file as far as its first bytes, which are authenticated.
fn opens(custody: &Custody, sealed: &Path, name: &str, project: &ProjectId) -> bool {
    PURPOSES.into_iter().any(|purpose| {
        let Ok(secret) = custody.secret(project.as_str(), purpose) else {
            return false;
        };
        vault::open_file(sealed, name, &secret)
            .is_ok_and(|mut reader| reader.read(&mut [0_u8; 1]).is_ok())
    })
}

fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let (mut digest, mut bytes) = (Context::new(&SHA256), 0_u64);
    let mut piece = vec![0_u8; 256 * 1024];
    loop {
        let n = file.read(&mut piece)?;
        if n == 0 {
            return Ok((hex::encode(digest.finish()), bytes));
        }
        digest.update(piece.get(..n).unwrap_or_default());
        bytes = bytes.saturating_add(n as u64);
    }
}

fn read_plan(path: &Path, project: &ProjectId) -> Result<Option<Plan>, Refused> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk(&error)),
        Ok(file) => file
            .take(PLAN_BYTES_MAX)
            .read_to_end(&mut bytes)
            .map_err(|error| disk(&error))?,
    };
    let plan: Plan = serde_json::from_slice(&bytes)
        .map_err(|_| internal("the plan of an earlier destruction cannot be read"))?;
    if plan.schema == SCHEMA && plan.project == *project {
        Ok(Some(plan))
    } else {
        Err(internal("the plan of an earlier destruction is another's"))
    }
}

fn disk(error: &io::Error) -> Refused {
    tracing::error!(error = %error, "a destruction met the disk");
    internal("the keeper's folder cannot be read or written; ask again")
}
