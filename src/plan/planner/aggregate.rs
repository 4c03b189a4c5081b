//! Planning of aggregates.

use super::{Planner, Start, no_field, position_or_push};
use crate::error::Result;
use crate::model::AggregateFunction;
use crate::plan::filter::Filter;
use crate::plan::selection::Merged;
use crate::plan::{Aggregate, AggregateField, AggregateFieldKind, FieldKind, Load, LoadKind};

impl<'a> Planner<'a> {
    pub(super) fn aggregate(
        &mut self,
        start: Start,
        filter: Filter,
        field: &Merged<'a>,
        loads: &mut Vec<Load>,
    ) -> Result<FieldKind> {
        let entity = &self.model.entities[start.entity];
        let mut aggregates = Vec::new();
        let mut planned = Vec::new();
        let type_name = &entity.types.aggregate;
        for field in self.document.collect(&field.selection_sets(), type_name, &[])? {
            let function = AggregateFunction::find(field.name());
            let kind = match (field.name().as_str(), function) {
                ("__typename", _) => AggregateFieldKind::TypeName(type_name.clone()),
                ("count", _) => {
                    AggregateFieldKind::Value(position_or_push(&mut aggregates, Aggregate::Count))
                }
                (_, Some(function)) => {
                    let type_name = function.type_name(&entity.types);
                    let mut below = Vec::new();
                    for field in self.document.collect(&field.selection_sets(), type_name, &[])? {
                        let kind = match field.name().as_str() {
                            "__typename" => AggregateFieldKind::TypeName(type_name.clone()),
                            name => {
                                let column =
                                    entity.column_of_field(name).ok_or_else(|| no_field(type_name, name))?;
                                let aggregate = Aggregate::OfColumn(function, column);
                                AggregateFieldKind::Value(position_or_push(&mut aggregates, aggregate))
                            }
                        };
                        below.push(AggregateField {
                            key: field.key.clone(),
                            position: field.position(),
                            kind,
                        });
                    }
                    AggregateFieldKind::Group(below)
                }
                (name, None) => return Err(no_field(type_name, name)),
            };
            planned.push(AggregateField { key: field.key.clone(), position: field.position(), kind });
        }
        if aggregates.is_empty() {
            // Only `__typename` is selected, but the statement still checks that the parent's list can be
            // read.
            aggregates.push(Aggregate::Count);
        }
        let load = self.share(loads, start.load(filter, LoadKind::Aggregates(aggregates)));
        Ok(FieldKind::Aggregate { load, fields: planned })
    }
}
