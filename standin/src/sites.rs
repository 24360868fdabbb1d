//! Which service is meant: requests come under the service's own name, or below a folder of ours.

use hyper::Uri;
use hyper::header::HeaderMap;

/// Host and the folder in which its routes are.
pub(crate) const SITES: [(&str, &str); 7] = [
    ("api.airtable.com", "/airtable"),
    ("slack.com", "/slack"),
    ("hooks.slack.com", "/slack-hooks"),
    ("api.resend.com", "/resend"),
    ("app.chatgptbuilder.io", "/cbb"),
    ("graph.facebook.com", "/graph"),
    ("hooks.zapier.com", "/zapier"),
];

/// The address with the service's folder in front, when the request came under the service's name.
pub(crate) fn located(uri: &Uri, headers: &HeaderMap) -> Option<Uri> {
    let host = headers.get("host")?.to_str().ok()?;
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let (_, folder) = SITES.iter().find(|(site, _)| *site == host)?;
    format!("{folder}{}", uri.path_and_query()?).parse().ok()
}
