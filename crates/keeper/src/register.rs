//! The register: who is behind the cells of everything that left. What is to leave is compared with all of it, and
//! once more with what left meanwhile.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use governance::output::{KeptPeople, Output};
use governance::project::Project;
use governance::{Action, DeliveryId, Lifecycle, OutputId};
use protocol::compare::{Again, Attack, RENDERINGS};
use protocol::frame::Up;
use protocol::job::{Job, Order};
use protocol::keeper::{File, Part, Refused, RefusedCode, Reply};
use protocol::report::Report;
use ring::rand::{SecureRandom, SystemRandom};
use sandbox::{Launch, Running, spawn};
use serde_json::{Value, json};
use store::Filter;
use tokio::net::UnixStream;
use vault::Purpose;

use crate::books::Books;
use crate::checks::cells;
use crate::comparison::{Cells, Comparison, Gathered};
use crate::error::{by_rule, by_sandbox, by_store, by_worker, internal, no, not_permitted};
use crate::halt::Halt;
use crate::hear::{seal, strange};
use crate::named::plain_id;
use crate::rooms::{AGAIN_PREFIX, made_name, part_words};
use crate::seal::{KeptAs, Made, Sealed};
use crate::server::{Keeper, noted};
use crate::wire::{Sent, write_reply};

/// How many of the newest tables are attacked, each with all before it.
const NEWEST: u32 = 100;

/// What left the safe haven.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Left {
    /// Outputs, those called back among them.
    pub(crate) releases: u64,
    /// Those of them that cannot be compared with: it is not known who is behind their cells, or not by the
    /// ordinals of the same spine.
    pub(crate) unknown: u64,
    /// Who is behind the cells of the others, in the order in which they left.
    pub(crate) cells: Vec<Cells>,
    /// Bytes of these.
    bytes: u64,
}

impl Left {
    /// A worker holds all of it in memory.
    pub(crate) fn must_fit(&self, most_mib: u64) -> Result<(), Refused> {
        if self.bytes <= most_mib.saturating_mul(1 << 20) {
            return Ok(());
        }
        Err(no(
            RefusedCode::Limit,
            format!(
                "what left of these people takes more than {most_mib} MiB to compare with (register_mib in policies/limits.toml)"
            ),
        ))
    }

    fn add(&mut self, id: &OutputId, kept: &KeptPeople) -> Result<(), Refused> {
        self.bytes = self.bytes.saturating_add(kept.file.bytes);
        self.cells.push(cells(id, &kept.spine, &kept.file)?);
        Ok(())
    }
}

impl Books {
    /// Everything that left, for an output whose people go by the ordinals of this spine.
    pub(crate) async fn left(&self, spine: Option<&DeliveryId>) -> Result<Left, Refused> {
        let mut left = Left::default();
        for output in self.all_that_left().await? {
            left.releases = left.releases.saturating_add(1);
            match output.kept_people() {
                Some(kept) if Some(&kept.spine) == spine => left.add(&output.core().id, kept)?,
                Some(_) | None => left.unknown = left.unknown.saturating_add(1),
            }
        }
        Ok(left)
    }

    /// The same by spine, and how many outputs have none.
    async fn left_by_spine(&self) -> Result<(BTreeMap<DeliveryId, Left>, u64), Refused> {
        let (mut by_spine, mut unknown) = (BTreeMap::<DeliveryId, Left>::new(), 0_u64);
        for output in self.all_that_left().await? {
            match output.kept_people() {
                Some(kept) => {
                    let left = by_spine.entry(kept.spine.clone()).or_default();
                    left.releases = left.releases.saturating_add(1);
                    left.add(&output.core().id, kept)?;
                }
                None => unknown = unknown.saturating_add(1),
            }
        }
        Ok((by_spine, unknown))
    }

    /// In the order in which they left.
    async fn all_that_left(&self) -> Result<Vec<Output>, Refused> {
        let mut all: Vec<Output> = Vec::new();
        loop {
            let after = all.last().map(|output| output.id().to_owned());
            let filter = Filter {
                states: &["released", "recalled"],
                after: after.as_deref(),
                ..Filter::default()
            };
            let page = self.store.list::<Output>(filter).await.map_err(by_store)?;
            if page.is_empty() {
                all.sort_by(|a, b| (a.left_at(), a.id()).cmp(&(b.left_at(), b.id())));
                return Ok(all);
            }
            all.extend(page.into_iter().map(|held| held.value));
        }
    }
}

impl Keeper {
    /// Compares an output between its check and its release with what has left by now. No data is opened: who is
    /// behind its cells was kept at its check.
    pub(crate) async fn compare(self: &Arc<Self>, id: &str) -> Result<(Reply, Made), Refused> {
        let id: OutputId = id
            .parse()
            .map_err(|_| not_permitted("not a valid output id"))?;
        let output: Output = self.books.get(id.as_str()).await?;
        let wrong = || by_rule(Action::CompareOutput.wrong_state(Output::KIND, output.state()));
        let checked = output.checked().ok_or_else(wrong)?;
        let kept = output.kept_people();
        let left = self.books.left(kept.map(|kept| &kept.spine)).await?;
        left.must_fit(self.disclosure.register_mib)?;
        let clear = Reply::Compared {
            releases: left.releases,
            unknown: left.unknown,
            report: None,
        };
        let none = || Made::new(&self.rooms.sealed);
        let Some(kept) = kept.filter(|_| !left.cells.is_empty()) else {
            return Ok((clear, none()));
        };
        let project = output.core().project.as_str();
        let of = self.books.get::<Project>(project).await?;
        let minimum = of.manifest().map(|manifest| manifest.minimum_cell);
        let minimum = minimum.ok_or_else(|| not_permitted("the project has no manifest"))?;
        let words = part_words(Part::Report);
        let kept_as = KeptAs::new(id.as_str(), words);
        let renderings = Sealed::kept(&checked.report, kept_as, project, Purpose::Output)?;
        let comparing = Comparing {
            order: Job::Again(Again {
                policy: self.disclosure.policy.clone(),
                minimum: minimum.into(),
            }),
            mounts: Comparison::Again {
                cells: cells(&id, &kept.spine, &kept.file)?,
                renderings: Gathered(renderings),
                left: left.cells,
            },
            name: made_name(id.as_str(), "report", &again_name()?),
            owner: project.to_owned(),
        };
        let keeper = Arc::clone(self);
        let (report, made) = self
            .in_place_of_a_query(move || comparing.carry_out(&keeper))
            .await?;
        let reply = match report {
            None => clear,
            report @ Some(_) => Reply::Compared {
                releases: left.releases,
                unknown: left.unknown,
                report,
            },
        };
        Ok((reply, made))
    }

