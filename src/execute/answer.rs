//! The loaded tree, written straight to the response as the client selected it.
//!
//! A field that cannot be answered becomes `null`, or takes the nearest parent that can be `null` with it
//! (October 2021, section 6.4.4); its error carries the path.

use std::sync::atomic::Ordering;

use async_graphql::{Name, PathSegment, Pos, ServerError};
use sea_orm::Value;
use serde::Serialize;

use super::row::{Cell, Row};
use super::tree::{Child, Loaded};
use super::write_cell::{write_cell, write_scalar};
use crate::error::{Error, Result};
use crate::model::{ColumnId, Entity, EntityId, Model};
use crate::plan::{
    Aggregate, AggregateField, AggregateFieldKind, ConnectionField, ConnectionFieldKind, Cursor, EdgeField,
    EdgeFieldKind, Field, FieldKind, Load, NodeGroup, PageInfoField, Plan, Rows, Selection, What,
    write_node_id,
};

/// JSON text, as it goes to the client.
pub type Json = Vec<u8>;

/// The room with which an answer begins, unless the last one needed more.
const USUAL_BYTES: usize = 8 << 10;

/// The room for what is written around an answer.
const AROUND_BYTES: usize = 16;

/// The answer to the model's own fields of an operation.
#[derive(Debug, Default)]
pub struct Answer {
    /// The root fields in order, each with its value; none where async-graphql answers.
    pub fields: Vec<(Name, Option<Json>)>,
    /// What went wrong, each with its path.
    pub errors: Vec<ServerError>,
    /// Whether a field that cannot be `null` took the whole answer with it.
    pub is_null: bool,
}

impl Answer {
    /// Writes the answer to `plan` from what was loaded. `path` leads to the object whose fields they are.
    pub fn write(model: &Model, plan: &Plan, children: &[Result<Child>], path: Vec<PathSegment>) -> Self {
        let mut writer = Writer::new(model, path);
        let mut answer = Self::default();
        for field in &plan.fields {
            if let FieldKind::Foreign = field.kind {
                answer.fields.push((field.key.clone(), None));
                continue;
            }
            let above = Above { loads: &plan.loads, children, row: None, index: 0 };
            match writer.field(field, None, above) {
                Ok(()) => answer.fields.push((field.key.clone(), Some(std::mem::take(&mut writer.json)))),
                Err(Bubble) => {
                    writer.json.clear();
                    answer.is_null = true;
                }
            }
        }
        answer.errors = writer.errors;
        answer
    }

    /// Writes the whole answer to `plan`, every field of which is the model's own, as one object.
    pub fn write_object(model: &Model, plan: &Plan, children: &[Result<Child>]) -> (Json, Vec<ServerError>) {
        let mut writer = Writer::new(model, Vec::new());
        let last_bytes = plan.last_bytes.load(Ordering::Relaxed);
        writer.json.reserve(last_bytes.max(USUAL_BYTES) + AROUND_BYTES);
        let above = Above { loads: &plan.loads, children, row: None, index: 0 };
        let mut is_null = false;
        writer.json.push(b'{');
        for (place, field) in plan.fields.iter().enumerate() {
            begin_field(&mut writer.json, place, &field.key);
            // The other root fields may have errors to tell.
            is_null |= writer.field(field, None, above).is_err();
        }
        writer.json.push(b'}');
        if is_null {
            writer.json.clear();
            writer.scalar(&());
        }
        if writer.json.len() != last_bytes {
            plan.last_bytes.store(writer.json.len(), Ordering::Relaxed);
        }
        (writer.json, writer.errors)
    }

    /// Writes rows that a user's own root field answers with. `path` leads to that field; each row is answered by
    /// itself, `None` where an error took it.
    pub fn write_rows(
        model: &Model,
        load: &Load,
        selection: &Selection,
        loaded: &Loaded,
        path: Vec<PathSegment>,
    ) -> (Vec<Option<Json>>, Vec<ServerError>) {
        let mut writer = Writer::new(model, path);
        let mut rows = Vec::new();
        for index in 0..loaded.rows.len() {
            writer.path.push(Step::Index(index));
            let written = writer.object(selection, load, loaded, index);
            let json = std::mem::take(&mut writer.json);
            rows.push(written.is_ok().then_some(json));
            writer.path.pop();
        }
        (rows, writer.errors)
    }
}

