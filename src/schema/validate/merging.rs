//! Section 5.3.2, Field Selection Merging.
//!
//! Fields that share a response key are each compared with the first of them. Both relations, same shape and
//! same name with same arguments, are equivalences. So the time grows linearly with the number of fields
//! after fragment expansion.

use std::collections::HashSet;
use std::ptr;

use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::{MetaType, MetaTypeName};
use async_graphql::{Pos, Positioned};
use indexmap::IndexMap;

use super::Validator;

/// Number of compared fields above which a document is refused. Fields of an interface are compared with
/// those of each object, which can multiply on every level.
const MOST_STEPS: usize = 200_000;

/// Field, with the type that it is selected on.
#[derive(Clone, Copy)]
struct FieldOfType<'a> {
    field: &'a Positioned<Field>,
    parent: Option<&'a MetaType>,
    of: Option<&'a str>,
}

type ByKey<'a> = IndexMap<&'a str, Vec<FieldOfType<'a>>>;

/// Selection set, with its type.
type Set<'a> = (&'a SelectionSet, Option<&'a MetaType>);

impl<'a> Validator<'a> {
    /// Checks all fields of an operation, including those of its fragments.
    pub(super) fn fields_can_merge(
        &mut self,
        set: &'a SelectionSet,
        root: Option<&'a MetaType>,
        position: Pos,
    ) {
        let mut merging =
            Merging { validator: self, compared: HashSet::new(), conflicts: IndexMap::new(), steps: 0 };
        let fields = merging.collect([(set, root)]);
        merging.check_shapes(&fields);
        merging.check_responses(&fields);
        let (steps, conflicts) = (merging.steps, merging.conflicts);
        if steps > MOST_STEPS {
            self.report(
                position,
                "the fields of this operation have too many overlapping selections".to_owned(),
            );
        }
        for ([one, other], (key, reason)) in conflicts {
            self.report_at(
                &[one, other],
                format!(
                    "Fields \"{key}\" conflict because {reason}. Use different aliases on the fields to fetch both if this was intentional."
                ),
            );
        }
    }
}

