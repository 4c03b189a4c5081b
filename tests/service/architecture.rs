//! Import rules between the parts of the program.

use std::fs;
use std::path::{Path, PathBuf};

/// Import order: each part may import only parts to its right. The program's `main` stands before all of
/// them, and alone reads `config`.
const ORDER: [&str; 11] = [
    "server", "schema", "mutate", "execute", "database", "plan", "policy", "diagram", "model", "guard",
    "error",
];

#[test]
fn each_part_imports_only_parts_to_its_right() {
    let mut faults = Vec::new();
    let mut imports = 0;
    for (file, text) in sources("src") {
        let module = module(&file);
        let own = match module.first().map(String::as_str) {
            // Contains only the list of parts.
            Some("lib") => continue,
            Some(own) => ORDER.iter().position(|part| *part == own),
            None => None,
        };
        let Some(own) = own else {
            faults.push(format!("{}: this part has no place in the order", file.display()));
            continue;
        };
        for part in imported(&text) {
            imports += 1;
            match ORDER.iter().position(|known| *known == part) {
                Some(place) if place >= own => {}
                Some(_) => faults.push(format!("{}: {} imports {part}", file.display(), ORDER[own])),
                None => faults.push(format!("{}: crate::{part} is no part", file.display())),
            }
        }
        if climbs(&text, module.len()) {
            faults.push(format!("{}: super leads out of its part; say crate", file.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(imports > 0, "no import was found");
}

/// The settings of the library are arguments.
#[test]
fn only_the_command_line_knows_the_command_line() {
    for (file, text) in sources("src") {
        for foreign in ["clap::", "env::args"] {
            assert!(!text.contains(foreign), "{} uses {foreign}", file.display());
        }
    }
    let settings = &sources("cli/src").into_iter().find(|(file, _)| file.ends_with("config.rs")).unwrap().1;
    assert!(imported(settings).is_empty(), "config reads settings and needs no other part");
}

/// Tests the parser of import lines that the checks above use.
#[test]
fn imports_are_found_however_they_are_written() {
    let text = "
        use crate::error::{Code, Error}; // use crate::comment::It;
        use crate::{model::{self, names::NODE}, plan};
        use {crate::execute, std::fmt};
        pub(crate) fn see() -> crate::schema::Schema { crate :: server::run(\"crate::text\") }
    ";
    assert_eq!(imported(text), ["error", "model", "plan", "execute", "schema", "server"]);
    assert!(climbs("use super::super::model::Model;", 2));
    assert!(!climbs("use super::model::Model;", 2));
    assert!(climbs("fn f() { super::model::g() }", 1));
    assert!(!climbs("mod tests { use super::*; }", 1));
    assert!(climbs("mod tests { use super::super::model; }", 1));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns every source file of a folder with its text.
pub fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join(folder)];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path, text));
            }
        }
    }
    sources.sort();
    sources
}

/// Returns the module path of a file: `plan`, `select` and `ordering` for `plan/select/ordering.rs`.
fn module(file: &Path) -> Vec<String> {
    let path = file.strip_prefix(root().join("src")).unwrap().with_extension("");
    let names = path.iter().map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name != "mod").collect()
}

/// Returns the parts that a text names as `crate::part` or in `crate::{…}`.
fn imported(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let mut parts = Vec::new();
    for (place, window) in tokens.windows(3).enumerate() {
        match window {
            // String literal that begins with `crate`.
            _ if place > 0 && tokens[place - 1] == "\"" => {}
            [start, colons, next] if start == "crate" && colons == "::" && next == "{" => {
                let mut depth = 0;
                let mut is_first = false;
                for token in &tokens[place + 2..] {
                    match token.as_str() {
                        "{" => (depth, is_first) = (depth + 1, true),
                        "}" => depth -= 1,
                        "," => is_first = true,
                        name => {
                            if depth == 1 && is_first {
                                parts.push(name.to_owned());
                            }
                            is_first = false;
                        }
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            [start, colons, next] if start == "crate" && colons == "::" => parts.push(next.clone()),
            _ => {}
        }
    }
    parts
}

/// Returns true if `super::` is repeated more often than a module of this depth, and its tests, has parents
/// in its part.
fn climbs(text: &str, depth: usize) -> bool {
    let tokens = tokens(text);
    let mut allowed = depth - 1;
    let mut said = 0;
    for pair in tokens.windows(2) {
        match (pair[0].as_str(), pair[1].as_str()) {
            ("mod", "tests") => allowed = depth,
            ("super", "::") => said += 1,
            ("::", "super") => {}
            _ => said = 0,
        }
        if said > allowed {
            return true;
        }
    }
    false
}

/// Splits a text into words, `::`, braces and commas; other characters become single tokens.
fn tokens(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let mut tokens: Vec<String> = Vec::new();
    // Kind of the token that may still grow.
    let mut growing = None;
    for letter in lines.flat_map(|line| line.chars().chain(['\n'])) {
        let kind = match letter {
            ':' => Some(Kind::Colons),
            letter if letter.is_alphanumeric() || letter == '_' => Some(Kind::Word),
            _ => None,
        };
        match tokens.last_mut() {
            Some(last) if kind.is_some() && kind == growing => last.push(letter),
            _ if letter.is_whitespace() => {}
            _ => tokens.push(letter.to_string()),
        }
        growing = kind;
    }
    tokens
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Word,
    Colons,
}
