//! Lists that the made-up people are drawn from, and how often. Frequencies and places are invented.

use rand::{Rng, RngExt as _};

/// A place in a list of `size`, the front being common: weights fall as 1 / (place + 6).
pub(crate) fn falling(size: usize) -> impl Iterator<Item = u64> {
    (0..size as u64).map(|place| 1_000_000 / (place + 6))
}

/// Age bands and how many in a thousand are in each.
#[rustfmt::skip]
const AGES: &[(u8, u8, u32)] = &[
    (0, 4, 46), (5, 9, 52), (10, 14, 55), (15, 19, 54), (20, 29, 126), (30, 39, 134), (40, 49, 126),
    (50, 59, 141), (60, 69, 124), (70, 79, 92), (80, 89, 42), (90, 99, 8),
];

/// An age band, as often as the population has it.
pub(crate) fn age_band(rng: &mut impl Rng) -> (u8, u8) {
    let all = AGES.iter().map(|(_, _, weight)| weight).sum();
    let mut at = rng.random_range(0..all);
    for (low, high, weight) in AGES {
        if at < *weight {
            return (*low, *high);
        }
        at -= weight;
    }
    (30, 39)
}

/// Postcode areas, their districts, and how many in a thousand live there.
#[rustfmt::skip]
pub(crate) const AREAS: &[(&str, u32, u64)] = &[
    ("G", 78, 225), ("EH", 54, 165), ("AB", 56, 95), ("DD", 11, 75), ("KY", 16, 90), ("ML", 12, 90),
    ("PA", 38, 80), ("KA", 30, 80), ("FK", 21, 60), ("IV", 40, 40),
];

/// Letters of the last part of a postcode.
pub(crate) const UNIT_LETTERS: &[u8] = b"ABDEFGHJLNPQRSTUWXYZ";

/// Forenames of men, common ones first.
#[rustfmt::skip]
pub(crate) const MALE: &[&str] = &[
    "James", "John", "William", "Robert", "David", "Andrew", "Thomas", "Michael", "Alexander", "Peter",
    "Ian", "Stephen", "George", "Paul", "Ryan", "Scott", "Craig", "Mark", "Steven", "Kenneth",
    "Christopher", "Stuart", "Alan", "Brian", "Colin", "Daniel", "Gordon", "Martin", "Derek", "Jack",
    "Lewis", "Liam", "Cameron", "Callum", "Ross", "Connor", "Kyle", "Jamie", "Euan", "Fraser",
    "Adam", "Matthew", "Angus", "Hamish", "Duncan", "Hugh", "Donald", "Gary", "Kevin", "Graeme",
    "Neil", "Douglas", "Malcolm", "Gavin", "Barry", "Allan", "Joseph", "Charles", "Patrick", "Anthony",
    "Calum", "Finlay", "Rory", "Logan", "Harris", "Noah", "Oliver", "Leo", "Harry", "Archie",
    "Lachlan", "Murray", "Struan", "Gregor", "Niall", "Alasdair", "Ruaridh", "Torquil", "Fergus", "Magnus",
    "Ewan", "Innes", "Blair", "Keir", "Sandy", "Mohammed", "Ali", "Jakub", "Piotr", "Omar",
    "Brodie", "Tavish", "Somhairle", "Aonghas", "Mungo",
];

/// Forenames of women, common ones first.
#[rustfmt::skip]
pub(crate) const FEMALE: &[&str] = &[
    "Margaret", "Mary", "Elizabeth", "Catherine", "Anne", "Agnes", "Isabella", "Jean", "Susan", "Linda",
    "Karen", "Fiona", "Alison", "Jennifer", "Nicola", "Laura", "Emma", "Sarah", "Amy", "Claire",
    "Gillian", "Lorraine", "Sandra", "Helen", "Janet", "Patricia", "Jacqueline", "Angela", "Yvonne", "Tracey",
    "Lynn", "Kirsty", "Eilidh", "Rachel", "Rebecca", "Lauren", "Chloe", "Sophie", "Olivia", "Emily",
    "Isla", "Ava", "Ella", "Jessica", "Lucy", "Grace", "Freya", "Orla", "Skye", "Millie",
    "Poppy", "Caitlin", "Erin", "Megan", "Hannah", "Katie", "Beth", "Shona", "Morag", "Mhairi",
    "Rhona", "Catriona", "Heather", "Iona", "Ailsa", "Moira", "Sheila", "Doreen", "Maureen", "Irene",
    "Dorothy", "Evelyn", "Christina", "Joan", "Barbara", "Carol", "Diane", "Julie", "Michelle", "Louise",
    "Kerry", "Leanne", "Stacey", "Zara", "Aisha", "Zofia", "Maja", "Marsaili", "Seonaid", "Oighrig",
    "Beathag", "Una", "Effie", "Senga",
];

