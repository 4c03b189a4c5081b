//! All names of the schema are made here.
//!
//! Types are PascalCase, fields camelCase, plurals by the `pluralizer` library applied to the last word; an
//! entity's options may override each. Everything that the schema generates from a name is listed here too, so that clashes are
//! found before the schema is built.

use heck::{ToLowerCamelCase, ToPascalCase, ToShoutySnakeCase, ToSnakeCase};

/// The type of the entity in module `module`: `user` and `users` are both `User`.
pub fn type_of(module: &str) -> String {
    inflect(module, Number::One).to_pascal_case()
}

/// The field of a column or a to-one relation: `serves_hot_dogs` is `servesHotDogs`.
pub fn field(name: &str) -> String {
    name.to_lower_camel_case()
}

/// The field of a list: `Post` is `posts`, `Courses` stays `courses`.
pub fn list_field(name: &str) -> String {
    field(&inflect(name, Number::Many))
}

#[derive(Clone, Copy)]
enum Number {
    One,
    Many,
}

/// The name with its last word, which carries the number, in the singular or plural: `tv_series` ends in a word of
/// one form, as a whole it would be taken for the plural of `tv_sery`.
fn inflect(name: &str, number: Number) -> String {
    let name = name.to_snake_case();
    let (first, word) = name.rsplit_once('_').map_or(("", name.as_str()), |(first, word)| (first, word));
    let inflected = match (word, number) {
        // What the library takes for other words.
        ("axis" | "basis" | "species", Number::One) => word.to_owned(),
        ("lens" | "lenses", Number::One) => "lens".to_owned(),
        ("lens", Number::Many) => "lenses".to_owned(),
        (_, Number::One) => pluralizer::pluralize(word, 1, false),
        (_, Number::Many) => pluralizer::pluralize(word, 2, false),
    };
    format!("{first}_{inflected}")
}

/// The value of an enum: `on hold` is `ON_HOLD`, `2nd` is `_2ND`.
pub fn enum_value(value: &str) -> String {
    let name = value.to_shouty_snake_case();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// The name of a forward relation after its key: `manager_id` and `managerId` are `manager`; `None` where the key
/// has no such ending to take away.
pub fn field_of_key(column: &str) -> Option<String> {
    column.to_snake_case().strip_suffix("_id").filter(|rest| !rest.is_empty()).map(field)
}

/// The root fields of one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootNames {
    /// By primary key: `user`.
    pub one: String,
    /// `users`.
    pub list: String,
    /// `usersConnection`.
    pub connection: String,
    /// `usersAggregate`.
    pub aggregate: String,
    /// `createUser`.
    pub create: String,
    /// `createUsers`.
    pub create_many: String,
    /// `updateUser`.
    pub update: String,
    /// `updateUsers`.
    pub update_many: String,
    /// `upsertUser`.
    pub upsert: String,
    /// `deleteUser`.
    pub delete: String,
    /// `deleteUsers`.
    pub delete_many: String,
}

impl RootNames {
    /// From the names of one and of many.
    pub fn new(one: &str, many: &str) -> Self {
        Self {
            one: one.to_owned(),
            list: many.to_owned(),
            connection: connection_field(many),
            aggregate: aggregate_field(many),
            create: verb("create", one),
            create_many: verb("create", many),
            update: verb("update", one),
            update_many: verb("update", many),
            upsert: verb("upsert", one),
            delete: verb("delete", one),
            delete_many: verb("delete", many),
        }
    }

    /// The root fields that change rows.
    pub fn mutations(&self) -> [&str; 7] {
        [
            &self.create,
            &self.create_many,
            &self.update,
            &self.update_many,
            &self.upsert,
            &self.delete,
            &self.delete_many,
        ]
    }
}

fn verb(verb: &str, noun: &str) -> String {
    format!("{verb}{}", noun.to_pascal_case())
}

/// The connection form of a list: `postsConnection`.
pub fn connection_field(list: &str) -> String {
    format!("{list}Connection")
}

