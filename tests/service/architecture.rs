//! Import rules between the parts of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Import order: each part may import only parts to its right. The program's `main` stands before all of
/// them, and alone reads `config`.
const ORDER: [&str; 12] = [
    "server", "schema", "mutate", "execute", "database", "plan", "dialect", "policy", "diagram", "model",
    "guard", "error",
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

#[test]
fn no_files_of_a_room_import_each_other_in_a_circle() {
    let files = room_files();
    let found: Vec<String> = circles(&files).iter().map(|circle| circle.join(", ")).collect();
    assert!(found.is_empty(), "circles of files:\n{}", found.join("\n"));
    assert!(files.len() > 100, "few files were read");
}

/// A database that is added later is a file of each of these rooms, and an entry in their lists.
#[test]
fn only_the_rooms_of_databases_and_of_their_sql_name_a_database() {
    let named = ["Dialect::Sqlite", "Dialect::Postgres", "DbBackend::Sqlite", "DbBackend::Postgres"];
    // SeaORM writes definitions of tables for some backend only, and the model reads names and comments from them.
    let of_any = "const ANY_BACKEND: DbBackend = DbBackend::Sqlite;";
    let mut faults = Vec::new();
    let mut allowed = 0;
    for (file, text) in sources("src") {
        let file = file.strip_prefix(root().join("src")).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default().replace(of_any, "");
        let count = named.iter().map(|name| text.matches(name).count()).sum::<usize>();
        match file.starts_with("database") || file.starts_with("dialect") {
            true => allowed += count,
            false if count > 0 => faults.push(format!("src/{} names a database", file.display())),
            false => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(allowed > 5, "no name of a database was found");
}

/// Tests the parser of paths, and the resolution of re-exports, that the check above uses.
#[test]
fn circles_are_found_through_re_exports() {
    let files = |texts: &[(&str, &str)]| -> BTreeMap<Vec<String>, String> {
        texts.iter().map(|(name, text)| (segments(name), (*text).to_owned())).collect()
    };
    let room = ("a", "mod b; mod c; mod d; pub use b::{Bee, self}; use d::Dee; pub struct Own;");
    let circle =
        [room, ("a::b", "use super::c::Sea;"), ("a::c", "use crate::a::{Own, Bee as B};"), ("a::d", "")];
    assert_eq!(circles(&files(&circle)), [vec!["a::b".to_owned(), "a::c".to_owned()]].into());
    let with_room = [room, ("a::b", ""), ("a::c", ""), ("a::d", "fn see() -> super::Own {}")];
    assert_eq!(circles(&files(&with_room)), [vec!["a".to_owned(), "a::d".to_owned()]].into());
    let open = [
        room,
        ("a::b", "use super::c::Sea;"),
        ("a::c", "use super::Own; mod tests { use super::super::b; }"),
    ];
    assert!(circles(&files(&open)).is_empty());
}

#[test]
fn a_type_name_stands_for_one_thing() {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in sources("src").into_iter().chain(sources("cli/src")) {
        for name in text.lines().filter_map(defined_type) {
            files.entry(name.to_owned()).or_default().push(file.display().to_string());
        }
    }
    assert!(files.len() > 100, "no type was found");
    files.retain(|_, places| places.len() > 1);
    assert!(files.is_empty(), "types of one name: {files:#?}");
}

/// Returns the name of the type that a line defines. Types of a trait's implementation are indented, and left out.
fn defined_type(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.trim_start(),
        None => line,
    };
    let rest = ["struct ", "enum ", "trait ", "type "].iter().find_map(|word| line.strip_prefix(word))?;
    rest.split(|letter: char| !letter.is_alphanumeric()).next()
}

/// The settings of the library are arguments.
#[test]
fn only_the_command_line_knows_the_command_line() {
    for (file, text) in sources("src") {
        for foreign in ["clap::", "env::args"] {
            assert!(!text.contains(foreign), "{} uses {foreign}", file.display());
        }
    }
    let is_setting = |file: &Path| file.parent().is_some_and(|folder| folder.ends_with("config"));
    let settings: Vec<_> = sources("cli/src").into_iter().filter(|(file, _)| is_setting(file)).collect();
    assert!(settings.len() > 3, "no settings were found");
    for (file, text) in settings {
        assert!(imported(&text).is_empty(), "{} reads settings and needs no other part", file.display());
    }
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

/// Returns the texts of the library's files by module path. Tests inside a module are a file of their own.
fn room_files() -> BTreeMap<Vec<String>, String> {
    let files = sources("src").into_iter().map(|(file, text)| (module(&file), text));
    files.filter(|(module, _)| module.last().is_none_or(|name| name != "tests" && name != "lib")).collect()
}

/// Returns the groups of files that import each other, directly or by way of others.
fn circles(files: &BTreeMap<Vec<String>, String>) -> BTreeSet<Vec<String>> {
    let paths: BTreeMap<&Vec<String>, Vec<Import>> =
        files.iter().map(|(module, text)| (module, imports(module, text, files))).collect();
    let arrows: BTreeMap<&Vec<String>, BTreeSet<Vec<String>>> = paths
        .iter()
        .map(|(module, imports)| {
            // A re-export counts where its name is imported.
            let used = imports.iter().filter(|import| import.is_used);
            let targets = used.map(|import| resolve(&import.path, &paths, 0));
            (*module, targets.filter(|target| target != *module && !target.is_empty()).collect())
        })
        .collect();
    let reached = |from: &Vec<String>| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for target in arrows.get(module).into_iter().flatten() {
                if reached.insert(target.clone()) {
                    open.push(target);
                }
            }
        }
        reached
    };
    let reach: BTreeMap<&Vec<String>, BTreeSet<Vec<String>>> =
        files.keys().map(|module| (module, reached(module))).collect();
    let circle = |module: &Vec<String>| -> Vec<String> {
        let both =
            files.keys().filter(|other| reach[module].contains(*other) && reach[other].contains(module));
        both.map(|other| other.join("::")).collect()
    };
    files.keys().map(circle).filter(|circle| !circle.is_empty()).collect()
}

/// Path named in a file, from the room on.
struct Import {
    path: Vec<String>,
    /// Name by which a re-export offers it.
    name: String,
    is_exported: bool,
    is_used: bool,
}

/// Returns the paths into the file's own room, except those of its tests.
fn imports(module: &[String], text: &str, files: &BTreeMap<Vec<String>, String>) -> Vec<Import> {
    let tokens = tokens(text);
    let end = tokens.windows(3).position(|window| window[..2] == ["mod", "tests"] && window[2] == "{");
    let tokens = &tokens[..end.unwrap_or(tokens.len())];
    let mut imports = Vec::new();
    let mut place = 0;
    while place < tokens.len() {
        let start = place;
        place += 1;
        // Rest of a path, string literal, or visibility as in `pub(in crate::plan)`.
        let follows = start > 0 && ["::", "\"", "in"].contains(&tokens[start - 1].as_str());
        if follows || tokens.get(place).is_none_or(|next| next != "::") {
            continue;
        }
        let child: Vec<String> = module.iter().chain([&tokens[start]]).cloned().collect();
        let base = match tokens[start].as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module[..module.len() - 1].to_vec(),
            _ if files.contains_key(&child) => child,
            _ => continue,
        };
        let is_exported = start > 1
            && tokens[start - 1] == "use"
            && (tokens[start - 2] == "pub" || tokens[start - 2] == ")");
        for (path, name) in tree(base, tokens, &mut place) {
            // A re-export that the file uses itself is an import.
            let mentions = tokens.windows(3).filter(|window| {
                let is_segment = window[0] == "::" && window[2] == "::";
                window[1] == name && !is_segment && !["mod", "use"].contains(&window[0].as_str())
            });
            let is_used = !is_exported || mentions.count() > 1;
            if path.first() == module.first() {
                imports.push(Import { path, name, is_exported, is_used });
            }
        }
    }
    imports
}

