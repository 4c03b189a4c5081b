//! Options file: tables of settings that are too large for the command line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use crowsfoot::policy::{Policies, RoleGrants, ViewerType};
use crowsfoot::server::JwtSettings;
use serde::Deserialize;

/// Tables of an options file (TOML). Unknown keys are faults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Variables of the viewer, with their types.
    #[serde(default)]
    viewer: BTreeMap<String, ViewerType>,
    /// Roles, with their grants.
    #[serde(default)]
    roles: BTreeMap<String, RoleGrants>,
    /// Verification of tokens.
    #[serde(default)]
    pub sign_in: Option<JwtSettings>,
}

impl Options {
    /// Reads a file.
    ///
    /// # Errors
    /// If the file cannot be read, or has a fault: with its line and column, and without the text of the line, which may
    /// contain a secret.
    pub fn read(file: &Path) -> Result<Self, String> {
        let named = |fault: String| format!("{}: {fault}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
        toml::from_str(&text).map_err(|error| {
            let place = error.span().map(|span| place(&text, &span)).unwrap_or_default();
            named(format!("{place}{}", error.message()))
        })
    }

    /// Returns the policies; `None` without roles.
    pub fn policies(&self) -> Option<Policies> {
        (!self.roles.is_empty()).then(|| Policies::from_parts(self.viewer.clone(), self.roles.clone()))
    }
}

/// Formats the line and column of a span.
fn place(text: &str, span: &Range<usize>) -> String {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    format!("line {line}, column {column}: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let file = std::env::temp_dir().join(format!("crowsfoot-options-{}.toml", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let fault = Options::read(&file).map(drop).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        fault.rsplit_once(".toml: ").unwrap().1.to_owned()
    }

    #[test]
    fn a_fault_has_its_line_and_column_and_no_secret() {
        assert!(
            fault("[roles.user]\n\n[rolse.user]\n").starts_with("line 3, column 2: unknown field `rolse`")
        );
        let grant = fault("[roles.user.Post]\nread = \"true\"\ncolums = [\"*\"]\n");
        assert!(grant.starts_with("line 3, column 1: unknown field `colums`"), "{grant}");
        let of = fault("[viewer]\nuserId = \"Int?\"\n");
        assert!(of.starts_with("line 2, column 10: expected a type"), "{of}");
        let secret = fault("[sign_in]\nalgorithms = [\"HS256\"]\nsecert = \"not for the log\"\n");
        assert!(secret.starts_with("line 3, column 1: unknown field `secert`"), "{secret}");
        assert!(!secret.contains("not for"), "{secret}");
        let none = fault("[sign_in]\nalgorithms = [\"none\"]\n");
        assert!(none.starts_with("line 2, column 15: unknown variant `none`"), "{none}");
    }
}
