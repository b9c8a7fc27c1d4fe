//! What was found, beside what is wanted.

use std::fmt::Write as _;

/// The rows of a table, and the limits that were missed.
#[derive(Default)]
pub(super) struct Findings {
    rows: String,
    missed: Vec<String>,
}

impl Findings {
    /// A row that is not judged.
    pub(super) fn tell(&mut self, what: &str, found: &str) {
        self.add(&format!("| {what} | {found} | | |"));
    }

    pub(super) fn judge(&mut self, what: &str, found: &str, wanted: &str, is_met: bool) {
        let judged = if is_met { "met" } else { "**missed**" };
        self.add(&format!("| {what} | {found} | {wanted} | {judged} |"));
        if !is_met {
            self.missed
                .push(format!("{what}: {found}, wanted {wanted}"));
        }
    }

    /// A long run tells what it found so far.
    fn add(&mut self, row: &str) {
        eprintln!("    {row}");
        let _ = writeln!(self.rows, "{row}");
    }

    pub(super) fn table(&self) -> String {
        format!("| | found | wanted | |\n|---|--:|--:|---|\n{}", self.rows)
    }

    /// The limits that were missed, under the name of the run.
    pub(super) fn missed(&self, run: &str) -> impl Iterator<Item = String> {
        self.missed.iter().map(move |what| format!("{run}: {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_judged_rows_are_missed() {
        let mut findings = Findings::default();
        findings.tell("size", "5 MB");
        findings.judge("memory", "200 MB", "< 150 MB", false);
        findings.judge("start", "1 ms", "≤ 1 s", true);
        let missed: Vec<_> = findings.missed("Redis").collect();
        assert_eq!(missed, ["Redis: memory: 200 MB, wanted < 150 MB"]);
        assert_eq!(findings.table().lines().count(), 5);
    }
}
