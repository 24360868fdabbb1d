//! As much of Airtable's formula language as look-ups use; the rest is refused as Airtable refuses what it cannot read.

use serde_json::{Map, Value};

/// A record as a formula sees it.
pub(super) struct Record<'a> {
    pub id: &'a str,
    pub fields: &'a Map<String, Value>,
    /// Names that the table has: an empty cell is not there, a field that does not exist is a mistake.
    pub known: &'a [String],
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Text(String),
    Number(f64),
    Field(String),
    Call(String, Vec<Term>),
    Binary(&'static str, Box<Term>, Box<Term>),
}

#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Empty,
    Text(String),
    Number(f64),
    Truth(bool),
}

/// `None`: it is not a formula.
pub(super) fn holds(formula: &str, record: &Record<'_>) -> Option<bool> {
    let mut parser = Parser { rest: formula };
    let term = parser.comparison()?;
    parser.skip();
    if !parser.rest.is_empty() {
        return None;
    }
    Some(truth(&value(&term, record)?))
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, word: &str) -> bool {
        self.skip();
        let Some(rest) = self.rest.strip_prefix(word) else { return false };
        self.rest = rest;
        true
    }

    fn comparison(&mut self) -> Option<Term> {
        let left = self.joined()?;
        for operator in ["!=", "<=", ">=", "=", "<", ">"] {
            if self.take(operator) {
                return Some(Term::Binary(operator, Box::new(left), Box::new(self.joined()?)));
            }
        }
        Some(left)
    }

    fn joined(&mut self) -> Option<Term> {
        let mut left = self.primary()?;
        while self.take("&") {
            left = Term::Binary("&", Box::new(left), Box::new(self.primary()?));
        }
        Some(left)
    }

    fn primary(&mut self) -> Option<Term> {
        self.skip();
        let first = self.rest.chars().next()?;
        match first {
            '\'' | '"' => self.quoted(first, first).map(Term::Text),
            '{' => self.quoted('{', '}').map(Term::Field),
            '(' => {
                self.take("(");
                let inner = self.comparison()?;
                self.take(")").then_some(inner)
            }
            '0'..='9' | '-' => {
                let end = self.rest[1..].find(|letter: char| !letter.is_ascii_digit() && letter != '.');
                let (number, rest) = self.rest.split_at(end.map_or(self.rest.len(), |end| end + 1));
                self.rest = rest;
                number.parse().ok().map(Term::Number)
            }
            _ => self.call(),
        }
    }

    fn quoted(&mut self, open: char, close: char) -> Option<String> {
        let mut text = String::new();
        let mut letters = self.rest[open.len_utf8()..].char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => text.push(letters.next()?.1),
                letter if letter == close => {
                    self.rest = &self.rest[open.len_utf8() + at + close.len_utf8()..];
                    return Some(text);
                }
                letter => text.push(letter),
            }
        }
        None
    }

    fn call(&mut self) -> Option<Term> {
        let end = self.rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')?;
        let (name, rest) = self.rest.split_at(end);
        let name = name.to_ascii_uppercase();
        self.rest = rest;
        if name.is_empty() || !self.take("(") {
            return None;
        }
        let mut arguments = Vec::new();
        if !self.take(")") {
            loop {
                arguments.push(self.comparison()?);
                if self.take(")") {
                    break;
                }
                if !self.take(",") {
                    return None;
                }
            }
        }
        Some(Term::Call(name, arguments))
    }
}

fn value(term: &Term, record: &Record<'_>) -> Option<Cell> {
    Some(match term {
        Term::Text(text) => Cell::Text(text.clone()),
        Term::Number(number) => Cell::Number(*number),
        Term::Field(name) => {
            if !record.known.contains(name) {
                return None;
            }
            cell(record.fields.get(name))
        }
        Term::Binary("&", left, right) => Cell::Text(text(&value(left, record)?) + &text(&value(right, record)?)),
        Term::Binary(operator, left, right) => {
            Cell::Truth(compare(operator, &value(left, record)?, &value(right, record)?))
        }
        Term::Call(name, arguments) => {
            let arguments = arguments.iter().map(|term| value(term, record)).collect::<Option<Vec<_>>>()?;
            called(name, &arguments, record)?
        }
    })
}

