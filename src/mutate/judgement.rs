//! Judges the record of a trial: finds the root field whose rows would be refused at the end.

use std::collections::HashSet;

use sea_orm::Value;

use super::attempt::{Attempt, Linked};
use super::constraint::{link_error, not_unique};
use super::delete::keys_of;
use super::lookup::{find, missing_keys, references_to};
use super::naming::{dangling, foreign_key_violation, label};
use super::reference::{Reference, Rule};
use super::row::{RowInput, compared, has_null, key_of, values_of};
use super::trial::{Done, Effect, Lost};
use super::writer::MutationWriter;
use crate::error::{Error, Result};
use crate::model::{ColumnId, Declaration, EntityId, KeyAction, Model, OnDelete, Relation};

impl MutationWriter<'_> {
    /// Returns the first root field whose rows would be refused at the end of the transaction, with its
    /// error.
    pub async fn judge(&self) -> Result<Option<(usize, Error)>> {
        let Some(trial) = self.trial else { return Ok(None) };
        let all = trial.done();
        for (place, done) in all.iter().enumerate() {
            let later = &all[place + 1..];
            let error = match &done.what {
                Effect::Wrote { entity, rows, link } => {
                    self.judge_written(*entity, rows, link.as_deref(), later).await?
                }
                Effect::Moved { .. } => self.judge_lost(&done.what, later).await?.map(|(_, error)| error),
                Effect::Deleted { id, by, keys, .. } => {
                    let lost = self.judge_lost(&done.what, later).await?;
                    lost.map(|(by_relation, error)| match by_relation.is_empty() {
                        true => error,
                        false => self.deletion_restricted(*id, by, keys, &by_relation),
                    })
                }
            };
            if let Some(error) = error {
                return Ok(Some((done.root, error)));
            }
        }
        Ok(None)
    }

    async fn judge_written(
        &self,
        id: EntityId,
        rows: &[RowInput],
        link: Option<&Linked>,
        later: &[Done],
    ) -> Result<Option<Error>> {
        if let Some(error) = self.judge_unique(id, rows, link, later).await? {
            return Ok(Some(error));
        }
        let entity = &self.model().entities[id];
        let forward = entity
            .relations
            .iter()
            .filter(|relation| relation.declaration == Declaration::BelongsTo && !rows.is_empty());
        for relation in forward {
            let references = references_to(self.session, relation.target);
            let is_this = |reference: &&Reference<'_>| {
                reference.enforced
                    && reference.child == Some(id)
                    && reference.relation.is_some_and(|known| known.field == relation.field)
            };
            let Some(reference) = references.iter().find(is_this) else { continue };
            let complete = |row: &&RowInput| relation.from.iter().all(|column| row.has(*column));
            let keys = rows.iter().filter(complete).map(|row| values_of(row, &relation.from));
            let keys: Vec<Vec<Value>> = keys.filter(|key| !has_null(key)).collect();
            let missing = missing_keys(self.session, relation.target, &relation.to, keys).await?;
            let missing = not_lost_later(self.model(), relation, missing, later);
            if !find(self.session, id, &entity.primary_key, &relation.from, &missing).await?.is_empty() {
                return Ok(Some(match link {
                    Some(link) => link_error(self.session.viewer().model(), link),
                    None => dangling(self.session.viewer().model(), id, reference),
                }));
            }
        }
        let Some(link) = link.filter(|_| rows.is_empty()) else { return Ok(None) };
        let missing =
            missing_keys(self.session, link.relation.target, &link.relation.to, link.targets.clone()).await?;
        let missing = not_lost_later(self.model(), &link.relation, missing, later);
        Ok((!missing.is_empty()).then(|| link_error(self.session.viewer().model(), link)))
    }

    /// Finds a written row that shares a unique key with another row, unless a later field wrote that key too.
    async fn judge_unique(
        &self,
        id: EntityId,
        rows: &[RowInput],
        link: Option<&Linked>,
        later: &[Done],
    ) -> Result<Option<Error>> {
        let entity = &self.model().entities[id];
        let written = |rows: &[RowInput], key: &[ColumnId]| -> Vec<Vec<Value>> {
            let complete = rows.iter().filter(|row| key.iter().all(|column| row.has(*column)));
            complete.map(|row| key_of(entity, row, key)).filter(|key| !has_null(key)).collect()
        };
        for key in entity.unique_keys.iter().chain([&entity.primary_key]) {
            let again: HashSet<Vec<Value>> = later
                .iter()
                .flat_map(|done| match &done.what {
                    Effect::Wrote { entity, rows, .. } if *entity == id => written(rows, key),
                    _ => Vec::new(),
                })
                .collect();
            let keys = written(rows, key).into_iter().filter(|key| !again.contains(key)).collect::<Vec<_>>();
            let found = find(self.session, id, key, key, &keys).await?;
            let mut distinct = HashSet::new();
            if !found.iter().all(|row| distinct.insert(key_of(entity, row, key))) {
                let attempt = Attempt { link, ..Attempt::of(id, rows) };
                return Ok(Some(not_unique(self.session, attempt, key).await?));
            }
        }
        Ok(None)
    }

    /// Finds rows that reference removed keys, by relation, with the error of the first. Rows that fell back
    /// to a default restrict nothing.
    async fn judge_lost(
        &self,
        what: &Effect,
        later: &[Done],
    ) -> Result<Option<(Vec<(Option<String>, i64)>, Error)>> {
        let mut by_relation = Vec::new();
        let mut first = None;
        for Lost { entity, rows } in what.lost() {
            for reference in references_to(self.session, entity).iter().filter(|reference| reference.enforced)
            {
                let default = self.default_key(reference);
                let keys = match &default {
                    Some(default) if has_null(default) => Vec::new(),
                    Some(default) => vec![default.clone()],
                    None => keys_of(rows, &reference.to),
                };
                let keys = missing_keys(self.session, entity, &reference.to, keys).await?;
                let keys = not_written_later(self.model(), reference, keys, later);
                let count = match reference.child {
                    Some(child) => {
                        let primary_key = &self.model().entities[child].primary_key;
                        find(self.session, child, primary_key, &reference.from, &keys).await?.len() as i64
                    }
                    None => self.count_outside(entity, reference, &keys).await?,
                };
                if count > 0 {
                    let label = label(self.session.viewer().model(), entity, reference);
                    let seen = match reference.child {
                        Some(child) if self.is_ruled() => {
                            let by = &self.model().entities[child].primary_key;
                            find(self.session.viewer(), child, by, &reference.from, &keys).await?.len() as i64
                        }
                        None if self.is_ruled() => 0,
                        _ => count,
                    };
                    let is_told = default.is_none() && seen > 0 && (label.is_some() || !self.is_ruled());
                    by_relation.extend(is_told.then_some((label, seen)));
                    first = first.or_else(|| {
                        Some(match reference.child {
                            Some(child) => dangling(self.session.viewer().model(), child, reference),
                            None => foreign_key_violation((self.model().entities[entity].name.clone(), None)),
                        })
                    });
                }
            }
        }
        Ok(first.map(|error| (by_relation, error)))
    }

    /// Returns the default key of a reference with the action SET DEFAULT.
    fn default_key(&self, reference: &Reference<'_>) -> Option<Vec<Value>> {
        let falls_back = matches!(
            reference.rule,
            Rule::Database(KeyAction::SetDefault) | Rule::Application(OnDelete::SetDefault)
        );
        reference.default_key(self.model()).filter(|_| falls_back)
    }
}

