//! Writes a query as GraphQL: fields, arguments and values under the contract's names.

use chrono::{Datelike as _, FixedOffset, SecondsFormat};
use serde_json::{Value as Json, json};

use crate::cell::{Cell, GRADES};
use crate::known::Known;
use crate::query::{
    By, Clause, Connection, Field, FieldKind, Filter, Group, Keyed, List, Of, OfAggregate, OfConnection,
    OfEdge, Operand, OrderTerm, Quantifier, Test,
};
use crate::syntax::{Argument, Input, Written, WrittenField};
use crate::tables::{Kind, TABLES};

/// Returns the fields of a query, or of a row of the table `above`.
pub fn fields(fields: &[Field], above: Option<usize>, known: &Known) -> Vec<Written> {
    fields.iter().map(|field| Writing { known, above }.field(field)).collect()
}

#[derive(Clone, Copy)]
struct Writing<'a> {
    known: &'a Known,
    /// Table of the parent row.
    above: Option<usize>,
}

impl Writing<'_> {
    fn rows(self, table: usize, selected: &[Field]) -> Vec<Written> {
        fields(selected, Some(table), self.known)
    }

    fn field(self, field: &Field) -> Written {
        let table = || &TABLES[self.above.unwrap()];
        let below =
            |table: usize, fields: &[Field]| Some((TABLES[table].name.to_owned(), self.rows(table, fields)));
        let (name, arguments, below) = match &field.what {
            FieldKind::TypeName => ("__typename".to_owned(), Vec::new(), None),
            FieldKind::NodeId => ("nodeId".to_owned(), Vec::new(), None),
            FieldKind::Column(column) => (table().columns[*column].field.clone(), Vec::new(), None),
            FieldKind::One { relation, fields } => {
                let relation = &table().relations[*relation];
                (relation.field.to_owned(), Vec::new(), below(relation.target, fields))
            }
            FieldKind::List { of, arguments, fields } => {
                let target = of.target(self.above);
                (of.field(self.above).to_owned(), list(target, arguments), below(target, fields))
            }
            FieldKind::Connection { of, arguments, fields } => {
                let target = of.target(self.above);
                let type_name = format!("{}Connection", of.type_name(self.above));
                let fields = fields.iter().map(|field| self.connection_field(field, *of)).collect();
                let arguments = self.connection(target, arguments);
                (format!("{}Connection", of.field(self.above)), arguments, Some((type_name, fields)))
            }
            FieldKind::Aggregate { of, filter, fields } => {
                let target = of.target(self.above);
                let type_name = format!("{}Aggregate", TABLES[target].name);
                let fields = fields.iter().map(|field| aggregate_field(field, target)).collect();
                (
                    format!("{}Aggregate", of.field(self.above)),
                    filtered(target, filter),
                    Some((type_name, fields)),
                )
            }
            FieldKind::Lookup { table, lookup, key, fields } => {
                let lookup = &TABLES[*table].lookups[*lookup];
                let argument = |(column, cell): (&usize, &Cell)| {
                    let column = &TABLES[*table].columns[*column];
                    Argument {
                        name: &column.field,
                        type_name: format!("{}!", scalar(column.kind)),
                        input: value(column.kind, &Operand { cell: cell.clone(), other_spelling: false }),
                    }
                };
                let arguments = lookup.key.iter().zip(key).map(argument).collect();
                (lookup.field.to_owned(), arguments, below(*table, fields))
            }
            FieldKind::Node { place, fields } => {
                let id = Input::Leaf { type_name: "ID", value: json!(self.known.node_id(*place)) };
                let argument = Argument { name: "nodeId", type_name: "ID!".to_owned(), input: id };
                let on = Written::On(TABLES[place.table].name.to_owned(), self.rows(place.table, fields));
                ("node".to_owned(), vec![argument], Some(("Node".to_owned(), vec![on])))
            }
            FieldKind::Nodes { places, fields } => {
                let id = |place| Input::Leaf { type_name: "ID", value: json!(self.known.node_id(place)) };
                let ids = Input::List(places.iter().copied().map(id).collect());
                let argument = Argument { name: "nodeIds", type_name: "[ID!]!".to_owned(), input: ids };
                let on = |(table, fields): &(usize, Vec<Field>)| {
                    Written::On(TABLES[*table].name.to_owned(), self.rows(*table, fields))
                };
                (
                    "nodes".to_owned(),
                    vec![argument],
                    Some(("Node".to_owned(), fields.iter().map(on).collect())),
                )
            }
        };
        Written::Field(WrittenField { key: field.key.clone(), name, arguments, below })
    }

    fn connection(self, target: usize, arguments: &Connection) -> Vec<Argument> {
        let Connection { filter, order, first, last, after, before } = arguments;
        let mut written = filtered(target, filter);
        written.extend(ordered(target, order));
        written.extend(number("first", *first));
        written.extend(number("last", *last));
        for (name, row) in [("after", after), ("before", before)] {
            written.extend(row.map(|row| Argument {
                name,
                type_name: "String".to_owned(),
                input: Input::Leaf {
                    type_name: "String",
                    value: json!(self.known.cursor(target, order, row)),
                },
            }));
        }
        written
    }

    fn connection_field(self, field: &Keyed<OfConnection>, of: Of) -> Written {
        let target = of.target(self.above);
        let (name, below) = match &field.what {
            OfConnection::TypeName => ("__typename", None),
            OfConnection::TotalCount => ("totalCount", None),
            OfConnection::Nodes(fields) => {
                ("nodes", Some((TABLES[target].name.to_owned(), self.rows(target, fields))))
            }
            OfConnection::Edges(fields) => {
                let fields = fields.iter().map(|field| self.edge_field(field, of)).collect();
                ("edges", Some((format!("{}Edge", of.type_name(self.above)), fields)))
            }
            OfConnection::PageInfo(fields) => {
                let fields = fields.iter().map(|field| plain(field.name(), field.name(), None)).collect();
                ("pageInfo", Some(("PageInfo".to_owned(), fields)))
            }
        };
        plain(&field.key, name, below)
    }

    fn edge_field(self, field: &Keyed<OfEdge>, of: Of) -> Written {
        let target = of.target(self.above);
        let junction = || of.relation(self.above).unwrap().junction.as_ref().unwrap();
        let (name, below) = match &field.what {
            OfEdge::TypeName => ("__typename", None),
            OfEdge::Cursor => ("cursor", None),
            OfEdge::Node(fields) => {
                ("node", Some((TABLES[target].name.to_owned(), self.rows(target, fields))))
            }
            OfEdge::Junction(column) => (TABLES[junction().table].columns[*column].field.as_str(), None),
        };
        plain(&field.key, name, below)
    }
}

