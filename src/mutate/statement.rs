//! Builds the statements that write, each for any number of rows.

use std::sync::Arc;

use sea_orm::sea_query::{
    Alias, Condition, DeleteStatement, Expr, ExprTrait, LockType, OnConflict, Order, Query as Sql,
    SelectStatement, TableRef, UpdateStatement,
};
use sea_orm::{Statement, Value};

use super::touched;
use crate::database::ForeignKeys;
use crate::dialect::Dialect;
use crate::model::{ColumnId, ColumnType, Entity, EntityId, Model, Table};

/// Builder of a model's writing statements for one database.
pub(super) struct Writes<'a> {
    pub model: &'a Model,
    pub dialect: Dialect,
    /// Foreign keys of the database, if known.
    pub keys: Option<Arc<ForeignKeys>>,
}

/// Statement, with the types of its returned columns and the touched tables.
pub(super) struct WriteStatement {
    /// Table whose rows the statement writes.
    pub own: Table,
    pub statement: Statement,
    pub columns: Vec<ColumnType>,
    pub touches: Vec<Table>,
    /// Number of new rows; `None` for other statements.
    pub inserted: Option<usize>,
}

/// Columns by name, with their types.
pub(super) type Columns = Vec<(String, ColumnType)>;

/// Alias of the joined list of values.
pub(super) const LINK: &str = "link";

