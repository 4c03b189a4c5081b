//! Writer of JSON into bytes.

/// Response being written.
pub struct Json(Vec<u8>);

impl Json {
    /// Begins a response.
    pub fn new() -> Self {
        let mut bytes = Vec::with_capacity(16 * 1024);
        bytes.extend_from_slice(b"{\"data\":{");
        Self(bytes)
    }

    /// Completes the response.
    pub fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"}}");
        self.0
    }

    /// Creates an empty fragment of a response.
    pub fn empty() -> Self {
        Self(Vec::new())
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Removes all bytes.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Appends a part of another fragment.
    pub fn part(&mut self, other: &Self, range: std::ops::Range<usize>) {
        self.0.extend_from_slice(&other.0[range]);
    }

    /// Appends JSON unchanged.
    pub fn raw(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    /// Begins the next item of a list: writes a comma, except before the first.
    pub fn item(&mut self) {
        if self.0.last() != Some(&b'[') {
            self.0.push(b',');
        }
    }

    /// Appends a number.
    pub fn int(&mut self, number: i64) {
        self.0.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Appends `true` or `false`.
    pub fn boolean(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// Appends UTF-8 text, in quotes.
    pub fn text(&mut self, text: &[u8]) {
        self.0.push(b'"');
        let mut rest = text;
        while let Some(at) = rest.iter().position(|byte| *byte < b' ' || *byte == b'"' || *byte == b'\\') {
            self.0.extend_from_slice(&rest[..at]);
            match rest[at] {
                b'\n' => self.raw("\\n"),
                b'\r' => self.raw("\\r"),
                b'\t' => self.raw("\\t"),
                byte @ (b'"' | b'\\') => self.0.extend_from_slice(&[b'\\', byte]),
                byte => self.raw(&format!("\\u{byte:04x}")),
            }
            rest = &rest[at + 1..];
        }
        self.0.extend_from_slice(rest);
        self.0.push(b'"');
    }

    /// Appends a date in ISO 8601, given as days since 1 January 2000.
    pub fn day(&mut self, days: i32) {
        use chrono::{Datelike, NaiveDate};
        // 1 January 2000 is day 730,120 of the common era.
        let Some(day) = NaiveDate::from_num_days_from_ce_opt(days.saturating_add(730_120)) else {
            return self.raw("null");
        };
        let mut text = *b"\"0000-00-00\"";
        let mut write = |end: usize, mut number: u32| {
            let mut at = end;
            while number > 0 {
                text[at] = b'0' + (number % 10) as u8;
                number /= 10;
                at -= 1;
            }
        };
        write(4, day.year().unsigned_abs());
        write(7, day.month());
        write(10, day.day());
        self.0.extend_from_slice(&text);
    }
}
