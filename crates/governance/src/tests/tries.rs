//! Every action, done to anything in any state, by the right people with the right things in hand: only the
//! state can be in the way.

mod clerical;
mod measure;
mod recoveries;

use crate::action::Action;
use crate::comment::{Comment, Visibility};
use crate::dataset::{Dataset, Purpose};
use crate::delivery::Delivery;
use crate::extract::Extract;
use crate::indexing::Indexing;
use crate::job::{Cause, Job, Outcome};
use crate::keeper_refusal::KeeperRefusal;
use crate::measure::{Budget, Measurement};
use crate::output::{Output, Rendering, ReviewVerdict, Verdict};
use crate::person::Person;
use crate::project::{PanelVerdict, Project, SignatureVerdict};
use crate::recovery::Recovery;
use crate::workspace::Workspace;
use crate::{By, Change, Event, Lifecycle, Refusal};

use super::samples as s;
use super::samples::{hash, id, now, who};
pub(super) use recoveries::hand_over;

/// Anything that has a lifecycle.
#[derive(Debug, Clone)]
pub(super) enum Thing {
    Person(Person),
    Dataset(Dataset),
    Delivery(Delivery),
    Project(Project),
    Indexing(Indexing),
    Extract(Extract),
    Workspace(Workspace),
    Recovery(Recovery),
    Output(Box<Output>),
    Job(Job),
    KeeperRefusal(KeeperRefusal),
    Budget(Budget),
    Measurement(Measurement),
}

impl Thing {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Person(_) => Person::KIND,
            Self::Dataset(_) => Dataset::KIND,
            Self::Delivery(_) => Delivery::KIND,
            Self::Project(_) => Project::KIND,
            Self::Indexing(_) => Indexing::KIND,
            Self::Extract(_) => Extract::KIND,
            Self::Workspace(_) => Workspace::KIND,
            Self::Recovery(_) => Recovery::KIND,
            Self::Output(_) => Output::KIND,
            Self::Job(_) => Job::KIND,
            Self::KeeperRefusal(_) => KeeperRefusal::KIND,
            Self::Budget(_) => Budget::KIND,
            Self::Measurement(_) => Measurement::KIND,
        }
    }

    pub(super) fn state(&self) -> &'static str {
        match self {
            Self::Person(x) => x.state(),
            Self::Dataset(x) => x.state(),
            Self::Delivery(x) => x.state(),
            Self::Project(x) => x.state(),
            Self::Indexing(x) => x.state(),
            Self::Extract(x) => x.state(),
            Self::Workspace(x) => x.state(),
            Self::Recovery(x) => x.state(),
            Self::Output(x) => x.state(),
            Self::Job(x) => x.state(),
            Self::KeeperRefusal(x) => x.state(),
            Self::Budget(x) => x.state(),
            Self::Measurement(x) => x.state(),
        }
    }
}

/// Something in every state of every lifecycle; some states in more than one guise.
pub(super) fn things() -> Vec<Thing> {
    let steward = who("steward");
    let mut things = vec![
        Thing::Person(s::person(s::AUTHOR)),
        Thing::Person(s::to(s::person(s::AUTHOR).retire(&steward, now()))),
        Thing::Dataset(s::registered("a", Purpose::Payload)),
        Thing::Dataset(s::dataset("a")),
        Thing::Indexing(s::ordered_indexing()),
        Thing::Indexing(s::ordered_for_review()),
        Thing::Indexing(s::unbegun_review()),
        Thing::Indexing(s::begin_review(s::unbegun_review(), "ida")),
        Thing::Indexing(s::half_reviewed()),
        Thing::Indexing(s::settled_review()),
        Thing::Indexing(s::indexed()),
        Thing::Indexing(s::to(s::ordered_indexing().fail(now()))),
        Thing::Extract(s::ordered_extract()),
        Thing::Extract(s::sealed()),
        Thing::Extract(s::to(s::sealed().destroy(&s::destruction(), now()))),
        Thing::Extract(s::to(s::ordered_extract().fail(now()))),
    ];
    things.extend(s::deliveries().into_iter().map(Thing::Delivery));
    things.extend(s::projects().into_iter().map(Thing::Project));
    things.extend(s::workspaces().into_iter().map(Thing::Workspace));
    things.extend(s::recoveries().into_iter().map(Thing::Recovery));
    things.extend(s::outputs().into_iter().map(Box::new).map(Thing::Output));
    things.extend(s::jobs().into_iter().map(Thing::Job));
    things.push(Thing::KeeperRefusal(s::keeper_refusal()));
    things.extend(s::budgets().into_iter().map(Thing::Budget));
    things.extend(s::measurements().into_iter().map(Thing::Measurement));
    things
}

