//! What somebody can do, found by trying everything.

use std::collections::BTreeSet;

use governance::output::{Output, Rendering, ReviewVerdict, Verdict};
use governance::project::{PanelVerdict, Project, SignatureVerdict};
use governance::{Action, DatasetId, Lifecycle, ProjectId, TieKind};
use store::Filter;

use crate::Object;
use crate::tests::rooms::hash;
use crate::tests::{House, PEOPLE};

impl House {
    /// Everything that the rules and policies would let somebody do now, of what worklists ask: found by
    /// trying it on every project and output.
    async fn possible_now(&self, who: &str) -> BTreeSet<String> {
        let (service, caller, now) = (
            &self.service,
            self.caller(who).await,
            crate::Clock::now(&*self.clock),
        );
        let me = caller.id().clone();
        let tiers = &service.policies.tiers;
        let mut found = BTreeSet::new();
        for held in service
            .store()
            .list::<Project>(Filter::default())
            .await
            .unwrap()
        {
            let project = held.value;
            let sets: Vec<DatasetId> = project
                .ties()
                .into_iter()
                .filter(|t| t.kind == TieKind::Asks)
                .map(|t| t.who.parse().unwrap())
                .collect();
            let sets = service.datasets(sets).await.unwrap();
            let version = match &project {
                Project::Submitted(s) => s.sha256.clone(),
                _ => hash('a'),
            };
            let vote = |p: Project| {
                p.vote(&version, PanelVerdict::Approve, Vec::new(), &sets, &me, now)
                    .is_ok()
            };
            let sign = |p: Project| {
                sets.values().any(|d| {
                    p.clone()
                        .sign(d, &version, SignatureVerdict::Signed, &me, now)
                        .is_ok()
                })
            };
            let tries = [
                (Action::VoteOnApplication, vote(project.clone())),
                (Action::SignForDataset, sign(project.clone())),
                (
                    Action::ApproveApplication,
                    project.clone().approve(tiers, &me, now).is_ok(),
                ),
                (
                    Action::RefuseApplication,
                    project.clone().refuse(tiers, &me, now).is_ok(),
                ),
                (
                    Action::ReturnApplication,
                    project.clone().return_(tiers, &me, now).is_ok(),
                ),
                (
                    Action::CommenceProject,
                    matches!(project, Project::Approved(_)) && !project.people().contains(&me),
                ),
                (
                    Action::SubmitApplication,
                    matches!(project, Project::Draft { .. } | Project::Returned { .. }),
                ),
            ];
            let object = service.project_object(&project).await.unwrap();
            for (action, rule) in tries {
                if rule && service.authorise(&caller, action, &object, now).is_ok() {
                    found.insert(format!("{action} {}", project.core().id));
                }
            }
        }
        for held in service
            .store()
            .list::<Output>(Filter::default())
            .await
            .unwrap()
        {
            let output = held.value;
            let project = service
                .load::<Project>(output.core().project.as_str())
                .await
                .unwrap();
            let people = project.value.people();
            let object = Object::of(&output)
                .author(&output.core().author)
                .people(people.iter().cloned());
            let bytes = match &output {
                Output::UnderReview(u) => u.file.sha256.clone(),
                Output::Approved(a) => a.file.sha256.clone(),
                _ => hash('c'),
            };
            let vote = output
                .clone()
                .vote(ReviewVerdict::Approve, &bytes, None, &people, &me, now);
            let release = output
                .clone()
                .release(&bytes, Default::default(), &people, &me, now);
            let renderings = [Rendering::Exact, Rendering::Treated];
            let submit = renderings
                .into_iter()
                .any(|r| output.clone().submit(r, &me, now).is_ok());
            let hopeless = matches!(&output, Output::Checked { checked, .. }
                if checked.verdict == Verdict::Fail);
            for (action, rule) in [
                (Action::VoteOnOutput, vote.is_ok()),
                (Action::ReleaseOutput, release.is_ok()),
                (Action::SubmitOutput, submit),
                (
                    Action::WithdrawOutput,
                    hopeless && output.clone().withdraw(&me, now).is_ok(),
                ),
                (
                    Action::DownloadOutput,
                    output.clone().download(&me, now).is_ok(),
                ),
            ] {
                if rule && service.authorise(&caller, action, &object, now).is_ok() {
                    found.insert(format!("{action} {}", output.core().id));
                }
            }
        }
        found
    }

    /// Holds everybody's list against what they can do.
    pub(super) async fn every_list_is_right(&self, when: &str) -> usize {
        let mut items = 0;
        for (who, _) in PEOPLE
            .into_iter()
            .chain([("administrator", governance::person::Role::Administrator)])
        {
            let list = self.list(who).await;
            let asked: BTreeSet<String> = list
                .needs_you
                .iter()
                .filter(|item| item.kind != "dataset")
                .filter(|item| {
                    !["order_indexing", "order_extract", "open_workspace"].contains(&item.action)
                })
                .map(|item| format!("{} {}", item.action, item.id))
                .collect();
            let mut possible = self.possible_now(who).await;
            // Of the decisions that the votes carry the list names one.
            for (one, others) in [
                (
                    "approve_application",
                    ["refuse_application", "return_application"],
                ),
                ("refuse_application", ["return_application", "-"]),
            ] {
                let named: Vec<String> = possible
                    .iter()
                    .filter_map(|p| p.strip_prefix(one).map(ToOwned::to_owned))
                    .collect();
                for id in named {
                    for other in others {
                        possible.remove(&format!("{other}{id}"));
                    }
                }
            }
            assert_eq!(asked, possible, "{who}, {when}");
            items += asked.len();
            let mut seen = BTreeSet::new();
            for item in list.needs_you.iter().chain(&list.waiting).chain(&list.done) {
                assert!(seen.insert(&item.id), "{who}, {when}: {} twice", item.id);
            }
            for item in list.waiting.iter().chain(&list.done) {
                assert_eq!(item.action, "");
                let caller = self.caller(who).await;
                if item.kind == "project" {
                    let id: ProjectId = item.id.parse().unwrap();
                    self.service.project(&caller, &id).await.unwrap();
                }
            }
            assert!(
                list.needs_you.is_sorted_by_key(|item| item.since),
                "{who}, {when}"
            );
        }
        items
    }
}
