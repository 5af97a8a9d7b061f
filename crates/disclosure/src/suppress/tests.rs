use super::*;

mod linked;
mod patterns;
mod reference;

/// A cell that may be hidden and costs its value.
fn cell(id: i64, value: f64) -> Cell {
    Cell {
        id,
        value,
        cost: value.max(1.0),
        status: CellStatus::Safe,
        bounds: Bounds {
            lower: 0.0,
            upper: 2.0 * value + 10.0,
        },
        levels: Levels::EXACT,
        holder: None,
    }
}

/// A table with margins over any number of dimensions, from its inner cells in the order of the first
/// dimension fastest. Code 0 of each dimension is the total.
fn with_margins(sizes: &[usize], inner: &[f64]) -> (Vec<Cell>, Vec<Equation>) {
    let full: Vec<usize> = sizes.iter().map(|s| s + 1).collect();
    let count: usize = full.iter().product();
    let place = |mut index: usize| -> Vec<usize> {
        full.iter()
            .map(|size| {
                let code = index % size;
                index /= size;
                code
            })
            .collect()
    };
    let number = |place: &[usize]| {
        let digits = place.iter().zip(&full).rev();
        digits.fold(0, |index, (code, size)| index * size + code)
    };
    let mut value = vec![0.0; count];
    let mut next = inner.iter();
    for index in 0..count {
        let at = place(index);
        if at.contains(&0) {
            continue;
        }
        let v = next.next().unwrap();
        for mask in 0..1_u32 << sizes.len() {
            let above: Vec<usize> = at
                .iter()
                .enumerate()
                .map(|(d, code)| if mask >> d & 1 == 1 { 0 } else { *code })
                .collect();
            value[number(&above)] += v;
        }
    }
    let mut equations = Vec::new();
    for index in 0..count {
        let at = place(index);
        for d in (0..sizes.len()).filter(|d| at[*d] == 0) {
            let mut terms = vec![(index, -1.0)];
            for code in 1..=sizes[d] {
                let mut child = at.clone();
                child[d] = code;
                terms.push((number(&child), 1.0));
            }
            equations.push(Equation { rhs: 0.0, terms });
        }
    }
    let cells = value.iter().enumerate().map(|(i, v)| cell(i as i64, *v));
    (cells.collect(), equations)
}

/// Index of an inner cell of a two-way table with so many columns first.
fn at(columns: usize, column: usize, row: usize) -> usize {
    row * (columns + 1) + column
}

fn mask(table: &Table, hidden: &[usize]) -> Vec<bool> {
    (0..table.cells().len())
        .map(|i| hidden.contains(&i))
        .collect()
}
