//! Hundreds of entities, to measure a large model. A single type stands for another entity at each
//! registration, by a number: five hundred types would take the compiler minutes, and are reflected in the
//! same way.
//!
//! Nine of ten are things: each belongs to an owner, which lists it, and references itself. Every tenth is a
//! junction with columns of its own between two things, so that both list each other.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::LazyLock;

use crowsfoot::Registry;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ArrayType, ConditionType, Iden, TableRef};
use sea_orm::{
    ActiveValue, ColumnDef, FromQueryResult, IdenStatic, IntoIdentity, Iterable, QueryResult, RelationType,
    Value,
};

/// Number of entities.
pub const COUNT: usize = 500;

thread_local! {
    /// Number of the registered entity: SeaORM's traits have no instance, only the type.
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// Registers all entities.
pub fn registry() -> Registry {
    (0..COUNT).fold(Registry::new(), |registry, number| {
        NUMBER.set(number);
        registry.register_with::<Entity>(|options| {
            let options = options.name(NAMES[number].as_str());
            // Link inputs carry the junction's columns beside the key, and things have a key of this name.
            if is_junction(number) { options.hide("number") } else { options }
        })
    })
}

const KINDS: [&str; 25] = [
    "Acting", "Backup", "Common", "Direct", "Early", "Foreign", "Global", "Hidden", "Internal", "Joint",
    "Known", "Local", "Main", "Nested", "Open", "Public", "Quick", "Remote", "Second", "Third", "Upper",
    "Virtual", "Weekly", "Young", "Zonal",
];
const NOUNS: [&str; 20] = [
    "Address", "Box", "Branch", "Category", "Company", "Datum", "Delivery", "Invoice", "Journey", "Leaf",
    "Matrix", "Order", "Person", "Photo", "Quiz", "Session", "Shelf", "Status", "Story", "Visit",
];

static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    KINDS.iter().flat_map(|kind| NOUNS.iter().map(move |noun| format!("{kind}{noun}"))).collect()
});

static TABLES: LazyLock<Vec<String>> =
    LazyLock::new(|| NAMES.iter().map(|name| format!("t_{}", name.to_lowercase())).collect());

fn table(number: usize) -> &'static str {
    &TABLES[number]
}

fn is_junction(number: usize) -> bool {
    number % 10 == 9
}

/// Returns the owner of a number: the first owns itself.
fn owner(number: usize) -> usize {
    match number.saturating_sub(1) / 4 {
        _ if is_junction(number) => number - 9,
        owner if is_junction(owner) => owner - 1,
        owner => owner,
    }
}

/// Returns the second target of a number.
fn other(number: usize) -> usize {
    if is_junction(number) { number - 8 } else { number }
}

/// Entity of a number.
#[derive(Clone, Copy, Debug)]
pub struct Entity(usize);

impl Default for Entity {
    fn default() -> Self {
        Self(NUMBER.get())
    }
}

impl Iden for Entity {
    fn quoted(&self) -> Cow<'static, str> {
        Cow::Borrowed(table(self.0))
    }

    fn unquoted(&self) -> &str {
        table(self.0)
    }
}

impl IdenStatic for Entity {
    fn as_str(&self) -> &'static str {
        table(self.0)
    }
}

impl EntityName for Entity {
    fn table_name(&self) -> &'static str {
        table(self.0)
    }
}

impl EntityTrait for Entity {
    type Model = Model;
    type ModelEx = Model;
    type ActiveModel = Model;
    type ActiveModelEx = Model;
    type Column = Column;
    type Relation = Relation;
    type PrimaryKey = PrimaryKey;
}

/// Columns of each entity.
#[derive(Clone, Copy, Debug, EnumIter, DeriveColumn)]
pub enum Column {
    /// Number; the key of a thing.
    Number,
    /// Text.
    Name,
    /// Optional text.
    Note,
    /// 64-bit integer.
    Amount,
    /// Decimal.
    Price,
    /// Boolean.
    Active,
    /// Timestamp.
    Since,
    /// Key of the owner.
    OwnerId,
    /// Key of the second target.
    OtherId,
}

impl ColumnTrait for Column {
    type EntityName = Entity;

    fn def(&self) -> ColumnDef {
        let column_type = match self {
            Self::Number | Self::OwnerId | Self::OtherId => ColumnType::Integer,
            Self::Name | Self::Note => ColumnType::Text,
            Self::Amount => ColumnType::BigInteger,
            Self::Price => ColumnType::Decimal(Some((10, 2))),
            Self::Active => ColumnType::Boolean,
            Self::Since => ColumnType::TimestampWithTimeZone,
        };
        let definition = column_type.def();
        if matches!(self, Self::Note) { definition.nullable() } else { definition }
    }
}

