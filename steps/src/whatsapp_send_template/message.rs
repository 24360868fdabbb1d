//! A template message as both ways carry it: the object of Meta's Cloud API.

use reqwest::Url;
use serde_json::{Map, Value, json};

use crate::backing::WhatsappTemplate;
use crate::config::{Fields, Problem, scalar_text};
use crate::phone::digits;
use crate::services::Services;

const PARAMS_MAX: usize = 30;
const BUTTONS_MAX: usize = 10;
/// Meta's own limit of what it hands back.
const CALLBACK_MAX: usize = 512;

#[derive(Debug)]
pub(super) struct Message {
    pub to: String,
    pub template: String,
    pub language: String,
    pub params: Params,
    pub document: Option<Document>,
    pub buttons: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Params {
    Positions(Vec<String>),
    Names(Vec<(String, String)>),
}

#[derive(Debug)]
pub(super) struct Document {
    pub url: String,
    pub filename: String,
}

impl Message {
    pub(super) fn read(fields: Fields<'_>, services: &Services) -> Result<Self, Problem> {
        let template = fields.text("template")?;
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if template.len() > 512 || !template.bytes().all(letter) {
            return Err(Problem::new("template", "must be small letters, digits and `_`, as Meta names templates"));
        }
        let language = fields.text_or_none("language")?.unwrap_or_else(|| services.whatsapp_language.clone());
        let buttons = fields.texts("buttons")?;
        if buttons.len() > BUTTONS_MAX {
            return Err(Problem::new("buttons", format!("are more than {BUTTONS_MAX}")));
        }
        Ok(Self {
            to: digits("to", &fields.text("to")?)?,
            template,
            language,
            params: params(fields)?,
            document: document(fields)?,
            buttons: buttons.iter().map(|button| clean("buttons", button)).collect::<Result<_, _>>()?,
        })
    }

    /// What Meta would refuse later, after the order has long been told that its message was sent.
    pub(super) fn misfit(&self, known: &WhatsappTemplate) -> Option<Problem> {
        if known.status != "APPROVED" {
            let text = format!("is {} at Meta and cannot be sent", known.status.to_lowercase());
            return Some(Problem::new("template", text));
        }
        let given = match &self.params {
            Params::Positions(params) => params.len(),
            Params::Names(params) => params.len(),
        };
        if given != known.params {
            let text =
                format!("are {given}, and the template `{}` ({}) has {}", self.template, self.language, known.params);
            return Some(Problem::new("params", text));
        }
        match (known.header.as_deref(), &self.document) {
            (Some("DOCUMENT" | "IMAGE" | "VIDEO"), None) => {
                Some(Problem::new("document", "is required: the template has a file in its header"))
            }
            (None | Some("TEXT" | "LOCATION"), Some(_)) => {
                Some(Problem::new("document", "cannot be sent: the template has no file in its header"))
            }
            _ => None,
        }
    }

    /// The document by its address, for Meta to fetch.
    pub(super) fn link(&self) -> Option<Value> {
        self.document.as_ref().map(|document| json!({ "link": document.url, "filename": document.filename }))
    }

    pub(super) fn body(&self, document: Option<&Value>, correlation_key: &str) -> Value {
        let mut components = Vec::new();
        if let Some(document) = document {
            let parameters = json!([{ "type": "document", "document": document }]);
            components.push(json!({ "type": "header", "parameters": parameters }));
        }
        let parameters: Vec<Value> = match &self.params {
            Params::Positions(params) => params.iter().map(|text| json!({ "type": "text", "text": text })).collect(),
            Params::Names(params) => params
                .iter()
                .map(|(name, text)| json!({ "type": "text", "parameter_name": name, "text": text }))
                .collect(),
        };
        if !parameters.is_empty() {
            components.push(json!({ "type": "body", "parameters": parameters }));
        }
        for (place, text) in self.buttons.iter().enumerate() {
            let parameters = json!([{ "type": "text", "text": text }]);
            components.push(json!({
                "type": "button", "sub_type": "url", "index": place.to_string(), "parameters": parameters,
            }));
        }
        let mut template = Map::from_iter([
            ("name".to_owned(), json!(self.template)),
            ("language".to_owned(), json!({ "code": self.language })),
        ]);
        if !components.is_empty() {
            template.insert("components".to_owned(), components.into());
        }
        let mut body = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": self.to,
            "type": "template",
            "template": template,
        });
        if correlation_key.len() <= CALLBACK_MAX {
            body["biz_opaque_callback_data"] = json!(correlation_key);
        }
        body
    }
}

