//! The parsed document, measured with its fragments expanded and without expanding them: each fragment is measured
//! once, and what it spreads is added to it.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Pos, Positioned};

use super::{Limits, Refusal, refuse_above};
use crate::error::Error;

/// Refuses a document that has more of anything than the limits allow, or whose fragments spread themselves (October
/// 2021, section 5.5.2.2). A spread of a fragment that is not there is left for validation to report.
pub(super) fn check(document: &ExecutableDocument, limits: &Limits) -> Result<(), Refusal> {
    let fragments = Fragments::read(document);
    let fragments = Expanded { totals: fragments.expand()?, fragments };
    // Validation follows the spreads of unused fragments too.
    for (fragment, total) in fragments.fragments.parts.iter().zip(&fragments.totals) {
        total.check(limits, fragment.position)?;
    }
    let mut all = Counts::default();
    for (_, operation) in document.operations.iter() {
        let part = Part::read(operation.pos, &operation.node.selection_set.node);
        let mut counts = fragments.total(&part);
        refuse_above(
            limits.root_fields,
            counts.root_fields,
            "rootFields",
            || {
                format!(
                    "an operation has {} fields at its root after fragments are expanded",
                    counts.root_fields
                )
            },
            operation.pos,
        )?;
        let on_variables = operation.node.variable_definitions.iter().map(|one| one.node.directives.len());
        let directives = operation.node.directives.len() + on_variables.sum::<usize>();
        counts.directives = counts.directives.saturating_add(directives as u64);
        counts.variables = operation.node.variable_definitions.len() as u64;
        counts.operations = 1;
        all.add(&counts);
        all.depth = all.depth.max(counts.depth);
        all.check(limits, operation.pos)?;
    }
    Ok(())
}

/// What there is of each thing. All of it saturates: `u64::MAX` stands for that and whatever lies above.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counts {
    operations: u64,
    variables: u64,
    selections: u64,
    aliases: u64,
    directives: u64,
    /// Fields that stand in no other field.
    root_fields: u64,
    /// Selection sets inside each other.
    depth: u64,
}

impl Counts {
    /// Adds what can be added up: everything but the depth and the fields at the root.
    fn add(&mut self, other: &Self) {
        self.operations = self.operations.saturating_add(other.operations);
        self.variables = self.variables.saturating_add(other.variables);
        self.selections = self.selections.saturating_add(other.selections);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
    }

    fn check(&self, limits: &Limits, position: Pos) -> Result<(), Refusal> {
        if self.depth > limits.depth as u64 {
            return Err(Refusal { error: Error::too_deep(limits.depth as u64, self.depth), position });
        }
        let refuse = |limit, asked, of: &str, what: &str| {
            refuse_above(limit, asked, of, || format!("the document has {asked} {what}"), position)
        };
        refuse(limits.operations, self.operations, "operations", "operations")?;
        refuse(limits.variables, self.variables, "variables", "variables")?;
        let expanded = |what: &str| format!("{what} after fragments are expanded");
        refuse(limits.aliases, self.aliases, "aliases", &expanded("aliases"))?;
        refuse(limits.directives, self.directives, "directives", &expanded("directives"))?;
        refuse(limits.selections, self.selections, "selections", &expanded("selections"))
    }
}

/// A fragment or an operation by itself, and what it spreads.
struct Part<'a> {
    position: Pos,
    own: Counts,
    spreads: Vec<Spread<'a>>,
}

struct Spread<'a> {
    fragment: &'a str,
    /// How many of the part's selection sets it stands in.
    depth: u64,
    /// Whether it stands in no field.
    at_root: bool,
}

impl<'a> Part<'a> {
    fn read(position: Pos, set: &'a SelectionSet) -> Self {
        let mut part = Self { position, own: Counts::default(), spreads: Vec::new() };
        part.read_set(set, 1, true);
        part
    }

