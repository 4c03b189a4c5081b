//! Measures a parsed document as if its fragments were expanded: each fragment is measured once, and its
//! totals are added at each spread.

use std::collections::HashMap;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::Value;

use super::limits::{DocumentLimits, GuardRefusal, refuse_above};
use super::values::ValueSize;
use crate::error::Error;

/// Refuses a document that exceeds a limit, or whose fragments form a cycle (September 2025, section
/// 5.5.2.2). Validation reports spreads of unknown fragments.
pub(super) fn check(document: &ExecutableDocument, limits: &DocumentLimits) -> Result<(), GuardRefusal> {
    let fragments = Fragments::read(document);
    let fragments = Expanded { totals: fragments.expand()?, fragments };
    // In the order of the text, so that the same document always gets the same error.
    let mut operations: Vec<_> = document.operations.iter().map(|(_, operation)| operation).collect();
    operations.sort_by_key(|operation| operation.pos);
    let mut all = Counts { operations: operations.len() as u64, ..Counts::default() };
    for operation in &operations {
        let counts = fragments.of_operation(operation);
        refuse_above(
            limits.root_fields,
            counts.root_fields,
            "rootFields",
            || format!("an operation has {} root fields after fragments are expanded", counts.root_fields),
            operation.pos,
        )?;
        all.add(&counts);
        all.depth = all.depth.max(counts.depth);
    }
    all.check(limits, operations.first().map_or(Pos::default(), |operation| operation.pos))?;
    // Validation also follows the spreads of fragments that no operation uses.
    let parts = fragments.fragments.parts.iter();
    parts.zip(&fragments.totals).try_for_each(|(fragment, total)| total.check(limits, fragment.position))
}

/// Counts of a document's parts. All saturate: `u64::MAX` stands for itself and every larger number.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counts {
    operations: u64,
    variables: u64,
    selections: u64,
    aliases: u64,
    directives: u64,
    /// Fields outside any other field.
    root_fields: u64,
    /// Nesting of selection sets.
    depth: u64,
    /// Size of argument values.
    values: ValueSize,
}

impl Counts {
    /// Adds the additive counts: all except depth and root fields.
    fn add(&mut self, other: &Self) {
        self.variables = self.variables.saturating_add(other.variables);
        self.selections = self.selections.saturating_add(other.selections);
        self.values.add(other.values);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
    }

    fn check(&self, limits: &DocumentLimits, position: Pos) -> Result<(), GuardRefusal> {
        if self.depth > limits.depth as u64 {
            return Err(GuardRefusal {
                error: Error::too_deep("the document", limits.depth as u64, self.depth),
                position,
            });
        }
        let refuse = |limit, asked, of: &str, what: &str| {
            refuse_above(limit, asked, of, || format!("the document has {asked} {what}"), position)
        };
        refuse(limits.operations, self.operations, "operations", "operations")?;
        refuse(limits.variables, self.variables, "variables", "variables")?;
        let expanded = |what: &str| format!("{what} after fragments are expanded");
        refuse(limits.aliases, self.aliases, "aliases", &expanded("aliases"))?;
        refuse(limits.directives, self.directives, "directives", &expanded("directives"))?;
        refuse(limits.selections, self.selections, "selections", &expanded("selections"))?;
        self.values.check(limits).map_err(|error| GuardRefusal { error, position })
    }
}

/// Fragment or operation on its own, with its spreads.
pub(super) struct DocumentPart<'a> {
    position: Pos,
    own: Counts,
    spreads: Vec<Spread<'a>>,
    /// Variables in its arguments, each with its depth inside lists and objects.
    pub variables: Vec<(&'a Name, u64)>,
}

struct Spread<'a> {
    fragment: &'a str,
    /// Number of the part's selection sets around the spread.
    depth: u64,
    /// True outside any field.
    at_root: bool,
}

impl<'a> DocumentPart<'a> {
    fn read(position: Pos, set: &'a SelectionSet) -> Self {
        let (own, spreads, variables) = (Counts::default(), Vec::new(), Vec::new());
        let mut part = Self { position, own, spreads, variables };
        part.read_set(set, 1, true);
        part
    }

    fn of_fragment(fragment: &'a Positioned<FragmentDefinition>) -> Self {
        let mut part = Self::read(fragment.pos, &fragment.node.selection_set.node);
        part.read_directives(&fragment.node.directives);
        part
    }

    fn of_operation(operation: &'a Positioned<OperationDefinition>) -> Self {
        let OperationDefinition { variable_definitions, directives, selection_set, .. } = &operation.node;
        let mut part = Self::read(operation.pos, &selection_set.node);
        part.read_directives(directives);
        for definition in variable_definitions {
            part.read_directives(&definition.node.directives);
            if let Some(value) = &definition.node.default_value {
                part.own.values.add(ValueSize::of_variable(&value.node));
            }
        }
        part.own.variables = variable_definitions.len() as u64;
        part
    }

    /// Returns the size of the values in arguments and defaults.
    pub fn values(&self) -> ValueSize {
        self.own.values
    }

    /// The number of its selections.
    pub fn selections(&self) -> u64 {
        self.own.selections
    }

