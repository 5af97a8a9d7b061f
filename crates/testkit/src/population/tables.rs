//! What names the made-up people have. Which names were given when is plausible, the weights are invented.
//! The linkage engine knows none of these tables.

/// Forenames by time of birth (before 1940, to 1959, to 1979, to 1999, since), common ones first.
#[rustfmt::skip]
pub(super) const MALE: [&[&str]; 5] = [
    &[
        "William", "James", "John", "Robert", "George", "Alexander", "Thomas", "David", "Andrew", "Charles",
        "Hugh", "Peter", "Donald", "Archibald", "Joseph", "Henry", "Walter", "Edward", "Francis", "Duncan",
        "Albert", "Ronald", "Samuel", "Frederick", "Arthur", "Norman", "Patrick", "Daniel", "Angus", "Matthew",
        "Neil", "Kenneth", "Adam", "Malcolm", "Ernest", "Richard", "Harold", "Leslie", "Murdo", "Cyril",
        "Bernard", "Stanley", "Lachlan", "Ewen", "Hector", "Percy",
    ],
    &[
        "James", "John", "William", "Robert", "David", "Thomas", "George", "Alexander", "Ian", "Andrew",
        "Brian", "Alan", "Kenneth", "Peter", "Charles", "Ronald", "Joseph", "Michael", "Gordon", "Hugh",
        "Douglas", "Donald", "Colin", "Edward", "Graham", "Derek", "Stewart", "Francis", "Raymond", "Patrick",
        "Iain", "Norman", "Stuart", "Eric", "Malcolm", "Henry", "Keith", "Neil", "Roderick", "Gerard",
        "Leslie", "Roy", "Trevor", "Dennis", "Barry", "Terence",
    ],
    &[
        "David", "John", "James", "Robert", "William", "Paul", "Andrew", "Stephen", "Steven", "Mark",
        "Alan", "Thomas", "Brian", "Scott", "Kenneth", "Michael", "Gary", "Colin", "Gordon", "Stuart",
        "Alexander", "Ian", "Craig", "Peter", "Kevin", "George", "Derek", "Graeme", "Martin", "Neil",
        "Douglas", "Graham", "Iain", "Gerard", "Anthony", "Christopher", "Joseph", "Charles", "Alistair", "Keith",
        "Allan", "Garry", "Barry", "Gavin", "Fraser", "Euan", "Duncan", "Angus", "Russell", "Philip",
    ],
    &[
        "David", "Andrew", "James", "Christopher", "Michael", "Craig", "John", "Ryan", "Scott", "Robert",
        "Mark", "Steven", "Stuart", "Jamie", "Ross", "Paul", "Daniel", "Thomas", "Matthew", "Sean",
        "Liam", "Jordan", "Connor", "Lewis", "Stephen", "William", "Kevin", "Gary", "Fraser", "Cameron",
        "Callum", "Alexander", "Martin", "Kyle", "Adam", "Darren", "Gavin", "Greg", "Graeme", "Calum",
        "Joseph", "Euan", "Jonathan", "Barry", "Nicholas", "Anthony", "Jack", "Declan", "Dean", "Shaun",
    ],
    &[
        "Jack", "Lewis", "James", "Logan", "Harris", "Oliver", "Alexander", "Leo", "Noah", "Jamie",
        "Daniel", "Ryan", "Callum", "Adam", "Lucas", "Finlay", "Cameron", "Kyle", "Max", "Harry",
        "Charlie", "Ethan", "Rory", "Matthew", "Nathan", "Aaron", "Archie", "Thomas", "Riley", "Joshua",
        "Liam", "Luke", "Brodie", "Connor", "Samuel", "Benjamin", "Dylan", "Aiden", "Fraser", "Angus",
        "Theo", "Arran", "Mason", "Hamish", "Struan", "Cole", "Murray", "Reuben", "Arlo", "Tommy",
    ],
];

