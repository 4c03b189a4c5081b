//! Tables that no entity stands for: how many of their rows reference those of an entity, and which rows of entities go along
//! with them.

use sea_orm::Value;
use sea_orm::sea_query::{Alias, Asterisk, Expr, ExprTrait, Query as Sql};

use super::attempt::Attempt;
use super::reference::{Reference, entity_of};
use super::row::{rows_of, values_of};
use super::statement::{WriteStatement, Writes, table};
use super::writer::MutationWriter;
use crate::database::ForeignKey;
use crate::error::Result;
use crate::model::{ColumnType, EntityId, KeyAction, Table};

/// Number of tables outside the model that are followed below each other: their rows may form a circle.
const DEEPEST: usize = 32;

/// Rows of one entity, by their primary keys.
type Found = (EntityId, Vec<Vec<Value>>);

impl Writes<'_> {
    /// The rows of the reference's table that reference rows of `target` with these keys.
    fn referencing(&self, reference: &Reference<'_>, target: EntityId, keys: &[Vec<Value>]) -> Expr {
        let entity = &self.model.entities[target];
        let types = reference.to.iter().map(|id| entity.columns[*id].column_type.clone());
        let columns: Vec<(String, ColumnType)> = reference.columns.iter().cloned().zip(types).collect();
        self.is_one_of(&columns, keys)
    }

    /// `SELECT count(*) … WHERE …` of a table that no entity stands for.
    fn count_outside(&self, counted: &Table, condition: Expr) -> WriteStatement {
        let mut select = Sql::select();
        select.from(table(counted)).expr(Expr::col(Asterisk).count()).and_where(condition);
        WriteStatement {
            own: counted.clone(),
            statement: self.dialect.backend().build(&select),
            columns: vec![ColumnType::BigInt],
            touches: Vec::new(),
            inserted: None,
        }
    }

    /// `SELECT key … WHERE …` of an entity.
    fn find_keys(&self, id: EntityId, condition: Expr) -> WriteStatement {
        let entity = &self.model.entities[id];
        let mut select = Sql::select();
        select.from(table(&entity.table)).exprs(self.returned(entity, &entity.primary_key));
        select.and_where(condition);
        self.finish(&select, entity, &entity.primary_key, Vec::new())
    }
}

/// The rows that reference by `key` those of its target for which `condition` holds.
fn nested(key: &ForeignKey, condition: Expr) -> Expr {
    let columns =
        |names: &[String]| -> Vec<Expr> { names.iter().map(|name| Expr::col(Alias::new(name))).collect() };
    let mut select = Sql::select();
    select.from(table(&key.target)).exprs(columns(&key.target_columns)).and_where(condition);
    match &columns(&key.columns)[..] {
        [column] => column.clone().in_subquery(select),
        columns => Expr::tuple(columns.to_vec()).in_subquery(select),
    }
}

impl MutationWriter<'_> {
    /// Counts the rows of a table outside the model that reference rows with these keys.
    pub async fn count_outside(
        &self,
        target: EntityId,
        reference: &Reference<'_>,
        keys: &[Vec<Value>],
    ) -> Result<i64> {
        if keys.is_empty() {
            return Ok(0);
        }
        let condition = self.writes().referencing(reference, target, keys);
        self.count_where(target, &reference.table, condition).await
    }

    async fn count_where(&self, target: EntityId, counted: &Table, condition: Expr) -> Result<i64> {
        let write = self.writes().count_outside(counted, condition);
        let counted = self.send(write, Attempt::of(target, &[])).await?;
        match counted.values(0).next() {
            Some(Value::BigInt(Some(count))) => Ok(count),
            _ => Ok(0),
        }
    }

    /// Returns the rows of entities that go along with the rows of a table outside the model which reference rows with these
    /// keys: ON DELETE CASCADE, also through further such tables.
    pub async fn below_outside(
        &self,
        target: EntityId,
        reference: &Reference<'_>,
        keys: &[Vec<Value>],
    ) -> Result<Vec<Found>> {
        let Some(known) = self.session.statements().foreign_keys() else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        let condition = self.writes().referencing(reference, target, keys);
        let mut reached = vec![(&reference.table, condition, 0)];
        while let Some((table, condition, depth)) = reached.pop() {
            if let Some(id) = entity_of(self.model(), &known, table) {
                let primary_key = &self.model().entities[id].primary_key;
                let rows = self.send(self.writes().find_keys(id, condition), Attempt::of(id, &[])).await?;
                self.session.statements().count_rows(rows.len())?;
                let rows = rows_of(&rows, primary_key);
                found.push((id, rows.iter().map(|row| values_of(row, primary_key)).collect()));
                continue;
            }
            let cascades = |key: &&ForeignKey| key.on_delete == KeyAction::Cascade;
            let keys: Vec<&ForeignKey> = known.referencing(table).iter().filter(cascades).collect();
            let goes_on = !keys.is_empty() && depth < DEEPEST;
            if goes_on && self.count_where(target, table, condition.clone()).await? > 0 {
                let nested =
                    keys.into_iter().map(|key| (&key.table, nested(key, condition.clone()), depth + 1));
                reached.extend(nested);
            }
        }
        Ok(found)
    }
}