    fn read_directives(&mut self, directives: &'a [Positioned<Directive>]) {
        self.own.directives += directives.len() as u64;
        for directive in directives {
            self.read_arguments(&directive.node.arguments);
        }
    }

    fn read_arguments(&mut self, arguments: &'a [(Positioned<Name>, Positioned<Value>)]) {
        for (_, value) in arguments {
            let size = ValueSize::of_literal(&value.node, |name, depth| self.variables.push((name, depth)));
            self.own.values.add(size);
        }
    }

    /// Recurses once per level of nesting, which the parser bounds.
    fn read_set(&mut self, set: &'a SelectionSet, depth: u64, at_root: bool) {
        self.own.depth = self.own.depth.max(depth);
        for selection in &set.items {
            self.own.selections += 1;
            self.read_directives(directives(&selection.node));
            match &selection.node {
                Selection::Field(field) => {
                    self.read_arguments(&field.node.arguments);
                    self.own.aliases += u64::from(field.node.alias.is_some());
                    self.own.root_fields += u64::from(at_root);
                    // A field without a selection set has an empty one in this tree.
                    let below = &field.node.selection_set.node;
                    if !below.items.is_empty() {
                        self.read_set(below, depth + 1, false);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    self.read_set(&fragment.node.selection_set.node, depth + 1, at_root);
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = spread.node.fragment_name.node.as_str();
                    self.spreads.push(Spread { fragment, depth, at_root });
                }
            }
        }
    }
}

fn directives(selection: &Selection) -> &[Positioned<Directive>] {
    match selection {
        Selection::Field(field) => &field.node.directives,
        Selection::FragmentSpread(spread) => &spread.node.directives,
        Selection::InlineFragment(fragment) => &fragment.node.directives,
    }
}

/// Unexpanded fragments of a document.
pub(super) struct Fragments<'a> {
    places: HashMap<&'a str, usize>,
    names: Vec<&'a str>,
    parts: Vec<DocumentPart<'a>>,
}

impl<'a> Fragments<'a> {
    pub fn read(document: &'a ExecutableDocument) -> Self {
        let mut fragments = Self { places: HashMap::new(), names: Vec::new(), parts: Vec::new() };
        let mut in_order: Vec<_> = document.fragments.iter().collect();
        in_order.sort_by_key(|(_, fragment)| fragment.pos);
        for (name, fragment) in in_order {
            fragments.places.insert(name, fragments.parts.len());
            fragments.names.push(name);
            fragments.parts.push(DocumentPart::of_fragment(fragment));
        }
        fragments
    }

    fn place(&self, spread: &Spread<'_>) -> Option<usize> {
        self.places.get(spread.fragment).copied()
    }

    /// Returns the counts of each fragment after expansion.
    fn expand(&self) -> Result<Vec<Counts>, GuardRefusal> {
        let mut totals = vec![Counts::default(); self.parts.len()];
        for at in self.in_order()? {
            totals[at] = total(&self.parts[at], |spread| Some(&totals[self.place(spread)?]));
        }
        Ok(totals)
    }

    /// Visits every operation, and every fragment with the number of its occurrences in all operations. A
    /// fragment without occurrences counts once.
    pub fn each_expanded(
        &self,
        document: &'a ExecutableDocument,
        mut visit: impl FnMut(&DocumentPart<'a>, u64),
    ) {
        let mut times = vec![0u64; self.parts.len()];
        let mut spread = |part: &DocumentPart<'a>, of_part: u64, times: &mut [u64]| {
            visit(part, of_part);
            for place in part.spreads.iter().filter_map(|spread| self.place(spread)) {
                times[place] = times[place].saturating_add(of_part);
            }
        };
        for (_, operation) in document.operations.iter() {
            spread(&DocumentPart::of_operation(operation), 1, &mut times);
        }
        // In reverse finishing order, a fragment comes before all fragments that it spreads.
        for at in self.in_order().unwrap_or_default().into_iter().rev() {
            let of_part = times[at].max(1);
            spread(&self.parts[at], of_part, &mut times);
        }
    }

    /// Returns the indexes of the fragments, each after those that it spreads. The path is an explicit stack,
    /// because a chain of fragments can be as long as the document.
    fn in_order(&self) -> Result<Vec<usize>, GuardRefusal> {
        let mut states = vec![Visit::Untouched; self.parts.len()];
        let mut finished = Vec::with_capacity(self.parts.len());
        let mut way: Vec<(usize, usize)> = Vec::new();
        for start in 0..self.parts.len() {
            if states[start] == Visit::Untouched {
                states[start] = Visit::Begun;
                way.push((start, 0));
            }
            while let Some((at, next)) = way.last_mut() {
                let at = *at;
                let Some(spread) = self.parts[at].spreads.get(*next) else {
                    finished.push(at);
                    states[at] = Visit::Finished;
                    way.pop();
                    continue;
                };
                *next += 1;
                match self.place(spread).map(|place| (place, states[place])) {
                    Some((place, Visit::Untouched)) => {
                        states[place] = Visit::Begun;
                        way.push((place, 0));
                    }
                    Some((place, Visit::Begun)) => return Err(self.refuse_cycle(place, &way)),
                    Some((_, Visit::Finished)) | None => {}
                }
            }
        }
        Ok(finished)
    }

