//! Names and literals in generated SQL. The engine knows no escape in them but the doubled quote.

use std::path::Path;

use crate::EngineError;

/// A quoted identifier.
pub(crate) fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A text literal.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A path as a text literal. Pattern characters are refused: readers would expand them.
pub(crate) fn path(path: &Path) -> Result<String, EngineError> {
    let plain = path.to_str().ok_or(EngineError::Path)?;
    if plain.contains(['*', '?', '[', ']', '{', '}', '\0']) || plain.contains("://") {
        return Err(EngineError::Path);
    }
    Ok(text(plain))
}