struct Merging<'v, 'a> {
    validator: &'v Validator<'a>,
    /// Fields that were compared together, by address.
    compared: HashSet<Vec<usize>>,
    /// Key and reason of each conflict, by the positions of both fields.
    conflicts: IndexMap<[Pos; 2], (&'a str, String)>,
    steps: usize,
}

impl<'a> Merging<'_, 'a> {
    fn collect(&mut self, sets: impl IntoIterator<Item = Set<'a>>) -> ByKey<'a> {
        let mut fields = ByKey::new();
        let mut visited = HashSet::new();
        for (set, parent) in sets {
            self.collect_into(set, parent, &mut visited, &mut fields);
        }
        fields
    }

    fn collect_into(
        &mut self,
        set: &'a SelectionSet,
        parent: Option<&'a MetaType>,
        visited: &mut HashSet<&'a str>,
        fields: &mut ByKey<'a>,
    ) {
        let types = &self.validator.registry.types;
        for selection in &set.items {
            self.steps += 1;
            match &selection.node {
                Selection::Field(field) => {
                    let name = &field.node.name.node;
                    let of = parent.and_then(|parent| self.validator.type_of_field(parent, name));
                    let key = field.node.response_key().node.as_str();
                    fields.entry(key).or_default().push(FieldOfType { field, parent, of });
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref();
                    let on = on.map_or(parent, |on| types.get(on.node.on.node.as_str()));
                    self.collect_into(&fragment.node.selection_set.node, on, visited, fields);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.validator.document.fragments.get(name)
                        && visited.insert(name)
                    {
                        let on = types.get(fragment.node.type_condition.node.on.node.as_str());
                        self.collect_into(&fragment.node.selection_set.node, on, visited, fields);
                    }
                }
            }
        }
    }

    /// Returns the nested fields of several merged fields.
    fn below(&mut self, merged: &[FieldOfType<'a>]) -> ByKey<'a> {
        let validator = self.validator;
        let set = |selected: &FieldOfType<'a>| {
            let of = selected.of.and_then(|of| validator.named_type(of));
            (&selected.field.node.selection_set.node, of)
        };
        self.collect(merged.iter().map(set))
    }

    /// SameResponseShape: for every object, a key has values of the same type.
    fn check_shapes(&mut self, fields: &ByKey<'a>) {
        for (key, merged) in fields {
            if self.steps > MOST_STEPS {
                return;
            }
            let [first, others @ ..] = merged.as_slice() else { continue };
            for other in others {
                if let (Some(one), Some(of)) = (first.of, other.of)
                    && !self.is_same_shape(one, of)
                {
                    self.conflict(
                        key,
                        first,
                        other,
                        format!("they return conflicting types \"{one}\" and \"{of}\""),
                    );
                }
            }
            let below = self.below(merged);
            self.check_shapes(&below);
        }
    }

    fn is_same_shape(&self, one: &str, other: &str) -> bool {
        match (MetaTypeName::create(one), MetaTypeName::create(other)) {
            (MetaTypeName::NonNull(one), MetaTypeName::NonNull(other))
            | (MetaTypeName::List(one), MetaTypeName::List(other)) => self.is_same_shape(one, other),
            (MetaTypeName::Named(one), MetaTypeName::Named(other)) => {
                let is_composite = |name| self.validator.named_type(name).is_some_and(MetaType::is_composite);
                one == other || (is_composite(one) && is_composite(other))
            }
            _ => false,
        }
    }

    /// FieldsInSetCanMerge: within an object, a key is the same field with the same arguments.
    fn check_responses(&mut self, fields: &ByKey<'a>) {
        for (key, merged) in fields {
            for merged in by_object(merged) {
                let mut addresses: Vec<usize> =
                    merged.iter().map(|selected| ptr::from_ref(selected.field).addr()).collect();
                addresses.sort_unstable();
                if self.steps > MOST_STEPS || !self.compared.insert(addresses) {
                    continue;
                }
                let [first, others @ ..] = merged.as_slice() else { continue };
                for other in others {
                    let (one, of) = (&first.field.node, &other.field.node);
                    if one.name.node != of.name.node {
                        let (one, of) = (&one.name.node, &of.name.node);
                        self.conflict(
                            key,
                            first,
                            other,
                            format!("\"{one}\" and \"{of}\" are different fields"),
                        );
                    } else if !has_same_arguments(one, of) {
                        self.conflict(key, first, other, "they have differing arguments".to_owned());
                    }
                }
                let below = self.below(&merged);
                self.check_responses(&below);
            }
        }
    }

    fn conflict(&mut self, key: &'a str, one: &FieldOfType<'a>, other: &FieldOfType<'a>, reason: String) {
        self.conflicts.entry([one.field.pos, other.field.pos]).or_insert((key, reason));
    }
}

/// Groups fields that an object can have together: those on its type, and those on an interface, a union or
/// an unknown type.
fn by_object<'a>(merged: &[FieldOfType<'a>]) -> Vec<Vec<FieldOfType<'a>>> {
    let object = |selected: &FieldOfType<'a>| match selected.parent {
        Some(MetaType::Object { name, .. }) => Some(name.as_str()),
        _ => None,
    };
    let mut objects: Vec<Option<&str>> = merged.iter().map(object).filter(Option::is_some).collect();
    objects.sort_unstable();
    objects.dedup();
    if objects.is_empty() {
        objects.push(None);
    }
    let of = |wanted: Option<&str>| {
        merged
            .iter()
            .filter(|selected| object(selected).is_none_or(|name| Some(name) == wanted))
            .copied()
            .collect()
    };
    objects.into_iter().map(of).collect()
}

fn has_same_arguments(one: &Field, other: &Field) -> bool {
    one.arguments.len() == other.arguments.len()
        && one.arguments.iter().all(|(name, value)| {
            other.get_argument(&name.node).is_some_and(|theirs| theirs.node == value.node)
        })
}