/// Puts written values together to an object.
pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Json {
    let mut json = vec![b'{'];
    for (place, (key, value)) in fields.into_iter().enumerate() {
        begin_field(&mut json, place, key);
        json.extend_from_slice(value);
    }
    json.push(b'}');
    json
}

/// A value as JSON text.
pub fn json(value: &impl Serialize) -> Json {
    serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec())
}

/// Names are letters, digits and `_` (October 2021, section 2.1.9): nothing to escape.
fn begin_field(json: &mut Json, place: usize, key: &str) {
    if place > 0 {
        json.push(b',');
    }
    json.push(b'"');
    json.extend_from_slice(key.as_bytes());
    json.extend_from_slice(b"\":");
}

/// A field that cannot be `null` has no value; its error is recorded. What has been written of it is taken back where
/// `null` can stand.
struct Bubble;

type Written = std::result::Result<(), Bubble>;

/// The row that fields are written for, and what was loaded below it.
#[derive(Clone, Copy)]
struct Above<'a> {
    loads: &'a [Load],
    children: &'a [Result<Child>],
    row: Option<Row<'a>>,
    index: usize,
}

/// One step of the path to a field, which becomes a [`PathSegment`] only in an error.
#[derive(Clone, Copy)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

/// Errors beyond this many are not told: a client learns nothing from the thousandth.
const MOST_ERRORS: usize = 100;

struct Writer<'a> {
    model: &'a Model,
    json: Json,
    /// The path to where the writing began.
    start: Vec<PathSegment>,
    path: Vec<Step<'a>>,
    errors: Vec<ServerError>,
}

impl<'a> Writer<'a> {
    fn new(model: &'a Model, start: Vec<PathSegment>) -> Self {
        Self { model, json: Json::new(), start, path: Vec::new(), errors: Vec::new() }
    }

    fn fail(&mut self, error: &Error, below: &[String], position: Pos) {
        if self.errors.len() >= MOST_ERRORS {
            return;
        }
        let segment = |step: &Step| match step {
            Step::Field(key) => PathSegment::Field((*key).to_owned()),
            Step::Index(index) => PathSegment::Index(*index),
        };
        let below = below.iter().cloned().map(PathSegment::Field);
        let path = self.start.iter().cloned().chain(self.path.iter().map(segment)).chain(below).collect();
        self.errors.push(error.to_server_error(position, path));
    }

    /// `null` with an error, where `null` can stand.
    fn null(&mut self, error: &Error, position: Pos, non_null: bool) -> Written {
        self.fail(error, &[], position);
        if non_null {
            return Err(Bubble);
        }
        self.scalar(&());
        Ok(())
    }

    /// Numbers, texts and `null`.
    fn scalar(&mut self, value: &(impl Serialize + ?Sized)) {
        write_scalar(&mut self.json, value);
    }

    fn fields(&mut self, fields: &'a [Field], entity: Option<EntityId>, above: Above<'a>) -> Written {
        let columns = entity.map_or(&[][..], |entity| &self.model.entities[entity].columns);
        let start = self.json.len();
        for field in fields {
            self.json.extend_from_slice(field.label.as_bytes());
            // Nearly every field is a column with a value, which needs no path.
            if let (FieldKind::Column { slot, column }, Some(row)) = (&field.kind, above.row)
                && write_cell(&mut self.json, self.model, &columns[*column].column_type, row.cell(*slot))
            {
                continue;
            }
            self.field(field, entity, above)?;
        }
        match self.json.get_mut(start) {
            // Where the first label has its comma.
            Some(first) => *first = b'{',
            None => self.json.push(b'{'),
        }
        self.json.push(b'}');
        Ok(())
    }

    fn field(&mut self, field: &'a Field, entity: Option<EntityId>, above: Above<'a>) -> Written {
        let depth = self.path.len();
        self.path.push(Step::Field(&field.key));
        let written = self.value(field, entity, above);
        // A value that could not be written leaves the steps to where it failed.
        self.path.truncate(depth);
        written
    }

