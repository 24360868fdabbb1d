//! The variable part of a path, as text that can be looked up.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::problem::{Code, Problem};

/// The one parameter of the route. What no name can be (not UTF-8, or with a NUL in it) is a name of nothing.
pub struct Name(pub String);

/// Several of them, in the order of the route.
pub struct Names<const N: usize>(pub [String; N]);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Names([name]) = Names::from_request_parts(parts, state).await?;
        Ok(Self(name))
    }
}

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Names<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let parameters = RawPathParams::from_request_parts(parts, state).await;
        let parameters = parameters.map_err(|_| Problem::not_found("such path"))?;
        let names: Vec<String> = parameters.iter().map(|(_, name)| name.to_owned()).collect();
        if names.iter().any(|name| name.contains('\0')) {
            return Err(Problem::not_found("such path"));
        }
        let other = |_| Problem::new(Code::Internal, "the route has another number of parameters");
        names.try_into().map(Self).map_err(other)
    }
}
