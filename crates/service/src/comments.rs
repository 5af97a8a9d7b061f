//! What people say to each other about applications and outputs, and the interests that they declare.

use std::collections::{BTreeMap, BTreeSet};

use governance::comment::{Comment, Visibility};
use governance::output::{Output, UnderReview};
use governance::project::Project;
use governance::{
    Action, Batch, By, CommentId, Lifecycle, OutputId, PersonId, ProjectId, TieKind, Timestamp,
};
use serde::Serialize;
use store::{EventFilter, Held, LIST_MAX};

use crate::error::ServiceError;
use crate::views::Named;
use crate::{Caller, Service, document, sha256};

/// A comment as a page shows it.
#[derive(Debug, Clone, Serialize)]
pub struct CommentView {
    /// The comment.
    pub comment: CommentId,
    /// Section of the application; empty for an output.
    pub section: String,
    /// Who reads it.
    pub visibility: Visibility,
    /// Who made it.
    pub author: Named,
    /// When.
    pub at: Timestamp,
    /// What it says; empty once its text was erased.
    pub text: String,
}

impl Service {
    /// Comments on a section of an application.
    ///
    /// # Errors
    /// If the caller may not, or may not read what they would say.
    pub async fn comment_on_project(
        &self,
        caller: &Caller,
        id: &ProjectId,
        section: &str,
        visibility: Visibility,
        text: &str,
    ) -> Result<CommentId, ServiceError> {
        let now = self.now()?;
        let project = self.load::<Project>(id.as_str()).await?.value;
        let object = self.project_object(&project).await?;
        self.authorise(caller, Action::CommentOnProject, &object, now)?;
        if visibility == Visibility::Private {
            self.authorise(caller, Action::ViewPanelComments, &object, now)?;
        }
        self.must_be_sayable(id.as_str(), text).await?;
        let comment: CommentId = self.fresh(CommentId::PREFIX)?;
        let hash = sha256(text.as_bytes())?;
        let (by, made) = (caller.id(), comment.clone());
        let change = Comment::on_project(made, &project, section, visibility, hash, by, now)?;
        self.say(caller, change, text).await?;
        Ok(comment)
    }

    /// Comments on an output.
    ///
    /// # Errors
    /// If the caller may not, or may not read what they would say.
    pub async fn comment_on_output(
        &self,
        caller: &Caller,
        id: &OutputId,
        visibility: Visibility,
        text: &str,
    ) -> Result<CommentId, ServiceError> {
        let (held, project) = self.output_for(caller, id, Action::CommentOnOutput).await?;
        if visibility == Visibility::Private {
            self.output_for(caller, id, Action::ViewCheckerComments)
                .await?;
        }
        self.must_be_sayable(id.as_str(), text).await?;
        let comment: CommentId = self.fresh(CommentId::PREFIX)?;
        let hash = sha256(text.as_bytes())?;
        let change = Comment::on_output(
            comment.clone(),
            &held.value,
            &project.people(),
            visibility,
            hash,
            caller.id(),
            self.now()?,
        )?;
        self.say(caller, change, text).await?;
        Ok(comment)
    }