/// The aggregate form of a list: `postsAggregate`.
pub fn aggregate_field(list: &str) -> String {
    format!("{list}Aggregate")
}

/// The order by how many there are in a list: `postsCount`.
pub fn count_order(list: &str) -> String {
    format!("{list}Count")
}

/// The look-up by a unique key: `userByUsername`, `seatByRowAndNumber`.
pub fn unique_lookup(one: &str, fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| field.to_pascal_case()).collect();
    format!("{one}By{}", fields.join("And"))
}

/// The types that the schema makes for one entity, beside its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeNames {
    /// Conditions on one.
    pub filter: String,
    /// Conditions on a list.
    pub list_filter: String,
    /// What a list is ordered by.
    pub order: String,
    /// A page and its edges.
    pub pages: ConnectionTypes,
    /// What is computed of a list.
    pub aggregate: String,
    /// How many different values each column has.
    pub count_distinct: String,
    /// The sum of each column.
    pub sum: String,
    /// The average of each column.
    pub average: String,
    /// The least value of each column.
    pub minimum: String,
    /// The greatest value of each column.
    pub maximum: String,
    /// What a new row holds.
    pub create: String,
    /// What changes in a row.
    pub update: String,
    /// One row by any of its unique keys.
    pub key: String,
    /// The same, or a new row.
    pub link: String,
    /// The names of its unique keys.
    pub unique_key: String,
    /// What an update of many answers.
    pub update_result: String,
}

/// The types of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionTypes {
    /// The page: `UserConnection`.
    pub connection: String,
    /// A row with its cursor: `UserEdge`.
    pub edge: String,
}

impl ConnectionTypes {
    /// Of an entity or, after the owner's type and the list's field, of one relation: `GroupMembersConnection`.
    fn new(name: &str) -> Self {
        Self { connection: format!("{name}Connection"), edge: format!("{name}Edge") }
    }

    /// Of a relation whose edges carry the junction's columns.
    pub fn of_relation(owner: &str, list: &str) -> Self {
        Self::new(&format!("{owner}{}", list.to_pascal_case()))
    }
}

impl TypeNames {
    /// Of the entity of type `name`.
    pub fn new(name: &str) -> Self {
        Self {
            filter: format!("{name}Filter"),
            list_filter: format!("{name}ListFilter"),
            order: format!("{name}Order"),
            pages: ConnectionTypes::new(name),
            aggregate: format!("{name}Aggregate"),
            count_distinct: format!("{name}CountDistinct"),
            sum: format!("{name}Sum"),
            average: format!("{name}Average"),
            minimum: format!("{name}Minimum"),
            maximum: format!("{name}Maximum"),
            create: format!("{name}Create"),
            update: format!("{name}Update"),
            key: format!("{name}Key"),
            link: format!("{name}Link"),
            unique_key: format!("{name}UniqueKey"),
            update_result: format!("{name}UpdateResult"),
        }
    }

    /// Each of them.
    pub fn all(&self) -> [&str; 17] {
        [
            &self.filter,
            &self.list_filter,
            &self.order,
            &self.pages.connection,
            &self.pages.edge,
            &self.aggregate,
            &self.count_distinct,
            &self.sum,
            &self.average,
            &self.minimum,
            &self.maximum,
            &self.create,
            &self.update,
            &self.key,
            &self.link,
            &self.unique_key,
            &self.update_result,
        ]
    }
}

/// An input of rows whose relation `without` is given by where they stand: `PostCreateWithoutAuthor`.
pub fn without(input: &str, without: &str) -> String {
    format!("{input}Without{}", without.to_pascal_case())
}