/// As [`MALE`].
#[rustfmt::skip]
pub(super) const FEMALE: [&[&str]; 5] = [
    &[
        "Margaret", "Mary", "Elizabeth", "Agnes", "Jean", "Catherine", "Isabella", "Annie", "Jessie", "Helen",
        "Janet", "Christina", "Jane", "Isobel", "Marion", "Williamina", "Sarah", "Euphemia", "Ellen", "Grace",
        "Rose", "Ina", "Nan", "Dorothy", "Barbara", "Martha", "Elspeth", "Flora", "Rachel", "Edith",
        "Alice", "Georgina", "Susan", "Hannah", "Betty", "Norah", "Doris", "Peggy", "Chrissie", "Thomasina",
        "Johan", "Davina",
    ],
    &[
        "Margaret", "Elizabeth", "Mary", "Catherine", "Anne", "Patricia", "Helen", "Irene", "Isobel", "Sheila",
        "Moira", "Maureen", "Linda", "Ann", "Sandra", "Dorothy", "Jean", "Kathleen", "Eleanor", "Christine",
        "Agnes", "Barbara", "Marion", "Evelyn", "Jennifer", "Morag", "Norma", "Rosemary", "Sylvia", "Janet",
        "Joyce", "Eileen", "Alison", "Marjory", "Jessie", "Carol", "Valerie", "Thelma", "Frances", "Susan",
        "Isabella", "Pamela", "Myra", "Fiona", "Rhoda", "Avril",
    ],
    &[
        "Susan", "Karen", "Fiona", "Alison", "Jacqueline", "Elizabeth", "Angela", "Margaret", "Lorraine", "Linda",
        "Catherine", "Caroline", "Tracey", "Sharon", "Nicola", "Gillian", "Carol", "Lesley", "Yvonne", "Elaine",
        "Julie", "Anne", "Pamela", "Deborah", "Mary", "Helen", "Lynn", "Jane", "Michelle", "Diane",
        "Joanne", "Maureen", "Kirsty", "Sandra", "Shona", "Patricia", "Heather", "Louise", "Morag", "Denise",
        "Dawn", "Audrey", "Wendy", "Claire", "Paula", "Rhona", "Lorna", "Gail", "Aileen", "Catriona",
    ],
    &[
        "Laura", "Nicola", "Claire", "Emma", "Jennifer", "Lisa", "Amy", "Gemma", "Sarah", "Lauren",
        "Rebecca", "Kirsty", "Stephanie", "Louise", "Rachel", "Michelle", "Hannah", "Karen", "Natalie", "Samantha",
        "Leanne", "Kelly", "Amanda", "Victoria", "Fiona", "Megan", "Heather", "Ashley", "Jade", "Lynsey",
        "Pamela", "Elaine", "Danielle", "Chloe", "Katie", "Stacey", "Shona", "Eilidh", "Ailsa", "Alexandra",
        "Charlotte", "Kerry", "Catriona", "Donna", "Katherine", "Mhairi", "Zoe", "Sophie", "Iona", "Shannon",
    ],
    &[
        "Sophie", "Emily", "Olivia", "Isla", "Ava", "Emma", "Amelia", "Lucy", "Jessica", "Ella",
        "Grace", "Chloe", "Freya", "Millie", "Lily", "Anna", "Ellie", "Charlotte", "Mia", "Evie",
        "Eilidh", "Erin", "Katie", "Skye", "Holly", "Hannah", "Ruby", "Rosie", "Amber", "Abbie",
        "Orla", "Niamh", "Daisy", "Zoe", "Robyn", "Poppy", "Ailsa", "Maisie", "Layla", "Harper",
        "Aria", "Summer", "Esme", "Imogen", "Thea", "Iona", "Alexandra", "Leah", "Brooke", "Maya",
    ],
];

/// Fronts and ends of rare forenames, which young people have more often.
#[rustfmt::skip]
pub(super) const RARE_MALE: (&[&str], &[&str]) = (
    &[
        "Ar", "Bray", "Cad", "Cor", "Dar", "Ed", "Fer", "Gar", "Had", "Jar", "Kel", "Lan", "Mal", "Nor",
        "Or", "Per", "Quin", "Rod", "Sten", "Tor", "Ul", "Vin", "Wes", "Zan",
    ],
    &["den", "an", "ard", "don", "ick", "lan", "mar", "ric", "son", "ton", "us", "vin", "ley", "win"],
);

/// As [`RARE_MALE`].
#[rustfmt::skip]
pub(super) const RARE_FEMALE: (&[&str], &[&str]) = (
    &[
        "Al", "Bri", "Cas", "Del", "El", "Fay", "Gwen", "Jo", "Kay", "Lor", "Mar", "Nat", "Or", "Ros",
        "Shan", "Tam", "Val", "Wyn", "Yas", "Zel",
    ],
    &["anna", "elle", "ina", "issa", "leen", "lyn", "etta", "ya", "ora", "ise", "ity", "ana", "ette", "rie"],
);

