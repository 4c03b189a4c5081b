//! Example rows.
//!
//! The first row of a table has id 1. A number at the beginning of a row is the id of the row that it
//! references. Every case of a query occurs at least once: present and absent, none and several, letters
//! outside ASCII, an apostrophe, and both wildcards of LIKE.

/// Year, month and day.
pub(super) type Day = (i32, u32, u32);

/// Usernames.
pub(super) const USERS: [&str; 8] =
    ["ada", "björn", "chloé", "dmitri", "o'brien", "jürgen.groß", "sample_user", "newcomer"];

/// User, bio, birthdate. Users 4, 7 and 8 have no profile.
pub(super) const PROFILES: [(i32, &str, Option<Day>); 5] = [
    (1, "Writes programs for machines that are not built yet.", Some((1985, 12, 10))),
    (3, "", Some((1988, 2, 29))),
    (2, "Keeps bees and reads maps, never both at once.", None),
    (6, "Straßenbahn, Süßes und 100 % Kaffee.", None),
    (5, "Doesn't do mornings.", Some((1979, 6, 1))),
];

/// User, phone number. User 4 has this and no profile, users 2 and 6 the reverse, 7 and 8 have neither.
pub(super) const USER_INFOS: [(i32, &str); 4] =
    [(3, "+44 20 7946 0958"), (1, "+44 113 496 0101"), (4, "+44 117 496 0004"), (5, "+44 20 7946 0017")];

/// Names.
pub(super) const AUTHORS: [&str; 6] =
    ["Amara Okafor", "José Hernández", "Siobhán O'Neill", "Käthe Weiß", "Liu Wei", "Tom Baker-Lane"];

/// Author, title, content. Author 3 has posts and no books, author 5 nothing at all.
pub(super) const POSTS: [(i32, &str, &str); 9] = [
    (1, "Growing 100% of your own salad", "It starts with a window sill and ends with a lease."),
    (1, "The slow train north", "Nine hours, four thermos flasks, one argument about the map."),
    (2, "Why I count in sixes", "Eggs taught me, and I have not looked back."),
    (3, "A letter to the night bus", "You were late. So was I. Let's call it even."),
    (1, "Rain, mostly", "A diary of one week in which nothing else happened."),
    (3, "snake_case and other pets", "Some names are read with the eyes, some with the tongue."),
    (6, "What the ferryman charges", "Less than the bridge, and he tells better stories."),
    (2, "Crème brûlée, a retraction", "Last month's recipe was wrong by a factor of ten. I'm sorry."),
    (3, "Footnotes I cut", "All of them were better than the book."),
];

/// Author, title, ISBN. Author 4 has books and no posts.
pub(super) const BOOKS: [(i32, &str, &str); 8] = [
    (4, "Das Grüne Buch", "9780000104014"),
    (1, "A Garden Against the Wind", "9780000101013"),
    (2, "Twelve Ways to Fold a Map", "9780000102010"),
    (1, "The Salt Almanac", "9780000101020"),
    (4, "Die Uhr im Fluss", "9780000104021"),
    (2, "Half of 50%", "9780000102027"),
    (6, "Harbours", "9780000106018"),
    (1, "Nobody's Orchard", "9780000101037"),
];

/// Names. Student 7 takes no course.
pub(super) const STUDENTS: [&str; 7] = [
    "Zoë Lefèvre",
    "Kwame Mensah",
    "Ingrid Søndergård",
    "Patrick D'Arcy",
    "Yuki Tanaka",
    "Greta Voß",
    "Omar Haddad",
];

/// Titles. Course 6 has no students.
pub(super) const COURSES: [&str; 6] = [
    "Introduction to Logic",
    "Data_Structures",
    "Organic Chemistry",
    "Étude de la poésie",
    "Giving 110%: A Critique",
    "Medieval Accounting",
];

/// Course, student. Student 1 takes four courses, students 4 and 6 one each.
pub(super) const COURSE_STUDENTS: [(i32, i32); 12] =
    [(1, 1), (1, 2), (2, 1), (1, 3), (4, 1), (2, 5), (3, 2), (3, 4), (5, 1), (1, 5), (4, 3), (1, 6)];

/// Codes. No employee wears badge 5.
pub(super) const BADGES: [&str; 8] =
    ["N-104", "N-211", "E-017", "E-018", "VISITOR_1", "S-300", "W-042", "W-043"];

/// Badge, manager, name: a tree of three levels. Managers come before their reports.
pub(super) const EMPLOYEES: [(i32, Option<i32>, &str); 7] = [
    (3, None, "Margarethe Klein"),
    (1, Some(1), "Desmond Achebe"),
    (4, Some(1), "Renée Dubois"),
    (2, Some(2), "Sean O'Malley"),
    (8, Some(2), "Priya Raman"),
    (6, Some(3), "Łukasz Nowak"),
    (7, Some(2), "Hanna Jäger"),
];

/// Names. Person 3 has no passport.
pub(super) const PERSONS: [&str; 5] =
    ["Elif Yılmaz", "Marek Dvořák", "Noor Ibarra", "Conor McBride", "Ulla Strauß"];

/// Person, number.
pub(super) const PASSPORTS: [(i32, &str); 4] =
    [(5, "X1204587"), (1, "X7730021"), (2, "X0045119"), (4, "X9918264")];

/// Name, address. Places 1 and 2 are no restaurants.
pub(super) const PLACES: [(&str, &str); 6] = [
    ("Demon Dogs", "944 W. Fullerton"),
    ("Ace Hardware", "1013 N. Ashland"),
    ("Café Zürich", "12 Rämistraße"),
    ("Joe's Diner", "7 Harbour Row"),
    ("100% Pizza", "31 Canal St."),
    ("Half_Moon Grill", "208 S. Mill Lane"),
];

/// Place, hot dogs, pizza: every combination of the two.
pub(super) const RESTAURANTS: [(i32, bool, bool); 4] =
    [(4, true, true), (3, false, false), (6, true, false), (5, false, true)];

/// Restaurant, by its place, and name. Restaurant 4 has three waiters, 3 has two, 5 has one, 6 has none.
pub(super) const WAITERS: [(i32, &str); 6] = [
    (4, "Dolores Finch"),
    (3, "Luca Bünzli"),
    (4, "Ray D'Angelo"),
    (5, "Mónica Peña"),
    (4, "Little Joe"),
    (3, "Anneliese Groß"),
];