    /// Comments on an application that the caller may read, oldest first.
    ///
    /// # Errors
    /// If the caller may not read the application.
    pub async fn comments_on_project(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<Vec<CommentView>, ServiceError> {
        self.read_project(caller, id).await?.comments().await
    }

    /// Comments on an output that the caller may read, oldest first. While it is under review nobody reads
    /// what another output checker says in this turn: a comment tells a vote. A checker who has voted reads
    /// it once two votes are in, everybody else once the review is closed.
    ///
    /// # Errors
    /// If the caller may not read the output.
    pub async fn comments_on_output(
        &self,
        caller: &Caller,
        id: &OutputId,
    ) -> Result<Vec<CommentView>, ServiceError> {
        let (held, project) = self.output_for(caller, id, Action::ViewOutput).await?;
        let people = project.people();
        let private = self
            .output_for(caller, id, Action::ViewCheckerComments)
            .await
            .is_ok()
            && !people.contains(caller.id());
        let turn = match &held.value {
            Output::UnderReview(review) if !has_seen_votes(review, caller.id()) => {
                Some(self.submitted_at_leaf(id).await?)
            }
            _ => None,
        };
        let blind = |comment: &Held<Comment>| {
            turn.is_some_and(|turn| comment.leaf > turn)
                && comment.value.author != *caller.id()
                && !people.contains(&comment.value.author)
        };
        let mut comments = self.store.tied::<Comment>(TieKind::Of, id.as_str()).await?;
        comments.retain(|held| {
            (private || held.value.visibility == Visibility::Public) && !blind(held)
        });
        self.comment_views(caller, comments).await
    }

    /// A panel member declares an interest: a vote of theirs is taken out, and they have none from now on.
    ///
    /// # Errors
    /// If the caller may not, or the application is not before the panel.
    pub async fn declare_interest(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<(), ServiceError> {
        let by = caller.id().clone();
        self.act(caller, id, Action::DeclareInterest, |project, now| {
            Ok(project.declare_interest(&by, now)?)
        })
        .await
    }

    /// Leaf of the last time that the output was put before output checkers.
    async fn submitted_at_leaf(&self, id: &OutputId) -> Result<u64, ServiceError> {
        let events = self.every_event(id.as_str()).await?;
        let submitted = events
            .iter()
            .rev()
            .find(|told| told.action == Action::SubmitOutput);
        Ok(submitted.map_or(0, |told| told.leaf))
    }

    /// Every event of one object, in the order of the log.
    pub(crate) async fn every_event(&self, object: &str) -> Result<Vec<store::Told>, ServiceError> {
        self.every_event_of(object, &[]).await
    }

    /// As [`Service::every_event`], of these acts only; of every act when there is none.
    pub(crate) async fn every_event_of(
        &self,
        object: &str,
        actions: &[Action],
    ) -> Result<Vec<store::Told>, ServiceError> {
        let mut events: Vec<store::Told> = Vec::new();
        loop {
            let filter = EventFilter {
                object: Some(object),
                actions,
                after_leaf: events.last().map(|told| told.leaf),
                ..EventFilter::default()
            };
            let page = self.store.events(filter).await?;
            let last = page.len() < LIST_MAX as usize;
            events.extend(page);
            if last {
                return Ok(events);
            }
        }
    }

    /// Whether there is something to say and room for it.
    async fn must_be_sayable(&self, about: &str, text: &str) -> Result<(), ServiceError> {
        if text.trim().is_empty() {
            return Err(ServiceError::BadInput("the comment is empty".into()));
        }
        self.within_document_limit(text.as_bytes())?;
        let most = self.policies.limits.comments;
        if self.store.count_tied::<Comment>(TieKind::Of, about).await? >= most {
            return Err(ServiceError::BadInput(format!(
                "there are {most} comments already (comments in policies/limits.toml)"
            )));
        }
        Ok(())
    }

    async fn say(
        &self,
        caller: &Caller,
        change: governance::Change<Comment>,
        text: &str,
    ) -> Result<(), ServiceError> {
        let batch = Batch::new().begin(change)?;
        let documents = vec![document("comment", text.as_bytes())];
        self.record(Some(caller), batch, documents).await?;
        Ok(())
    }

    pub(crate) async fn comment_views(
        &self,
        caller: &Caller,
        comments: Vec<Held<Comment>>,
    ) -> Result<Vec<CommentView>, ServiceError> {
        let authors: BTreeSet<PersonId> = comments
            .iter()
            .map(|held| held.value.author.clone())
            .collect();
        let names = self.names(caller, authors).await?;
        let mut texts = BTreeMap::new();
        for some in comments.chunks(LIST_MAX as usize) {
            let hashes = some.iter().map(|held| &held.value.text);
            texts.extend(self.store.documents(hashes).await?);
        }
        let mut views = Vec::with_capacity(comments.len());
        for Held { value, .. } in comments {
            let text = texts.get(&value.text).cloned().unwrap_or_default();
            let text = String::from_utf8(text).map_err(|_| ServiceError::NotFound("document"))?;
            views.push(CommentView {
                comment: value.id,
                section: value.section,
                visibility: value.visibility,
                author: Named::of(&names, &value.author),
                at: value.at,
                text,
            });
        }
        Ok(views)
    }
}

/// Whether a person has voted and two votes are in: the rule of [`UnderReview::visible_to`].
fn has_seen_votes(review: &UnderReview, person: &PersonId) -> bool {
    review.visible_to(person).len() >= 2
}

/// Whether an event tells of a private comment, and by whom: the people of a project do not read even that.
pub(crate) fn tells_private_comment(told: &store::Told) -> bool {
    let private = governance::Fact::Word(Visibility::Private.word().to_owned());
    matches!(told.by, By::Person(_))
        && told.kind == Comment::KIND
        && told.facts.get("visibility") == Some(&private)
}