/// People whose families came from elsewhere: forenames of men, of women, surnames.
#[rustfmt::skip]
pub(super) const ELSEWHERE: [(&[&str], &[&str], &[&str]); 3] = [
    (
        &[
            "Mohammed", "Ali", "Ahmed", "Imran", "Hassan", "Usman", "Bilal", "Omar", "Tariq", "Asif", "Ibrahim",
            "Yusuf", "Adnan", "Faisal", "Zain", "Kashif", "Hamza", "Nadeem", "Rashid", "Saeed",
        ],
        &[
            "Aisha", "Fatima", "Zainab", "Maryam", "Samina", "Nadia", "Saima", "Shazia", "Hafsa", "Amina", "Rukhsana",
            "Farah", "Sadia", "Khadija", "Iqra", "Noor", "Rabia", "Sana", "Tahira", "Bushra",
        ],
        &[
            "Khan", "Ahmed", "Ali", "Hussain", "Mohammed", "Akhtar", "Iqbal", "Malik", "Mahmood", "Bibi", "Shah",
            "Begum", "Sheikh", "Anwar", "Aslam", "Chaudhry", "Rashid", "Mirza", "Butt", "Rehman",
        ],
    ),
    (
        &[
            "Piotr", "Krzysztof", "Andrzej", "Tomasz", "Paweł", "Jakub", "Michał", "Marcin", "Adam", "Łukasz",
            "Grzegorz", "Mateusz", "Kamil", "Dawid", "Wojciech", "Szymon",
        ],
        &[
            "Anna", "Katarzyna", "Agnieszka", "Magdalena", "Zofia", "Joanna", "Małgorzata", "Ewa", "Aleksandra", "Julia",
            "Maja", "Karolina", "Monika", "Natalia", "Oliwia", "Hanna",
        ],
        &[
            "Nowak", "Kowalski", "Wiśniewski", "Wójcik", "Kowalczyk", "Kamiński", "Lewandowski", "Zieliński",
            "Szymański", "Woźniak", "Dąbrowski", "Kozłowski", "Mazur", "Jankowski", "Kwiatkowski", "Krawczyk",
        ],
    ),
    (
        &[
            "Wei", "Jun", "Chun", "Kwok", "Rajesh", "Sanjay", "Harpreet", "Gurpreet", "Vikram", "Emeka", "Chidi",
            "Tunde", "Kofi", "Ravi", "Arjun", "Jaspal",
        ],
        &[
            "Mei", "Ling", "Xiu", "Priya", "Anjali", "Manpreet", "Simran", "Ngozi", "Amara", "Adaeze", "Folake",
            "Ama", "Sunita", "Lakshmi", "Jaswinder", "Yan",
        ],
        &[
            "Wong", "Chen", "Li", "Zhang", "Singh", "Kaur", "Patel", "Sharma", "Kumar", "Okafor", "Adeyemi", "Mensah",
            "Liu", "Lau", "Chan", "Gill", "Sandhu", "Okonkwo",
        ],
    ),
];