fn plain(key: &str, name: &str, below: Option<(String, Vec<Written>)>) -> Written {
    Written::Field(WrittenField { key: key.to_owned(), name: name.to_owned(), arguments: Vec::new(), below })
}

fn aggregate_field(field: &Keyed<OfAggregate>, target: usize) -> Written {
    let table = &TABLES[target];
    let (name, below) = match &field.what {
        OfAggregate::TypeName => ("__typename", None),
        OfAggregate::Count => ("count", None),
        OfAggregate::Group(group, columns) => {
            let suffix = match group {
                Group::CountDistinct => "CountDistinct",
                Group::Sum => "Sum",
                Group::Average => "Average",
                Group::Minimum => "Minimum",
                Group::Maximum => "Maximum",
            };
            let fields = columns.iter().map(|column| &table.columns[*column].field);
            let fields = fields.map(|field| plain(field, field, None)).collect();
            (group.name(), Some((format!("{}{suffix}", table.name), fields)))
        }
    };
    plain(&field.key, name, below)
}

fn list(target: usize, arguments: &List) -> Vec<Argument> {
    let mut written = filtered(target, &arguments.filter);
    written.extend(ordered(target, &arguments.order));
    written.extend(number("limit", arguments.limit));
    written.extend(number("offset", arguments.offset));
    written
}

fn number(name: &'static str, number: Option<usize>) -> Option<Argument> {
    let input = Input::Leaf { type_name: "Int", value: json!(number?) };
    Some(Argument { name, type_name: "Int".to_owned(), input })
}

fn filtered(target: usize, filter: &Filter) -> Vec<Argument> {
    if filter.0.is_empty() {
        return Vec::new();
    }
    let type_name = format!("{}Filter", TABLES[target].name);
    vec![Argument { name: "where", type_name, input: self::filter(target, filter) }]
}

fn ordered(target: usize, order: &[OrderTerm]) -> Option<Argument> {
    let terms = order.iter().map(|term| order_term(target, &term.path, term)).collect();
    let type_name = format!("[{}Order!]", TABLES[target].name);
    (!order.is_empty()).then_some(Argument { name: "orderBy", type_name, input: Input::List(terms) })
}

