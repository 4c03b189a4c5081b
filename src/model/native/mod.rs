//! Types of PostgreSQL beyond the common ones. Statements cast such a column to text, and a value from text; the form
//! decides what clients may send.

mod geojson;
mod network;
mod range;
mod time;

use sea_orm::Value;
use serde_json::Value as Json;

pub use range::Subtype;

/// A type of PostgreSQL whose values travel as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NativeType {
    /// Name in SQL, quoted where necessary and without a length: `inet`, `public.citext`.
    pub sql: String,
    /// Form of the values.
    pub form: NativeForm,
}

/// Form of a native type's values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NativeForm {
    /// `inet`: an address, with a prefix length unless it is a single host.
    Inet,
    /// `cidr`: a network.
    Cidr,
    /// `macaddr`.
    MacAddress,
    /// `macaddr8`.
    MacAddress8,
    /// `interval`, as a duration of ISO 8601.
    Duration,
    /// `citext`: text that is compared without case.
    CaseInsensitive(Folding),
    /// Text under a collation by which different texts are equal.
    Collated,
    /// A label of an enum behind a domain, which PostgreSQL compares as the enum alone.
    Label,
    /// A range of values.
    Range(Subtype),
    /// A set of ranges.
    Multirange(Subtype),
    /// `bit` and `bit varying`.
    Bits,
    /// `money`, as a decimal number.
    Money,
    /// `timetz`.
    OffsetTime,
    /// `xml`.
    Xml,
    /// `hstore`, as a JSON object of texts.
    Hstore,
    /// A composite type, as a JSON object with these fields.
    Composite(Vec<String>),
    /// `geometry` of PostGIS, as a GeoJSON object.
    Geometry,
    /// `geography` of PostGIS, as a GeoJSON object. The name is that of `geometry` in SQL, through which both casts lead.
    Geography(String),
    /// A value that is read as JSON, and never written: a list of JSON documents or of composite values.
    Document,
    /// Any other type, read as the text of PostgreSQL and never written.
    Opaque,
}

/// Letters that a database's `lower` changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Folding {
    /// Letters of ASCII: the database's locale is `C`.
    Ascii,
    /// All letters.
    Unicode,
}

impl Folding {
    /// Returns the text in the case by which `citext` compares: letter for letter, as PostgreSQL does.
    pub fn lower(self, text: &str) -> String {
        let lower = |letter: char| {
            let mut lower = letter.to_lowercase();
            lower.next().filter(|_| lower.next().is_none()).unwrap_or(letter)
        };
        match self {
            Self::Ascii => text.to_ascii_lowercase(),
            Self::Unicode => text.chars().map(lower).collect(),
        }
    }
}

impl NativeForm {
    /// Returns true if clients can give a value.
    pub fn is_writable(&self) -> bool {
        !matches!(self, Self::Document | Self::Opaque)
    }

    /// Returns true if clients read the values as JSON.
    pub fn is_json(&self) -> bool {
        let is_geographic = matches!(self, Self::Geometry | Self::Geography(_));
        is_geographic || matches!(self, Self::Hstore | Self::Composite(_) | Self::Document)
    }

    /// Returns true if the database compares the values.
    pub fn is_compared(&self) -> bool {
        !self.is_json() && !matches!(self, Self::Xml | Self::Opaque)
    }

    /// Returns true if equal values have equal texts, so that rows can be matched by the texts.
    pub fn is_identity(&self) -> bool {
        matches!(
            self,
            Self::Inet
                | Self::Cidr
                | Self::MacAddress
                | Self::MacAddress8
                | Self::Bits
                | Self::Money
                | Self::OffsetTime
                | Self::Label
        )
    }

    /// Returns true if PostgreSQL has `min` and `max` for the values.
    pub fn has_extremes(&self) -> bool {
        matches!(
            self,
            Self::Inet
                | Self::Duration
                | Self::CaseInsensitive(_)
                | Self::Collated
                | Self::Money
                | Self::OffsetTime
        )
    }

    /// Returns true for sets: they contain and overlap each other.
    pub fn is_set(&self) -> bool {
        self.is_network() || self.is_range()
    }