/// Surnames, common ones first.
#[rustfmt::skip]
pub(super) const SURNAMES: &[&str] = &[
    "Smith", "Brown", "Wilson", "Campbell", "Stewart", "Thomson", "Robertson", "Anderson", "Macdonald", "Scott",
    "Reid", "Murray", "Taylor", "Clark", "Ross", "Watson", "Morrison", "Paterson", "Young", "Mitchell",
    "Walker", "Fraser", "Miller", "McDonald", "Gray", "Henderson", "Hamilton", "Johnston", "Duncan", "Graham",
    "Ferguson", "Kerr", "Davidson", "Bell", "Cameron", "Kelly", "Martin", "Hunter", "Allan", "Mackenzie",
    "Grant", "Simpson", "MacLeod", "Mackay", "McLean", "Black", "Russell", "Marshall", "Wallace", "Gibson",
    "Wright", "Kennedy", "Burns", "Gordon", "Craig", "Crawford", "Sutherland", "Johnstone", "Hughes", "Jones",
    "Stevenson", "Munro", "Docherty", "Milne", "White", "Williamson", "Sinclair", "Muir", "Gallagher", "Ritchie",
    "Cunningham", "McMillan", "King", "Christie", "Wood", "Boyle", "Jackson", "Watt", "Donaldson", "McKay",
    "Hay", "Williams", "Fleming", "Millar", "Jamieson", "Douglas", "Shaw", "Bruce", "Alexander", "Armstrong",
    "Rae", "Hill", "McIntosh", "Lindsay", "Lamont", "Forbes", "O'Neill", "Harris", "Evans", "Rennie",
    "Dickson", "Buchanan", "McGregor", "Beattie", "Nicol", "Thompson", "Bain", "Blair", "Currie", "Duffy",
    "Fyfe", "Gilmour", "Irvine", "Lang", "McKenna", "McPherson", "O'Donnell", "Rankin", "Tait", "Weir",
    "Aitken", "Barr", "Cowan", "Dunn", "Ewing", "Findlay", "Greig", "Hogg", "Innes", "Kidd",
    "Laing", "McCall", "Napier", "Ogilvie", "Petrie", "Quinn", "Ramsay", "Sharp", "Tulloch", "Urquhart",
    "Wylie", "Yule", "Adam", "Baxter", "Carr", "Dewar", "Elliot", "Gow", "Hardie", "Imrie",
    "Jack", "Keir", "Lennox", "McAllister", "Noble", "Orr", "Park", "Rose", "Steele", "Todd",
    "Lees", "Baird", "Coutts", "Dow", "Esson", "Farquhar", "Gunn", "Howie", "Kilgour", "Leask",
    "McBain", "Nairn", "Peddie", "Riddell", "Sim", "Tennant", "Veitch", "Whyte", "McFarlane", "McNeill",
    "O'Brien", "Docherty", "Lafferty", "McGuire", "Friel", "Coyle", "Devlin", "Rooney", "Heaney", "Doherty",
];

/// Fronts and ends of rare surnames.
#[rustfmt::skip]
pub(super) const RARE_SURNAME: (&[&str], &[&str]) = (
    &[
        "Ald", "Ash", "Bal", "Ben", "Birk", "Brad", "Bur", "Cald", "Car", "Chis", "Clif", "Cor", "Crom", "Dal",
        "Den", "Dun", "Ed", "Ell", "Fair", "Far", "Gal", "Gil", "Gold", "Had", "Hal", "Hart", "Hazel", "Hol",
        "Hum", "Kel", "Kil", "Lam", "Lang", "Lin", "Lock", "Mel", "Mor", "Nor", "Oak", "Pen", "Pres", "Red",
        "Rom", "Sel", "Shel", "Stan", "Strath", "Thorn", "Tor", "Wal", "War", "Wel", "Whit", "Wil", "Win", "Wool",
    ],
    &[
        "aby", "bach", "beck", "berry", "bourne", "bridge", "brook", "bury", "by", "castle", "cliffe", "combe",
        "cott", "croft", "dale", "den", "don", "field", "fold", "ford", "gate", "grave", "ham", "hill", "holme",
        "hope", "hurst", "ington", "land", "law", "leigh", "ley", "low", "man", "mere", "more", "ness", "nell",
        "ridge", "row", "sell", "shaw", "side", "stead", "ster", "stone", "thwaite", "ton", "vale", "wall",
        "ward", "water", "way", "well", "wick", "wood", "worth",
    ],
);

