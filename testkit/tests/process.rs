use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use onward_testkit::{Process, free_port, wait_until};

fn shell(script: &str) -> Process {
    Process::start(Command::new("/bin/sh").args(["-c", script]))
}

#[tokio::test]
async fn lines_of_both_outputs_are_found() {
    let mut process = shell("echo to stdout; echo to stderr >&2; exec cat /dev/zero >/dev/null");
    assert_eq!(process.wait_for_line("stderr").await, "to stderr");
    assert_eq!(process.wait_for_line("stdout").await, "to stdout");
}

#[tokio::test]
#[should_panic(expected = "ended without a line with \"never\"")]
async fn a_line_that_cannot_come_any_more_is_not_waited_for() {
    shell("echo something else").wait_for_line("never").await;
}

#[tokio::test]
async fn terminating_lets_the_process_end_in_its_own_way() {
    let mut process = shell("trap 'exit 7' TERM; echo ready; while :; do :; done");
    process.wait_for_line("ready").await;
    assert_eq!(process.terminate().await.code(), Some(7));
}

#[tokio::test]
async fn killing_does_not() {
    let mut process = shell("trap 'echo cleaned up' TERM EXIT; echo ready; while :; do :; done");
    process.wait_for_line("ready").await;
    process.kill9();
    assert_eq!(process.wait().await.signal(), Some(9));
    assert!(!process.lines().contains(&"cleaned up".to_owned()));
}

#[tokio::test]
async fn a_process_ends_with_its_test() {
    let process = shell("exec cat /dev/zero >/dev/null");
    let pid = Pid::from_raw(process.id().cast_signed());
    drop(process);
    assert_eq!(kill(pid, None), Err(Errno::ESRCH));
}

#[tokio::test]
async fn waiting_in_vain_says_for_what() {
    let waiting = async {
        wait_until(Duration::from_millis(20), "the moon to fall", async || false).await;
    };
    let panic = tokio::spawn(waiting).await.expect_err("it panics").into_panic();
    let text = panic.downcast_ref::<String>().expect("a text");
    assert!(text.contains("the moon to fall") && text.contains("tests/process.rs"), "{text}");
}

#[test]
fn a_free_port_can_be_taken() {
    std::net::TcpListener::bind(("127.0.0.1", free_port())).expect("bind to it");
}
