//! Maps the database's refusals to errors that name entity and fields, alike on every database.

use sea_orm::Value;

use super::naming::{Named, fields, foreign_key_violation};
use super::unfit;
use super::writer::{MutationWriter, RowInput, has_null, values_of};
use crate::database::{SQLITE_FULL, SqlError, SqlRefusal};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::model::{ColumnId, ColumnType, Declaration, EntityId, Relation};

/// Attempted write of a statement.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    /// Entity of the written table.
    pub entity: EntityId,
    /// Written values that may have been refused.
    pub rows: &'a [RowInput],
    /// Changed rows of an update: columns, and their previous values.
    pub at: Option<(&'a [ColumnId], &'a [Vec<Value>])>,
    /// Links of written junction rows.
    pub link: Option<&'a Linked>,
    /// Input path of each row; empty for rows from elsewhere.
    pub paths: &'a [String],
}

/// Links of a many-to-many relation.
#[derive(Clone, Debug)]
pub(super) struct Linked {
    /// Entity that has the relation.
    pub owner: EntityId,
    /// The relation.
    pub relation: Relation,
    /// Keys of the rows at the far end.
    pub targets: Vec<Vec<Value>>,
}

impl Linked {
    fn is_over(&self, table: &str) -> bool {
        self.relation.junction.as_ref().is_some_and(|junction| junction.table.name == table)
    }
}

impl<'a> Attempt<'a> {
    /// Creates an attempt that changes no referenced key.
    pub fn of(entity: EntityId, rows: &'a [RowInput]) -> Self {
        Self { entity, rows, at: None, link: None, paths: &[] }
    }
}

/// Kind of the violated constraint.
enum Broken {
    Unique,
    ForeignKey,
    NotNull,
    Check,
}

