//! Deletions: cascades and restrictions.

use std::collections::{BTreeMap, HashSet};

use sea_orm::sea_query::LockType;
use sea_orm::{Statement, Value};

use super::attempt::Attempt;
use super::constraint::{is_foreign_key_violation, refusal};
use super::lookup::{find, references_to};
use super::naming::{dangling, label};
use super::reference::{Reference, Rule, follows_rules};
use super::row::{RowInput, has_null, key_of, values_of};
use super::writer::MutationWriter;
use crate::error::{Code, Error, Result};
use crate::execute::Session;
use crate::model::{ColumnId, EntityId, KeyAction, OnDelete};

/// Rows that a deletion affects.
#[derive(Clone, Debug, Default)]
pub(super) struct DeletionScope {
    /// Primary keys of cascaded rows, without the directly deleted ones.
    pub cascaded: BTreeMap<EntityId, HashSet<Vec<Value>>>,
    /// Keys by which rows of entities without a primary key reference the deleted rows, and are cascaded.
    pub unidentified: BTreeMap<EntityId, Vec<ReferencingKeys>>,
    /// All deleted rows, with their referenced columns.
    pub gone: BTreeMap<EntityId, Vec<RowInput>>,
    /// Primary keys of all deleted rows.
    pub seen: HashSet<(EntityId, Vec<Value>)>,
    /// Number of directly deleted rows.
    pub first: usize,
}

/// Columns of a foreign key, and values of the rows that it references.
pub(super) type ReferencingKeys = (Vec<ColumnId>, Vec<Vec<Value>>);

/// Remaining rows that reference deleted rows, counted by relation.
#[derive(Debug, Default)]
struct Standing {
    restricted: Vec<(Option<String>, i64)>,
    /// Rows that are deleted too restrict nothing, unless the database checks before their deletion.
    going: Vec<(Option<String>, i64)>,
    /// Error of a default key that references no row.
    defaulted: Option<Error>,
    /// True if rows restrict that the viewer may not see.
    hides: bool,
}

impl Standing {
    fn is_empty(&self) -> bool {
        self.restricted.is_empty() && self.going.is_empty() && self.defaulted.is_none() && !self.hides
    }
}

