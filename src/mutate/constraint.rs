//! Maps the database's refusals to errors that name entity and fields, alike on every database.

use sea_orm::Value;

use super::attempt::{Attempt, Linked};
use super::concealed::{concealed, hides_conflict};
use super::exhausted::exhausted;
use super::lookup::{find, missing_keys, references_to};
use super::naming::{Named, dangling, entity_of, fields, foreign_key_violation, key_named};
use super::row::{RowInput, has_null, values_of};
use super::unfit;
use crate::database::{SQLITE_FULL, SqlError, SqlRefusal, has_check_named};
use crate::dialect::RefusalForm;
use crate::error::{Error, Result};
use crate::execute::Session;
use crate::model::{ColumnId, ColumnType, Declaration, Model, Table};

/// Kind of the violated constraint.
enum Broken {
    Unique,
    ForeignKey,
    NotNull,
    Check,
    Exclusion,
    /// Rule in code of the database: a trigger raised an error, or a view has a check option.
    Rule,
}

/// Message of SQLite for foreign keys, whose actions are triggers with the result code of all triggers.
const SQLITE_FOREIGN_KEY: &str = "FOREIGN KEY constraint failed";

/// Classes of PostgreSQL's own SQLSTATEs (appendix A of its manual). Functions raise P0001 and any other class.
const SERVER_CLASSES: [&str; 43] = [
    "00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "23",
    "24", "25", "26", "27", "28", "2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "40", "42", "44",
    "53", "54", "55", "57", "58", "72", "F0", "HV", "XX",
];

/// PostgreSQL's code for a row that the check option of a view refuses.
const CHECK_OPTION: &str = "44000";

/// PostgreSQL's code for what it cannot do, such as to return the rows that a rule writes instead. All written tables accept what
/// the service sends.
const UNSUPPORTED: &str = "0A000";

/// Returns true if a function of the database made up the SQLSTATE.
fn is_of_function(code: &str) -> bool {
    code.len() == 5 && code.get(..2).is_some_and(|class| !SERVER_CLASSES.contains(&class))
}

impl Broken {
    /// Returns the kind for PostgreSQL's SQLSTATE (appendix A of its manual), or SQLite's extended result
    /// code.
    fn of(refusal: &SqlRefusal) -> Option<Self> {
        Some(match refusal.code.as_str() {
            "23505" | "1555" | "2067" => Self::Unique,
            "1811" if refusal.message != SQLITE_FOREIGN_KEY => Self::Rule,
            "23503" | "23001" | "787" | "1811" => Self::ForeignKey,
            "23502" | "1299" => Self::NotNull,
            "23514" | "275" => Self::Check,
            "23P01" => Self::Exclusion,
            CHECK_OPTION => Self::Rule,
            UNSUPPORTED if !refusal.is_of_stale_statement() => Self::Rule,
            code if is_of_function(code) => Self::Rule,
            _ => return None,
        })
    }
}

/// Returns true if a statement was refused because of a foreign key.
pub(super) fn is_foreign_key_violation(error: &SqlError) -> bool {
    let broken = error.refusal().and_then(Broken::of);
    matches!(broken, Some(Broken::ForeignKey))
}

/// Returns true if a trial may find the root field that made COMMIT fail.
pub(super) fn is_found_by_trial(error: &SqlError) -> bool {
    let broken = error.refusal().and_then(Broken::of);
    matches!(broken, Some(Broken::ForeignKey | Broken::Unique))
}

/// Builds the error of written rows that share a unique key with another row.
pub(super) async fn not_unique(session: &Session, attempt: Attempt<'_>, key: &[ColumnId]) -> Result<Error> {
    let refused = RefusedStatement { session, attempt };
    let entity = &session.model().entities[attempt.entity];
    let columns = key.iter().map(|id| entity.columns[*id].name.clone()).collect();
    let columns = refused.told(&Broken::Unique, &entity.table, columns).await?;
    Ok(refused.describe(&Broken::Unique, &entity.table, &columns, ""))
}

