//! Rows returned by a hand-written root field.

use std::sync::Arc;

use async_graphql::dynamic::{FieldValue, ResolverContext};
use async_graphql::parser::types::OperationType;
use async_graphql::{PathSegment, QueryPathNode, QueryPathSegment, Value};
use sea_orm::{EntityTrait, Iterable, ModelTrait};

use super::variables;
use crate::database::RowSet;
use crate::error::{Error, LocatedError};
use crate::execute::{ModelResponse, Session, Tree};
use crate::model::{ColumnId, ColumnType, Model, Table};
use crate::plan::{Document, Load, LoadKind, Variables};

/// Answers a root field with rows of the entity `E`. The client's selection is planned and loaded in batches,
/// as for the model's own fields. Returns a value for each row: for a list all of them, for an object the
/// only one.
///
/// # Errors
/// If `E` is not registered, or the selection cannot be loaded.
pub async fn rows<'a, E>(
    context: &ResolverContext<'a>,
    models: &[E::Model],
) -> async_graphql::Result<Vec<FieldValue<'a>>>
where
    E: EntityTrait,
{
    let session = context.data::<Arc<Session>>()?;
    let renewed;
    let session = match context.ctx.query_env.operation.node.ty {
        // Each event has the limits of a request.
        OperationType::Subscription => {
            renewed = Arc::new(session.renewed());
            &renewed
        }
        OperationType::Query | OperationType::Mutation => session,
    };
    let answered = answer::<E>(context, session, models).await;
    let (values, errors) = answered.map_err(|(error, below)| {
        let below = below.into_iter().map(PathSegment::Field);
        let path = context.ctx.path_node.iter().flat_map(path).chain(below).collect();
        let message = error.message().to_owned();
        // async-graphql's own error has no path; the located error is recovered from its source.
        let located = LocatedError::new(error, context.ctx.item.pos, path);
        async_graphql::Error { source: Some(Arc::new(located)), ..async_graphql::Error::new(message) }
    })?;
    errors.into_iter().for_each(|error| context.ctx.add_error(error.to_server_error()));
    Ok(values.into_iter().map(|value| value.map_or(FieldValue::NULL, FieldValue::owned_any)).collect())
}

/// Value of each row and their errors; or the error that failed all rows, with its path.
type RowValues = Result<(Vec<Option<Value>>, Vec<LocatedError>), (Error, Vec<String>)>;

async fn answer<E: EntityTrait>(
    context: &ResolverContext<'_>,
    session: &Arc<Session>,
    models: &[E::Model],
) -> RowValues {
    let model = session.model();
    let entity = E::default();
    let table =
        Table { schema: entity.schema_name().map(str::to_owned), name: entity.table_name().to_owned() };
    let here = |error| (error, Vec::new());
    let id = model
        .entity_of_table(&table)
        .ok_or_else(|| here(Error::internal(format!("the entity of table {} is not registered", table))))?;
    let request = &context.ctx.query_env;
    let variables =
        variables::with_defaults(&request.operation.node, request.variables.clone()).map_err(here)?;
    let variables = Variables::fixed(variables);
    let document = Document { fragments: &request.fragments, variables: &variables };
    let selected = &context.ctx.item.node.selection_set.node;
    let mut planner = session.planner(document);
    let planned = planner.rows(id, &[selected]);
    let (load, selection) = planned.map_err(|error| (error, planner.into_path()))?;
    session.check_cost(load.children(), models.len() as u64).map_err(here)?;
    let rows = row_set::<E>(model, &load, models);
    let loaded = Tree { session, values: &[] }.load_existing(&load, Arc::new(rows)).await;
    let (rows, errors) = ModelResponse::write_rows(
        model,
        &load,
        &selection,
        &loaded,
        context.ctx.path_node.iter().flat_map(path).collect(),
    );
    let value = |json: Vec<u8>| {
        let value = serde_json::from_slice::<serde_json::Value>(&json).unwrap_or_default();
        Value::from_json(value).unwrap_or_default()
    };
    Ok((rows.into_iter().map(|row| row.map(value)).collect(), errors))
}

fn row_set<E: EntityTrait>(model: &Model, load: &Load, models: &[E::Model]) -> RowSet {
    let LoadKind::Rows(planned) = &load.what else { return RowSet::default() };
    let columns: Vec<(E::Column, &crate::model::Column)> =
        E::Column::iter().zip(&model.entities[load.source.entity()].columns).collect();
    let types: Vec<ColumnType> =
        planned.columns.iter().map(|id| columns[*id].1.column_type.clone()).collect();
    let value = |row: &E::Model, id: ColumnId| {
        let (column, described) = &columns[id];
        described.column_type.canonical(row.get(*column))
    };
    let values = models.iter().flat_map(|row| planned.columns.iter().map(move |id| (row, *id)));
    RowSet::of_values(values.map(|(row, id)| value(row, id)), types.into())
}

/// Returns the path to a field.
pub(super) fn path(node: &QueryPathNode) -> Vec<PathSegment> {
    let mut path: Vec<PathSegment> = std::iter::once(node)
        .chain(node.parents())
        .map(|node| match node.segment {
            QueryPathSegment::Index(index) => PathSegment::Index(index),
            QueryPathSegment::Name(name) => PathSegment::Field(name.to_owned()),
        })
        .collect();
    path.reverse();
    path
}