impl Broken {
    /// Returns the kind for PostgreSQL's SQLSTATE (appendix A of its manual), or SQLite's extended result
    /// code.
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

/// Returns true if a statement was refused because of a foreign key.
pub(super) fn is_foreign_key_violation(error: &SqlError) -> bool {
    let broken = error.refusal().and_then(|refusal| Broken::of(&refusal.code));
    matches!(broken, Some(Broken::ForeignKey))
}

impl MutationWriter<'_> {
    /// Builds the error of a refused statement, which ends the operation.
    pub async fn refusal(&self, error: SqlError, attempt: Attempt<'_>) -> Error {
        let Some(refusal) = error.refusal() else { return error.into() };
        let Some(broken) = Broken::of(&refusal.code) else {
            if refusal.code == SQLITE_FULL
                && let Some(error) = self.exhausted(attempt).await
            {
                return error;
            }
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

    /// Builds the error of a refused COMMIT, which cannot name the field.
    pub async fn refusal_at_the_end(&self, error: SqlError) -> Error {
        match self.session.dialect() {
            Dialect::Sqlite if is_foreign_key_violation(&error) => Error::foreign_key_violation("", ""),
            _ => self.refusal(error, Attempt::of(0, &[])).await,
        }
    }

    /// Decodes SQLite's messages: `UNIQUE constraint failed: profiles.user_id`, `NOT NULL constraint failed:
    /// posts.title`, `CHECK constraint failed: name`, and `FOREIGN KEY constraint failed` without a name.
    async fn describe_sqlite(&self, broken: &Broken, message: &str, attempt: Attempt<'_>) -> Result<Error> {
        let named = message.split_once("failed: ").map_or("", |(_, named)| named);
        let (mut table, mut columns) = ("", Vec::new());
        for (of, column) in named.split(", ").filter_map(|column| column.rsplit_once('.')) {
            table = of;
            columns.push(column.to_owned());
        }
        match broken {
            Broken::ForeignKey => self.find_dangling(attempt).await,
            Broken::Check => Ok(self.describe(broken, "", &[], named, attempt)),
            Broken::Unique | Broken::NotNull => Ok(self.describe(broken, table, &columns, named, attempt)),
        }
    }

    async fn describe_postgres(
        &self,
        broken: &Broken,
        refusal: &SqlRefusal,
        attempt: Attempt<'_>,
    ) -> Result<Error> {
        let SqlRefusal { table, column, constraint, .. } = refusal;
        let columns = match broken {
            Broken::Unique => self.postgres_columns(UNIQUE_COLUMNS, table, constraint).await?,
            Broken::ForeignKey => self.postgres_columns(FOREIGN_COLUMNS, table, constraint).await?,
            Broken::NotNull => vec![column.clone()],
            Broken::Check => Vec::new(),
        };
        Ok(self.describe(broken, table, &columns, constraint, attempt))
    }

    /// Builds the error of a constraint over these columns of a table. A hidden junction is reported as the
    /// list written through it.
    fn describe(
        &self,
        broken: &Broken,
        table: &str,
        columns: &[String],
        constraint: &str,
        attempt: Attempt<'_>,
    ) -> Error {
        if let Broken::ForeignKey = broken {
            let attempted = &self.model().entities[attempt.entity];
            let link = attempt.link.filter(|link| !self.is_exposed(table) && link.is_over(table));
            let named = match link {
                Some(link) => Some(self.name_of(link)),
                None => self.key_named(table, columns),
            };
            return foreign_key_violation(named.unwrap_or_else(|| (attempted.name.clone(), None)));
        }
        let written = self.entity_of(table).or((table.is_empty()).then_some(attempt.entity));
        let (name, fields) = match (written, attempt.link) {
            (Some(id), _) if self.model().entities[id].exposed => {
                let entity = &self.model().entities[id];
                let columns: Vec<ColumnId> =
                    columns.iter().filter_map(|name| entity.column_named(name)).collect();
                (entity.name.clone(), fields(entity, &columns))
            }
            (_, Some(link)) => {
                let (entity, field) = self.name_of(link);
                (entity, field.into_iter().collect())
            }
            _ => (self.model().entities[attempt.entity].name.clone(), Vec::new()),
        };
        let field = fields.first().map_or("", String::as_str);
        match broken {
            Broken::Unique => Error::unique_violation(&name, &fields),
            Broken::ForeignKey => Error::foreign_key_violation(&name, field),
            Broken::NotNull => Error::not_null_violation(&name, field),
            Broken::Check => Error::check_violation(&name, constraint),
        }
    }

    fn entity_of(&self, table: &str) -> Option<EntityId> {
        self.model().entities.iter().position(|entity| entity.table.name == table)
    }

    fn is_exposed(&self, table: &str) -> bool {
        self.entity_of(table).is_some_and(|id| self.model().entities[id].exposed)
    }

    /// Builds the error of a link to a missing row.
    pub fn link_error(&self, link: &Linked) -> Error {
        let junction = link.relation.junction.as_ref();
        let of_junction = junction.filter(|junction| self.is_exposed(&junction.table.name));
        let named = of_junction.and_then(|junction| self.key_named(&junction.table.name, &junction.to));
        foreign_key_violation(named.unwrap_or_else(|| self.name_of(link)))
    }

    fn name_of(&self, link: &Linked) -> Named {
        (self.model().entities[link.owner].name.clone(), Some(link.relation.field.clone()))
    }

    /// Returns the columns of a constraint. The transaction is lost after the error, so this query runs
    /// outside. Its connection is freed first, because clients that hold one connection and wait for a second
    /// would deadlock.
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

    /// Finds the written key that references a missing row.
    async fn find_dangling(&self, attempt: Attempt<'_>) -> Result<Error> {
        let entity = &self.model().entities[attempt.entity];
        for relation in
            entity.relations.iter().filter(|relation| relation.declaration == Declaration::BelongsTo)
        {
            let complete = |row: &&RowInput| relation.from.iter().all(|column| row.contains_key(column));
            let keys: Vec<Vec<Value>> = attempt
                .rows
                .iter()
                .filter(complete)
                .map(|row| values_of(row, &relation.from))
                .filter(|key| !has_null(key))
                .collect();
            if !self.missing_keys(relation.target, &relation.to, keys).await?.is_empty() {
                let columns = relation.from.iter().map(|id| entity.columns[*id].name.clone());
                let columns: Vec<String> = columns.collect();
                return Ok(self.describe(&Broken::ForeignKey, &entity.table.name, &columns, "", attempt));
            }
        }
        if let Some(link) = attempt.link {
            let Linked { relation, targets, .. } = link;
            if !self.missing_keys(relation.target, &relation.to, targets.clone()).await?.is_empty() {
                return Ok(self.link_error(link));
            }
        }
        // No written key is dangling: other rows reference the previous key.
        let mut pointing = self.find_pointing(attempt).await?;
        if pointing.is_none() && attempt.at.is_some() {
            self.session.statements().renew_foreign_keys().await?;
            pointing = self.find_pointing(attempt).await?;
        }
        Ok(pointing.unwrap_or_else(|| Error::foreign_key_violation(&entity.name, "")))
    }

    /// Finds the reference that restricts the attempted change of a key.
    async fn find_pointing(&self, attempt: Attempt<'_>) -> Result<Option<Error>> {
        let Some((by, keys)) = attempt.at else { return Ok(None) };
        let is_changed = |column: &ColumnId| attempt.rows.iter().any(|row| row.contains_key(column));
        let references = self.references(attempt.entity);
        for reference in references.iter().filter(|known| known.enforced && known.to.iter().any(is_changed)) {
            let Some(child) = reference.child.filter(|_| !reference.follows_updates) else { continue };
            let before = self.find(attempt.entity, &reference.to, by, keys).await?;
            let before: Vec<Vec<Value>> = before.iter().map(|row| values_of(row, &reference.to)).collect();
            if !self.find(child, &reference.from, &reference.from, &before).await?.is_empty() {
                return Ok(Some(self.dangling(child, reference)));
            }
        }
        Ok(None)
    }
}

/// Columns of a unique index, by table and name.
const UNIQUE_COLUMNS: &str = "SELECT c.attname::text FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid
    JOIN pg_class t ON t.oid = x.indrelid JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = ANY(x.indkey)
    WHERE t.relname = $1 AND i.relname = $2 ORDER BY array_position(x.indkey::int2[], c.attnum)";

/// Columns of a foreign key, by table and name.
const FOREIGN_COLUMNS: &str =
    "SELECT c.attname::text FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
    JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = ANY(k.conkey)
    WHERE t.relname = $1 AND k.conname = $2 ORDER BY array_position(k.conkey, c.attnum)";