/// Reads the rest of a path, which starts with `::`; braces name several paths.
fn tree(mut path: Vec<String>, tokens: &[String], place: &mut usize) -> Vec<(Vec<String>, String)> {
    while tokens.get(*place).is_some_and(|token| token == "::") {
        *place += 1;
        match tokens.get(*place).map(String::as_str) {
            Some("{") => {
                let mut found = Vec::new();
                *place += 1;
                while tokens.get(*place).is_some_and(|token| token != "}") {
                    if tokens[*place] == "," {
                        *place += 1;
                        continue;
                    }
                    let mut inner = path.clone();
                    if tokens[*place] != "self" {
                        inner.push(tokens[*place].clone());
                    }
                    *place += 1;
                    found.extend(tree(inner, tokens, place));
                }
                *place += 1;
                return found;
            }
            Some("super") => drop(path.pop()),
            Some(name) => path.push(name.to_owned()),
            None => {}
        }
        *place += 1;
    }
    let mut name = path.last().cloned().unwrap_or_default();
    if tokens.get(*place).is_some_and(|token| token == "as") {
        name = tokens.get(*place + 1).cloned().unwrap_or_default();
        *place += 2;
    }
    vec![(path, name)]
}

/// Returns the file that defines the name at the end of a path.
fn resolve(path: &[String], paths: &BTreeMap<&Vec<String>, Vec<Import>>, depth: usize) -> Vec<String> {
    let mut module = Vec::new();
    for name in path {
        module.push(name.clone());
        if paths.contains_key(&module) {
            continue;
        }
        module.pop();
        let exported = paths.get(&module).into_iter().flatten();
        let mut exported = exported.filter(|import| import.is_exported && import.name == *name);
        return match exported.next() {
            Some(import) if depth < 8 => resolve(&import.path, paths, depth + 1),
            _ => module,
        };
    }
    module
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(str::to_owned).collect()
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
