use std::collections::BTreeMap;

use super::*;
use crate::tests::id;

/// What the rule says, kept as one list: who came, in order, and whether they work.
#[derive(Default)]
struct Model(Vec<(u64, Option<ProjectId>, bool)>);

impl Model {
    const PLACES: usize = 3;
    const PROJECT_PLACES: usize = 2;

    fn working(&self, project: Option<&ProjectId>) -> usize {
        let all = self.0.iter().filter(|(_, whose, works)| {
            *works && project.is_none_or(|project| whose.as_ref() == Some(project))
        });
        all.count()
    }

    /// The longest wait that may end, again and again.
    fn settle(&mut self) {
        while self.working(None) < Self::PLACES {
            let may = |whose: &Option<ProjectId>| {
                let Some(project) = whose else { return true };
                self.working(Some(project)) < Self::PROJECT_PLACES
            };
            let next = self.0.iter().position(|(_, p, works)| !works && may(p));
            let Some(at) = next else { return };
            self.0[at].2 = true;
        }
    }

    fn expected(&self) -> BTreeMap<u64, Turn> {
        let mut number = 0;
        let turns = self.0.iter().map(|(ticket, _, works)| {
            if *works {
                return (*ticket, Turn::Works);
            }
            number += 1;
            (*ticket, Turn::Waits(number))
        });
        turns.collect()
    }
}

/// Every sequence of six steps: somebody of project a, of project b or of none comes, or the first, the middle
/// or the last of those who are there leaves, whether they work or wait.
#[test]
fn whoever_came_first_is_let_in_first_and_no_project_takes_every_place() {
    const STEPS: u32 = 6;
    const KINDS: u32 = 6;
    let projects = [Some(id("prj_a")), Some(id("prj_b")), None];
    for sequence in 0..KINDS.pow(STEPS) {
        let queue = Queue::of(3, 2);
        let mut model = Model::default();
        // All of one project come first, so that there is a queue to leave.
        let steps = (0..STEPS).map(|step| sequence / KINDS.pow(step) % KINDS);
        let mut there = BTreeMap::new();
        for step in [0, 0, 0].into_iter().chain(steps) {
            if let Some(project) = projects.get(step as usize) {
                let (place, turn) = queue.arrive(project.clone());
                model.0.push((place.ticket, project.clone(), false));
                there.insert(place.ticket, (place, turn));
            } else if !there.is_empty() {
                let at = (step as usize - projects.len()) * (there.len() - 1) / 2;
                let ticket = *there.keys().nth(at).unwrap();
                drop(there.remove(&ticket));
                model.0.retain(|(one, _, _)| *one != ticket);
            }
            model.settle();
            let told: BTreeMap<u64, Turn> = there
                .iter()
                .map(|(ticket, (_, turn))| (*ticket, *turn.borrow()))
                .collect();
            assert_eq!(told, model.expected(), "sequence {sequence}");
        }
        drop(there);
        let state = queue.lock();
        assert!(state.taken == 0 && state.by_project.is_empty() && state.waiting.is_empty());
    }
}

#[tokio::test]
async fn whoever_waits_is_told_each_number_once_and_then_let_in() {
    let queue = Queue::of(1, 1);
    let first = queue
        .enter(Some(id("prj_a")), |_| panic!("it waits for nobody"))
        .await;
    let (second, _turn) = queue.arrive(Some(id("prj_a")));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let third = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move {
            let tell = |number| tell.send(number).unwrap();
            queue.enter(Some(id("prj_b")), tell).await
        }
    });
    assert_eq!(told.recv().await, Some(2));
    drop(second);
    assert_eq!(told.recv().await, Some(1), "somebody gave up");
    drop(first);
    let third = third.await.unwrap();
    assert_eq!(told.recv().await, None);
    drop(third);
    assert_eq!(queue.lock().taken, 0);
}