/// The new state and the event that tells it.
pub(super) type Done = Result<(&'static str, Event), Refusal>;

fn done<S: Lifecycle>(change: Result<Change<S>, Refusal>) -> Done {
    change.map(|change| (change.to().state(), change.event().clone()))
}

/// A comment changes nothing of what it is about.
fn said(state: &'static str, comment: Result<Change<Comment>, Refusal>) -> Done {
    comment.map(|change| (state, change.event().clone()))
}

/// What every act of beginning does.
pub(super) fn begin(action: Action) -> Option<Done> {
    let at = now();
    let steward = who("steward");
    Some(match action {
        Action::AddPerson => done(Person::add(
            who("new"),
            "New".into(),
            String::new(),
            [].into(),
            &By::Person(who("administrator")),
            at,
        )),
        Action::RegisterDataset => done(Dataset::register(
            id("dst_n"),
            who("controller-n"),
            who("identifiers"),
            who("payload"),
            s::dictionary(Purpose::Payload),
            &steward,
            at,
        )),
        Action::DeliverIdentifiers => done(Delivery::open(
            id("del_2"),
            &s::dataset("a"),
            &who("identifiers"),
            at,
        )),
        Action::StartApplication => done(Ok(Project::start(id("prj_2"), &who(s::AUTHOR), at))),
        Action::OrderIndexing => done(Indexing::order(
            id("idx_2"),
            &s::live(),
            &s::complete(),
            &s::identified(Purpose::Spine),
            Some(&s::identified(Purpose::Objections)),
            &who("indexer"),
            at,
        )),
        Action::OrderExtract => done(Extract::order(
            id("ext_2"),
            &s::live(),
            &s::both_indexed(),
            &steward,
            at,
        )),
        Action::OpenWorkspace => done(Workspace::open(
            id("wsp_2"),
            &s::live(),
            &s::sealed(),
            &steward,
            at,
        )),
        Action::AskRecovery => done(s::ask_recovery("2")),
        Action::StageOutput => {
            let permit = s::live().permit(&s::person(s::AUTHOR), at).unwrap();
            done(Output::stage(
                id("out_2"),
                &permit,
                &s::open(),
                hash('7'),
                hash('8'),
                &who(s::AUTHOR),
                at,
            ))
        }
        Action::QueueJob => {
            let queued = s::queued();
            let core = queued.core().clone();
            done(Ok(Job::queue(
                id("job_2"),
                core.task,
                core.authority,
                core.deadline,
                &By::System,
                at,
            )))
        }
        Action::OpenBudget => {
            let by = who("controller-b");
            done(Budget::open(&s::dataset("b"), s::caps(), &by, at))
        }
        Action::JoinBudget => {
            let by = who("controller-a");
            done(Budget::join(&s::copy_of_a(), &s::budget(), &by, at))
        }
        Action::ReserveMeasurement => done(s::reserve(&s::question('5'))),
        Action::NoteRefusal => done(Ok(KeeperRefusal::note(id("ref_2"), "run", "job_9", at))),
        _ => return None,
    })
}

/// Every way in which an action could be done to a thing; none when it acts on another kind.
pub(super) fn tries(action: Action, thing: &Thing) -> Vec<Done> {
    match thing.clone() {
        Thing::Person(person) => of_person(action, &person),
        Thing::Dataset(dataset) => of_dataset(action, &dataset),
        Thing::Delivery(delivery) => of_delivery(action, &delivery),
        Thing::Project(project) => of_project(action, &project),
        Thing::Indexing(indexing) => clerical::of_indexing(action, &indexing),
        Thing::Extract(extract) => match action {
            Action::SealExtract => vec![done(extract.seal(s::file('6'), s::tables(), now()))],
            Action::DestroyExtract => vec![done(extract.destroy(&s::destruction(), now()))],
            Action::FailExtract => vec![done(extract.fail(now()))],
            _ => Vec::new(),
        },
        Thing::Workspace(workspace) => of_workspace(action, &workspace),
        Thing::Recovery(recovery) => recoveries::of(action, recovery),
        Thing::Output(output) => of_output(action, &output),
        Thing::Job(job) => match action {
            Action::FinishJob => vec![
                done(job.clone().finish(Outcome::default(), now())),
                done(job.show(s::safe(), s::screen_compared(0), s::register(0), now())),
            ],
            Action::FailJob => vec![done(job.fail(Cause::Internal, now()))],
            Action::CancelJob => vec![done(job.cancel(&By::Person(who("steward")), now()))],
            _ => Vec::new(),
        },
        Thing::KeeperRefusal(_) => Vec::new(),
        Thing::Budget(budget) => measure::of_budget(action, &budget),
        Thing::Measurement(measurement) => measure::of_measurement(action, measurement),
    }
}

fn of_person(action: Action, person: &Person) -> Vec<Done> {
    let by = who("coordinator");
    match action {
        Action::RecordStanding => {
            let until = s::day("2027-01-01");
            let on = s::day("2026-01-01");
            vec![done(person.clone().record_standing(
                until,
                until,
                on,
                &by,
                now(),
            ))]
        }
        Action::InvitePerson => vec![done(person.clone().invite(&by, now()))],
        Action::RetirePerson => vec![done(person.clone().retire(&by, now()))],
        Action::SetCredential => {
            let by = person.id.clone();
            vec![done(person.clone().set_credential(&by, now()))]
        }
        Action::EndSessions => vec![done(person.clone().end_sessions(&by, now()))],
        _ => Vec::new(),
    }
}

fn of_dataset(action: Action, dataset: &Dataset) -> Vec<Done> {
    let by = dataset.controller.clone();
    match action {
        Action::GiveInstruction => {
            vec![done(dataset.clone().instruct(
                s::day("2026-12-31"),
                &by,
                now(),
            ))]
        }
        Action::WithdrawInstruction => {
            vec![done(dataset.clone().withdraw_instruction(&by, now()))]
        }
        Action::AllowFeasibility => vec![done(s::allow_feasibility(dataset))],
        Action::EndFeasibility => {
            let allowing = s::allow_feasibility(dataset);
            let allowing = allowing.map_or_else(|_| dataset.clone(), |change| change.to().clone());
            vec![done(allowing.end_feasibility(&by, now()))]
        }
        _ => Vec::new(),
    }
}

fn of_delivery(action: Action, delivery: &Delivery) -> Vec<Done> {
    let delivery = delivery.clone();
    match action {
        Action::KeepIdentifiers => [Purpose::Payload, Purpose::Spine]
            .map(|purpose| {
                done(delivery.clone().keep_identifiers(
                    &s::instructed("a", purpose),
                    s::file('1'),
                    s::file('2'),
                    3,
                    now(),
                ))
            })
            .into(),
        Action::RefuseIdentifiers => vec![done(delivery.refuse_identifiers(now()))],
        Action::DeliverPayload => vec![done(delivery.open_payload(
            &s::dataset("a"),
            &who("payload"),
            now(),
        ))],
        Action::KeepPayload => {
            vec![done(delivery.keep_payload(s::file('3'), None, 3, 0, now()))]
        }
        Action::RefusePayload => vec![done(delivery.refuse_payload(now()))],
        _ => Vec::new(),
    }
}

fn of_project(action: Action, project: &Project) -> Vec<Done> {
    let project = project.clone();
    let (author, chair) = (who(s::AUTHOR), who("chair"));
    let at = now();
    match action {
        Action::SubmitApplication => vec![done(s::submit(project, hash('a')))],
        Action::SignForDataset => vec![done(s::sign(project, "a", SignatureVerdict::Signed))],
        Action::DeclineForDataset => {
            vec![done(s::sign(project, "a", SignatureVerdict::Declined))]
        }
        Action::VoteOnApplication => {
            vec![done(s::vote(
                project,
                "pat",
                PanelVerdict::Approve,
                Vec::new(),
            ))]
        }
        Action::DeclareInterest => vec![done(project.declare_interest(&who("pat"), at))],
        Action::CommentOnProject => vec![said(
            project.state(),
            Comment::on_project(
                id("com_1"),
                &project,
                "data",
                Visibility::Public,
                hash('1'),
                &author,
                at,
            ),
        )],
        Action::ApproveApplication => vec![done(project.approve(&s::tiers(), &chair, at))],
        Action::ReturnApplication => vec![done(project.return_(&s::tiers(), &chair, at))],
        Action::RefuseApplication => vec![done(project.refuse(&s::tiers(), &chair, at))],
        Action::WithdrawApplication => vec![done(project.withdraw(&author, at))],
        Action::CommenceProject => vec![done(s::commence(project))],
        Action::RenewPapers => vec![done(project.renew_papers(
            s::papers(),
            &who("coordinator"),
            at,
        ))],
        Action::ExpireProject => vec![done(project.expire(s::after_the_end()))],
        Action::RevokeProject => vec![
            done(project.clone().revoke(None, &chair, at)),
            done(project.revoke(Some(&s::dataset("a")), &who("controller-a"), at)),
        ],
        Action::CloseProject => vec![done(project.close(&author, at))],
        Action::DestroyProject => {
            vec![done(project.destroy(
                &s::destruction(),
                &who("steward"),
                at,
            ))]
        }
        _ => Vec::new(),
    }
}

fn of_workspace(action: Action, workspace: &Workspace) -> Vec<Done> {
    let workspace = workspace.clone();
    let (steward, at) = (who("steward"), now());
    match action {
        Action::SuspendWorkspace => vec![done(workspace.suspend(&steward, at))],
        Action::ResumeWorkspace => vec![done(workspace.resume(&s::live(), &steward, at))],
        Action::CloseWorkspace => vec![done(workspace.close(&By::Person(steward), at))],
        Action::RunQuery => {
            let permit = s::live().permit(&s::person(s::AUTHOR), at).unwrap();
            let deadline = s::moment("2026-03-02T10:01:00Z");
            let by = who(s::AUTHOR);
            let query = Job::query(
                id("job_3"),
                &permit,
                &workspace,
                s::statement('7'),
                deadline,
                &by,
                at,
            );
            // The workspace stays as it is: what begins is a job.
            vec![query.map(|change| (workspace.state(), change.event().clone()))]
        }
        _ => Vec::new(),
    }
}

fn of_output(action: Action, output: &Output) -> Vec<Done> {
    use ReviewVerdict::{Approve, Refuse, RequestChanges};
    let output = output.clone();
    let (author, at) = (who(s::AUTHOR), now());
    match action {
        Action::CompleteCheck => [
            Verdict::Pass,
            Verdict::Treat,
            Verdict::Review,
            Verdict::Fail,
        ]
        .map(|v| done(output.clone().complete_check(s::findings(v), at)))
        .into(),
        Action::FailCheck => vec![done(output.fail_check(at))],
        Action::CompareOutput => s::recomparisons()
            .map(|found| done(output.clone().compare(found, at)))
            .into(),
        Action::SubmitOutput => [Rendering::Exact, Rendering::Treated]
            .map(|r| done(output.clone().submit(r, &author, at)))
            .into(),
        Action::VoteOnOutput => [Approve, RequestChanges, Refuse]
            .map(|v| done(s::review(output.clone(), "kim", v)))
            .into(),
        Action::CommentOnOutput => vec![said(
            output.state(),
            Comment::on_output(
                id("com_1"),
                &output,
                &s::team(),
                Visibility::Public,
                hash('1'),
                &author,
                at,
            ),
        )],
        Action::ReleaseOutput => {
            vec![done(output.release(
                &hash('c'),
                s::register(0),
                &s::team(),
                &who("kim"),
                at,
            ))]
        }
        Action::DownloadOutput => vec![done(output.download(&author, at))],
        Action::HandOverOutput => vec![done(recoveries::hand_over(output))],
        Action::WithdrawOutput => vec![done(output.withdraw(&author, at))],
        Action::RecallOutput => vec![done(output.recall(&s::team(), &who("kim"), at))],
        _ => Vec::new(),
    }
}
