//! What changed in a text, word by word: the longest common subsequence of its words.

/// Most pairs of words that are compared; longer texts are shown whole, as removed and added.
const PAIRS_MAX: usize = 4_000_000;

/// A part of a text that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// In both versions.
    Same(String),
    /// In the new one only.
    Added(String),
    /// In the old one only.
    Removed(String),
}

/// The old text and the new one, laid over each other.
pub(crate) fn pieces(old: &str, new: &str) -> Vec<Piece> {
    let (old, new) = (tokens(old), tokens(new));
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = old.iter().zip(&new).take_while(same).count();
    let (old_head, old_rest) = old.split_at(head);
    let (_, new_rest) = new.split_at(head);
    let tail = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(same)
        .count();
    let (old_middle, old_tail) = old_rest.split_at(old_rest.len() - tail);
    let (new_middle, _) = new_rest.split_at(new_rest.len() - tail);
    let mut list = List(Vec::new());
    old_head
        .iter()
        .for_each(|word| list.push(Piece::Same((*word).into())));
    middle(old_middle, new_middle, &mut list);
    old_tail
        .iter()
        .for_each(|word| list.push(Piece::Same((*word).into())));
    list.0
}

/// Words, white space and signs apart, so that a full stop does not make another word of the last one.
fn tokens(text: &str) -> Vec<&str> {
    let kind = |c: char| {
        if c.is_alphanumeric() {
            0
        } else if c.is_whitespace() {
            1
        } else {
            2
        }
    };
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match kind(first) {
            2 => first.len_utf8(),
            of => rest.find(|c| kind(c) != of).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(end);
        tokens.push(token);
        rest = after;
    }
    tokens
}

fn middle(old: &[&str], new: &[&str], list: &mut List) {
    let width = new.len() + 1;
    if old.len().saturating_mul(new.len()) > PAIRS_MAX {
        list.push(Piece::Removed(old.concat()));
        list.push(Piece::Added(new.concat()));
        return;
    }
    // lengths[i * width + j]: of the longest common subsequence of old[i..] and new[j..].
    let mut lengths = vec![0_u32; (old.len() + 1) * width];
    let at = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let length = if a == b {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(place) = lengths.get_mut(i * width + j) {
                *place = length;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    loop {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => {
                list.push(Piece::Same((*a).into()));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), b) if b.is_none() || at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) => {
                list.push(Piece::Removed((*a).into()));
                i += 1;
            }
            (_, Some(b)) => {
                list.push(Piece::Added((*b).into()));
                j += 1;
            }
            (_, None) => return,
        }
    }
}

/// Pieces, neighbours of one kind together. A space between two changed words changes with them.
struct List(Vec<Piece>);

impl List {
    fn push(&mut self, piece: Piece) {
        match (self.0.last_mut(), &piece) {
            (Some(Piece::Same(text)), Piece::Same(more))
            | (Some(Piece::Added(text)), Piece::Added(more))
            | (Some(Piece::Removed(text)), Piece::Removed(more)) => text.push_str(more),
            _ => self.0.push(piece),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, expected: &str) {
        let pieces = pieces(old, new);
        let shown: Vec<String> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Same(text) => text.clone(),
                Piece::Added(text) => format!("+[{text}]"),
                Piece::Removed(text) => format!("-[{text}]"),
            })
            .collect();
        assert_eq!(shown.concat(), expected);
        // Nothing of either text is lost.
        let side = |keep: fn(&Piece) -> Option<&str>| -> String {
            pieces.iter().filter_map(keep).collect()
        };
        let was = side(|p| match p {
            Piece::Same(text) | Piece::Removed(text) => Some(text),
            Piece::Added(_) => None,
        });
        let is = side(|p| match p {
            Piece::Same(text) | Piece::Added(text) => Some(text),
            Piece::Removed(_) => None,
        });
        assert_eq!((was.as_str(), is.as_str()), (old, new));
    }

    #[test]
    fn words_that_came_and_went_are_marked() {
        check("", "", "");
        check("", "new", "+[new]");
        check("old", "", "-[old]");
        check("one two three", "one three", "one -[two ]three");
        check("one three", "one two three", "one +[two ]three");
        check("by hospital.", "by ward.", "by -[hospital]+[ward].");
        check("Café, closed", "Cafés, closed", "-[Café]+[Cafés], closed");
        check("a\nb", "a\nc", "a\n-[b]+[c]");
        check("same", "same", "same");
    }

    #[test]
    fn texts_too_long_to_compare_are_shown_whole() {
        let old = "a b ".repeat(2_000);
        let new = "c d ".repeat(2_000);
        let got = pieces(&old, &new);
        assert!(got.len() <= 3, "{}", got.len());
        let long = old.trim_end().len();
        assert!(matches!(&got[0], Piece::Removed(text) if text.len() == long));
    }
}
