//! Text patterns: one regular-expression dialect with one meaning on every database, and case-insensitive
//! text.
//!
//! SQLite uses the `regex` crate, PostgreSQL its own engine. A pattern is parsed here and printed for each
//! engine, with every class as explicit ranges. Constructs that differ between the engines are refused.

use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassAscii, ClassAsciiKind, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet,
    ClassSetItem, GroupKind,
};
use regex_syntax::hir::{
    Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, translate::TranslatorBuilder,
};

use super::like::{Wildcard, wildcards};
use super::postgres::Postgres;
use super::sql::{DatabaseSql, RegexSyntax};
use super::sqlite::Sqlite;

/// Description of the dialect for the schema. Contains no backslash, because the schema prints descriptions
/// verbatim.
pub const DESCRIPTION: &str = "Matches this regular expression anywhere in the text, case-sensitively. Supports literals, \
    escapes, . (any character but a line feed), classes such as [a-z], [^0-9] and [[:alpha:]], after a backslash d, w, s (ASCII \
    digits, word characters and white space) and b (word boundary), groups, |, the quantifiers * + ? {m,n} up to 255, and ^ $ \
    (start and end of the text). Rejects flags such as (?i), Unicode classes, look-around and backreferences.";

/// Maximum number of characters, with quantifiers expanded. PostgreSQL's work grows with the square of a
/// pattern's length (1,000 characters 20 ms, 5,000 characters 250 ms).
const MOST_CHARACTERS: u64 = 1_000;

/// Maximum number of bytes in a pattern's text.
const MOST_BYTES: usize = 10_000;

/// Maximum nesting of groups.
const MOST_NESTED: u32 = 50;

/// PostgreSQL's maximum bound of a quantifier (`DUPMAX` in `regex/regex.h`).
const MOST_REPEATED: u32 = 255;

/// Condition on text, in the syntax of each database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    pub(super) sqlite: String,
    pub(super) postgres: String,
    is_everything: bool,
}

impl Pattern {
    /// Parses a regular expression.
    ///
    /// # Errors
    /// Names the unsupported construct.
    pub fn regex(text: &str) -> Result<Self, String> {
        if text.len() > MOST_BYTES {
            return Err(format!("expected a regular expression of at most {MOST_BYTES} bytes"));
        }
        let parsed = ast::parse::ParserBuilder::new().nest_limit(MOST_NESTED).build().parse(text);
        let mut ast = parsed.map_err(|error| format!("expected a regular expression ({})", error.kind()))?;
        restrict(&mut ast)
            .map_err(|construct| format!("expected a regular expression without {construct}"))?;
        let translated = TranslatorBuilder::new().unicode(true).utf8(true).build().translate(text, &ast);
        let hir = translated.map_err(|error| format!("expected a regular expression ({})", error.kind()))?;
        check(&hir).map_err(|construct| format!("expected a regular expression without {construct}"))?;
        if size(&hir) > MOST_CHARACTERS {
            return Err(format!(
                "expected a regular expression of at most {MOST_CHARACTERS} characters after its quantifiers are expanded"
            ));
        }
        let print = |syntax: &RegexSyntax| {
            let mut text = String::new();
            print(&hir, syntax, &mut text);
            text
        };
        let is_everything = is_found_anywhere(&hir) || ["^.*", ".*$", "^.*$"].contains(&text);
        Ok(Self { sqlite: print(&Sqlite::REGEX), postgres: print(&Postgres::REGEX), is_everything })
    }

    /// Builds a case-insensitive `LIKE` pattern. Letters are equal if Unicode's simple case folding maps them
    /// to one letter (`CaseFolding.txt`, status C and S).
    ///
    /// # Errors
    /// States the maximum length.
    pub fn ignoring_case(like: &str) -> Result<Self, String> {
        let steps: Vec<Wildcard> = wildcards(like).collect();
        if steps.len() as u64 > MOST_CHARACTERS {
            return Err(format!(
                "expected at most {MOST_CHARACTERS} characters in a case-insensitive pattern"
            ));
        }
        let is_any = |step: Option<&Wildcard>| matches!(step, Some(Wildcard::Any));
        let (from_start, to_end) = (!is_any(steps.first()), !is_any(steps.last()));
        let inner = steps.iter().skip_while(|step| is_any(Some(step)));
        let mut inner: Vec<&Wildcard> = inner.collect();
        while is_any(inner.last().copied()) {
            inner.pop();
        }
        let print = |syntax: &RegexSyntax| {
            let mut text = String::new();
            if from_start {
                print_look(Look::Start, syntax, &mut text);
            }
            for step in &inner {
                match step {
                    Wildcard::Any => {
                        print_class(&everything(), syntax, &mut text);
                        text.push('*');
                    }
                    Wildcard::One => print_class(&everything(), syntax, &mut text),
                    Wildcard::Letter(letter) => print_class(&folded(*letter), syntax, &mut text),
                }
            }
            if to_end {
                print_look(Look::End, syntax, &mut text);
            }
            text
        };
        let is_everything = inner.is_empty() && !from_start && !to_end;
        Ok(Self { sqlite: print(&Sqlite::REGEX), postgres: print(&Postgres::REGEX), is_everything })
    }