    fn refuse_cycle(&self, place: usize, way: &[(usize, usize)]) -> GuardRefusal {
        let begin = way.iter().position(|(at, _)| *at == place).unwrap_or_default();
        let by_way_of = &way[begin + 1..];
        let mut message = format!("the fragment \"{}\" spreads itself", self.names[place]);
        if let Some((first, _)) = by_way_of.first() {
            message += &format!(" by way of \"{}\"", self.names[*first]);
        }
        if by_way_of.len() > 1 {
            message += &format!(" and {} more", by_way_of.len() - 1);
        }
        GuardRefusal { error: Error::validation(message), position: self.parts[place].position }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Visit {
    Untouched,
    Begun,
    Finished,
}

/// Fragments with their counts after expansion.
struct Expanded<'a> {
    fragments: Fragments<'a>,
    totals: Vec<Counts>,
}

impl Expanded<'_> {
    fn of_operation(&self, operation: &Positioned<OperationDefinition>) -> Counts {
        self.total(&DocumentPart::of_operation(operation))
    }

    fn total(&self, part: &DocumentPart<'_>) -> Counts {
        total(part, |spread| Some(&self.totals[self.fragments.place(spread)?]))
    }
}

/// Returns the counts of a part after expansion.
fn total<'a>(part: &DocumentPart<'_>, of_spread: impl Fn(&Spread<'_>) -> Option<&'a Counts>) -> Counts {
    let mut total = part.own.clone();
    for spread in &part.spreads {
        let Some(fragment) = of_spread(spread) else { continue };
        total.add(fragment);
        total.depth = total.depth.max(spread.depth.saturating_add(fragment.depth));
        if spread.at_root {
            total.root_fields = total.root_fields.saturating_add(fragment.root_fields);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
    use proptest::prelude::*;

    use super::{Counts, DocumentPart, Expanded, Fragments, directives};

    /// Computes the same counts by walking each fragment at every spread.
    fn walk(
        document: &ExecutableDocument,
        set: &SelectionSet,
        depth: u64,
        at_root: bool,
        counts: &mut Counts,
    ) {
        counts.depth = counts.depth.max(depth);
        for selection in &set.items {
            counts.selections += 1;
            counts.directives += directives(&selection.node).len() as u64;
            match &selection.node {
                Selection::Field(field) => {
                    counts.aliases += u64::from(field.node.alias.is_some());
                    counts.root_fields += u64::from(at_root);
                    let below = &field.node.selection_set.node;
                    if !below.items.is_empty() {
                        walk(document, below, depth + 1, false, counts);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    walk(document, &fragment.node.selection_set.node, depth + 1, at_root, counts);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        counts.directives += fragment.node.directives.len() as u64;
                        walk(document, &fragment.node.selection_set.node, depth + 1, at_root, counts);
                    }
                }
            }
        }
    }

    /// Number of fragments of a document. Each spreads only later ones, and the last one is not defined.
    const FRAGMENTS: usize = 5;

    fn selection_set(from: usize) -> BoxedStrategy<String> {
        let spread = (from..=FRAGMENTS).prop_map(|fragment| format!("...f{fragment}"));
        let leaf = prop_oneof![
            Just("a".to_owned()),
            Just("x: a".to_owned()),
            Just("a @d @d".to_owned()),
            spread.clone(),
            spread.prop_map(|spread| spread + " @d"),
        ];
        let selection = leaf.prop_recursive(3, 12, 4, |inner| {
            let head = prop_oneof![Just("a"), Just("x: a"), Just("a @d"), Just("..."), Just("... on T @d")];
            (head, prop::collection::vec(inner, 1..4))
                .prop_map(|(head, selections)| format!("{head} {{ {} }}", selections.join(" ")))
        });
        prop::collection::vec(selection, 1..5).prop_map(|all| format!("{{ {} }}", all.join(" "))).boxed()
    }

    fn document() -> impl Strategy<Value = String> {
        let fragments: Vec<_> = (0..FRAGMENTS)
            .map(|at| {
                let head = prop_oneof![Just(""), Just("@d ")];
                (head, selection_set(at + 1))
                    .prop_map(move |(head, set)| format!("fragment f{at} on T {head}{set}"))
            })
            .collect();
        (selection_set(0), fragments).prop_map(|(set, fragments)| format!("{set} {}", fragments.join(" ")))
    }

    proptest! {
        #[test]
        fn counting_each_fragment_once_counts_what_a_walk_of_all_counts(text in document()) {
            let document = crate::guard::parse(&text, &crate::guard::DocumentLimits::NONE).unwrap();
            let fragments = Fragments::read(&document);
            let fragments = Expanded { totals: fragments.expand().unwrap(), fragments };
            for (_, operation) in document.operations.iter() {
                let set = &operation.node.selection_set.node;
                let mut expected = Counts::default();
                walk(&document, set, 1, true, &mut expected);
                prop_assert_eq!(fragments.total(&DocumentPart::read(operation.pos, set)), expected);
            }
        }
    }
}
