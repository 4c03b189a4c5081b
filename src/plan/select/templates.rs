//! Cached statements, and the placeholders among their values.

use std::sync::{Arc, OnceLock};

use sea_orm::Value;

use super::query::SqlStatement;
use crate::dialect::Comparison;
use crate::model::ColumnType;

/// Cached statements of a load: per dialect, one with and one without the influence of statistics.
#[derive(Debug, Default)]
pub struct Templates(pub(super) [[OnceLock<Template>; 2]; 2]);

/// Cached statements do not affect the equality of loads.
impl PartialEq for Templates {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Clone for Templates {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Placeholder for a bind value supplied at execution time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindSlot {
    /// Parameter that carries keys.
    Keys(u16),
    /// Value of one of [`Plan::parameters`](crate::plan::Plan::parameters), or with [`BindSlot::OF_VIEWER`] of the viewer.
    Parameter(u32),
    /// Value of a parameter as the operand of a comparison, prepared by [`Dialect::bound`](crate::dialect::Dialect::bound).
    Operand(u32, Comparison),
    /// Row limit for keyset pages of several parents.
    MostRows,
}

impl BindSlot {
    /// Limit value that represents [`BindSlot::MostRows`].
    pub const MOST_ROWS: u64 = u64::MAX;
    /// Above a parameter's place, the bits that say which comparison it is the operand of.
    const COMPARISON: u32 = 24;
    /// Bit of a parameter's place that tells the viewer's values from the plan's.
    pub const OF_VIEWER: u32 = 1 << 23;

    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::SmallUnsigned(Some(part)) => Some(Self::Keys(*part)),
            Value::Unsigned(Some(code)) => {
                let parameter = code & ((1 << Self::COMPARISON) - 1);
                Some(match Comparison::ALL.get((code >> Self::COMPARISON) as usize) {
                    Some(comparison) => Self::Operand(parameter, *comparison),
                    None => Self::Parameter(parameter),
                })
            }
            Value::BigUnsigned(Some(Self::MOST_ROWS)) => Some(Self::MostRows),
            _ => None,
        }
    }
}

/// Encodes placeholders as values of unsigned types, which no column has: SeaORM stores unsigned values in
/// signed columns.
impl From<BindSlot> for Value {
    fn from(mark: BindSlot) -> Self {
        match mark {
            BindSlot::Keys(part) => Self::SmallUnsigned(Some(part)),
            BindSlot::Parameter(parameter) => {
                Self::Unsigned(Some(parameter | u32::from(u8::MAX) << BindSlot::COMPARISON))
            }
            BindSlot::Operand(parameter, comparison) => {
                Self::Unsigned(Some(parameter | (comparison as u32) << BindSlot::COMPARISON))
            }
            BindSlot::MostRows => Self::BigUnsigned(Some(BindSlot::MOST_ROWS)),
        }
    }
}

/// Cached statement.
#[derive(Debug)]
pub(super) struct Template {
    pub query: Arc<SqlStatement>,
    pub marks: Vec<(usize, BindSlot)>,
    pub key_types: Vec<ColumnType>,
}
