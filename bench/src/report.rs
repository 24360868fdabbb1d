//! Figures, their median and their spread.

/// Collects the measures of one run of the benchmark.
#[derive(Debug)]
pub struct Report {
    head: String,
    rows: Vec<(String, Vec<f64>, &'static str)>,
}

impl Report {
    pub fn new(postgres: &str, quick: bool) -> Self {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let build = if cfg!(debug_assertions) { "debug build: NOT A FIGURE TO QUOTE" } else { "release build" };
        let quick = if quick { ", --quick: NOT A FIGURE TO QUOTE" } else { "" };
        Self {
            head: format!(
                "PostgreSQL {postgres}, fsync and synchronous_commit on, {cores} cores for everything, {build}{quick}"
            ),
            rows: Vec::new(),
        }
    }

    /// Adds one measure; `rounds` are its values, one a round.
    pub fn add(&mut self, name: &str, rounds: Vec<f64>, unit: &'static str) {
        eprintln!("  {name}: {}", show(&rounds, unit));
        self.rows.push((name.to_owned(), rounds, unit));
    }

    pub fn print(&self) {
        println!("{}\n", self.head);
        println!("| measure | median | spread |\n| --- | --- | --- |");
        for (name, rounds, unit) in &self.rows {
            println!(
                "| {name} | {} {unit} | {} to {} |",
                round(median(rounds)),
                round(least(rounds)),
                round(most(rounds))
            );
        }
    }
}

fn show(rounds: &[f64], unit: &str) -> String {
    format!("{} {unit} ({} to {})", round(median(rounds)), round(least(rounds)), round(most(rounds)))
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50)
}

/// The value that `percent` of all are not above.
pub fn percentile(values: &[f64], percent: usize) -> f64 {
    let sorted = sorted(values);
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

fn least(values: &[f64]) -> f64 {
    sorted(values).first().copied().unwrap_or(f64::NAN)
}

fn most(values: &[f64]) -> f64 {
    sorted(values).last().copied().unwrap_or(f64::NAN)
}

fn round(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
