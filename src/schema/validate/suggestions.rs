//! Suggestions for misspelled names.

use super::Validator;

/// Maximum number of suggestions in a message.
const MOST: usize = 5;

impl Validator<'_> {
    /// Returns a sentence with the known names closest to an unknown one, or an empty string.
    pub(super) fn did_you_mean<'n>(&self, unknown: &str, known: impl Iterator<Item = &'n String>) -> String {
        if !self.registry.enable_suggestions {
            return String::new();
        }
        let alike = |name: &'n String| {
            let distance = distance(unknown, name);
            (distance < (unknown.len() / 2).max(name.len() / 2).max(1)).then_some((distance, name))
        };
        let mut alike: Vec<_> = known.filter_map(alike).collect();
        // Stable: names with the same distance stay in the schema's order.
        alike.sort_by_key(|(distance, _)| *distance);
        let quoted: Vec<String> = alike.iter().take(MOST).map(|(_, name)| format!("\"{name}\"")).collect();
        if quoted.is_empty() { String::new() } else { format!(" Did you mean {}?", quoted.join(", ")) }
    }
}

/// Computes the Levenshtein distance in bytes: names are ASCII.
fn distance(one: &str, other: &str) -> usize {
    let mut column: Vec<usize> = (0..=one.len()).collect();
    for (x, theirs) in other.bytes().enumerate() {
        let mut diagonal = x;
        column[0] = x + 1;
        for (y, ours) in one.bytes().enumerate() {
            let replaced = diagonal + usize::from(ours != theirs);
            diagonal = column[y + 1];
            column[y + 1] = replaced.min(column[y] + 1).min(diagonal + 1);
        }
    }
    column[one.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn a_distance_counts_letters_to_add_to_drop_and_to_replace() {
        for (one, other, expected) in [("", "", 0), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }
}