    /// Returns true if the pattern certainly matches every text. `.` counts as any character here.
    pub fn is_everything(&self) -> bool {
        self.is_everything
    }
}

fn everything() -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)])
}

/// Returns all letters that simple case folding makes equal to this one.
fn folded(letter: char) -> ClassUnicode {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]);
    // Fails only without Unicode's tables, which are always compiled in.
    let _ = class.try_case_fold_simple();
    class
}

/// Refuses constructs outside the dialect, and gives `\d`, `\w` and `\s` their ASCII meaning.
fn restrict(ast: &mut Ast) -> Result<(), String> {
    match ast {
        Ast::Empty(_) | Ast::Dot(_) => Ok(()),
        Ast::Literal(literal) => restrict_literal(literal.c),
        Ast::Flags(_) => Err("flags such as (?i)".to_owned()),
        Ast::Assertion(assertion) => match assertion.kind {
            AssertionKind::StartLine
            | AssertionKind::EndLine
            | AssertionKind::StartText
            | AssertionKind::EndText
            | AssertionKind::WordBoundary => Ok(()),
            _ => Err("\\B, \\<, \\> and the special forms of \\b".to_owned()),
        },
        Ast::ClassUnicode(_) => Err(UNICODE_CLASS.to_owned()),
        Ast::ClassPerl(class) => {
            let item = ClassSetItem::Ascii(ascii(class));
            *ast = Ast::class_bracketed(ClassBracketed {
                span: class.span,
                negated: false,
                kind: ClassSet::Item(item),
            });
            Ok(())
        }
        Ast::ClassBracketed(class) => restrict_set(&mut class.kind),
        Ast::Repetition(repetition) => restrict(&mut repetition.ast),
        Ast::Group(group) => match &group.kind {
            GroupKind::NonCapturing(flags) if !flags.items.is_empty() => Err("flags such as (?i)".to_owned()),
            _ => restrict(&mut group.ast),
        },
        Ast::Alternation(alternation) => alternation.asts.iter_mut().try_for_each(restrict),
        Ast::Concat(concat) => concat.asts.iter_mut().try_for_each(restrict),
    }
}

const UNICODE_CLASS: &str = "classes such as \\p{Greek}";

fn restrict_literal(letter: char) -> Result<(), String> {
    if letter == '\0' { Err("U+0000, which text cannot contain".to_owned()) } else { Ok(()) }
}

fn restrict_set(set: &mut ClassSet) -> Result<(), String> {
    match set {
        ClassSet::Item(item) => restrict_item(item),
        ClassSet::BinaryOp(operation) => {
            restrict_set(&mut operation.lhs)?;
            restrict_set(&mut operation.rhs)
        }
    }
}

fn restrict_item(item: &mut ClassSetItem) -> Result<(), String> {
    match item {
        ClassSetItem::Empty(_) | ClassSetItem::Ascii(_) | ClassSetItem::Range(_) => Ok(()),
        ClassSetItem::Literal(literal) => restrict_literal(literal.c),
        ClassSetItem::Unicode(_) => Err(UNICODE_CLASS.to_owned()),
        ClassSetItem::Perl(class) => {
            *item = ClassSetItem::Ascii(ascii(class));
            Ok(())
        }
        ClassSetItem::Bracketed(class) => restrict_set(&mut class.kind),
        ClassSetItem::Union(union) => union.items.iter_mut().try_for_each(restrict_item),
    }
}

fn ascii(class: &ClassPerl) -> ClassAscii {
    let kind = match class.kind {
        ClassPerlKind::Digit => ClassAsciiKind::Digit,
        ClassPerlKind::Space => ClassAsciiKind::Space,
        ClassPerlKind::Word => ClassAsciiKind::Word,
    };
    ClassAscii { span: class.span, kind, negated: class.negated }
}

