//! Planner: from a selection to a [`Plan`].

mod aggregate;
mod connection;
mod join;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use async_graphql::parser::types::{OperationDefinition, SelectionSet};

use super::defaults::ListDefaults;
use super::filter::Filter;
use super::input::{Arguments, Input};
use super::node_id;
use super::operand::Operand;
use super::order::OrderTerm;
use super::rules::Rules;
use super::selection::{Document, FragmentDefinitions, Merged};
use super::source::Source;
use super::variables::{VariableUses, Variables};
use super::{
    Complexity, ComputedLoad, Field, FieldKind, Load, LoadKind, NodeGroup, Page, Plan, Rows, Selection,
};
use crate::error::{Code, Error, Result};
use crate::model::{
    Cardinality, ColumnId, ComputedField, Declaration, Entity, EntityId, Model, Relation, RelationId, Root,
    names,
};

/// Interface of every type with a primary key.
const NODE: &[&str] = &["Node"];

/// Plans an operation. A root field that cannot be planned becomes a [`FieldKind::Failed`]; a root field
/// unknown to the model becomes a [`FieldKind::Delegated`]. The plan takes the variables, and with them the
/// record of the values that it depends on.
pub fn plan(
    model: &Model,
    (defaults, rules): (&ListDefaults, Option<&Rules>),
    operation: &OperationDefinition,
    fragments: &FragmentDefinitions,
    variables: Variables,
    root_type: &str,
) -> Result<Plan> {
    let mut plan = Plan::default();
    let document = Document { fragments, variables: &variables };
    for merged in document.collect(&[&operation.selection_set.node], root_type, &[])? {
        // Loads of a field are kept only if the whole field could be planned.
        let planned = plan.loads.len();
        let mut planner = Planner::new(model, defaults, document);
        let kind = match planner.root(&merged, root_type, &mut plan.loads) {
            Ok(kind) => kind,
            // A schema violation refuses the whole request, as validation does, and so does a request for too much.
            Err(error) if matches!(error.code(), Code::ValidationFailed | Code::TooComplex) => {
                return Err(error);
            }
            Err(error) => {
                plan.loads.truncate(planned);
                let below = std::mem::take(&mut planner.path);
                FieldKind::Failed { error, below, non_null: is_non_null_root(model, merged.name()) }
            }
        };
        plan.fields.push(Field::new(merged.key.clone(), merged.name().clone(), merged.position(), kind));
    }
    plan.loads.iter_mut().for_each(|load| join::decide(model, load));
    plan.complexity = Complexity::of(model, rules, &plan.loads);
    let VariableUses { resolved, parameters } = variables.into_uses();
    Ok(Plan { depends_on: resolved, parameters, ..plan })
}

/// Returns true for lists, connections and aggregates, which are never `null`; look-ups may be.
fn is_non_null_root(model: &Model, name: &str) -> bool {
    name == "nodes" || !matches!(model.root(name), None | Some((_, Root::One(_))))
}

/// Planner for the fields of one document.
#[derive(Debug)]
pub struct Planner<'a> {
    /// The model.
    pub model: &'a Model,
    /// Default orders and scopes of lists.
    defaults: &'a ListDefaults,
    /// The document's fragments and variables.
    pub document: Document<'a>,
    /// Path below the root field, for the error that ends planning.
    path: Vec<String>,
    /// The places of the loads above, each among its siblings.
    above: Vec<usize>,
    /// The places of the loads that fields may share, by hash.
    shared: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
}

/// Form of a list field.
#[derive(Clone, Copy)]
enum ListForm {
    List,
    Connection,
    Aggregate,
}

/// Start of a load: the root, or the rows of a relation's owner.
#[derive(Clone, Copy)]
struct Start {
    entity: EntityId,
    relation: Option<(EntityId, RelationId)>,
}

impl Start {
    fn load(self, filter: Filter, what: LoadKind) -> Load {
        let source = Source::of(self.entity).narrow(filter);
        Load { relation: self.relation, ..Load::new(source, what) }
    }
}

