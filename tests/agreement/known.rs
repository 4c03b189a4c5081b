//! Node ids and cursors, which a client cannot construct. They are requested from Crowsfoot for every row
//! beforehand.

use std::collections::HashMap;

use crate::naive;
use crate::query::{OrderTerm, Place};

/// Node ids and cursors of all rows.
#[derive(Debug, Default)]
pub struct Known {
    /// By table: node ids of its rows.
    pub node_ids: Vec<Vec<String>>,
    /// By table and order: cursors of its rows.
    pub cursors: HashMap<(usize, String), Vec<String>>,
}

impl Known {
    pub fn node_id(&self, place: Place) -> &str {
        &self.node_ids[place.table][place.row]
    }

    /// Returns the cursor of a row of a table in this order.
    pub fn cursor(&self, table: usize, order: &[OrderTerm], row: usize) -> &str {
        &self.cursors[&(table, order_key(table, order))][row]
    }
}

/// Returns a key that is equal for orders with the same form.
pub fn order_key(table: usize, order: &[OrderTerm]) -> String {
    format!("{:?}", naive::total_order(table, order))
}
