//! What a document looks like once it is laid out.

use onward_workflows::{Format, Source, format};

fn json(text: &str) -> String {
    laid_out(text, Format::Json)
}

fn yaml(text: &str) -> String {
    laid_out(text, Format::Yaml)
}

fn laid_out(text: &str, in_format: Format) -> String {
    format(&Source::new("w", text, in_format)).unwrap_or_else(|findings| panic!("{text}: {findings:?}"))
}

/// The codes and places of what stands in the way.
fn refused(text: &str, in_format: Format) -> Vec<String> {
    let findings = format(&Source::new("w", text, in_format)).expect_err("this is not laid out");
    let place = |found: &onward_workflows::Diagnostic| (found.range.start.line, found.range.start.column);
    findings.iter().map(|found| format!("{} {:?}", found.code, place(found))).collect()
}

#[test]
fn rough_documents_become_readable() {
    insta::assert_snapshot!("rough_json", json(include_str!("layout/rough.json")));
    insta::assert_snapshot!("rough_yaml", yaml(include_str!("layout/rough.yaml")));
}

#[test]
fn what_stood_on_one_line_stays_there_while_it_fits() {
    assert_eq!(json("{\"a\":[1,2 , {\"b\":3 ,}]}"), "{ \"a\": [1, 2, { \"b\": 3 }] }\n");
    assert_eq!(json("{\n\"a\":[ 1,2]}"), "{\n  \"a\": [1, 2]\n}\n");
    assert_eq!(yaml("{a: [1,2] , b: {} }"), "{ a: [1, 2], b: {} }\n");
    assert_eq!(yaml("a: [1,\n 2]\nb: {c: 1}"), "a:\n  - 1\n  - 2\nb: { c: 1 }\n");
    let word = "w".repeat(90);
    assert_eq!(json(&format!("[[\"{word}\"]]")), format!("[[\"{word}\"]]\n"));
    assert_eq!(json(&format!("[[\"{word}\"], 10000]")), format!("[\n  [\"{word}\"],\n  10000\n]\n"));
    assert_eq!(yaml(&format!("a: [{word}, 1]")), format!("a: [{word}, 1]\n"));
    assert_eq!(yaml(&format!("a: [{word}, 1000]")), format!("a:\n  - {word}\n  - 1000\n"));
}

#[test]
fn strings_have_quotes_where_they_need_them() {
    let quoted =
        "a: 'word'\nb: \"some words\"\nc: 'yes'\nd: '012'\ne: \"5s\"\nf: '{{ x }}'\n'g': 'say \"x\"'\nh: it's\n";
    let expected =
        "a: word\nb: some words\nc: \"yes\"\nd: \"012\"\ne: \"5s\"\nf: \"{{ x }}\"\ng: 'say \"x\"'\nh: it's\n";
    assert_eq!(yaml(quoted), expected);
    assert_eq!(json("[\"a\tb\"]"), "[\"a\\tb\"]\n", "control characters are escaped");
}

#[test]
fn scalars_of_several_lines_keep_their_lines() {
    assert_eq!(yaml("a: one\n      two\n\n      three # c\n"), "a: one\n  two\n\n  three # c\n");
    assert_eq!(yaml("- \"one \\\n     two\"\n"), "- \"one \\\n  two\"\n");
    assert_eq!(yaml("a: |-   # c\n        x\n         y\n\n\nb: 1"), "a: |- # c\n  x\n   y\n\nb: 1\n");
    assert_eq!(yaml("a: >1\n   x\nb: 1"), "a: >2\n    x\nb: 1\n");
    assert_eq!(yaml("a:\n    - |+\n      x\n\n    - y\n"), "a:\n  - |+\n    x\n\n  - y\n");
    assert_eq!(yaml("a: |\n\n"), "a: \"\"\n");
}

#[test]
fn a_key_stands_on_one_line() {
    assert_eq!(yaml("? \"a:\n  b\"\n: 1\n? |\n  c\n: 2"), "\"a: b\": 1\n\"c\\n\": 2\n");
    assert_eq!(yaml("{a\n b: 1}"), "a b: 1\n");
}

#[test]
fn anchors_aliases_and_merges_stay() {
    let text = "base: &b {c: 1}\nx:\n      <<: *b\n      d: &t 'a b'\ny: [*b, &n 1, *n, *t]\nz: !!str 5\n";
    let expected = "base: &b { c: 1 }\nx:\n  <<: *b\n  d: &t a b\ny: [*b, &n 1, *n, *t]\nz: !!str 5\n";
    assert_eq!(yaml(text), expected);
    assert_eq!(yaml("a:\n- &x\n  b: 1\n- *x\n"), "a:\n  - &x\n    b: 1\n  - *x\n");
}

#[test]
fn empty_lines_between_items_are_kept_one_at_most() {
    assert_eq!(yaml("\n\na: 1\n\n\n\nb:\n\n  - 1\n\n  - 2\n\n\n"), "a: 1\n\nb:\n  - 1\n\n  - 2\n");
    assert_eq!(json("{\n\n\"a\": 1,\n\n\n\"b\": 2\n\n}\n\n"), "{\n  \"a\": 1,\n\n  \"b\": 2\n}\n");
}

#[test]
fn comments_stay_with_their_values() {
    assert_eq!(json("[1 // one\n, /* two */ 2\n]"), "[\n  1, // one\n  /* two */\n  2\n]\n");
    assert_eq!(json("{\"a\": // why\n 1}"), "{\n  // why\n  \"a\": 1\n}\n");
    assert_eq!(yaml("a: # why\n  1\nb: # list\n- 1 # one\n# end\n"), "# why\na: 1\nb: # list\n  - 1 # one\n# end\n");
    let text = "s:\n- a: 1\n  # in a\n# in s or below\n- b: 2\n\n# of t\nt: 1\n";
    let expected = "s:\n  - a: 1\n    # in a\n  # in s or below\n  - b: 2\n\n# of t\nt: 1\n";
    assert_eq!(yaml(text), expected);
}

#[test]
fn what_cannot_be_read_or_kept_is_refused() {
    assert_eq!(refused("{ \"a\": 1 \"b\": 2 }", Format::Json), ["E001 (1, 9)"]);
    assert_eq!(refused("a: 1\na: 2\nb: 012", Format::Yaml), ["E003 (2, 1)", "E005 (3, 4)"]);
    assert_eq!(refused("%YAML 1.2\n---\na: 1", Format::Yaml), ["E008 (1, 1)"]);
    let long = "k".repeat(1100);
    assert_eq!(refused(&format!("? \"{long}:\"\n: 1"), Format::Yaml), ["E008 (1, 1)"], "only `?` allows such a key");
}

#[test]
fn what_would_become_too_large_is_refused() {
    let text = format!("[{}1]", "[1],".repeat(60_000));
    let findings = format(&Source::new("w", text, Format::Json)).expect_err("this is too large");
    assert_eq!(findings[0].message, "the document has more than 50000 values");
    let text = format!("{{\"a\": [{}1]}}", "1,".repeat(45_000));
    let findings = format(&Source::new("w", text, Format::Json)).expect_err("this is too large");
    assert_eq!(findings[0].message, "laid out, this document would be larger than 256 KiB");
}

#[test]
fn a_long_run_of_comments_is_no_obstacle() {
    let comments = "# remark\n".repeat(500);
    let text = format!("{comments}a:\n{comments}  - 1\n{comments}");
    assert_eq!(yaml(&text).matches("# remark").count(), 1500);
}