/// Builds the error of a refused statement, which ends the operation.
pub(super) async fn refusal(session: &Session, error: SqlError, attempt: Attempt<'_>) -> Error {
    let Some(refusal) = error.refusal() else { return error.into() };
    let Some(broken) = Broken::of(refusal) else {
        if refusal.code == SQLITE_FULL
            && let Some(error) = exhausted(session, attempt).await
        {
            return error;
        }
        let described = match unfit::is_of_values(refusal) {
            true => unfit::describe(session, refusal, attempt).await,
            false => return error.into(),
        };
        return described.unwrap_or_else(|fault| fault);
    };
    let refused = RefusedStatement { session, attempt };
    let described = match session.dialect().features().refusal {
        RefusalForm::Columns => refused.describe_by_message(&broken, &refusal.message).await,
        RefusalForm::Constraint => refused.describe_by_constraint(&broken, refusal).await,
    };
    match described {
        Ok(error) => concealed(session, error, attempt).await.unwrap_or_else(|fault| fault),
        Err(fault) => fault,
    }
}

/// Builds the error of a refused COMMIT, which cannot name the field.
pub(super) async fn refusal_at_the_end(session: &Session, error: SqlError) -> Error {
    let refused = error.refusal().map(|refusal| (Broken::of(refusal), refusal));
    match (session.dialect().features().refusal, refused) {
        (RefusalForm::Columns, Some((Some(Broken::ForeignKey), _))) => Error::foreign_key_violation("", ""),
        (_, Some((Some(Broken::Rule), refusal))) if refusal.table.is_empty() => {
            Error::rule_violation("", &refusal.constraint).caused_by(&error)
        }
        _ => refusal(session, error, Attempt::of(0, &[])).await,
    }
}

/// Statement that a constraint refused.
struct RefusedStatement<'a> {
    session: &'a Session,
    attempt: Attempt<'a>,
}

