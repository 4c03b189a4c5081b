//! Each of the numbered attacks on policies has a test that names it.

use std::collections::BTreeSet;
use std::path::Path;

/// Folders with tests that name attacks.
const FOLDERS: [&str; 2] = ["../tests/agreement/attacks", "../tests/service"];

/// Folder with tables of attacks, whose entries begin with a number.
const TABLES: &str = "agreement/attacks";

/// Adds the numbers that follow the word: `Attacks 24 to 27, 30 and 39`, `attacks_24_to_27_30_and_39_…`.
fn named(after: &str, found: &mut BTreeSet<u32>) {
    let (mut last, mut is_range) = (None, false);
    let after = after.split(':').next().unwrap_or_default();
    let parts = after.strip_prefix('s').unwrap_or(after).split(|one: char| !one.is_ascii_alphanumeric());
    for part in parts {
        match (part, part.parse::<u32>()) {
            (_, Ok(number)) => {
                found.extend(if is_range { last.unwrap_or(number) } else { number }..=number);
                (last, is_range) = (Some(number), false);
            }
            ("to", _) => is_range = true,
            ("" | "and", _) => {}
            _ => return,
        }
    }
}

/// Returns the number that begins an entry of a table: `"24",`, `("24 text", …`.
fn of_entry(line: &str) -> Option<u32> {
    let text = line.trim_start().trim_start_matches('(').strip_prefix('"')?;
    let end = text.find([' ', '"'])?;
    text[..end].parse().ok()
}

fn collect(folder: &Path, found: &mut BTreeSet<u32>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("attack_numbers.rs")
        {
            let text = std::fs::read_to_string(&path).unwrap();
            // A module's summary is no test.
            for line in text.lines().filter(|line| !line.starts_with("//!")) {
                line.split("ttack").skip(1).for_each(|after| named(after, found));
                if folder.ends_with(TABLES) {
                    found.extend(of_entry(line));
                }
            }
        }
    }
}

#[test]
fn each_attack_has_a_test() {
    let mut found = BTreeSet::new();
    for folder in FOLDERS {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    let missing: Vec<u32> = (1..=100).filter(|number| !found.contains(number)).collect();
    assert!(missing.is_empty(), "attacks without a test: {missing:?}");
    let unknown: Vec<u32> = found.into_iter().filter(|number| !(1..=100).contains(number)).collect();
    assert!(unknown.is_empty(), "attacks that no list has: {unknown:?}");
}

#[test]
fn numbers_are_read_from_comments_names_and_tables() {
    let of = |after: &str| {
        let mut found = BTreeSet::new();
        named(after, &mut found);
        found.into_iter().collect::<Vec<u32>>()
    };
    assert_eq!(of("s_24_to_27_30_and_39_name_2"), [24, 25, 26, 27, 30, 39]);
    assert_eq!(of("s 96, 97 and 99: 5"), [96, 97, 99]);
    assert_eq!(of(" 94: no event"), [94]);
    assert_eq!(of("er = 5"), [] as [u32; 0]);
    assert_eq!(
        (of_entry("    (\"24\", \"x\")"), of_entry("\"33 text\","), of_entry("\"x\"")),
        (Some(24), Some(33), None)
    );
}
