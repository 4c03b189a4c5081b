//! Statement under construction.

use sea_orm::sea_query::{
    Alias, Expr, ExprTrait, LockType, Query as Sql, SelectStatement, TableRef, WithClause,
};
use sea_orm::{JoinType, Value};

use super::binds::Bind;
use super::builder::SqlBuilder;
use super::condition::{self, Conditions, Joinable, meet_junction};
use super::join::Joins;
use super::ordering::Ordering;
use super::output::{JUNCTION, MAIN, OutputColumn, add, add_all};
use super::ruled_table::RuledTable;
use super::scope::Scope;
use super::selected::Selected;
use super::statement::{OutputSlots, RelationKey, SqlStatement};
use crate::dialect::FilterJoins;
use crate::model::{AggregateFunction, ColumnType, Entity, JoinColumns, Relation};
use crate::plan::load::{Aggregate, Load, LoadKind, Page, Rows};
use crate::plan::order::OrderTerm;

/// Statement under construction.
pub(super) struct Body<'a> {
    pub(super) select: Scope<'a>,
    pub(super) load: &'a Load,
    pub(super) entity: &'a Entity,
    pub(super) relation: Option<&'a Relation>,
    pub(super) keys: &'a [RelationKey],
    /// Table of the rows.
    pub(super) table: TableRef,
    /// Table of the links, behind which the rows are.
    junction: Option<TableRef>,
    /// Conditions of the load's filter, and of the rules.
    pub(super) filters: Vec<Expr>,
    /// Joins that the conditions need.
    pub(super) conditions: Conditions<'a>,
    /// Lock on the found rows.
    pub(super) lock: Option<LockType>,
    /// Statements whose returned rows hide the tables of their names.
    pub(super) written: Option<WithClause>,
}

impl<'a> Body<'a> {
    pub(super) fn new(select: Scope<'a>, load: &'a Load, keys: &'a [RelationKey]) -> Self {
        let entity = &select.model.entities[load.source.entity()];
        let relation =
            load.relation.map(|(owner, relation)| &select.model.entities[owner].relations[relation]);
        let mut conditions = Conditions::new(select);
        let mut filters = match joinable(&select, load) {
            _ if load.source.filter().is_everything() => Vec::new(),
            Some(joinable) => {
                let parts =
                    conditions.filter_by_joins(load.source.entity(), MAIN, load.source.filter(), joinable);
                match parts.len() {
                    0..=condition::CHAIN => parts,
                    _ => condition::balanced(parts, Expr::and).into_iter().collect(),
                }
            }
            None => {
                if let LoadKind::Rows(Rows { page: Page::Slice { offset: 1.., .. }, .. }) = load.what {
                    conditions = conditions.beside_offset();
                }
                vec![conditions.filter(load.source.entity(), MAIN, load.source.filter())]
            }
        };
        let (table, junction) = match relation {
            Some(relation) => {
                let tables = select.related_tables(relation, MAIN, JUNCTION);
                filters.extend(tables.rules);
                (tables.target, tables.junction)
            }
            None => {
                let RuledTable { table, rule } = select.table_of(load.source.entity(), MAIN);
                filters.extend(rule);
                (table, None)
            }
        };
        let (lock, written) = (None, None);
        Self { select, load, entity, relation, keys, table, junction, filters, conditions, lock, written }
    }

    /// Builds the statement.
    pub(super) fn of_load(self) -> SqlStatement {
        let load = self.load;
        match &load.what {
            LoadKind::Rows(rows) => self.rows(rows),
            LoadKind::Aggregates(aggregates) => self.aggregates(aggregates),
        }
    }

    /// Returns the row limit of this statement.
    pub(super) fn most_rows(&self) -> Bind {
        match (&self.load.what, self.relation) {
            (LoadKind::Rows(Rows { page: Page::Keyset { .. }, .. }), Some(_)) => Bind::RowsOfPages,
            (LoadKind::Rows(Rows { page: Page::Keyset { .. }, .. }), None) => {
                Bind::Rows(self.select.most_rows_of_pages(1))
            }
            _ => Bind::Rows(self.select.most_rows()),
        }
    }

