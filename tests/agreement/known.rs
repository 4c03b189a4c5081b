//! What a client cannot make up: node ids and cursors. Crowsfoot is asked for those of every row beforehand.

use std::collections::HashMap;

use crate::naive;
use crate::query::{OrderTerm, Place};

/// The ids and cursors of all rows.
#[derive(Debug, Default)]
pub struct Known {
    /// For each table those of its rows.
    pub node_ids: Vec<Vec<String>>,
    /// For a table and an order those of its rows.
    pub cursors: HashMap<(usize, String), Vec<String>>,
}

impl Known {
    pub fn node_id(&self, place: Place) -> &str {
        &self.node_ids[place.table][place.row]
    }

    /// The cursor of a row where its table is in this order.
    pub fn cursor(&self, table: usize, order: &[OrderTerm], row: usize) -> &str {
        &self.cursors[&(table, order_key(table, order))][row]
    }
}

/// Orders that sort alike by their form have one key.
pub fn order_key(table: usize, order: &[OrderTerm]) -> String {
    format!("{:?}", naive::total_order(table, order))
}