fn called(name: &str, arguments: &[Cell], record: &Record<'_>) -> Option<Cell> {
    Some(match (name, arguments) {
        ("AND", all) => Cell::Truth(all.iter().all(truth)),
        ("OR", any) => Cell::Truth(any.iter().any(truth)),
        ("NOT", [one]) => Cell::Truth(!truth(one)),
        ("TRUE", []) => Cell::Truth(true),
        ("FALSE", []) => Cell::Truth(false),
        ("BLANK", []) => Cell::Empty,
        ("LOWER", [one]) => Cell::Text(text(one).to_lowercase()),
        ("UPPER", [one]) => Cell::Text(text(one).to_uppercase()),
        ("TRIM", [one]) => Cell::Text(text(one).trim().to_owned()),
        ("RECORD_ID", []) => Cell::Text(record.id.to_owned()),
        ("FIND", [what, within]) => position(&text(what), &text(within)),
        ("SEARCH", [what, within]) => position(&text(what).to_lowercase(), &text(within).to_lowercase()),
        // Lists are joined already when they are read.
        ("ARRAYJOIN", [list, ..]) => Cell::Text(text(list)),
        _ => return None,
    })
}

fn position(what: &str, within: &str) -> Cell {
    within.find(what).map_or(Cell::Number(0.0), |at| {
        let place = u32::try_from(within[..at].chars().count() + 1).unwrap_or(u32::MAX);
        Cell::Number(f64::from(place))
    })
}

fn cell(value: Option<&Value>) -> Cell {
    match value {
        None | Some(Value::Null) => Cell::Empty,
        Some(Value::Bool(truth)) => Cell::Truth(*truth),
        Some(Value::Number(number)) => Cell::Number(number.as_f64().unwrap_or_default()),
        Some(Value::String(text)) => Cell::Text(text.clone()),
        Some(Value::Array(items)) => {
            Cell::Text(items.iter().map(|item| text(&cell(Some(item)))).collect::<Vec<_>>().join(","))
        }
        Some(Value::Object(_)) => Cell::Text(String::new()),
    }
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
        Cell::Truth(truth) => i32::from(*truth).to_string(),
    }
}

fn truth(cell: &Cell) -> bool {
    match cell {
        Cell::Empty => false,
        Cell::Text(text) => !text.is_empty(),
        Cell::Number(number) => *number != 0.0,
        Cell::Truth(truth) => *truth,
    }
}

fn compare(operator: &str, left: &Cell, right: &Cell) -> bool {
    let order = match (left, right) {
        (Cell::Number(left), Cell::Number(right)) => left.partial_cmp(right),
        (Cell::Truth(_) | Cell::Empty, _) | (_, Cell::Truth(_) | Cell::Empty) if truth(left) == truth(right) => {
            Some(std::cmp::Ordering::Equal)
        }
        _ => Some(text(left).cmp(&text(right))),
    };
    let Some(order) = order else { return false };
    match operator {
        "=" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(formula: &str, expected: Option<bool>) {
        let fields = json!({ "Email": "Dana@X.test", "Paid": true, "Sum": 12.5, "A}b": "o'br\\", "Codes": ["x", "y"] });
        let known = ["Email", "Paid", "Sum", "A}b", "Codes", "Empty"].map(str::to_owned);
        let record = Record { id: "rec1", fields: fields.as_object().unwrap(), known: &known };
        assert_eq!(holds(formula, &record), expected, "{formula}");
    }

    #[test]
    fn formulas_of_look_ups_are_understood() {
        check("LOWER(TRIM({Email}&''))='dana@x.test'", Some(true));
        check("LOWER({Email}) = \"DANA@x.test\"", Some(false));
        check(r"{A\}b}='o\'br\\'", Some(true));
        check("OR(RECORD_ID()='rec2',RECORD_ID()='rec1')", Some(true));
        check("AND({Paid}=TRUE(), NOT({Empty}), {Sum}>12)", Some(true));
        check("{Sum}&''='12.5'", Some(true));
        check("FIND(',y,', ','&ARRAYJOIN({Codes},',')&',')", Some(true));
        check("SEARCH('DANA', {Email})", Some(true));
        check("{Empty}=FALSE()", Some(true));
    }

    #[test]
    fn what_airtable_cannot_read_is_refused() {
        for formula in ["", "{Nope}='1'", "LOWER(", "'a", "FOO()", "{Email}='a' garbage", "{Email"] {
            check(formula, None);
        }
    }
}
