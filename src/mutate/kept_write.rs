//! Statements of mutations that are one statement, kept with their document.
//!
//! The text of such a statement depends on the columns that the client gives, and not on their values. So it is built from a
//! template: the write with a placeholder for each value. The next write with an equal template takes the kept statement, and only
//! puts its values in their places.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_graphql::parser::types::{Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::Value as Written;
use sea_orm::Value;

use super::change::{
    ColumnValues, Create, ForwardLink, LinkWrite, NestedWrite, ToOneWrite, UniqueKeyInput, Update,
};
use super::root::RootWrite;
use crate::database::{ExecutionStats, ForeignKeys};
use crate::execute::PreparedPlan;
use crate::model::{ColumnId, ColumnType, RelationId, Table, is_null};
use crate::plan::{Catalog, FragmentDefinitions, Join};

/// Maximum number of kept statements of a document.
const KEPT: usize = 8;

/// Maximum number of values of a kept statement.
const MOST_VALUES: usize = 64;

/// Maximum size of the text of a kept statement, in bytes.
const LARGEST_TEXT: usize = 16 << 10;

/// Statements of a document's mutations.
#[derive(Debug, Default)]
pub struct KeptWrites(Mutex<Vec<(Template, Option<Arc<KeptWrite>>)>>);

/// Statement that writes, and returns the result.
#[derive(Debug)]
pub(super) struct KeptWrite {
    pub sql: Arc<str>,
    /// Values in the order of the text.
    pub values: Vec<KeptValue>,
    /// Types of the returned columns.
    pub columns: Arc<[ColumnType]>,
    /// Tables that the statement writes.
    pub touches: BTreeSet<Table>,
    /// Joined relations, for each child of the result's load.
    pub joins: Vec<Option<Join>>,
    /// Plan of the result.
    pub plan: PreparedPlan,
    /// True if the statement may share its commit with those of other requests: nothing happens at the commit, and no trigger
    /// relies on a transaction of its own.
    pub may_share_commit: bool,
    /// Statistics of the last execution.
    pub last_run: ExecutionStats,
}

/// Value of a kept statement.
#[derive(Debug)]
pub(super) enum KeptValue {
    /// Index of a value that the client gives.
    Given(usize),
    /// Value of every such statement.
    Fixed(Value),
}

/// Write with a placeholder for each value, and what the statement depends on besides. A placeholder is a [`Value::Unsigned`], the
/// type of no column.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub write: RootWrite,
    position: Pos,
    /// Knowledge of the database when the template was made. Later knowledge has another place, which a weak reference keeps from
    /// being reused.
    catalog: Weak<Catalog>,
    keys: Option<Weak<ForeignKeys>>,
}