    /// Returns true for addresses and networks.
    pub fn is_network(&self) -> bool {
        matches!(self, Self::Inet | Self::Cidr)
    }

    /// Returns true for ranges and sets of ranges, which may be empty.
    pub fn is_range(&self) -> bool {
        matches!(self, Self::Range(_) | Self::Multirange(_))
    }

    /// Reads a client's value, in the form that PostgreSQL reads. Money is read as a decimal elsewhere.
    ///
    /// # Errors
    /// Describes the expected values.
    pub(super) fn read(&self, json: &Json) -> Result<Value, String> {
        match (self, json) {
            (Self::Hstore, Json::Object(fields)) => {
                let pair = |(name, value): (&String, &Json)| {
                    let value = match value {
                        Json::Null => "NULL".to_owned(),
                        Json::String(text) => quoted(text),
                        _ => return None,
                    };
                    Some(format!("{}=>{value}", quoted(name)))
                };
                let pairs: Option<Vec<String>> = fields.iter().map(pair).collect();
                let pairs = pairs.filter(|pairs| pairs.iter().all(|pair| !pair.contains('\0')));
                Ok(pairs.ok_or("expected a JSON object of texts and nulls")?.join(",").into())
            }
            (Self::Hstore, _) => Err("expected a JSON object of texts and nulls".to_owned()),
            (Self::Composite(known), Json::Object(fields)) => {
                match fields.keys().find(|name| !known.contains(name)) {
                    Some(_) => Err(format!("expected a JSON object with the fields {}", known.join(", "))),
                    None => Ok(Value::Json(Some(Box::new(json.clone())))),
                }
            }
            (Self::Geometry | Self::Geography(_), json) => match geojson::is_geometry(json) {
                true => Ok(json.to_string().into()),
                false => Err(
                    "expected a GeoJSON geometry such as {\"type\": \"Point\", \"coordinates\": [8.5, 47.2]}"
                        .to_owned(),
                ),
            },
            (Self::Composite(known), _) => {
                Err(format!("expected a JSON object with the fields {}", known.join(", ")))
            }
            (_, Json::String(text)) if text.contains('\0') => Err("expected text without U+0000".to_owned()),
            (_, Json::String(text)) => self.check(text).map(|()| Value::String(Some(text.clone()))),
            _ => Err("expected a string".to_owned()),
        }
    }

    /// Checks a text. PostgreSQL has the last word on XML.
    fn check(&self, text: &str) -> Result<(), String> {
        let expected = match self {
            Self::Inet if network::is_address(text) => return Ok(()),
            Self::Inet => "expected an address such as \"192.168.0.1\" or \"192.168.0.1/24\"",
            Self::Cidr if network::is_network(text) => return Ok(()),
            Self::Cidr => "expected a network such as \"192.168.0.0/24\", with zeros after the prefix",
            Self::MacAddress if network::is_mac_address(text, 6) => return Ok(()),
            Self::MacAddress => "expected a MAC address such as \"08:00:2b:01:02:03\"",
            Self::MacAddress8 if network::is_mac_address(text, 8) => return Ok(()),
            Self::MacAddress8 => "expected an address such as \"08:00:2b:01:02:03:04:05\"",
            Self::Duration if time::is_duration(text) => return Ok(()),
            Self::Duration => {
                "expected a duration such as \"P1Y2M3DT4H5M6.7S\", within the range of the database"
            }
            Self::OffsetTime if time::is_offset_time(text) => return Ok(()),
            Self::OffsetTime => "expected a time with an offset such as \"23:59:59+02:00\"",
            Self::Bits if text.bytes().all(|bit| matches!(bit, b'0' | b'1')) => return Ok(()),
            Self::Bits => "expected zeros and ones",
            Self::Range(subtype) => return range::check(text, *subtype),
            Self::Multirange(subtype) => return range::check_set(text, *subtype),
            _ => return Ok(()),
        };
        Err(expected.to_owned())
    }
}

