//! Two sorted lists, key by key.

#![allow(
    clippy::indexing_slicing,
    reason = "places are compared to the lengths"
)]

/// Calls for each key that both sorted lists have, with its entries in each.
pub(crate) fn merge<T>(
    left: &[T],
    right: &[T],
    key: impl Fn(&T) -> u64,
    mut block: impl FnMut(&[T], &[T]),
) {
    let (mut i, mut j) = (0, 0);
    let run = |list: &[T], from: usize| {
        let wanted = key(&list[from]);
        let mut to = from + 1;
        while to < list.len() && key(&list[to]) == wanted {
            to += 1;
        }
        to
    };
    while i < left.len() && j < right.len() {
        let (a, b) = (key(&left[i]), key(&right[j]));
        if a < b {
            i += 1;
        } else if b < a {
            j += 1;
        } else {
            let (to_i, to_j) = (run(left, i), run(right, j));
            block(&left[i..to_i], &right[j..to_j]);
            (i, j) = (to_i, to_j);
        }
    }
}
