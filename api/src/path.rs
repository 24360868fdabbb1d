//! The variable part of a path, as text that can be looked up.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::problem::{Code, Problem};

/// The one parameter of the route. What no name can be (not UTF-8, or with a NUL in it) is a name of nothing.
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parameters = RawPathParams::from_request_parts(parts, state).await;
        let parameters = parameters.map_err(|_| Problem::not_found("such path"))?;
        let (_, name) =
            parameters.iter().next().ok_or_else(|| Problem::new(Code::Internal, "the route has no parameter"))?;
        if name.contains('\0') {
            return Err(Problem::not_found("such path"));
        }
        Ok(Self(name.to_owned()))
    }
}
