//! The noise office: prices a request and draws the noise. The ledger is the store's.
