//! Checks: what a worker gathers of a statement, and how another that sees no rows judges it, beside everything
//! that left.

use governance::delivery::SealedFile;
use governance::extract::Extract;
use governance::indexing::Indexing;
use governance::job::{Screen, must_be_approved};
use governance::output::{Core, Output};
use governance::project::InForce;
use governance::workspace::Workspace;
use governance::{Action, DeliveryId, Lifecycle, OutputId, ProjectId, Sha256};
use protocol::compare::{Beside, Judge};
use protocol::job::{Job, People};
use protocol::keeper::Refused;
use vault::Purpose;

use crate::authority::{Desk, must_be_of};
use crate::comparison::{Cells, Comparison, Gathered, Links};
use crate::error::{by_rule, not_permitted};
use crate::mounts::Mounts;
use crate::orders;
use crate::register::Left;
use crate::seal::{KeptAs, Sealed};

/// The word under which who is behind an output's cells is kept.
pub(crate) const PEOPLE_WORD: &str = "people";

/// How the evidence of a request is judged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judging {
    project: ProjectId,
    /// The worker's order.
    pub(crate) order: Judge,
    /// The output that is compared; none for a screen.
    pub(crate) output: Option<Comparing>,
}

/// An output with what it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparing {
    pub(crate) id: OutputId,
    /// Whose ordinals its people go by, and who has which; none for those of several spines.
    pub(crate) spine: Option<DeliveryId>,
    links: Vec<Links>,
    pub(crate) left: Left,
}

impl Judging {
    /// What the worker that judges is given.
    pub(crate) fn mounts(&self, evidence: String, people: Option<Sealed>) -> Comparison {
        let (links, left) = match &self.output {
            Some(output) => (output.links.clone(), output.left.cells.clone()),
            None => (Vec::new(), Vec::new()),
        };
        Comparison::Judge {
            project: self.project.clone(),
            evidence,
            people: people.map(Gathered),
            links,
            left,
        }
    }
}

/// Who is behind the cells of an output, sealed under its spine: what left stays comparable when its project is
/// gone.
pub(crate) fn cells(
    output: &OutputId,
    spine: &DeliveryId,
    file: &SealedFile,
) -> Result<Cells, Refused> {
    let words = [PEOPLE_WORD];
    let kept_as = KeptAs::new(output.as_str(), &words);
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
            Screen::Checked => orders::check(sql, self.disclosure.statements, People::Counted),
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

    /// How a screen is judged whose tables are compared with each other. One table needs no worker for that.
    pub(crate) fn screen_judging(&self, screen: &Screen, project: &InForce) -> Option<Judging> {
        match screen {
            Screen::Checked => Some(Judging {
                project: project.core.id.clone(),
                order: self.judge(project, None),
                output: None,
            }),
            Screen::Rows { .. } => None,
        }
    }

    /// How an output is judged: beside everything that has left by now.
    pub(crate) async fn output_judging(
        &self,
        output: &Core,
        project: &InForce,
    ) -> Result<Judging, Refused> {
        let (spine, links) = match self.links(output, project).await? {
            Some((spine, links)) => (Some(spine), links),
            None => (None, Vec::new()),
        };
        let left = self.books.left(spine.as_ref()).await?;
        left.must_fit(self.disclosure.register_mib)?;
        let beside = Beside {
            name: format!("output {}", output.id),
            date: self.now.strftime("%Y-%m-%d").to_string(),
            has_ordinals: spine.is_some(),
            unknown: left.unknown,
        };
        Ok(Judging {
            project: project.core.id.clone(),
            order: self.judge(project, Some(beside)),
            output: Some(Comparing {
                id: output.id.clone(),
                spine,
                links,
                left,
            }),
        })
    }

    fn judge(&self, project: &InForce, beside: Option<Beside>) -> Judge {
        Judge {
            policy: self.disclosure.policy.clone(),
            minimum: project.manifest.minimum_cell.into(),
            beside,
        }
    }

    /// The links of the people of an output's extract, and the one spine that they lead to.
    async fn links(
        &self,
        output: &Core,
        project: &InForce,
    ) -> Result<Option<(DeliveryId, Vec<Links>)>, Refused> {
        let extract: Extract = self.books.get(output.extract.as_str()).await?;
        must_be_of(&extract.core().project, project, "the extract")?;
        let (mut spines, mut links) = (Vec::new(), Vec::new());
        for indexing in &extract.core().indexings {
            let indexing: Indexing = self.books.get(indexing.as_str()).await?;
            let Indexing::Indexed {
                core, links: file, ..
            } = &indexing
            else {
                return Err(not_permitted("the records of this extract are not indexed"));
            };
            must_be_of(&core.project, project, "an indexing")?;
            let kept_as = KeptAs::new(core.id.as_str(), &["links"]);
            let owner = core.project.as_str();
            links.push(Links(Sealed::kept(file, kept_as, owner, Purpose::Linkage)?));
            spines.push(core.spine.clone());
        }
        spines.dedup();
        match spines.as_slice() {
            [spine] => Ok(Some((spine.clone(), links))),
            _ => Ok(None),
        }
    }
}
