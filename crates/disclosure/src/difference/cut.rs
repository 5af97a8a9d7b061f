//! Two partitions of the same people, each with all its counts released: which small groups follow?
//!
//! Draw a point for every cell of either table, one more for being in no cell, and a line for
//! every pair of cells that share people, as heavy as they are many. A combination of cells
//! (weights on the points, nothing on the last) counts a group if its two weights on every line add
//! up to 0 or 1, and the group is the lines with 1. Turning the sign on one side, weights are equal
//! across a line outside the group and fall by one, from the new table's side to the old one's,
//! across a line of the group. So a smallest group is a cut of the points in two such that every line
//! across begins in the one part, and groups of fewer than `minimum` people are the minimum cuts
//! lighter than that. Lines at least that heavy are never cut: their ends are merged first.

#![allow(
    clippy::indexing_slicing,
    reason = "points and lines are numbered by the graph that made the arrays"
)]

use std::collections::{BTreeSet, HashMap, VecDeque};

/// A small group: cells of the new table and of the old one (plus one) whose difference it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cut {
    /// Cells of the new table.
    pub(crate) new: Vec<u16>,
    /// Cells of the old table.
    pub(crate) old: Vec<u16>,
    /// Whether the group is new minus old; otherwise old minus new.
    pub(crate) is_new_less_old: bool,
    /// How many people the group has.
    pub(crate) people: u32,
    /// The overlaps that it is made of: cell of the new table, cell of the old one (0: in none).
    pub(crate) group: Vec<(u16, u16)>,
}

struct Line {
    tail: usize,
    head: usize,
    weight: u32,
    overlap: (u16, u16),
}

/// On which side of a cut the point lies that it is searched from.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Lines across begin on its side.
    From,
    /// Lines across end on its side.
    To,
}

struct Graph {
    /// Per point: the point that stands for what it was merged with.
    stands: Vec<usize>,
    lines: Vec<Line>,
    /// Per point: lines at it.
    at: Vec<Vec<usize>>,
    /// Per point: the number of its connected piece.
    piece: Vec<usize>,
}

/// Every small group that separates some two points, each smallest for its pair. `overlaps`: cell of the
/// new table (plus one, 0 for none), of the old one, people.
pub(crate) fn cuts(overlaps: &[(u16, u16, u32)], minimum: u32) -> Vec<Cut> {
    let new_cells = overlaps.iter().map(|o| o.0).max().unwrap_or(0);
    let old_cells = overlaps.iter().map(|o| o.1).max().unwrap_or(0);
    let point_new = |cell: u16| usize::from(cell);
    let point_old = |cell: u16| {
        if cell == 0 {
            0
        } else {
            usize::from(new_cells) + usize::from(cell)
        }
    };
    let points = usize::from(new_cells) + usize::from(old_cells) + 1;
    let mut graph = Graph {
        stands: (0..points).collect(),
        lines: Vec::new(),
        at: vec![Vec::new(); points],
        piece: vec![usize::MAX; points],
    };
    let mut is_there = vec![false; points];
    for &(a, b, weight) in overlaps.iter().filter(|o| (o.0, o.1) != (0, 0)) {
        let (tail, head) = (point_new(a), point_old(b));
        is_there[tail] = true;
        is_there[head] = true;
        if weight >= minimum {
            graph.merge(tail, head);
        } else {
            graph.lines.push(Line {
                tail,
                head,
                weight,
                overlap: (a, b),
            });
        }
    }
    if graph.lines.is_empty() {
        return Vec::new();
    }
    graph.connect();
    let mut found = BTreeSet::new();
    for order in graph.pieces(&is_there) {
        graph.search(&order, minimum, &mut |graph, inside, weight| {
            found.insert(graph.cut(inside, weight, usize::from(new_cells)));
        });
    }
    found.into_iter().collect()
}

impl Graph {
    fn find(&self, mut point: usize) -> usize {
        while self.stands[point] != point {
            point = self.stands[point];
        }
        point
    }

    /// The same, and shortens the way for the next who asks.
    fn find_short(&mut self, mut point: usize) -> usize {
        while self.stands[point] != point {
            let next = self.stands[point];
            self.stands[point] = self.stands[next];
            point = next;
        }
        point
    }

