//! Comments: what people say to each other about an application or an output. A comment is made once and
//! never changed; its text lies beside the log and can be erased.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle, Tie, TieKind};
use crate::ids::{CommentId, OutputId, PersonId, ProjectId, Sha256};
use crate::output::Output;
use crate::project::Project;
use crate::refusal::Refusal;

/// Who reads a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody who may read what it is about.
    Public,
    /// Those who decide or check; never the people of the project.
    Private,
}

impl Visibility {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// What a comment is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The application, in one of its sections.
    Project,
    /// An output of the project.
    Output(OutputId),
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// Id.
    pub id: CommentId,
    /// What it is about.
    pub about: About,
    /// Of which project.
    pub project: ProjectId,
    /// Section of the application; empty for an output.
    pub section: String,
    /// Who reads it.
    pub visibility: Visibility,
    /// Who made it.
    pub author: PersonId,
    /// Hash of the text, a key into the documents.
    pub text: Sha256,
    /// When.
    pub at: Timestamp,
}

impl Lifecycle for Comment {
    const KIND: &'static str = "comment";
    fn id(&self) -> &str {
        self.id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        Some(&self.project)
    }
    fn state(&self) -> &'static str {
        "posted"
    }
    fn author(&self) -> Option<&PersonId> {
        Some(&self.author)
    }
    fn ties(&self) -> BTreeSet<Tie> {
        let about = match &self.about {
            About::Project => self.project.as_str(),
            About::Output(output) => output.as_str(),
        };
        BTreeSet::from([Tie::new(TieKind::Of, about)])
    }
}

impl Comment {
    /// Comments on a section of an application. `text` is the hash of what is said.
    ///
    /// # Errors
    /// If the project's state does not allow it, the section is not a plain word, or somebody on the project
    /// would make a comment that its people cannot read.
    pub fn on_project(
        id: CommentId,
        project: &Project,
        section: &str,
        visibility: Visibility,
        text: Sha256,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let action = Action::CommentOnProject;
        if !action.row().states.contains(&project.state()) {
            return Err(action.wrong_state(Project::KIND, project.state()));
        }
        if !crate::dataset::plain(section) {
            return Err(Refusal::Invalid(
                "a section is named by one word of lower-case letters, digits and _".into(),
            ));
        }
        must_reach(visibility, &project.people(), by)?;
        let comment = Self {
            id,
            about: About::Project,
            project: project.core().id.clone(),
            section: section.to_owned(),
            visibility,
            author: by.clone(),
            text,
            at,
        };
        // The section stays out of the leaf: it is a word that somebody sent.
        let about = comment.project.clone();
        Ok(comment.made(action).fact("about", &about))
    }

    /// Comments on an output. `text` is the hash of what is said.
    ///
    /// # Errors
    /// If the output's state does not allow it, or somebody on the project would make a comment that its
    /// people cannot read.
    pub fn on_output(
        id: CommentId,
        output: &Output,
        project_people: &BTreeSet<PersonId>,
        visibility: Visibility,
        text: Sha256,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let action = Action::CommentOnOutput;
        if !action.row().states.contains(&output.state()) {
            return Err(action.wrong_state(Output::KIND, output.state()));
        }
        let core = output.core();
        must_reach(visibility, project_people, by)?;
        let comment = Self {
            id,
            about: About::Output(core.id.clone()),
            project: core.project.clone(),
            section: String::new(),
            visibility,
            author: by.clone(),
            text,
            at,
        };
        Ok(comment.made(action).fact("about", &core.id))
    }

    fn made(self, action: Action) -> Change<Self> {
        let (by, at) = (By::Person(self.author.clone()), self.at);
        let visibility = self.visibility.word();
        Change::new(self, action, &by, at).fact("visibility", visibility)
    }
}

/// A private comment is for those who decide or check: nobody on the project makes one.
fn must_reach(
    visibility: Visibility,
    project_people: &BTreeSet<PersonId>,
    by: &PersonId,
) -> Result<(), Refusal> {
    match visibility {
        Visibility::Private if project_people.contains(by) => {
            Err(Refusal::OnTheProject(by.clone()))
        }
        Visibility::Public | Visibility::Private => Ok(()),
    }
}
