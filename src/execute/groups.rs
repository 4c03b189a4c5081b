//! Assigns child rows to their parents by key.

use std::cmp::Ordering;
use std::hash::Hash;
use std::ops::Range;

use hashbrown::HashMap;

use crate::database::{Cell, Row, RowSet};
use crate::plan::{Load, LoadKind, Page, PageSide, RelationKey, SqlStatement};

/// Slot of a parent without children: a part of the key is NULL, which matches nothing.
const NO_PARENT: u32 = u32::MAX;

/// Slot of a parent with an unreadable part in its key: the matching rows are unknown.
const UNREADABLE: u32 = u32::MAX - 1;

/// Parent keys by which a level loads its children.
#[derive(Debug)]
pub(super) struct Keys {
    /// Index of the distinct key, for each parent row.
    of_parent: Vec<u32>,
    index: Index,
}

/// Distinct keys and their indexes. Nearly every key is one integer.
#[derive(Debug)]
enum Index {
    /// The single key of the root, which matches every row.
    Root,
    Integers(HashMap<i64, u32>),
    Values(HashMap<RelationKey, u32>),
}

impl Keys {
    /// Returns the single key of the root, which matches every row.
    pub fn of_root() -> Self {
        Self { of_parent: vec![0], index: Index::Root }
    }

    /// Collects the keys in `slots` of all rows except lookahead rows.
    pub fn of_rows(rows: &RowSet, first: usize, slots: &[usize], is_outside: impl Fn(usize) -> bool) -> Self {
        let row = |index| rows.row_from(index, first);
        let inside = |index: &usize| !is_outside(*index);
        if let [slot] = *slots {
            let all_integers = (0..rows.len())
                .filter(inside)
                .all(|index| matches!(row(index).cell(slot), Cell::Integer(_) | Cell::Null));
            if all_integers {
                let key = |index| match row(index).cell(slot) {
                    Cell::Integer(key) if !is_outside(index) => Some(key),
                    _ => None,
                };
                let (of_parent, index) = number((0..rows.len()).map(key));
                return Self { of_parent, index: Index::Integers(index) };
            }
        }
        let key = |index: usize| if is_outside(index) { None } else { key_of(row(index), slots) };
        let (mut of_parent, index) = number((0..rows.len()).map(key));
        if rows.has_unreadable() {
            let is_unreadable = |index: usize| {
                inside(&index)
                    && slots.iter().any(|slot| matches!(row(index).cell(*slot), Cell::Unreadable(_)))
            };
            let unreadable = (0..rows.len()).filter(|index| is_unreadable(*index));
            unreadable.for_each(|index| of_parent[index] = UNREADABLE);
        }
        Self { of_parent, index: Index::Values(index) }
    }

    /// Returns each distinct key once, in parent order.
    pub fn distinct(&self) -> Vec<RelationKey> {
        match &self.index {
            Index::Root => Vec::new(),
            Index::Integers(index) => in_order(index, |key| vec![sea_orm::Value::BigInt(Some(*key))]),
            Index::Values(index) => in_order(index, RelationKey::clone),
        }
    }

    /// Returns the index of the distinct key of parent row `index`; none if a part of the key is NULL.
    pub fn of_row(&self, index: usize) -> Option<usize> {
        let place = *self.of_parent.get(index)?;
        (place != NO_PARENT && place != UNREADABLE).then_some(place as usize)
    }

    /// Returns the number of distinct keys.
    pub fn len(&self) -> usize {
        match &self.index {
            Index::Root => 1,
            Index::Integers(index) => index.len(),
            Index::Values(index) => index.len(),
        }
    }

    /// Returns true if no parent has a key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn place(&self, row: Row, slots: &[usize]) -> Option<u32> {
        match &self.index {
            Index::Root => Some(0),
            Index::Integers(index) => match row.cell(*slots.first()?) {
                Cell::Integer(key) => index.get(&key).copied(),
                _ => None,
            },
            Index::Values(index) => index.get(&key_of(row, slots)?).copied(),
        }
    }
}

