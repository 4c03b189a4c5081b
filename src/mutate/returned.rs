//! Results of new rows from what their INSERT returned, without a second look at the table.

use std::collections::BTreeSet;
use std::slice;

use super::change::Create;
use super::operation::Operation;
use super::returnable::is_row;
use super::root::{Failed, write_field};
use super::row::RowInput;
use crate::database::RowSet;
use crate::execute::{Child, Json};
use crate::model::{ColumnId, ColumnType, EntityId};
use crate::plan::{FieldKind, Load, LoadKind, Selection};

/// Result of created rows, read from what their INSERT returns.
pub(super) struct ReturnedResult {
    /// Columns of the result.
    pub columns: Vec<ColumnId>,
    load: Load,
    selection: Selection,
}

impl Operation<'_> {
    /// Returns the result of new rows, if their INSERT returns all of it, and if nothing in the operation changes them afterwards.
    pub(super) fn returned_by_insert(&self, id: EntityId, creates: &[Create]) -> Option<ReturnedResult> {
        if self.writer.is_ruled() || !creates.iter().all(|create| self.writer.leaves(id, id, create)) {
            return None;
        }
        let session = self.writer.session;
        let (load, selection) = session.planner(self.document).written(id, &self.change.selection).ok()?;
        let LoadKind::Rows(rows) = &load.what else { return None };
        let columns = rows.columns.clone();
        let is_returned = is_row(&load)
            && load.source.filter().is_everything()
            && self.writer.are_readable(id, &columns, &BTreeSet::new());
        is_returned.then_some(ReturnedResult { columns, load, selection })
    }

    /// Writes the result of new rows.
    pub(super) fn answer_returned(
        &self,
        result: ReturnedResult,
        created: &[RowInput],
        many: bool,
    ) -> Result<Json, Failed> {
        let session = self.writer.session;
        let checked = session.check_cost(slice::from_ref(&result.load), 1);
        let counted = checked.and_then(|()| session.statements().count_rows(created.len()));
        counted.map_err(|error| self.failed(error))?;
        let ReturnedResult { columns, load, selection } = result;
        let described = &session.model().entities[load.source.entity()].columns;
        let types: Vec<ColumnType> = columns.iter().map(|id| described[*id].column_type.clone()).collect();
        let values = created.iter().flat_map(|row| columns.iter().filter_map(|id| row.get(*id).cloned()));
        let rows = Child::of_written(RowSet::of_values(values, types.into()), &load, &[]);
        let kind = match many {
            true => FieldKind::List { load: 0, selection },
            false => FieldKind::One { load: 0, selection, key: None, non_null: true },
        };
        let plan = self.change.plan(&self.change.key, load, kind);
        write_field(session.model(), &plan, &[Ok(rows)], Vec::new())
    }
}
