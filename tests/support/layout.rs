//! Layout of SQL in golden files: one clause a line, sub-selects indented. Only white space changes.

/// Columns by which a sub-select is indented.
const STEP: usize = 2;

/// Breaks the statements of a printed plan into clauses.
///
/// # Panics
/// If more than white space would change.
pub fn of_plan(plan: &str) -> String {
    let line = |line: &str| {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        match text.starts_with("SELECT ") {
            true => format!("{}{}\n", " ".repeat(indent), of_statement(text, indent)),
            false => format!("{line}\n"),
        }
    };
    let laid_out: String = plan.lines().map(line).collect();
    assert_eq!(without_white_space(&laid_out), without_white_space(plan), "more than white space changed");
    laid_out
}

fn without_white_space(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

/// Breaks a statement whose first line is indented already.
fn of_statement(sql: &str, indent: usize) -> String {
    let tokens = tokens(sql);
    // The open parentheses; that of a sub-select has the indentation of its clauses.
    let mut open: Vec<Option<usize>> = vec![Some(indent)];
    let mut lines = vec![String::new()];
    let mut indents = vec![indent];
    let break_line = |lines: &mut Vec<String>, indents: &mut Vec<usize>, indent: usize| {
        if let Some(line) = lines.last_mut() {
            line.truncate(line.trim_end().len());
        }
        lines.push(String::new());
        indents.push(indent);
    };
    for (index, token) in tokens.iter().enumerate() {
        let current = *indents.last().unwrap();
        match *token {
            "(" => {
                let is_select = words(&tokens[index + 1..]).next() == Some("SELECT");
                lines.last_mut().unwrap().push('(');
                open.push(is_select.then_some(current + STEP));
                if is_select {
                    break_line(&mut lines, &mut indents, current + STEP);
                }
            }
            ")" => {
                if let Some(Some(inner)) = open.pop() {
                    break_line(&mut lines, &mut indents, inner - STEP);
                }
                lines.last_mut().unwrap().push(')');
            }
            token => {
                if let Some(Some(indent)) = open.last()
                    && begins_clause(&tokens, index)
                    && !lines.last().unwrap().is_empty()
                {
                    break_line(&mut lines, &mut indents, *indent);
                }
                let line = lines.last_mut().unwrap();
                if !(line.is_empty() && token.trim().is_empty()) {
                    line.push_str(token);
                }
            }
        }
    }
    let mut lines = lines.into_iter().zip(indents);
    let first = lines.next().map_or_else(String::new, |(line, _)| line);
    lines.fold(first, |text, (line, indent)| format!("{text}\n{}{line}", " ".repeat(indent)))
}

/// Returns true if a clause begins at this token, outside of parentheses that hold no sub-select.
fn begins_clause(tokens: &[&str], index: usize) -> bool {
    let before = words(&tokens[..index]).next_back();
    let after = words(&tokens[index + 1..]).next();
    match tokens[index] {
        "SELECT" | "WHERE" | "HAVING" | "LIMIT" | "OFFSET" | "UNION" => true,
        "FROM" => before != Some("DISTINCT"),
        "GROUP" | "ORDER" => after == Some("BY"),
        "LEFT" | "INNER" | "CROSS" => after == Some("JOIN"),
        "JOIN" => !matches!(before, Some("LEFT" | "INNER" | "CROSS")),
        _ => false,
    }
}

/// Returns the tokens that are not white space.
fn words<'a>(tokens: &'a [&'a str]) -> impl DoubleEndedIterator<Item = &'a str> {
    tokens.iter().copied().filter(|token| !token.trim().is_empty())
}

/// Cuts a statement into words, runs of white space, quoted text, and single other characters.
fn tokens(sql: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let run = |same: fn(char) -> bool| rest.find(|other| !same(other)).unwrap_or(rest.len());
        let length = match first {
            // A doubled quote inside ends one token and begins the next; together they are the same text.
            '"' | '\'' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            _ if is_word(first) => run(is_word),
            _ if first.is_whitespace() => run(char::is_whitespace),
            _ => first.len_utf8(),
        };
        let (token, further) = rest.split_at(length);
        tokens.push(token);
        rest = further;
    }
    tokens
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Tests the layout of each kind of clause.
pub fn breaks_statements_at_clauses() {
    let plan = "1 statement(s)\nlevel 0: Post [id]\n  SELECT \"t0\".\"id\", (SELECT COUNT(*) FROM \"a FROM (b\") FROM \"posts\" AS \"t0\" LEFT JOIN \"c\" \
                ON \"x\" IS DISTINCT FROM 'WHERE '' (' JOIN (SELECT 1) AS \"d\" WHERE EXISTS(SELECT 1 WHERE COUNT(*) FILTER (WHERE ($1)) \
                UNION ALL (SELECT 2 LIMIT 1)) OVER (  ORDER BY \"y\" ) GROUP BY 1 ORDER BY 1 LIMIT 2 OFFSET 3\n  value 1 is $a\n";
    let expected = "\
1 statement(s)
level 0: Post [id]
  SELECT \"t0\".\"id\", (
    SELECT COUNT(*)
    FROM \"a FROM (b\"
  )
  FROM \"posts\" AS \"t0\"
  LEFT JOIN \"c\" ON \"x\" IS DISTINCT FROM 'WHERE '' ('
  JOIN (
    SELECT 1
  ) AS \"d\"
  WHERE EXISTS(
    SELECT 1
    WHERE COUNT(*) FILTER (WHERE ($1))
    UNION ALL (
      SELECT 2
      LIMIT 1
    )
  ) OVER (  ORDER BY \"y\" )
  GROUP BY 1
  ORDER BY 1
  LIMIT 2
  OFFSET 3
  value 1 is $a
";
    assert_eq!(of_plan(plan), expected);
}
