//! Writes aggregates: counts, sums, averages, minima and maxima.

use async_graphql::Pos;

use super::cell::write_cell;
use super::json::begin_field;
use super::writer::{AnswerWriter, PathStep, Written};
use crate::database::{Cell, Row, Unreadable};
use crate::error::Error;
use crate::model::{AggregateFunction, ColumnId, EntityId};
use crate::plan::{Aggregate, AggregateField, AggregateFieldKind, Load, LoadKind};

impl<'a> AnswerWriter<'a> {
    /// Writes the aggregates over one parent's rows; `row` is `None` without rows.
    pub fn aggregate(
        &mut self,
        fields: &'a [AggregateField],
        load: &'a Load,
        row: Option<Row<'a>>,
    ) -> Written {
        let LoadKind::Aggregates(aggregates) = &load.what else {
            self.scalar(&());
            return Ok(());
        };
        self.json.push(b'{');
        for (place, field) in fields.iter().enumerate() {
            begin_field(&mut self.json, place, &field.key);
            self.path.push(PathStep::Field(&field.key));
            match &field.kind {
                AggregateFieldKind::TypeName(name) => self.scalar(name),
                AggregateFieldKind::Value(slot) => {
                    let cell = row.map(|row| row.cell(*slot));
                    self.aggregate_value(aggregates[*slot], load.source.entity(), cell, field.position)?;
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
        entity: EntityId,
        cell: Option<Cell>,
        position: Pos,
    ) -> Written {
        match (aggregate, cell) {
            (Aggregate::Count | Aggregate::OfColumn(AggregateFunction::CountDistinct, _), cell) => {
                return self.count(cell, position);
            }
            // An empty list has no sum, average, minimum or maximum.
            (_, None | Some(Cell::Null)) => self.scalar(&()),
            (aggregate, Some(cell)) => {
                let column_type = aggregate.column_type(&self.model.entities[entity]);
                if !write_cell(&mut self.json, self.model, &column_type, cell, false) {
                    let error = self.unreadable_aggregate(aggregate, entity, cell);
                    return self.null(&error, position, false);
                }
            }
        }
        Ok(())
    }

    fn unreadable_aggregate(&self, aggregate: Aggregate, entity: EntityId, cell: Cell) -> Error {
        match aggregate {
            Aggregate::Count => Error::internal("a count cannot be encoded"),
            Aggregate::OfColumn(AggregateFunction::Sum | AggregateFunction::Average, column)
                if matches!(cell, Cell::Unreadable(Unreadable::NotFinite | Unreadable::OutOfRange)) =>
            {
                self.out_of_range(entity, &[column], "the number cannot be encoded")
            }
            Aggregate::OfColumn(_, column) => self.unreadable(entity, column, cell),
        }
    }

    /// The error of a load, with the fields that are summed up where the database says that a number is out of range.
    pub fn load_error(&self, load: &Load, error: &Error) -> Error {
        let LoadKind::Aggregates(aggregates) = &load.what else { return error.clone() };
        let summed = |aggregate: &Aggregate| match aggregate {
            Aggregate::OfColumn(AggregateFunction::Sum | AggregateFunction::Average, column) => Some(*column),
            _ => None,
        };
        let mut columns: Vec<ColumnId> = aggregates.iter().filter_map(summed).collect();
        columns.dedup();
        match error.is_out_of_range() && !columns.is_empty() {
            true => self.out_of_range(load.source.entity(), &columns, error.cause().unwrap_or_default()),
            false => error.clone(),
        }
    }

    fn out_of_range(&self, entity: EntityId, columns: &[ColumnId], cause: &str) -> Error {
        let entity = &self.model.entities[entity];
        let fields: Vec<&str> = columns.iter().map(|id| entity.columns[*id].field.as_str()).collect();
        Error::of_aggregate(&entity.name, &fields, cause)
    }
}