    /// Returns the key column and key values, if the statement's text depends on them.
    pub(super) fn keys_in_text(&self) -> Option<(OutputColumn, Vec<Value>)> {
        let mut columns = self.key_columns();
        match (columns.pop(), columns.pop()) {
            (Some(only), None) if !self.select.dialect.fits_one_parameter(&only.column_type) => {
                Some((only, self.keys.iter().flatten().cloned().collect()))
            }
            _ => None,
        }
    }

    /// Builds the condition on the parents' keys, below the root. Uses placeholders for keys unless the text
    /// depends on them.
    pub(super) fn is_of_parents(&self) -> Option<Expr> {
        self.relation?;
        let SqlBuilder { model, dialect, .. } = *self.select;
        if let Some((key, values)) = self.keys_in_text() {
            return Some(dialect.is_in_values(key.expression, values, &key.column_type));
        }
        let (columns, types): (Vec<Expr>, Vec<ColumnType>) =
            self.key_columns().into_iter().map(|output| (output.expression, output.column_type)).unzip();
        if dialect.has_text_of_key(self.keys) {
            let values = (0..types.len()).map(|place| self.select.binds.expr(Bind::KeyValue(place)));
            return Some(dialect.is_key(model, columns, &types, values));
        }
        let parts = (0..).take(dialect.count_key_parameters(&types));
        Some(dialect.is_in_keys(
            model,
            columns,
            &types,
            parts.map(|part| self.select.binds.expr(Bind::Keys(part))).collect(),
        ))
    }

    fn rows(mut self, rows: &Rows) -> SqlStatement {
        let order = Ordering::new(self.select, self.load.source.entity(), &rows.order);
        let mut outputs = self.own_columns(rows);
        let junction = add_all(&mut outputs, self.junction_columns(rows));
        let key = self.key_slots(rows, &mut outputs);
        let sort = self.sort_slots(rows, &mut outputs);
        let order = if sort.is_empty() { order } else { Ordering::none(self.select) };
        let cursor = rows.cursors.then(|| order.cursor_columns());
        let cursor = add_all(&mut outputs, cursor.into_iter().flatten());
        if outputs.is_empty() {
            // Only `__typename` or the page position is selected, but a row needs a column.
            outputs.push(OutputColumn {
                expression: Expr::cust("1"),
                column_type: ColumnType::Int,
                alias: "present".to_owned(),
            });
        }
        let joins = Joins::new(self.select, self.load, outputs.len(), &self.conditions.joined);
        let mut statement =
            self.page(&rows.page, Selected { outputs: &outputs, order: &order, joins: &joins });
        if let Some(lock) = self.lock {
            // Locks this table only; tables of the filter are only read.
            statement.lock_with_tables(lock, [Alias::new(MAIN)]);
        }
        if let Some(written) = self.written.take() {
            statement.with_cte(written);
        }
        let mut columns: Vec<ColumnType> = outputs.into_iter().map(|output| output.column_type).collect();
        let page_side =
            matches!(rows.page, Page::Keyset { looks_outside: true, .. }).then_some(columns.len());
        columns.extend(page_side.map(|_| ColumnType::Int));
        columns.extend(joins.outputs.iter().map(|output| output.column_type.clone()));
        let slots = OutputSlots { junction, key, sort, cursor, page_side, joins: joins.slots };
        self.built(&statement, columns, slots)
    }

    fn built(
        &self,
        statement: &SelectStatement,
        columns: Vec<ColumnType>,
        slots: OutputSlots,
    ) -> SqlStatement {
        let (sql, binds) = self.select.binds.write(statement, self.select.dialect);
        let key_types = self.key_columns().into_iter().map(|output| output.column_type).collect();
        SqlStatement { sql, binds, columns: columns.into(), slots, key_types }
    }

