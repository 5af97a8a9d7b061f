//! Evidence with the people that a worker listed behind its cells.

use thiserror::Error;

use super::together::Traced;
use crate::evidence::Evidence;

/// The list is not one of the people behind these cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the people behind the cells were not listed as they should be")]
pub struct ListedError;

/// The tables of statements with the people behind each cell. `listed` holds for each group of each table and each
/// of its measures the number of people as u32 and each as u64, little endian; `ordinal` says who each is.
///
/// # Errors
/// If the list is shorter or longer than the cells, or somebody has no ordinal.
pub fn traced(
    statements: &[Evidence],
    listed: &[u8],
    mut ordinal: impl FnMut(u64) -> Option<u32>,
) -> Result<Vec<Traced>, ListedError> {
    let mut rest = listed;
    let mut request = Vec::new();
    for one in statements.iter().flat_map(Evidence::tables) {
        let cells = one.groups.len() * one.measures().count();
        let people = (0..cells)
            .map(|_| people(&mut rest, &mut ordinal))
            .collect::<Option<Vec<_>>>();
        request.push(Traced {
            evidence: Evidence {
                further: Vec::new(),
                union: None,
                ..one.clone()
            },
            people: people.ok_or(ListedError)?,
        });
    }
    match rest.is_empty() {
        true => Ok(request),
        false => Err(ListedError),
    }
}

/// The people of the next cell.
fn people(rest: &mut &[u8], ordinal: &mut impl FnMut(u64) -> Option<u32>) -> Option<Vec<u32>> {
    let number = u32::from_le_bytes(taken(rest)?);
    let units = (0..number).map(|_| ordinal(u64::from_le_bytes(taken(rest)?)));
    units.collect()
}

fn taken<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, more) = rest.split_first_chunk::<N>()?;
    *rest = more;
    Some(*first)
}
