//! One expression, without a server.

use crate::place::Place;

#[tokio::test]
async fn an_expression_reads_data_and_inputs() {
    let place = Place::new(vec![]);
    place.write("data.yaml", "inputs: { name: Noa, n: 1 }\nsteps: { rows: { output: [1, 2] } }\n");
    let ask = async |arguments: &[&str]| place.ask(&[&["eval"], arguments].concat()).await;
    assert_eq!(ask(&["steps.rows.output | length + inputs.n", "--data", "data.yaml", "-i", "n=40"]).await, "42\n");
    assert_eq!(ask(&["Hello {{ inputs.name }}", "--data", "data.yaml"]).await, "Hello Noa\n");
    assert_eq!(ask(&["Hello {{ inputs.name }}", "--input", "name=Dan", "--json"]).await, "\"Hello Dan\"\n");
    assert_eq!(ask(&["[inputs.name]", "-i", "name=Dan"]).await, "[\"Dan\"]\n");
}

#[tokio::test]
async fn a_mistake_has_a_caret_and_a_code() {
    let place = Place::new(vec![]);
    let output = place.run(&["eval", "Hello {{ inputs.nane }}", "-i", "name=Noa"]).await;
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("`inputs.nane` does not exist\n") && text.contains("^^^^^^^^^^^ no `nane` here"), "{text}");
    let output = place.run(&["eval", "--json", "1 +"]).await;
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("an object");
    assert_eq!((output.status.code(), &found["code"]), (Some(1), &serde_json::json!("E121")));
    place.write("list.json", "[1]");
    assert_eq!(place.run(&["eval", "1", "--data", "list.json"]).await.status.code(), Some(2));
    assert_eq!(place.run(&["eval", "1", "--data", "none.json"]).await.status.code(), Some(4));
}
