//! Pages for people: GraphiQL, the guide, and the entity diagram of the model.

pub(super) mod drawings;
pub(super) mod graphiql;
pub(super) mod guide;
pub(super) mod model;
