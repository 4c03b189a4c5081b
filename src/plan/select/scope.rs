//! Builder of one statement, with the statement's binds.

use std::ops::Deref;

use super::binds::Binds;
use super::builder::SqlBuilder;

/// Builder of one statement, with the statement's binds.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub builder: SqlBuilder<'a>,
    pub binds: &'a Binds,
}

impl<'a> Deref for Scope<'a> {
    type Target = SqlBuilder<'a>;

    fn deref(&self) -> &SqlBuilder<'a> {
        &self.builder
    }
}
