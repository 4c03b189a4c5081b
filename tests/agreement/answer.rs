//! Expected responses and their comparison.

use rust_decimal::Decimal;
use serde_json::Value as Json;

use crate::cell::Cell;
use crate::tables::Kind;

#[derive(Clone, Debug)]
pub enum ModelResponse {
    Exact(Json),
    /// Decimal as text: 1.5 and 1.50 are equal.
    Decimal(Decimal),
    /// Computed number, as text or as a number.
    Near {
        value: f64,
        tolerance: f64,
        is_text: bool,
    },
    List(Vec<ModelResponse>),
    Object(Vec<(String, ModelResponse)>),
}

impl ModelResponse {
    pub fn of_cell(kind: Kind, cell: &Cell) -> Self {
        match cell {
            Cell::Decimal(value) => Self::Decimal(*value),
            other => Self::Exact(other.json(kind)),
        }
    }

    /// Builds a sum or an average of `numbers`: larger numbers lower its precision.
    pub fn near(value: f64, numbers: impl Iterator<Item = f64>, is_text: bool) -> Self {
        let greatest = numbers.map(f64::abs).fold(1e-300, f64::max);
        Self::Near { value, tolerance: greatest * 1e-12, is_text }
    }

    /// Returns the first difference to `actual`, as a path with the expected value.
    pub fn difference(&self, actual: &Json) -> Option<String> {
        self.difference_at("data", actual)
    }

    fn difference_at(&self, path: &str, actual: &Json) -> Option<String> {
        let differs = || Some(format!("{path}: expected {}, got {actual}", self.to_json()));
        match (self, actual) {
            (Self::Exact(expected), actual) => {
                if expected == actual {
                    None
                } else {
                    differs()
                }
            }
            (Self::Decimal(expected), Json::String(text)) => match text.parse::<Decimal>() {
                Ok(value) if value == *expected => None,
                _ => differs(),
            },
            (Self::Near { value, tolerance, is_text }, actual) => {
                let number = match (is_text, actual) {
                    (true, Json::String(text)) => text.parse().ok(),
                    (false, Json::Number(number)) => number.as_f64(),
                    _ => None,
                };
                if number.is_some_and(|number: f64| (number - value).abs() <= *tolerance) {
                    None
                } else {
                    differs()
                }
            }
            (Self::List(expected), Json::Array(actual)) => {
                if expected.len() != actual.len() {
                    return differs();
                }
                let mut items = expected.iter().zip(actual).enumerate();
                items.find_map(|(index, (expected, actual))| {
                    expected.difference_at(&format!("{path}[{index}]"), actual)
                })
            }
            (Self::Object(expected), Json::Object(actual)) => {
                if expected.len() != actual.len() {
                    return differs();
                }
                expected.iter().find_map(|(key, expected)| match actual.get(key) {
                    Some(actual) => expected.difference_at(&format!("{path}.{key}"), actual),
                    None => Some(format!("{path}: {key} is not there")),
                })
            }
            _ => differs(),
        }
    }

    pub fn to_json(&self) -> Json {
        match self {
            Self::Exact(json) => json.clone(),
            Self::Decimal(value) => Json::from(value.to_string()),
            Self::Near { value, .. } => Json::from(*value),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Object(fields) => {
                fields.iter().map(|(key, value)| (key.clone(), value.to_json())).collect()
            }
        }
    }
}
