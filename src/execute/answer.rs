//! The loaded tree, read into the response as the client selected it.
//!
//! A field that cannot be answered becomes `null`, or takes the nearest parent that can be `null` with it
//! (October 2021, section 6.4.4); its error carries the path.

use async_graphql::{Name, PathSegment, Pos, ServerError, Value as ConstValue};
use indexmap::IndexMap;
use sea_orm::Value;

use super::tree::{Child, Group, Loaded};
use crate::error::{Error, Result};
use crate::model::{ColumnId, ColumnType, Entity, EntityId, Model, is_null};
use crate::plan::{
    Aggregate, AggregateField, AggregateFieldKind, ConnectionField, ConnectionFieldKind, Cursor, EdgeField,
    EdgeFieldKind, Field, FieldKind, Load, NodeGroup, PageInfoField, Plan, Rows, Selection, What,
    write_node_id,
};

/// The answer to the model's own fields of an operation.
#[derive(Debug, Default)]
pub struct Answer {
    /// The root fields in order; `None` where async-graphql answers.
    pub fields: Vec<(Name, Option<ConstValue>)>,
    /// What went wrong, each with its path.
    pub errors: Vec<ServerError>,
    /// Whether a field that cannot be `null` took the whole answer with it.
    pub is_null: bool,
}

impl Answer {
    /// Reads the answer to `plan` from what was loaded.
    /// `path` leads to the object whose fields they are.
    pub fn read(model: &Model, plan: &Plan, children: &[Result<Child>], path: Vec<PathSegment>) -> Self {
        let mut reader = Reader { model, path, errors: Vec::new() };
        let mut answer = Self::default();
        for field in &plan.fields {
            if let FieldKind::Foreign = field.kind {
                answer.fields.push((field.key.clone(), None));
                continue;
            }
            let above = Above { loads: &plan.loads, children, row: None, index: 0 };
            match reader.field(field, None, above) {
                Ok(value) => answer.fields.push((field.key.clone(), Some(value))),
                Err(Bubble) => answer.is_null = true,
            }
        }
        answer.errors = reader.errors;
        answer
    }

    /// Reads rows that a user's own root field answers with. `path` leads to that field; each row is answered by
    /// itself, `None` where an error took it.
    pub fn read_rows(
        model: &Model,
        load: &Load,
        selection: &Selection,
        loaded: &Loaded,
        path: Vec<PathSegment>,
    ) -> (Vec<Option<ConstValue>>, Vec<ServerError>) {
        let mut reader = Reader { model, path, errors: Vec::new() };
        let mut values = Vec::new();
        for index in 0..loaded.rows.len() {
            reader.path.push(PathSegment::Index(index));
            values.push(reader.object(selection, load, loaded, index).ok());
            reader.path.pop();
        }
        (values, reader.errors)
    }
}

/// A field that cannot be `null` has no value; its error is recorded.
struct Bubble;

type Read<T = ConstValue> = std::result::Result<T, Bubble>;

/// The row that fields are read for, and what was loaded below it.
#[derive(Clone, Copy)]
struct Above<'a> {
    loads: &'a [Load],
    children: &'a [Result<Child>],
    row: Option<&'a [Value]>,
    index: usize,
}

/// Errors beyond this many are not told: a client learns nothing from the thousandth.
const MOST_ERRORS: usize = 100;

struct Reader<'a> {
    model: &'a Model,
    path: Vec<PathSegment>,
    errors: Vec<ServerError>,
}