/// What the made-up people are called beside their forename.
#[rustfmt::skip]
pub(super) const SHORT: &[(&str, &[&str])] = &[
    ("William", &["Bill", "Billy", "Willie", "Will"]), ("James", &["Jim", "Jimmy", "Jamie"]),
    ("John", &["Jack", "Johnny", "Jock", "Ian"]), ("Robert", &["Bob", "Bobby", "Rab", "Robbie"]),
    ("Alexander", &["Alex", "Sandy", "Eck", "Alec"]), ("Thomas", &["Tom", "Tommy", "Tam"]),
    ("David", &["Dave", "Davie"]), ("Andrew", &["Andy", "Drew"]), ("Charles", &["Charlie", "Chas"]),
    ("Hugh", &["Hughie", "Shug"]), ("Archibald", &["Archie", "Baldy"]), ("Joseph", &["Joe", "Joey"]),
    ("Henry", &["Harry"]), ("Edward", &["Eddie", "Ted", "Ned"]), ("Francis", &["Frank", "Frankie"]),
    ("Ronald", &["Ron", "Ronnie"]), ("Samuel", &["Sam", "Sammy"]), ("Frederick", &["Fred", "Freddie"]),
    ("Patrick", &["Pat", "Paddy"]), ("Daniel", &["Dan", "Danny"]), ("Matthew", &["Matt"]),
    ("Kenneth", &["Ken", "Kenny"]), ("Richard", &["Dick", "Rick", "Richie"]), ("Michael", &["Mike", "Mick", "Mikey"]),
    ("Stephen", &["Steve", "Stevie"]), ("Steven", &["Steve", "Stevie"]), ("Christopher", &["Chris", "Kit"]),
    ("Anthony", &["Tony"]), ("Gerard", &["Gerry"]), ("Nicholas", &["Nick", "Nicky"]), ("Jonathan", &["Jon", "Jonny"]),
    ("Benjamin", &["Ben"]), ("Joshua", &["Josh"]), ("Donald", &["Don", "Donnie"]), ("Raymond", &["Ray"]),
    ("Douglas", &["Doug", "Dougie"]), ("Norman", &["Norrie"]), ("Stuart", &["Stu"]), ("Cameron", &["Cammy", "Cam"]),
    ("Alistair", &["Ally", "Al"]), ("Terence", &["Terry"]), ("Philip", &["Phil"]), ("Nathan", &["Nate"]),
    ("Margaret", &["Maggie", "Peggy", "Rita", "Greta", "Madge"]), ("Mary", &["May", "Molly", "Maisie"]),
    ("Elizabeth", &["Liz", "Betty", "Lizzie", "Beth", "Elsie", "Libby"]), ("Agnes", &["Nessie", "Nan", "Aggie"]),
    ("Jean", &["Jeanie", "Jeannie"]), ("Catherine", &["Cathie", "Kate", "Cath", "Kitty", "Rena"]),
    ("Isabella", &["Isa", "Bella", "Ella", "Tibbie"]), ("Jessie", &["Jess"]), ("Helen", &["Nell", "Nellie", "Ella"]),
    ("Janet", &["Jenny", "Jessie", "Nettie"]), ("Christina", &["Chrissie", "Tina", "Teenie"]), ("Isobel", &["Isa", "Izzy"]),
    ("Williamina", &["Mina", "Minnie"]), ("Sarah", &["Sadie", "Sally"]), ("Euphemia", &["Effie", "Phemie"]),
    ("Dorothy", &["Dot", "Dolly"]), ("Barbara", &["Babs", "Barbie"]), ("Martha", &["Mattie"]), ("Patricia", &["Pat", "Trish", "Patsy"]),
    ("Susan", &["Sue", "Susie"]), ("Jacqueline", &["Jackie"]), ("Alison", &["Ali"]), ("Angela", &["Angie"]),
    ("Deborah", &["Debbie", "Deb"]), ("Gillian", &["Gill"]), ("Pamela", &["Pam"]), ("Sandra", &["Sandy"]),
    ("Nicola", &["Nicky", "Nic"]), ("Jennifer", &["Jen", "Jenny"]), ("Rebecca", &["Becky", "Becca"]),
    ("Stephanie", &["Steph"]), ("Samantha", &["Sam", "Sammy"]), ("Amanda", &["Mandy"]), ("Victoria", &["Vicky", "Tori"]),
    ("Natalie", &["Nat"]), ("Danielle", &["Dani"]), ("Alexandra", &["Alex", "Sandra", "Lexi"]), ("Katherine", &["Kathy", "Katie", "Kate"]),
    ("Charlotte", &["Lottie", "Charlie"]), ("Jessica", &["Jess", "Jessie"]), ("Olivia", &["Liv", "Livvy"]),
    ("Amelia", &["Millie", "Amy"]), ("Emily", &["Em", "Emmy"]), ("Eleanor", &["Ellie", "Nora", "Nell"]),
    ("Kathleen", &["Kath", "Kathy"]), ("Maureen", &["Mo"]), ("Christine", &["Chris", "Chrissy"]), ("Georgina", &["Ina", "Georgie"]),
    ("Mohammed", &["Mo", "Mohammad", "Muhammad", "Mohamed"]), ("Hussain", &["Hussein"]), ("Zainab", &["Zaynab"]),
    ("Krzysztof", &["Chris", "Krzysiek"]), ("Katarzyna", &["Kasia"]), ("Agnieszka", &["Aga"]), ("Małgorzata", &["Gosia"]),
    ("Aleksandra", &["Ola"]), ("Michał", &["Michael"]), ("Piotr", &["Peter"]), ("Joanna", &["Asia"]),
];

