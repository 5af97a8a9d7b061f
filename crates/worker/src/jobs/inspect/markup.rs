//! HTML, SVG and the XML of office files: tags and the text between them, whatever is wrong with them.

/// A tag or a text.
pub(super) enum Piece<'t> {
    /// The name in lower case without a prefix, and everything behind it.
    Open(String, &'t str),
    /// The name of an ending tag.
    Close(String),
    /// What stands between tags, as it is written.
    Text(&'t str),
    /// `<!-- … -->`.
    Comment(&'t str),
}

/// The pieces of a text.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let Some(tagged) = rest.strip_prefix('<') else {
                let end = rest.find('<').unwrap_or(rest.len());
                let (before, after) = rest.split_at(end);
                rest = after;
                return Some(Piece::Text(before));
            };
            if let Some(comment) = tagged.strip_prefix("!--") {
                let (inside, after) = comment.split_once("-->").unwrap_or((comment, ""));
                rest = after;
                return Some(Piece::Comment(inside));
            }
            if let Some(data) = tagged.strip_prefix("![CDATA[") {
                let (inside, after) = data.split_once("]]>").unwrap_or((data, ""));
                rest = after;
                return Some(Piece::Text(inside));
            }
            let (inside, after) = tagged.split_once('>').unwrap_or((tagged, ""));
            rest = after;
            let inside = inside.trim_start();
            if inside.starts_with(['!', '?']) {
                continue;
            }
            if let Some(name) = inside.strip_prefix('/') {
                return Some(Piece::Close(plain(name)));
            }
            let end = inside
                .find(|c: char| c.is_whitespace() || c == '/')
                .unwrap_or(inside.len());
            let (name, attributes) = inside.split_at(end);
            return Some(Piece::Open(plain(name), attributes));
        }
    })
}

fn plain(name: &str) -> String {
    let name = name.trim().trim_end_matches('/');
    let name = name.rsplit_once(':').map_or(name, |(_, name)| name);
    name.to_ascii_lowercase()
}

/// The value of an attribute, as it is written.
pub(super) fn attribute<'t>(attributes: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = attributes;
    while let Some(at) = rest.find(name) {
        let (before, after) = rest.split_at(at);
        let is_name = before.is_empty() || before.ends_with(|c: char| c.is_whitespace());
        let after = after.get(name.len()..)?.trim_start();
        if let Some(value) = after.strip_prefix('=').filter(|_| is_name) {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            return match quote {
                Some(quote) => value.get(1..)?.split(quote).next(),
                None => value.split(char::is_whitespace).next(),
            };
        }
        rest = after;
    }
    None
}

/// The five entities of XML, and a space for the one of HTML.
pub(super) fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#64;", "@")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_texts_and_comments_come_one_by_one() {
        let text = "<?xml?><x:A b='1' hidden=\"2\">t &amp; u<!-- c --><br/></x:A>tail<open";
        let said = |piece| match piece {
            Piece::Open(name, rest) => {
                format!("+{name}{}", attribute(rest, "hidden").unwrap_or_default())
            }
            Piece::Close(name) => format!("-{name}"),
            Piece::Text(text) => unescaped(text),
            Piece::Comment(text) => format!("!{text}"),
        };
        let found: Vec<String> = pieces(text).map(said).collect();
        assert_eq!(
            found,
            ["+a2", "t & u", "! c ", "+br", "-a", "tail", "+open"]
        );
    }
}
