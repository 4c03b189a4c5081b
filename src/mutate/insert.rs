//! Builds the statements that insert rows and links.

use std::collections::BTreeSet;

use sea_orm::Value;
use sea_orm::sea_query::{Alias, Condition, Expr, InsertStatement, OnConflict, Query as Sql};

use super::create::with_defaults;
use super::row::RowInput;
use super::statement::{Columns, LINK, WriteStatement, Writes, all_columns, table};
use super::touched;
use super::unlink::Through;
use crate::model::{ColumnId, ColumnType, EntityId, Table};

/// Rows of one INSERT, with their columns.
pub(super) type InsertBatch<C, R> = (BTreeSet<C>, Vec<R>);

/// Maximum number of parameters; larger statements are split. PostgreSQL accepts 65,535 parameters, SQLite
/// 32,766.
const MOST_PARAMETERS: usize = 30_000;

impl Writes<'_> {
    /// Splits rows, in order, into INSERT statements with equal columns. `columns` adds those of a row.
    ///
    /// Numbers of the database ascend in row order. PostgreSQL takes all rows at once, with DEFAULT for
    /// missing values. SQLite has no such keyword, so a part ends where the columns change.
    pub fn parts<C: Copy + Ord, R>(
        &self,
        rows: Vec<R>,
        columns: impl Fn(&R, &mut BTreeSet<C>),
    ) -> Vec<InsertBatch<C, R>> {
        let has_defaults = self.dialect.features().default_keyword.is_some();
        let mut all = BTreeSet::new();
        if has_defaults {
            rows.iter().for_each(|row| columns(row, &mut all));
        }
        let mut parts: Vec<InsertBatch<C, R>> = Vec::new();
        for row in rows {
            let mut given = BTreeSet::new();
            if !has_defaults {
                columns(&row, &mut given);
            }
            match parts.last_mut() {
                Some((known, rows))
                    if (has_defaults || *known == given) && rows.len() < rows_per_insert(known.len()) =>
                {
                    rows.push(row);
                }
                _ if has_defaults => parts.push((all.clone(), vec![row])),
                _ => parts.push((given, vec![row])),
            }
        }
        parts
    }

    /// Builds `INSERT INTO … RETURNING …`. A missing value becomes the column's default: only PostgreSQL has a
    /// keyword for that beside other values.
    pub fn insert(
        &self,
        id: EntityId,
        columns: &[ColumnId],
        rows: &[RowInput],
        returning: &[ColumnId],
        conflict: Option<OnConflict>,
    ) -> WriteStatement {
        let entity = &self.model.entities[id];
        let mut insert = Sql::insert();
        insert.into_table(table(&entity.table));
        if columns.is_empty() && rows.len() == 1 {
            insert.or_default_values();
        } else if columns.is_empty() {
            // No database accepts several rows of DEFAULT VALUES; a default key replaces them.
            insert.columns(entity.primary_key.iter().take(1).map(|id| Alias::new(&entity.columns[*id].name)));
            for _ in rows {
                insert.values_panic([self.default_value()]);
            }
        } else {
            insert.columns(columns.iter().map(|id| Alias::new(&entity.columns[*id].name)));
            let types: Vec<ColumnType> =
                columns.iter().map(|id| entity.columns[*id].column_type.clone()).collect();
            self.add_rows(&mut insert, &types, rows, |row, place| row.get(columns[place]));
        }
        // A row that conflicts with an existing key updates the existing row.
        let touches = match conflict {
            None => touched::by_insert(self.model, id),
            Some(_) => touched::by_update(self.model, self.keys.as_deref(), id, columns),
        };
        if let Some(conflict) = conflict {
            insert.on_conflict(conflict);
        }
        if !returning.is_empty() {
            insert.returning(Sql::returning().exprs(self.returned(entity, returning)));
        }
        WriteStatement { inserted: Some(rows.len()), ..self.finish(&insert, entity, returning, touches) }
    }

    /// Builds the INSERT of one row as a part of another statement, to which it returns all columns. `links` are further
    /// columns, with cells of other rows. The row is inserted if all `checks` hold. `None` if its values and columns differ in number.
    pub fn insert_linked(
        &self,
        id: EntityId,
        row: RowInput,
        links: Vec<(ColumnId, Expr)>,
        checks: Vec<Expr>,
    ) -> Option<InsertStatement> {
        let entity = &self.model.entities[id];
        let (mut columns, mut rows) = with_defaults(entity, row.columns().collect(), vec![row]);
        let name = |id: &ColumnId| Alias::new(&entity.columns[*id].name);
        let (linked, cells): (Vec<ColumnId>, Vec<Expr>) = links.into_iter().unzip();
        columns.retain(|column| !linked.contains(column));
        let mut insert = Sql::insert();
        insert.into_table(table(&entity.table));
        let own = columns.iter().filter_map(|id| Some((id, rows.first_mut()?.remove(*id)?)));
        let own = own.map(|(id, value)| self.value(&entity.columns[*id].column_type, value));
        let values: Vec<Expr> = own.chain(cells).collect();
        if values.is_empty() {
            insert.or_default_values();
        } else {
            let mut row = Sql::select();
            row.exprs(values).cond_where(checks.into_iter().fold(Condition::all(), Condition::add));
            insert.columns(columns.iter().chain(&linked).map(name)).select_from(row).ok()?;
        }
        insert.returning(Sql::returning().columns(all_columns(entity)));
        Some(insert)
    }

    /// Builds the INSERT of links between a row that another part of the statement returns under the name of its table, and these
    /// `targets`. Existing links stay unchanged. `None` if values and columns differ in number.
    pub fn insert_links_of_returned(
        &self,
        through: Through<'_>,
        (from, to): (&Columns, &Columns),
        targets: &[Vec<Value>],
    ) -> Option<InsertStatement> {
        let Through { owner, relation, junction } = through;
        let owner = &self.model.entities[owner];
        let types: Vec<ColumnType> = to.iter().map(|(_, column_type)| column_type.clone()).collect();
        let mut select = Sql::select();
        let returned = Alias::new(&owner.table.name);
        select.from(returned.clone());
        select.exprs(
            relation
                .from
                .iter()
                .map(|id| Expr::col((returned.clone(), Alias::new(&owner.columns[*id].name)))),
        );
        match targets {
            [target] => {
                let values = types.iter().zip(target).map(|(of, value)| self.value(of, value.clone()));
                select.exprs(values);
            }
            targets => {
                let list = self.dialect.list(self.model, &types, targets.iter().cloned());
                select.from_subquery(list, Alias::new(LINK));
                select
                    .exprs((0..types.len()).map(|place| Expr::col((LINK, Alias::new(format!("c{place}"))))));
            }
        }
        let pair = || from.iter().chain(to).map(|(name, _)| Alias::new(name));
        let mut insert = Sql::insert();
        insert.into_table(table(&junction.table)).columns(pair());
        insert.select_from(select).ok()?;
        insert.on_conflict(OnConflict::columns(pair()).do_nothing().to_owned());
        Some(insert)
    }

    /// Inserts links through a junction. With a unique `pair`, existing links stay unchanged; any other
    /// unique key of the junction refuses duplicates.
    pub fn insert_links(
        &self,
        junction: &Table,
        columns: &[(String, ColumnType)],
        rows: &[Vec<Option<Value>>],
        pair: Option<&[(String, ColumnType)]>,
    ) -> WriteStatement {
        let mut insert = Sql::insert();
        insert.into_table(table(junction)).columns(columns.iter().map(|(name, _)| Alias::new(name)));
        let types: Vec<ColumnType> = columns.iter().map(|(_, column_type)| column_type.clone()).collect();
        self.add_rows(&mut insert, &types, rows, |row, place| row[place].as_ref());
        if let Some(pair) = pair {
            let pair = pair.iter().map(|(name, _)| Alias::new(name));
            insert.on_conflict(OnConflict::columns(pair).do_nothing().to_owned());
        }
        WriteStatement {
            own: junction.clone(),
            statement: self.dialect.backend().build(&insert),
            columns: Vec::new(),
            touches: vec![junction.clone()],
            inserted: None,
        }
    }

    /// Splits rows of an entity as [`Self::parts`] does. SQLite takes several rows without values only if it numbers their key.
    pub fn parts_of(&self, id: EntityId, rows: Vec<RowInput>) -> Vec<InsertBatch<ColumnId, RowInput>> {
        let entity = &self.model.entities[id];
        let is_numbered = entity.primary_key.first().is_some_and(|key| entity.columns[*key].generated);
        let takes_several = is_numbered
            || self.dialect.features().default_keyword.is_some()
            || entity.filled_defaults().next().is_some();
        let mut parts = Vec::new();
        for (columns, rows) in self.parts(rows, |row, columns| columns.extend(row.columns())) {
            match takes_several || !columns.is_empty() {
                true => parts.push((columns, rows)),
                false => parts.extend(rows.into_iter().map(|row| (columns.clone(), vec![row]))),
            }
        }
        parts
    }

    /// Returns the value of a missing one. Without such a keyword, only a numbered key is missing, and NULL stands for it.
    fn default_value(&self) -> Expr {
        Expr::cust(self.dialect.features().default_keyword.unwrap_or("NULL"))
    }

    /// Adds rows to an INSERT. `cell` returns the value of a row at a place of the types, if the row has one. PostgreSQL takes
    /// several complete rows as one list per column: one text serves any number of rows, and fewer parameters are parsed.
    fn add_rows<R>(
        &self,
        insert: &mut InsertStatement,
        types: &[ColumnType],
        rows: &[R],
        cell: impl Fn(&R, usize) -> Option<&Value>,
    ) {
        let places = 0..types.len();
        let is_complete = |row| places.clone().all(|place| cell(row, place).is_some());
        if rows.len() > 1 && self.dialect.inserts_lists(types) && rows.iter().all(is_complete) {
            let values = |row| {
                let cell = &cell;
                places.clone().filter_map(move |place| cell(row, place).cloned())
            };
            let list = self.dialect.list(self.model, types, rows.iter().map(values));
            // The columns of the INSERT are those of the types, so their numbers are equal.
            let _ = insert.select_from(list);
            return;
        }
        for row in rows {
            let values = types.iter().enumerate().map(|(place, column_type)| match cell(row, place) {
                Some(value) => self.value(column_type, value.clone()),
                None => self.default_value(),
            });
            insert.values_panic(values.collect::<Vec<_>>());
        }
    }
}

fn rows_per_insert(width: usize) -> usize {
    (MOST_PARAMETERS / width.max(1)).max(1)
}