/// Refuses constructs that PostgreSQL cannot express.
fn check(hir: &Hir) -> Result<(), String> {
    match hir.kind() {
        HirKind::Class(class) if ranges(class).next().is_none() => Err("an empty class".to_owned()),
        HirKind::Repetition(repetition) if repetition.max.unwrap_or(repetition.min) > MOST_REPEATED => {
            Err(format!("a quantifier above {MOST_REPEATED}"))
        }
        kind => kind.subs().iter().try_for_each(check),
    }
}

/// Returns true if a pattern matches every text: without a character, at the start or the end.
fn is_found_anywhere(hir: &Hir) -> bool {
    is_empty_at(hir, Look::Start) || is_empty_at(hir, Look::End)
}

/// Returns true if a pattern matches empty at a place where only this assertion holds.
fn is_empty_at(hir: &Hir, place: Look) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(_) | HirKind::Class(_) => false,
        HirKind::Look(look) => *look == place,
        HirKind::Repetition(repetition) => repetition.min == 0 || is_empty_at(&repetition.sub, place),
        HirKind::Capture(capture) => is_empty_at(&capture.sub, place),
        HirKind::Concat(parts) => parts.iter().all(|part| is_empty_at(part, place)),
        HirKind::Alternation(branches) => branches.iter().any(|branch| is_empty_at(branch, place)),
    }
}

/// Counts the characters of a pattern with quantifiers expanded.
fn size(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty => 0,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(_) | HirKind::Look(_) => 1,
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            size(&repetition.sub).saturating_mul(times.into())
        }
        kind => kind.subs().iter().map(size).fold(0, u64::saturating_add),
    }
}

/// Returns the ranges of a class without U+0000, which no PostgreSQL text contains.
fn ranges(class: &Class) -> impl Iterator<Item = (char, char)> {
    let ranges = match class {
        Class::Unicode(class) => class.ranges(),
        Class::Bytes(_) => &[],
    };
    ranges.iter().filter_map(|range| {
        let start = range.start().max('\u{1}');
        (start <= range.end()).then_some((start, range.end()))
    })
}

fn print(hir: &Hir, syntax: &RegexSyntax, text: &mut String) {
    match hir.kind() {
        HirKind::Empty => text.push_str("(?:)"),
        HirKind::Literal(literal) => {
            let letters = String::from_utf8_lossy(&literal.0);
            letters.chars().for_each(|letter| print_letter(letter, syntax, text));
        }
        HirKind::Class(Class::Unicode(class)) => print_class(class, syntax, text),
        // A text pattern has no byte classes.
        HirKind::Class(Class::Bytes(_)) => {}
        HirKind::Look(look) => print_look(*look, syntax, text),
        HirKind::Capture(capture) => print_group(&capture.sub, syntax, text),
        HirKind::Repetition(repetition) => {
            // An empty match does not change with repetition, and PostgreSQL repeats no anchor.
            if repetition.sub.properties().maximum_len() == Some(0) {
                return match repetition.min {
                    0 => text.push_str("(?:)"),
                    _ => print_group(&repetition.sub, syntax, text),
                };
            }
            print_group(&repetition.sub, syntax, text);
            text.push_str(&match (repetition.min, repetition.max) {
                (0, None) => "*".to_owned(),
                (1, None) => "+".to_owned(),
                (0, Some(1)) => "?".to_owned(),
                (least, None) => format!("{{{least},}}"),
                (least, Some(most)) => format!("{{{least},{most}}}"),
            });
        }
        HirKind::Concat(parts) => parts.iter().for_each(|part| print(part, syntax, text)),
        HirKind::Alternation(branches) => {
            text.push_str("(?:");
            for (place, branch) in branches.iter().enumerate() {
                if place > 0 {
                    text.push('|');
                }
                print(branch, syntax, text);
            }
            text.push(')');
        }
    }
}

fn print_group(hir: &Hir, syntax: &RegexSyntax, text: &mut String) {
    text.push_str("(?:");
    print(hir, syntax, text);
    text.push(')');
}

fn print_class(class: &ClassUnicode, syntax: &RegexSyntax, text: &mut String) {
    let ranges: Vec<(char, char)> = ranges(&Class::Unicode(class.clone())).collect();
    match ranges.as_slice() {
        [('\u{1}', char::MAX)] => text.push_str(syntax.any),
        [(only, end)] if only == end => print_letter(*only, syntax, text),
        ranges => {
            text.push('[');
            for (start, end) in ranges {
                print_letter(*start, syntax, text);
                if start != end {
                    text.push('-');
                    print_letter(*end, syntax, text);
                }
            }
            text.push(']');
        }
    }
}