/// Postcode areas, their districts, and how many in a thousand live there.
#[rustfmt::skip]
pub(super) const AREAS: &[(&str, u64, u64)] = &[
    ("G", 78, 215), ("EH", 54, 165), ("AB", 56, 92), ("KY", 16, 70), ("ML", 12, 72), ("PA", 38, 60), ("KA", 30, 70),
    ("FK", 21, 55), ("DD", 11, 52), ("IV", 40, 38), ("PH", 40, 30), ("DG", 14, 27), ("TD", 12, 22), ("KW", 17, 12),
    ("HS", 9, 8), ("ZE", 3, 7), ("NE", 60, 5),
];

/// Letters of the last part of a postcode.
pub(super) const UNIT_LETTERS: &[u8] = b"ABDEFGHJLNPQRSTUWXYZ";

/// Names of streets and what they are.
#[rustfmt::skip]
pub(super) const STREETS: (&[&str], &[&str]) = (
    &[
        "Abbey", "Academy", "Acre", "Alder", "Ash", "Bank", "Barn", "Beech", "Bellfield", "Bogle", "Brae", "Bridge",
        "Burn", "Castle", "Cedar", "Chapel", "Charlotte", "Church", "Coates", "Commerce", "Corbie", "Craigie", "Dock", "Elm",
        "Ferry", "Forest", "Foundry", "Garden", "George", "Glebe", "Gowan", "Grange", "Hawthorn", "High", "Hope", "Ivy",
        "Keppoch", "Kirk", "Laurel", "Lime", "Links", "Loch", "Main", "Manor", "Market", "Meadow", "Mill", "Moss",
        "Nelson", "North", "Oak", "Orchard", "Park", "Pine", "Poplar", "Princes", "Quay", "Queen", "Rowan", "School",
        "Seaview", "Shore", "South", "Spey", "Station", "Stirling", "Thistle", "Tower", "Union", "Victoria", "Viewfield", "Wellington",
        "West", "Willow", "Wood", "York",
    ],
    &["Street", "Road", "Avenue", "Drive", "Place", "Crescent", "Terrace", "Gardens", "Court", "Way", "Lane", "Grove"],
);

/// Short forms that clerks write.
#[rustfmt::skip]
pub(super) const STREET_SHORT: &[(&str, &str)] = &[
    ("Street", "St"), ("Road", "Rd"), ("Avenue", "Ave"), ("Drive", "Dr"), ("Place", "Pl"), ("Crescent", "Cres"),
    ("Terrace", "Terr"), ("Gardens", "Gdns"), ("Court", "Ct"), ("Lane", "Ln"),
];

/// What stands beside a letter on a keyboard.
#[rustfmt::skip]
pub(super) const NEIGHBOURS: &[(u8, &[u8])] = &[
    (b'a', b"qwsz"), (b'b', b"vghn"), (b'c', b"xdfv"), (b'd', b"serfcx"), (b'e', b"wsdr"), (b'f', b"drtgvc"),
    (b'g', b"ftyhbv"), (b'h', b"gyujnb"), (b'i', b"ujko"), (b'j', b"huikmn"), (b'k', b"jiolm"), (b'l', b"kop"),
    (b'm', b"njk"), (b'n', b"bhjm"), (b'o', b"iklp"), (b'p', b"ol"), (b'q', b"wa"), (b'r', b"edft"), (b's', b"awedxz"),
    (b't', b"rfgy"), (b'u', b"yhji"), (b'v', b"cfgb"), (b'w', b"qase"), (b'x', b"zsdc"), (b'y', b"tghu"), (b'z', b"asx"),
];

/// Sounds that are heard alike and written apart.
#[rustfmt::skip]
pub(super) const SOUNDS: &[(&str, &str)] = &[
    ("ph", "f"), ("ie", "y"), ("y", "ie"), ("ae", "ea"), ("ck", "k"), ("th", "t"), ("ee", "ea"), ("ou", "ow"),
    ("ss", "s"), ("nn", "n"), ("ll", "l"), ("tt", "t"), ("on", "en"), ("er", "ar"), ("ei", "ie"), ("Mac", "Mc"),
    ("Mc", "Mac"), ("O'", "O"), ("s", "z"), ("c", "k"), ("gh", "ch"), ("ai", "ay"), ("or", "our"), ("son", "sen"),
];
