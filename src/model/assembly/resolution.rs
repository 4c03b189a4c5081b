//! Names that clash give way by rule, in a model that a database fills.
//!
//! The check of the model finds every clash. Of the two owners the lesser one takes its next name, and the check
//! runs again until no clash is left.
//!
//! | rank | owner | next name |
//! | --- | --- | --- |
//! | 0 | part of every schema | never gives way |
//! | 1 | column | `Value` is added; then the entity precedes |
//! | 2 | entity | the longer forms of the table's name; then `Record` is added |
//! | 3 | plural of an entity | `all` and the plural: `allStaff` |
//! | 4 | forward relation | with the target's name; then `Record` is added |
//! | 5 | reverse relation | by the key's name; then `List` or `Record` is added |
//! | 6 | list through a junction | by the junction's key, by the junction; then `List` is added |
//! | 7 | type derived from an entity | `Type` is added |
//! | 8 | enum | `Enum` is added |
//! | 9 | value of an enum | `_VALUE` is added |
//!
//! Of one rank, parts of views give way to those of tables. Two other owners of one rank both take their next names if both
//! have one that is not made by adding a word, so that neither depends on the order of the tables. If only one has such a name, that one gives way; otherwise the second. No name gets a number.

use std::collections::BTreeMap;

use heck::ToPascalCase;

use super::Assembly;
use crate::model::check::{self, Clash, Findings, NamedPart};
use crate::model::names::{self, RootNames, TypeNames};
use crate::model::{Declaration, EntityId, ModelFault, Note, TableKind};

/// Maximum number of checks. Each makes a name longer, so that few are needed; names chosen by options may clash for
/// ever, and are then faults.
const MOST_ROUNDS: usize = 60;

impl Assembly {
    /// Renames the lesser owners of clashing names until no clash is left, and returns the faults of the last check.
    /// Without resolution, all clashes are left.
    pub(super) fn resolve_clashes(&mut self) -> Vec<ModelFault> {
        let rounds = if self.clashes.resolves() { MOST_ROUNDS } else { 0 };
        for _ in 0..rounds {
            let (faults, clashes) = self.check();
            let mut losers: BTreeMap<(u8, NamedPart), [String; 2]> = BTreeMap::new();
            for clash in &clashes {
                for (named, owner) in self.losers(clash) {
                    losers.entry((self.rank(named), named)).or_insert([clash.name.clone(), owner]);
                }
            }
            // One rank at a time, because other names may depend on those of a lower rank.
            let Some(((lowest, _), _)) = losers.first_key_value() else { return faults };
            let lowest = *lowest;
            for ((_, named), lost) in losers.into_iter().take_while(|((rank, _), _)| *rank == lowest) {
                self.move_on(named, lost);
            }
        }
        self.check().0
    }

    fn check(&self) -> (Vec<ModelFault>, Vec<Clash>) {
        let naming_option = |named| self.naming_option(named);
        let Findings { faults, clashes, .. } = check::check(&self.model, &naming_option);
        (faults, clashes)
    }

    /// Returns the owners that give way, each with the description of the other.
    fn losers(&self, clash: &Clash) -> Vec<(NamedPart, String)> {
        let [one, other] = clash.between;
        let [of_one, of_other] = clash.described.clone();
        let (one, other) = ((one, of_other), (other, of_one));
        match [one.0, other.0].map(|named| self.is_fixed(named)) {
            [true, true] => Vec::new(),
            [true, false] => vec![other],
            [false, true] => vec![one],
            [false, false] => match self.precedence(one.0).cmp(&self.precedence(other.0)) {
                std::cmp::Ordering::Less => vec![other],
                std::cmp::Ordering::Greater => vec![one],
                std::cmp::Ordering::Equal if one.0 == other.0 => vec![other],
                std::cmp::Ordering::Equal => {
                    match [one.0, other.0].map(|named| self.has_alternative(named)) {
                        [true, true] => vec![one, other],
                        [true, false] => vec![one],
                        _ => vec![other],
                    }
                }
            },
        }
    }

    fn is_fixed(&self, named: NamedPart) -> bool {
        let is_chosen = match named {
            NamedPart::Fixed => true,
            NamedPart::Relation(entity, relation) => self.origins[entity][relation].is_chosen,
            NamedPart::Entity(entity) => self.registered[entity].1.name.is_some(),
            NamedPart::Plural(entity) => self.registered[entity].1.plural.is_some(),
            _ => false,
        };
        is_chosen || self.clashes.chosen.contains(&named)
    }

    /// Returns the rank, and true for parts of views, which give way to those of tables.
    fn precedence(&self, named: NamedPart) -> (u8, bool) {
        let is_view = |id: EntityId| self.model.entities[id].kind != TableKind::Table;
        let is_of_view = match named {
            NamedPart::Entity(id) | NamedPart::Plural(id) => is_view(id),
            NamedPart::Relation(id, relation) => {
                is_view(id) || is_view(self.model.entities[id].relations[relation].target)
            }
            _ => false,
        };
        (self.rank(named), is_of_view)
    }

    fn rank(&self, named: NamedPart) -> u8 {
        match named {
            NamedPart::Fixed => 0,
            NamedPart::Column(..) => 1,
            NamedPart::Entity(_) => 2,
            NamedPart::Plural(_) => 3,
            NamedPart::Relation(entity, relation) => {
                match self.model.entities[entity].relations[relation].declaration {
                    Declaration::BelongsTo => 4,
                    Declaration::HasOne | Declaration::HasMany => 5,
                    Declaration::ManyToMany => 6,
                }
            }
            NamedPart::Derived(..) => 7,
            NamedPart::Enumeration(_) => 8,
            NamedPart::EnumValue(..) => 9,
        }
    }

