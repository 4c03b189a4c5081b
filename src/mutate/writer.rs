//! Shared operations of all writes: sending, finding rows by key, resolving links.

use std::collections::{BTreeMap, HashMap};

use sea_orm::Value;
use sea_orm::sea_query::LockType;

use super::attempt::Attempt;
use super::change::{Create, ForwardLink, UniqueKeyInput};
use super::constraint::refusal;
use super::lookup::readable;
use super::purpose::Purpose;
use super::row::{RowInput, compared, key_of, rows_of, values_of};
use super::statement::{WriteStatement, Writes};
use super::touched;
use super::trial::Trial;
use super::written::WrittenRows;
use crate::database::{RowSet, SqlError};
use crate::error::{Error, Result};
use crate::execute::Session;
use crate::model::{ColumnId, EntityId, Model, Relation, RelationId, Table};

/// Writer inside one transaction.
#[derive(Clone, Copy)]
pub(super) struct MutationWriter<'a> {
    /// Session with full sight. Rows that clients name are looked up through [`Session::viewer`].
    pub session: &'a Session,
    /// Trial of an operation whose COMMIT was refused, to find the cause.
    pub trial: Option<&'a Trial>,
    /// Rows that the operation has written.
    pub written: &'a WrittenRows,
}

impl<'a> MutationWriter<'a> {
    pub fn model(&self) -> &'a Model {
        self.session.model()
    }

    /// Returns true if the rules of a role apply.
    pub fn is_ruled(&self) -> bool {
        self.session.viewer().sight().is_some()
    }

    pub fn writes(&self) -> Writes<'a> {
        Writes {
            model: self.session.model(),
            dialect: self.session.dialect(),
            keys: self.session.statements().foreign_keys(),
        }
    }

    /// Returns the tables that a statement may change which touches these: all tables, if triggers, rules and the like may write
    /// any.
    pub fn with_triggered(&self, touched: &[Table]) -> Vec<Table> {
        match touched.iter().all(|table| self.is_plain(table)) {
            true => touched.to_vec(),
            false => touched::every(self.model()),
        }
    }

    /// Sends a statement that writes, and counts its rows.
    ///
    /// # Errors
    /// The refusal by the database.
    pub async fn try_to(&self, write: WriteStatement) -> Result<RowSet, SqlError> {
        let WriteStatement { own, statement, columns, touches, inserted } = write;
        self.session.statements().touch(self.with_triggered(&touches));
        let is_counted = !columns.is_empty();
        let rows = self.session.statements().write(statement, columns.into()).await?;
        self.written.count(&touches, &own, inserted.or(is_counted.then(|| rows.len())));
        Ok(rows)
    }

    /// Sends a statement that writes; a refusal becomes the error of `attempt`.
    pub async fn send(&self, write: WriteStatement, attempt: Attempt<'_>) -> Result<RowSet> {
        if let Some(trial) = self.trial {
            Box::pin(trial.note_moves(self.session, attempt)).await?;
        }
        match self.try_to(write).await {
            Ok(rows) => {
                if let Some(trial) = self.trial {
                    trial.wrote(attempt);
                }
                readable(self.session, attempt.entity, rows)
            }
            Err(error) => Err(Box::pin(refusal(self.session, error, attempt)).await),
        }
    }

    /// Returns the columns `wanted` of the rows whose columns `by` match one of `keys`. The rows stay locked,
    /// and thus unchanged, until the end of the transaction.
    pub async fn lock(
        &self,
        id: EntityId,
        wanted: &[ColumnId],
        by: &[ColumnId],
        keys: &[Vec<Value>],
        lock: LockType,
    ) -> Result<Vec<RowInput>> {
        let write = self.writes().lock(id, by, keys, lock, wanted);
        let locked = self.send(write, Attempt::of(id, &[])).await?;
        self.session.statements().count_rows(locked.len())?;
        Ok(rows_of(&locked, wanted))
    }

    /// Returns the columns `wanted` of the rows named by `keys`, in order. Keys over these columns themselves
    /// are not looked up, unless the viewer may not see all rows: the database's constraint checks them.
    pub async fn resolve(
        &self,
        id: EntityId,
        keys: &[&UniqueKeyInput],
        wanted: &[ColumnId],
    ) -> Result<Vec<Vec<Value>>> {
        let mut by_columns: HashMap<&[ColumnId], Vec<Vec<Value>>> = HashMap::new();
        let is_known =
            |key: &UniqueKeyInput| key.columns == wanted && !self.is_narrowed(id, Purpose::Link, wanted);
        for key in keys.iter().filter(|key| !is_known(key)) {
            by_columns.entry(&key.columns).or_default().push(key.values.clone());
        }
        let entity = &self.model().entities[id];
        let mut found: HashMap<(&[ColumnId], Vec<Value>), Vec<Value>> = HashMap::new();
        for (columns, values) in by_columns {
            let all: Vec<ColumnId> = columns.iter().chain(wanted).copied().collect();
            // The lock keeps the key unchanged, and the row present, until the write.
            for row in self.named(Purpose::Link, id, &all, columns, &values).await? {
                found.insert((columns, key_of(entity, &row, columns)), values_of(&row, wanted));
            }
        }
        let resolve = |key: &&UniqueKeyInput| {
            if is_known(key) {
                return Ok(key.values.clone());
            }
            let wanted = compared(entity, &key.columns, &key.values);
            found.get(&(key.columns.as_slice(), wanted)).cloned().ok_or_else(|| self.missing(id, key))
        };
        keys.iter().map(resolve).collect()
    }

    /// Resolves the forward links of rows, and sets the key columns.
    pub async fn follow(
        &self,
        id: EntityId,
        links: Vec<&[(RelationId, ForwardLink)]>,
        rows: &mut [RowInput],
    ) -> Result<()> {
        let mut by_relation: BTreeMap<RelationId, Vec<(usize, &ForwardLink)>> = BTreeMap::new();
        for (index, links) in links.into_iter().enumerate() {
            for (relation, link) in links {
                by_relation.entry(*relation).or_default().push((index, link));
            }
        }
        for (relation_id, links) in by_relation {
            let relation = &self.model().entities[id].relations[relation_id];
            let mut creates: Vec<(usize, &Create)> = Vec::new();
            let mut keys: Vec<(usize, &UniqueKeyInput)> = Vec::new();
            for (index, link) in links {
                match link {
                    ForwardLink::Null => self.unlink(id, relation, &mut rows[index]),
                    ForwardLink::Create(create) => creates.push((index, create)),
                    ForwardLink::Key(key) => keys.push((index, key)),
                }
            }
            let (indexes, creates): (Vec<usize>, Vec<&Create>) = creates.into_iter().unzip();
            let creates = creates.into_iter().map(|create| (create, RowInput::default())).collect();
            let created = self.create(relation.target, creates, Some(&relation.to), None).await?;
            for (index, target) in indexes.into_iter().zip(created) {
                self.assign(id, relation_id, &mut rows[index], values_of(&target, &relation.to))?;
            }
            let named: Vec<&UniqueKeyInput> = keys.iter().map(|(_, key)| *key).collect();
            let targets = self.resolve(relation.target, &named, &relation.to).await?;
            for ((index, _), values) in keys.iter().zip(targets) {
                self.assign(id, relation_id, &mut rows[*index], values)?;
            }
        }
        Ok(())
    }

    /// Unsets a relation. A composite key may share columns with another relation; its nullable columns
    /// become NULL.
    fn unlink(&self, id: EntityId, relation: &Relation, row: &mut RowInput) {
        for column in &relation.from {
            let described = &self.model().entities[id].columns[*column];
            if described.nullable {
                row.insert(*column, described.column_type.null());
            }
        }
    }

    fn assign(
        &self,
        id: EntityId,
        relation: RelationId,
        row: &mut RowInput,
        values: Vec<Value>,
    ) -> Result<()> {
        let entity = &self.model().entities[id];
        for (column, value) in entity.relations[relation].from.iter().zip(values) {
            let known = row.insert(*column, value.clone());
            let column_type = &entity.columns[*column].column_type;
            if known.is_some_and(|known| column_type.normalize_key(known) != column_type.normalize_key(value))
            {
                let field = &entity.relations[relation].field;
                let expected =
                    format!("two relations set {} to different values", entity.columns[*column].name);
                return Err(Error::bad_input(field, serde_json::Value::Null, expected));
            }
        }
        Ok(())
    }

    /// Builds the error of a key that names no row.
    pub fn missing(&self, id: EntityId, key: &UniqueKeyInput) -> Error {
        self.no_row(id, &key.columns, &key.values)
    }

    /// Builds the error of columns whose values no row has.
    pub fn no_row(&self, id: EntityId, columns: &[ColumnId], values: &[Value]) -> Error {
        Error::not_found(&self.model().entities[id].name, self.key_json(id, columns, values))
    }

    /// Builds the error of a key that names no row of a list.
    pub fn not_in_list(&self, id: EntityId, key: &UniqueKeyInput) -> Error {
        Error::not_in_list(&self.model().entities[id].name, self.key_json(id, &key.columns, &key.values))
    }

    /// Returns a key as errors show it.
    pub fn key_json(&self, id: EntityId, columns: &[ColumnId], values: &[Value]) -> serde_json::Value {
        let entity = &self.model().entities[id];
        let field = |(column, value): (&ColumnId, &Value)| {
            let column = &entity.columns[*column];
            let json = column.column_type.write(value, self.model().variants(&column.column_type));
            (column.field.clone(), json.unwrap_or_default())
        };
        columns.iter().zip(values).map(field).collect::<serde_json::Map<_, _>>().into()
    }
}
