//! `--format`: every command takes it.

use serde_json::Value;

use crate::problem::{Problem, say, say_raw};

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// Words for people.
    Text,
    /// One JSON document.
    Json,
}

/// `--format` of a command that speaks to people first.
#[derive(Debug, clap::Args)]
pub(crate) struct FormArgs {
    /// How the answer is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
}

/// `--format` of a command whose answer is JSON in any case.
#[derive(Debug, clap::Args)]
pub(crate) struct JsonArgs {
    /// How the answer is printed.
    #[arg(long = "format", value_enum, default_value = "json")]
    _format: JsonForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum JsonForm {
    /// JSON.
    Json,
}

impl FormArgs {
    /// Prints the answer as it was asked for: `text` as it stands, or `value`.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn print(&self, text: &str, value: &Value) -> Result<(), Problem> {
        match self.format {
            Form::Text => say_raw(text),
            Form::Json => say(&value.to_string()),
        }
    }
}