    /// Returns the slots of the sort columns of a nested whole list, whose rows are sorted after grouping by parent. Each
    /// list is short, and the database would have to sort all.
    fn sort_slots(&self, rows: &Rows, outputs: &mut Vec<OutputColumn>) -> Vec<usize> {
        let primary_key = &self.entity.primary_key;
        let is_integer = |id: &usize| self.entity.columns[*id].column_type.is_integer();
        let is_whole_list = self.relation.is_some_and(Relation::is_many) && rows.page == Page::All;
        let is_simple =
            rows.order == OrderTerm::primary_key(self.entity) && primary_key.iter().all(is_integer);
        // A row with a cursor selects the order's values anyway.
        if !is_whole_list || !is_simple || rows.cursors {
            return Vec::new();
        }
        let slot = |id: &usize| {
            rows.columns.iter().position(|known| known == id).unwrap_or_else(|| {
                let column = &self.entity.columns[*id];
                let expression = Expr::col((MAIN, Alias::new(&column.name)));
                let (column_type, alias) = (column.column_type.clone(), format!("sort{}", outputs.len()));
                add(outputs, OutputColumn { expression, column_type, alias })
            })
        };
        primary_key.iter().map(slot).collect()
    }

    pub(super) fn aggregates(&self, aggregates: &[Aggregate]) -> SqlStatement {
        let mut statement = self.source(&Ordering::none(self.select), self.is_of_parents());
        let mut columns = Vec::new();
        for aggregate in aggregates {
            statement.expr(self.aggregate(*aggregate));
            columns.push(aggregate.column_type(self.entity));
        }
        let mut key = Vec::new();
        for output in self.key_columns() {
            let compared = self.select.dialect.compared(output.expression, &output.column_type);
            let selected = self.select.dialect.selected(compared.clone(), &output.column_type);
            statement.expr(selected).add_group_by([compared]);
            key.push(columns.len());
            columns.push(output.column_type);
        }
        self.built(&statement, columns, OutputSlots { key, ..OutputSlots::default() })
    }

    fn aggregate(&self, aggregate: Aggregate) -> Expr {
        let dialect = self.select.dialect;
        let column = |id: usize| {
            let column = &self.entity.columns[id];
            (self.select.cell(self.load.source.entity(), id, MAIN), &column.column_type)
        };
        let compared = |id: usize| {
            let (column, column_type) = column(id);
            (dialect.compared(column, column_type), column_type)
        };
        let Aggregate::OfColumn(function, id) = aggregate else { return Expr::cust("COUNT(*)") };
        match function {
            AggregateFunction::CountDistinct => compared(id).0.count_distinct(),
            AggregateFunction::Sum => dialect.sum(column(id).0, column(id).1),
            AggregateFunction::Average => dialect.average(column(id).0, column(id).1),
            AggregateFunction::Minimum => dialect.selected(compared(id).0.min(), compared(id).1),
            AggregateFunction::Maximum => dialect.selected(compared(id).0.max(), compared(id).1),
        }
    }

    /// Builds `FROM … WHERE`: the table, its junction, the joins of the order, the condition on the parents
    /// and the filter.
    pub(super) fn source(&self, order: &Ordering, parents: Option<Expr>) -> SelectStatement {
        let mut statement = Sql::select();
        statement.from(self.table.clone());
        if let (Some(relation), Some(between)) = (self.relation, &self.junction) {
            let JoinColumns { far, to, .. } = &relation.join;
            let on = meet_junction(&self.select, JUNCTION, far, MAIN, self.load.source.entity(), to);
            statement.join(JoinType::InnerJoin, between.clone(), on);
        }
        for (join, on) in &self.conditions.joins {
            statement.join(JoinType::InnerJoin, join.clone(), on.clone());
        }
        for (join, on) in &order.joins {
            statement.join(JoinType::LeftJoin, join.clone(), on.clone());
        }
        for filter in parents.into_iter().chain(self.filters.iter().cloned()) {
            statement.and_where(filter);
        }
        statement
    }