    fn value(&mut self, field: &'a Field, entity: Option<EntityId>, above: Above<'a>) -> Written {
        let position = field.position;
        match &field.kind {
            FieldKind::TypeName(name) => self.scalar(name),
            FieldKind::Column { slot, column } => {
                return match entity.zip(above.row) {
                    Some((entity, row)) => self.column(entity, *column, row.cell(*slot), position),
                    None => self.null(&Error::internal("a column without a row"), position, true),
                };
            }
            FieldKind::NodeId { slots } => {
                let key: Vec<Value> = slots.iter().filter_map(|slot| Some(above.row?.value(*slot))).collect();
                match entity.and_then(|entity| write_node_id(self.model, entity, key.iter())) {
                    Some(id) => self.scalar(&id),
                    None => {
                        let error = Error::internal("a primary key that cannot be written");
                        return self.null(&error, position, true);
                    }
                }
            }
            FieldKind::One { load, selection, key, non_null } => {
                return self.one(field, above, *load, selection, key.as_deref(), *non_null);
            }
            FieldKind::List { load, selection } => {
                let (load, child) = self.child(above, *load, position)?;
                return self.list(selection, load, child, above.index);
            }
            FieldKind::Nodes { items, groups } => return self.nodes(items, groups, above, position),
            FieldKind::Connection { load, fields } => return self.connection(*load, fields, above, position),
            FieldKind::Aggregate { load, fields } => {
                let (load, child) = self.child(above, *load, position)?;
                let row = child.groups.members(above.index).first();
                return self.aggregate(fields, load, row.map(|row| child.loaded.row(*row as usize)));
            }
            FieldKind::Failed { error, below, non_null } => {
                self.fail(error, below, position);
                if *non_null {
                    return Err(Bubble);
                }
                self.scalar(&());
            }
            FieldKind::Foreign => self.scalar(&()),
        }
        Ok(())
    }

    /// The loaded child of a field that cannot be `null`.
    fn child(
        &mut self,
        above: Above<'a>,
        load: usize,
        position: Pos,
    ) -> std::result::Result<(&'a Load, &'a Child), Bubble> {
        match &above.children[load] {
            Ok(child) => Ok((&above.loads[load], child)),
            Err(error) => {
                self.fail(error, &[], position);
                Err(Bubble)
            }
        }
    }

    fn column(&mut self, entity: EntityId, id: ColumnId, cell: Cell, position: Pos) -> Written {
        let column = &self.model.entities[entity].columns[id];
        if cell == Cell::Null && column.nullable {
            self.scalar(&());
            return Ok(());
        }
        if write_cell(&mut self.json, self.model, &column.column_type, cell) {
            return Ok(());
        }
        let error = Error::internal(format!(
            "{}.{} holds a value that its type does not have",
            self.model.entities[entity].table.name, column.name
        ));
        self.null(&error, position, !column.nullable)
    }

    fn one(
        &mut self,
        field: &'a Field,
        above: Above<'a>,
        load: usize,
        selection: &'a Selection,
        key: Option<&[usize]>,
        non_null: bool,
    ) -> Written {
        let child = match &above.children[load] {
            Ok(child) => child,
            Err(error) => return self.null(error, field.position, non_null),
        };
        let load = &above.loads[load];
        if let Some(member) = child.groups.members(above.index).first() {
            let start = self.json.len();
            return match self.object(selection, load, &child.loaded, *member as usize) {
                Err(Bubble) if !non_null => {
                    self.json.truncate(start);
                    self.scalar(&());
                    Ok(())
                }
                written => written,
            };
        }
        let dangling =
            key.zip(above.row).filter(|(slots, row)| slots.iter().all(|slot| row.cell(*slot) != Cell::Null));
        match dangling {
            // A foreign key without a constraint may point at nothing.
            Some((slots, row)) => {
                let error = self.missing_target(load, slots, row);
                self.null(&error, field.position, non_null)
            }
            None if non_null => self.null(&Error::internal("a required key is NULL"), field.position, true),
            None => {
                self.scalar(&());
                Ok(())
            }
        }
    }

    fn missing_target(&self, load: &Load, slots: &[usize], row: Row) -> Error {
        let target = &self.model.entities[load.entity];
        let relation = load.relation.map(|(owner, relation)| &self.model.entities[owner].relations[relation]);
        let columns = relation.map(|relation| relation.to.as_slice()).unwrap_or_default();
        let key: serde_json::Map<String, serde_json::Value> = columns
            .iter()
            .zip(slots)
            .map(|(column, slot)| {
                let column = &target.columns[*column];
                let variants = self.model.variants(&column.column_type);
                let value = column.column_type.write(&row.value(*slot), variants);
                (column.field.clone(), value.unwrap_or_default())
            })
            .collect();
        Error::not_found(&target.name, key.into())
    }

