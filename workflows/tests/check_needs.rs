//! `needs`: defaults, names, circles.

#[path = "kit/checking.rs"]
mod checking;

use checking::{checked, found};

fn document(needs: &[&str]) -> String {
    let steps: String = needs
        .iter()
        .zip('a'..)
        .map(|(needs, id)| match *needs {
            "" => format!("- {{ id: {id}, type: return }}\n"),
            needs => format!("- {{ id: {id}, needs: {needs}, type: return }}\n"),
        })
        .collect();
    format!("version: 1\nname: a\nsteps:\n{steps}")
}

fn check(needs: &[&str], expected: &[&[usize]]) {
    let definition = checked(&document(needs)).definition.expect("the document is right");
    let found: Vec<&[usize]> = definition.steps.iter().map(|step| step.needs.as_slice()).collect();
    assert_eq!(found, expected, "{needs:?}");
}

fn check_errors(needs: &[&str], expected: &[&str]) {
    assert_eq!(found(&document(needs)), expected, "{needs:?}");
}

#[test]
fn without_needs_a_step_waits_for_all_above() {
    check(&["", "", ""], &[&[], &[0], &[1]]);
    check(&["[]", "[]", ""], &[&[], &[], &[0, 1]]);
    check(&["[]", "[]", "[a]", ""], &[&[], &[], &[0], &[1, 2]]);
}

#[test]
fn written_needs_stay_as_they_are() {
    check(&["", "[a]", "[b, a, a]"], &[&[], &[0], &[0, 1]]);
}

#[test]
fn needs_name_steps_above_in_the_same_list() {
    check_errors(&["[b]", "[]"], &["E106 4:20"]);
    check_errors(&["[a]"], &["E106 4:20"]);
    check_errors(&["[x]"], &["E107 4:20"]);
    check_errors(&["", "b"], &["E105 5:19"]);
    check_errors(&["", "[1]"], &["E105 5:20"]);
}

#[test]
fn a_circle_is_reported_once() {
    check_errors(&["[c]", "[a]", "[b]"], &["E106 4:20"]);
    check_errors(&["[b]", ""], &["E106 4:20"]);
    check_errors(&["[b]", "[a]", "[d]", "[c]"], &["E106 4:20", "E106 6:20"]);
}

#[test]
fn the_circle_names_its_steps_in_order() {
    let checked = checked(&document(&["[c]", "[a]", "[b]"]));
    assert_eq!(checked.diagnostics[0].message, "these steps wait for each other: `a` → `c` → `b` → `a`");
    assert_eq!(checked.diagnostics[0].path, "/steps/0/needs");
}

#[test]
fn handlers_do_not_wait_for_steps() {
    let text =
        "version: 1\nname: a\nsteps: [{ id: a, type: return }]\non_error: [{ id: b, needs: [a], type: value }]\n";
    assert_eq!(found(text), ["E107 4:29"]);
}

#[test]
fn a_step_waits_through_the_steps_it_needs() {
    let text = "version: 1\nname: a\nsteps:\n- { id: a, type: return }\n- { id: b, needs: [a], type: return }\n\
                - { id: c, needs: [b], type: value, config: '{{ steps.a.output }}' }\n";
    assert_eq!(found(text), [""; 0]);
}

#[test]
fn the_fix_for_a_race_can_be_applied() {
    for (needs, fixed) in [("[]", "[\"a\"]"), ("[b]", "[b, \"a\"]"), ("[ b ]", "[ b, \"a\" ]")] {
        let text = format!(
            "version: 1\nname: a\nsteps:\n- {{ id: a, needs: [], type: return }}\n- {{ id: b, needs: [], type: return }}\n\
             - {{ id: c, needs: {needs}, type: value, config: '{{{{ steps.a.output }}}}' }}\n"
        );
        let checked = checked(&text);
        let edit = &checked.diagnostics[0].fixes[0].edits[0];
        let (start, end) = (edit.range.start.offset as usize, edit.range.end.offset as usize);
        let repaired = format!("{}{}{}", &text[..start], edit.text, &text[end..]);
        assert!(repaired.contains(fixed), "{repaired}");
        assert_eq!(found(&repaired), [""; 0]);
    }
}