impl Reader<'_> {
    fn fail(&mut self, error: &Error, position: Pos) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(error.to_server_error(position, self.path.clone()));
        }
    }

    /// `null` with an error, where `null` can stand.
    fn null(&mut self, error: &Error, position: Pos, non_null: bool) -> Read {
        self.fail(error, position);
        if non_null { Err(Bubble) } else { Ok(ConstValue::Null) }
    }

    fn field(&mut self, field: &Field, entity: Option<EntityId>, above: Above) -> Read {
        self.path.push(PathSegment::Field(field.key.to_string()));
        let value = self.field_value(field, entity, above);
        self.path.pop();
        value
    }

    fn field_value(&mut self, field: &Field, entity: Option<EntityId>, above: Above) -> Read {
        let position = field.position;
        let cell = |slot: &usize| above.row.and_then(|row| row.get(*slot));
        match &field.kind {
            FieldKind::TypeName(name) => Ok(ConstValue::from(name.as_str())),
            FieldKind::Column { slot, column } => match entity.zip(cell(slot)) {
                Some((entity, value)) => self.column(entity, *column, value, position),
                None => self.null(&Error::internal("a column without a row"), position, true),
            },
            FieldKind::NodeId { slots } => {
                let key = slots.iter().filter_map(cell);
                match entity.and_then(|entity| write_node_id(self.model, entity, key)) {
                    Some(id) => Ok(ConstValue::from(id)),
                    None => {
                        self.null(&Error::internal("a primary key that cannot be written"), position, true)
                    }
                }
            }
            FieldKind::One { load, selection, key, non_null } => {
                self.one(field, above, *load, selection, key.as_deref(), *non_null)
            }
            FieldKind::List { load, selection } => {
                let (load, child) = self.child(above, *load, position, true)?;
                let Some(child) = child else { return Ok(ConstValue::Null) };
                self.list(selection, load, child, above.index)
            }
            FieldKind::Nodes { items, groups } => self.nodes(items, groups, above, position),
            FieldKind::Connection { load, fields } => self.connection(*load, fields, above, position),
            FieldKind::Aggregate { load, fields } => {
                let (load, child) = self.child(above, *load, position, true)?;
                let row = child.and_then(|child| {
                    let first = child.groups.get(above.index)?.members.first()?;
                    Some(child.loaded.rows.row(*first))
                });
                self.aggregate(fields, load, row)
            }
            FieldKind::Failed { error, below, non_null } => {
                let length = self.path.len();
                self.path.extend(below.iter().cloned().map(PathSegment::Field));
                self.fail(error, position);
                self.path.truncate(length);
                if *non_null { Err(Bubble) } else { Ok(ConstValue::Null) }
            }
            FieldKind::Foreign => Ok(ConstValue::Null),
        }
    }

    /// The loaded child; with its error recorded, none where `null` can stand for it.
    fn child<'c>(
        &mut self,
        above: Above<'c>,
        load: usize,
        position: Pos,
        non_null: bool,
    ) -> Read<(&'c Load, Option<&'c Child>)> {
        match &above.children[load] {
            Ok(child) => Ok((&above.loads[load], Some(child))),
            Err(error) => self.null(error, position, non_null).map(|_| (&above.loads[load], None)),
        }
    }

    fn column(&mut self, entity: EntityId, id: ColumnId, value: &Value, position: Pos) -> Read {
        let column = &self.model.entities[entity].columns[id];
        if is_null(value) && column.nullable {
            return Ok(ConstValue::Null);
        }
        match scalar(self.model, &column.column_type, value) {
            Some(value) => Ok(value),
            None => {
                let error = Error::internal(format!(
                    "{}.{} holds a value that its type does not have",
                    self.model.entities[entity].table.name, column.name
                ));
                self.null(&error, position, !column.nullable)
            }
        }
    }

    fn one(
        &mut self,
        field: &Field,
        above: Above,
        load: usize,
        selection: &Selection,
        key: Option<&[usize]>,
        non_null: bool,
    ) -> Read {
        let (load, child) = self.child(above, load, field.position, non_null)?;
        let Some(child) = child else { return Ok(ConstValue::Null) };
        if let Some(member) = child.groups.get(above.index).and_then(|group| group.members.first()) {
            let object = self.object(selection, load, &child.loaded, *member);
            return match object {
                Err(Bubble) if !non_null => Ok(ConstValue::Null),
                other => other,
            };
        }
        let dangling =
            key.zip(above.row).filter(|(slots, row)| slots.iter().all(|slot| !is_null(&row[*slot])));
        match dangling {
            // A foreign key without a constraint may point at nothing.
            Some((slots, row)) => {
                let error = self.missing_target(load, slots, row);
                self.null(&error, field.position, non_null)
            }
            None if non_null => self.null(&Error::internal("a required key is NULL"), field.position, true),
            None => Ok(ConstValue::Null),
        }
    }

    fn missing_target(&self, load: &Load, slots: &[usize], row: &[Value]) -> Error {
        let target = &self.model.entities[load.entity];
        let relation = load.relation.map(|(owner, relation)| &self.model.entities[owner].relations[relation]);
        let columns = relation.map(|relation| relation.to.as_slice()).unwrap_or_default();
        let key: serde_json::Map<String, serde_json::Value> = columns
            .iter()
            .zip(slots)
            .map(|(column, slot)| {
                let column = &target.columns[*column];
                let value = column.column_type.write(&row[*slot], self.model.variants(&column.column_type));
                (column.field.clone(), value.unwrap_or_default())
            })
            .collect();
        Error::not_found(&target.name, key.into())
    }

    fn list(&mut self, selection: &Selection, load: &Load, child: &Child, index: usize) -> Read {
        let none = Group::default();
        let group = child.groups.get(index).unwrap_or(&none);
        let mut items = Vec::with_capacity(group.members.len());
        for (place, member) in group.members.iter().enumerate() {
            self.path.push(PathSegment::Index(place));
            let item = self.object(selection, load, &child.loaded, *member);
            self.path.pop();
            items.push(item?);
        }
        Ok(ConstValue::List(items))
    }

    fn object(&mut self, selection: &Selection, load: &Load, loaded: &Loaded, index: usize) -> Read {
        let above = Above {
            loads: load.children(),
            children: &loaded.children,
            row: Some(loaded.rows.row(index)),
            index,
        };
        let mut fields = IndexMap::with_capacity(selection.fields.len());
        for field in &selection.fields {
            fields.insert(field.key.clone(), self.field(field, Some(selection.entity), above)?);
        }
        Ok(ConstValue::Object(fields))
    }

    fn nodes(
        &mut self,
        items: &[(usize, Vec<Value>)],
        groups: &[NodeGroup],
        above: Above,
        position: Pos,
    ) -> Read {
        let mut answers = Vec::with_capacity(items.len());
        for (place, (group, key)) in items.iter().enumerate() {
            self.path.push(PathSegment::Index(place));
            let group = &groups[*group];
            let (load, child) = self.child(above, group.load, position, false)?;
            let found = child.and_then(|child| {
                let is_it = |index: &usize| {
                    let row = child.loaded.rows.row(*index);
                    group.slots.iter().zip(key).all(|(slot, value)| row[*slot] == *value)
                };
                Some((child, (0..child.loaded.rows.len()).find(is_it)?))
            });
            let answer = match found {
                Some((child, index)) => self.object(&group.selection, load, &child.loaded, index),
                None => Ok(ConstValue::Null),
            };
            self.path.pop();
            answers.push(answer.unwrap_or_default());
        }
        Ok(ConstValue::List(answers))
    }

    fn connection(
        &mut self,
        load: Option<usize>,
        fields: &[ConnectionField],
        above: Above,
        position: Pos,
    ) -> Read {
        let rows = match load {
            Some(load) => Some(self.child(above, load, position, true)?),
            None => None,
        };
        let none = Group::default();
        let mut answer = IndexMap::with_capacity(fields.len());
        for field in fields {
            self.path.push(PathSegment::Field(field.key.to_string()));
            let value = match (&field.kind, rows) {
                (ConnectionFieldKind::TypeName(name), _) => Ok(ConstValue::from(name.as_str())),
                (ConnectionFieldKind::TotalCount(count), _) => {
                    self.total_count(above, *count, field.position)
                }
                (kind, Some((load, Some(child)))) => {
                    let group = child.groups.get(above.index).unwrap_or(&none);
                    match kind {
                        ConnectionFieldKind::Nodes(selection) => {
                            self.list(selection, load, child, above.index)
                        }
                        ConnectionFieldKind::Edges(fields) => self.edges(fields, load, child, group),
                        ConnectionFieldKind::PageInfo(fields) => {
                            Ok(self.page_info(fields, load, child, group))
                        }
                        ConnectionFieldKind::TypeName(_) | ConnectionFieldKind::TotalCount(_) => {
                            Ok(ConstValue::Null)
                        }
                    }
                }
                _ => Err(Bubble),
            };
            self.path.pop();
            answer.insert(field.key.clone(), value?);
        }
        Ok(ConstValue::Object(answer))
    }

    fn total_count(&mut self, above: Above, load: usize, position: Pos) -> Read {
        let (_, child) = self.child(above, load, position, true)?;
        let count = child.and_then(|child| {
            let first = child.groups.get(above.index)?.members.first()?;
            child.loaded.rows.row(*first).first()
        });
        self.count(count, position)
    }

    /// A count is an `Int`; a list without rows has no row that counts them.
    fn count(&mut self, value: Option<&Value>, position: Pos) -> Read {
        match value {
            None => Ok(ConstValue::from(0)),
            Some(Value::BigInt(Some(count))) if *count <= i32::MAX.into() => Ok(ConstValue::from(*count)),
            _ => self.null(&Error::internal("a count passes the range of Int"), position, true),
        }
    }

    fn edges(&mut self, fields: &[EdgeField], load: &Load, child: &Child, group: &Group) -> Read {
        let mut edges = Vec::with_capacity(group.members.len());
        for (place, member) in group.members.iter().enumerate() {
            self.path.push(PathSegment::Index(place));
            let mut edge = IndexMap::with_capacity(fields.len());
            for field in fields {
                self.path.push(PathSegment::Field(field.key.to_string()));
                let value = match &field.kind {
                    EdgeFieldKind::TypeName(name) => Ok(ConstValue::from(name.as_str())),
                    EdgeFieldKind::Cursor => Ok(self.cursor(load, &child.loaded, *member)),
                    EdgeFieldKind::Node(selection) => self.object(selection, load, &child.loaded, *member),
                    EdgeFieldKind::JunctionColumn(place, entity, column) => {
                        let slot = planned_rows(load).map_or(0, |rows| rows.columns.len()) + place;
                        let value = &child.loaded.rows.row(*member)[slot];
                        self.column(*entity, *column, value, field.position)
                    }
                };
                self.path.pop();
                edge.insert(field.key.clone(), value?);
            }
            self.path.pop();
            edges.push(ConstValue::Object(edge));
        }
        Ok(ConstValue::List(edges))
    }

    fn page_info(
        &self,
        fields: &[(Name, PageInfoField)],
        load: &Load,
        child: &Child,
        group: &Group,
    ) -> ConstValue {
        let cursor = |member: Option<&usize>| match member {
            Some(member) => self.cursor(load, &child.loaded, *member),
            None => ConstValue::Null,
        };
        let read = |field: &PageInfoField| match field {
            PageInfoField::TypeName => ConstValue::from("PageInfo"),
            PageInfoField::HasNextPage => ConstValue::from(group.has_next),
            PageInfoField::HasPreviousPage => ConstValue::from(group.has_previous),
            PageInfoField::StartCursor => cursor(group.members.first()),
            PageInfoField::EndCursor => cursor(group.members.last()),
        };
        ConstValue::Object(fields.iter().map(|(key, field)| (key.clone(), read(field))).collect())
    }

    fn cursor(&self, load: &Load, loaded: &Loaded, member: usize) -> ConstValue {
        let Some(rows) = planned_rows(load) else { return ConstValue::Null };
        let values = &loaded.rows.row(member)[loaded.cursor..loaded.cursor + rows.order.len()];
        ConstValue::from(Cursor::write(self.model, load.entity, &rows.order, values))
    }

    fn aggregate(&mut self, fields: &[AggregateField], load: &Load, row: Option<&[Value]>) -> Read {
        let What::Aggregates(aggregates) = &load.what else { return Ok(ConstValue::Null) };
        let entity = &self.model.entities[load.entity];
        let mut answer = IndexMap::with_capacity(fields.len());
        for field in fields {
            self.path.push(PathSegment::Field(field.key.to_string()));
            let value = match &field.kind {
                AggregateFieldKind::TypeName(name) => Ok(ConstValue::from(name.as_str())),
                AggregateFieldKind::Value(slot) => self.aggregate_value(
                    aggregates[*slot],
                    entity,
                    row.map(|row| &row[*slot]),
                    field.position,
                ),
                AggregateFieldKind::Group(below) => self.aggregate(below, load, row),
            };
            self.path.pop();
            answer.insert(field.key.clone(), value?);
        }
        Ok(ConstValue::Object(answer))
    }

    fn aggregate_value(
        &mut self,
        aggregate: Aggregate,
        entity: &Entity,
        value: Option<&Value>,
        position: Pos,
    ) -> Read {
        match (aggregate, value) {
            (Aggregate::Count | Aggregate::CountDistinct(_), value) => self.count(value, position),
            // Nothing has no sum, average, least or greatest.
            (_, None) => Ok(ConstValue::Null),
            (_, Some(value)) if is_null(value) => Ok(ConstValue::Null),
            (aggregate, Some(value)) => match scalar(self.model, &aggregate.column_type(entity), value) {
                Some(value) => Ok(value),
                None => self.null(&Error::internal("an aggregate that JSON cannot hold"), position, false),
            },
        }
    }
}

fn planned_rows(load: &Load) -> Option<&Rows> {
    match &load.what {
        What::Rows(rows) => Some(rows),
        What::Aggregates(_) => None,
    }
}

fn scalar(model: &Model, column_type: &ColumnType, value: &Value) -> Option<ConstValue> {
    let json = column_type.write(value, model.variants(column_type))?;
    ConstValue::from_json(json).ok()
}