    fn has_alternative(&self, named: NamedPart) -> bool {
        match named {
            NamedPart::Relation(entity, relation) => !self.origins[entity][relation].alternatives.is_empty(),
            NamedPart::Entity(entity) => self.next_name(entity).is_some(),
            _ => false,
        }
    }

    fn next_name(&self, entity: EntityId) -> Option<&String> {
        let used = self.clashes.used.get(&entity).copied().unwrap_or(0);
        self.registered[entity].0.names.get(used + 1)
    }

    /// Gives a part its next name.
    fn move_on(&mut self, named: NamedPart, lost: [String; 2]) {
        match named {
            NamedPart::Fixed => return,
            NamedPart::Column(entity, column) => {
                let entity = &mut self.model.entities[entity];
                let field = &mut entity.columns[column].field;
                if self.clashes.lost.contains_key(&named) {
                    // Columns of two tables may clash, and would keep the same name for ever.
                    *field = names::field(&format!("{}_{field}", entity.name));
                } else {
                    field.push_str("Value");
                }
            }
            NamedPart::Entity(id) => {
                let next = self.next_name(id).cloned();
                *self.clashes.used.entry(id).or_default() += 1;
                let name = next.unwrap_or_else(|| format!("{}Record", self.model.entities[id].name));
                let plural = self.registered[id].1.plural.clone();
                let entity = &mut self.model.entities[id];
                let many = plural.unwrap_or_else(|| names::list_field(&name));
                entity.roots = RootNames::new(&names::field(&name), &many);
                entity.types = TypeNames::new(&name);
                entity.name = name;
            }
            NamedPart::Plural(id) => {
                let entity = &mut self.model.entities[id];
                let many = format!("all{}", entity.roots.list.to_pascal_case());
                entity.roots = RootNames::new(&entity.roots.one, &many);
            }
            NamedPart::Relation(entity, id) => {
                let origin = &mut self.origins[entity][id];
                origin.lost = Some(lost);
                let relation = &mut self.model.entities[entity].relations[id];
                match origin.alternatives.pop_front() {
                    Some(next) => relation.field = next,
                    None => relation.field.push_str(if relation.is_many() { "List" } else { "Record" }),
                }
                return;
            }
            NamedPart::Derived(entity, number) => {
                if let Some(name) = self.model.entities[entity].types.all_mut().into_iter().nth(number) {
                    name.push_str("Type");
                }
            }
            NamedPart::Enumeration(id) => {
                let enumeration = &mut self.model.enumerations[id];
                let readable = names::type_of(&names::readable(&enumeration.database_name, "enum"));
                let is_valid = names::is_valid(&enumeration.name);
                enumeration.name = if is_valid { format!("{}Enum", enumeration.name) } else { readable };
            }
            NamedPart::EnumValue(id, value) => {
                let (name, stored) = &mut self.model.enumerations[id].variants[value];
                let readable = names::enum_value(&names::readable(stored, "value"));
                *name = if names::is_valid_value(name) { format!("{name}_VALUE") } else { readable };
            }
        }
        self.clashes.lost.insert(named, lost);
    }

    /// Notes the names that gave way, unless an option replaced them.
    pub(super) fn note_clashes(&mut self) {
        let mut notes = Vec::new();
        for (named, lost) in &self.clashes.lost {
            if !self.is_fixed(*named)
                && let Some((of, name)) = self.named(*named)
            {
                notes.push((of, name, lost.clone()));
            }
        }
        for (entity, origins) in self.origins.iter().enumerate() {
            for (relation, origin) in origins.iter().enumerate().filter(|(_, origin)| !origin.is_chosen) {
                if let Some(lost) = &origin.lost
                    && let Some((of, name)) = self.named(NamedPart::Relation(entity, relation))
                {
                    notes.push((of, name, lost.clone()));
                }
            }
        }
        let notes = notes.into_iter().map(|(of, name, [lost, to])| Note::Renamed { of, name, lost, to });
        self.model.notes.extend(notes);
    }

    /// Returns a part in words, and its name.
    fn named(&self, named: NamedPart) -> Option<(String, String)> {
        let entities = &self.model.entities;
        Some(match named {
            NamedPart::Fixed => return None,
            NamedPart::Column(entity, column) => {
                let (entity, column) = (&entities[entity], &entities[entity].columns[column]);
                (format!("column {}.{}", entity.table, column.name), column.field.clone())
            }
            NamedPart::Entity(id) => {
                (format!("the entity of table {}", entities[id].table), entities[id].name.clone())
            }
            NamedPart::Plural(id) => {
                (format!("the list of {}", entities[id].name), entities[id].roots.list.clone())
            }
            NamedPart::Relation(entity, relation) => {
                let (entity, relation) = (&entities[entity], &entities[entity].relations[relation]);
                let described = check::described(&self.model, entity, relation);
                (format!("in {}, {described}", entity.name), relation.field.clone())
            }
            NamedPart::Derived(id, number) => {
                let name = (*entities[id].types.all().get(number)?).to_owned();
                (format!("a type of {}", entities[id].name), name)
            }
            NamedPart::Enumeration(id) => {
                let enumeration = &self.model.enumerations[id];
                (format!("database enum {}", enumeration.database_name), enumeration.name.clone())
            }
            NamedPart::EnumValue(id, value) => {
                let enumeration = &self.model.enumerations[id];
                let (name, stored) = enumeration.variants.get(value)?;
                (format!("value \"{stored}\" of database enum {}", enumeration.database_name), name.clone())
            }
        })
    }
}
