//! Planning of connections: pages, edges and `pageInfo`.

use async_graphql::Name;

use super::{Planner, Start, no_field, position_or_push, rows_of};
use crate::error::Result;
use crate::model::EntityId;
use crate::model::names::ConnectionTypes;
use crate::plan::cursor::Cursor;
use crate::plan::filter::Filter;
use crate::plan::input::Arguments;
use crate::plan::order::OrderTerm;
use crate::plan::selection::Merged;
use crate::plan::{
    Aggregate, ConnectionField, ConnectionFieldKind, EdgeField, EdgeFieldKind, FieldKind, Load, LoadKind,
    Page, PageInfoField, Rows,
};

impl<'a> Planner<'a> {
    pub(super) fn connection(
        &mut self,
        start: Start,
        filter: Filter,
        order: Vec<OrderTerm>,
        field: &Merged<'a>,
        arguments: &Arguments<'a>,
        loads: &mut Vec<Load>,
    ) -> Result<FieldKind> {
        let types = self.model.connection_types(start.entity, start.relation);
        let fields = self.document.collect(&field.selection_sets(), &types.connection, &[])?;
        let selects_outside = self.asks_what_is_outside(&fields)?;
        let page = self.keyset(start.entity, &order, arguments, selects_outside)?;
        let count = LoadKind::Aggregates(vec![Aggregate::Count]);
        let is_counted = self.model.entities[start.entity].aggregated;
        let total_count = is_counted && fields.iter().any(|field| field.name() == "totalCount");
        let total_count = total_count.then(|| self.share(loads, start.load(filter.clone(), count)));
        let rows = LoadKind::Rows(Rows { order, page, ..Rows::unordered() });
        let needs_rows = |field: &Merged| !matches!(field.name().as_str(), "__typename" | "totalCount");
        let load = fields.iter().any(needs_rows).then(|| self.share(loads, start.load(filter, rows)));
        let mut planned = Vec::new();
        self.above.extend(load);
        for field in fields {
            self.path.push(field.key.to_string());
            let kind = match (field.name().as_str(), load, total_count) {
                ("__typename", _, _) => ConnectionFieldKind::TypeName(types.connection.clone()),
                ("totalCount", _, Some(load)) => ConnectionFieldKind::TotalCount(load),
                ("edges", Some(load), _) => {
                    let rows = rows_of(&mut loads[load])?;
                    ConnectionFieldKind::Edges(self.edges(&field, &types, start, rows)?)
                }
                ("nodes", Some(load), _) => {
                    let rows = rows_of(&mut loads[load])?;
                    let selection = self.selection(start.entity, &field.selection_sets(), rows)?;
                    ConnectionFieldKind::Nodes(selection)
                }
                ("pageInfo", Some(load), _) => {
                    let rows = rows_of(&mut loads[load])?;
                    ConnectionFieldKind::PageInfo(self.page_info(&field, rows)?)
                }
                (name, _, _) => return Err(no_field(&types.connection, name)),
            };
            self.path.pop();
            planned.push(ConnectionField { key: field.key.clone(), position: field.position(), kind });
        }
        if load.is_some() {
            self.above.pop();
        }
        Ok(FieldKind::Connection { load, fields: planned })
    }

    fn keyset(
        &self,
        entity: EntityId,
        order: &[OrderTerm],
        arguments: &Arguments<'a>,
        looks_outside: bool,
    ) -> Result<Page> {
        let cursor = |name| {
            arguments.get(name).map(|input| Cursor::read(self.model, entity, order, &input)).transpose()
        };
        let (first, last) = (arguments.get("first"), arguments.get("last"));
        let backward = last.is_some();
        if let (Some(_), Some(input)) = (&first, &last) {
            return Err(input.refuse("expected either first or last, not both"));
        }
        let limit = self.limit(entity, first.or(last))?;
        let (after, before) = (cursor("after")?, cursor("before")?);
        if limit.is_none() && after.is_none() && before.is_none() {
            return Ok(Page::All);
        }
        let looks_outside = looks_outside && (after.is_some() || before.is_some());
        Ok(Page::Keyset { limit, backward, after, before, looks_outside })
    }

    /// Returns true if `pageInfo` selects whether more rows exist on either side.
    fn asks_what_is_outside(&self, fields: &[Merged<'a>]) -> Result<bool> {
        for field in fields.iter().filter(|field| field.name() == "pageInfo") {
            let below = self.document.collect(&field.selection_sets(), "PageInfo", &[])?;
            if below.iter().any(|field| matches!(field.name().as_str(), "hasNextPage" | "hasPreviousPage")) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn edges(
        &mut self,
        field: &Merged<'a>,
        types: &ConnectionTypes,
        start: Start,
        rows: &mut Rows,
    ) -> Result<Vec<EdgeField>> {
        let mut planned = Vec::new();
        for field in self.document.collect(&field.selection_sets(), &types.edge, &[])? {
            self.path.push(field.key.to_string());
            let kind = match field.name().as_str() {
                "__typename" => EdgeFieldKind::TypeName(types.edge.clone()),
                "cursor" => {
                    rows.cursors = true;
                    EdgeFieldKind::Cursor
                }
                "node" => EdgeFieldKind::Node(self.selection(start.entity, &field.selection_sets(), rows)?),
                name => self.junction_column(name, start, rows).ok_or_else(|| no_field(&types.edge, name))?,
            };
            self.path.pop();
            planned.push(EdgeField { key: field.key.clone(), position: field.position(), kind });
        }
        Ok(planned)
    }

    fn junction_column(&self, name: &str, start: Start, rows: &mut Rows) -> Option<EdgeFieldKind> {
        let (owner, relation) = start.relation?;
        let relation = &self.model.entities[owner].relations[relation];
        let junction = relation.junction.as_ref()?.entity?;
        let column = self.model.entities[junction].column_of_field(name)?;
        if !self.model.junction_columns(relation).contains(&column) {
            return None;
        }
        let place = position_or_push(&mut rows.junction_columns, column);
        Some(EdgeFieldKind::JunctionColumn(place, junction, column))
    }

    fn page_info(&self, field: &Merged<'a>, rows: &mut Rows) -> Result<Vec<(Name, PageInfoField)>> {
        let mut planned = Vec::new();
        for field in self.document.collect(&field.selection_sets(), "PageInfo", &[])? {
            let kind = match field.name().as_str() {
                "__typename" => PageInfoField::TypeName,
                "hasNextPage" => PageInfoField::HasNextPage,
                "hasPreviousPage" => PageInfoField::HasPreviousPage,
                "startCursor" => PageInfoField::StartCursor,
                "endCursor" => PageInfoField::EndCursor,
                name => return Err(no_field("PageInfo", name)),
            };
            if matches!(kind, PageInfoField::StartCursor | PageInfoField::EndCursor) {
                rows.cursors = true;
            }
            planned.push((field.key.clone(), kind));
        }
        Ok(planned)
    }
}
