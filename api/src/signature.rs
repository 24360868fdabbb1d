//! Webhooks whose callers sign what they send, and Meta's handshake.

mod scheme;

use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use onward_engine::{Endpoint, LoadSecretsError, Scope, find_endpoint, load_secrets};
use onward_workflows::{Signature, SignatureScheme, TriggerKind, WebhookAuth};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

use crate::auth;
use crate::deadline::answered;
use crate::page::Query;
use crate::path::Name;
use crate::problem::{Code, Problem};
use crate::router::Api;

/// How the callers of an endpoint sign, if they do. The version that says so is the one that a run would have.
pub async fn expected(api: &Api, found: Option<&Endpoint>) -> Result<Option<Signature>, Problem> {
    let Some(found) = found else { return Ok(None) };
    let version = api.engine.versions().load(api.engine.pool(), &found.workflow, found.version).await?;
    let trigger = version.definition.triggers.iter().find(|trigger| trigger.id == found.trigger_id);
    Ok(match trigger.map(|trigger| &trigger.kind) {
        Some(TriggerKind::Webhook(webhook)) => match &webhook.auth {
            WebhookAuth::Signature(signature) => Some(signature.clone()),
            WebhookAuth::ApiKey | WebhookAuth::None => None,
        },
        _ => None,
    })
}

/// Refuses what was not signed with the secret, before anybody looks into the body.
pub async fn require(api: &Api, headers: &HeaderMap, body: &[u8], signature: &Signature) -> Result<(), Problem> {
    let secret = load(api, &signature.secret).await?;
    let verdict = scheme::verify(signature, secret.expose_secret(), headers, body, api.engine.clock().now());
    verdict.map_err(|refused| {
        tracing::info!(why = %refused, "a signed request was refused");
        match refused {
            scheme::Refused::Secret => not_ready(),
            scheme::Refused::Missing(_) | scheme::Refused::Wrong | scheme::Refused::Time => {
                Problem::new(Code::SignatureRefused, refused.to_string())
            }
        }
    })
}

/// Meta asks once whether we know the token that was agreed on; the answer is its challenge.
pub async fn handshake(
    State(api): State<Api>,
    Name(endpoint): Name,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let found = answered(&api, find_endpoint(&api.engine, &endpoint)).await?;
    let signature = answered(&api, expected(&api, found.as_deref())).await?;
    let token = signature.filter(|signature| signature.scheme == SignatureScheme::Meta).and_then(|it| it.verify_token);
    let Some(token) = token else {
        // A stranger learns nothing about which endpoints there are.
        auth::require(&api, &headers, Scope::TriggersCreate).await?;
        return Err(Problem::not_found(&format!("handshake at `{endpoint}`")));
    };
    let query = Query::parse(&uri, &["hub.mode", "hub.challenge", "hub.verify_token"])?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], challenge(&api, &token, &query).await?).into_response())
}

/// The challenge to give back, when the token is the one in this secret.
pub async fn challenge(api: &Api, token: &str, query: &Query) -> Result<String, Problem> {
    let expected = answered(api, load(api, token)).await?;
    let given = query.one("hub.verify_token").unwrap_or_default();
    let challenge = query.one("hub.challenge").filter(|_| query.one("hub.mode") == Some("subscribe"));
    match challenge {
        Some(challenge) if is_same(expected.expose_secret(), given) => Ok(challenge.to_owned()),
        _ => Err(Problem::new(Code::HandshakeRefused, "the mode or the token is not the expected one")),
    }
}

/// Takes equally long wherever the two differ, and however long they are.
fn is_same(expected: &str, given: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, expected.as_bytes());
    let tag = hmac::sign(&key, expected.as_bytes());
    hmac::verify(&key, given.as_bytes(), tag.as_ref()).is_ok()
}

async fn load(api: &Api, name: &str) -> Result<SecretString, Problem> {
    let names = [name.to_owned()];
    match load_secrets(&api.engine, &names, &[]).await {
        Ok(mut secrets) => secrets.remove(name).ok_or_else(not_ready),
        Err(LoadSecretsError::Database(error)) => Err(error.into()),
        Err(
            error @ (LoadSecretsError::NotSet(_)
            | LoadSecretsError::NoKey
            | LoadSecretsError::OtherKey(_)
            | LoadSecretsError::Damaged(_)),
        ) => {
            tracing::error!(error = %error, "a webhook's secret cannot be read");
            Err(not_ready())
        }
    }
}

/// Without its secret no request is let through; whose mistake that is, is in the log.
fn not_ready() -> Problem {
    Problem::new(Code::NotReady, "this server cannot read the webhook's secret")
}