fn order_term(table: usize, path: &[usize], term: &OrderTerm) -> Input {
    let table = &TABLES[table];
    let (name, value) = match (path, &term.by) {
        ([hop, rest @ ..], _) => {
            let relation = &table.relations[*hop];
            (relation.field.to_owned(), order_term(relation.target, rest, term))
        }
        ([], by) => {
            let name = match by {
                By::Column(column) => table.columns[*column].field.clone(),
                By::Count(relation) => format!("{}Count", table.relations[*relation].field),
            };
            (name, Input::Name { type_name: "Direction", value: term.direction.name() })
        }
    };
    Input::Object(vec![(name, value)])
}

/// Writes a filter on a table.
pub fn filter(table: usize, filter: &Filter) -> Input {
    let filters =
        |filters: &[Filter]| Input::List(filters.iter().map(|filter| self::filter(table, filter)).collect());
    let clause = |clause: &Clause| {
        let input = match clause {
            Clause::And(all) => filters(all),
            Clause::Or(any) => filters(any),
            Clause::Not(filter) => self::filter(table, filter),
            Clause::Column(column, tests) => {
                let kind = TABLES[table].columns[*column].kind;
                let test = |test: &Test| (test.name().to_owned(), operand(kind, test));
                Input::Object(tests.iter().map(test).collect())
            }
            Clause::One(relation, filter) => self::filter(TABLES[table].relations[*relation].target, filter),
            Clause::Many(relation, conditions) => {
                let target = TABLES[table].relations[*relation].target;
                let condition = |(quantifier, filter): &(Quantifier, Filter)| {
                    (quantifier.name().to_owned(), self::filter(target, filter))
                };
                Input::Object(conditions.iter().map(condition).collect())
            }
        };
        (clause.name(table).to_owned(), input)
    };
    Input::Object(filter.0.iter().map(clause).collect())
}

fn operand(kind: Kind, test: &Test) -> Input {
    let values =
        |operands: &[Operand]| Input::List(operands.iter().map(|operand| value(kind, operand)).collect());
    let leaf = |type_name, value: Json| Input::Leaf { type_name, value };
    match test {
        Test::Compare(_, operand) => value(kind, operand),
        Test::In(operands) | Test::NotIn(operands) => values(operands),
        Test::Text(_, text) => leaf("String", json!(text)),
        Test::IsNull(is_null) => leaf("Boolean", json!(is_null)),
    }
}

fn scalar(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "Boolean",
        Kind::SmallInt | Kind::Int => "Int",
        Kind::BigInt => "BigInt",
        Kind::Float => "Float",
        Kind::Decimal => "Decimal",
        Kind::Text => "String",
        Kind::Uuid => "UUID",
        Kind::Date => "Date",
        Kind::Time => "Time",
        Kind::DateTime | Kind::Timestamp => "DateTime",
        Kind::Json => "JSON",
        Kind::Bytes => "Bytes",
        Kind::Grade => "Grade",
    }
}

fn value(kind: Kind, operand: &Operand) -> Input {
    let type_name = scalar(kind);
    if let (Kind::Grade, Cell::Text(stored)) = (kind, &operand.cell) {
        let value = GRADES.iter().find(|(known, _)| known == stored).unwrap().1;
        return Input::Name { type_name, value };
    }
    let other = operand.other_spelling.then(|| other_spelling(kind, &operand.cell)).flatten();
    Input::Leaf { type_name, value: other.unwrap_or_else(|| operand.cell.json(kind)) }
}

/// Returns an alternative spelling of a value.
fn other_spelling(kind: Kind, cell: &Cell) -> Option<Json> {
    Some(match (kind, cell) {
        (Kind::BigInt, Cell::Int(value)) => json!(value),
        (Kind::Decimal, Cell::Decimal(value)) => json!(
            format!("{value}0")
                .parse::<rust_decimal::Decimal>()
                .ok()
                .filter(|_| value.scale() > 0)?
                .to_string()
        ),
        (Kind::Uuid, Cell::Uuid(value)) => json!(value.simple().to_string().to_uppercase()),
        (Kind::DateTime, Cell::DateTime(value)) => json!(value.format("%Y-%m-%dT%H:%M:%S%.f").to_string()),
        (Kind::DateTime | Kind::Timestamp, Cell::Timestamp(value)) => {
            // Away from the last and the first representable day.
            let hours = if value.year() > 5_000 { -3 } else { 5 };
            let offset = FixedOffset::east_opt(hours * 3_600 + 1_800).unwrap();
            json!(value.with_timezone(&offset).to_rfc3339_opts(SecondsFormat::Micros, false))
        }
        _ => return None,
    })
}
