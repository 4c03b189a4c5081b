//! Keys numbered by SQLite itself. SQLite continues after the greatest key. If a client took the last key,
//! the next exceeds a column of fewer than 64 bits.

use std::collections::BTreeSet;

use sea_orm::{Statement, Value};

use super::exhausted::no_free_key;
use super::row::RowInput;
use super::writer::MutationWriter;
use crate::error::Result;
use crate::model::{Column, ColumnId, ColumnType, Entity, EntityId, quoted_name};
use crate::plan::InputPath;

impl MutationWriter<'_> {
    /// Returns the key that the database numbers in new rows with the columns `given`, if its numbers may be
    /// too large.
    pub(super) fn numbered_key(&self, id: EntityId, given: &BTreeSet<ColumnId>) -> Option<ColumnId> {
        let entity = &self.model().entities[id];
        let [key] = entity.primary_key[..] else { return None };
        let column = &entity.columns[key];
        let is_numbered =
            self.writes().dialect.features().numbers_beyond_type && column.generated && !given.contains(&key);
        (is_numbered && greatest(&column.column_type).is_some()).then_some(key)
    }

    /// Moves new rows with too large keys to the highest free range. The rows hold 64-bit keys before, and
    /// keys of the column's type after.
    pub(super) async fn keep_in_range(
        &self,
        id: EntityId,
        key: ColumnId,
        rows: &mut [RowInput],
        paths: &[InputPath],
    ) -> Result<()> {
        let entity = &self.model().entities[id];
        let column = &entity.columns[key];
        let greatest = greatest(&column.column_type).unwrap_or(i64::MAX);
        let number = |row: &RowInput| match row.get(key) {
            Some(Value::BigInt(Some(number))) => *number,
            _ => 0,
        };
        let beyond: Vec<i64> = rows.iter().map(number).filter(|number| *number > greatest).collect();
        let mut moved_by = 0;
        if let (Some(first), Some(last)) = (beyond.iter().min(), beyond.iter().max()) {
            let free = self.first_free(entity, column, greatest, last - first + 1).await?;
            let free = free.ok_or_else(|| {
                let path = rows.iter().zip(paths).find(|(row, _)| number(row) > greatest);
                let path = path.map(|(_, path)| path.clone()).unwrap_or_default();
                no_free_key(&path.to_string(), column)
            })?;
            moved_by = free - first;
            let (table, name) = (entity.table.quoted(), quoted_name(&column.name));
            let sql = format!(
                "UPDATE {table} SET {name} = {name} + ? WHERE {name} IN (SELECT value FROM json_each(?))"
            );
            let values = [Value::from(moved_by), serde_json::json!(beyond).to_string().into()];
            let statement = Statement::from_sql_and_values(self.writes().dialect.backend(), sql, values);
            self.session.statements().write(statement, [].into()).await?;
        }
        for row in rows {
            let number = number(row);
            let within = if number > greatest { number + moved_by } else { number };
            row.insert(key, column.column_type.integer(within));
        }
        Ok(())
    }

    /// Returns the first number of a free range of `count` numbers, from the highest such range.
    async fn first_free(
        &self,
        entity: &Entity,
        column: &Column,
        greatest: i64,
        count: i64,
    ) -> Result<Option<i64>> {
        let (table, name) = (entity.table.quoted(), quoted_name(&column.name));
        let sql = format!(
            "SELECT taken + 1 FROM (SELECT taken, lead(taken, 1, ?) OVER (ORDER BY taken) AS next FROM \
             (SELECT 0 AS taken UNION ALL SELECT {name} FROM {table} WHERE {name} BETWEEN 1 AND ?)) \
             WHERE next - taken > ? ORDER BY taken DESC LIMIT 1"
        );
        let values = [Value::from(greatest + 1), greatest.into(), count.into()];
        let statement = Statement::from_sql_and_values(self.writes().dialect.backend(), sql, values);
        let found = self.session.statements().write(statement, [ColumnType::BigInt].into()).await?;
        let first = (!found.is_empty()).then(|| found.row(0).value(0));
        Ok(match first {
            Some(Value::BigInt(free)) => free,
            _ => None,
        })
    }
}

/// Returns the maximum of a column with fewer than 64 bits.
fn greatest(column_type: &ColumnType) -> Option<i64> {
    Some(match column_type {
        ColumnType::TinyInt => i8::MAX.into(),
        ColumnType::TinyUnsigned => u8::MAX.into(),
        ColumnType::SmallInt => i16::MAX.into(),
        ColumnType::SmallUnsigned => u16::MAX.into(),
        ColumnType::Int => i32::MAX.into(),
        ColumnType::Unsigned => u32::MAX.into(),
        _ => return None,
    })
}
