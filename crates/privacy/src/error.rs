//! Why a request was not priced or measured. Nothing here comes from data.

/// Failures of the noise office. Every text is about the request, never about a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrivacyError {
    /// The JSON text is not a request.
    #[error("the request cannot be read: {0}")]
    Form(String),
    /// The request asks for something that is not offered or does not fit together.
    #[error("{0}")]
    Request(String),
    /// A limit of `policies/privacy/` was met.
    #[error("the request passes the limit {limit} of {most}: {what}")]
    Limit {
        /// The limit's name.
        limit: &'static str,
        /// Its value.
        most: String,
        /// What is too large.
        what: String,
    },
    /// The budget is too small to be spread over what was asked for, or no budget gives the accuracy.
    #[error("{0}")]
    Budget(String),
    /// Cells that do not have the shape or bounds that the price was made for. Nothing is released.
    #[error("the cells do not fit the price")]
    Cells,
    /// The source of randomness gave nothing usable. Nothing is released.
    #[error("the source of randomness cannot be used")]
    Randomness,
    /// The library of mechanisms refused. Its own words may hold values and are not kept.
    #[error("the mechanism could not be built or drawn")]
    Mechanism,
}

/// Refuses what a request asks for.
pub(crate) fn refuse<T>(text: impl Into<String>) -> Result<T, PrivacyError> {
    Err(PrivacyError::Request(text.into()))
}