    /// Attacks everything that left, spine by spine: counts of what is recovered.
    pub(crate) async fn attack(self: &Arc<Self>) -> Result<String, Refused> {
        let (by_spine, unknown) = self.books.left_by_spine().await?;
        let mut spines = Vec::new();
        for (spine, left) in by_spine {
            left.must_fit(self.disclosure.register_mib)?;
            let order = Job::Attack(Attack {
                policy: self.disclosure.policy.clone(),
                newest: NEWEST,
            });
            let mounts = Comparison::Attack { left: left.cells };
            let keeper = Arc::clone(self);
            let recovered = self
                .in_place_of_a_query(move || recovered(&keeper, order, &mounts))
                .await?;
            let recovered: Value = serde_json::from_str(&recovered).map_err(|_| strange())?;
            spines.push(json!({
                "spine": spine, "outputs": left.releases, "recovered": recovered,
            }));
        }
        Ok(json!({ "spines": spines, "unknown": unknown }).to_string())
    }
}

/// Answers a desk that has an output compared again. What it is not told of is deleted.
pub(crate) async fn answer(
    keeper: &Arc<Keeper>,
    stream: &mut UnixStream,
    output: &str,
) -> io::Result<()> {
    let (reply, made) = match keeper.unless_closing(keeper.compare(output)).await {
        Ok((reply, made)) => (Ok(reply), Some(made)),
        Err(refused) => (Err(refused), None),
    };
    let reply = noted(keeper, reply, "compare", &plain_id(output));
    if let (Sent::Whole, Some(made)) = (write_reply(stream, &reply).await?, made) {
        made.keep();
    }
    Ok(())
}

/// Answers a desk that has what left attacked.
pub(crate) async fn answer_attack(keeper: &Arc<Keeper>, stream: &mut UnixStream) -> io::Result<()> {
    let attacked = keeper.unless_closing(keeper.attack()).await;
    let attacked = attacked.map(|recovered| Reply::Attacked { recovered });
    let reply = noted(keeper, attacked, "attack", "");
    write_reply(stream, &reply).await.map(drop)
}

/// A word that no other comparison has.
fn again_name() -> Result<String, Refused> {
    let mut random = [0; 10];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| internal("there is no randomness"))?;
    Ok(format!("{AGAIN_PREFIX}{}", hex::encode(random)))
}

/// A comparison that goes on away from whoever answers requests.
struct Comparing {
    order: Job,
    mounts: Comparison,
    /// Of the report, if anything is found.
    name: String,
    owner: String,
}

impl Comparing {
    /// The report with what was found, if anything was.
    fn carry_out(&self, keeper: &Keeper) -> Result<(Option<File>, Made), Refused> {
        let mut running = start(keeper, self.order.clone(), &self.mounts)?;
        let mut made = Made::new(&keeper.rooms.sealed);
        let (mut report, mut found) = (None, None);
        while let Some(up) = running.next().map_err(by_sandbox)? {
            match up {
                Up::Progress(_) => {}
                Up::FileStart { name } if name == RENDERINGS && report.is_none() => {
                    let secret = keeper.custody.make(&self.owner, Purpose::Output)?;
                    let folder = &keeper.rooms.sealed;
                    report = Some(seal(&mut running, folder, &self.name, &secret)?);
                    made.add(&self.name);
                }
                Up::Report(Report::Again { found: number }) => found = Some(number),
                Up::Failed(failure) => return Err(by_worker(failure)),
                _ => return Err(strange()),
            }
        }
        match (found, report) {
            (Some(0), None) => Ok((None, made)),
            (Some(1..), Some(report)) => Ok((Some(report), made)),
            (Some(_) | None, _) => Err(strange()),
        }
    }
}

fn recovered(keeper: &Keeper, order: Job, mounts: &Comparison) -> Result<String, Refused> {
    let mut running = start(keeper, order, mounts)?;
    let mut said = None;
    while let Some(up) = running.next().map_err(by_sandbox)? {
        match up {
            Up::Progress(_) => {}
            Up::Report(Report::Attack { recovered }) => said = Some(recovered),
            Up::Failed(failure) => return Err(by_worker(failure)),
            _ => return Err(strange()),
        }
    }
    said.ok_or_else(strange)
}

/// A worker that sees what left and no data.
fn start(keeper: &Keeper, job: Job, mounts: &Comparison) -> Result<Running, Refused> {
    let profile = keeper.query_profile.clone();
    let inputs = mounts.open(&keeper.custody, &keeper.rooms, &Halt::default())?;
    spawn(Launch {
        worker: keeper.worker.clone(),
        order: Order {
            job,
            limits: profile.limits.clone(),
        },
        inputs,
        profile,
    })
    .map_err(by_sandbox)
}
