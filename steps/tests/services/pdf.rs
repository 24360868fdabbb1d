//! `pdf.render`, by both engines, looked at with other people's programs.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use onward_steps::{Backing, File};
use onward_workflows::{ErrorKind, Outcome};
use serde_json::{Value, json};

use crate::stand::{LONG, Stand};

const TYPE: &str = "pdf.render";
const ENGINES: [&str; 2] = ["wkhtmltopdf", "chromium"];
/// Of a page at a low resolution.
const DPI: usize = 20;

fn visa(engine: &str) -> Value {
    let travellers =
        json!([{ "name": "דנה <כהן>", "passport": "X1234567" }, { "name": "John Levi", "passport": "Y7654321" }]);
    json!({
        "engine": engine, "template": "visa-approval",
        "data": { "name": "דנה", "country": "הודו", "travellers": travellers },
    })
}

async fn file(stand: &Stand, output: &Value) -> File {
    stand.alone.open(output["url"].as_str().unwrap()).await.unwrap().unwrap()
}

/// What a program says about the document, without the marks that it puts around right-to-left text.
fn told(program: &str, arguments: &[&str], bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pdf");
    std::fs::write(&path, bytes).unwrap();
    let mut command = Command::new(program);
    command.args(arguments).arg(&path);
    if program == "pdftotext" {
        command.arg("-");
    }
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; scripts/setup installs it"));
    let marks = ['\u{202a}', '\u{202b}', '\u{202c}', '\u{200e}', '\u{200f}'];
    String::from_utf8_lossy(&output.stdout).replace(marks, "")
}

/// The first page in grey: width, height, pixels.
fn raster(bytes: &[u8]) -> (usize, usize, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pdf");
    std::fs::write(&path, bytes).unwrap();
    let output =
        Command::new("pdftoppm").args(["-gray", "-r", &DPI.to_string(), "-f", "1", "-l", "1"]).arg(&path).output();
    parse_pgm(&output.unwrap().stdout)
}

