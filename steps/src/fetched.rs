//! Files by their address: our own are opened, all others are fetched through the guard.

use onward_workflows::{Outcome, StepError};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Url};
use tokio::time::Instant;

use crate::backing::{Backing, File};
use crate::client::Clients;
use crate::config::Problem;
use crate::service::{Answer, Call, Class, Lost, Verdict};

pub(crate) const FILE_MAX: usize = 10 << 20;

pub(crate) async fn fetched(
    clients: &Clients,
    backing: &dyn Backing,
    field: &str,
    url: &str,
    deadline: Instant,
) -> Result<File, Outcome> {
    let own = backing.open(url).await.map_err(|error| Outcome::from(Problem::new(field, error.to_string())))?;
    if let Some(file) = own {
        return Ok(file);
    }
    let url = Url::parse(url).map_err(|error| Problem::new(field, format!("is not a URL: {error}")))?;
    let name = url.path_segments().and_then(|mut path| path.next_back()).filter(|name| !name.is_empty());
    let name = name.unwrap_or("file").to_owned();
    let mut call = Call::new(Method::GET, url, true);
    call.answer_max = FILE_MAX;
    let Answer { status, headers, body } = call.send(clients, deadline).await.map_err(Lost::outcome)?;
    if status != 200 {
        let class = if status == 429 || status >= 500 { Class::Transient } else { Class::Refused };
        let verdict = Verdict::new(class, format!("status_{status}"), format!("the file was answered with {status}"));
        return Err(verdict.outcome("the file's server", status));
    }
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
    Ok(File { name, media_type, bytes: body })
}

/// What a file that could not be kept comes to.
pub(crate) fn not_kept(error: &crate::backing::BackingError) -> Outcome {
    Outcome::Failed(StepError::new(onward_workflows::ErrorKind::Internal, error.to_string()).retryable())
}
