//! What becomes of secrets: sealed, replaced, and opened by nobody without the key.

use onward_engine::{
    DeployError, DeployOptions, Expect, LoadSecretsError, SecretsKey, SetSecret, SetSecretError, UnsetSecretError,
    deploy, list_secrets, list_unset_secrets, load_secrets, set_secret, unset_secret,
};
use onward_workflows::Source;
use secrecy::{ExposeSecret, SecretString};

use crate::bed::Bed;

const CANARY: &str = "canary-\u{5d0}-0123456789";

async fn bed(key: Option<u8>) -> Bed {
    let mut bed = Bed::new().await;
    bed.engine = bed.engine.clone().with_secrets_key(key.map(|byte| SecretsKey::new(&[byte; 32])));
    bed
}

async fn set(bed: &Bed, name: &str, value: &str) -> Result<(), SetSecretError> {
    let set = SetSecret { name: name.to_owned(), value: SecretString::from(value), by: "test".to_owned() };
    set_secret(&bed.engine, set).await.map(drop)
}

async fn load(bed: &Bed, name: &str) -> Result<String, LoadSecretsError> {
    let values = load_secrets(&bed.engine, &[name.to_owned()], &[]).await?;
    Ok(values[name].expose_secret().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_read_back_and_stands_in_no_row() {
    let bed = bed(Some(1)).await;
    set(&bed, "TOKEN", CANARY).await.unwrap();
    assert_eq!(load(&bed, "TOKEN").await.unwrap(), CANARY);
    let row: Vec<u8> =
        sqlx::query_scalar("select sealed from onward.secret").fetch_one(bed.engine.pool()).await.unwrap();
    assert!(!row.windows(6).any(|part| part == b"canary"));
    assert!(!format!("{:?} {:?}", list_secrets(&bed.engine).await.unwrap(), bed.engine).contains("canary"));

    set(&bed, "TOKEN", "another").await.unwrap();
    assert_eq!(load(&bed, "TOKEN").await.unwrap(), "another", "this process forgets the old value at once");
    let listed = list_secrets(&bed.engine).await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str(), listed[0].readable), (1, "TOKEN", true));
    assert!(matches!(load(&bed, "OTHER").await, Err(LoadSecretsError::NotSet(name)) if name == "OTHER"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_key_nothing_is_opened_and_the_error_says_what_to_do() {
    let with_key = bed(Some(1)).await;
    set(&with_key, "TOKEN", CANARY).await.unwrap();
    let again = |key: Option<u8>| {
        let engine = with_key.engine.clone().with_secrets_key(key.map(|byte| SecretsKey::new(&[byte; 32])));
        async move { load_secrets(&engine, &["TOKEN".to_owned()], &[]).await.unwrap_err().to_string() }
    };
    assert!(again(None).await.contains("openssl rand -base64 32"));
    assert!(again(Some(2)).await.contains("`TOKEN` was sealed with another key"));
    // What stands under another name does not open under it.
    set(&with_key, "OTHER", "other").await.unwrap();
    let swap = "update onward.secret set sealed = (select sealed from onward.secret where name = 'OTHER')";
    sqlx::query(swap).execute(with_key.engine.pool()).await.unwrap();
    assert!(again(Some(1)).await.contains("`TOKEN` cannot be opened"));

    let without = bed(None).await;
    assert!(matches!(set(&without, "TOKEN", "x").await, Err(SetSecretError::NoKey)));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_values_and_their_number_have_limits() {
    let bed = bed(Some(1)).await;
    assert!(matches!(set(&bed, "not-a-name", "x").await, Err(SetSecretError::Name)));
    for value in ["", "a\0b", &"x".repeat(64 * 1024 + 1)] {
        assert!(matches!(set(&bed, "TOKEN", value).await, Err(SetSecretError::Value)), "{}", value.len());
    }
    set(&bed, "TOKEN", &"x".repeat(64 * 1024)).await.unwrap();
    let fill = "insert into onward.secret (name, sealed, key_id, updated_by)
        select 'S' || n, decode(repeat('00', 29), 'hex'), '', '' from generate_series(1, 999) n";
    sqlx::query(fill).execute(bed.engine.pool()).await.unwrap();
    assert!(matches!(set(&bed, "ANOTHER", "x").await, Err(SetSecretError::TooMany)));
    set(&bed, "TOKEN", "replaced").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_an_active_workflow_declares_stays() {
    let bed = bed(Some(1)).await;
    assert!(matches!(unset_secret(&bed.engine, "TOKEN").await, Err(UnsetSecretError::NotFound(_))));
    set(&bed, "TOKEN", CANARY).await.unwrap();
    let document = "version: 1\nname: uses\nsecrets: [TOKEN]\nsteps:\n  - {id: a, type: value, config: {x: 1}}\n";
    bed.deploy(document).await;
    assert_eq!(list_secrets(&bed.engine).await.unwrap()[0].used_by, ["uses"]);
    let Err(UnsetSecretError::InUse { used_by, .. }) = unset_secret(&bed.engine, "TOKEN").await else { panic!() };
    assert_eq!(used_by, ["uses"]);

    sqlx::query("delete from onward.secret").execute(bed.engine.pool()).await.unwrap();
    let unset = list_unset_secrets(&bed.engine).await.unwrap();
    assert_eq!((unset[0].name.as_str(), &unset[0].workflows[..]), ("TOKEN", &["uses".to_owned()][..]));

    set(&bed, "TOKEN", CANARY).await.unwrap();
    bed.deploy(&document.replace("steps:", "enabled: false\nsteps:")).await;
    unset_secret(&bed.engine, "TOKEN").await.unwrap();
    assert!(list_secrets(&bed.engine).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_tells_which_secrets_and_workflows_are_not_there() {
    let bed = bed(Some(1)).await;
    let parent = "version: 1\nname: parent\nsecrets: [TOKEN, OTHER]\nsteps:\n  - {id: a, type: call, config: {workflow: child, input: {orders: 1}}}\n";
    let child =
        "version: 1\nname: child\ninputs: {order: {type: integer}}\nsteps:\n  - {id: a, type: value, config: {x: 1}}\n";
    let deploy = async |documents: &[&str], prune: bool| {
        let options = DeployOptions { dry_run: true, prune, by: "test".to_owned(), expect: Expect::Anything };
        let sources = documents.iter().map(|text| Source::from_file("test.yaml", *text)).collect();
        match deploy(&bed.engine, sources, &options).await {
            Ok(deployed) => Ok(deployed.secrets),
            Err(DeployError::Invalid { diagnostics, .. }) => Err(diagnostics
                .into_iter()
                .map(|found| format!("{} {}", found.code, found.message))
                .collect::<Vec<_>>()),
            Err(error) => panic!("{error:?}"),
        }
    };
    let missing = ["TOKEN", "OTHER"].map(|name| format!("E202 the secret `{name}` is not set on this server"));
    let [token, other] = missing;
    let unknown = "E201 there is no workflow `child`".to_owned();
    assert_eq!(deploy(&[parent], false).await.unwrap_err(), [token, other.clone(), unknown.clone()]);

    set(&bed, "TOKEN", CANARY).await.unwrap();
    let input = "E201 `child` has no input `orders`".to_owned();
    let left_out = "E201 the call of `child` leaves out `order`".to_owned();
    assert_eq!(deploy(&[parent, child], false).await.unwrap_err(), [other, left_out.clone(), input.clone()]);
    set(&bed, "OTHER", CANARY).await.unwrap();
    bed.deploy(child).await;
    assert_eq!(deploy(&[parent], false).await.unwrap_err(), [left_out, input]);
    let right = parent.replace("orders", "order");
    assert_eq!(deploy(&[&right], true).await.unwrap_err(), [unknown], "the deploy itself would switch it off");
    assert_eq!(deploy(&[&right], false).await.unwrap(), ["OTHER", "TOKEN"]);
}