/// Primary key: of a thing its number, of a junction its two keys.
#[derive(Clone, Copy, Debug)]
pub struct PrimaryKey(Column);

impl Iden for PrimaryKey {
    fn unquoted(&self) -> &str {
        self.0.as_str()
    }
}

impl IdenStatic for PrimaryKey {
    fn as_str(&self) -> &'static str {
        self.0.as_str()
    }
}

impl Iterable for PrimaryKey {
    type Iterator = std::vec::IntoIter<Self>;

    fn iter() -> Self::Iterator {
        let columns = if is_junction(NUMBER.get()) {
            vec![Column::OwnerId, Column::OtherId]
        } else {
            vec![Column::Number]
        };
        columns.into_iter().map(Self).collect::<Vec<Self>>().into_iter()
    }
}

impl PrimaryKeyTrait for PrimaryKey {
    type ValueType = i32;

    fn auto_increment() -> bool {
        !is_junction(NUMBER.get())
    }
}

impl PrimaryKeyToColumn for PrimaryKey {
    type Column = Column;

    fn into_column(self) -> Column {
        self.0
    }

    fn from_column(column: Column) -> Option<Self> {
        Self::iter().find(|key| key.as_str() == column.as_str())
    }
}

/// Relation of a number's entity.
#[derive(Clone)]
pub struct Relation(Declared);

impl std::fmt::Debug for Relation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(&self.0.variant)
    }
}

impl Iterable for Relation {
    type Iterator = std::vec::IntoIter<Self>;

    fn iter() -> Self::Iterator {
        declared(NUMBER.get()).into_iter().map(Self).collect::<Vec<Self>>().into_iter()
    }
}

impl RelationTrait for Relation {
    fn def(&self) -> RelationDef {
        self.0.definition.clone()
    }
}

#[derive(Clone)]
struct Declared {
    variant: String,
    definition: RelationDef,
}

/// Returns the relations of a number.
fn declared(number: usize) -> Vec<Declared> {
    let mut relations = vec![
        forward("Owner", Column::OwnerId, number, owner(number)),
        forward("Other", Column::OtherId, number, other(number)),
    ];
    for from in (0..COUNT).filter(|from| *from != number) {
        for (column, to) in [(Column::OwnerId, owner(from)), (Column::OtherId, other(from))] {
            if to == number {
                let definition = forward("", column, from, number).definition.rev();
                let definition =
                    RelationDef { rel_type: RelationType::HasMany, is_owner: true, ..definition };
                relations.push(Declared { variant: NAMES[from].clone(), definition });
            }
        }
    }
    relations
}

fn forward(variant: &str, column: Column, from: usize, to: usize) -> Declared {
    let definition = RelationDef {
        rel_type: RelationType::HasOne,
        from_tbl: TableRef::from(table(from)),
        to_tbl: TableRef::from(table(to)),
        from_col: column.into_identity(),
        to_col: Column::Number.into_identity(),
        is_owner: false,
        skip_fk: false,
        on_delete: None,
        on_update: None,
        on_condition: None,
        fk_name: None,
        condition_type: ConditionType::All,
    };
    Declared { variant: variant.to_owned(), definition }
}

/// Row; never read.
#[derive(Clone, Debug)]
pub struct Model;

impl ModelTrait for Model {
    type Entity = Entity;

    fn get(&self, _: Column) -> Value {
        Value::Int(None)
    }

    fn get_value_type(_: Column) -> ArrayType {
        ArrayType::Int
    }

    fn try_set(&mut self, _: Column, _: Value) -> Result<(), DbErr> {
        Ok(())
    }
}

impl FromQueryResult for Model {
    fn from_query_result(_: &QueryResult, _: &str) -> Result<Self, DbErr> {
        Ok(Self)
    }
}

impl ActiveModelTrait for Model {
    type Entity = Entity;

    fn take(&mut self, _: Column) -> ActiveValue<Value> {
        ActiveValue::NotSet
    }

    fn get(&self, _: Column) -> ActiveValue<Value> {
        ActiveValue::NotSet
    }

    fn set_if_not_equals(&mut self, _: Column, _: Value) {}

    fn try_set(&mut self, _: Column, _: Value) -> Result<(), DbErr> {
        Ok(())
    }

    fn not_set(&mut self, _: Column) {}

    fn is_not_set(&self, _: Column) -> bool {
        true
    }

    fn default() -> Self {
        Self
    }

    fn default_values() -> Self {
        Self
    }

    fn reset(&mut self, _: Column) {}
}

impl ActiveModelBehavior for Model {}