/// Writes a key or a value of `hstore`.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn forms_accept_what_postgresql_accepts() {
        use NativeForm as Form;

        for (form, good, bad) in [
            (
                Form::Inet,
                &["10.0.0.1", "10.0.0.1/8", "::1", "fe80::1/64", "10.0.0.1/32"][..],
                &["", "10.0.0", "10.0.0.256", "10.0.0.1/33", "::1/129", "10.0.0.1/", "10.0.0.1/+8", "host"][..],
            ),
            (Form::Cidr, &["10.0.0.0/8", "fe80::/64", "10.0.0.1"], &["10.0.0.1/8", "::1/64", "x/8"]),
            (
                Form::MacAddress,
                &["08:00:2b:01:02:03", "08-00-2B-01-02-03"],
                &["08:00:2b:01:02", "08:00-2b:01:02:03"],
            ),
            (Form::MacAddress8, &["08:00:2b:01:02:03:04:05"], &["08:00:2b:01:02:03"]),
            (
                Form::Duration,
                &["P1Y2M3DT4H5M6.7S", "PT0S", "P-1DT-2H", "P3W", "PT36H", "PT0.000001S"],
                &[
                    "",
                    "P",
                    "PT",
                    "P1",
                    "1D",
                    "P1H",
                    "PT1D",
                    "P1.5D",
                    "P1DT",
                    "PT1S1M",
                    "PT0.0000001S",
                    "P999999999Y",
                ],
            ),
            (
                Form::OffsetTime,
                &["12:30:00+02", "12:30:00.123456-05:30", "00:00:00Z", "12:30:00+02:00"],
                &["12:30:00", "24:30:00+00", "12:30:00+16", "12:30:00.1234567Z", "12:30:60Z", "12:30:00+2"],
            ),
            (Form::Bits, &["", "0101"], &["012", "b'1'"]),
            (
                Form::Range(Subtype::Integer),
                &["empty", "[1,5)", "(,)", "[1,]", "(-3,7]", "[2147483647,)"],
                &["", "1,5", "[5,1)", "[1,5", "[1,5)x", "[a,b)", "[1,2147483647]", "[1,3000000000)", "[1;5)"],
            ),
            (Form::Range(Subtype::Decimal), &["[1.5,2)", "[1,1]"], &["[2,1.5)", "[NaN,)"]),
            (
                Form::Range(Subtype::Date),
                &["[2024-01-01,2024-02-01)", "[2024-01-01,infinity)"],
                &["[2024-02-30,)", "[2024-02-01,2024-01-01)"],
            ),
            (
                Form::Range(Subtype::DateTime),
                &["[\"2024-01-01 10:00:00\",)", "[2024-01-01T10:00:00,2024-01-01T11:00:00.5)"],
                &["[10:00,)"],
            ),
            (
                Form::Range(Subtype::Timestamp),
                &["[\"2024-01-01 10:00:00+00\",)", "[2024-01-01T10:00:00Z,2024-01-01T11:00:00+01:00]"],
                &["[2024-01-01T10:00:00Z,2024-01-01T10:59:00+01:00]"],
            ),
            (
                Form::Multirange(Subtype::Integer),
                &["{}", "{[1,2),[5,9]}", "{[1,2)}"],
                &["", "[1,2)", "{[1,2)", "{[1,2),}", "{[2,1)}", "{[1,2)[3,4)}"],
            ),
        ] {
            for text in good {
                assert_eq!(form.read(&json!(text)), Ok((*text).into()), "{form:?} {text}");
            }
            for text in bad {
                assert!(form.read(&json!(text)).is_err(), "{form:?} {text}");
            }
            assert!(form.read(&json!(1)).is_err(), "{form:?}");
        }
    }

    #[test]
    fn objects_are_read_by_their_fields() {
        let pairs = NativeForm::Hstore.read(&json!({ "a\"": "\\", "b": null }));
        assert_eq!(pairs, Ok("\"a\\\"\"=>\"\\\\\",\"b\"=>NULL".into()));
        assert!(NativeForm::Hstore.read(&json!({ "a": 1 })).is_err());
        let composite = NativeForm::Composite(vec!["x".to_owned()]);
        assert!(composite.read(&json!({ "x": 1 })).is_ok());
        assert!(composite.read(&json!({ "y": 1 })).is_err());
        assert!(composite.read(&json!([1])).is_err());
    }
}