fn parse_pgm(bytes: &[u8]) -> (usize, usize, Vec<u8>) {
    let mut parts = bytes.splitn(4, u8::is_ascii_whitespace);
    assert_eq!(parts.next(), Some(&b"P5"[..]));
    let number = |part: Option<&[u8]>| std::str::from_utf8(part.unwrap()).unwrap().parse::<usize>().unwrap();
    let (width, height) = (number(parts.next()), number(parts.next()));
    let rest = parts.next().unwrap();
    let pixels = rest.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    (width, height, rest[pixels..].to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn hebrew_tables_and_mixed_text_look_right() {
    let stand = Stand::start().await;
    for engine in ENGINES {
        let output = stand.done(TYPE, visa(engine)).await;
        assert_eq!((&output["pages"], &output["engine"]), (&json!(1), &json!(engine)));
        let file = file(&stand, &output).await;
        assert_eq!((file.name.as_str(), file.media_type.as_str()), ("visa-approval.pdf", "application/pdf"));
        let text = told("pdftotext", &["-layout"], &file.bytes);
        for words in ["אישור ויזה להודו", "FR-1001", "1,250", "דנה", "כהן", "John Levi", "X1234567"]
        {
            assert!(text.contains(words), "{engine}: {words} is not in\n{text}");
        }
        let fonts = told("pdffonts", &[], &file.bytes);
        assert!(fonts.contains("DejaVuSans"), "{engine}: {fonts}");
        let (width, height, pixels) = raster(&file.bytes);
        assert_eq!((width, height), (166, 234), "{engine}: A4");
        let margin = 10 * DPI * 10 / 254;
        let inked = |x: usize, y: usize| pixels[y * width + x] < 200;
        let outside = |x: usize, y: usize| x < margin || y < margin || x >= width - margin || y >= height - margin;
        let spots = || (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        assert!(!spots().any(|(x, y)| outside(x, y) && inked(x, y)), "{engine}: something is in the margin");
        // The ruler is 100 mm long and some rows high; nothing else is as dark in several rows.
        let dark: Vec<usize> =
            (0..height).map(|y| (0..width).filter(|x| pixels[y * width + x] < 110).count()).collect();
        let ruler = dark.windows(3).filter_map(|rows| rows.iter().min().copied()).max().unwrap();
        assert!((76..=81).contains(&ruler), "{engine}: 100 mm are {ruler} dots of a {DPI}th of an inch");
        compare(engine, &pixels);
    }
}

/// With the page that somebody has looked at; fonts and engines of another day may move a dot.
fn compare(engine: &str, pixels: &[u8]) {
    let path = format!("{}/tests/services/pages/visa-{engine}.pgm", env!("CARGO_MANIFEST_DIR"));
    let (_, _, known) = parse_pgm(&std::fs::read(path).unwrap());
    let differs: u64 = known.iter().zip(pixels).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    let ink: u64 = known.iter().map(|pixel| u64::from(255 - pixel)).sum();
    assert!(differs * 100 < ink * 35, "{engine}: {differs} of {ink} differ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_quick_engine_cannot_do_goes_to_the_other() {
    let stand = Stand::start().await;
    let check = async |config: Value, engine: &str| {
        let output = stand.done(TYPE, config).await;
        assert_eq!(output["engine"], engine);
        output
    };
    check(json!({ "html": "<p dir=rtl>שלום עולם</p>" }), "wkhtmltopdf").await;
    check(json!({ "html": "<p dir=rtl>שָׁלוֹם 🇮🇳</p>" }), "chromium").await;
    let long = "<p style='page-break-after:always'>one</p><p>two</p>";
    let output =
        check(json!({ "html": long, "options": { "page_numbers": true, "format": "Letter" } }), "chromium").await;
    let file = file(&stand, &output).await;
    assert_eq!(output["pages"], 2);
    let text = told("pdftotext", &["-layout"], &file.bytes);
    assert!(text.contains("1/2"), "{text}");
    let info = told("pdfinfo", &[], &file.bytes);
    assert!(info.contains("612 x 792 pts (letter)"), "{info}");
    let error =
        stand.failed(TYPE, json!({ "html": long, "engine": "wkhtmltopdf", "options": { "footer": "x" } })).await;
    assert!(error.message.contains("cannot make headers, footers"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_and_no_file_is_read() {
    let stand = Stand::start().await;
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let address = canary.local_addr().unwrap();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "hushhush").unwrap();
    let file_url = format!("file://{}", secret.path().display());
    let html = format!(
        "<p>before</p><img src='http://{address}/a.png'><iframe src='http://{address}/b'></iframe>\
         <link rel=stylesheet href='http://localhost:{}/c.css'><object data='{file_url}'></object>\
         <iframe src='{file_url}'></iframe><meta http-equiv=refresh content='0;url=http://{address}/d'><p>after</p>",
        address.port()
    );
    for engine in ENGINES {
        let output = stand.done(TYPE, json!({ "engine": engine, "html": html })).await;
        let text = told("pdftotext", &[], &file(&stand, &output).await.bytes);
        assert!(text.contains("before") && !text.contains("hushhush"), "{engine}: {text}");
    }
    let asked = canary.accept();
    assert!(asked.is_err(), "somebody came: {asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_end_is_stopped_in_time() {
    let stand = Stand::start().await;
    let huge = format!("<table>{}</table>", "<tr><td>a<td>b<td>c</tr>".repeat(300_000));
    for engine in ENGINES {
        let began = Instant::now();
        let config = json!({ "engine": engine, "html": "{{{big}}}", "data": { "big": huge } });
        let outcome = stand.run(TYPE, &config, "k", Duration::from_millis(1_500)).await;
        assert!(
            matches!(&outcome, Outcome::Failed(error) if error.kind == ErrorKind::Timeout),
            "{engine}: {outcome:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(6), "{engine}: {:?}", began.elapsed());
        // Scripts do not run at all.
        let looping = json!({ "engine": engine, "html": "<p>fine</p><script>for (;;) {}</script>" });
        let outcome = stand.run(TYPE, &looping, "k", LONG).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{engine}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_cannot_be_taken_is_said() {
    let stand = Stand::start().await;
    let check = async |config: Value, says: &str| {
        let error = stand.failed(TYPE, config).await;
        assert!(error.kind == ErrorKind::Config && error.message.contains(says), "{}", error.message);
    };
    check(json!({}), "`template` is required, or one of html, url").await;
    check(json!({ "html": "a", "template": "b" }), "cannot stand beside").await;
    check(json!({ "template": "../../etc/passwd" }), "`template` must be a name").await;
    check(json!({ "template": "certificate" }), "names no template").await;
    check(json!({ "url": "file:///etc/passwd" }), "only http:// and https://").await;
    check(json!({ "url": "http://127.0.0.1:1/" }), "destination is not allowed").await;
    check(json!({ "html": "{{nobody}}" }), "`nobody` does not exist").await;
    check(json!({ "html": "a", "engine": "word" }), "must be one of auto").await;
    check(json!({ "html": "a", "options": { "margins": "wide" } }), "`options.margins`").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_made_of_its_address() {
    let stand = Stand::start().await;
    let output = stand.done(TYPE, json!({ "url": "https://files.test/orders/IL1", "filename": "order" })).await;
    let file = file(&stand, &output).await;
    assert_eq!(file.name, "order.pdf");
    assert!(told("pdftotext", &[], &file.bytes).contains("customer_id"));
}
