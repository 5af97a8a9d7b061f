//! The register: who is behind the cells of everything that left, and of what screens showed. What is to leave or to be
//! shown is compared with it, and what is to leave once more with what was added meanwhile.

use std::io;
use std::sync::Arc;

use governance::job::Job as Ordered;
use governance::output::{KeptPeople, Output};
use governance::project::Project;
use governance::{Action, DeliveryId, InRegister, Lifecycle, OutputId, ProjectId};
use protocol::compare::{Again, RENDERINGS};
use protocol::frame::Up;
use protocol::job::{Job, Order};
use protocol::keeper::{ComparedWith, File, Outcome, Part, Refused, RefusedCode, Reply};
use protocol::report::Report;
use ring::rand::{SecureRandom, SystemRandom};
use sandbox::{Launch, Running, spawn};
use store::Filter;
use tokio::net::UnixStream;
use vault::Purpose;

use crate::authority::Warrant;
use crate::books::Books;
use crate::checks::cells;
use crate::comparison::{Cells, Comparison, Gathered, Seen};
use crate::error::{by_rule, by_sandbox, by_store, by_worker, internal, no, not_permitted};
use crate::halt::Halt;
use crate::hear::{seal, strange};
use crate::named::plain_id;
use crate::rooms::{AGAIN_PREFIX, made_name, part_words};
use crate::seal::{KeptAs, Made, Sealed};
use crate::server::{Keeper, noted};
use crate::wire::{Sent, write_reply};

const MIB: u64 = 1 << 20;

/// What was seen before of people of one spine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Before {
    /// How many entries the register has that matter, whoever's people they are about.
    pub(crate) entries: InRegister,
    /// Outputs that cannot be compared with: it is not known who is behind their cells, or not by the ordinals of the
    /// same spine.
    pub(crate) unknown: u64,
    /// Who is behind the cells of the others.
    pub(crate) seen: Seen,
    /// Bytes of these.
    bytes: u64,
}

impl Before {
    /// A worker holds all of it in memory.
    pub(crate) fn must_fit(&self, most_mib: u64) -> Result<(), Refused> {
        must_fit(self.bytes, most_mib)
    }

    fn of(&mut self, object: &str, kept: &KeptPeople) -> Result<Cells, Refused> {
        self.bytes = self.bytes.saturating_add(kept.file.bytes);
        cells(object, &kept.spine, &kept.file)
    }

    fn add_output(&mut self, output: &Output, spine: Option<&DeliveryId>) -> Result<(), Refused> {
        self.entries.outputs = self.entries.outputs.saturating_add(1);
        match output
            .kept_people()
            .filter(|kept| Some(&kept.spine) == spine)
        {
            Some(kept) => {
                let cells = self.of(output.id(), kept)?;
                self.seen.left.push(cells);
            }
            None => self.unknown = self.unknown.saturating_add(1),
        }
        Ok(())
    }

    /// A screen that showed people of another spine is nobody's to compare: it was compared with what it could be, and
    /// no checker can look at it any more.
    fn add_screen(
        &mut self,
        job: &Ordered,
        spine: Option<&DeliveryId>,
        project: &ProjectId,
    ) -> Result<(), Refused> {
        self.entries.screens = self.entries.screens.saturating_add(1);
        let its = job.shown().map(|shown| &shown.people);
        if let Some(kept) = its.filter(|kept| Some(&kept.spine) == spine) {
            let cells = self.of(job.core().task.object(), kept)?;
            match job.project() == Some(project) {
                true => self.seen.screens.push(cells),
                false => self.seen.elsewhere.push(cells),
            }
        }
        Ok(())
    }
}

/// What is compared with must fit the memory of a worker.
pub(crate) fn must_fit(bytes: u64, most_mib: u64) -> Result<(), Refused> {
    if bytes <= most_mib.saturating_mul(MIB) {
        return Ok(());
    }
    Err(no(
        RefusedCode::Limit,
        format!(
            "what left and was shown of these people takes more than {most_mib} MiB to compare with (register_mib in policies/limits.toml)"
        ),
    ))
}

impl Books {
    /// Everything that left and was shown, for an output of a project whose people go by the ordinals of this spine:
    /// whoever gets it may have seen any screen.
    pub(crate) async fn before_output(
        &self,
        spine: Option<&DeliveryId>,
        project: &ProjectId,
    ) -> Result<Before, Refused> {
        self.before(spine, project, None).await
    }

    /// Everything that left, and what screens of the project showed, for a screen of it.
    pub(crate) async fn before_screen(
        &self,
        spine: &DeliveryId,
        project: &ProjectId,
    ) -> Result<Before, Refused> {
        self.before(Some(spine), project, Some(project)).await
    }

    async fn before(
        &self,
        spine: Option<&DeliveryId>,
        project: &ProjectId,
        screens_of: Option<&ProjectId>,
    ) -> Result<Before, Refused> {
        let mut before = Before::default();
        for output in self.all_that_left().await? {
            before.add_output(&output, spine)?;
        }
        for job in self.all_shown(screens_of).await? {
            before.add_screen(&job, spine, project)?;
        }
        Ok(before)
    }

