//! libpq's environment variables and password file, as far as sqlx has no getters for them.

use std::env;
use std::path::{Path, PathBuf};

/// Returns a variable that is set to UTF-8.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Returns the password in `PGPASSFILE` or `.pgpass` for this server, user and database.
pub fn password(host: &str, port: u16, user: &str, database: &str) -> Option<String> {
    let files = [variable("PGPASSFILE").map(PathBuf::from), home().map(|home| home.join(".pgpass"))];
    let fields = [host, &port.to_string(), database, user];
    files.into_iter().flatten().filter(|file| is_private(file)).find_map(|file| {
        let text = std::fs::read_to_string(file).ok()?;
        text.lines().find_map(|line| password_of(line, fields))
    })
}

fn home() -> Option<PathBuf> {
    env::home_dir()
}

/// Returns true if only the owner can read a file. libpq ignores other files.
#[cfg(unix)]
fn is_private(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    let Ok(metadata) = file.metadata() else { return false };
    let is_private = metadata.permissions().mode() & 0o77 == 0;
    if !is_private {
        tracing::warn!(file = %file.display(), "ignored the password file: it is accessible to other users");
    }
    is_private
}

#[cfg(not(unix))]
fn is_private(file: &Path) -> bool {
    file.exists()
}

/// Returns the password of a matching line `host:port:database:user:password`. `*` matches anything, and a
/// backslash escapes a colon or a backslash.
fn password_of(line: &str, wanted: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let is_last = fields.len() > wanted.len();
        match (character, fields.last_mut()) {
            ('\\', Some(field)) => field.extend(characters.next()),
            (':', _) if !is_last => fields.push(String::new()),
            (other, Some(field)) => field.push(other),
            (_, None) => return None,
        }
    }
    let password = fields.pop().filter(|_| fields.len() == wanted.len())?;
    let is_it = fields.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
    is_it.then_some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_password_file_is_read() {
        let wanted = ["h", "5432", "d:b", "u"];
        assert_eq!(password_of(r"h:5432:d\:b:u:p\\w\::x", wanted).as_deref(), Some(r"p\w::x"));
        assert_eq!(password_of("*:*:*:*:p", wanted).as_deref(), Some("p"));
        for other in ["# h:5432:d:u:p", "h:5432", "x:*:*:*:p", "*:5433:*:*:p", ""] {
            assert_eq!(password_of(other, wanted), None);
        }
    }
}
