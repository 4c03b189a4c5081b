//! The database's refusals, as errors that name entity and fields: the same on every database.

use sea_orm::Value;

use super::unfit;
use super::writer::{Row, Writer, has_null, key_of, values_of};
use crate::error::{Error, Result};
use crate::execute::{Refusal, SqlError};
use crate::model::{ColumnId, ColumnType, Declaration, Entity, EntityId, Relation, normalize_key};
use crate::plan::Dialect;

/// What a statement tried to write.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    /// Into which table.
    pub entity: EntityId,
    /// The values, where they may have been refused.
    pub rows: &'a [Row],
    /// Of a change, which rows it was for: columns, and their values before.
    pub at: Option<(&'a [ColumnId], &'a [Vec<Value>])>,
    /// Where each row stands in the input; none where it comes from elsewhere.
    pub paths: &'a [String],
}

impl<'a> Attempt<'a> {
    /// One that changes no key that others may point at.
    pub fn of(entity: EntityId, rows: &'a [Row]) -> Self {
        Self { entity, rows, at: None, paths: &[] }
    }
}

/// Which kind of constraint was broken.
enum Broken {
    Unique,
    ForeignKey,
    NotNull,
    Check,
}

impl Broken {
    /// PostgreSQL's SQLSTATE (appendix A of its manual), or SQLite's extended result code.
    fn of(code: &str) -> Option<Self> {
        Some(match code {
            "23505" | "1555" | "2067" => Self::Unique,
            "23503" | "23001" | "787" | "1811" => Self::ForeignKey,
            "23502" | "1299" => Self::NotNull,
            "23514" | "275" => Self::Check,
            _ => return None,
        })
    }
}

/// Whether a statement was refused for rows that point at others.
pub(super) fn is_foreign_key_violation(error: &SqlError) -> bool {
    let broken = error.refusal().and_then(|refusal| Broken::of(&refusal.code));
    matches!(broken, Some(Broken::ForeignKey))
}

