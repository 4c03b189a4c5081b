//! Fields of the application on generated types: one call for all rows of a level.

use futures_util::future::join_all;
use sea_orm::Value;

use super::field_batch::FieldBatch;
use super::groups::Keys;
use super::session::Session;
use crate::database::RowSet;
use crate::error::{Error, Result};
use crate::plan::{ComputedLoad, Load};

/// Values of a field for the rows of a load.
#[derive(Debug)]
pub struct Computed {
    keys: Keys,
    values: Vec<Vec<u8>>,
}

impl Computed {
    /// Returns the value for row `index`.
    pub fn of_row(&self, index: usize) -> Option<&[u8]> {
        self.values.get(self.keys.of_row(index)?).map(Vec::as_slice)
    }
}

/// Resolves the fields of a load for its rows, side by side. `is_outside` is true for lookahead rows.
pub(super) async fn compute(
    session: &Session,
    load: &Load,
    rows: &RowSet,
    first: usize,
    is_outside: impl Fn(usize) -> bool + Copy,
) -> Vec<Result<Computed>> {
    let fields = load.computed().iter();
    join_all(fields.map(async |field| {
        let keys = Keys::of_rows(rows, first, &field.key, is_outside);
        let values = match keys.is_empty() {
            true => Vec::new(),
            false => resolve(session, field, batch_of(&keys, field, rows, first)).await?,
        };
        Ok(Computed { keys, values })
    }))
    .await
}

/// Returns the values of the field's columns, once for each distinct key.
fn batch_of(keys: &Keys, field: &ComputedLoad, rows: &RowSet, first: usize) -> Vec<Vec<Value>> {
    let mut batch = Vec::with_capacity(keys.len());
    for index in 0..rows.len() {
        // Keys are numbered in order of appearance.
        if keys.of_row(index) == Some(batch.len()) {
            let row = rows.row_from(index, first);
            batch.push(field.slots.iter().map(|slot| row.value(*slot)).collect());
        }
    }
    batch
}

async fn resolve(session: &Session, field: &ComputedLoad, rows: Vec<Vec<Value>>) -> Result<Vec<Vec<u8>>> {
    let expected = rows.len();
    let resolver = session.field_resolver(field.resolver)?;
    let values = resolver(FieldBatch {
        rows,
        arguments: field.arguments.clone(),
        database: session.statements().database().clone(),
    })
    .await?;
    match values.len() == expected {
        true => Ok(values),
        false => {
            Err(Error::internal(format!("a field returned {} values for {expected} rows", values.len())))
        }
    }
}
