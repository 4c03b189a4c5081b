//! Lines of a diagram: each relation once, with both of its ends.

use crate::model::{Cardinality, Declaration, EntityId, Junction, Model, Relation, RelationId};

/// Relation between the rows of two types, or of a single type.
pub(super) struct Line<'a> {
    /// Ends, the referenced side first if one side holds the foreign key.
    pub ends: [LineEnd<'a>; 2],
    /// Junction between them.
    pub junction: Option<&'a Junction>,
    /// True if the junction is itself a box: then two other lines show the same relation.
    pub is_shortcut: bool,
}

/// End of a line.
pub(super) struct LineEnd<'a> {
    pub entity: EntityId,
    pub name: &'a str,
    /// Fields of this type that lead to the other end; empty if the relation is hidden from here.
    pub fields: Vec<&'a str>,
    /// Number of rows of this type for a row of the other.
    pub cardinality: Cardinality,
}

impl LineEnd<'_> {
    /// Returns the fields as a single text.
    pub fn label(&self) -> String {
        self.fields.join(", ")
    }
}

impl Line<'_> {
    /// Returns each field with its type, as in the schema.
    pub fn fields(&self) -> impl Iterator<Item = String> {
        let [one, other] = &self.ends;
        [(one, other), (other, one)].into_iter().flat_map(|(from, to)| {
            let leads_to = to.cardinality.type_of(to.name);
            from.fields.iter().map(move |field| format!("{}.{field}: {leads_to}", from.name))
        })
    }

    /// Returns the table name of the junction.
    pub fn through(&self) -> Option<&str> {
        self.junction.map(|junction| junction.table.name.as_str())
    }
}

/// Returns a line for each relation between types of the schema, in the order of the types that hold them.
pub(super) fn of(model: &Model) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (id, entity) in model.exposed() {
        for (index, relation) in entity.relations.iter().enumerate() {
            lines.extend(match (&relation.junction, relation.declaration) {
                (Some(junction), _) => many_to_many(model, (id, index), relation, junction),
                (None, Declaration::BelongsTo) => Some(forward(model, id, relation)),
                // If the other side is hidden, the line comes from this side.
                (None, _) if model.forward_side(id, index).is_none() => Some(reverse(model, id, relation)),
                (None, _) => None,
            });
        }
    }
    lines
}

fn end<'a>(
    model: &'a Model,
    entity: EntityId,
    fields: Vec<&'a str>,
    cardinality: Cardinality,
) -> LineEnd<'a> {
    LineEnd { entity, name: &model.entities[entity].name, fields, cardinality }
}

/// Returns the line of a foreign key, with the reverse fields of the other side.
fn forward<'a>(model: &'a Model, holder: EntityId, relation: &'a Relation) -> Line<'a> {
    let is_reverse = |reverse: &&Relation| {
        let is_other_side = reverse.junction.is_none() && reverse.declaration != Declaration::BelongsTo;
        is_other_side
            && reverse.target == holder
            && (&reverse.from, &reverse.to) == (&relation.to, &relation.from)
    };
    let reverses: Vec<&Relation> =
        model.entities[relation.target].relations.iter().filter(is_reverse).collect();
    // The declaration decides: a list on a unique key is drawn as a list. Without a declaration, the key
    // decides.
    let held = match reverses.first() {
        Some(reverse) => reverse.cardinality,
        None if model.entities[holder].is_unique(&relation.from) => Cardinality::OptionalOne,
        None => Cardinality::Many,
    };
    let back = reverses.iter().map(|reverse| reverse.field.as_str()).collect();
    let ends = [
        end(model, relation.target, back, relation.cardinality),
        end(model, holder, vec![&relation.field], held),
    ];
    Line { ends, junction: None, is_shortcut: false }
}

fn reverse<'a>(model: &'a Model, owner: EntityId, relation: &'a Relation) -> Line<'a> {
    let holder = &model.entities[relation.target];
    let may_be_null = relation.to.iter().any(|id| holder.columns[*id].nullable);
    let held_by = if relation.enforced && !may_be_null { Cardinality::One } else { Cardinality::OptionalOne };
    let ends = [
        end(model, owner, vec![&relation.field], held_by),
        end(model, relation.target, Vec::new(), relation.cardinality),
    ];
    Line { ends, junction: None, is_shortcut: false }
}

/// Returns the line of a many-to-many relation; `None` if the other side's line has shown both.
fn many_to_many<'a>(
    model: &'a Model,
    (owner, index): (EntityId, RelationId),
    relation: &'a Relation,
    junction: &'a Junction,
) -> Option<Line<'a>> {
    let is_back = |back: &Junction| {
        back.table == junction.table && (&back.from, &back.to) == (&junction.to, &junction.from)
    };
    let back = model.entities[relation.target]
        .relations
        .iter()
        .position(|back| back.target == owner && back.junction.as_ref().is_some_and(is_back));
    if back.is_some_and(|back| (relation.target, back) < (owner, index)) {
        return None;
    }
    let back = back.map(|back| model.entities[relation.target].relations[back].field.as_str());
    let is_shortcut = junction.entity.is_some_and(|id| model.entities[id].exposed);
    let ends = [
        end(model, owner, vec![&relation.field], Cardinality::Many),
        end(model, relation.target, back.into_iter().collect(), Cardinality::Many),
    ];
    Some(Line { ends, junction: Some(junction), is_shortcut })
}
