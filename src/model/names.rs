//! Names of the schema; all are formed here.
//!
//! Types are PascalCase, fields camelCase. Plurals are formed by the `pluralizer` library from the last word;
//! an entity's options may override each. All generated names are listed here too, so that clashes are found
//! before the schema is built.

use heck::{ToLowerCamelCase, ToPascalCase, ToShoutySnakeCase, ToSnakeCase};

/// Returns the type of the entity in `module`: `user` and `users` are both `User`.
pub fn type_of(module: &str) -> String {
    inflect(module, Number::One).to_pascal_case()
}

/// Returns the type of a column's choices: `role` of `Membership` is `MembershipRole`.
pub fn choices(entity: &str, field: &str) -> String {
    format!("{entity}{}", field.to_pascal_case())
}

/// Returns the field of a column or a to-one relation: `serves_hot_dogs` is `servesHotDogs`.
pub fn field(name: &str) -> String {
    name.to_lower_camel_case()
}

/// Returns the field of a list: `Post` is `posts`, `Courses` stays `courses`.
pub fn list_field(name: &str) -> String {
    field(&inflect(name, Number::Many))
}

#[derive(Clone, Copy)]
enum Number {
    One,
    Many,
}

/// Inflects the last word of a name, which carries the number. `tv_series` ends in an invariable word; as a
/// whole, the library would read it as the plural of `tv_sery`.
fn inflect(name: &str, number: Number) -> String {
    let name = name.to_snake_case();
    let (first, word) = name.rsplit_once('_').map_or(("", name.as_str()), |(first, word)| (first, word));
    let inflected = match (word, number) {
        // Words that the library inflects wrongly.
        ("metadata", _) => word.to_owned(),
        ("axis" | "basis" | "species", Number::One) => word.to_owned(),
        ("lens" | "lenses", Number::One) => "lens".to_owned(),
        ("lens", Number::Many) => "lenses".to_owned(),
        (_, Number::One) => pluralizer::pluralize(word, 1, false),
        (_, Number::Many) => pluralizer::pluralize(word, 2, false),
    };
    format!("{first}_{inflected}")
}

/// Returns words of ASCII letters and digits in snake_case for any name in a database; `of` is the word for a name
/// without letters, and precedes one that begins with a digit. Other scripts are transliterated. Signs such as
/// "²" bring no digits.
pub fn readable(name: &str, of: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        match letter {
            _ if letter.is_ascii_alphanumeric() => words.push(letter),
            _ if letter.is_alphabetic() => {
                let latin = deunicode::deunicode_char(letter).unwrap_or_default();
                words.extend(latin.chars().filter(char::is_ascii_alphabetic));
            }
            _ => words.push('_'),
        }
    }
    let words = words.to_snake_case();
    match words.chars().next() {
        None => of.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("{of}_{words}"),
        Some(_) => words,
    }
}

/// Returns the name of an enum value: `on hold` is `ON_HOLD`, `2nd` is `_2ND`.
pub fn enum_value(value: &str) -> String {
    let name = value.to_shouty_snake_case();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// Returns the name of a forward relation after its key: `manager_id` and `managerId` are `manager`. `None`
/// without such a suffix.
pub fn field_of_key(column: &str) -> Option<String> {
    column.to_snake_case().strip_suffix("_id").filter(|rest| !rest.is_empty()).map(field)
}

/// The root fields of one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootNames {
    /// Row by primary key: `user`.
    pub one: String,
    /// List: `users`.
    pub list: String,
    /// Connection: `usersConnection`.
    pub connection: String,
    /// Aggregate: `usersAggregate`.
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

/// Kind of a root field that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutationRoot {
    /// Creates one row.
    Create,
    /// Creates any number of rows.
    CreateMany,
    /// Updates the row with a key.
    Update,
    /// Updates the rows that match a filter.
    UpdateMany,
    /// Creates one row, or updates the existing one.
    Upsert,
    /// Deletes the row with a key.
    Delete,
    /// Deletes the rows that match a filter.
    DeleteMany,
}

impl RootNames {
    /// Builds the names from the singular and the plural field.
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

    /// Returns the root fields of mutations.
    pub fn mutations(&self) -> [(&str, MutationRoot); 7] {
        [
            (&self.create, MutationRoot::Create),
            (&self.create_many, MutationRoot::CreateMany),
            (&self.update, MutationRoot::Update),
            (&self.update_many, MutationRoot::UpdateMany),
            (&self.upsert, MutationRoot::Upsert),
            (&self.delete, MutationRoot::Delete),
            (&self.delete_many, MutationRoot::DeleteMany),
        ]
    }
}

fn verb(verb: &str, noun: &str) -> String {
    format!("{verb}{}", noun.to_pascal_case())
}

/// Returns the connection field of a list: `postsConnection`.
pub fn connection_field(list: &str) -> String {
    format!("{list}Connection")
}

/// Returns the aggregate field of a list: `postsAggregate`.
pub fn aggregate_field(list: &str) -> String {
    format!("{list}Aggregate")
}

/// Returns the order field for the number of rows in a list: `postsCount`.
pub fn count_order(list: &str) -> String {
    format!("{list}Count")
}