/// The inputs that speak of the far side of one reverse or many-to-many relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedInputs {
    /// In a new row: `UserCreateProfile`.
    pub create: String,
    /// In a row that is there: `UserUpdateProfile`.
    pub update: String,
    /// A change of one of a list: `AuthorUpdatePostsRow`.
    pub row: String,
    /// A change of the one, or a new one: `UserUpdateProfileUpsert`.
    pub upsert: String,
    /// A row that is there, beside the link's own columns: `GroupMembersConnectLink`.
    pub connect_link: String,
    /// A new row beside them: `GroupMembersCreateLink`.
    pub create_link: String,
}

impl NestedInputs {
    /// Of the relation `field` of the entity of type `owner`.
    pub fn new(owner: &str, field: &str) -> Self {
        let field = field.to_pascal_case();
        Self {
            create: format!("{owner}Create{field}"),
            update: format!("{owner}Update{field}"),
            row: format!("{owner}Update{field}Row"),
            upsert: format!("{owner}Update{field}Upsert"),
            connect_link: format!("{owner}{field}ConnectLink"),
            create_link: format!("{owner}{field}CreateLink"),
        }
    }
}

/// The parts of a unique key of several columns: `SeatKeyRowAndNumber`.
pub fn composite_key(key: &str, field: &str) -> String {
    format!("{key}{}", field.to_pascal_case())
}

/// A unique key of several columns as one field, and the value that names it: `rowAndNumber`.
pub fn key_field(fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| field.to_pascal_case()).collect();
    fields.join("And").to_lower_camel_case()
}

/// The filter on a scalar or an enum: `IntFilter`.
pub fn scalar_filter(scalar: &str) -> String {
    format!("{scalar}Filter")
}

/// The types that every schema has.
pub const FIXED_TYPES: [&str; 13] = [
    "Query",
    "Mutation",
    "Subscription",
    "Node",
    "PageInfo",
    "Direction",
    "Boolean",
    "Int",
    "Float",
    "String",
    "ID",
    "DeleteResult",
    "CascadedCount",
];

/// The field that every type with a primary key has.
pub const NODE_ID: &str = "nodeId";

/// The row itself, beside the columns of the link that leads to it.
pub const NODE: &str = "node";

/// What joins conditions in every filter.
pub const COMBINATORS: [&str; 3] = ["and", "or", "not"];

/// The fields that every edge has.
pub const EDGE_FIELDS: [&str; 2] = ["cursor", "node"];

/// The root fields that every schema has.
pub const FIXED_ROOTS: [&str; 2] = ["node", "nodes"];

/// Whether GraphQL takes this as a name (October 2021, section 2.1.9); names that begin with two underscores
/// belong to introspection.
pub fn is_valid(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
        && letters.all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
        && !name.starts_with("__")
}

/// Whether GraphQL takes this as the value of an enum (October 2021, section 2.9.6).
pub fn is_valid_value(name: &str) -> bool {
    is_valid(name) && !["true", "false", "null"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_and_fields() {
        assert_eq!(type_of("user_infos"), "UserInfo");
        assert_eq!(type_of("user"), "User");
        assert_eq!(type_of("address"), "Address");
        assert_eq!(type_of("status"), "Status");
        assert_eq!(field("serves_hot_dogs"), "servesHotDogs");
        assert_eq!(field("ServesHotDogs"), "servesHotDogs");
        assert_eq!(list_field("UserInfo"), "userInfos");
        assert_eq!(list_field("Reports"), "reports");
        assert_eq!(list_field("Child"), "children");
        assert_eq!(list_field("Children"), "children");
        assert_eq!(list_field("Category"), "categories");
        assert_eq!(enum_value("on hold"), "ON_HOLD");
        assert_eq!(unique_lookup("seat", &["row", "seatNumber"]), "seatByRowAndSeatNumber");
        assert_eq!(field_of_key("manager_id").as_deref(), Some("manager"));
        assert_eq!(field_of_key("_id"), None);
    }

    #[test]
    fn invalid_names() {
        for name in ["", "1st", "__typename", "a-b", "é"] {
            assert!(!is_valid(name), "{name}");
        }
        assert!(is_valid("_a1"));
    }
}
