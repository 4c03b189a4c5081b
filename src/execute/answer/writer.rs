//! Writes fields, and the rows below them.

use std::collections::HashMap;

use async_graphql::{PathSegment, Pos};
use sea_orm::Value;
use serde::Serialize;

use super::cell::{write_cell, write_scalar};
use super::json::Json;
use crate::database::{Cell, Row};
use crate::error::{Error, LocatedError, Result};
use crate::execute::computed::Computed;
use crate::execute::tree::{Child, Loaded};
use crate::model::{ColumnId, EntityId, Model};
use crate::plan::{Field, FieldKind, Load, NodeGroup, Selection, write_node_id};

/// Null propagation: a non-null field has no value, and its error is recorded. The nearest nullable parent
/// removes its partial output.
pub(super) struct NullPropagation;

/// Result of a write.
pub(super) type Written = std::result::Result<(), NullPropagation>;

/// Parent row of the written fields, and the loads below it.
#[derive(Clone, Copy)]
pub(super) struct ParentContext<'a> {
    pub loads: &'a [Load],
    pub children: &'a [Result<Child>],
    pub computed: &'a [Result<Computed>],
    pub row: Option<Row<'a>>,
    pub index: usize,
}

/// Path segment of a field, which becomes a [`PathSegment`] only in an error.
#[derive(Clone, Copy)]
pub(super) enum PathStep<'a> {
    Field(&'a str),
    Index(usize),
}

/// Maximum number of reported errors: a client learns nothing from the thousandth.
const MOST_ERRORS: usize = 100;

/// Response under construction.
pub(super) struct AnswerWriter<'a> {
    pub model: &'a Model,
    pub json: Json,
    /// Path to the start of the output.
    start: Vec<PathSegment>,
    /// Path from the start to the current field.
    pub path: Vec<PathStep<'a>>,
    pub errors: Vec<LocatedError>,
}

impl<'a> AnswerWriter<'a> {
    /// Creates an empty writer. `start` leads to the object of the fields.
    pub fn new(model: &'a Model, start: Vec<PathSegment>) -> Self {
        Self { model, json: Json::new(), start, path: Vec::new(), errors: Vec::new() }
    }

    fn fail(&mut self, error: &Error, below: &[String], position: Pos) {
        if self.errors.len() >= MOST_ERRORS {
            return;
        }
        let segment = |step: &PathStep| match step {
            PathStep::Field(key) => PathSegment::Field((*key).to_owned()),
            PathStep::Index(index) => PathSegment::Index(*index),
        };
        let below = below.iter().cloned().map(PathSegment::Field);
        let path = self.start.iter().cloned().chain(self.path.iter().map(segment)).chain(below).collect();
        self.errors.push(LocatedError::new(error.clone(), position, path));
    }

    /// Records an error and writes `null`, or propagates it for a non-null field.
    pub fn null(&mut self, error: &Error, position: Pos, non_null: bool) -> Written {
        self.fail(error, &[], position);
        if non_null {
            return Err(NullPropagation);
        }
        self.scalar(&());
        Ok(())
    }

    /// Writes a number, a text or `null`.
    pub fn scalar(&mut self, value: &(impl Serialize + ?Sized)) {
        write_scalar(&mut self.json, value);
    }

    fn fields(&mut self, fields: &'a [Field], entity: Option<EntityId>, above: ParentContext<'a>) -> Written {
        let columns = entity.map_or(&[][..], |entity| &self.model.entities[entity].columns);
        let start = self.json.len();
        for field in fields {
            self.json.extend_from_slice(field.label.as_bytes());
            // Nearly every field is a column with a value, which needs no path.
            if let (FieldKind::Column { slot, column }, Some(row)) = (&field.kind, above.row) {
                let (column_type, cell) = (&columns[*column].column_type, row.cell(*slot));
                if write_cell(&mut self.json, self.model, column_type, cell, row.is_plain()) {
                    continue;
                }
            }
            self.field(field, entity, above)?;
        }
        match self.json.get_mut(start) {
            // Replaces the comma of the first label.
            Some(first) => *first = b'{',
            None => self.json.push(b'{'),
        }
        self.json.push(b'}');
        Ok(())
    }

