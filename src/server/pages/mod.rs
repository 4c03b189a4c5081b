//! Pages for people: GraphiQL, and the entity diagram of the model.

pub(super) mod drawings;
pub(super) mod graphiql;
pub(super) mod model;
