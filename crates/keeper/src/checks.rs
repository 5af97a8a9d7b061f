//! Checks: what a worker gathers of a statement, and how another that sees no rows judges it, beside everything
//! that left and was shown.

use governance::delivery::SealedFile;
use governance::extract::Extract;
use governance::indexing::Indexing;
use governance::job::{Screen, Task, must_be_approved};
use governance::output::{Core, Output};
use governance::project::InForce;
use governance::workspace::Workspace;
use governance::{Action, DeliveryId, ExtractId, Lifecycle, Sha256};
use protocol::compare::{Beside, Goal, Judge};
use protocol::job::{Job, People};
use protocol::keeper::Refused;
use vault::Purpose;

use crate::authority::{Desk, Right, Warrant, must_be_of};
use crate::comparison::{Cells, Comparison, Gathered, Links};
use crate::error::{by_rule, internal, not_permitted};
use crate::mounts::{Map, Mounts};
use crate::orders;
use crate::register::Before;
use crate::seal::{KeptAs, Sealed};

/// The word under which who is behind the cells of an output or of a screen is kept.
pub(crate) const PEOPLE_WORD: &str = "people";

/// How the evidence of a request is judged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judging {
    /// The worker's order.
    pub(crate) order: Judge,
    /// Whose ordinals its people go by; none for those of several spines.
    pub(crate) spine: Option<DeliveryId>,
    /// Who has which.
    links: Vec<Links>,
    /// What it is compared with.
    pub(crate) before: Before,
}

impl Judging {
    /// What the worker that judges is given. Where nobody is listed behind a cell, nobody has to be found.
    pub(crate) fn mounts(&self, evidence: String, people: Option<Sealed>) -> Comparison {
        Comparison::Judge {
            evidence,
            links: match people {
                Some(_) => self.links.clone(),
                None => Vec::new(),
            },
            people: people.map(Gathered),
            seen: self.before.seen.clone(),
        }
    }
}

/// Who is behind the cells of an output, or of a screen of a workspace, sealed under its spine: what left or was shown
/// stays comparable when its project is gone.
pub(crate) fn cells(object: &str, spine: &DeliveryId, file: &SealedFile) -> Result<Cells, Refused> {
    let words = [PEOPLE_WORD];
    let kept_as = KeptAs::new(object, &words);
    Sealed::kept(file, kept_as, spine.as_str(), Purpose::Output).map(Cells)
}

