//! Looks for rows that break the promises of options, which the database does not keep.

use sea_orm::StatementBuilder;
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, Query as Sql, SelectStatement};

use super::Difference;
use crate::database::handle::Database;
use crate::error::Result;
use crate::model::{ColumnId, ColumnType, Entity, Model};

/// Finds the promised keys that rows repeat, and the columns that are NULL against a promise. Reads whole tables.
///
/// # Errors
/// Fails if the database cannot be queried.
pub async fn broken_promises(model: &Model, database: &Database) -> Result<Vec<Difference>> {
    let mut broken = Vec::new();
    for entity in &model.entities {
        for key in &entity.promises.unique_keys {
            if has_rows(database, &repeated(entity, key)).await? {
                broken.push(Difference::RepeatedKey { columns: label(entity, key) });
            }
        }
        for column in &entity.promises.not_null {
            if has_rows(database, &nulls(entity, *column)).await? {
                broken.push(Difference::NullAgainstPromise { columns: label(entity, &[*column]) });
            }
        }
    }
    Ok(broken)
}

async fn has_rows(database: &Database, select: &SelectStatement) -> Result<bool> {
    let statement = StatementBuilder::build(select, &database.get_database_backend());
    let values = statement.values.map(|values| values.0).unwrap_or_default();
    Ok(!database.ask(&statement.sql, values, [ColumnType::Int].into()).await?.is_empty())
}

/// Selects a row if a key without NULL occurs twice.
fn repeated(entity: &Entity, key: &[ColumnId]) -> SelectStatement {
    let mut select = of(entity);
    for id in key {
        let column = Expr::col(Alias::new(&entity.columns[*id].name));
        select.and_where(column.clone().is_not_null()).add_group_by([column]);
    }
    select.and_having(Expr::col(Asterisk).count().gt(1)).to_owned()
}

fn nulls(entity: &Entity, column: ColumnId) -> SelectStatement {
    of(entity).and_where(Expr::col(Alias::new(&entity.columns[column].name)).is_null()).to_owned()
}

fn of(entity: &Entity) -> SelectStatement {
    let mut select = Sql::select();
    select.expr(Expr::cust("1")).limit(1);
    match &entity.table.schema {
        Some(schema) => select.from((Alias::new(schema), Alias::new(&entity.table.name))),
        None => select.from(Alias::new(&entity.table.name)),
    };
    select
}

fn label(entity: &Entity, columns: &[ColumnId]) -> String {
    let names: Vec<String> = columns.iter().map(|id| entity.columns[*id].name.clone()).collect();
    super::label(&entity.table.name, &names)
}