/// Removes keys that a later field deleted, because that field is at fault.
fn not_lost_later(
    model: &Model,
    relation: &Relation,
    keys: Vec<Vec<Value>>,
    later: &[Done],
) -> Vec<Vec<Value>> {
    let (target, to) = (&model.entities[relation.target], &relation.to);
    let lost: HashSet<Vec<Value>> = later
        .iter()
        .flat_map(|done| done.what.lost())
        .filter(|lost| lost.entity == relation.target)
        .flat_map(|lost| lost.rows.iter().map(|row| key_of(target, row, to)).collect::<Vec<_>>())
        .collect();
    keys.into_iter().filter(|key| !lost.contains(&compared(target, to, key))).collect()
}

/// Removes keys that a later field wrote again, because that field is at fault.
fn not_written_later(
    model: &Model,
    reference: &Reference<'_>,
    keys: Vec<Vec<Value>>,
    later: &[Done],
) -> Vec<Vec<Value>> {
    let Some(child) = reference.child else { return keys };
    let entity = &model.entities[child];
    let written: HashSet<Vec<Value>> = later
        .iter()
        .flat_map(|done| match &done.what {
            Effect::Wrote { entity, rows, .. } if *entity == child => &rows[..],
            _ => &[],
        })
        .filter(|row| reference.from.iter().all(|column| row.has(*column)))
        .map(|row| key_of(entity, row, &reference.from))
        .collect();
    keys.into_iter().filter(|key| !written.contains(&compared(entity, &reference.from, key))).collect()
}
