//! Root fields of a mutation, read into plain data before any statement.

use async_graphql::parser::types::{Field as FieldNode, OperationDefinition, SelectionSet};
use async_graphql::{Name, PathSegment, Pos, Positioned};
use sea_orm::Value;
use tokio::task::yield_now;

use super::application::ApplicationFields;
use super::change::{Create, InputReader, Update};
use crate::error::{Error, LocatedError, Result};
use crate::execute::{Child, Json, ModelResponse, PreparedPlan, Session};
use crate::model::names::{self, MutationRoot};
use crate::model::{ColumnId, Entity, EntityId, Model};
use crate::plan::{Arguments, Document, Field, FieldKind, Filter, Input, InputPath, Load, Plan};

/// Type of the mutation root.
pub(super) const MUTATION: &str = "Mutation";

/// Root field of a mutation, read but not executed.
pub(super) struct Change<'a> {
    pub key: Name,
    pub position: Pos,
    pub selection: Vec<&'a SelectionSet>,
    pub write: RootWrite,
}

impl Change<'_> {
    /// Returns the plan of one field of the result.
    pub fn plan(&self, key: &Name, load: Load, kind: FieldKind) -> PreparedPlan {
        let field = Field::new(key.clone(), key.clone(), self.position, kind);
        PreparedPlan::from(Plan { fields: vec![field], loads: vec![load], ..Plan::default() })
    }
}

/// Writes the field of a [`Change::plan`] from its rows.
///
/// # Errors
/// Errors of the rows' cells.
pub(super) fn write_field(
    model: &Model,
    plan: &PreparedPlan,
    loaded: &[Result<Child>],
    path: Vec<PathSegment>,
) -> Result<Json, Failed> {
    let answer = ModelResponse::write(model, plan, loaded, path);
    match answer.errors.is_empty() {
        true => Ok(answer.fields.into_iter().find_map(|(_, value)| value).unwrap_or_default()),
        false => Err(answer.errors),
    }
}

/// Kind of a root field.
#[derive(Clone, Debug)]
pub(super) enum RootWrite {
    TypeName,
    Application(Vec<Positioned<FieldNode>>),
    Create { entity: EntityId, creates: Vec<Create>, many: bool },
    Update { entity: EntityId, key: Vec<Value>, update: Update },
    UpdateMany { entity: EntityId, filter: Filter, update: Update },
    Upsert { entity: EntityId, create: Create, key: Vec<ColumnId> },
    Delete { entity: EntityId, key: Vec<Value> },
    DeleteMany { entity: EntityId, filter: Filter },
}

/// Errors of a failed field, which null the whole response.
pub(super) type Failed = Vec<LocatedError>;

/// Reads all root fields; the first invalid field ends the operation before any statement.
pub(super) async fn read<'a>(
    session: &Session,
    operation: &'a OperationDefinition,
    document: Document<'a>,
    application: &dyn ApplicationFields,
) -> Result<Vec<Change<'a>>, Failed> {
    let at_root = |error: Error| vec![error.into()];
    let collected = document.collect(&[&operation.selection_set.node], MUTATION, &[]).map_err(at_root)?;
    let mut changes = Vec::new();
    for field in collected {
        if !changes.is_empty() {
            yield_now().await;
        }
        let write = match application.has(field.name()) {
            true => Ok(RootWrite::Application(field.nodes())),
            false => read_write(session, field.name(), &field.arguments(&document)),
        };
        changes.push(Change {
            key: field.key.clone(),
            position: field.position(),
            selection: field.selection_sets(),
            write: write.map_err(|error| {
                let path = vec![PathSegment::Field(field.key.to_string())];
                vec![LocatedError::new(error, field.position(), path)]
            })?,
        });
    }
    Ok(changes)
}

fn read_write(session: &Session, name: &str, arguments: &Arguments) -> Result<RootWrite> {
    let model = session.model();
    if name == "__typename" {
        return Ok(RootWrite::TypeName);
    }
    let Some((entity, root)) = model.mutation_root(name) else {
        return Err(Error::validation(format!("{MUTATION} has no field \"{name}\"")));
    };
    // The role's schema has refused all fields that the role may not give.
    let full = session.sight().map_or(model, |sight| sight.rules.model());
    let changes = InputReader { model: full, dialect: session.dialect() };
    let key = || primary_key(model, entity, arguments);
    let input = || arguments.require("input");
    let chosen = || chosen(model, entity, arguments);
    Ok(match root {
        MutationRoot::Create => {
            let create = match arguments.get("input") {
                Some(input) => changes.create(entity, &input, None)?,
                // The field has no such argument if no column can be given.
                None => Create { path: InputPath::root(name), ..Create::default() },
            };
            RootWrite::Create { entity, creates: vec![create], many: false }
        }
        MutationRoot::CreateMany => {
            let inputs = input()?.list();
            let creates = inputs.iter().map(|input| changes.create(entity, input, None));
            RootWrite::Create { entity, creates: creates.collect::<Result<_>>()?, many: true }
        }
        MutationRoot::Update => {
            RootWrite::Update { entity, key: key()?, update: changes.update(entity, &input()?, None)? }
        }
        MutationRoot::UpdateMany => RootWrite::UpdateMany {
            entity,
            filter: chosen()?,
            update: changes.update(entity, &input()?, None)?,
        },
        MutationRoot::Upsert => {
            let input = input()?;
            let key = conflict_key(&model.entities[entity], &arguments.require("onConflict")?)?;
            RootWrite::Upsert { entity, create: changes.create(entity, &input, None)?, key }
        }
        MutationRoot::Delete => RootWrite::Delete { entity, key: key()? },
        MutationRoot::DeleteMany => RootWrite::DeleteMany { entity, filter: chosen()? },
    })
}

fn primary_key(model: &Model, id: EntityId, arguments: &Arguments) -> Result<Vec<Value>> {
    let entity = &model.entities[id];
    let read = |column: &ColumnId| {
        let column = &entity.columns[*column];
        arguments.require(&column.field)?.column_value(model, &column.column_type)
    };
    entity.primary_key.iter().map(read).collect()
}

/// Reads the filter of an update or delete of many rows. A filter that holds for all rows may be an accident,
/// such as an unset variable, and requires `all: true`.
fn chosen(model: &Model, id: EntityId, arguments: &Arguments) -> Result<Filter> {
    let input = arguments.require("where")?;
    let filter = Filter::read(model, id, &input)?;
    let means_all = arguments.get("all").map_or(Ok(false), |input| input.boolean())?;
    if !means_all && filter.takes_everything(model, id) {
        return Err(input.refuse("expected a condition, or the argument all: true"));
    }
    Ok(filter)
}

fn conflict_key(entity: &Entity, input: &Input) -> Result<Vec<ColumnId>> {
    let name = input.text()?;
    let known = entity.keys().find(|(field, _)| names::enum_value(field) == name);
    known.map(|(_, key)| key.to_vec()).ok_or_else(|| input.refuse("expected a unique key"))
}