/// Returns the look-up field of a unique key: `userByUsername`, `seatByRowAndNumber`.
pub fn unique_lookup(one: &str, fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| field.to_pascal_case()).collect();
    format!("{one}By{}", fields.join("And"))
}

/// Names of the types that the schema derives from one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeNames {
    /// Filter on a row.
    pub filter: String,
    /// Filter on a list.
    pub list_filter: String,
    /// Order of a list.
    pub order: String,
    /// Connection and its edges.
    pub pages: ConnectionTypes,
    /// Aggregates over a list.
    pub aggregate: String,
    /// Number of distinct values, by column.
    pub count_distinct: String,
    /// Sum, by column.
    pub sum: String,
    /// Average, by column.
    pub average: String,
    /// Minimum, by column.
    pub minimum: String,
    /// Maximum, by column.
    pub maximum: String,
    /// Input of a new row.
    pub create: String,
    /// Input of changes to a row.
    pub update: String,
    /// Input that names a row by a unique key.
    pub key: String,
    /// Input that names a row by a unique key, or creates one.
    pub link: String,
    /// Enum of the unique keys.
    pub unique_key: String,
    /// Result of an update of many rows.
    pub update_result: String,
}

/// Types of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionTypes {
    /// Connection type: `UserConnection`.
    pub connection: String,
    /// Edge type: `UserEdge`.
    pub edge: String,
}

impl ConnectionTypes {
    /// Builds the types for an entity name, or for an owner's type and list field: `GroupMembersConnection`.
    fn new(name: &str) -> Self {
        Self { connection: format!("{name}Connection"), edge: format!("{name}Edge") }
    }

    /// Builds the types for a relation whose edges carry the junction's columns.
    pub fn of_relation(owner: &str, list: &str) -> Self {
        Self::new(&format!("{owner}{}", list.to_pascal_case()))
    }
}

impl TypeNames {
    /// Builds the names for the entity type `name`.
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

    /// Returns all names.
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

    /// Returns all names for changes, in the order of [`TypeNames::all`].
    pub fn all_mut(&mut self) -> [&mut String; 17] {
        [
            &mut self.filter,
            &mut self.list_filter,
            &mut self.order,
            &mut self.pages.connection,
            &mut self.pages.edge,
            &mut self.aggregate,
            &mut self.count_distinct,
            &mut self.sum,
            &mut self.average,
            &mut self.minimum,
            &mut self.maximum,
            &mut self.create,
            &mut self.update,
            &mut self.key,
            &mut self.link,
            &mut self.unique_key,
            &mut self.update_result,
        ]
    }
}

/// Returns the input of rows whose relation `without` is given by the context: `PostCreateWithoutAuthor`.
pub fn without(input: &str, without: &str) -> String {
    format!("{input}Without{}", without.to_pascal_case())
}

/// Names of the inputs that nest one reverse or many-to-many relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedInputs {
    /// Nested in a new row: `UserCreateProfile`.
    pub create: String,
    /// Nested in an existing row: `UserUpdateProfile`.
    pub update: String,
    /// Update of one row of a list: `AuthorUpdatePostsRow`.
    pub row: String,
    /// Upsert of the single row: `UserUpdateProfileUpsert`.
    pub upsert: String,
    /// Existing row with the link's own columns: `GroupMembersConnectLink`.
    pub connect_link: String,
    /// New row with the link's own columns: `GroupMembersCreateLink`.
    pub create_link: String,
}

impl NestedInputs {
    /// Builds the names for the relation `field` of the entity type `owner`.
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

/// Returns the input for the parts of a composite unique key: `SeatKeyRowAndNumber`.
pub fn composite_key(key: &str, field: &str) -> String {
    format!("{key}{}", field.to_pascal_case())
}

/// Returns the field, and enum value, of a unique key: `rowAndNumber`.
pub fn key_field(fields: &[&str]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| field.to_pascal_case()).collect();
    fields.join("And").to_lower_camel_case()
}

/// Returns the filter of a scalar or an enum: `IntFilter`.
pub fn scalar_filter(scalar: &str) -> String {
    format!("{scalar}Filter")
}

/// Returns the filter of a list of such values: `IntListFilter`.
pub fn list_filter(item: &str) -> String {
    format!("{item}ListFilter")
}

/// Name of the query root.
pub const QUERY: &str = "Query";

/// Name of the mutation root.
pub const MUTATION: &str = "Mutation";

/// Name of the subscription root.
pub const SUBSCRIPTION: &str = "Subscription";

/// Types of every schema.
pub const FIXED_TYPES: [&str; 13] = [
    QUERY,
    MUTATION,
    SUBSCRIPTION,
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

/// Field of every type with a primary key.
pub const NODE_ID: &str = "nodeId";

/// Field of the row on an edge.
pub const NODE: &str = "node";

/// Fields of every edge.
pub const EDGE_FIELDS: [&str; 2] = ["cursor", "node"];

/// Root fields of every schema.
pub const FIXED_ROOTS: [&str; 2] = ["node", "nodes"];

/// Returns true if the text is a valid GraphQL name (September 2025, section 2.1.8). Names that begin with
/// two underscores are reserved for introspection.
pub fn is_valid(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
        && letters.all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
        && !name.starts_with("__")
}

/// Returns true if the text is a valid enum value (September 2025, section 2.10.6).
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
