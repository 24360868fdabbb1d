//! The engine that knows everything, one browser for each document.

use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use command_fds::{CommandFdExt as _, FdMapping};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use onward_workflows::{ErrorKind, StepError};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::cage::{Cage, Caged, broken, late};
use super::devtools::Devtools;
use super::engine::Engine;
use super::options::Options;

const MM_PER_INCH: f64 = 25.4;
/// Whose documents these are is not ours to know: nothing runs, nothing is looked up, nothing is remembered.
const SWITCHES: &[&str] = &[
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    // Its own sandbox needs rights that it does not have behind our walls.
    "--no-sandbox",
];

pub(super) async fn render(html: &str, options: &Options, deadline: Instant) -> Result<Vec<u8>, StepError> {
    timeout_at(deadline, print(html, options)).await.map_err(|_| late("Chromium"))?
}

async fn print(html: &str, options: &Options) -> Result<Vec<u8>, StepError> {
    let program = Engine::Chromium
        .program()
        .ok_or_else(|| StepError::new(ErrorKind::Config, "Chromium is not installed on this worker"))?;
    let cage = Cage::new().map_err(|error| broken(&error))?;
    let mut command = cage.command(&program);
    command.args(SWITCHES).arg(format!("--user-data-dir={}", cage.path().join("profile").display())).arg("about:blank");
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let failed = |error: nix::Error| broken(&std::io::Error::from(error));
    let ((theirs_in, ours_out), (ours_in, theirs_out)) =
        (pipe2(OFlag::O_CLOEXEC).map_err(failed)?, pipe2(OFlag::O_CLOEXEC).map_err(failed)?);
    // The numbers that it expects its pipes under.
    let mappings =
        vec![FdMapping { parent_fd: theirs_in, child_fd: 3 }, FdMapping { parent_fd: theirs_out, child_fd: 4 }];
    command.fd_mappings(mappings).map_err(|_| broken(&std::io::ErrorKind::InvalidInput.into()))?;
    let caged = Caged::start(command).map_err(|error| broken(&error))?;
    let mut devtools = Devtools::new(ours_out, ours_in).map_err(|error| broken(&error))?;
    let target = devtools.ask(None, "Target.createTarget", json!({ "url": "about:blank" })).await?;
    let attach = json!({ "targetId": target["targetId"], "flatten": true });
    let attached = devtools.ask(None, "Target.attachToTarget", attach).await?;
    let session = attached["sessionId"].as_str();
    devtools.ask(session, "Emulation.setScriptExecutionDisabled", json!({ "value": true })).await?;
    let tree = devtools.ask(session, "Page.getFrameTree", json!({})).await?;
    let content = json!({ "frameId": tree["frameTree"]["frame"]["id"], "html": html });
    devtools.ask(session, "Page.setDocumentContent", content).await?;
    let mut printed = devtools.ask(session, "Page.printToPDF", wish(options)).await?;
    drop(caged);
    let Value::String(data) = printed["data"].take() else {
        return Err(StepError::new(ErrorKind::Internal, "Chromium printed nothing").retryable());
    };
    STANDARD
        .decode(data)
        .map_err(|_| StepError::new(ErrorKind::Internal, "Chromium printed nothing readable").retryable())
}

fn wish(options: &Options) -> Value {
    let (_, width, height) = options.size;
    let [top, right, bottom, left] = options.margins.map(|margin| margin / MM_PER_INCH);
    let numbers = "<div style=\"font-size:8px;width:100%;text-align:center\">\
                   <span class=\"pageNumber\"></span> / <span class=\"totalPages\"></span></div>";
    let footer = options.footer.as_deref().or(options.page_numbers.then_some(numbers));
    json!({
        "landscape": options.landscape,
        "printBackground": options.background,
        "scale": options.scale,
        "paperWidth": width / MM_PER_INCH,
        "paperHeight": height / MM_PER_INCH,
        "marginTop": top, "marginRight": right, "marginBottom": bottom, "marginLeft": left,
        "displayHeaderFooter": options.header.is_some() || footer.is_some(),
        // Without one it would print the date and the address.
        "headerTemplate": options.header.as_deref().unwrap_or("<span></span>"),
        "footerTemplate": footer.unwrap_or("<span></span>"),
    })
}
