//! The quick engine, one process for each document.

use onward_workflows::{ErrorKind, StepError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::cage::{Cage, Caged, broken, late};
use super::engine::Engine;
use super::options::Options;
use super::pdf;

/// It draws 100 mm as 76.8; with this they are 100.
const ZOOM: f64 = 1.302;
/// Nothing listens there: what is not kept away by the network namespace ends here.
const NOWHERE: &str = "http://127.0.0.1:9";
const SAID_MAX: usize = 500;

pub(super) async fn render(html: &str, options: &Options, deadline: Instant) -> Result<Vec<u8>, StepError> {
    let program = Engine::Wkhtmltopdf
        .program()
        .ok_or_else(|| StepError::new(ErrorKind::Config, "wkhtmltopdf is not installed on this worker"))?;
    let cage = Cage::new().map_err(|error| broken(&error))?;
    let result = cage.path().join("out.pdf");
    let [top, right, bottom, left] = options.margins.map(|margin| format!("{margin:.2}mm"));
    let mut command = cage.command(&program);
    command
        .args(["-q", "--encoding", "utf-8", "--page-size", options.size.0])
        .args(["-T", &top, "-R", &right, "-B", &bottom, "-L", &left])
        .args(["-O", if options.landscape { "Landscape" } else { "Portrait" }])
        .args(["--disable-javascript", "--javascript-delay", "0"])
        .args(["--load-error-handling", "ignore", "--load-media-error-handling", "ignore"])
        .args(["--proxy", NOWHERE])
        .arg(if options.background { "--background" } else { "--no-background" })
        .arg("-")
        .arg(&result);
    let mut caged = Caged::start(command).map_err(|error| broken(&error))?;
    let (mut stdin, stderr) = (caged.child.stdin.take(), caged.child.stderr.take());
    let page = styled(html, options);
    let feed = async {
        if let Some(stdin) = &mut stdin {
            // One that has ended early says why by its exit.
            let _ = stdin.write_all(page.as_bytes()).await;
        }
        drop(stdin.take());
    };
    let hear = async {
        let mut said = Vec::new();
        if let Some(stderr) = stderr {
            let _ = stderr.take(64 << 10).read_to_end(&mut said).await;
        }
        said
    };
    let (code, said) = tokio::time::timeout_at(deadline, async {
        let ((), said, code) = tokio::join!(feed, hear, caged.ended("wkhtmltopdf", deadline));
        (code, said)
    })
    .await
    .map_err(|_| late("wkhtmltopdf"))?;
    let code = code?;
    let bytes = tokio::fs::read(&result).await.unwrap_or_default();
    // A picture that is not there makes it say 1 over a good document; a crash leaves none.
    if matches!(code, Some(0 | 1)) && pdf::pages(&bytes).is_some() {
        return Ok(bytes);
    }
    Err(failed(code, &said))
}

fn failed(code: Option<i32>, said: &[u8]) -> StepError {
    let said = String::from_utf8_lossy(said);
    let said: String = said.lines().last().unwrap_or_default().chars().take(SAID_MAX).collect();
    let text = match code {
        // What it does on a machine without any font.
        None | Some(139) => "wkhtmltopdf crashed; is a font package installed?".to_owned(),
        Some(code) => format!("wkhtmltopdf ended with {code} and made no PDF: {said}"),
    };
    StepError::new(ErrorKind::Internal, text).retryable()
}

/// Before everything else, so that the document's own rules win.
fn styled(html: &str, options: &Options) -> String {
    let zoom = ZOOM * options.scale;
    format!(
        "<meta charset=\"utf-8\"><style>html{{zoom:{zoom:.4}}} body{{font-family:'DejaVu Sans','Noto Sans Hebrew',sans-serif}} \
         img,table{{max-width:100%}}</style>{html}"
    )
}