impl MutationWriter<'_> {
    /// Deletes the rows whose columns `by` match one of `keys`, and returns their number.
    pub async fn delete_rows(&self, id: EntityId, by: &[ColumnId], keys: &[Vec<Value>]) -> Result<usize> {
        let known = self.session.statements().foreign_keys();
        let by_rules = follows_rules(self.model(), known.as_deref(), id);
        // A trial checks the deleted rows at the end.
        let reach = match by_rules || self.trial.is_some() {
            true => Some(self.reach(id, by, keys, by_rules).await?),
            false => None,
        };
        if let Some(reach) = reach.as_ref().filter(|_| by_rules)
            && self.is_forbidden(reach).await?
        {
            return Err(Box::pin(self.restriction(reach, id, by, keys)).await?);
        }
        // PostgreSQL aborts a transaction at the first error; the savepoint allows queries about the
        // restriction.
        self.savepoint("SAVEPOINT deletion").await?;
        let deleted = match reach.as_ref().filter(|_| by_rules) {
            Some(reach) => self.delete_collected(reach).await,
            None => self.try_to(self.writes().delete(id, by, keys, by)).await.map(|deleted| deleted.len()),
        };
        match deleted {
            Ok(deleted) => {
                self.savepoint("RELEASE SAVEPOINT deletion").await?;
                if let (Some(trial), Some(reach)) = (self.trial, reach) {
                    trial.deleted(id, by, keys, reach.gone);
                }
                Ok(deleted)
            }
            Err(error) if is_foreign_key_violation(&error) => {
                self.savepoint("ROLLBACK TO SAVEPOINT deletion").await?;
                let reach = match reach {
                    Some(reach) => reach,
                    None => self.reach(id, by, keys, false).await?,
                };
                Err(Box::pin(self.restriction(&reach, id, by, keys)).await?)
            }
            Err(error) => Err(Box::pin(refusal(self.session, error, Attempt::of(id, &[]))).await),
        }
    }

    /// Deletes the rows whose columns `by` match one of `keys`, and returns their number. None of them may stay as it is; a trigger
    /// may mark a row as deleted instead.
    pub async fn delete_all(&self, id: EntityId, by: &[ColumnId], keys: &[Vec<Value>]) -> Result<usize> {
        if self.is_plain(&self.model().entities[id].table) {
            return self.delete_rows(id, by, keys).await;
        }
        let before = self.whole_rows(id, by, keys).await?;
        let deleted = self.delete_rows(id, by, keys).await?;
        if deleted < before.len() && !self.whole_rows(id, by, keys).await?.is_disjoint(&before) {
            return Err(self.skipped(id));
        }
        Ok(deleted)
    }

    /// Deletes groups of rows, all at once.
    ///
    /// The error of a refused deletion is that of the first refused group alone, with its key and counts. The
    /// groups of a refused deletion are therefore deleted one by one.
    pub async fn delete_groups(
        &self,
        id: EntityId,
        by: &[ColumnId],
        groups: &[Vec<Vec<Value>>],
    ) -> Result<()> {
        // A trial attributes each violation to its group.
        if self.trial.is_none() && !groups.is_empty() {
            match self.delete_all(id, by, &groups.concat()).await {
                Err(error) if groups.len() > 1 && is_restriction(&error) => {}
                done => return done.map(drop),
            }
        }
        for group in groups {
            self.delete_all(id, by, group).await?;
        }
        Ok(())
    }

    async fn savepoint(&self, sql: &str) -> Result<()> {
        let statement = Statement::from_string(self.session.dialect().backend(), sql);
        self.session.statements().write(statement, std::sync::Arc::default()).await?;
        Ok(())
    }

    /// Follows CASCADE, of the database and of the application's rules, from the rows whose columns `by`
    /// match one of `keys`.
    ///
    /// Collects the affected rows level by level, with one statement per relation and level. A row met twice
    /// is followed once, so that cycles end. With `lock`, other transactions cannot add references to the
    /// found rows meanwhile, or change their keys.
    pub async fn reach(
        &self,
        id: EntityId,
        by: &[ColumnId],
        keys: &[Vec<Value>],
        lock: bool,
    ) -> Result<DeletionScope> {
        let mut reach = DeletionScope::default();
        let mut level = vec![(id, by.to_vec(), keys.to_vec())];
        let mut is_first = true;
        while let Some((entity, by, keys)) = level.pop() {
            let references = references_to(self.session, entity);
            let wanted = self.pointed_at(entity, &references);
            let rows = match lock {
                true if keys.is_empty() => Vec::new(),
                true => self.lock(entity, &wanted, &by, &keys, LockType::Update).await?,
                false => find(self.session, entity, &wanted, &by, &keys).await?,
            };
            let described = &self.model().entities[entity];
            let key_of = |row: &RowInput| key_of(described, row, &described.primary_key);
            let fresh: Vec<RowInput> =
                rows.into_iter().filter(|row| reach.seen.insert((entity, key_of(row)))).collect();
            match is_first {
                true => reach.first = fresh.len(),
                false => {
                    let gone = fresh.iter().map(key_of);
                    reach.cascaded.entry(entity).or_default().extend(gone);
                }
            }
            is_first = false;
            for reference in references.into_iter().filter(|reference| reference.rule.cascades()) {
                let keys = keys_of(&fresh, &reference.to);
                match reference.child {
                    _ if keys.is_empty() => {}
                    Some(child) if self.model().entities[child].has_key() => {
                        level.push((child, reference.from, keys));
                    }
                    unidentified => {
                        for (child, keys) in self.below_outside(entity, &reference, &keys).await? {
                            level.push((child, self.model().entities[child].primary_key.clone(), keys));
                        }
                        if let Some(child) = unidentified {
                            reach.unidentified.entry(child).or_default().push((reference.from, keys));
                        }
                    }
                }
            }
            for relation in
                self.model().entities[entity].relations.iter().filter(|relation| relation.deletes_target)
            {
                let keys = keys_of(&fresh, &relation.from);
                if !keys.is_empty() {
                    level.push((relation.target, relation.to.clone(), keys));
                }
            }
            reach.gone.entry(entity).or_default().extend(fresh);
        }
        Ok(reach)
    }

    /// Returns true if a rule of the application refuses the deletion.
    async fn is_forbidden(&self, reach: &DeletionScope) -> Result<bool> {
        for (entity, rows) in &reach.gone {
            for reference in references_to(self.session, *entity) {
                let (Rule::Application(rule @ (OnDelete::Protect | OnDelete::Restrict)), Some(child)) =
                    (reference.rule, reference.child)
                else {
                    continue;
                };
                let (staying, along) = self.count(self.session, reach, child, &reference, rows).await?;
                if staying > 0 || rule == OnDelete::Protect && along > 0 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Counts the rows of `child` that reference `rows`: remaining ones, and deleted ones.
    async fn count(
        &self,
        session: &Session,
        reach: &DeletionScope,
        child: EntityId,
        reference: &Reference<'_>,
        rows: &[RowInput],
    ) -> Result<(usize, usize)> {
        let entity = &self.model().entities[child];
        let primary_key = &entity.primary_key;
        let keys = keys_of(rows, &reference.to);
        let found = find(session, child, primary_key, &reference.from, &keys).await?;
        let goes_along = |row: &&RowInput| reach.seen.contains(&(child, key_of(entity, row, primary_key)));
        let along = found.iter().filter(goes_along).count();
        Ok((found.len() - along, along))
    }

    /// Builds the error of a refused deletion, with every restriction at once.
    async fn restriction(
        &self,
        reach: &DeletionScope,
        id: EntityId,
        by: &[ColumnId],
        keys: &[Vec<Value>],
    ) -> Result<Error> {
        let mut standing = self.standing(reach).await?;
        if standing.is_empty() {
            // The key that refused the deletion may be newer than what is known.
            self.session.statements().renew_foreign_keys().await?;
            let reach = self.reach(id, by, keys, false).await?;
            standing = self.standing(&reach).await?;
        }
        let Standing { restricted, going, defaulted, .. } = standing;
        if let Some(error) = defaulted.filter(|_| restricted.is_empty()) {
            // The deletion itself is allowed: a default key references no row.
            return Ok(error);
        }
        let by_relation = if restricted.is_empty() { going } else { restricted };
        Ok(self.deletion_restricted(id, by, keys, &by_relation))
    }

    async fn standing(&self, reach: &DeletionScope) -> Result<Standing> {
        let mut standing = Standing::default();
        for (entity, rows) in &reach.gone {
            for reference in references_to(self.session, *entity) {
                self.add_standing(reach, *entity, &reference, rows, &mut standing).await?;
            }
        }
        Ok(standing)
    }

    async fn add_standing(
        &self,
        reach: &DeletionScope,
        entity: EntityId,
        reference: &Reference<'_>,
        rows: &[RowInput],
        standing: &mut Standing,
    ) -> Result<()> {
        let is_default = matches!(
            reference.rule,
            Rule::Database(KeyAction::SetDefault) | Rule::Application(OnDelete::SetDefault)
        );
        if !is_default && !reference.rule.restricts() {
            return Ok(());
        }
        let label = label(self.session.viewer().model(), entity, reference);
        let Some(child) = reference.child else {
            let count = self.count_outside(entity, reference, &keys_of(rows, &reference.to)).await?;
            standing.hides |= count > 0 && self.is_ruled();
            standing.restricted.extend((count > 0 && !self.is_ruled()).then_some((label, count)));
            return Ok(());
        };
        let (mut staying, mut along) = self.count(self.session, reach, child, reference, rows).await?;
        if is_default {
            let error = || dangling(self.session.viewer().model(), child, reference);
            standing.defaulted = standing.defaulted.take().or((staying > 0).then(error));
            return Ok(());
        }
        if reference.rule == Rule::Application(OnDelete::Protect) {
            (staying, along) = (staying + along, 0);
        }
        if self.is_ruled() && staying + along > 0 {
            // The refusal stands; the error tells no more than looking would have told.
            standing.hides = true;
            (staying, along) = match label {
                Some(_) => self.count(self.session.viewer(), reach, child, reference, rows).await?,
                None => (0, 0),
            };
        }
        for (rows, list) in [(staying, &mut standing.restricted), (along, &mut standing.going)] {
            if rows > 0 {
                list.push((label.clone(), rows as i64));
            }
        }
        Ok(())
    }

    /// Builds `DELETE_RESTRICTED` for the rows whose columns `by` match one of `keys`.
    pub fn deletion_restricted(
        &self,
        id: EntityId,
        by: &[ColumnId],
        keys: &[Vec<Value>],
        by_relation: &[(Option<String>, i64)],
    ) -> Error {
        // For several rows the error does not identify the restricted one.
        let key = match keys {
            [key] => self.key_json(id, by, key),
            _ => serde_json::Value::Null,
        };
        Error::delete_restricted(&self.model().entities[id].name, key, by_relation)
    }

    /// Returns the primary key, every further referenced column, and the keys to rows that are deleted along.
    fn pointed_at(&self, id: EntityId, references: &[Reference<'_>]) -> Vec<ColumnId> {
        let entity = &self.model().entities[id];
        let mut columns = entity.primary_key.clone();
        let along = entity.relations.iter().filter(|relation| relation.deletes_target);
        let along = along.flat_map(|relation| &relation.from);
        for column in references.iter().flat_map(|reference| &reference.to).chain(along) {
            if !columns.contains(column) {
                columns.push(*column);
            }
        }
        columns
    }
}

/// Returns true if rows that reference the deleted ones refuse the deletion. Such an error leaves the
/// transaction intact.
fn is_restriction(error: &Error) -> bool {
    matches!(error.code(), Code::DeleteRestricted | Code::ForeignKeyViolation)
}

/// Returns the values by which other rows may reference these rows.
pub(super) fn keys_of(rows: &[RowInput], to: &[ColumnId]) -> Vec<Vec<Value>> {
    rows.iter().map(|row| values_of(row, to)).filter(|key| !has_null(key)).collect()
}
