//! How many statements may run or wait, and be asked in a minute.

use governance::job::{Authority, Cause, Job, Task};
use governance::{By, JobId, ProjectId};

use super::House;
use super::rooms::hash;
use crate::error::{Kind, ServiceError};
use crate::{Clock, Service};

fn refused_by(result: Result<impl Sized, ServiceError>) -> (Kind, String) {
    let error = result.err().unwrap();
    (error.kind(), error.to_string())
}

impl House {
    async fn queue(&self, number: u32, project: &ProjectId, task: Task) -> JobId {
        let id: JobId = format!("job_{number}").parse().unwrap();
        let authority = Authority::Manifest {
            project: project.clone(),
            sha256: hash('b'),
        };
        let (by, now) = (By::Person(self.id("ada")), self.clock.now());
        self.begin(Job::queue(id.clone(), task, authority, now, &by, now))
            .await;
        id
    }

    fn statement(&self, number: u32) -> Task {
        match number % 3 {
            0 => Task::Check {
                output: "out_1".parse().unwrap(),
            },
            1 => Task::Query {
                workspace: "wsp_1".parse().unwrap(),
                person: self.id("ada"),
                statement: hash('9'),
                screen: governance::job::Screen::default(),
            },
            _ => Task::Measure {
                measurement: "msr_1".parse().unwrap(),
            },
        }
    }
}

async fn room(service: &Service, project: &ProjectId) -> Result<(), ServiceError> {
    service.room_in_queue(project).await.map(drop)
}

#[tokio::test]
async fn one_statement_more_than_a_project_may_ask_is_refused_before_it_is_recorded() {
    let house = House::open().await;
    let (project, workspace) = house.working().await;
    let (service, ada) = (&house.service, house.caller("ada").await);
    let project = project.core.id;
    let limits = &service.policies().limits;
    for number in 0..limits.project_asked {
        room(service, &project).await.unwrap();
        house.queue(number, &project, house.statement(number)).await;
    }
    let words = "this project has 16 statements that run or wait (project_asked in policies/limits.toml): wait until one \
                 has ended, or cancel one";
    let before = service.store().log_size().await.unwrap();
    let id = workspace.core().id.clone();
    let asked = service.query(&ada, &id, "select 1").await;
    assert_eq!(refused_by(asked), (Kind::TooOften, words.into()));
    let staged = service.stage_output(&ada, &id, "select 1", "shows").await;
    assert_eq!(refused_by(staged), (Kind::TooOften, words.into()));
    assert_eq!(service.store().log_size().await.unwrap(), before);
    // Nobody else is kept out.
    room(service, &"prj_other".parse().unwrap()).await.unwrap();
    let (system, now) = (By::System, house.clock.now());
    house
        .step::<Job>("job_0", |job| job.cancel(&system, now))
        .await;
    room(service, &project).await.unwrap();
    house
        .step::<Job>("job_1", |job| job.fail(Cause::Internal, now))
        .await;
    room(service, &project).await.unwrap();
}

#[tokio::test]
async fn one_statement_more_in_a_minute_is_refused_whatever_came_of_those_before() {
    let house = House::open().await;
    let (project, workspace) = house.working().await;
    let (service, ada) = (&house.service, house.caller("ada").await);
    let project = project.core.id;
    let most = service.policies().limits.project_per_minute;
    // What made the extract was asked before.
    house.later(60);
    let began = house.clock.now();
    for number in 0..most {
        room(service, &project).await.unwrap();
        let job = house.queue(number, &project, house.statement(number)).await;
        let now = house.clock.now();
        house
            .step::<Job>(job.as_str(), |job| job.cancel(&By::System, now))
            .await;
        if number == 0 {
            house.later(10);
        }
    }
    let words = "this project asked 120 statements within a minute (project_per_minute in policies/limits.toml): wait a \
                 minute, then ask again";
    let id = workspace.core().id.clone();
    for statement in ["select 1", "select count(*) from episodes", "no statement"] {
        let asked = service.query(&ada, &id, statement).await;
        assert_eq!(refused_by(asked), (Kind::TooOften, words.into()));
    }
    room(service, &"prj_other".parse().unwrap()).await.unwrap();
    house.later(49);
    assert_eq!(house.clock.now().duration_since(began).as_secs(), 59);
    let early = refused_by(room(service, &project).await);
    assert_eq!(early, (Kind::TooOften, words.into()));
    // A minute after the first there is room for one, and only for one.
    house.later(1);
    room(service, &project).await.unwrap();
    house.queue(most, &project, house.statement(1)).await;
    let next = refused_by(room(service, &project).await);
    assert_eq!(next, (Kind::TooOften, words.into()));
}

#[tokio::test]
async fn all_projects_together_have_an_end_and_what_is_no_statement_does_not_count() {
    let house = House::open().await;
    let service = &house.service;
    let limits = &service.policies().limits;
    let project = |number: u32| -> ProjectId { format!("prj_{}", number % 8).parse().unwrap() };
    let extract = Task::Extract {
        extract: "ext_1".parse().unwrap(),
    };
    for number in 1_000..1_020 {
        house.queue(number, &project(0), extract.clone()).await;
    }
    for number in 0..limits.statements_asked {
        room(service, &project(number)).await.unwrap();
        let statement = house.statement(number);
        house.queue(number, &project(number), statement).await;
    }
    let told = refused_by(room(service, &"prj_new".parse().unwrap()).await);
    assert_eq!(told.0, Kind::TooOften);
    assert!(
        told.1.starts_with("the safe haven has 64 statements that run or wait (statements_asked in policies/limits.toml)"),
        "{}",
        told.1
    );
    // What is let in is counted by the next: the room is held until it is recorded.
    let now = house.clock.now();
    house
        .step::<Job>("job_0", |job| job.cancel(&By::System, now))
        .await;
    let held = service.room_in_queue(&project(0)).await.unwrap();
    let another = project(1);
    let next = tokio::time::timeout(
        std::time::Duration::from_millis(50),
        service.room_in_queue(&another),
    );
    assert!(next.await.is_err(), "two were let in at once");
    drop(held);
    room(service, &another).await.unwrap();
}