    fn list(&mut self, selection: &'a Selection, load: &'a Load, child: &'a Child, parent: usize) -> Written {
        self.json.push(b'[');
        for (place, member) in child.groups.members(parent).iter().enumerate() {
            if place > 0 {
                self.json.push(b',');
            }
            self.path.push(Step::Index(place));
            self.object(selection, load, &child.loaded, *member as usize)?;
            self.path.pop();
        }
        self.json.push(b']');
        Ok(())
    }

    fn object(
        &mut self,
        selection: &'a Selection,
        load: &'a Load,
        loaded: &'a Loaded,
        index: usize,
    ) -> Written {
        let row = Some(loaded.row(index));
        let above = Above { loads: load.children(), children: &loaded.children, row, index };
        self.fields(&selection.fields, Some(selection.entity), above)
    }

    fn nodes(
        &mut self,
        items: &'a [(usize, Vec<Value>)],
        groups: &'a [NodeGroup],
        above: Above<'a>,
        position: Pos,
    ) -> Written {
        self.json.push(b'[');
        for (place, (group, key)) in items.iter().enumerate() {
            if place > 0 {
                self.json.push(b',');
            }
            self.path.push(Step::Index(place));
            let start = self.json.len();
            let group = &groups[*group];
            let load = &above.loads[group.load];
            let found = match &above.children[group.load] {
                Ok(child) => {
                    let is_it = |index: &usize| {
                        let row = child.loaded.row(*index);
                        group.slots.iter().zip(key).all(|(slot, value)| row.value(*slot) == *value)
                    };
                    (0..child.loaded.rows.len()).find(is_it).map(|index| (child, index))
                }
                Err(error) => {
                    self.fail(error, &[], position);
                    None
                }
            };
            let written = match found {
                Some((child, index)) => self.object(&group.selection, load, &child.loaded, index),
                None => Err(Bubble),
            };
            if written.is_err() {
                self.json.truncate(start);
                self.scalar(&());
            }
            self.path.pop();
        }
        self.json.push(b']');
        Ok(())
    }

    fn connection(
        &mut self,
        load: Option<usize>,
        fields: &'a [ConnectionField],
        above: Above<'a>,
        position: Pos,
    ) -> Written {
        let rows = match load {
            Some(load) => Some(self.child(above, load, position)?),
            None => None,
        };
        self.json.push(b'{');
        for (place, field) in fields.iter().enumerate() {
            begin_field(&mut self.json, place, &field.key);
            self.path.push(Step::Field(&field.key));
            match (&field.kind, rows) {
                (ConnectionFieldKind::TypeName(name), _) => self.scalar(name),
                (ConnectionFieldKind::TotalCount(count), _) => {
                    self.total_count(above, *count, field.position)?;
                }
                (ConnectionFieldKind::Nodes(selection), Some((load, child))) => {
                    self.list(selection, load, child, above.index)?;
                }
                (ConnectionFieldKind::Edges(fields), Some((load, child))) => {
                    self.edges(fields, load, child, above.index)?;
                }
                (ConnectionFieldKind::PageInfo(fields), Some((load, child))) => {
                    self.page_info(fields, load, child, above.index);
                }
                (_, None) => return Err(Bubble),
            }
            self.path.pop();
        }
        self.json.push(b'}');
        Ok(())
    }

    fn total_count(&mut self, above: Above<'a>, load: usize, position: Pos) -> Written {
        let (_, child) = self.child(above, load, position)?;
        let first = child.groups.members(above.index).first();
        self.count(first.map(|row| child.loaded.row(*row as usize).cell(0)), position)
    }

    /// A count is an `Int`; a list without rows has no row that counts them.
    fn count(&mut self, cell: Option<Cell>, position: Pos) -> Written {
        match cell {
            None => self.scalar(&0),
            Some(Cell::Integer(count)) if count <= i32::MAX.into() => self.scalar(&count),
            _ => return self.null(&Error::internal("a count passes the range of Int"), position, true),
        }
        Ok(())
    }