    /// Writes the value of a field; the caller writes the key.
    pub fn field(&mut self, field: &'a Field, entity: Option<EntityId>, above: ParentContext<'a>) -> Written {
        let depth = self.path.len();
        self.path.push(PathStep::Field(&field.key));
        let written = self.value(field, entity, above);
        // A failed value leaves its path segments behind.
        self.path.truncate(depth);
        written
    }

    fn value(&mut self, field: &'a Field, entity: Option<EntityId>, above: ParentContext<'a>) -> Written {
        let position = field.position;
        match &field.kind {
            FieldKind::TypeName(name) => self.scalar(name),
            FieldKind::Column { slot, column } => {
                return match entity.zip(above.row) {
                    Some((entity, row)) => self.column(entity, *column, row.cell(*slot), position),
                    None => self.null(&Error::internal("no row for a column"), position, true),
                };
            }
            FieldKind::Computed { place, non_null } => {
                return self.computed(above, *place, position, *non_null);
            }
            FieldKind::NodeId { slots } => {
                let Some((entity, row)) = entity.zip(above.row) else {
                    return self.null(&Error::internal("no row for a node id"), position, true);
                };
                let key: Vec<Value> = slots.iter().map(|slot| row.value(*slot)).collect();
                match write_node_id(self.model, entity, key.iter()) {
                    Some(id) => self.scalar(&id),
                    None => {
                        let error = self.unreadable_key(entity, slots, row);
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
                    return Err(NullPropagation);
                }
                self.scalar(&());
            }
            FieldKind::Delegated => self.scalar(&()),
        }
        Ok(())
    }

    /// Returns the loaded child of a non-null field.
    pub fn child(
        &mut self,
        above: ParentContext<'a>,
        load: usize,
        position: Pos,
    ) -> std::result::Result<(&'a Load, &'a Child), NullPropagation> {
        match &above.children[load] {
            Ok(child) if child.groups.has_unreadable_key(above.index) => {
                let error = self.unreadable_relation(&above.loads[load]);
                self.fail(&error, &[], position);
                Err(NullPropagation)
            }
            Ok(child) => Ok((&above.loads[load], child)),
            Err(error) => {
                self.fail(&self.load_error(&above.loads[load], error), &[], position);
                Err(NullPropagation)
            }
        }
    }

    /// Writes a cell in the form of its column.
    pub fn column(&mut self, entity: EntityId, id: ColumnId, cell: Cell, position: Pos) -> Written {
        let column = &self.model.entities[entity].columns[id];
        if cell == Cell::Null && column.nullable {
            self.scalar(&());
            return Ok(());
        }
        if write_cell(&mut self.json, self.model, &column.column_type, cell, false) {
            return Ok(());
        }
        let error = self.unreadable(entity, id, cell);
        self.null(&error, position, !column.nullable)
    }

    /// Builds the error of a cell that cannot be written.
    pub fn unreadable(&self, entity: EntityId, id: ColumnId, cell: Cell) -> Error {
        let entity = &self.model.entities[entity];
        let why = match cell {
            Cell::Null => "NULL in a column that is declared NOT NULL",
            Cell::Unreadable(why) => why.reason(),
            _ => "not one of the declared values",
        };
        let (table, column) = (&entity.table, &entity.columns[id]);
        Error::unreadable(&entity.name, Some(&column.field), format!("{table}.{}: {why}", column.name))
    }

    /// Builds the error of a key that cannot be written, from its first unreadable column.
    fn unreadable_key(&self, entity: EntityId, slots: &[usize], row: Row) -> Error {
        let columns = &self.model.entities[entity].primary_key;
        let is_unreadable =
            |(_, slot): &(&ColumnId, &usize)| matches!(row.cell(**slot), Cell::Unreadable(_) | Cell::Null);
        match columns.iter().zip(slots).find(is_unreadable) {
            Some((column, slot)) => self.unreadable(entity, *column, row.cell(*slot)),
            None => Error::internal("a primary key cannot be encoded"),
        }
    }

    fn one(
        &mut self,
        field: &'a Field,
        above: ParentContext<'a>,
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
                Err(NullPropagation) if !non_null => {
                    self.json.truncate(start);
                    self.scalar(&());
                    Ok(())
                }
                written => written,
            };
        }
        if child.groups.has_unreadable_key(above.index) {
            let error = self.unreadable_relation(load);
            return self.null(&error, field.position, non_null);
        }
        let dangling =
            key.zip(above.row).filter(|(slots, row)| slots.iter().all(|slot| row.cell(*slot) != Cell::Null));
        match dangling {
            // A foreign key without a constraint may reference a missing row.
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

    /// Writes a field of the application.
    fn computed(&mut self, above: ParentContext<'a>, place: usize, position: Pos, non_null: bool) -> Written {
        let values = match above.computed.get(place) {
            Some(Ok(values)) => values,
            Some(Err(error)) => return self.null(error, position, non_null),
            None => return self.null(&Error::internal("a field was not resolved"), position, non_null),
        };
        match values.of_row(above.index) {
            Some(value) if non_null && value == b"null" => {
                self.null(&Error::internal("a non-null field was resolved to null"), position, true)
            }
            Some(value) => {
                self.json.extend_from_slice(value);
                Ok(())
            }
            None => self.null(&Error::internal("a row has no key"), position, non_null),
        }
    }

    /// Builds the error of a relation whose key is unreadable in the parent row.
    fn unreadable_relation(&self, load: &Load) -> Error {
        let Some((owner, relation)) = load.relation else {
            return Error::internal("a key cannot be decoded");
        };
        let owner = &self.model.entities[owner];
        let field = &owner.relations[relation].field;
        Error::unreadable(&owner.name, Some(field), format!("{}: a key of {field}", owner.table))
    }

    fn missing_target(&self, load: &Load, slots: &[usize], row: Row) -> Error {
        let target = &self.model.entities[load.source.entity()];
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

    /// Writes the rows of one parent.
    pub fn list(
        &mut self,
        selection: &'a Selection,
        load: &'a Load,
        child: &'a Child,
        parent: usize,
    ) -> Written {
        self.json.push(b'[');
        for (place, member) in child.groups.members(parent).iter().enumerate() {
            if place > 0 {
                self.json.push(b',');
            }
            self.path.push(PathStep::Index(place));
            self.object(selection, load, &child.loaded, *member as usize)?;
            self.path.pop();
        }
        self.json.push(b']');
        Ok(())
    }

    /// Writes one row, with the loads below it.
    pub fn object(
        &mut self,
        selection: &'a Selection,
        load: &'a Load,
        loaded: &'a Loaded,
        index: usize,
    ) -> Written {
        let row = Some(loaded.row(index));
        let above = ParentContext {
            loads: load.children(),
            children: &loaded.children,
            computed: &loaded.computed,
            row,
            index,
        };
        self.fields(&selection.fields, Some(selection.entity), above)
    }

    fn nodes(
        &mut self,
        items: &'a [(usize, Vec<Value>)],
        groups: &'a [NodeGroup],
        above: ParentContext<'a>,
        position: Pos,
    ) -> Written {
        self.json.push(b'[');
        let mut places: Vec<Option<HashMap<Vec<Value>, usize>>> = vec![None; groups.len()];
        for (place, (group, key)) in items.iter().enumerate() {
            let places = &mut places[*group];
            if place > 0 {
                self.json.push(b',');
            }
            self.path.push(PathStep::Index(place));
            let start = self.json.len();
            let group = &groups[*group];
            let load = &above.loads[group.load];
            let found = match &above.children[group.load] {
                Ok(child) => {
                    let places = places.get_or_insert_with(|| places_of_keys(&child.loaded, &group.slots));
                    places.get(key).map(|index| (child, *index))
                }
                Err(error) => {
                    self.fail(error, &[], position);
                    None
                }
            };
            let written = match found {
                Some((child, index)) => self.object(&group.selection, load, &child.loaded, index),
                None => Err(NullPropagation),
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

    /// Writes a count, which is an `Int`. A list without rows has no count row.
    pub fn count(&mut self, cell: Option<Cell>, position: Pos) -> Written {
        match cell {
            None => self.scalar(&0),
            Some(Cell::Integer(count)) if count <= i32::MAX.into() => self.scalar(&count),
            _ => return self.null(&Error::internal("a count exceeds the range of Int"), position, true),
        }
        Ok(())
    }
}

/// Indexes rows by the key in these slots.
fn places_of_keys(loaded: &Loaded, slots: &[usize]) -> HashMap<Vec<Value>, usize> {
    let key = |index| slots.iter().map(|slot| loaded.row(index).value(*slot)).collect();
    (0..loaded.rows.len()).map(|index| (key(index), index)).collect()
}
