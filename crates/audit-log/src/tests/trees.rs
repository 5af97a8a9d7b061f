//! Roots and proofs against the recursive definition, and hostile sizes.

use proptest::prelude::*;

use super::reference;
use crate::{
    AuditError, Frontier, Hash, LeafHashes, Nodes, TREE_SIZE_MAX, consistency_proof,
    inclusion_proof, leaf_hash, root_of_leaf_hashes, tree_root, verify_consistency,
    verify_inclusion,
};

fn leaves(n: usize) -> Vec<Hash> {
    (0..n)
        .map(|n| leaf_hash(n.to_string().as_bytes()))
        .collect()
}

proptest! {
    #[test]
    fn frontier_gives_the_recursive_root(data in prop::collection::vec(any::<[u8; 32]>(), 0..200)) {
        let mut frontier = Frontier::new();
        for (n, leaf) in data.iter().enumerate() {
            prop_assert_eq!(frontier.root(), reference::root(&data[..n]));
            frontier.append(*leaf).unwrap();
        }
        prop_assert_eq!(frontier.root(), reference::root(&data));
        prop_assert_eq!(root_of_leaf_hashes(&data), reference::root(&data));
    }

    #[test]
    fn verification_never_panics(
        index in any::<u64>(), size in any::<u64>(), old in any::<u64>(),
        proof in prop::collection::vec(any::<[u8; 32]>(), 0..70), hash in any::<[u8; 32]>(),
    ) {
        // The odds that random hashes verify are those of breaking SHA-256.
        let trivial = size == 1 && proof.is_empty();
        prop_assert!(trivial || verify_inclusion(&hash, index, size, &proof, &hash).is_err());
        let same = old == size && proof.is_empty();
        prop_assert!(same || verify_consistency(old, size, &proof, &hash, &hash).is_err());
    }
}

#[test]
fn every_proof_up_to_40() {
    let all = leaves(40);
    let mut ran = 0;
    for n in 1..=40_usize {
        let tree = &all[..n];
        let (size, root) = (n as u64, reference::root(tree));
        for index in 0..n {
            let proof = inclusion_proof(&LeafHashes(tree), index as u64, size).unwrap();
            assert_eq!(proof, reference::path(index, tree));
            verify_inclusion(&tree[index], index as u64, size, &proof, &root).unwrap();
            refuse_changes(&proof, |p| {
                verify_inclusion(&tree[index], index as u64, size, p, &root).is_ok()
            });
            for leaf in tree.iter().filter(|leaf| **leaf != tree[index]) {
                let got = verify_inclusion(leaf, index as u64, size, &proof, &root);
                assert!(got.is_err());
            }
            let other_root = reference::root(&all[..(n + 7) % 40]);
            let got = verify_inclusion(&tree[index], index as u64, size, &proof, &other_root);
            assert!(got.is_err());
            for other in (0..n + 2).filter(|other| *other != index) {
                let got = verify_inclusion(&tree[index], other as u64, size, &proof, &root);
                assert!(got.is_err());
            }
            ran += 1;
        }
        for m in 1..=n {
            let old_root = reference::root(&all[..m]);
            let proof = consistency_proof(&LeafHashes(tree), m as u64, size).unwrap();
            assert_eq!(proof, reference::consistency(m, tree));
            verify_consistency(m as u64, size, &proof, &old_root, &root).unwrap();
            refuse_changes(&proof, |p| {
                verify_consistency(m as u64, size, p, &old_root, &root).is_ok()
            });
            if m < n {
                for (old, new) in [(&root, &old_root), (&root, &root), (&old_root, &old_root)] {
                    assert!(verify_consistency(m as u64, size, &proof, old, new).is_err());
                }
            }
            ran += 1;
        }
    }
    assert_eq!(ran, 2 * (40 * 41 / 2));
}

