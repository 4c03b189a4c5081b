//! Plan as text: each statement with its level, relation and columns.

use std::fmt::Write as _;

use super::{Aggregate, Bind, Load, LoadKind, ParameterSlot, Plan, SqlBuilder};
use crate::model::{AggregateFunction, Model};

impl Plan {
    /// Prints the plan in lines, parents before children, with the statements.
    pub fn print(&self, select: &SqlBuilder) -> String {
        let mut text = format!("{} statement(s)\n", self.statements());
        for load in &self.loads {
            self.print_load(&mut text, select, load, 0);
        }
        text
    }

    fn print_load(&self, text: &mut String, select: &SqlBuilder, load: &Load, level: usize) {
        let indent = "  ".repeat(level);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{indent}level {level}: {} [{}]",
            name(select.model, load),
            columns(select.model, load)
        );
        match load.joined {
            true => text.push_str(&format!("{indent}  joined above\n")),
            false => {
                let statement = select.build(load, &[]);
                let _ = writeln!(text, "{indent}  {}", statement.sql);
                for (index, bind) in statement.binds.iter().enumerate() {
                    let (Bind::Parameter(slot) | Bind::Operand(slot, _)) = bind else { continue };
                    let ParameterSlot::OfPlan(parameter) = slot else { continue };
                    let variable = &self.parameters[*parameter].variable;
                    let _ = writeln!(text, "{indent}  value {} is ${variable}", index + 1);
                }
            }
        }
        for child in load.children() {
            self.print_load(text, select, child, level + 1);
        }
    }
}

fn name(model: &Model, load: &Load) -> String {
    let target = &model.entities[load.source.entity()].name;
    let what = if let LoadKind::Aggregates(_) = load.what { "aggregates of " } else { "" };
    match load.relation {
        None => format!("{what}{target}"),
        Some((owner, relation)) => {
            let owner = &model.entities[owner];
            format!("{what}{}.{} → {target}", owner.name, owner.relations[relation].field)
        }
    }
}

fn columns(model: &Model, load: &Load) -> String {
    let entity = &model.entities[load.source.entity()];
    let names: Vec<String> = match &load.what {
        LoadKind::Rows(rows) => rows.columns.iter().map(|id| entity.columns[*id].name.clone()).collect(),
        LoadKind::Aggregates(aggregates) => {
            let label = |aggregate: &Aggregate| {
                let Aggregate::OfColumn(function, id) = *aggregate else { return "count".to_owned() };
                let name = match function {
                    AggregateFunction::CountDistinct => "distinct count",
                    AggregateFunction::Sum => "sum",
                    AggregateFunction::Average => "average",
                    AggregateFunction::Minimum => "minimum",
                    AggregateFunction::Maximum => "maximum",
                };
                format!("{name} of {}", entity.columns[id].name)
            };
            aggregates.iter().map(label).collect()
        }
    };
    names.join(", ")
}
