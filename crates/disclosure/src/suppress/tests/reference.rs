//! The attacker and the optimum, written from the definitions: a dense simplex method,
//! and every subset of the cells. Shares nothing with the code under test but the table's fields.

use super::*;

/// What is smaller is a rounding error: the tables are of small whole numbers.
const TINY: f64 = 1e-9;

/// Maximises objective over `rows · x = rhs`, `x >= 0`, by two phases with Bland's rule.
fn maximise(rows: &[Vec<f64>], rhs: &[f64], objective: &[f64]) -> f64 {
    let (m, n) = (rows.len(), objective.len());
    let mut t: Vec<Vec<f64>> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let flip = if rhs[i] < 0.0 { -1.0 } else { 1.0 };
        let mut line: Vec<f64> = row.iter().map(|v| v * flip).collect();
        line.extend((0..m).map(|j| f64::from(u8::from(i == j))));
        line.push(rhs[i] * flip);
        t.push(line);
    }
    let mut basis: Vec<usize> = (n..n + m).collect();
    let artificial: Vec<f64> = (0..n + m).map(|j| if j < n { 0.0 } else { -1.0 }).collect();
    let first = run(&mut t, &mut basis, &artificial, n + m);
    assert!(first.abs() < 1e-6, "the true table is feasible");
    // Artificial variables that are still in the basis, at zero, leave it where they can.
    for i in 0..m {
        if basis[i] >= n
            && let Some(j) = (0..n).find(|j| t[i][*j].abs() > TINY)
        {
            pivot(&mut t, &mut basis, i, j);
        }
    }
    let mut real: Vec<f64> = objective.to_vec();
    real.extend((0..m).map(|_| 0.0));
    run(&mut t, &mut basis, &real, n)
}

fn pivot(t: &mut [Vec<f64>], basis: &mut [usize], row: usize, column: usize) {
    let by = t[row][column];
    t[row].iter_mut().for_each(|v| *v /= by);
    let line = t[row].clone();
    for (i, other) in t.iter_mut().enumerate() {
        let factor = other[column];
        if i != row && factor != 0.0 {
            for (v, p) in other.iter_mut().zip(&line) {
                *v -= factor * p;
            }
        }
    }
    basis[row] = column;
}

fn run(t: &mut [Vec<f64>], basis: &mut [usize], objective: &[f64], columns: usize) -> f64 {
    loop {
        let last = t.first().map_or(0, |l| l.len() - 1);
        let reduced = |j: usize| {
            let costs = t.iter().zip(basis.iter());
            costs.fold(objective[j], |r, (line, b)| r - objective[*b] * line[j])
        };
        let enter = (0..columns).find(|j| !basis.contains(j) && reduced(*j) > TINY);
        let Some(enter) = enter else {
            let lines = t.iter().zip(basis.iter());
            return lines.map(|(line, b)| objective[*b] * line[last]).sum();
        };
        let ratio = |i: usize| t[i][last] / t[i][enter];
        let leave = (0..t.len())
            .filter(|i| t[*i][enter] > TINY)
            .min_by(|a, b| {
                let d = ratio(*a) - ratio(*b);
                if d.abs() < TINY {
                    basis[*a].cmp(&basis[*b])
                } else {
                    d.total_cmp(&0.0)
                }
            })
            .expect("bounded");
        pivot(t, basis, leave, enter);
    }
}

/// How far a hidden cell can go up (or down) for an attacker. Bounds must be finite.
pub(super) fn farthest(table: &Table, hidden: &[bool], cell: usize, is_up: bool) -> f64 {
    if !hidden[cell] {
        return 0.0;
    }
    let free: Vec<usize> = (0..hidden.len()).filter(|i| hidden[*i]).collect();
    let n = free.len();
    let (mut rows, mut rhs) = (Vec::new(), Vec::new());
    // Differences from the lower bound, and their slack to the upper one.
    for row in table.rows() {
        let mut line = vec![0.0; 2 * n];
        let mut constant = 0.0;
        for (index, coefficient) in row {
            if let Some(at) = free.iter().position(|f| *f == *index as usize) {
                line[at] = *coefficient;
                let c = &table.cells()[*index as usize];
                constant += coefficient * (c.value - c.bounds.lower);
            }
        }
        if line.iter().any(|v| *v != 0.0) {
            rows.push(line);
            rhs.push(constant);
        }
    }
    for (at, index) in free.iter().enumerate() {
        let bounds = table.cells()[*index].bounds;
        let mut line = vec![0.0; 2 * n];
        line[at] = 1.0;
        line[n + at] = 1.0;
        rows.push(line);
        rhs.push(bounds.upper - bounds.lower);
    }
    let mut objective = vec![0.0; 2 * n];
    let at = free.iter().position(|f| *f == cell).unwrap();
    objective[at] = if is_up { 1.0 } else { -1.0 };
    let c = &table.cells()[cell];
    let depth = c.value - c.bounds.lower;
    let best = maximise(&rows, &rhs, &objective);
    if is_up { best - depth } else { best + depth }
}

/// Whether every primary cell is protected, by the definition.
pub(super) fn is_safe(table: &Table, hidden: &[bool]) -> bool {
    table.cells().iter().enumerate().all(|(index, cell)| {
        if cell.status != CellStatus::Primary {
            return true;
        }
        let up = farthest(table, hidden, index, true);
        let down = farthest(table, hidden, index, false);
        let Levels {
            lower,
            upper,
            sliding,
        } = cell.levels;
        if lower == 0.0 && upper == 0.0 && sliding == 0.0 {
            return up.max(down) >= 1.0 - 1e-6;
        }
        up >= upper - 1e-6 && down >= lower - 1e-6 && up + down >= sliding - 1e-6
    })
}

/// The cost of the cheapest safe pattern, or nothing if even hiding everything is not safe.
pub(super) fn optimum(table: &Table) -> Option<f64> {
    let cells = table.cells();
    let must: Vec<bool> = cells
        .iter()
        .map(|c| matches!(c.status, CellStatus::Primary | CellStatus::Hidden))
        .collect();
    let may: Vec<usize> = (0..cells.len())
        .filter(|i| cells[*i].status == CellStatus::Safe)
        .collect();
    let base: f64 = (0..cells.len())
        .filter(|i| must[*i])
        .map(|i| cells[i].cost)
        .sum();
    let cost = |subset: u32| -> f64 {
        let chosen = may
            .iter()
            .enumerate()
            .filter(|(bit, _)| subset >> bit & 1 == 1);
        chosen.map(|(_, i)| cells[*i].cost).sum()
    };
    let mut subsets: Vec<u32> = (0..1 << may.len()).collect();
    subsets.sort_by(|a, b| cost(*a).total_cmp(&cost(*b)));
    subsets
        .into_iter()
        .find(|subset| {
            let mut hidden = must.clone();
            for (bit, index) in may.iter().enumerate() {
                hidden[*index] |= subset >> bit & 1 == 1;
            }
            // A hidden primary cell alone in an equation is known: no need to ask the programmes.
            let is_alone = |row: &Vec<(u32, f64)>| {
                let inside: Vec<u32> = row
                    .iter()
                    .map(|t| t.0)
                    .filter(|c| hidden[*c as usize])
                    .collect();
                inside.len() == 1 && cells[inside[0] as usize].status == CellStatus::Primary
            };
            !table.rows().iter().any(is_alone) && is_safe(table, &hidden)
        })
        .map(|subset| base + cost(subset))
}
