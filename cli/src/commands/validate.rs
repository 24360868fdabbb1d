//! `onward validate`: the checker, without a server.

mod fix;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use onward_workflows::{Checked, Source, Trust, check};

use crate::database::catalog;
use crate::documents;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::process::runtime;
use crate::settings::Settings;

pub struct Wish {
    pub files: Vec<PathBuf>,
    pub fix: bool,
    pub any_fix: bool,
    pub watch: bool,
}

pub fn validate(settings: &Settings, wish: &Wish) -> Result<ExitCode, Failure> {
    if wish.watch {
        return runtime()?.block_on(watch::watch(settings, &wish.files));
    }
    let began = Instant::now();
    let sources = documents::read(&wish.files)?;
    let mut tally = Tally::default();
    if wish.fix {
        let trust = if wish.any_fix { Trust::Any } else { Trust::Safe };
        for source in &sources {
            tally.count(&fix::fix(settings, source, trust)?);
        }
    } else {
        tally.check(settings, &sources);
    }
    // With the repaired text on standard output there is no room for talk.
    let has_room = !wish.fix || !wish.files.iter().any(|file| documents::is_stdin_argument(file));
    tally.sum_up(settings, began, if has_room { output::line } else { output::hint });
    Ok(if tally.broken == 0 { ExitCode::SUCCESS } else { Exit::Invalid.into() })
}

/// What a check of several documents came to.
#[derive(Debug, Default)]
struct Tally {
    documents: usize,
    steps: usize,
    broken: usize,
}

impl Tally {
    fn check(&mut self, settings: &Settings, sources: &[Source]) {
        let catalog = catalog();
        for source in sources {
            let checked = check(source, &catalog);
            documents::print_findings(source, &checked, settings);
            self.count(&checked);
        }
    }

    fn count(&mut self, checked: &Checked) {
        self.documents += 1;
        match &checked.definition {
            Some(definition) => self.steps += definition.steps.len() + definition.on_error.len(),
            None => self.broken += 1,
        }
    }

    fn sum_up(&self, settings: &Settings, began: Instant, print: fn(&str)) {
        let (documents, broken) = (output::plural(self.documents, "document"), self.broken);
        if broken > 0 {
            output::hint(&format!("{broken} of {documents} {} invalid", if broken == 1 { "is" } else { "are" }));
        } else if !settings.json {
            let millis = began.elapsed().as_millis();
            print(&format!("ok  {documents}, {}  {millis} ms", output::plural(self.steps, "step")));
        }
    }
}
