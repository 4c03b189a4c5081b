//! Keys that options declare: of views and foreign tables, which have none, and of tables whose keys the database does not
//! know.

use sea_orm::ColumnType as DatabaseType;

use super::options::TableOptions;
use super::served::{Served, sorted};
use crate::model::registry::{EntityOptions, ForeignKeyOption};
use crate::model::{
    ColumnDescription, DeclaredType, ForeignKeyDescription, KeyAction, ModelFault, Scalar, TableDescription,
    UniqueKeyDescription,
};

/// Types that an option may give.
const TYPES: [(Scalar, DatabaseType); 11] = [
    (Scalar::Int, DatabaseType::Integer),
    (Scalar::BigInt, DatabaseType::BigInteger),
    (Scalar::Float, DatabaseType::Double),
    (Scalar::Decimal, DatabaseType::Decimal(None)),
    (Scalar::String, DatabaseType::Text),
    (Scalar::Boolean, DatabaseType::Boolean),
    (Scalar::Date, DatabaseType::Date),
    (Scalar::Time, DatabaseType::Time),
    (Scalar::DateTime, DatabaseType::DateTime),
    (Scalar::Uuid, DatabaseType::Uuid),
    (Scalar::Json, DatabaseType::Json),
];

/// Adds the keys that the options of the table declare. Returns a fault for each that names nothing or cannot be a key.
pub(super) fn declare(table: &mut Served, tables: &[TableDescription]) -> Vec<ModelFault> {
    let EntityOptions { key, unique_keys, foreign_keys, not_null, .. } = table.options.clone();
    let mut faults = Vec::new();
    declare_types(table, &mut faults);
    for name in &not_null {
        if let Some(columns) = columns(table.named(), &table.description, [name], &mut faults) {
            table.promise_not_null(&columns);
        }
    }
    for unique in &unique_keys {
        if let Some(columns) = columns(table.named(), &table.description, unique, &mut faults) {
            faults.extend(table.promise_unique("unique_keys", columns).err());
        }
    }
    if !key.is_empty()
        && let Some(columns) = columns(table.named(), &table.description, &key, &mut faults)
    {
        faults.extend(table.declare_key(columns).err());
    }
    for foreign in &foreign_keys {
        if let Some(key) = foreign_key(table, tables, foreign, &mut faults) {
            table.description.to_mut().foreign_keys.push(key);
            table.declared_foreign_keys += 1;
        }
    }
    faults
}

impl Served<'_> {
    /// Returns the name by which faults of options call the table.
    pub(super) fn named(&self) -> String {
        self.description.table.to_string()
    }

    /// Declares that these columns are never NULL, where the database does not.
    pub(super) fn promise_not_null(&mut self, columns: &[String]) {
        let is_promised = |name: &String| columns.contains(name);
        let described = &mut self.description.to_mut().columns;
        for column in described.iter_mut().filter(|column| column.nullable && is_promised(&column.name)) {
            column.nullable = false;
            self.promised_not_null.push(column.name.clone());
        }
    }

    fn promise_unique(&mut self, option: &'static str, columns: Vec<String>) -> Result<(), ModelFault> {
        let refuse = |problem: &str| {
            let (table, columns) = (self.named(), columns.clone());
            Err(ModelFault::DeclaredKey { table, option, columns, problem: problem.to_owned() })
        };
        if sorted(&columns).windows(2).any(|pair| pair[0] == pair[1]) {
            return refuse("it has a column twice");
        }
        if columns.is_empty() || !self.are_compared(&columns) {
            return refuse("a value of one of its columns has several forms, or no scalar");
        }
        let is_known = |key: &UniqueKeyDescription| key.is_whole && sorted(&key.columns) == sorted(&columns);
        if sorted(&self.description.primary_key) != sorted(&columns)
            && !self.description.unique_keys.iter().any(is_known)
        {
            self.promised_keys.push(columns.clone());
            self.description.to_mut().unique_keys.push(UniqueKeyDescription {
                name: String::new(),
                columns,
                is_whole: true,
                nulls_not_distinct: false,
                deferrable: false,
            });
        }
        Ok(())
    }

    fn declare_key(&mut self, columns: Vec<String>) -> Result<(), ModelFault> {
        let primary_key = &self.description.primary_key;
        if !primary_key.is_empty() && sorted(primary_key) != sorted(&columns) {
            let problem = format!("the primary key is ({})", primary_key.join(", "));
            return Err(ModelFault::DeclaredKey { table: self.named(), option: "key", columns, problem });
        }
        self.promise_unique("key", columns.clone())?;
        self.promise_not_null(&columns);
        self.key = columns;
        Ok(())
    }
}

