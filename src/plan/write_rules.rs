//! Rules of writing, compiled to filters on the full model.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql_value::Value as Written;
use sea_orm::Value;

use super::filter::{Filter, Test};
use super::operand::Operand;
use crate::dialect::Comparison;
use crate::model::{ColumnId, Declaration, EntityId, Model, Quantifier, is_null};
use crate::policy::{EntityWrites, Preset, RowWrites};

/// Writes of one entity that a role may make.
#[derive(Debug)]
pub(super) struct WriteRules {
    /// New rows.
    pub create: Option<RowRules>,
    /// Changes of rows.
    pub update: Option<RowRules>,
    /// Deletions.
    pub delete: Option<DeleteRule>,
}

impl WriteRules {
    /// Returns all rules.
    pub fn rules(&self) -> impl Iterator<Item = &Filter> {
        let rows = [&self.create, &self.update].into_iter().flatten();
        let rows = rows.flat_map(|rows| [&rows.filter, &rows.check].into_iter().flatten());
        rows.chain(self.delete.iter().flatten())
    }
}

/// Rule of the rows that a role deletes, besides the rule of reading. `None` for all rows that the role reads.
pub type DeleteRule = Option<Filter>;

/// New or changed rows of one entity.
#[derive(Debug)]
pub struct RowRules {
    /// Columns that clients give.
    pub columns: BTreeSet<ColumnId>,
    /// Values that the service sets.
    pub set: Vec<(ColumnId, SetValue)>,
    /// Rule of the rows before a change, besides the rule of reading.
    pub filter: Option<Filter>,
    /// Rule of the rows after the write, without the conditions that the set values fulfil.
    pub check: Option<Filter>,
    /// True if a written row may be one that the role does not read.
    pub leaves_sight: bool,
}

/// Value that the service sets.
#[derive(Clone, Debug)]
pub enum SetValue {
    /// Parameter of the rules, a value of the viewer.
    Parameter(usize),
    /// Time of the write.
    Now,
    /// New UUID.
    Uuid,
    /// Constant value.
    Value(Value),
}

/// Compiler of write rules.
pub(super) struct WriteCompiler<'a, 'f> {
    pub model: &'a Model,
    /// Compiles a filter on an entity; notes a fault and returns `None` for an invalid one.
    pub read: &'f mut dyn FnMut(EntityId, &Written) -> Option<Filter>,
    /// Returns the place of a viewer's variable among the parameters, for a column.
    pub bind: &'f dyn Fn(&str, EntityId, ColumnId) -> Option<usize>,
    /// Faults, by entity.
    pub faults: Vec<(EntityId, String)>,
}

impl WriteCompiler<'_, '_> {
    /// Compiles the grants of one entity.
    pub fn compile(&mut self, id: EntityId, writes: &EntityWrites) -> WriteRules {
        WriteRules {
            create: writes.create.as_ref().map(|rows| self.rows(id, rows)),
            update: writes.update.as_ref().map(|rows| self.rows(id, rows)),
            delete: writes.delete.as_ref().map(|rule| rule.as_ref().and_then(|rule| (self.read)(id, rule))),
        }
    }

    fn rows(&mut self, id: EntityId, rows: &RowWrites) -> RowRules {
        let set: Vec<(ColumnId, SetValue)> = rows
            .set
            .iter()
            .filter_map(|(column, preset)| Some((*column, self.value(id, *column, preset)?)))
            .collect();
        let filter = rows.filter.as_ref().and_then(|rule| (self.read)(id, rule));
        let check = rows.check.as_ref().and_then(|rule| (self.read)(id, rule));
        let by_column = set.iter().cloned().collect();
        let check = check.and_then(|check| self.open_conditions(id, check, &by_column));
        RowRules { columns: rows.columns.clone(), set, filter, check, leaves_sight: rows.leaves_sight }
    }

    fn value(&mut self, id: EntityId, column: ColumnId, preset: &Preset) -> Option<SetValue> {
        let described = &self.model.entities[id].columns[column];
        let json = match preset {
            Preset::Variable(name) => return Some(SetValue::Parameter((self.bind)(name, id, column)?)),
            Preset::Now => return Some(SetValue::Now),
            Preset::Uuid => return Some(SetValue::Uuid),
            Preset::Literal(json) if json.is_null() && described.nullable => {
                return Some(SetValue::Value(described.column_type.null()));
            }
            Preset::Literal(json) => json,
        };
        let read = described.column_type.read(json, self.model.variants(&described.column_type));
        let read = read.and_then(|value| described.limit.check(&value).map(|()| value));
        match read {
            Ok(value) => Some(SetValue::Value(value)),
            Err(expected) => {
                self.faults
                    .push((id, format!("set {}: {}, but {json} was given", described.field, expected.0)));
                None
            }
        }
    }

    /// Takes the conditions out of a check that set values fulfil: `author: { id: { eq: $userId } }` needs no statement if
    /// the author is set to `$userId`.
    fn open_conditions(
        &self,
        id: EntityId,
        check: Filter,
        set: &BTreeMap<ColumnId, SetValue>,
    ) -> Option<Filter> {
        match check {
            Filter::All(conditions) => {
                let open = conditions.into_iter().filter_map(|one| self.open_conditions(id, one, set));
                let open: Vec<Filter> = open.collect();
                (!open.is_empty()).then_some(Filter::All(open))
            }
            condition => (!self.is_fulfilled(id, &condition, set)).then_some(condition),
        }
    }

    fn is_fulfilled(&self, id: EntityId, condition: &Filter, set: &BTreeMap<ColumnId, SetValue>) -> bool {
        match condition {
            Filter::Column { column, test: Test::Compare(Comparison::Equal, operand) } => {
                match (set.get(column), operand) {
                    (Some(SetValue::Parameter(set)), Operand::Parameter(compared)) => set == compared,
                    (Some(SetValue::Value(set)), Operand::Value(compared)) => set == compared,
                    _ => false,
                }
            }
            Filter::All(conditions) => conditions.iter().all(|one| self.is_fulfilled(id, one, set)),
            // The database refuses an enforced key without its row.
            Filter::Related { relation, quantifier: Quantifier::Some, filter } => {
                let relation = &self.model.entities[id].relations[*relation];
                // On the other side of a key, rows may or may not exist.
                let is_forward = relation.declaration == Declaration::BelongsTo && relation.enforced;
                let ([from], [to], true) = (&relation.from[..], &relation.to[..], is_forward) else {
                    return false;
                };
                let has_target =
                    |value: &&SetValue| !matches!(value, SetValue::Value(value) if is_null(value));
                let moved = set.get(from).filter(has_target);
                let moved = moved.map(|value| BTreeMap::from([(*to, value.clone())]));
                moved.is_some_and(|moved| self.is_fulfilled(relation.target, filter, &moved))
            }
            _ => false,
        }
    }
}