impl Template {
    /// Returns the template of a write, and the values of its placeholders. `None` if the write has too many values, or lists.
    pub fn of(
        write: &RootWrite,
        position: Pos,
        catalog: &Arc<Catalog>,
        keys: Option<&Arc<ForeignKeys>>,
    ) -> Option<(Self, Vec<Value>)> {
        let mut taken = Placeholders::default();
        let write = match write {
            RootWrite::Create { entity, creates, many: false } => RootWrite::Create {
                entity: *entity,
                creates: vec![taken.create(creates.first()?)?],
                many: false,
            },
            RootWrite::Upsert { entity, create, key } => {
                RootWrite::Upsert { entity: *entity, create: taken.create(create)?, key: key.clone() }
            }
            RootWrite::Update { entity, key, update } => {
                RootWrite::Update { entity: *entity, key: taken.all(key), update: taken.update(update)? }
            }
            RootWrite::Delete { entity, key } => RootWrite::Delete { entity: *entity, key: taken.all(key) },
            RootWrite::Create { .. }
            | RootWrite::UpdateMany { .. }
            | RootWrite::DeleteMany { .. }
            | RootWrite::Application(_)
            | RootWrite::TypeName => return None,
        };
        let (catalog, keys) = (Arc::downgrade(catalog), keys.map(Arc::downgrade));
        let Placeholders(values) = taken;
        (values.len() <= MOST_VALUES).then_some((Self { write, position, catalog, keys }, values))
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        let is_equal = match (&self.write, &other.write) {
            (
                RootWrite::Create { entity, creates, .. },
                RootWrite::Create { entity: id, creates: others, .. },
            ) => (entity, creates) == (id, others),
            (
                RootWrite::Update { entity, key, update },
                RootWrite::Update { entity: id, key: other, update: to },
            ) => (entity, key, update) == (id, other, to),
            (
                RootWrite::Upsert { entity, create, key },
                RootWrite::Upsert { entity: id, create: other, key: by },
            ) => (entity, create, key) == (id, other, by),
            (RootWrite::Delete { entity, key }, RootWrite::Delete { entity: id, key: other }) => {
                (entity, key) == (id, other)
            }
            _ => false,
        };
        let has_keys = match (&self.keys, &other.keys) {
            (Some(keys), Some(others)) => keys.ptr_eq(others),
            (keys, others) => keys.is_none() && others.is_none(),
        };
        self.position == other.position && self.catalog.ptr_eq(&other.catalog) && has_keys && is_equal
    }
}

impl KeptWrites {
    /// Returns the statement of a template; `Some(None)` if no statement can be kept for it.
    pub(super) fn find(&self, template: &Template) -> Option<Option<Arc<KeptWrite>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == template).map(|(_, write)| write.clone())
    }

    /// Keeps the statement of a template, in place of the oldest if there are too many.
    pub(super) fn keep(&self, template: Template, write: Option<Arc<KeptWrite>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((template, write));
    }
}

impl KeptWrite {
    /// Returns the values of the statement for the given ones.
    pub fn values(&self, given: &[Value]) -> Arc<[Value]> {
        let value = |kept: &KeptValue| match kept {
            KeptValue::Given(place) => given.get(*place).cloned().unwrap_or(Value::Int(None)),
            KeptValue::Fixed(value) => value.clone(),
        };
        self.values.iter().map(value).collect()
    }
}

/// Returns the values of a statement that was built from a template with so many placeholders. `None` if the statement is too
/// long, or if a placeholder is a part of another value, such as a list.
pub(super) fn kept_values(sql: &str, values: Vec<Value>, count: usize) -> Option<Vec<KeptValue>> {
    let mut is_there = vec![false; count];
    let mut kept = Vec::with_capacity(values.len());
    for value in values {
        kept.push(match value {
            Value::Unsigned(Some(place)) => {
                let place = usize::try_from(place).ok()?;
                *is_there.get_mut(place)? = true;
                KeptValue::Given(place)
            }
            Value::Array(..) => return None,
            value => KeptValue::Fixed(value),
        });
    }
    (sql.len() <= LARGEST_TEXT && is_there.into_iter().all(|is_there| is_there)).then_some(kept)
}

/// Returns true if the result of a mutation is the same for all values of its variables: they are arguments of its root fields
/// alone.
pub(super) fn is_constant(operation: &SelectionSet, fragments: &FragmentDefinitions) -> bool {
    operation.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => {
            field.node.directives.is_empty()
                && has_no_variables(&field.node.selection_set.node, fragments, &mut BTreeSet::new())
        }
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    })
}