/// Gives types to the columns without one, and 64 bits to integers of SQLite: `INTEGER` holds them, but most such columns are
/// keys, which clients want as numbers.
fn declare_types(table: &mut Served, faults: &mut Vec<ModelFault>) {
    for (name, scalar) in table.options.types.clone() {
        let Some(found) = columns(table.named(), &table.description, [&name], faults) else { continue };
        let fault = |problem: String| ModelFault::DeclaredType {
            column: format!("{}.{name}", table.named()),
            scalar: scalar.clone(),
            problem,
        };
        let declared = TYPES.iter().find(|(known, _)| known.name() == scalar).map(|(_, declared)| declared);
        let Some(declared) = declared else {
            let known: Vec<&str> = TYPES.iter().map(|(known, _)| known.name()).collect();
            faults.push(fault(format!("expected one of {}", known.join(", "))));
            continue;
        };
        let column = |known: &&ColumnDescription| found.contains(&known.name);
        match table.description.columns.iter().find(column) {
            Some(column) if column.database_type.is_some() && !is_widened(column, declared) => {
                faults.push(fault(format!("the column has the type {}", column.declared_type)));
            }
            _ => {
                let described = table.description.to_mut().columns.iter_mut();
                for column in described.filter(|known| found.contains(&known.name)) {
                    column.database_type = Some(declared.clone().into());
                }
            }
        }
    }
}

/// Returns true if an integer column that holds any integer gets the type of 64 bits.
fn is_widened(column: &ColumnDescription, wanted: &DatabaseType) -> bool {
    let common = column.database_type.as_ref().and_then(DeclaredType::common);
    let is_integer = matches!(common, Some(DatabaseType::SmallInteger | DatabaseType::Integer));
    column.holds_any_integer && is_integer && *wanted == DatabaseType::BigInteger
}

fn foreign_key(
    table: &Served,
    tables: &[TableDescription],
    option: &ForeignKeyOption,
    faults: &mut Vec<ModelFault>,
) -> Option<ForeignKeyDescription> {
    let own = columns(table.named(), &table.description, &option.columns, faults);
    let Some(target) = TableOptions::find(tables, &option.references) else {
        let known: Vec<String> = tables.iter().map(|known| known.table.to_string()).collect();
        faults.push(ModelFault::unknown_option(&table.named(), &option.references, &known));
        return None;
    };
    let target_columns = columns(target.table.to_string(), target, &option.to, faults)?;
    Some(ForeignKeyDescription {
        name: String::new(),
        columns: own?,
        target: target.table.clone(),
        target_columns,
        on_delete: KeyAction::NoAction,
        on_update: KeyAction::NoAction,
        enforced: false,
        deferrable: false,
    })
}

/// Returns the columns with these names or fields; adds a fault for each that does not exist.
fn columns<'a>(
    named: String,
    table: &TableDescription,
    wanted: impl IntoIterator<Item = &'a String>,
    faults: &mut Vec<ModelFault>,
) -> Option<Vec<String>> {
    let before = faults.len();
    let mut found = Vec::new();
    for name in wanted {
        let is_named = |known: &&String| *known == name || super::names::field_of_column(known) == *name;
        let mut known = table.columns.iter().map(|column| &column.name);
        match known.clone().find(|known| *known == name).or_else(|| known.find(is_named)) {
            Some(column) => found.push(column.clone()),
            None => {
                let known: Vec<&String> = table.columns.iter().map(|column| &column.name).collect();
                faults.push(ModelFault::unknown_option(&named, name, known));
            }
        }
    }
    (faults.len() == before).then_some(found)
}
