//! The release register: what people outside the safe haven, or before a screen in it, have seen of the data.

/// How many entries the register has. What was seen once stays seen, so that these numbers tell whether there is one
/// more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InRegister {
    /// Outputs that left the safe haven, those called back among them.
    pub outputs: u64,
    /// Screens that showed something new.
    pub screens: u64,
}