fn params(fields: Fields<'_>) -> Result<Params, Problem> {
    let params = if let Some(Value::Object(named)) = fields.value("params") {
        let text = |(name, value): (&String, &Value)| {
            let text = scalar_text(value).ok_or_else(|| Problem::new(format!("params.{name}"), "must be text"))?;
            Ok((name.clone(), clean(&format!("params.{name}"), &text)?))
        };
        Params::Names(named.iter().map(text).collect::<Result<_, _>>()?)
    } else {
        let texts = fields.texts("params")?;
        let cleaned = texts.iter().enumerate().map(|(place, text)| clean(&format!("params[{place}]"), text));
        Params::Positions(cleaned.collect::<Result<_, _>>()?)
    };
    let count = match &params {
        Params::Positions(params) => params.len(),
        Params::Names(params) => params.len(),
    };
    if count > PARAMS_MAX { Err(Problem::new("params", format!("are more than {PARAMS_MAX}"))) } else { Ok(params) }
}

fn document(fields: Fields<'_>) -> Result<Option<Document>, Problem> {
    let Some(url) = fields.text_or_none("document")? else { return Ok(None) };
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let last = Url::parse(&url).ok().and_then(|url| url.path_segments()?.next_back().map(str::to_owned));
    let last = last.unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default().to_owned());
    let decoded = percent_encoding::percent_decode_str(&last).decode_utf8_lossy().into_owned();
    let filename = fields.text_or_none("filename")?.unwrap_or(decoded);
    let filename = if filename.is_empty() { "document".to_owned() } else { filename };
    Ok(Some(Document { url, filename }))
}

/// Meta refuses line breaks, tabs and long gaps in a parameter, and an empty one.
fn clean(field: &str, text: &str) -> Result<String, Problem> {
    let mut cleaned = String::with_capacity(text.len());
    let mut blanks = 0;
    for letter in text.trim().chars() {
        let letter = if letter.is_whitespace() || letter.is_control() { ' ' } else { letter };
        blanks = if letter == ' ' { blanks + 1 } else { 0 };
        if blanks <= 1 {
            cleaned.push(letter);
        }
    }
    if cleaned.is_empty() { Err(Problem::new(field, "is empty, and Meta refuses that")) } else { Ok(cleaned) }
}

#[cfg(test)]
mod tests {
    use super::super::TYPE;
    use super::*;

    fn read(config: &Value) -> Result<Message, Problem> {
        Message::read(Fields::open(config, &TYPE)?, &Services::default())
    }

    #[test]
    fn a_message_is_what_the_cloud_api_takes() {
        let config = json!({
            "to": "+999 50-1112222", "template": "visa_ready", "language": "he", "params": ["דנה\nכהן", 7],
            "document": "https://files.test/v/visa%201.pdf?x=1", "buttons": ["FR-1001"],
        });
        let message = read(&config).unwrap();
        let body = message.body(message.link().as_ref(), "run/send");
        assert_eq!(
            body,
            json!({
                "messaging_product": "whatsapp", "recipient_type": "individual", "to": "999501112222", "type": "template",
                "template": { "name": "visa_ready", "language": { "code": "he" }, "components": [
                    { "type": "header", "parameters": [{ "type": "document", "document":
                        { "link": "https://files.test/v/visa%201.pdf?x=1", "filename": "visa 1.pdf" } }] },
                    { "type": "body", "parameters": [
                        { "type": "text", "text": "דנה כהן" }, { "type": "text", "text": "7" } ] },
                    { "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "FR-1001" }] },
                ] },
                "biz_opaque_callback_data": "run/send",
            })
        );
        let bare = read(&json!({ "to": "999501112222", "template": "hello", "params": { "name": "D" } })).unwrap();
        assert_eq!(bare.language, "en");
        assert_eq!(bare.params, Params::Names(vec![("name".to_owned(), "D".to_owned())]));
    }

    #[test]
    fn what_meta_refuses_is_refused_here() {
        let check = |field: &str, value: Value, expected: &str| {
            let mut config = json!({ "to": "999501112222", "template": "visa_ready" });
            config[field] = value;
            assert_eq!(read(&config).unwrap_err().field, expected, "{config}");
        };
        check("params", json!(["a", " \n"]), "params[1]");
        check("params", json!({ "name": "" }), "params.name");
        check("params", json!([["a"]]), "params");
        check("params", json!(vec!["a"; 31]), "params");
        check("template", json!("Visa Ready"), "template");
        check("to", json!("nobody"), "to");
    }

    #[test]
    fn a_template_that_is_known_is_compared() {
        let known = |params, header: Option<&str>, status: &str| WhatsappTemplate {
            status: status.to_owned(),
            params,
            header: header.map(str::to_owned),
        };
        let message = read(&json!({ "to": "999501112222", "template": "visa_ready", "params": ["a"] })).unwrap();
        let check = |template: &WhatsappTemplate, field: Option<&str>| {
            assert_eq!(message.misfit(template).map(|problem| problem.field).as_deref(), field, "{template:?}");
        };
        check(&known(1, None, "APPROVED"), None);
        check(&known(2, None, "APPROVED"), Some("params"));
        check(&known(1, Some("DOCUMENT"), "APPROVED"), Some("document"));
        check(&known(1, None, "PAUSED"), Some("template"));
    }
}