fn refuse_changes(proof: &[Hash], accepts: impl Fn(&[Hash]) -> bool) {
    for place in 0..proof.len() {
        let mut changed = proof.to_vec();
        changed[place][place % 32] ^= 1;
        assert!(!accepts(&changed));
        let mut shorter = proof.to_vec();
        shorter.remove(place);
        assert!(!accepts(&shorter));
        let mut twice = proof.to_vec();
        twice.insert(place, proof[place]);
        assert!(!accepts(&twice));
        let mut turned = proof.to_vec();
        turned.swap(place, 0);
        assert!(place == 0 || !accepts(&turned));
    }
    for place in [0, proof.len()] {
        let mut longer = proof.to_vec();
        longer.insert(place, [0; 32]);
        assert!(!accepts(&longer));
    }
}

#[test]
fn the_frontier_is_the_largest_full_subtrees() {
    let all = leaves(70);
    let mut frontier = Frontier::new();
    for n in 0..=all.len() {
        let mut expected = Vec::new();
        let mut start = 0;
        for level in (0..7).rev().filter(|level| n >> level & 1 == 1) {
            let width = 1 << level;
            let hash = reference::root(&all[start..start + width]);
            expected.push((level, (start / width) as u64, hash));
            start += width;
        }
        assert_eq!(frontier.nodes(), expected);
        let stored = Frontier::from_parts(n as u64, &frontier.hashes()).unwrap();
        assert_eq!(stored, frontier);
        let root = tree_root(&LeafHashes(&all[..n]), n as u64).unwrap();
        assert_eq!(root, reference::root(&all[..n]));
        for (level, index, hash) in expected {
            let node = LeafHashes(&all).node(level, index).unwrap();
            assert_eq!(node, hash);
        }
        if let Some(leaf) = all.get(n) {
            frontier.append(*leaf).unwrap();
        }
    }
}

#[test]
fn hostile_sizes_are_refused() {
    let hash = [0; 32];
    for size in [TREE_SIZE_MAX + 1, u64::MAX] {
        let nodes = LeafHashes(&[]);
        let too_large = |r: Result<(), AuditError>| {
            assert!(matches!(r, Err(AuditError::TreeTooLarge { .. })));
        };
        too_large(verify_inclusion(&hash, 0, size, &[], &hash));
        too_large(verify_consistency(1, size, &[], &hash, &hash));
        too_large(inclusion_proof(&nodes, 0, size).map(drop));
        too_large(consistency_proof(&nodes, 1, size).map(drop));
        too_large(Frontier::from_parts(size, &[]).map(drop));
    }
    assert!(verify_inclusion(&hash, u64::MAX, TREE_SIZE_MAX, &[hash; 63], &hash).is_err());
    assert!(inclusion_proof(&LeafHashes(&[]), 3, TREE_SIZE_MAX).is_err());
    assert!(consistency_proof(&LeafHashes(&[]), 3, TREE_SIZE_MAX).is_err());
    for (old, new) in [(0, 8), (0, 0), (9, 8), (u64::MAX, 8)] {
        let refused = verify_consistency(old, new, &[], &hash, &hash);
        assert!(matches!(refused, Err(AuditError::SizesRefused { .. })));
        assert!(consistency_proof(&LeafHashes(&[hash; 8]), old, new).is_err());
    }
}

#[test]
fn a_full_tree_takes_no_more() {
    let mut frontier = Frontier::from_parts(TREE_SIZE_MAX, &[[3; 32]; 63]).unwrap();
    assert!(frontier.append([1; 32]).is_err());
    assert_eq!(frontier.size(), TREE_SIZE_MAX);
    let mut odd = Frontier::from_parts(3, &[[3; 32]; 2]).unwrap();
    assert!(odd.append_subtree(1, [1; 32]).is_err());
    assert!(odd.append_subtree(64, [1; 32]).is_err());
    assert!(Frontier::from_parts(3, &[[3; 32]; 3]).is_err());
    let mut empty = Frontier::new();
    assert!(empty.append_subtree(63, [1; 32]).is_err());
    empty.append_subtree(62, [1; 32]).unwrap();
    assert_eq!(empty.size(), 1 << 62);
}