fn has_no_variables<'a>(
    set: &'a SelectionSet,
    fragments: &'a FragmentDefinitions,
    seen: &mut BTreeSet<&'a Name>,
) -> bool {
    set.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => {
            let is_literal = |(_, value): &(Positioned<Name>, Positioned<Written>)| {
                value.node.clone().into_const().is_some()
            };
            field.node.directives.is_empty()
                && field.node.arguments.iter().all(is_literal)
                && has_no_variables(&field.node.selection_set.node, fragments, seen)
        }
        Selection::InlineFragment(fragment) => {
            fragment.node.directives.is_empty()
                && has_no_variables(&fragment.node.selection_set.node, fragments, seen)
        }
        Selection::FragmentSpread(spread) => {
            let name = &spread.node.fragment_name.node;
            let is_known = !seen.insert(name);
            spread.node.directives.is_empty()
                && (is_known
                    || fragments.get(name).is_some_and(|fragment| {
                        has_no_variables(&fragment.node.selection_set.node, fragments, seen)
                    }))
        }
    })
}

/// Values whose placeholders have been given out.
#[derive(Debug, Default)]
struct Placeholders(Vec<Value>);

impl Placeholders {
    /// Returns the placeholder of a value. NULL stays: the statement may depend on it.
    fn one(&mut self, value: &Value) -> Value {
        if is_null(value) {
            return value.clone();
        }
        let place = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.push(value.clone());
        Value::Unsigned(Some(place))
    }

    fn all(&mut self, values: &[Value]) -> Vec<Value> {
        values.iter().map(|value| self.one(value)).collect()
    }

    fn columns(&mut self, values: &[(ColumnId, Value)]) -> ColumnValues {
        values.iter().map(|(column, value)| (*column, self.one(value))).collect()
    }

    fn key(&mut self, key: &UniqueKeyInput) -> UniqueKeyInput {
        UniqueKeyInput { columns: key.columns.clone(), values: self.all(&key.values) }
    }

    fn create(&mut self, create: &Create) -> Option<Create> {
        let Create { path, values, forward, nested } = create;
        let (forward, nested) = (self.each(forward, Self::link)?, self.each(nested, Self::nested)?);
        Some(Create { path: path.clone(), values: self.columns(values), forward, nested })
    }

    fn update(&mut self, update: &Update) -> Option<Update> {
        let Update { path, values, forward, nested } = update;
        let (forward, nested) = (self.each(forward, Self::link)?, self.each(nested, Self::nested)?);
        Some(Update { path: path.clone(), values: self.columns(values), forward, nested })
    }

    /// Returns the templates of what a row has for its relations.
    fn each<T>(
        &mut self,
        of_relations: &[(RelationId, T)],
        template: fn(&mut Self, &T) -> Option<T>,
    ) -> Option<Vec<(RelationId, T)>> {
        of_relations.iter().map(|(id, one)| Some((*id, template(self, one)?))).collect()
    }

    fn link(&mut self, link: &ForwardLink) -> Option<ForwardLink> {
        Some(match link {
            ForwardLink::Null => ForwardLink::Null,
            ForwardLink::Key(key) => ForwardLink::Key(self.key(key)),
            ForwardLink::Create(create) => ForwardLink::Create(Box::new(self.create(create)?)),
        })
    }

    /// Returns the template of a new row of a to-one relation, or of a single new link. `None` for any other nested write.
    fn nested(&mut self, write: &NestedWrite) -> Option<NestedWrite> {
        match write {
            NestedWrite::ToOne(write) => match &**write {
                ToOneWrite { removal: None, update: None, upsert: None, connect: None, create } => {
                    let create = match create {
                        Some(create) => Some(self.create(create)?),
                        None => None,
                    };
                    Some(NestedWrite::ToOne(Box::new(ToOneWrite { create, ..ToOneWrite::default() })))
                }
                _ => None,
            },
            NestedWrite::Links(write) => match &**write {
                LinkWrite { disconnect, set: None, connect, create }
                    if disconnect.is_empty() && create.is_empty() && connect.len() <= 1 =>
                {
                    let connect = connect.iter().map(|(key, own)| (self.key(key), self.columns(own)));
                    let connect = connect.collect();
                    Some(NestedWrite::Links(Box::new(LinkWrite { connect, ..LinkWrite::default() })))
                }
                _ => None,
            },
            NestedWrite::ToMany(_) => None,
        }
    }
}
