//! Writes connections: pages of a list, with cursors (Relay Cursor Connections Specification).

use async_graphql::{Name, Pos};
use sea_orm::Value;

use super::json::begin_field;
use super::writer::{AnswerWriter, NullPropagation, ParentContext, PathStep, Written};
use crate::database::Cell;
use crate::error::Error;
use crate::execute::tree::{Child, Loaded};
use crate::plan::{
    ConnectionField, ConnectionFieldKind, Cursor, EdgeField, EdgeFieldKind, Load, LoadKind, PageInfoField,
};

impl<'a> AnswerWriter<'a> {
    /// Writes a page of the list loaded by `load`; `load` is `None` if only the count is selected.
    pub fn connection(
        &mut self,
        load: Option<usize>,
        fields: &'a [ConnectionField],
        above: ParentContext<'a>,
        position: Pos,
    ) -> Written {
        let rows = match load {
            Some(load) => Some(self.child(above, load, position)?),
            None => None,
        };
        self.json.push(b'{');
        for (place, field) in fields.iter().enumerate() {
            begin_field(&mut self.json, place, &field.key);
            self.path.push(PathStep::Field(&field.key));
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
                    self.page_info(fields, load, child, above.index, field.position)?;
                }
                (_, None) => return Err(NullPropagation),
            }
            self.path.pop();
        }
        self.json.push(b'}');
        Ok(())
    }

    fn total_count(&mut self, above: ParentContext<'a>, load: usize, position: Pos) -> Written {
        let (_, child) = self.child(above, load, position)?;
        let first = child.groups.members(above.index).first();
        self.count(first.map(|row| child.loaded.row(*row as usize).cell(0)), position)
    }

    fn edges(&mut self, fields: &'a [EdgeField], load: &'a Load, child: &'a Child, parent: usize) -> Written {
        self.json.push(b'[');
        for (place, member) in child.groups.members(parent).iter().enumerate() {
            if place > 0 {
                self.json.push(b',');
            }
            let member = *member as usize;
            self.path.push(PathStep::Index(place));
            self.json.push(b'{');
            for (place, field) in fields.iter().enumerate() {
                begin_field(&mut self.json, place, &field.key);
                self.path.push(PathStep::Field(&field.key));
                match &field.kind {
                    EdgeFieldKind::TypeName(name) => self.scalar(name),
                    EdgeFieldKind::Cursor => self.cursor(load, &child.loaded, member, field.position)?,
                    EdgeFieldKind::Node(selection) => self.object(selection, load, &child.loaded, member)?,
                    EdgeFieldKind::JunctionColumn(place, entity, column) => {
                        let slot = child.loaded.junction.start + place;
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

    fn page_info(
        &mut self,
        fields: &'a [(Name, PageInfoField)],
        load: &Load,
        child: &Child,
        parent: usize,
        position: Pos,
    ) -> Written {
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
                Some(member) => {
                    self.path.push(PathStep::Field(key));
                    self.cursor(load, &child.loaded, *member as usize, position)?;
                    self.path.pop();
                }
                None => self.scalar(&()),
            }
        }
        self.json.push(b'}');
        Ok(())
    }

    /// Writes a row's cursor. An order value that cannot be read back yields an error, because later pages
    /// would start anywhere.
    fn cursor(&mut self, load: &Load, loaded: &Loaded, member: usize, position: Pos) -> Written {
        let order = match &load.what {
            LoadKind::Rows(rows) => rows.order.as_slice(),
            LoadKind::Aggregates(_) => &[],
        };
        let row = loaded.row(member);
        let values: Vec<Value> = loaded.cursor.clone().map(|slot| row.value(slot)).collect();
        let is_unreadable = loaded.rows.has_unreadable()
            && loaded.cursor.clone().any(|slot| matches!(row.cell(slot), Cell::Unreadable(_)));
        match Cursor::write(self.model, load.source.entity(), order, &values).filter(|_| !is_unreadable) {
            Some(cursor) => self.scalar(&cursor),
            None => {
                let entity = &self.model.entities[load.source.entity()];
                let error = Error::unreadable(&entity.name, None, format!("{}: an order", entity.table));
                return self.null(&error, position, false);
            }
        }
        Ok(())
    }
}