    /// Calls itself for each level of nesting, which the parser bounds.
    fn read_set(&mut self, set: &'a SelectionSet, depth: u64, at_root: bool) {
        self.own.depth = self.own.depth.max(depth);
        for selection in &set.items {
            self.own.selections += 1;
            self.own.directives += directives(&selection.node).len() as u64;
            match &selection.node {
                Selection::Field(field) => {
                    self.own.aliases += u64::from(field.node.alias.is_some());
                    self.own.root_fields += u64::from(at_root);
                    // A field without a selection set has an empty one here.
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

/// The fragments of a document by themselves.
struct Fragments<'a> {
    places: HashMap<&'a str, usize>,
    names: Vec<&'a str>,
    parts: Vec<Part<'a>>,
}

impl<'a> Fragments<'a> {
    fn read(document: &'a ExecutableDocument) -> Self {
        let mut fragments = Self { places: HashMap::new(), names: Vec::new(), parts: Vec::new() };
        for (name, fragment) in &document.fragments {
            let mut part = Part::read(fragment.pos, &fragment.node.selection_set.node);
            part.own.directives += fragment.node.directives.len() as u64;
            fragments.places.insert(name, fragments.parts.len());
            fragments.names.push(name);
            fragments.parts.push(part);
        }
        fragments
    }

    fn place(&self, spread: &Spread<'_>) -> Option<usize> {
        self.places.get(spread.fragment).copied()
    }

    /// What each of them has after expansion. Those that a fragment spreads are finished before it; the way to the one
    /// at hand is a list, since a chain of fragments can be as long as the document.
    fn expand(&self) -> Result<Vec<Counts>, Refusal> {
        let mut states = vec![State::Untouched; self.parts.len()];
        let mut totals = vec![Counts::default(); self.parts.len()];
        let mut way: Vec<(usize, usize)> = Vec::new();
        for start in 0..self.parts.len() {
            if states[start] == State::Untouched {
                states[start] = State::Begun;
                way.push((start, 0));
            }
            while let Some((at, next)) = way.last_mut() {
                let at = *at;
                let Some(spread) = self.parts[at].spreads.get(*next) else {
                    totals[at] = total(&self.parts[at], |spread| Some(&totals[self.place(spread)?]));
                    states[at] = State::Finished;
                    way.pop();
                    continue;
                };
                *next += 1;
                match self.place(spread).map(|place| (place, states[place])) {
                    Some((place, State::Untouched)) => {
                        states[place] = State::Begun;
                        way.push((place, 0));
                    }
                    Some((place, State::Begun)) => return Err(self.refuse_cycle(place, &way)),
                    Some((_, State::Finished)) | None => {}
                }
            }
        }
        Ok(totals)
    }

    fn refuse_cycle(&self, place: usize, way: &[(usize, usize)]) -> Refusal {
        let begin = way.iter().position(|(at, _)| *at == place).unwrap_or_default();
        let by_way_of = &way[begin + 1..];
        let mut message = format!("the fragment \"{}\" spreads itself", self.names[place]);
        if let Some((first, _)) = by_way_of.first() {
            message += &format!(" by way of \"{}\"", self.names[*first]);
        }
        if by_way_of.len() > 1 {
            message += &format!(" and {} more", by_way_of.len() - 1);
        }
        Refusal { error: Error::validation(message), position: self.parts[place].position }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Untouched,
    Begun,
    Finished,
}

/// The fragments with what each has after expansion.
struct Expanded<'a> {
    fragments: Fragments<'a>,
    totals: Vec<Counts>,
}

impl Expanded<'_> {
    fn total(&self, part: &Part<'_>) -> Counts {
        total(part, |spread| Some(&self.totals[self.fragments.place(spread)?]))
    }
}

/// What a part has after expansion.
fn total<'a>(part: &Part<'_>, of_spread: impl Fn(&Spread<'_>) -> Option<&'a Counts>) -> Counts {
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
