//! Spellings of values in columns whose declared type is another: UUIDs and booleans as text.

use std::fmt;

use serde::Deserialize;
use serde_json::Value as Json;
use uuid::Uuid;

/// Spelling of all values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Spelling {
    /// A UUID of 36 characters: `67e55044-10b1-426f-9247-bb680e5fe0c8`.
    #[serde(rename = "uuid")]
    Hyphenated,
    /// A UUID of 36 characters in upper case.
    #[serde(rename = "UUID")]
    UpperHyphenated,
    /// A UUID of 32 hexadecimal digits, as Django and SQLAlchemy store it.
    #[serde(rename = "hex")]
    Hex,
    /// A UUID of 32 hexadecimal digits in upper case.
    #[serde(rename = "HEX")]
    UpperHex,
    /// A boolean as `true` or `false`.
    #[serde(rename = "true/false")]
    TrueFalse,
    /// A boolean as `TRUE` or `FALSE`.
    #[serde(rename = "TRUE/FALSE")]
    UpperTrueFalse,
    /// A boolean as `True` or `False`.
    #[serde(rename = "True/False")]
    CapitalTrueFalse,
    /// A boolean as `t` or `f`.
    #[serde(rename = "t/f")]
    TF,
    /// A boolean as `T` or `F`.
    #[serde(rename = "T/F")]
    UpperTF,
    /// A boolean as `yes` or `no`.
    #[serde(rename = "yes/no")]
    YesNo,
    /// A boolean as `y` or `n`.
    #[serde(rename = "y/n")]
    YN,
    /// A boolean as `Y` or `N`.
    #[serde(rename = "Y/N")]
    UpperYN,
}

impl Spelling {
    /// All spellings.
    pub const ALL: [Self; 12] = [
        Self::Hyphenated,
        Self::UpperHyphenated,
        Self::Hex,
        Self::UpperHex,
        Self::TrueFalse,
        Self::UpperTrueFalse,
        Self::CapitalTrueFalse,
        Self::TF,
        Self::UpperTF,
        Self::YesNo,
        Self::YN,
        Self::UpperYN,
    ];

    /// Returns true for spellings of UUIDs.
    pub fn is_uuid(self) -> bool {
        self.words().is_none()
    }

    /// Returns the texts of true and false.
    pub fn words(self) -> Option<[&'static str; 2]> {
        Some(match self {
            Self::Hyphenated | Self::UpperHyphenated | Self::Hex | Self::UpperHex => return None,
            Self::TrueFalse => ["true", "false"],
            Self::UpperTrueFalse => ["TRUE", "FALSE"],
            Self::CapitalTrueFalse => ["True", "False"],
            Self::TF => ["t", "f"],
            Self::UpperTF => ["T", "F"],
            Self::YesNo => ["yes", "no"],
            Self::YN => ["y", "n"],
            Self::UpperYN => ["Y", "N"],
        })
    }

    /// Returns the stored text of a client's value; `None` if the value is no UUID or boolean.
    pub(super) fn stored(self, json: &Json) -> Option<String> {
        match (self.words(), json) {
            (Some([yes, _]), Json::Bool(true)) => Some(yes.to_owned()),
            (Some([_, no]), Json::Bool(false)) => Some(no.to_owned()),
            (None, Json::String(text)) => Some(self.uuid(text.parse().ok()?)),
            _ => None,
        }
    }

    /// Returns the stored text of a UUID.
    fn uuid(self, id: Uuid) -> String {
        match self {
            Self::UpperHyphenated => format!("{:X}", id.as_hyphenated()),
            Self::Hex => id.as_simple().to_string(),
            Self::UpperHex => format!("{:X}", id.as_simple()),
            _ => id.to_string(),
        }
    }

    /// Returns the value of a stored text, in the form of the schema. A text in another spelling is no value: it would equal
    /// none of its kind.
    pub(super) fn value(self, text: &str) -> Option<Json> {
        match self.words() {
            Some([yes, no]) => (text == yes || text == no).then_some(Json::Bool(text == yes)),
            None => {
                let id: Uuid = text.parse().ok()?;
                (self.uuid(id) == text).then(|| id.to_string().into())
            }
        }
    }

    /// Returns true if a text has this spelling.
    pub fn is_of(self, text: &str) -> bool {
        self.value(text).is_some()
    }

    /// Returns the word of the options.
    fn word(self) -> &'static str {
        match self {
            Self::Hyphenated => "uuid",
            Self::UpperHyphenated => "UUID",
            Self::Hex => "hex",
            Self::UpperHex => "HEX",
            Self::TrueFalse => "true/false",
            Self::UpperTrueFalse => "TRUE/FALSE",
            Self::CapitalTrueFalse => "True/False",
            Self::TF => "t/f",
            Self::UpperTF => "T/F",
            Self::YesNo => "yes/no",
            Self::YN => "y/n",
            Self::UpperYN => "Y/N",
        }
    }
}

/// Prints the word of the options.
impl fmt::Display for Spelling {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_in_their_own_spelling_alone() {
        let id = json!("67e55044-10b1-426f-9247-bb680e5fe0c8");
        let texts = [
            "67e55044-10b1-426f-9247-bb680e5fe0c8",
            "67E55044-10B1-426F-9247-BB680E5FE0C8",
            "67e5504410b1426f9247bb680e5fe0c8",
            "67E5504410B1426F9247BB680E5FE0C8",
        ];
        for (spelling, own) in Spelling::ALL.into_iter().filter(|spelling| spelling.is_uuid()).zip(texts) {
            assert_eq!(spelling.stored(&id).as_deref(), Some(own));
            for text in texts {
                assert_eq!(spelling.value(text), (text == own).then(|| id.clone()), "{spelling} {text}");
            }
            assert_eq!(spelling.value("{67e55044-10b1-426f-9247-bb680e5fe0c8}"), None);
            assert_eq!(spelling.stored(&json!(true)), None);
        }
        for spelling in Spelling::ALL.into_iter().filter(|spelling| !spelling.is_uuid()) {
            for value in [true, false] {
                let text = spelling.stored(&json!(value)).unwrap();
                assert_eq!(spelling.value(&text), Some(json!(value)));
                for other in Spelling::ALL.into_iter().filter(|other| *other != spelling) {
                    assert_eq!(other.value(&text), None, "{other} {text}");
                }
            }
        }
    }

    #[test]
    fn the_words_of_the_options_are_read_as_they_are_printed() {
        for spelling in Spelling::ALL {
            let read: Spelling = serde_json::from_value(spelling.to_string().into()).unwrap();
            assert_eq!(read, spelling);
        }
    }
}
