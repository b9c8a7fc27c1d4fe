//! Limits, and whether a run meets them.

use std::{
    fmt::{self, Display},
    time::Duration,
};

use crate::Outcome;

/// What was judged of a run, a line each, and the limits that it missed.
#[derive(Default)]
pub(crate) struct Judged {
    lines: Vec<String>,
    missed: Vec<String>,
}

impl Judged {
    /// A figure that is not judged.
    pub(crate) fn tell(&mut self, what: &str) {
        self.lines.push(format!("- {what}."));
    }

    pub(crate) fn judge(&mut self, what: &str, is_met: bool) {
        let judged = if is_met { "met" } else { "**missed**" };
        self.lines.push(format!("- {what}: {judged}."));
        if !is_met {
            self.missed.push(what.to_owned());
        }
    }

    pub(crate) fn within(&mut self, what: &str, found: Duration, most: Duration) {
        let what = format!("{what}: {found:.1?}, wanted ≤ {most:.0?}");
        self.judge(&what, found <= most);
    }

    /// The limits that were missed, under the name of the run.
    pub(crate) fn missed(&self, run: &str) -> impl Iterator<Item = String> {
        self.missed.iter().map(move |what| format!("{run}: {what}"))
    }
}

impl Display for Judged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.lines.join("\n"))
    }
}

/// An error that names the limits that all runs missed.
pub(crate) fn verdict(missed: &[String]) -> Outcome<()> {
    if missed.is_empty() {
        Ok(())
    } else {
        Err(missed.join("; "))
    }
}
