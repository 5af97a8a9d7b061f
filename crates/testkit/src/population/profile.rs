//! How often each thing goes wrong in the delivery.

/// How careful the delivery's clerks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A careful clinic.
    Clean,
    /// A hospital.
    Typical,
    /// A service that writes by hand and asks no numbers.
    Hard,
}

/// Chances from 0 to 1, each for one record of the delivery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// No CHI number.
    pub chi_missing: f64,
    /// A wrong digit in the CHI number.
    pub chi_typo: f64,
    /// A short form for the forename, where there is one.
    pub nickname: f64,
    /// The initial for the forename.
    pub initial: f64,
    /// A second forename beside the first.
    pub middle_name: f64,
    /// A slip in a name; for each of the two.
    pub name_typo: f64,
    /// Forename and surname in each other's place.
    pub names_exchanged: f64,
    /// The surname before marriage, for those who have one.
    pub born_as: f64,
    /// Day and month in each other's place, where both could be months.
    pub date_exchanged: f64,
    /// A birth date of another day, month or year.
    pub date_typo: f64,
    /// 1 January of the birth year, as where only the year is known.
    pub date_default: f64,
    /// The other sex.
    pub sex_wrong: f64,
    /// The former address, for those who moved.
    pub old_home: f64,
    /// A slip in the postcode.
    pub postcode_typo: f64,
    /// The address line shortened or with a slip.
    pub address_other: f64,
    /// A value missing; for each of forename, birth date, sex, postcode and address.
    pub missing: f64,
    /// A stand-in such as UNKNOWN or ZZ99 3VZ for a name or a postcode.
    pub stand_in: f64,
    /// All in capitals.
    pub capitals: f64,
}

impl Profile {
    /// The chances of this profile.
    #[must_use]
    pub const fn rates(self) -> Rates {
        match self {
            Self::Clean => CLEAN,
            Self::Typical => TYPICAL,
            Self::Hard => HARD,
        }
    }
}

const CLEAN: Rates = Rates {
    chi_missing: 0.10,
    chi_typo: 0.001,
    nickname: 0.01,
    initial: 0.001,
    middle_name: 0.01,
    name_typo: 0.004,
    names_exchanged: 0.001,
    born_as: 0.03,
    date_exchanged: 0.001,
    date_typo: 0.003,
    date_default: 0.0005,
    sex_wrong: 0.001,
    old_home: 0.3,
    postcode_typo: 0.004,
    address_other: 0.15,
    missing: 0.003,
    stand_in: 0.0005,
    capitals: 0.05,
};

const TYPICAL: Rates = Rates {
    chi_missing: 0.40,
    chi_typo: 0.006,
    nickname: 0.09,
    initial: 0.01,
    middle_name: 0.04,
    name_typo: 0.03,
    names_exchanged: 0.008,
    born_as: 0.16,
    date_exchanged: 0.008,
    date_typo: 0.02,
    date_default: 0.004,
    sex_wrong: 0.005,
    old_home: 0.6,
    postcode_typo: 0.025,
    address_other: 0.35,
    missing: 0.02,
    stand_in: 0.001,
    capitals: 0.10,
};

const HARD: Rates = Rates {
    chi_missing: 0.85,
    chi_typo: 0.02,
    nickname: 0.14,
    initial: 0.03,
    middle_name: 0.06,
    name_typo: 0.055,
    names_exchanged: 0.02,
    born_as: 0.25,
    date_exchanged: 0.02,
    date_typo: 0.035,
    date_default: 0.008,
    sex_wrong: 0.01,
    old_home: 0.7,
    postcode_typo: 0.04,
    address_other: 0.55,
    missing: 0.045,
    stand_in: 0.004,
    capitals: 0.20,
};