    fn own_columns(&self, rows: &Rows) -> Vec<OutputColumn> {
        let mut outputs = Vec::new();
        for id in &rows.columns {
            let column = &self.entity.columns[*id];
            let expression = self.select.cell(self.load.source.entity(), *id, MAIN);
            outputs.push(OutputColumn {
                expression: self.select.dialect.selected(expression, &column.column_type),
                column_type: column.column_type.clone(),
                alias: format!("column{}", outputs.len()),
            });
        }
        outputs
    }

    fn junction_columns(&self, rows: &Rows) -> Vec<OutputColumn> {
        let junction = self.relation.and_then(|relation| relation.junction.as_ref()?.entity);
        let Some(junction) = junction else { return Vec::new() };
        let output = |(index, id): (usize, &usize)| {
            let column = &self.select.model.entities[junction].columns[*id];
            let expression = self.select.cell(junction, *id, JUNCTION);
            OutputColumn {
                expression: self.select.dialect.selected(expression, &column.column_type),
                column_type: column.column_type.clone(),
                alias: format!("column{}", rows.columns.len() + index),
            }
        };
        rows.junction_columns.iter().enumerate().map(output).collect()
    }

    /// Returns the slots of the parent's key; adds missing columns.
    fn key_slots(&self, rows: &Rows, outputs: &mut Vec<OutputColumn>) -> Vec<usize> {
        let Some(relation) = self.relation else { return Vec::new() };
        let mut slots = Vec::new();
        for (index, output) in self.key_columns().into_iter().enumerate() {
            // Behind a junction the key is the junction's, which may have more columns than the target's.
            let is_key = |known: &usize| relation.junction.is_none() && *known == relation.join.to[index];
            slots.push(rows.columns.iter().position(is_key).unwrap_or_else(|| {
                let expression = self.select.dialect.selected(output.expression, &output.column_type);
                add(outputs, OutputColumn { expression, ..output })
            }));
        }
        slots
    }

    /// Returns the columns of the parent's key: the junction's, or the target's own.
    pub(super) fn key_columns(&self) -> Vec<OutputColumn> {
        let Some(relation) = self.relation else { return Vec::new() };
        let owner = self.load.relation.map_or(self.entity, |(owner, _)| &self.select.model.entities[owner]);
        let join = &relation.join;
        let place = |index: usize| match &relation.junction {
            // Keys of a junction without an entity are assumed to have the types of the referenced columns.
            Some(junction) => {
                let entity = junction.entity.map(|id| &self.select.model.entities[id]);
                let own =
                    entity.and_then(|entity| Some(&entity.columns[entity.column_named(&join.near[index])?]));
                let column_type = own.unwrap_or(&owner.columns[join.from[index]]).column_type.clone();
                (Expr::col((JUNCTION, Alias::new(&join.near[index]))), column_type)
            }
            None => {
                let column = &self.entity.columns[join.to[index]];
                (Expr::col((MAIN, Alias::new(&column.name))), column.column_type.clone())
            }
        };
        (0..join.from.len())
            .map(|index| {
                let (expression, column_type) = place(index);
                OutputColumn { expression, column_type, alias: format!("key{index}") }
            })
            .collect()
    }
}

/// Returns the relations in the load's filter that may become joins. None if the rows are limited in a
/// sub-select, because the filter is then in an inner scope.
///
/// On SQLite all to-one relations qualify if the filter alone decides where to start. The first rows of a
/// list, or the rows of a few parents, are found faster from their own table. SQLite does not know that they
/// are few.
fn joinable<'a>(select: &SqlBuilder, load: &'a Load) -> Option<Joinable<'a>> {
    let is_root = load.relation.is_none();
    let page = match &load.what {
        LoadKind::Rows(rows) => &rows.page,
        LoadKind::Aggregates(_) => &Page::All,
    };
    match (select.dialect.features().filter_joins, page) {
        _ if select.limits_before_join(load) => None,
        (FilterJoins::WholeLists, Page::All) if is_root => Some(Joinable::All),
        (FilterJoins::LoadedRelations, Page::All) => Some(Joinable::Loaded(load.children())),
        (FilterJoins::LoadedRelations, Page::Slice { .. }) if is_root => {
            Some(Joinable::Loaded(load.children()))
        }
        _ => None,
    }
}
