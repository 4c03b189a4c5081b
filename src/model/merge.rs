//! Facts of a live database that entities do not say.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::ColumnType as DatabaseType;

use super::native::NativeForm;
use super::reflect::{Reflected, ReflectedColumn};
use super::registry::Registry;
use super::{ColumnDescription, ColumnType, Declaration, DeclaredType, Generation, Table, TableDescription};

impl Registry {
    /// Adds to the registered entities what the database knows better: defaults, numbers and computed columns, further unique
    /// keys, and the actions of foreign keys. Names, types and relations stay those of the entities. Tables without an entity
    /// are passed over.
    ///
    /// ```no_run
    /// # async fn serve(database: crowsfoot::Database) -> Result<(), Box<dyn std::error::Error>> {
    /// let described = crowsfoot::describe(&database, &[]).await?;
    /// let model = crowsfoot::Registry::new()
    ///     .register::<entity::user::Entity>()
    ///     .register::<entity::profile::Entity>()
    ///     .register::<entity::user_info::Entity>()
    ///     .merge(&described.tables)
    ///     .model()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn merge(mut self, tables: &[TableDescription]) -> Self {
        let known: BTreeMap<&Table, &TableDescription> =
            tables.iter().map(|table| (&table.table, table)).collect();
        for (reflected, _) in &mut self.registered {
            if let Some(table) = known.get(&reflected.table) {
                reflected.merge(table);
            }
        }
        self
    }
}

impl Reflected {
    fn merge(&mut self, table: &TableDescription) {
        let described: BTreeMap<&str, &ColumnDescription> =
            table.columns.iter().map(|column| (column.name.as_str(), column)).collect();
        for column in &mut self.columns {
            let is_key = self.primary_key.contains(&column.name);
            if let Some(described) = described.get(column.name.as_str()) {
                column.merge(described, is_key);
            }
        }
        self.merge_unique_keys(table);
        for declared in self.relations.iter_mut().filter(|known| known.declaration == Declaration::BelongsTo)
        {
            let own: BTreeSet<_> = declared.from.iter().zip(&declared.to).collect();
            let key = table.foreign_keys.iter().find(|key| {
                key.target == declared.to_table
                    && key.columns.iter().zip(&key.target_columns).collect::<BTreeSet<_>>() == own
            });
            if let Some(key) = key {
                declared.on_delete = key.on_delete;
                declared.on_update = key.on_update;
            }
        }
    }

    /// Adds the unique keys over columns of the entity.
    fn merge_unique_keys(&mut self, table: &TableDescription) {
        let mut known: BTreeSet<BTreeSet<String>> = std::iter::once(&self.primary_key)
            .chain(&self.unique_keys)
            .map(|key| key.iter().cloned().collect())
            .collect();
        let columns: BTreeSet<&String> = self.columns.iter().map(|column| &column.name).collect();
        let is_of_entity =
            |key: &&Vec<String>| !key.is_empty() && key.iter().all(|name| columns.contains(name));
        self.deferrable_keys = table.deferrable_keys().filter(is_of_entity).cloned().collect();
        for key in table.unique_keys.iter().filter(|key| key.is_whole) {
            if is_of_entity(&&key.columns) && known.insert(key.columns.iter().cloned().collect()) {
                self.unique_keys.push(key.columns.clone());
            }
        }
    }
}

impl ReflectedColumn {
    /// Returns true if the database knows the column's type better: a type that the entity only names, the spelling of its
    /// values, text that is compared without case, or the name of an array type, by which operands are cast.
    fn is_told_by(&self, declared: &DeclaredType, name: &str) -> bool {
        let own = self.database_type.common();
        if matches!(own, Some(DatabaseType::Custom(named)) if named.to_string() == name) {
            return true;
        }
        match declared {
            DeclaredType::Spelled(spelling) => self.database_type == DeclaredType::of_spelled(*spelling),
            DeclaredType::EnumDomain { .. } => matches!(own, Some(DatabaseType::Enum { .. })),
            DeclaredType::AnyUuid => own == Some(&DatabaseType::Uuid),
            DeclaredType::List { element, .. } => {
                let item = |of: &DeclaredType| ColumnType::of(of, |_, _| 0);
                matches!(&self.database_type, DeclaredType::List { element: own, .. } if item(own) == item(element))
            }
            DeclaredType::Native(native) if matches!(native.form, NativeForm::CaseInsensitive(_)) => {
                matches!(own, Some(DatabaseType::Char(_) | DatabaseType::String(_) | DatabaseType::Text))
            }
            DeclaredType::Common(_) | DeclaredType::Native(_) => false,
        }
    }

    fn merge(&mut self, described: &ColumnDescription, is_key: bool) {
        if let Some(declared) = &described.database_type
            && self.is_told_by(declared, &described.declared_type)
        {
            self.database_type = declared.clone();
            self.is_read_only |= !declared.is_writable();
        }
        match described.generation {
            Generation::AlwaysNumber | Generation::Computed => self.always_generated = true,
            // The entity says whether the database numbers its rows.
            Generation::Number if is_key => {}
            Generation::Number => self.has_default = true,
            Generation::None if described.has_default && !self.has_default => {
                self.has_default = true;
                self.default.clone_from(&described.default);
            }
            Generation::None => {}
        }
    }
}