impl RefusedStatement<'_> {
    fn model(&self) -> &Model {
        self.session.model()
    }

    /// Returns the model whose names the error may show.
    fn names(&self) -> &Model {
        self.session.viewer().model()
    }

    /// Decodes SQLite's messages: `UNIQUE constraint failed: profiles.user_id`, `NOT NULL constraint failed:
    /// posts.title`, `CHECK constraint failed: name`, and `FOREIGN KEY constraint failed` without a name.
    async fn describe_by_message(&self, broken: &Broken, message: &str) -> Result<Error> {
        let named = message.split_once("failed: ").map_or("", |(_, named)| named);
        let (mut table, mut columns) = ("", Vec::new());
        for (of, column) in named.split(", ").filter_map(|column| column.rsplit_once('.')) {
            table = of;
            columns.push(column.to_owned());
        }
        match broken {
            Broken::ForeignKey => self.find_dangling().await,
            Broken::Check | Broken::Exclusion => {
                let constraint = if self.is_check_named(named).await? { named } else { "" };
                Ok(self.describe(broken, &no_table(), &[], constraint))
            }
            Broken::Rule => Ok(self.describe(broken, &no_table(), &[], "").caused_by(message)),
            Broken::Unique | Broken::NotNull => {
                let table = &Table { schema: None, name: table.to_owned() };
                let columns = self.told(broken, table, columns).await?;
                Ok(self.describe(broken, table, &columns, named))
            }
        }
    }

    /// Returns true if a table has a CHECK of this name. In the place of the name that a CHECK lacks, SQLite's message has the
    /// condition, whose columns the viewer may not know.
    async fn is_check_named(&self, name: &str) -> Result<bool> {
        let tables =
            self.session.statements().ask(TABLE_STATEMENTS, Vec::new(), [ColumnType::Text].into()).await?;
        let has_check =
            |row| matches!(tables.row(row).value(0), Value::String(Some(sql)) if has_check_named(&sql, name));
        Ok((0..tables.len()).any(has_check))
    }

    async fn describe_by_constraint(&self, broken: &Broken, refusal: &SqlRefusal) -> Result<Error> {
        let SqlRefusal { schema, table, column, constraint, .. } = refusal;
        let schema = Some(schema).filter(|schema| !schema.is_empty()).cloned();
        let table = &Table { schema, name: table.clone() };
        let columns = match broken {
            Broken::Unique => self.postgres_columns(UNIQUE_COLUMNS, table, constraint).await?,
            Broken::ForeignKey => self.postgres_columns(FOREIGN_COLUMNS, table, constraint).await?,
            Broken::NotNull => vec![column.clone()],
            Broken::Check | Broken::Exclusion | Broken::Rule => Vec::new(),
        };
        let columns = self.told(broken, table, columns).await?;
        let error = self.describe(broken, table, &columns, constraint);
        Ok(if let Broken::Rule = broken { error.caused_by(refusal) } else { error })
    }

    /// Returns the columns of a constraint that the viewer may know: none of a unique key that a hidden row has.
    async fn told(&self, broken: &Broken, table: &Table, columns: Vec<String>) -> Result<Vec<String>> {
        let (Broken::Unique, Some(_)) = (broken, self.session.viewer().sight()) else { return Ok(columns) };
        let Some(id) = entity_of(self.model(), table) else { return Ok(columns) };
        let key = columns.iter().map(|name| self.model().entities[id].column_named(name));
        let Some(key) = key.collect::<Option<Vec<ColumnId>>>() else { return Ok(Vec::new()) };
        let is_hidden = hides_conflict(self.session, id, &key, self.attempt).await?;
        Ok(if is_hidden { Vec::new() } else { columns })
    }

    /// Builds the error of a constraint over these columns of a table. A hidden junction is reported as the
    /// list written through it.
    fn describe(&self, broken: &Broken, table: &Table, columns: &[String], constraint: &str) -> Error {
        if let Broken::ForeignKey = broken {
            let attempted = &self.names().entities[self.attempt.entity];
            let link =
                self.attempt.link.filter(|link| !is_exposed(self.names(), table) && link.is_over(table));
            let named = match link {
                Some(link) => Some(name_of(self.names(), link)),
                None => key_named(self.names(), table, columns),
            };
            return foreign_key_violation(named.unwrap_or_else(|| (attempted.name.clone(), None)));
        }
        let written = entity_of(self.names(), table).or(table.name.is_empty().then_some(self.attempt.entity));
        let (name, fields) = match (written, self.attempt.link) {
            (Some(id), _) if self.names().entities[id].exposed => {
                let entity = &self.names().entities[id];
                let columns: Vec<ColumnId> =
                    columns.iter().filter_map(|name| entity.column_named(name)).collect();
                (entity.name.clone(), fields(entity, &columns))
            }
            (_, Some(link)) => {
                let (entity, field) = name_of(self.names(), link);
                (entity, field.into_iter().collect())
            }
            _ => (self.names().entities[self.attempt.entity].name.clone(), Vec::new()),
        };
        let field = fields.first().map_or("", String::as_str);
        match broken {
            Broken::Unique => Error::unique_violation(&name, &fields),
            Broken::ForeignKey => Error::foreign_key_violation(&name, field),
            Broken::NotNull => Error::not_null_violation(&name, field),
            Broken::Check => Error::check_violation(&name, constraint),
            Broken::Exclusion => Error::exclusion_violation(&name, constraint),
            Broken::Rule => Error::rule_violation(&name, constraint),
        }
    }

    /// Returns the columns of a constraint. The transaction is lost after the error, so this query runs
    /// outside. Its connection is freed first, because clients that hold one connection and wait for a second
    /// would deadlock.
    async fn postgres_columns(&self, sql: &str, table: &Table, constraint: &str) -> Result<Vec<String>> {
        self.session.statements().rollback().await?;
        let schema = Value::String(table.schema.clone());
        let values = vec![table.name.as_str().into(), constraint.into(), schema];
        let names = self.session.statements().ask(sql, values, [ColumnType::Text].into()).await?;
        let name = |index| match names.row(index).value(0) {
            Value::String(name) => name,
            _ => None,
        };
        Ok((0..names.len()).filter_map(name).collect())
    }

    /// Finds the written key that references a missing row.
    async fn find_dangling(&self) -> Result<Error> {
        let entity = &self.model().entities[self.attempt.entity];
        for relation in
            entity.relations.iter().filter(|relation| relation.declaration == Declaration::BelongsTo)
        {
            let complete = |row: &&RowInput| relation.from.iter().all(|column| row.has(*column));
            let keys: Vec<Vec<Value>> = self
                .attempt
                .rows
                .iter()
                .filter(complete)
                .map(|row| values_of(row, &relation.from))
                .filter(|key| !has_null(key))
                .collect();
            if !missing_keys(self.session, relation.target, &relation.to, keys).await?.is_empty() {
                let columns = relation.from.iter().map(|id| entity.columns[*id].name.clone());
                let columns: Vec<String> = columns.collect();
                return Ok(self.describe(&Broken::ForeignKey, &entity.table, &columns, ""));
            }
        }
        if let Some(link) = self.attempt.link {
            let Linked { relation, targets, .. } = link;
            if !missing_keys(self.session, relation.target, &relation.to, targets.clone()).await?.is_empty() {
                return Ok(link_error(self.names(), link));
            }
        }
        // No written key is dangling: other rows reference the previous key.
        let mut pointing = self.find_pointing().await?;
        if pointing.is_none() && self.attempt.at.is_some() {
            self.session.statements().renew_foreign_keys().await?;
            pointing = self.find_pointing().await?;
        }
        Ok(pointing.unwrap_or_else(|| Error::foreign_key_violation(&entity.name, "")))
    }

    /// Finds the reference that restricts the attempted change of a key.
    async fn find_pointing(&self) -> Result<Option<Error>> {
        let Some((by, keys)) = self.attempt.at else { return Ok(None) };
        let is_changed = |column: &ColumnId| self.attempt.rows.iter().any(|row| row.has(*column));
        let references = references_to(self.session, self.attempt.entity);
        for reference in references.iter().filter(|known| known.enforced && known.to.iter().any(is_changed)) {
            let Some(child) = reference.child.filter(|_| !reference.follows_updates) else { continue };
            let before = find(self.session, self.attempt.entity, &reference.to, by, keys).await?;
            let before: Vec<Vec<Value>> = before.iter().map(|row| values_of(row, &reference.to)).collect();
            if !find(self.session, child, &reference.from, &reference.from, &before).await?.is_empty() {
                return Ok(Some(dangling(self.names(), child, reference)));
            }
        }
        Ok(None)
    }
}