impl<'a> Planner<'a> {
    /// Creates a planner for the rows that an application's root field returns.
    pub fn new(model: &'a Model, defaults: &'a ListDefaults, document: Document<'a>) -> Self {
        Self {
            model,
            defaults,
            document,
            path: Vec::new(),
            above: Vec::new(),
            shared: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    /// Returns the path to the planning error, below the field at which planning began.
    pub fn into_path(self) -> Vec<String> {
        self.path
    }

    /// Plans the selection `sets` on rows of `entity` that are there already: nothing is joined to them.
    pub fn rows(&mut self, entity: EntityId, sets: &[&'a SelectionSet]) -> Result<(Load, Selection)> {
        let (mut load, selection) = self.unjoined(entity, sets)?;
        if let LoadKind::Rows(rows) = &mut load.what {
            rows.children.iter_mut().for_each(|child| join::decide(self.model, child));
        }
        Ok((load, selection))
    }

    /// Plans the selection `sets` on rows of `entity` that a mutation has written, and a statement selects.
    pub fn written(&mut self, entity: EntityId, sets: &[&'a SelectionSet]) -> Result<(Load, Selection)> {
        let (mut load, selection) = self.unjoined(entity, sets)?;
        join::decide(self.model, &mut load);
        Ok((load, selection))
    }

    fn unjoined(&mut self, entity: EntityId, sets: &[&'a SelectionSet]) -> Result<(Load, Selection)> {
        let mut rows = Rows::unordered();
        let selection = self.selection(entity, sets, &mut rows)?;
        let load = Start { entity, relation: None }.load(Filter::everything(), LoadKind::Rows(rows));
        Ok((load, selection))
    }

    fn root(&mut self, field: &Merged<'a>, root_type: &str, loads: &mut Vec<Load>) -> Result<FieldKind> {
        let arguments = field.arguments(&self.document);
        match field.name().as_str() {
            "__typename" => return Ok(FieldKind::TypeName(root_type.to_owned())),
            "node" => return self.node(field, &arguments, loads),
            "nodes" => return self.nodes(field, &arguments, loads),
            _ => {}
        }
        let Some((entity, root)) = self.model.root(field.name()) else { return Ok(FieldKind::Delegated) };
        let start = Start { entity, relation: None };
        let form = match root {
            Root::One(key) => {
                let key = Filter::equals(key, self.key_arguments(entity, key, &arguments)?);
                return self.lookup(start, key, field, loads);
            }
            Root::List => ListForm::List,
            Root::Connection => ListForm::Connection,
            Root::Aggregate => ListForm::Aggregate,
        };
        self.many(form, start, field, &arguments, loads)
    }

    fn key_arguments(
        &self,
        id: EntityId,
        key: &[ColumnId],
        arguments: &Arguments<'a>,
    ) -> Result<Vec<Operand<sea_orm::Value>>> {
        let read = |column: &ColumnId| {
            let column = &self.model.entities[id].columns[*column];
            arguments.require(&column.field)?.operand(self.model, &column.column_type)
        };
        key.iter().map(read).collect()
    }

    fn lookup(
        &mut self,
        start: Start,
        filter: Filter,
        field: &Merged<'a>,
        loads: &mut Vec<Load>,
    ) -> Result<FieldKind> {
        let mut rows = Rows::unordered();
        let selection = self.selection(start.entity, &field.selection_sets(), &mut rows)?;
        let load = push(loads, start.load(filter, LoadKind::Rows(rows)));
        Ok(FieldKind::One { load, selection, key: None, non_null: false })
    }

    fn node(
        &mut self,
        field: &Merged<'a>,
        arguments: &Arguments<'a>,
        loads: &mut Vec<Load>,
    ) -> Result<FieldKind> {
        let (entity, key) = node_id::read(self.model, &arguments.require("nodeId")?)?;
        let primary_key = &self.model.entities[entity].primary_key;
        let filter = Filter::equals(primary_key, key.into_iter().map(Operand::Value));
        self.lookup(Start { entity, relation: None }, filter, field, loads)
    }

    /// Plans `nodes`, with one statement per type among the ids.
    fn nodes(
        &mut self,
        field: &Merged<'a>,
        arguments: &Arguments<'a>,
        loads: &mut Vec<Load>,
    ) -> Result<FieldKind> {
        let mut items = Vec::new();
        let mut keys: Vec<(EntityId, Vec<Vec<sea_orm::Value>>)> = Vec::new();
        for input in arguments.require("nodeIds")?.list() {
            let (entity, key) = node_id::read(self.model, &input)?;
            let group = keys.iter().position(|(known, _)| *known == entity).unwrap_or_else(|| {
                keys.push((entity, Vec::new()));
                keys.len() - 1
            });
            keys[group].1.push(key.clone());
            items.push((group, key));
        }
        let mut groups = Vec::new();
        for (entity, keys) in keys {
            let primary_key = &self.model.entities[entity].primary_key;
            let filter = Filter::one_of(primary_key, keys);
            let mut rows = Rows::unordered();
            let selection = self.selection(entity, &field.selection_sets(), &mut rows)?;
            let slots = primary_key.iter().map(|column| slot(&mut rows, *column)).collect();
            let load = Start { entity, relation: None }.load(filter, LoadKind::Rows(rows));
            groups.push(NodeGroup { load: push(loads, load), selection, slots });
        }
        Ok(FieldKind::Nodes { items, groups })
    }

    /// Plans a list, a connection or an aggregate, at the root or nested.
    fn many(
        &mut self,
        form: ListForm,
        start: Start,
        field: &Merged<'a>,
        arguments: &Arguments<'a>,
        loads: &mut Vec<Load>,
    ) -> Result<FieldKind> {
        let filter = match arguments.get("where") {
            Some(input) => Filter::read(self.model, start.entity, &input)?,
            None => Filter::everything(),
        };
        let filter = self.defaults.within_scope(start.entity, filter);
        if let ListForm::Aggregate = form {
            return self.aggregate(start, filter, field, loads);
        }
        let default = self.defaults.order(start.entity);
        let mut order =
            OrderTerm::read(self.model, start.entity, arguments.get("orderBy").as_ref(), default)?;
        if let Some((owner, relation)) = start.relation {
            order.extend(OrderTerm::links(self.model, owner, relation));
        }
        match form {
            ListForm::Connection => self.connection(start, filter, order, field, arguments, loads),
            ListForm::List | ListForm::Aggregate => {
                let limit = self.limit(start.entity, arguments.get("limit"))?;
                let offset = arguments.get("offset").map_or(Ok(0), |input| input.count())?;
                let page =
                    if limit.is_none() && offset == 0 { Page::All } else { Page::Slice { limit, offset } };
                let rows = Rows { order, page, ..Rows::unordered() };
                let load = self.share(loads, start.load(filter, LoadKind::Rows(rows)));
                let selection = self.selection_of(load, start.entity, field, loads)?;
                Ok(FieldKind::List { load, selection })
            }
        }
    }

    /// Returns the number of rows that a list or a page returns at most, as the client asks within the limit of the entity.
    fn limit(&self, id: EntityId, input: Option<Input<'a>>) -> Result<Option<u64>> {
        let most = self.model.entities[id].list_limit;
        let Some(input) = input else { return Ok(most) };
        let asked = input.count()?;
        match most {
            Some(most) if asked > most => Err(input.refuse(format!("expected at most {most} rows"))),
            _ => Ok(Some(asked)),
        }
    }

    /// Returns the selection of `field` on the rows of a load.
    fn selection_of(
        &mut self,
        load: usize,
        id: EntityId,
        field: &Merged<'a>,
        loads: &mut [Load],
    ) -> Result<Selection> {
        self.above.push(load);
        let selection = self.selection(id, &field.selection_sets(), rows_of(&mut loads[load])?);
        self.above.pop();
        selection
    }

    /// Plans the selection `sets` on `rows`, and adds the needed columns and loads to `rows`.
    fn selection(&mut self, id: EntityId, sets: &[&'a SelectionSet], rows: &mut Rows) -> Result<Selection> {
        let entity = &self.model.entities[id];
        let mut fields = Vec::new();
        let interfaces = if entity.has_key() { NODE } else { &[] };
        for field in self.document.collect(sets, &entity.name, interfaces)? {
            self.path.push(field.key.to_string());
            let kind = match field.name().as_str() {
                "__typename" => FieldKind::TypeName(entity.name.clone()),
                names::NODE_ID => FieldKind::NodeId {
                    slots: entity.primary_key.iter().map(|column| slot(rows, *column)).collect(),
                },
                name => match entity.column_of_field(name) {
                    Some(column) => FieldKind::Column { slot: slot(rows, column), column },
                    None => match self.model.computed_field(id, name) {
                        Some(computed) => self.computed(entity, computed, &field, rows),
                        None => self.relation(id, &field, rows)?,
                    },
                },
            };
            self.path.pop();
            fields.push(Field::new(field.key.clone(), field.name().clone(), field.position(), kind));
        }
        Ok(Selection { entity: id, fields })
    }

    /// Plans a field of the application; equal ones share a call.
    fn computed(
        &self,
        entity: &Entity,
        computed: &ComputedField,
        field: &Merged<'a>,
        rows: &mut Rows,
    ) -> FieldKind {
        let given = field.arguments(&self.document);
        let argument = |name: &String| Some((name.clone(), given.get(name)?.json()));
        let load = ComputedLoad {
            resolver: computed.resolver,
            key: entity.primary_key.iter().map(|column| slot(rows, *column)).collect(),
            slots: computed.columns.iter().map(|column| slot(rows, *column)).collect(),
            arguments: computed.arguments.iter().filter_map(argument).collect(),
        };
        let known = rows.computed.iter().position(|known| *known == load);
        let place = known.unwrap_or(rows.computed.len());
        if known.is_none() {
            rows.computed.push(load);
        }
        FieldKind::Computed { place, non_null: computed.non_null }
    }

    fn relation(&mut self, owner: EntityId, field: &Merged<'a>, rows: &mut Rows) -> Result<FieldKind> {
        let entity = &self.model.entities[owner];
        for (id, relation) in entity.relations.iter().enumerate() {
            let form = match field.name().as_str() {
                name if name == relation.field => ListForm::List,
                name if !relation.is_many() || !name.starts_with(&relation.field) => continue,
                name if name == names::connection_field(&relation.field) => ListForm::Connection,
                name if self.model.is_counted(relation)
                    && name == names::aggregate_field(&relation.field) =>
                {
                    ListForm::Aggregate
                }
                _ => continue,
            };
            let key: Vec<usize> = relation.join.from.iter().map(|column| slot(rows, *column)).collect();
            let start = Start { entity: relation.target, relation: Some((owner, id)) };
            let arguments = field.arguments(&self.document);
            if relation.is_many() {
                return self.many(form, start, field, &arguments, &mut rows.children);
            }
            return self.single(relation, start, key, field, &mut rows.children);
        }
        Err(no_field(&entity.name, field.name()))
    }

    fn single(
        &mut self,
        relation: &Relation,
        start: Start,
        key: Vec<usize>,
        field: &Merged<'a>,
        loads: &mut Vec<Load>,
    ) -> Result<FieldKind> {
        let load = self.share(loads, start.load(Filter::everything(), LoadKind::Rows(Rows::unordered())));
        let selection = self.selection_of(load, start.entity, field, loads)?;
        let is_forward = relation.declaration == Declaration::BelongsTo;
        let non_null = relation.cardinality == Cardinality::One;
        Ok(FieldKind::One {
            load,
            selection,
            // A hidden row is null without an error, as an absent row.
            key: (is_forward && (non_null || !self.model.entities[relation.target].restricted))
                .then_some(key),
            non_null,
        })
    }

    /// Adds a load, or finds the one that loads the same already: `a: posts {id} b: posts {title}` is one statement.
    /// Searches by hash, since a client may ask for a thousand lists that differ in the last value of a long filter.
    fn share(&mut self, loads: &mut Vec<Load>, load: Load) -> usize {
        if load.relation.is_none() {
            return push(loads, load);
        }
        let places = self.shared.entry(self.hash(&load)).or_default();
        let known = places.iter().find(|place| loads.get(**place).is_some_and(|known| is_same(known, &load)));
        if let Some(known) = known {
            return *known;
        }
        places.push(loads.len());
        push(loads, load)
    }

    /// Hashes a load with the way to it: below another parent the same load has other rows.
    fn hash(&self, load: &Load) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        self.above.hash(&mut hasher);
        load.relation.hash(&mut hasher);
        load.source.hash(&mut hasher);
        match &load.what {
            LoadKind::Rows(rows) => (&rows.order, &rows.page).hash(&mut hasher),
            LoadKind::Aggregates(aggregates) => aggregates.hash(&mut hasher),
        }
        hasher.finish()
    }
}

/// Adds a load, or returns an equal existing load: `a: posts {id} b: posts {title}` is one statement.
fn is_same(one: &Load, other: &Load) -> bool {
    let what = match (&one.what, &other.what) {
        (LoadKind::Rows(one), LoadKind::Rows(other)) => one.order == other.order && one.page == other.page,
        (one, other) => one == other,
    };
    what && one.relation == other.relation && one.source == other.source
}

fn push(loads: &mut Vec<Load>, load: Load) -> usize {
    loads.push(load);
    loads.len() - 1
}

fn position_or_push<T: PartialEq>(items: &mut Vec<T>, item: T) -> usize {
    items.iter().position(|known| *known == item).unwrap_or_else(|| {
        items.push(item);
        items.len() - 1
    })
}

fn rows_of(load: &mut Load) -> Result<&mut Rows> {
    match &mut load.what {
        LoadKind::Rows(rows) => Ok(rows),
        LoadKind::Aggregates(_) => Err(Error::internal("rows were planned where aggregates are loaded")),
    }
}

fn slot(rows: &mut Rows, column: ColumnId) -> usize {
    position_or_push(&mut rows.columns, column)
}

fn no_field(type_name: &str, field: &str) -> Error {
    Error::validation(format!("{type_name} has no field \"{field}\""))
}