impl Writes<'_> {
    /// Selects the links among `pairs`, whose values have the types of `columns`. The junction's own columns may have others,
    /// `stored`.
    pub fn find_links(
        &self,
        junction: &Table,
        columns: &[(String, ColumnType)],
        stored: Vec<ColumnType>,
        pairs: &[Vec<Value>],
    ) -> WriteStatement {
        let mut select = Sql::select();
        let selected = columns
            .iter()
            .zip(&stored)
            .map(|((name, _), stored)| self.dialect.selected(Expr::col(Alias::new(name)), stored));
        select.from(table(junction)).exprs(selected);
        select.and_where(self.is_one_of(columns, pairs));
        WriteStatement {
            own: junction.clone(),
            statement: self.dialect.backend().build(&select),
            columns: stored,
            touches: Vec::new(),
            inserted: None,
        }
    }

    /// Deletes links: the `pairs` of `from` and `to`, or with `keep` all links of `parents` except `pairs`.
    pub fn delete_links(
        &self,
        junction: &Table,
        from: &[(String, ColumnType)],
        to: &[(String, ColumnType)],
        parents: &[Vec<Value>],
        pairs: &[Vec<Value>],
        keep: bool,
    ) -> WriteStatement {
        let both: Vec<(String, ColumnType)> = from.iter().chain(to).cloned().collect();
        let mut delete = Sql::delete();
        delete.from_table(table(junction));
        let named = self.is_one_of(&both, pairs);
        if keep {
            delete.and_where(self.is_one_of(from, parents)).and_where(named.not());
        } else {
            delete.and_where(named);
        }
        WriteStatement {
            own: junction.clone(),
            statement: self.dialect.backend().build(&delete),
            columns: Vec::new(),
            touches: vec![junction.clone()],
            inserted: None,
        }
    }

    /// Builds `UPDATE … SET … WHERE key IN …`.
    pub fn update(
        &self,
        id: EntityId,
        values: &[(ColumnId, Value)],
        columns: &[ColumnId],
        keys: &[Vec<Value>],
        returning: &[ColumnId],
    ) -> WriteStatement {
        let entity = &self.model.entities[id];
        let mut update = self.setting_rows(entity, values, columns, keys);
        if !returning.is_empty() {
            update.returning(Sql::returning().exprs(self.returned(entity, returning)));
        }
        let set: Vec<ColumnId> = values.iter().map(|(column, _)| *column).collect();
        self.finish(
            &update,
            entity,
            returning,
            touched::by_update(self.model, self.keys.as_deref(), id, &set),
        )
    }

    /// Builds `SELECT … WHERE key IN … FOR …`, which locks the rows until the end of the transaction. On
    /// SQLite no other transaction writes.
    pub fn lock(
        &self,
        id: EntityId,
        columns: &[ColumnId],
        keys: &[Vec<Value>],
        lock: LockType,
        returning: &[ColumnId],
    ) -> WriteStatement {
        let entity = &self.model.entities[id];
        let mut select = Sql::select();
        select.from(table(&entity.table)).exprs(self.returned(entity, returning));
        select.and_where(self.is_one_of(&self.named(entity, columns), keys));
        // A fixed order avoids deadlocks.
        for column in &entity.primary_key {
            select.order_by(Alias::new(&entity.columns[*column].name), Order::Asc);
        }
        if self.dialect.features().locks_rows {
            select.lock(lock);
        }
        self.finish(&select, entity, returning, Vec::new())
    }

    /// Builds the UPDATE of rows as a part of another statement, to which it returns all columns.
    pub fn update_whole(
        &self,
        id: EntityId,
        values: &[(ColumnId, Value)],
        columns: &[ColumnId],
        keys: &[Vec<Value>],
    ) -> UpdateStatement {
        let entity = &self.model.entities[id];
        let mut update = self.setting_rows(entity, values, columns, keys);
        update.returning(Sql::returning().columns(all_columns(entity)));
        update
    }

    /// Builds the SELECT of rows as a part of another statement, to which it returns all columns.
    pub fn read_whole(
        &self,
        id: EntityId,
        columns: &[ColumnId],
        keys: &[Vec<Value>],
        lock: Option<LockType>,
    ) -> SelectStatement {
        let entity = &self.model.entities[id];
        let mut select = Sql::select();
        select.from(table(&entity.table)).columns(all_columns(entity));
        select.and_where(self.is_one_of(&self.named(entity, columns), keys));
        if let Some(lock) = lock {
            select.lock(lock);
        }
        select
    }

    /// Builds the condition that a row with these values exists.
    pub fn row_exists(&self, id: EntityId, columns: &[ColumnId], values: &[Value]) -> Expr {
        let entity = &self.model.entities[id];
        let mut select = Sql::select();
        select.expr(Expr::val(1)).from(table(&entity.table));
        select.and_where(self.is_one_of(&self.named(entity, columns), &[values.to_vec()]));
        Expr::exists(select)
    }

    /// Sets the columns `set` of rows found by `columns`, each row to its own values:
    /// `UPDATE posts SET author_id = link.c1 FROM (…) AS link WHERE posts.id = link.c0`.
    /// Each of `rows` holds the values of `columns`, then of `set`.
    pub fn reassign(
        &self,
        id: EntityId,
        columns: &[ColumnId],
        set: &[ColumnId],
        rows: &[Vec<Value>],
        returning: &[ColumnId],
    ) -> WriteStatement {
        let entity = &self.model.entities[id];
        let types: Vec<ColumnType> =
            columns.iter().chain(set).map(|id| entity.columns[*id].column_type.clone()).collect();
        let mut update = Sql::update();
        update.table(table(&entity.table));
        let cell = |place: usize| Expr::col((LINK, Alias::new(format!("c{place}"))));
        for (place, id) in set.iter().enumerate() {
            update.value(Alias::new(&entity.columns[*id].name), cell(columns.len() + place));
        }
        update.from(TableRef::SubQuery(
            Box::new(self.dialect.list(self.model, &types, rows.iter().cloned())),
            Alias::new(LINK).into(),
        ));
        let met = columns.iter().enumerate().map(|(place, id)| {
            let column = &entity.columns[*id];
            let there = Expr::col((Alias::new(&entity.table.name), Alias::new(&column.name)));
            self.dialect.compared(there, &column.column_type).eq(cell(place))
        });
        update.cond_where(met.fold(Condition::all(), Condition::add));
        let returned = returning.iter().map(|id| {
            let column = &entity.columns[*id];
            let expression = Expr::col((Alias::new(&entity.table.name), Alias::new(&column.name)));
            self.dialect.selected(expression, &column.column_type)
        });
        update.returning(Sql::returning().exprs(returned));
        self.finish(&update, entity, returning, touched::by_update(self.model, self.keys.as_deref(), id, set))
    }

    /// Sets the columns `set` to NULL in rows of `parents` outside `pairs` (values of `set`, then of
    /// `columns`).
    pub fn detach_others(
        &self,
        id: EntityId,
        set: &[ColumnId],
        columns: &[ColumnId],
        parents: &[Vec<Value>],
        pairs: &[Vec<Value>],
    ) -> WriteStatement {
        let entity = &self.model.entities[id];
        let nulls: Vec<(ColumnId, Value)> =
            set.iter().map(|id| (*id, entity.columns[*id].column_type.null())).collect();
        let both: Vec<ColumnId> = set.iter().chain(columns).copied().collect();
        let mut update = self.setting(entity, &nulls);
        update.and_where(self.is_one_of(&self.named(entity, set), parents));
        update.and_where(self.is_one_of(&self.named(entity, &both), pairs).not());
        self.finish(&update, entity, &[], touched::by_update(self.model, self.keys.as_deref(), id, set))
    }

    /// Builds `DELETE … WHERE key IN … RETURNING …`.
    pub fn delete(
        &self,
        id: EntityId,
        columns: &[ColumnId],
        keys: &[Vec<Value>],
        returning: &[ColumnId],
    ) -> WriteStatement {
        let entity = &self.model.entities[id];
        let mut delete: DeleteStatement = Sql::delete();
        delete.from_table(table(&entity.table));
        delete.and_where(self.is_one_of(&self.named(entity, columns), keys));
        delete.returning(Sql::returning().exprs(self.returned(entity, returning)));
        self.finish(&delete, entity, returning, touched::by_delete(self.model, self.keys.as_deref(), id))
    }

    /// Builds the ON CONFLICT clause: the existing row takes the new values, but keeps its generated key.
    pub fn on_conflict(&self, entity: &Entity, key: &[ColumnId], columns: &[ColumnId]) -> OnConflict {
        let name = |id: &ColumnId| Alias::new(&entity.columns[*id].name);
        let mut conflict = OnConflict::columns(key.iter().map(name));
        let is_changed = |id: &&ColumnId| is_changed_on_conflict(entity, key, **id);
        let mut changed: Vec<Alias> = columns.iter().filter(is_changed).map(name).collect();
        if changed.is_empty() {
            // Without a column to set, no existing row is returned; a key set to itself returns it.
            changed.extend(key.iter().take(1).map(name));
        }
        conflict.update_columns(changed);
        conflict
    }

    fn setting_rows(
        &self,
        entity: &Entity,
        values: &[(ColumnId, Value)],
        columns: &[ColumnId],
        keys: &[Vec<Value>],
    ) -> UpdateStatement {
        let mut update = self.setting(entity, values);
        update.and_where(self.is_one_of(&self.named(entity, columns), keys));
        update
    }

    fn setting(&self, entity: &Entity, values: &[(ColumnId, Value)]) -> UpdateStatement {
        let mut update = Sql::update();
        update.table(table(&entity.table));
        for (id, value) in values {
            let column = &entity.columns[*id];
            update.value(Alias::new(&column.name), self.value(&column.column_type, value.clone()));
        }
        update
    }

    pub fn value(&self, column_type: &ColumnType, value: Value) -> Expr {
        self.dialect.operand(self.model, Expr::val(value), column_type)
    }

    pub fn returned<'c>(
        &'c self,
        entity: &'c Entity,
        columns: &'c [ColumnId],
    ) -> impl Iterator<Item = Expr> + 'c {
        columns.iter().map(|id| {
            let column = &entity.columns[*id];
            self.dialect.selected(Expr::col(Alias::new(&column.name)), &column.column_type)
        })
    }

    fn named(&self, entity: &Entity, columns: &[ColumnId]) -> Vec<(String, ColumnType)> {
        let name =
            |id: &ColumnId| (entity.columns[*id].name.clone(), entity.columns[*id].column_type.clone());
        columns.iter().map(name).collect()
    }

    pub fn is_one_of(&self, columns: &[(String, ColumnType)], keys: &[Vec<Value>]) -> Expr {
        let (names, types): (Vec<Expr>, Vec<ColumnType>) = columns
            .iter()
            .map(|(name, column_type)| (Expr::col(Alias::new(name)), column_type.clone()))
            .unzip();
        self.dialect.one_of_written_keys(self.model, names, &types, keys)
    }

    pub fn finish<S: sea_orm::StatementBuilder>(
        &self,
        statement: &S,
        entity: &Entity,
        returning: &[ColumnId],
        touches: Vec<Table>,
    ) -> WriteStatement {
        WriteStatement {
            own: entity.table.clone(),
            statement: self.dialect.backend().build(statement),
            columns: returning.iter().map(|id| entity.columns[*id].column_type.clone()).collect(),
            touches,
            inserted: None,
        }
    }
}

/// Returns true if an existing row with the same key takes the given value of a column: not of the key, nor a generated one.
pub(super) fn is_changed_on_conflict(entity: &Entity, key: &[ColumnId], column: ColumnId) -> bool {
    !key.contains(&column) && !entity.columns[column].generated
}

/// Returns the names of all columns, for a part of another statement.
pub(super) fn all_columns(entity: &Entity) -> impl Iterator<Item = Alias> + '_ {
    entity.columns.iter().map(|column| Alias::new(&column.name))
}

pub(super) fn table(table: &Table) -> TableRef {
    let name = Alias::new(&table.name);
    match &table.schema {
        Some(schema) => (Alias::new(schema), name).into(),
        None => name.into(),
    }
}
