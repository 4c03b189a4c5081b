//! Features by which databases differ outside their SQL. Other parts of the code ask for a feature, never for a database's name.

/// Features of a database.
#[derive(Debug)]
pub struct Features {
    /// Name of the database in telemetry, as OpenTelemetry's attribute `db.system.name` has it.
    pub telemetry_name: &'static str,
    /// True if transactions write side by side and lock rows. Otherwise one transaction writes at a time, and needs no lock.
    pub locks_rows: bool,
    /// True if a column holds values of its type alone, so that they are readable.
    pub checks_column_types: bool,
    /// True if a common table expression may write.
    pub has_writing_expressions: bool,
    /// True if a sub-select in FROM may refer to the tables before it (`LATERAL`).
    pub has_lateral: bool,
    /// True if a statement with a LIMIT as parameter is planned at each execution.
    pub replans_parameterized_limits: bool,
    /// Number of items that the planner assumes of a list that it does not know. A plan for fewer looks cheaper, so the database
    /// plans a comparison with them at each execution.
    pub assumed_items: Option<usize>,
    /// True if the planner reads the tables of a filter's `EXISTS` once, into a hash, if no index leads to their rows. Otherwise it
    /// reads them for each row.
    pub hashes_exists: bool,
    /// True if a filter's `EXISTS` may become a join whose rows OFFSET counts, a row once per partner.
    pub offset_counts_partners: bool,
    /// Keyword for a column's default beside other values in VALUES.
    pub default_keyword: Option<&'static str>,
    /// True if the database numbers keys up to 64 bits, whatever the type of their column.
    pub numbers_beyond_type: bool,
    /// Joins that replace `EXISTS` in filters over to-one relations.
    pub filter_joins: FilterJoins,
    /// Index that finds a part of one parent's list.
    pub part_index: PartIndex,
    /// True if a limit in a sub-select makes the database join fewer rows.
    pub limits_before_joins: bool,
    /// Contents of a refusal by a constraint.
    pub refusal: RefusalForm,
    /// Limits of a statement.
    pub limits: StatementLimits,
}

/// Joins that replace `EXISTS` in filters over to-one relations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterJoins {
    /// All relations, of a whole list at the root: the join may then start at either end.
    WholeLists,
    /// Relations whose rows the statement joins anyway: a table that appears once is planned faster than twice.
    LoadedRelations,
}

/// Index that finds a part of one parent's list faster than a sort of all lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartIndex {
    /// Index of the key: the found rows are sorted if necessary.
    Key,
    /// Index of the key and the order. With less, the planner could scan an index of the order alone, in the hope of meeting the
    /// parent's rows soon.
    KeyAndOrder,
}

/// Contents of a refusal by a constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalForm {
    /// The message names columns, and nothing for a foreign key.
    Columns,
    /// The name of the constraint, whose columns the database's catalog has.
    Constraint,
}

/// Maximum sizes of a statement.
#[derive(Clone, Copy, Debug)]
pub struct StatementLimits {
    /// Nesting levels of expressions.
    pub depth: u64,
    /// Tables in one FROM.
    pub tables: u64,
    /// Bind parameters.
    pub parameters: u64,
    /// Columns selected or ordered by.
    pub columns: u64,
    /// Bytes of a pattern.
    pub pattern_bytes: u64,
}