    /// In the order in which they left.
    pub(crate) async fn all_that_left(&self) -> Result<Vec<Output>, Refused> {
        let mut all = self
            .every::<Output>(&["released", "recalled"], None)
            .await?;
        all.sort_by(|a, b| (a.left_at(), a.id()).cmp(&(b.left_at(), b.id())));
        Ok(all)
    }

    /// Queries whose screens showed something new, of one project or of all, in the order in which they did.
    pub(crate) async fn all_shown(
        &self,
        project: Option<&ProjectId>,
    ) -> Result<Vec<Ordered>, Refused> {
        let mut all = self.every::<Ordered>(&["shown"], project).await?;
        let at = |job: &Ordered| job.shown().map(|shown| shown.at);
        all.sort_by(|a, b| (at(a), a.id()).cmp(&(at(b), b.id())));
        Ok(all)
    }

    async fn every<S: Lifecycle>(
        &self,
        states: &[&str],
        project: Option<&ProjectId>,
    ) -> Result<Vec<S>, Refused> {
        let mut all: Vec<S> = Vec::new();
        loop {
            let after = all.last().map(|one| one.id().to_owned());
            let filter = Filter {
                states,
                project,
                after: after.as_deref(),
                ..Filter::default()
            };
            let page = self.store.list::<S>(filter).await.map_err(by_store)?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page.into_iter().map(|held| held.value));
        }
    }
}

impl Keeper {
    /// Compares an output between its check and its release with what has left and was shown by now. No data is opened:
    /// who is behind its cells was kept at its check.
    pub(crate) async fn compare(self: &Arc<Self>, id: &str) -> Result<(Reply, Made), Refused> {
        let id: OutputId = id
            .parse()
            .map_err(|_| not_permitted("not a valid output id"))?;
        let output: Output = self.books.get(id.as_str()).await?;
        let wrong = || by_rule(Action::CompareOutput.wrong_state(Output::KIND, output.state()));
        let checked = output.checked().ok_or_else(wrong)?;
        let kept = output.kept_people();
        let spine = kept.map(|kept| &kept.spine);
        let project = &output.core().project;
        let before = self.books.before_output(spine, project).await?;
        before.must_fit(self.disclosure.register_mib)?;
        let (entries, unknown) = (before.entries, before.unknown);
        let compared = |report| Reply::Compared {
            releases: entries.outputs,
            screens: entries.screens,
            unknown,
            report,
        };
        let none = || Made::new(&self.rooms.sealed);
        let Some(kept) = kept.filter(|_| !before.seen.is_empty()) else {
            return Ok((compared(None), none()));
        };
        let project = project.as_str();
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
                cells: cells(id.as_str(), &kept.spine, &kept.file)?,
                renderings: Gathered(renderings),
                seen: before.seen,
            },
            name: made_name(id.as_str(), "report", &again_name()?),
            owner: project.to_owned(),
        };
        let keeper = Arc::clone(self);
        let (report, made) = self
            .in_place_of_a_query(move || comparing.carry_out(&keeper))
            .await?;
        Ok((compared(report), made))
    }

    /// Whether what a screen shows anew fits the register beside what screens showed before: what is to leave must stay
    /// comparable with all of it, and one project may not take what others need.
    pub(crate) async fn must_have_room(
        &self,
        warrant: &Warrant,
        outcome: &Outcome,
    ) -> Result<(), Refused> {
        let Outcome::Judged {
            compared:
                ComparedWith {
                    people: Some((spine, file)),
                    ..
                },
            ..
        } = outcome
        else {
            return Ok(());
        };
        if !warrant.core.task.is_checked_screen() {
            return Ok(());
        }
        let (mut of_all, mut of_project) = (file.bytes, file.bytes);
        for job in self.books.all_shown(None).await? {
            let its = job.shown().map(|shown| &shown.people);
            let Some(kept) = its.filter(|kept| kept.spine.as_str() == spine) else {
                continue;
            };
            of_all = of_all.saturating_add(kept.file.bytes);
            if job.project() == warrant.core.authority.project() {
                of_project = of_project.saturating_add(kept.file.bytes);
            }
        }
        for (bytes, most_mib, whose, name) in [
            (
                of_project,
                self.disclosure.project_screens_mib,
                "of this project",
                "project_screens_mib",
            ),
            (
                of_all,
                self.disclosure.screens_mib,
                "of all projects",
                "screens_mib",
            ),
        ] {
            if bytes > most_mib.saturating_mul(MIB) {
                return Err(no(
                    RefusedCode::Limit,
                    format!(
                        "what screens {whose} showed of these people would take more than {most_mib} MiB of the release register ({name} in policies/limits.toml): ask what was shown before again, which takes nothing, or have the limit raised"
                    ),
                ));
            }
        }
        Ok(())
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

/// A worker that sees what left and was shown, and no data.
pub(crate) fn start(keeper: &Keeper, job: Job, mounts: &Comparison) -> Result<Running, Refused> {
    let profile = keeper.query_profile.clone();
    let inputs = mounts.open(&keeper.custody, &keeper.rooms, &Halt::default())?;
    spawn(Launch {
        worker: keeper.judge_worker.clone(),
        order: Order {
            job,
            limits: profile.limits.clone(),
        },
        inputs,
        profile,
    })
    .map_err(by_sandbox)
}
