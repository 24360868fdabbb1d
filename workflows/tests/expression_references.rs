//! The names that an expression reads, with their places.

use onward_workflows::Expression;

fn check(source: &str, expected: &[(&str, &str)]) {
    let expression = Expression::compile(source, 1, 1).unwrap_or_else(|error| panic!("{source}: {error}"));
    let references = expression.references();
    let found: Vec<(String, &str)> =
        references.iter().map(|(segments, range)| (segments.join("|"), &source[range.clone()])).collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(segments, place)| (segments.as_str(), *place)).collect();
    assert_eq!(found, expected, "{source}");
}

#[test]
fn dotted_names_subscripts_and_indices_are_segments() {
    check("steps.fetch.output.id", &[("steps|fetch|output|id", "steps.fetch.output.id")]);
    check("steps['send-update'].output", &[("steps|send-update|output", "steps['send-update'].output")]);
    check("steps[\"a\"]['b c'].d", &[("steps|a|b c|d", "steps[\"a\"]['b c'].d")]);
    check("rows.0.id", &[("rows|0|id", "rows.0.id")]);
    check("rows[0].id", &[("rows|0|id", "rows[0].id")]);
    check("a['it\\'s']", &[("a|it's", "a['it\\'s']")]);
}

#[test]
fn a_computed_subscript_ends_the_reference_and_is_one_itself() {
    check("steps[inputs.which].output", &[("steps", "steps"), ("inputs|which", "inputs.which")]);
    check("rows[1:]", &[("rows", "rows")]);
}

#[test]
fn keywords_filters_tests_functions_and_arguments_are_no_references() {
    check("a.b | default(c) is defined and not d", &[("a|b", "a.b"), ("c", "c"), ("d", "d")]);
    check("now() ~ uuid()", &[]);
    check("[true, none, null, False] | length", &[]);
    check("rows | map(attribute='id') | sort(reverse=flag)", &[("rows", "rows"), ("flag", "flag")]);
    check("a if b is not none else c", &[("a", "a"), ("b", "b"), ("c", "c")]);
    check("'steps.x.output' ~ \"inputs.y\"", &[]);
    check("steps.now.output", &[("steps|now|output", "steps.now.output")]);
    check("steps.is.not.if", &[("steps|is|not|if", "steps.is.not.if")]);
    check("x is divisibleby limits.n", &[("x", "x"), ("limits|n", "limits.n")]);
}

#[test]
fn a_hyphen_is_a_subtraction() {
    check("steps.send-update.output", &[("steps|send", "steps.send"), ("update|output", "update.output")]);
}

#[test]
fn multiplication_does_not_move_the_places() {
    check("a.x * b.y * c", &[("a|x", "a.x"), ("b|y", "b.y"), ("c", "c")]);
}