    /// Merges two points; the first one's stands for both once lines are connected.
    fn merge(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find_short(a), self.find_short(b));
        if a == b {
            return;
        }
        // The smaller list of lines moves; the last point always keeps its place.
        let (to, from) = if self.at[a].len() >= self.at[b].len() {
            (a, b)
        } else {
            (b, a)
        };
        self.stands[from] = to;
        let lines = std::mem::take(&mut self.at[from]);
        self.at[to].extend(lines);
    }

    fn connect(&mut self) {
        for point in 0..self.stands.len() {
            self.stands[point] = self.find(point);
        }
        for (index, line) in self.lines.iter().enumerate() {
            let (tail, head) = (self.stands[line.tail], self.stands[line.head]);
            if tail != head {
                self.at[tail].push(index);
                self.at[head].push(index);
            }
        }
    }

    /// The points of each connected piece, neighbours after each other; the first is its reference,
    /// the last point in its own piece.
    fn pieces(&mut self, is_there: &[bool]) -> Vec<Vec<usize>> {
        let mut pieces: Vec<Vec<usize>> = Vec::new();
        let there: Vec<usize> = (0..is_there.len()).filter(|p| is_there[*p]).collect();
        for start in &there {
            let start_at = self.find(*start);
            if self.piece[start_at] != usize::MAX {
                continue;
            }
            let mut order = vec![start_at];
            self.piece[start_at] = pieces.len();
            let mut next = 0;
            while let Some(&point) = order.get(next) {
                next += 1;
                for index in 0..self.at[point].len() {
                    let line = &self.lines[self.at[point][index]];
                    for end in [self.find(line.tail), self.find(line.head)] {
                        if self.piece[end] == usize::MAX {
                            self.piece[end] = pieces.len();
                            order.push(end);
                        }
                    }
                }
            }
            pieces.push(order);
        }
        for point in there {
            self.piece[point] = self.piece[self.find(point)];
        }
        pieces
    }

    /// Looks for a light cut between the reference and each other point of its piece, either way
    /// round; points that no light cut separates from it are merged with it.
    fn search(
        &mut self,
        order: &[usize],
        minimum: u32,
        found: &mut impl FnMut(&Self, &[bool], u32),
    ) {
        for &point in order {
            let (reference, point) = (self.find(order[0]), self.find(point));
            if reference == point {
                continue;
            }
            let mut are_apart = false;
            for way in [Way::From, Way::To] {
                if let Some((inside, weight)) = self.light_cut(point, reference, way, minimum) {
                    found(self, &inside, weight);
                    are_apart = true;
                }
            }
            if !are_apart {
                self.merge(reference, point);
            }
        }
    }

    /// The first part of a minimum cut lighter than `minimum` between the point and the reference, with
    /// the point in the first part or in the second, if there is such a cut (Ford and Fulkerson; along
    /// a line as much as it weighs, against it without limit). Searched from the point, which has few
    /// lines, either way round.
    fn light_cut(
        &self,
        point: usize,
        reference: usize,
        way: Way,
        minimum: u32,
    ) -> Option<(Vec<bool>, u32)> {
        let mut carried: HashMap<usize, i64> = HashMap::new();
        let mut total: u32 = 0;
        loop {
            let mut came: Vec<Option<(usize, bool, usize)>> = vec![None; self.stands.len()];
            let mut seen = vec![false; self.stands.len()];
            seen[point] = true;
            let mut queue = VecDeque::from([point]);
            'search: while let Some(at) = queue.pop_front() {
                for &index in &self.at[at] {
                    let line = &self.lines[index];
                    let (tail, head) = (self.find(line.tail), self.find(line.head));
                    let (is_along, next) = match way {
                        Way::From => (tail == at, if tail == at { head } else { tail }),
                        Way::To => (head == at, if head == at { tail } else { head }),
                    };
                    let flow = carried.get(&index).copied().unwrap_or(0);
                    let is_full = is_along && flow >= i64::from(line.weight);
                    if is_full || seen[next] {
                        continue;
                    }
                    seen[next] = true;
                    came[next] = Some((index, is_along, at));
                    if next == reference {
                        break 'search;
                    }
                    queue.push_back(next);
                }
            }
            if !seen[reference] {
                if way == Way::To {
                    seen.iter_mut().for_each(|s| *s = !*s);
                }
                return (total > 0).then_some((seen, total));
            }
            total += self.push(point, reference, &came, &mut carried, minimum - total);
            if total >= minimum {
                return None;
            }
        }
    }

    /// Sends as much as the path found can take, at most `most`.
    fn push(
        &self,
        point: usize,
        reference: usize,
        came: &[Option<(usize, bool, usize)>],
        carried: &mut HashMap<usize, i64>,
        most: u32,
    ) -> u32 {
        let mut path = Vec::new();
        let mut at = reference;
        while at != point {
            let Some((index, is_along, before)) = came[at] else {
                break;
            };
            path.push((index, is_along));
            at = before;
        }
        let free = |&(index, is_along): &(usize, bool)| {
            let flow = carried.get(&index).copied().unwrap_or(0);
            if is_along {
                i64::from(self.lines[index].weight) - flow
            } else {
                i64::from(most)
            }
        };
        let room = path
            .iter()
            .map(free)
            .min()
            .unwrap_or(0)
            .min(i64::from(most));
        for (index, is_along) in path {
            *carried.entry(index).or_default() += if is_along { room } else { -room };
        }
        u32::try_from(room).unwrap_or(0)
    }

    fn cut(&self, inside: &[bool], weight: u32, new_cells: usize) -> Cut {
        let is_inside = |point: usize| inside[self.find(point)];
        let mut group: Vec<(u16, u16)> = Vec::new();
        for line in &self.lines {
            if is_inside(line.tail) && !is_inside(line.head) {
                group.push(line.overlap);
            }
        }
        // With the last point inside, the weights of the others are one lower: count from outside.
        let is_new_less_old = !is_inside(0);
        let first = group.first().map_or(0, |(new, old)| match new {
            0 => new_cells + usize::from(*old),
            new => usize::from(*new),
        });
        let points = (1..self.stands.len())
            .filter(|p| self.piece[*p] == self.piece[first])
            .filter(|p| is_inside(*p) == is_new_less_old);
        let (new, old): (Vec<usize>, Vec<usize>) = points.partition(|p| *p <= new_cells);
        Cut {
            new: new.into_iter().map(|p| p as u16).collect(),
            old: old.into_iter().map(|p| (p - new_cells) as u16).collect(),
            is_new_less_old,
            people: weight,
            group,
        }
    }
}
