//! Texts of generated rows. Each function returns the text of row `n`, always the same.
//!
//! A text of two parts takes them from lists whose lengths are coprime, so that walking both lists at once
//! meets every pair before the first repeats.

const FIRST_NAMES: [&str; 24] = [
    "Alice", "Bashir", "Carmen", "Daan", "Élodie", "Fatima", "Goran", "Helena", "Ivo", "Jasmin", "Kenji",
    "Leïla", "Mateo", "Noémie", "Oskar", "Paloma", "Quentin", "Rosa", "Sören", "Tamsin", "Uwe", "Vera",
    "Wanjiru", "Yusuf",
];

const LAST_NAMES: [&str; 25] = [
    "Abbott",
    "Bergström",
    "Castillo",
    "Dlamini",
    "Eriksen",
    "Fontaine",
    "Großmann",
    "Hughes",
    "Ito",
    "Janssen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Núñez",
    "O'Hara",
    "Petrov",
    "Quispe",
    "Rossi",
    "Schäfer",
    "Torres",
    "Ueda",
    "Varga",
    "Walsh",
    "Yıldız",
    "Zhang",
];

const BIOS: [&str; 7] = [
    "Swims before breakfast.",
    "Mends radios, breaks bread.",
    "",
    "Still looking for the other glove.",
    "Plays the viola, 40% of the time in tune.",
    "Moved here for the rain.",
    "Asks before borrowing your ladder.",
];

/// Prefixes of phone numbers reserved for fiction; three digits follow.
const FICTIONAL_NUMBERS: [&str; 5] =
    ["+44 20 7946 0", "+44 113 496 0", "+44 114 496 0", "+44 115 496 0", "+44 117 496 0"];

const OPENINGS: [&str; 7] = [
    "Notes on",
    "In praise of",
    "The trouble with",
    "A week of",
    "What I learned from",
    "Ten thoughts about",
    "Against",
];

const TOPICS: [&str; 15] = [
    "allotments",
    "bad maps",
    "cold soup",
    "door handles",
    "early trains",
    "ferries",
    "growing old slowly",
    "hand-written signs",
    "indoor plants",
    "jam",
    "keys",
    "lighthouses",
    "moss",
    "night shifts",
    "old bicycles",
];

const SENTENCES: [&str; 11] = [
    "It began with a mistake in the timetable.",
    "Nobody had asked for this, and everybody came.",
    "The short version is that I was wrong.",
    "My neighbour says otherwise, and she is usually right.",
    "There is a photograph, but it does not help.",
    "I have kept the receipt.",
    "In the end we took the stairs.",
    "About 5% of it is true.",
    "It smelled of rain and warm dust.",
    "Ask me again in the spring.",
    "The rest is in the footnotes.",
];

const ADJECTIVES: [&str; 11] = [
    "Quiet",
    "Borrowed",
    "Green",
    "Last",
    "Unwritten",
    "Narrow",
    "Salted",
    "Second",
    "Hollow",
    "Northern",
    "Patient",
];

const NOUNS: [&str; 13] = [
    "Harbour",
    "Orchard",
    "Winter",
    "Ledger",
    "Staircase",
    "River",
    "Lantern",
    "Garden",
    "Map",
    "Kitchen",
    "Violin",
    "Ferry",
    "Window",
];

const SUBJECTS: [&str; 12] = [
    "Algebra",
    "Botany",
    "Chemistry",
    "Drawing",
    "Ethics",
    "French",
    "Geology",
    "History",
    "Logic",
    "Music",
    "Poetry",
    "Statistics",
];

const KITCHENS: [&str; 8] = ["Diner", "Café", "Hardware", "Bistro", "Books", "Grill", "Bakery", "Taquería"];

const STREETS: [&str; 9] = [
    "N. Ashland Ave.",
    "W. Fullerton Ave.",
    "Canal St.",
    "Mill Lane",
    "Bahnhofstraße",
    "Rue de l'Église",
    "Harbour Row",
    "Station Rd.",
    "Calle Mayor",
];

/// Returns the entry of a list for row `n`, cyclically.
fn nth<const LENGTH: usize>(list: &[&'static str; LENGTH], n: usize) -> &'static str {
    list[n % LENGTH]
}

/// Returns a first and a last name.
pub(super) fn full_name(n: usize) -> String {
    format!("{} {}", nth(&FIRST_NAMES, n), nth(&LAST_NAMES, n))
}

/// Returns a sign-in name. It ends in `n`, so all names differ.
pub(super) fn username(n: usize) -> String {
    let first = nth(&FIRST_NAMES, n).to_lowercase();
    let last = nth(&LAST_NAMES, n).to_lowercase();
    format!("{first}.{last}{n}")
}

/// Returns a line about oneself, sometimes empty.
pub(super) fn bio(n: usize) -> String {
    nth(&BIOS, n).to_owned()
}

/// Returns a day in the second half of the twentieth century.
pub(super) fn birthdate(n: usize) -> super::example::Day {
    let n = n as u32;
    (1950 + (n * 7 % 50) as i32, 1 + n % 12, 1 + n * 5 % 28)
}

/// Returns a fictional phone number.
pub(super) fn phone_number(n: usize) -> String {
    format!("{}{:03}", nth(&FICTIONAL_NUMBERS, n), n * 17 % 1000)
}

/// Returns the title of a post.
pub(super) fn headline(n: usize) -> String {
    format!("{} {}", nth(&OPENINGS, n), nth(&TOPICS, n))
}

/// Returns three sentences of a post.
pub(super) fn prose(n: usize) -> String {
    [n, n * 3 + 1, n * 5 + 3].map(|sentence| nth(&SENTENCES, sentence)).join(" ")
}

/// Returns the title of a book; after all titles are used, a volume of a series.
pub(super) fn book_title(n: usize) -> String {
    let title = format!("The {} {}", nth(&ADJECTIVES, n), nth(&NOUNS, n));
    match n / (ADJECTIVES.len() * NOUNS.len()) {
        0 => title,
        volumes => format!("{title}, volume {}", volumes + 1),
    }
}

/// Returns a book number with a valid check digit: weights of one and three alternate, and the sum is a
/// multiple of ten.
pub(super) fn isbn(n: usize) -> String {
    let body = format!("9781{:08}", n * 37 % 100_000_000);
    let sum: u32 = body
        .bytes()
        .zip([1, 3].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// Returns the title of a course: its subject and number.
pub(super) fn course_title(n: usize) -> String {
    format!("{} {}", nth(&SUBJECTS, n), 101 + n / SUBJECTS.len())
}

/// Returns the code of a badge. The number grows with `n`, so all codes differ.
pub(super) fn badge_code(n: usize) -> String {
    format!("{}-{}", nth(&["N", "E", "S", "W"], n), 1000 + n)
}

/// Returns the number of a passport. Multiplying by a factor coprime to ten permutes the seven digits'
/// numbers, so ten million numbers differ.
pub(super) fn passport_number(n: usize) -> String {
    format!("P{:07}", n * 7919 % 10_000_000)
}

/// Returns the name over a door.
pub(super) fn place_name(n: usize) -> String {
    format!("{} {}", nth(&NOUNS, n), nth(&KITCHENS, n))
}

/// Returns a street address.
pub(super) fn address(n: usize) -> String {
    format!("{} {}", 1 + n * 13 % 1999, nth(&STREETS, n))
}
