//! Writes aggregates: counts, sums, averages, minima and maxima.

use async_graphql::Pos;

use super::cell::write_cell;
use super::writer::{Step, Writer, Written, begin_field};
use crate::error::Error;
use crate::execute::row::{Cell, Row};
use crate::model::EntityId;
use crate::plan::{Aggregate, AggregateField, AggregateFieldKind, Load, What};

impl<'a> Writer<'a> {
    /// Writes the aggregates over one parent's rows; `row` is `None` without rows.
    pub fn aggregate(
        &mut self,
        fields: &'a [AggregateField],
        load: &'a Load,
        row: Option<Row<'a>>,
    ) -> Written {
        let What::Aggregates(aggregates) = &load.what else {
            self.scalar(&());
            return Ok(());
        };
        self.json.push(b'{');
        for (place, field) in fields.iter().enumerate() {
            begin_field(&mut self.json, place, &field.key);
            self.path.push(Step::Field(&field.key));
            match &field.kind {
                AggregateFieldKind::TypeName(name) => self.scalar(name),
                AggregateFieldKind::Value(slot) => {
                    let cell = row.map(|row| row.cell(*slot));
                    self.aggregate_value(aggregates[*slot], load.entity, cell, field.position)?;
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
            (Aggregate::Count | Aggregate::CountDistinct(_), cell) => return self.count(cell, position),
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
            Aggregate::CountDistinct(column)
            | Aggregate::Sum(column)
            | Aggregate::Average(column)
            | Aggregate::Minimum(column)
            | Aggregate::Maximum(column) => self.unreadable(entity, column, cell),
        }
    }
}