/// Surnames, common ones first.
#[rustfmt::skip]
pub(crate) const SURNAMES: &[&str] = &[
    "Smith", "Brown", "Wilson", "Robertson", "Thomson", "Campbell", "Stewart", "Anderson", "Scott", "Murray",
    "MacDonald", "Reid", "Taylor", "Clark", "Ross", "Young", "Mitchell", "Watson", "Paterson", "Morrison",
    "Fraser", "Davidson", "Gray", "McDonald", "Henderson", "Johnston", "Graham", "Hamilton", "Ferguson", "Kerr",
    "Simpson", "Hunter", "Martin", "Cameron", "Bell", "Allan", "Marshall", "Grant", "Kelly", "MacKenzie",
    "Wallace", "Black", "Miller", "Duncan", "Russell", "Gibson", "Walker", "Sinclair", "McLean", "Gordon",
    "Millar", "Craig", "Crawford", "Johnstone", "Kennedy", "Sutherland", "Boyle", "Burns", "Munro", "Hughes",
    "Jamieson", "Cunningham", "Bruce", "Ritchie", "Hay", "Docherty", "Muir", "Rae", "Christie", "Forbes",
    "Fleming", "Gallagher", "Gibb", "Lindsay", "Hill", "Currie", "Donnelly", "Douglas", "Aitken", "Baird",
    "Barclay", "Begg", "Bryce", "Buchan", "Cairns", "Carmichael", "Cowan", "Dickson", "Doig", "Drummond",
    "Duffy", "Elder", "Erskine", "Ewing", "Farquhar", "Findlay", "Forsyth", "Fyfe", "Galloway", "Gillespie",
    "Gilmour", "Greig", "Guthrie", "Haldane", "Hendry", "Hogg", "Hood", "Inglis", "Irvine", "Jack",
    "Keith", "Kidd", "Laidlaw", "Laing", "Laird", "Leslie", "Lockhart", "Logan", "Low", "Mair",
    "McAllister", "McBride", "McCall", "McEwan", "McGregor", "McIntosh", "McKay", "McKenna", "McLeod", "McMillan",
    "McNeil", "McPherson", "Meldrum", "Menzies", "Moffat", "Mowat", "Napier", "Nicol", "Ogilvie", "Orr",
    "Pirie", "Pringle", "Ramsay", "Rankin", "Rennie", "Ritson", "Shearer", "Sim", "Skinner", "Sloan",
    "Spence", "Steel", "Tait", "Telfer", "Tulloch", "Urquhart", "Weir", "Whyte", "Wishart", "Yule",
    "Khan", "Ahmed", "Singh", "Kowalski", "Nowak", "O'Neill", "O'Donnell",
];

/// Fronts of made-up rare surnames.
#[rustfmt::skip]
pub(crate) const SURNAME_FRONTS: &[&str] = &[
    "Aber", "Auch", "Bal", "Bar", "Black", "Brae", "Burn", "Cairn", "Carr", "Clach", "Corr", "Craig",
    "Cul", "Dal", "Drum", "Dun", "Fin", "Gar", "Glen", "Gow", "Green", "Heather", "Inver", "Kel",
    "Kil", "Kin", "Kirk", "Lang", "Loch", "Lough", "Mon", "Muir", "Ner", "New", "Pit", "Rath",
    "Rose", "Ruther", "Stan", "Stir", "Strath", "Tor", "Tul", "Wade", "Whit",
];

/// Ends of made-up rare surnames.
#[rustfmt::skip]
pub(crate) const SURNAME_ENDS: &[&str] = &[
    "aird", "bain", "beath", "bridge", "burn", "by", "caple", "craft", "dale", "don", "dyce", "fay",
    "field", "ford", "glas", "holm", "hope", "ie", "ing", "land", "law", "lay", "leith", "ley",
    "loch", "more", "mount", "muir", "nock", "ness", "nie", "pool", "ray", "rick", "row", "shaw",
    "side", "ston", "tay", "tie", "toun", "ven", "wick", "wood",
];

