//! A file's signed address as a URL.

use chrono::{DateTime, Utc};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::FileAddress;

const PATH: &str = "/api/v1/files/";

/// Below the installation's own address, which may be empty.
pub fn file_url(base: &str, address: &FileAddress) -> String {
    let name = utf8_percent_encode(&address.name, NON_ALPHANUMERIC);
    let (base, expires) = (base.trim_end_matches('/'), address.expires_at.timestamp());
    format!("{base}{PATH}{}/{name}?expires={expires}&signature={}", address.id, address.signature)
}

/// `None` for every URL that [`file_url`] has not written.
pub fn parse_file_url(base: &str, url: &str) -> Option<FileAddress> {
    let rest = url.strip_prefix(base.trim_end_matches('/'))?.strip_prefix(PATH)?;
    let (path, query) = rest.split_once('?')?;
    let (id, name) = path.split_once('/')?;
    let name = percent_decode_str(name).decode_utf8().ok()?.into_owned();
    let (expires, signature) = query.strip_prefix("expires=")?.split_once("&signature=")?;
    let expires_at = DateTime::<Utc>::from_timestamp(expires.parse().ok()?, 0)?;
    Some(FileAddress { id: id.to_owned(), name, expires_at, signature: signature.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_back_as_it_was_written() {
        let address = FileAddress {
            id: "aB-_9".to_owned(),
            name: "ויזה 1?.pdf".to_owned(),
            expires_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            signature: "c2ln".to_owned(),
        };
        for base in ["", "https://onward.test", "https://onward.test/"] {
            let url = file_url(base, &address);
            assert_eq!(parse_file_url(base, &url).as_ref(), Some(&address), "{url}");
        }
        let url = file_url("https://onward.test", &address);
        assert!(url.is_ascii() && !url[8..].contains("//"), "{url}");
        for other in ["https://other.test/api/v1/files/a/b?expires=1&signature=x", "https://onward.test/x", ""] {
            assert_eq!(parse_file_url("https://onward.test", other), None, "{other}");
        }
    }
}