impl Writer<'_> {
    /// The error of a statement that the database refused; the operation ends with it.
    pub async fn refusal(&self, error: SqlError, attempt: Attempt<'_>) -> Error {
        let Some(refusal) = error.refusal() else { return error.into() };
        let Some(broken) = Broken::of(&refusal.code) else {
            let described = match unfit::is_of_values(refusal) {
                true => self.describe_unfit(refusal, attempt).await,
                false => return error.into(),
            };
            return described.unwrap_or_else(|fault| fault);
        };
        let described = match self.session.dialect() {
            Dialect::Sqlite => self.describe_sqlite(&broken, &refusal.message, attempt).await,
            Dialect::Postgres => self.describe_postgres(&broken, refusal, attempt).await,
        };
        described.unwrap_or_else(|fault| fault)
    }

    /// SQLite's messages: `UNIQUE constraint failed: profiles.user_id`, `NOT NULL constraint failed: posts.title`,
    /// `CHECK constraint failed: name`, and `FOREIGN KEY constraint failed`, which names nothing.
    async fn describe_sqlite(&self, broken: &Broken, message: &str, attempt: Attempt<'_>) -> Result<Error> {
        let named = message.split_once("failed: ").map_or("", |(_, named)| named);
        let columns: Vec<&str> =
            named.split(", ").map(|column| column.rsplit('.').next().unwrap_or(column)).collect();
        let table = named.split('.').next().unwrap_or_default();
        let entity = self.entity_of(table).unwrap_or(attempt.entity);
        match broken {
            Broken::ForeignKey => self.find_dangling(attempt).await,
            other => Ok(self.describe(other, entity, &columns, named)),
        }
    }

    async fn describe_postgres(
        &self,
        broken: &Broken,
        refusal: &Refusal,
        attempt: Attempt<'_>,
    ) -> Result<Error> {
        let Refusal { table, column, constraint, .. } = refusal;
        let entity = self.entity_of(table).unwrap_or(attempt.entity);
        let columns = match broken {
            Broken::Unique => self.postgres_columns(UNIQUE_COLUMNS, table, constraint).await?,
            Broken::ForeignKey => self.postgres_columns(FOREIGN_COLUMNS, table, constraint).await?,
            Broken::NotNull => vec![column.clone()],
            Broken::Check => Vec::new(),
        };
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        Ok(self.describe(broken, entity, &columns, constraint))
    }

    fn describe(&self, broken: &Broken, id: EntityId, columns: &[&str], constraint: &str) -> Error {
        let entity = &self.model().entities[id];
        let columns: Vec<ColumnId> = columns.iter().filter_map(|name| entity.column_named(name)).collect();
        let fields = fields(entity, &columns);
        let field = fields.first().map_or("", String::as_str);
        match broken {
            Broken::Unique => Error::unique_violation(&entity.name, &fields),
            Broken::ForeignKey => Error::foreign_key_violation(&entity.name, field),
            Broken::NotNull => Error::not_null_violation(&entity.name, field),
            Broken::Check => Error::check_violation(&entity.name, constraint),
        }
    }

    fn entity_of(&self, table: &str) -> Option<EntityId> {
        self.model().entities.iter().position(|entity| entity.table.name == table)
    }

    /// The columns of a constraint. The transaction is lost after an error: this is asked outside it, and not before
    /// its connection is free, since clients that all hold one and wait for a second would wait for each other.
    async fn postgres_columns(&self, sql: &str, table: &str, constraint: &str) -> Result<Vec<String>> {
        self.session.statements().rollback().await?;
        let values = vec![Value::from(table), Value::from(constraint)];
        let names = self.session.statements().ask(sql, values, [ColumnType::Text].into()).await?;
        let name = |index| match names.row(index).value(0) {
            Value::String(name) => name,
            _ => None,
        };
        Ok((0..names.len()).filter_map(name).collect())
    }

    /// Which of the keys that were to be written points at nothing.
    async fn find_dangling(&self, attempt: Attempt<'_>) -> Result<Error> {
        let entity = &self.model().entities[attempt.entity];
        for relation in
            entity.relations.iter().filter(|relation| relation.declaration == Declaration::BelongsTo)
        {
            let complete = |row: &&Row| relation.from.iter().all(|column| row.contains_key(column));
            let keys: Vec<Vec<Value>> = attempt
                .rows
                .iter()
                .filter(complete)
                .map(|row| values_of(row, &relation.from))
                .filter(|key| !has_null(key))
                .collect();
            let found = self.find(relation.target, &relation.to, &relation.to, &keys).await?;
            let found: Vec<Vec<Value>> = found.iter().map(|row| key_of(row, &relation.to)).collect();
            let is_dangling =
                |key: &Vec<Value>| !found.contains(&key.iter().cloned().map(normalize_key).collect());
            if keys.iter().any(is_dangling) {
                return Ok(Error::foreign_key_violation(&entity.name, &relation.field));
            }
        }
        // Nothing given points at nothing: others point at what was there before.
        let pointing = self.find_pointing(attempt).await?;
        Ok(pointing.unwrap_or_else(|| Error::foreign_key_violation(&entity.name, "")))
    }

    /// Which relation holds a key fast that the attempt would have changed.
    async fn find_pointing(&self, attempt: Attempt<'_>) -> Result<Option<Error>> {
        let Some((by, keys)) = attempt.at else { return Ok(None) };
        for (child, entity) in self.model().entities.iter().enumerate() {
            let is_changed = |column: &ColumnId| attempt.rows.iter().any(|row| row.contains_key(column));
            let holds_fast = |relation: &&Relation| {
                relation.declaration == Declaration::BelongsTo
                    && relation.enforced
                    && relation.on_update.restricts()
                    && relation.target == attempt.entity
                    && relation.to.iter().any(is_changed)
            };
            for relation in entity.relations.iter().filter(holds_fast) {
                let before = self.find(attempt.entity, &relation.to, by, keys).await?;
                let before: Vec<Vec<Value>> = before.iter().map(|row| values_of(row, &relation.to)).collect();
                if !self.find(child, &relation.from, &relation.from, &before).await?.is_empty() {
                    return Ok(Some(Error::foreign_key_violation(&entity.name, &relation.field)));
                }
            }
        }
        Ok(None)
    }
}

/// The columns of a unique index, by table and name.
const UNIQUE_COLUMNS: &str = "SELECT c.attname::text FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid
    JOIN pg_class t ON t.oid = x.indrelid JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = ANY(x.indkey)
    WHERE t.relname = $1 AND i.relname = $2 ORDER BY array_position(x.indkey::int2[], c.attnum)";

/// The columns of a foreign key, by table and name.
const FOREIGN_COLUMNS: &str =
    "SELECT c.attname::text FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
    JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = ANY(k.conkey)
    WHERE t.relname = $1 AND k.conname = $2 ORDER BY array_position(k.conkey, c.attnum)";

/// Columns as the schema speaks of them: those of a relation's key as the relation.
pub(super) fn fields(entity: &Entity, columns: &[ColumnId]) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for column in columns {
        let of_relation = entity.relations_of_column(*column).next();
        let field = of_relation.map_or(&entity.columns[*column].field, |(_, relation)| &relation.field);
        if !fields.contains(field) {
            fields.push(field.clone());
        }
    }
    fields
}