/// Names of streets.
#[rustfmt::skip]
pub(crate) const STREETS: &[&str] = &[
    "Kirk", "High", "Station", "Mill", "Church", "School", "Manse", "Burnside", "Castle", "Queen",
    "King", "Victoria", "Albert", "Bridge", "Harbour", "Shore", "Links", "Glebe", "Loch", "Forth",
    "Tay", "Clyde", "Rowan", "Birch", "Heather", "Thistle", "Bruce", "Wallace", "Napier", "Carnegie",
    "Braeside", "Hillview", "Park", "Academy", "Market", "Weavers", "Smithy", "Quarry", "Railway", "Meadow",
    "Abbey", "Priory", "Cairn", "Moor", "Gowan", "Lomond", "Nevis", "Ochil", "Pentland", "Cheviot",
];

/// Kinds of streets.
#[rustfmt::skip]
pub(crate) const STREET_TYPES: &[&str] = &[
    "Street", "Road", "Avenue", "Crescent", "Drive", "Place", "Terrace", "Gardens", "Court", "Lane",
    "Grove", "Square",
];

/// What people are called beside their forename.
#[rustfmt::skip]
pub(crate) const SHORT_FORMS: &[(&str, &[&str])] = &[
    ("James", &["Jim", "Jimmy", "Jamie"]),
    ("John", &["Jack", "Jock", "Johnny"]),
    ("William", &["Bill", "Billy", "Willie"]),
    ("Robert", &["Bob", "Rab", "Robbie"]),
    ("David", &["Dave", "Davie"]),
    ("Andrew", &["Andy", "Drew"]),
    ("Thomas", &["Tom", "Tommy", "Tam"]),
    ("Michael", &["Mike", "Mick"]),
    ("Alexander", &["Alex", "Sandy", "Alec"]),
    ("Stephen", &["Steve"]),
    ("Steven", &["Steve", "Stevie"]),
    ("Kenneth", &["Ken", "Kenny"]),
    ("Christopher", &["Chris"]),
    ("Stuart", &["Stu"]),
    ("Daniel", &["Dan", "Danny"]),
    ("Donald", &["Donnie"]),
    ("Douglas", &["Doug", "Dougie"]),
    ("Joseph", &["Joe"]),
    ("Charles", &["Charlie"]),
    ("Patrick", &["Pat", "Paddy"]),
    ("Anthony", &["Tony"]),
    ("Matthew", &["Matt"]),
    ("Peter", &["Pete"]),
    ("Archie", &["Archibald"]),
    ("Hugh", &["Shug"]),
    ("Mohammed", &["Mo"]),
    ("Margaret", &["Maggie", "Peggy", "Meg"]),
    ("Mary", &["Molly", "May"]),
    ("Elizabeth", &["Liz", "Betty", "Beth"]),
    ("Catherine", &["Cathy", "Kate", "Cath"]),
    ("Anne", &["Annie", "Nan"]),
    ("Agnes", &["Nancy", "Nessie"]),
    ("Isabella", &["Isa", "Bella", "Ella"]),
    ("Jean", &["Jeannie", "Sheena"]),
    ("Susan", &["Sue", "Susie"]),
    ("Jennifer", &["Jen", "Jenny"]),
    ("Nicola", &["Nicky"]),
    ("Gillian", &["Gill"]),
    ("Sandra", &["Sandy"]),
    ("Helen", &["Nell", "Nellie"]),
    ("Janet", &["Jenny", "Jessie"]),
    ("Patricia", &["Pat", "Trish"]),
    ("Jacqueline", &["Jackie"]),
    ("Rebecca", &["Becky"]),
    ("Jessica", &["Jess"]),
    ("Katie", &["Kate"]),
    ("Christina", &["Chrissie", "Tina"]),
    ("Barbara", &["Babs"]),
    ("Dorothy", &["Dot", "Dolly"]),
    ("Deborah", &["Debbie"]),
    ("Emily", &["Em"]),
    ("Sophie", &["Soph"]),
    ("Louise", &["Lou"]),
    ("Olivia", &["Liv"]),
    ("Kirsty", &["Kirst"]),
];
