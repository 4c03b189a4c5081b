//! Access of one request, socket or event stream.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::policy::Viewer;
use crate::schema::Schema;

/// Access that a caller has.
pub(in crate::server) struct Access {
    /// Schema as the caller sees it; `None` for the service's own.
    schema: Option<Schema>,
    /// True if the caller may see how the service works: statements, metrics, the whole model.
    is_administrator: bool,
    /// Viewer that the caller is, or acts as.
    viewer: Option<Viewer>,
    expires: Option<SystemTime>,
}

impl Access {
    /// Access of every caller of a service without policies.
    pub(in crate::server) const UNRESTRICTED: Self =
        Self { schema: None, is_administrator: false, viewer: None, expires: None };

    /// Access of an administrator.
    pub(super) const ADMINISTRATOR: Self = Self { is_administrator: true, ..Self::UNRESTRICTED };

    /// Access of a viewer.
    pub(super) fn of_viewer(
        seen: Schema,
        viewer: Viewer,
        is_administrator: bool,
        expires: Option<SystemTime>,
    ) -> Self {
        Self { schema: Some(seen), is_administrator, viewer: Some(viewer), expires }
    }

    /// Returns the viewer that the caller is, or acts as; `None` for an administrator, and without policies.
    pub(in crate::server) fn viewer(&self) -> Option<&Viewer> {
        self.viewer.as_ref()
    }

    /// Returns the schema that the caller's operations run on; `own` is the service's.
    pub(in crate::server) fn schema<'a>(&'a self, own: &'a Schema) -> &'a Schema {
        self.schema.as_ref().unwrap_or(own)
    }

    /// Returns true for an administrator of a service with policies.
    pub(in crate::server) fn is_administrator(&self) -> bool {
        self.is_administrator
    }

    /// Returns true for a viewer whom policies restrict.
    pub(in crate::server) fn is_restricted(&self) -> bool {
        self.schema.is_some() && !self.is_administrator
    }

    /// Returns the moment at which the access ends.
    pub(in crate::server) fn ends(&self) -> Option<Instant> {
        let left = self.expires?.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
        Instant::now().checked_add(left)
    }
}