impl Desk<'_> {
    pub(crate) async fn query(
        &self,
        workspace: &str,
        statement: &Sha256,
        screen: &Screen,
        project: &InForce,
    ) -> Result<(Mounts, Job), Refused> {
        let place: Workspace = self.books.get(workspace).await?;
        let place = place.must_be_open(Action::RunQuery).map_err(by_rule)?;
        must_be_of(&place.project, project, "the workspace")?;
        let approved = [project.manifest.view, place.view];
        must_be_approved(screen.view(), approved).map_err(by_rule)?;
        let extract = self.database(&place.extract, project).await?;
        let sql = self.books.text(statement).await?;
        let order = match screen {
            Screen::Checked => orders::check(sql, self.disclosure.statements, People::Listed),
            Screen::Rows { .. } => orders::rows(sql),
        };
        Ok((Mounts::Query { extract }, order))
    }

    /// The output of a queued check.
    pub(crate) async fn staged(&self, output: &str, project: &InForce) -> Result<Core, Refused> {
        let output: Output = self.books.get(output).await?;
        let Output::Staged { core } = &output else {
            let wrong = Action::CompleteCheck.wrong_state(Output::KIND, output.state());
            return Err(by_rule(wrong));
        };
        must_be_of(&core.project, project, "the output")?;
        Ok(core.clone())
    }

    pub(crate) async fn check(
        &self,
        output: &Core,
        project: &InForce,
    ) -> Result<(Mounts, Job), Refused> {
        let extract = self.database(&output.extract, project).await?;
        let sql = self.books.text(&output.statement).await?;
        let order = orders::check(sql, self.disclosure.statements, People::Listed);
        Ok((Mounts::Check { extract }, order))
    }

    /// How what was gathered for a job is judged, beside everything that left and was shown by now.
    pub(crate) async fn judging(&self, warrant: &Warrant) -> Result<Judging, Refused> {
        let Right::Manifest(project) = self.right(&warrant.core).await? else {
            return Err(internal("the job has no project"));
        };
        match &warrant.core.task {
            Task::Query { workspace, .. } => {
                self.screen_judging(workspace.as_str(), &project).await
            }
            Task::Check { output } => self.output_judging(output.as_str(), &project).await,
            Task::LoadIdentifiers { .. }
            | Task::LoadPayload { .. }
            | Task::Index { .. }
            | Task::Extract { .. }
            | Task::Measure { .. } => Err(internal("nothing of this job is judged")),
        }
    }

    /// A screen: beside what left, and what screens of the same project showed. People of other projects see other
    /// screens.
    async fn screen_judging(&self, workspace: &str, project: &InForce) -> Result<Judging, Refused> {
        let place: Workspace = self.books.get(workspace).await?;
        must_be_of(&place.core().project, project, "the workspace")?;
        let found = self.links(&place.core().extract, project).await?;
        let Some((spine, links)) = found else {
            return Err(not_permitted(
                "the people of this extract go by several spines, so that what a screen shows cannot be compared: ask for the result as an output, which people look at",
            ));
        };
        let before = self.books.before_screen(&spine, &project.core.id).await?;
        let beside = Beside {
            goal: Goal::Screen,
            name: "a screen of this project".into(),
            date: self.day(),
            has_ordinals: true,
            // People let those out and looked at them; nobody looks at a screen before it shows.
            unknown: 0,
        };
        self.judge(project, beside, before, Some((spine, links)))
    }

    /// An output: beside what left, and what screens of all projects showed.
    async fn output_judging(&self, output: &str, project: &InForce) -> Result<Judging, Refused> {
        let output = self.staged(output, project).await?;
        let found = self.links(&output.extract, project).await?;
        let spine = found.as_ref().map(|(spine, _)| spine);
        let before = self.books.before_output(spine, &project.core.id).await?;
        let beside = Beside {
            goal: Goal::Output,
            name: format!("output {}", output.id),
            date: self.day(),
            has_ordinals: found.is_some(),
            unknown: before.unknown,
        };
        self.judge(project, beside, before, found)
    }

    fn judge(
        &self,
        project: &InForce,
        beside: Beside,
        before: Before,
        found: Option<(DeliveryId, Vec<Links>)>,
    ) -> Result<Judging, Refused> {
        before.must_fit(self.disclosure.register_mib)?;
        let (spine, links) = found.unzip();
        Ok(Judging {
            order: Judge {
                policy: self.disclosure.policy.clone(),
                minimum: project.manifest.minimum_cell.into(),
                beside,
            },
            spine,
            links: links.unwrap_or_default(),
            before,
        })
    }

    fn day(&self) -> String {
        self.now.strftime("%Y-%m-%d").to_string()
    }

    /// The links of the people of an extract, and the one spine that they lead to.
    async fn links(
        &self,
        extract: &ExtractId,
        project: &InForce,
    ) -> Result<Option<(DeliveryId, Vec<Links>)>, Refused> {
        let extract: Extract = self.books.get(extract.as_str()).await?;
        must_be_of(&extract.core().project, project, "the extract")?;
        let (mut spines, mut links) = (Vec::new(), Vec::new());
        for indexing in &extract.core().indexings {
            let indexing: Indexing = self.books.get(indexing.as_str()).await?;
            let Indexing::Indexed {
                core,
                links: file,
                map,
                ..
            } = &indexing
            else {
                return Err(not_permitted("the records of this extract are not indexed"));
            };
            must_be_of(&core.project, project, "an indexing")?;
            let kept_as = KeptAs::new(core.id.as_str(), &["links"]);
            let owner = core.project.as_str();
            links.push(Links {
                spine: Sealed::kept(file, kept_as, owner, Purpose::Linkage)?,
                map: Map::of(core, map)?,
            });
            spines.push(core.spine.clone());
        }
        spines.dedup();
        match spines.as_slice() {
            [spine] => Ok(Some((spine.clone(), links))),
            _ => Ok(None),
        }
    }
}
