//! Sources that are not expressions, and the place and words with which they are refused.

use onward_workflows::Expression;

fn check(source: &str, place: &str, message: &str) {
    let error = Expression::compile(source, 1, 1).expect_err(source);
    assert_eq!((&source[error.range.clone()], error.message.as_str()), (place, message), "{source}");
}

#[test]
fn spellings_of_other_languages_get_the_one_to_write() {
    check("a && b", "&&", "write `and` instead of `&&`");
    check("a || b", "||", "write `or` instead of `||`");
    check("!a", "!", "write `not` instead of `!`");
    check("a === b", "===", "write `==` instead of `===`");
    check("a !== b", "!==", "write `!=` instead of `!==`");
    check("a = b", "=", "write `==` instead of `=` to compare");
    assert!(Expression::compile("rows | map(attribute='id')", 1, 1).is_ok());
    check("a ? b : c", "?", "write `a if condition else b` instead of `condition ? a : b`");
    check("{{ a }}", "{{", "the braces are already around the expression; write it without a second pair");
    check("a }}", "}}", "`}}` ends an expression, and this one goes on or is over already");
    check("a $ b", "$", "`$` means nothing in an expression");
    check("größe", "ö", "names are made of a-z, A-Z, 0-9 and `_`; write other keys as `['…']`");
}

#[test]
fn only_expressions_are_taken() {
    check("{% if a %}", "{%", "blocks (`{% %}`) have no place in a value; only expressions do");
    check("{# a #}", "{#", "comments (`{# #}`) have no place in an expression");
    check("", "", "an expression is missing here");
    check("  ", "  ", "an expression is missing here");
    check("a ~ 'b", "'b", "this text has no closing quote");
    let long = "a".repeat(4_097);
    check(&long, &long, "an expression has at most 4096 bytes");
    assert!(Expression::compile(&"a".repeat(4_096), 1, 1).is_ok());
}

#[test]
fn unknown_words_get_the_nearest_one() {
    check("a | uper", "uper", "there is no filter `uper`; did you mean `upper`?");
    check("a is defned", "defned", "there is no test `defned`; did you mean `defined`?");
    check("noww()", "noww", "there is no function `noww`; did you mean `now`?");
    check("xyz(1)", "xyz", "there is no function `xyz`; there are dict, now, range, uuid");
    for source in ["debug()", "namespace()", "a | safe", "a | __factor", "a | __ordered(1)", "a | pprint", "a | escape"]
    {
        assert!(Expression::compile(source, 1, 1).is_err(), "{source}");
    }
}

#[test]
fn syntax_errors_have_a_place() {
    for (source, place) in [("a +", ""), ("a b", "b"), ("(a", ""), ("a.", ""), ("2 * 3 b", "b"), ("[1, 2", "")] {
        let error = Expression::compile(source, 1, 1).expect_err(source);
        let found = &source[error.range.clone()];
        assert!(found == place || (place.is_empty() && error.range.end == source.len()), "{source}: {found:?}");
        assert!(!error.message.is_empty());
    }
}

#[test]
fn a_literal_text_as_a_factor_is_refused_before_anything_runs() {
    check("'-' * 20", "'-'", "`*` multiplies numbers only, and this is text");
    check("20 * '-'", "'-'", "`*` multiplies numbers only, and this is text");
}
