//! The first pages of the lists, in a browser and on the command line.

use std::{path::Path, time::Duration};

use super::{MOST_FOR_A_PAGE, findings::Findings};
use crate::{
    Outcome, clock, context,
    deployment::{Deployment, EMAIL, sign_in},
    wire::Wire,
};

const TURNS: usize = 15;
/// The number of rows of a page of the site.
const ROWS: &str = "50";

/// Measures and judges them; the account of the measurements becomes an administrator.
pub(super) async fn measure(
    deployment: &Deployment,
    binary: &Path,
    findings: &mut Findings,
) -> Outcome<()> {
    run(
        deployment,
        binary,
        &["account", "role", EMAIL, "administrator"],
    )?;
    let mut user = deployment.stranger();
    let mut wire = Wire::connect(deployment.server().address()).await?;
    sign_in(&mut wire, &mut user, EMAIL).await?;
    for (page, row) in [
        ("/admin/accounts", "person.0000"),
        ("/admin/applications", "client 0000"),
    ] {
        let request = user.get(page);
        let mut times = Vec::new();
        for _ in 0..TURNS {
            let begun = clock::now();
            let answer = wire.send(&request).await?;
            times.push(clock::now() - begun);
            if answer.status != 200 || !answer.text().contains(row) {
                return Err(answer.unexpected());
            }
        }
        judge(findings, page, times);
    }
    for list in [["account", "list"], ["client", "list"]] {
        let arguments = [list[0], list[1], "--limit", ROWS];
        let mut times = Vec::new();
        for _ in 0..TURNS {
            let begun = clock::now();
            run(deployment, binary, &arguments)?;
            times.push(clock::now() - begun);
        }
        let what = format!("`{}`, the whole command", arguments.join(" "));
        judge(findings, &what, times);
    }
    Ok(())
}

/// Judges the median.
fn judge(findings: &mut Findings, what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let slowest = times.last().copied().unwrap_or_default();
    let found = format!("{median:.1?}, at the most {slowest:.1?}");
    let is_met = median <= MOST_FOR_A_PAGE;
    findings.judge(
        &format!("{what}, median of {TURNS}"),
        &found,
        "≤ 50 ms",
        is_met,
    );
}

fn run(deployment: &Deployment, binary: &Path, arguments: &[&str]) -> Outcome<()> {
    let command = arguments.join(" ");
    let output = deployment.command(binary, arguments).output();
    let output = output.map_err(context(&command))?;
    if output.status.success() && !output.stdout.is_empty() {
        Ok(())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command}: {said}"))
    }
}