/// Returns a table for refusals that name none.
fn no_table() -> Table {
    Table { schema: None, name: String::new() }
}

fn is_exposed(model: &Model, table: &Table) -> bool {
    entity_of(model, table).is_some_and(|id| model.entities[id].exposed)
}

/// Builds the error of a link to a missing row.
pub(super) fn link_error(model: &Model, link: &Linked) -> Error {
    let junction = link.relation.junction.as_ref();
    let of_junction = junction.filter(|junction| is_exposed(model, &junction.table));
    let named = of_junction.and_then(|junction| key_named(model, &junction.table, &junction.to));
    foreign_key_violation(named.unwrap_or_else(|| name_of(model, link)))
}

fn name_of(model: &Model, link: &Linked) -> Named {
    (model.entities[link.owner].name.clone(), Some(link.relation.field.clone()))
}

/// Statements that made SQLite's tables with conditions.
const TABLE_STATEMENTS: &str = "SELECT sql FROM sqlite_master WHERE type = 'table' AND sql LIKE '%CHECK%'";

/// Columns of a unique index, by table, name and schema.
const UNIQUE_COLUMNS: &str = "SELECT c.attname::text FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid
    JOIN pg_class t ON t.oid = x.indrelid JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = ANY(x.indkey)
    WHERE t.relname = $1 AND i.relname = $2 AND t.relnamespace::regnamespace::text = quote_ident($3) ORDER BY array_position(x.indkey::int2[], c.attnum)";

/// Columns of a foreign key, by table, name and schema.
const FOREIGN_COLUMNS: &str =
    "SELECT c.attname::text FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
    JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = ANY(k.conkey)
    WHERE t.relname = $1 AND k.conname = $2 AND t.relnamespace::regnamespace::text = quote_ident($3) ORDER BY array_position(k.conkey, c.attnum)";