fn print_letter(letter: char, syntax: &RegexSyntax, text: &mut String) {
    if letter.is_ascii_alphanumeric() {
        text.push(letter);
        return;
    }
    text.push_str(&(syntax.letter)(letter.into()));
}

fn print_look(look: Look, syntax: &RegexSyntax, text: &mut String) {
    text.push_str(match look {
        Look::Start => "\\A",
        Look::End => syntax.end,
        // `check` and `restrict` admit only the word boundary besides.
        _ => syntax.word_boundary,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    fn postgres(text: &str) -> String {
        Pattern::regex(text).unwrap().text(Dialect::Postgres).to_owned()
    }

    #[test]
    fn classes_are_explicit_ranges() {
        assert_eq!(postgres(r"^\d{2,}$"), r"\A(?:[0-9]){2,}\Z");
        assert_eq!(postgres(r"[^\w]"), r"[\u0001-\u002F\u003A-\u0040\u005B-\u005E\u0060\u007B-\U0010FFFF]");
        assert_eq!(postgres("a.c"), r"a[\u0001-\u0009\u000B-\U0010FFFF]c");
        assert_eq!(postgres("(é|ab)?"), r"(?:(?:(?:\u00E9|ab)))?");
        assert_eq!(Pattern::regex("[a🦀]").unwrap().text(Dialect::Sqlite), r"[a\x{1F980}]");
    }

    #[test]
    fn constructs_that_differ_are_refused_by_name() {
        for (text, named) in [
            ("(?i)a", "flags"),
            ("(?i:a)", "flags"),
            (r"\p{Greek}", "p{Greek}"),
            (r"[\pL]", "p{Greek}"),
            (r"\Ba", "\\B"),
            (r"(a)\1", "backreferences"),
            ("(?=a)", "look-around"),
            ("a{256}", "255"),
            ("((a{100}){100})", "1000 characters"),
            ("[a&&b]", "empty class"),
            ("\\x00", "U+0000"),
            ("(", "unclosed group"),
            (&format!("{}a{}", "(".repeat(100), ")".repeat(100)), "nest"),
        ] {
            let error = Pattern::regex(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn every_letter_equals_those_of_its_simple_folding() {
        let equal = |one: char, other: char| {
            let pattern = Pattern::ignoring_case(&one.to_string()).unwrap();
            regex::Regex::new(pattern.text(Dialect::Sqlite)).unwrap().is_match(&other.to_string())
        };
        for (one, other) in [('σ', 'ς'), ('Σ', 'ς'), ('s', 'ſ'), ('k', '\u{212a}'), ('ß', 'ẞ'), ('é', 'É')]
        {
            assert!(equal(one, other) && equal(other, one), "{one} {other}");
        }
        for (one, other) in [('İ', 'i'), ('ı', 'i'), ('İ', 'I'), ('a', 'á')] {
            assert!(!equal(one, other), "{one} {other}");
        }
    }

    #[test]
    fn patterns_that_match_every_text_are_detected() {
        for text in ["", "^", "$", "a*", "^a*", "(|b)$", "x|", "^.*$", ".*", "(?:^)?"] {
            assert!(Pattern::regex(text).unwrap().is_everything(), "{text}");
        }
        for text in ["a", "^$", "^a", r"\b", "a*b", "^a*$", "."] {
            assert!(!Pattern::regex(text).unwrap().is_everything(), "{text}");
        }
        assert!(Pattern::ignoring_case("%%").unwrap().is_everything());
        assert!(!Pattern::ignoring_case("").unwrap().is_everything());
        assert!(!Pattern::ignoring_case("%_%").unwrap().is_everything());
    }

    #[test]
    fn wildcards_at_the_ends_are_no_part_of_the_pattern() {
        let printed = |like: &str| Pattern::ignoring_case(like).unwrap().text(Dialect::Postgres).to_owned();
        assert_eq!(printed("%a%"), "[Aa]");
        assert_eq!(printed("a_%1"), r"\A[Aa]..*1\Z");
        assert_eq!(printed("%"), "");
        assert_eq!(printed(""), r"\A\Z");
        assert!(Pattern::ignoring_case(&"a".repeat(1_001)).is_err());
    }
}
