//! Looks for rows that break the promises of options, which the database does not keep.

use sea_orm::JoinType;
use sea_orm::StatementBuilder;
use sea_orm::sea_query::{
    Alias, Asterisk, Condition, Expr, ExprTrait, Query as Sql, SelectStatement, TableRef,
};

use super::Difference;
use crate::database::handle::Database;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::model::{Column, ColumnId, ColumnType, Declaration, Entity, Model, Relation};

/// Alias of the rows that are examined.
const OWN: &str = "own";

/// Finds the promised keys that rows repeat, the columns that are NULL against a promise, and the rows that reference one of
/// another tenant. Reads whole tables.
///
/// # Errors
/// Fails if the database cannot be queried.
pub async fn broken_promises(model: &Model, database: &Database) -> Result<Vec<Difference>> {
    let mut broken = Vec::new();
    let dialect = Dialect::of(database.get_database_backend())?;
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
        for relation in entity.relations.iter().filter(|of| of.declaration == Declaration::BelongsTo) {
            let target = &model.entities[relation.target];
            let own = &relation.join.from[relation.from.len()..];
            let far = &relation.join.to[relation.to.len()..];
            if !own.is_empty()
                && has_rows(database, &of_other_tenants(dialect, entity, relation, target)).await?
            {
                broken.push(Difference::OtherTenant {
                    relation: format!("{}.{}", entity.name, relation.field),
                    columns: [label(entity, own), label(target, far)],
                });
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

/// Selects a row whose key leads to a row of another tenant.
fn of_other_tenants(
    dialect: Dialect,
    entity: &Entity,
    relation: &Relation,
    target: &Entity,
) -> SelectStatement {
    const FAR: &str = "far";
    let mut select = of(entity);
    let mut on = Condition::all();
    for (place, (from, to)) in relation.join.from.iter().zip(&relation.join.to).enumerate() {
        let compared = |alias: &'static str, column: &Column| {
            dialect.compared(Expr::col((alias, Alias::new(&column.name))), &column.column_type)
        };
        let (own, far) = (compared(OWN, &entity.columns[*from]), compared(FAR, &target.columns[*to]));
        match place < relation.from.len() {
            true => on = on.add(own.eq(far)),
            false => drop(select.and_where(own.ne(far))),
        }
    }
    let table = table(target).alias(FAR);
    select.join(JoinType::InnerJoin, table, on).to_owned()
}

fn of(entity: &Entity) -> SelectStatement {
    let mut select = Sql::select();
    select.expr(Expr::cust("1")).limit(1).from(table(entity).alias(OWN));
    select
}

fn table(entity: &Entity) -> TableRef {
    let name = Alias::new(&entity.table.name);
    match &entity.table.schema {
        Some(schema) => (Alias::new(schema), name).into(),
        None => name.into(),
    }
}

fn label(entity: &Entity, columns: &[ColumnId]) -> String {
    let names: Vec<String> = columns.iter().map(|id| entity.columns[*id].name.clone()).collect();
    super::label(&entity.table, &names)
}
