//! Asking for what must not be seen.

use std::io::{self, BufRead, IsTerminal, Read};
use std::os::fd::AsFd;

use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

use crate::failure::{Exit, Failure};

const INTERRUPT: u8 = 3;

/// From a terminal one line that is not shown, from elsewhere all that comes.
pub fn read_hidden(question: &str, bytes_max: usize) -> Result<SecretString, Failure> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return read_line(question);
    }
    read_text(stdin.lock(), bytes_max).map_err(|error| Failure::new(Exit::Usage, format!("standard input: {error}")))
}

/// A text without the line break at its end, which `echo` and editors add.
pub fn read_text(from: impl Read, bytes_max: usize) -> io::Result<SecretString> {
    let mut bytes = Vec::new();
    // Room for the line break.
    from.take(bytes_max as u64 + 3).read_to_end(&mut bytes)?;
    let mut text =
        String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.len() > bytes_max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is longer than {bytes_max} bytes")));
    }
    Ok(SecretString::from(text))
}

fn read_line(question: &str) -> Result<SecretString, Failure> {
    let failed = |error: io::Error| Failure::because(Exit::Failed, error);
    eprint!("{question}");
    let silenced = Silenced::new().map_err(failed)?;
    let mut line = Vec::new();
    let mut stdin = io::stdin().lock();
    // Ctrl-C ends the line instead of the program, which would leave the terminal silent.
    while !matches!(line.last(), Some(b'\n' | &INTERRUPT)) {
        let there = stdin.fill_buf().map_err(failed)?;
        let Some(first) = there.first().copied() else { break };
        line.push(first);
        stdin.consume(1);
    }
    drop(silenced);
    eprintln!();
    if line.last() == Some(&INTERRUPT) {
        return Err(Failure::new(Exit::Interrupted, "nothing was changed"));
    }
    read_text(&line[..], line.len()).map_err(failed)
}

/// A terminal that does not show what is typed, until this is dropped.
struct Silenced(Termios);

impl Silenced {
    fn new() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(stdin.as_fd())?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO | LocalFlags::ISIG);
        silent.control_chars[SpecialCharacterIndices::VEOL as usize] = INTERRUPT;
        tcsetattr(stdin.as_fd(), SetArg::TCSANOW, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silenced {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn one_line_break_at_the_end_is_none_of_the_text() {
        for (given, expected) in
            [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a\nb", "a\nb"), ("\n", "")]
        {
            assert_eq!(read_text(given.as_bytes(), 3).unwrap().expose_secret(), expected);
        }
        assert!(read_text(&b"abcd"[..], 3).is_err());
        assert!(read_text(&b"abc\r\n"[..], 3).is_ok());
        assert!(read_text(&[0xff][..], 3).is_err());
    }
}