    fn edges(&mut self, fields: &'a [EdgeField], load: &'a Load, child: &'a Child, parent: usize) -> Written {
        self.json.push(b'[');
        for (place, member) in child.groups.members(parent).iter().enumerate() {
            if place > 0 {
                self.json.push(b',');
            }
            let member = *member as usize;
            self.path.push(Step::Index(place));
            self.json.push(b'{');
            for (place, field) in fields.iter().enumerate() {
                begin_field(&mut self.json, place, &field.key);
                self.path.push(Step::Field(&field.key));
                match &field.kind {
                    EdgeFieldKind::TypeName(name) => self.scalar(name),
                    EdgeFieldKind::Cursor => self.cursor(load, &child.loaded, member),
                    EdgeFieldKind::Node(selection) => self.object(selection, load, &child.loaded, member)?,
                    EdgeFieldKind::JunctionColumn(place, entity, column) => {
                        let slot = planned_rows(load).map_or(0, |rows| rows.columns.len()) + place;
                        let cell = child.loaded.row(member).cell(slot);
                        self.column(*entity, *column, cell, field.position)?;
                    }
                }
                self.path.pop();
            }
            self.json.push(b'}');
            self.path.pop();
        }
        self.json.push(b']');
        Ok(())
    }

    fn page_info(&mut self, fields: &[(Name, PageInfoField)], load: &Load, child: &Child, parent: usize) {
        let members = child.groups.members(parent);
        self.json.push(b'{');
        for (place, (key, field)) in fields.iter().enumerate() {
            begin_field(&mut self.json, place, key);
            let cursor = match field {
                PageInfoField::TypeName => {
                    self.scalar("PageInfo");
                    continue;
                }
                PageInfoField::HasNextPage => {
                    self.scalar(&child.groups.has_next(parent));
                    continue;
                }
                PageInfoField::HasPreviousPage => {
                    self.scalar(&child.groups.has_previous(parent));
                    continue;
                }
                PageInfoField::StartCursor => members.first(),
                PageInfoField::EndCursor => members.last(),
            };
            match cursor {
                Some(member) => self.cursor(load, &child.loaded, *member as usize),
                None => self.scalar(&()),
            }
        }
        self.json.push(b'}');
    }

    fn cursor(&mut self, load: &Load, loaded: &Loaded, member: usize) {
        let Some(rows) = planned_rows(load) else { return self.scalar(&()) };
        let row = loaded.row(member);
        let values: Vec<Value> =
            (loaded.cursor..loaded.cursor + rows.order.len()).map(|slot| row.value(slot)).collect();
        self.scalar(&Cursor::write(self.model, load.entity, &rows.order, &values));
    }

    fn aggregate(&mut self, fields: &'a [AggregateField], load: &'a Load, row: Option<Row<'a>>) -> Written {
        let What::Aggregates(aggregates) = &load.what else {
            self.scalar(&());
            return Ok(());
        };
        let entity = &self.model.entities[load.entity];
        self.json.push(b'{');
        for (place, field) in fields.iter().enumerate() {
            begin_field(&mut self.json, place, &field.key);
            self.path.push(Step::Field(&field.key));
            match &field.kind {
                AggregateFieldKind::TypeName(name) => self.scalar(name),
                AggregateFieldKind::Value(slot) => {
                    let cell = row.map(|row| row.cell(*slot));
                    self.aggregate_value(aggregates[*slot], entity, cell, field.position)?;
                }
                AggregateFieldKind::Group(below) => self.aggregate(below, load, row)?,
            }
            self.path.pop();
        }
        self.json.push(b'}');
        Ok(())
    }

    fn aggregate_value(
        &mut self,
        aggregate: Aggregate,
        entity: &Entity,
        cell: Option<Cell>,
        position: Pos,
    ) -> Written {
        match (aggregate, cell) {
            (Aggregate::Count | Aggregate::CountDistinct(_), cell) => return self.count(cell, position),
            // Nothing has no sum, average, least or greatest.
            (_, None | Some(Cell::Null)) => self.scalar(&()),
            (aggregate, Some(cell)) => {
                if !write_cell(&mut self.json, self.model, &aggregate.column_type(entity), cell) {
                    return self.null(
                        &Error::internal("an aggregate that JSON cannot hold"),
                        position,
                        false,
                    );
                }
            }
        }
        Ok(())
    }
}

fn planned_rows(load: &Load) -> Option<&Rows> {
    match &load.what {
        What::Rows(rows) => Some(rows),
        What::Aggregates(_) => None,
    }
}