/// Compares two rows by integer cells.
fn compare(rows: &RowSet, slots: &[usize], one: u32, other: u32) -> Ordering {
    let integer = |index: u32, slot: usize| match rows.row(index as usize).cell(slot) {
        Cell::Integer(value) => value,
        _ => 0,
    };
    let mut orders = slots.iter().map(|slot| integer(one, *slot).cmp(&integer(other, *slot)));
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Numbers the distinct keys in order of appearance.
fn number<K: Eq + Hash>(keys: impl Iterator<Item = Option<K>>) -> (Vec<u32>, HashMap<K, u32>) {
    let mut index = HashMap::new();
    let place = |key: Option<K>| match key {
        Some(key) => {
            let next = index.len() as u32;
            *index.entry(key).or_insert(next)
        }
        None => NO_PARENT,
    };
    (keys.map(place).collect(), index)
}

fn in_order<K>(index: &HashMap<K, u32>, key: impl Fn(&K) -> RelationKey) -> Vec<RelationKey> {
    let mut keys = vec![RelationKey::new(); index.len()];
    for (known, place) in index {
        keys[*place as usize] = key(known);
    }
    keys
}

/// Returns the normalized key of a row, or `None` if a part is NULL or unreadable.
fn key_of(row: Row, slots: &[usize]) -> Option<RelationKey> {
    slots
        .iter()
        .map(|slot| match row.cell(*slot) {
            Cell::Null | Cell::Unreadable(_) => None,
            _ => Some(row.column_type(*slot).normalize_key(row.value(*slot))),
        })
        .collect()
}

/// Rows of a level, grouped by parent row.
#[derive(Debug)]
pub struct Groups {
    /// Index of the group, for each parent row. For joined rows, which lie beside their parents, the row
    /// itself.
    of_parent: Vec<u32>,
    /// Groups; empty for joined rows, which are at most one per parent.
    groups: Vec<ParentGroup>,
    /// Row indexes, group after group.
    members: Vec<u32>,
}

/// Rows of one key.
#[derive(Clone, Debug, Default)]
struct ParentGroup {
    members: Range<usize>,
    has_previous: bool,
    has_next: bool,
}

impl Groups {
    /// Assigns rows to their parents.
    pub(super) fn new(load: &Load, query: &SqlStatement, rows: &RowSet, keys: Keys) -> Self {
        let (mut groups, mut members) = match (&keys.index, query.slots.page_side) {
            // All rows belong to the single parent, in order.
            (Index::Root, None) => Self::all_of_one(rows),
            _ => Self::lay_out(query, rows, &keys),
        };
        if !query.slots.sort.is_empty() {
            for group in &groups {
                members[group.members.clone()]
                    .sort_by(|one, other| compare(rows, &query.slots.sort, *one, *other));
            }
        }
        if let LoadKind::Rows(planned) = &load.what {
            groups.iter_mut().for_each(|group| group.finish_page(&planned.page, &mut members));
        }
        Self { of_parent: keys.of_parent, groups, members }
    }

    /// Builds the groups of the keys, and their row indexes, in order of arrival.
    fn lay_out(query: &SqlStatement, rows: &RowSet, keys: &Keys) -> (Vec<ParentGroup>, Vec<u32>) {
        let mut groups = vec![ParentGroup::default(); keys.len()];
        let mut of_row = Vec::with_capacity(rows.len());
        for index in 0..rows.len() {
            let row = rows.row(index);
            let place = keys.place(row, &query.slots.key);
            let Some(group) = place.and_then(|place| groups.get_mut(place as usize)) else {
                of_row.push(NO_PARENT);
                continue;
            };
            let side = query.slots.page_side.and_then(|slot| match row.cell(slot) {
                Cell::Integer(code) => PageSide::of_code(code),
                _ => None,
            });
            let is_member = match side {
                Some(PageSide::Before) => {
                    group.has_previous = true;
                    false
                }
                Some(PageSide::After) => {
                    group.has_next = true;
                    false
                }
                Some(PageSide::Inside) | None => true,
            };
            // Counts first, and places afterwards.
            group.members.end += usize::from(is_member);
            of_row.push(place.filter(|_| is_member).unwrap_or(NO_PARENT));
        }
        let mut start = 0;
        for group in &mut groups {
            let length = group.members.end;
            group.members = start..start;
            start += length;
        }
        let mut members = vec![0; start];
        for (index, place) in of_row.into_iter().enumerate() {
            if let Some(group) = groups.get_mut(place as usize) {
                members[group.members.end] = index as u32;
                group.members.end += 1;
            }
        }
        (groups, members)
    }

    /// Assigns all rows to the single parent, in order.
    pub(super) fn of_root(rows: &RowSet) -> Self {
        let (groups, members) = Self::all_of_one(rows);
        Self { of_parent: vec![0], groups, members }
    }

    /// Returns the group of a single parent of all rows, and its members.
    fn all_of_one(rows: &RowSet) -> (Vec<ParentGroup>, Vec<u32>) {
        let all = ParentGroup { members: 0..rows.len(), ..ParentGroup::default() };
        (vec![all], (0..rows.len() as u32).collect())
    }

    /// Groups joined rows: each parent's child is in the same row, unless its key is NULL.
    pub(super) fn joined(rows: &RowSet, key: &[usize]) -> Self {
        let is_there = |index: usize| key.iter().all(|slot| rows.row(index).cell(*slot) != Cell::Null);
        let own = |index| if is_there(index) { index as u32 } else { NO_PARENT };
        Self { of_parent: (0..rows.len()).map(own).collect(), groups: Vec::new(), members: Vec::new() }
    }

    fn group(&self, parent: usize) -> Option<&ParentGroup> {
        self.groups.get(*self.of_parent.get(parent)? as usize)
    }

    /// Returns the rows of parent row `parent`, in list order.
    pub fn members(&self, parent: usize) -> &[u32] {
        match self.of_parent.get(parent..=parent) {
            Some([NO_PARENT | UNREADABLE]) | None => &[],
            Some(own) if self.groups.is_empty() => own,
            Some(_) => self.group(parent).map_or(&[], |group| &self.members[group.members.clone()]),
        }
    }

    /// Returns true if the key of parent row `parent` is unreadable, so that its rows are unknown.
    pub fn has_unreadable_key(&self, parent: usize) -> bool {
        self.of_parent.get(parent) == Some(&UNREADABLE)
    }

    /// Returns true if the list of parent row `parent` has rows before its first member.
    pub fn has_previous(&self, parent: usize) -> bool {
        self.group(parent).is_some_and(|group| group.has_previous)
    }

    /// Returns true if the list of parent row `parent` has rows after its last member.
    pub fn has_next(&self, parent: usize) -> bool {
        self.group(parent).is_some_and(|group| group.has_next)
    }

    /// Marks the lookahead rows among `rows` rows: they only show whether more rows exist, and load no
    /// children.
    pub(super) fn outside(&self, rows: usize) -> Vec<bool> {
        let mut outside = vec![true; rows];
        for group in &self.groups {
            for member in &self.members[group.members.clone()] {
                outside[*member as usize] = false;
            }
        }
        outside
    }
}

impl ParentGroup {
    /// Removes the lookahead row, and reverses a page read from the end.
    fn finish_page(&mut self, page: &Page, members: &mut [u32]) {
        let Page::Keyset { limit, backward, .. } = page else { return };
        let more = limit.is_some_and(|limit| self.members.len() as u64 > limit);
        if more {
            self.members.end -= 1;
        }
        if *backward {
            members[self.members.clone()].reverse();
            self.has_previous |= more;
        } else {
            self.has_next |= more;
        }
    }
}
