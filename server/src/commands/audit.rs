//! `vestibule audit`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use oauth::Timestamp;
use provider::{
    Actor, AdminCommand, AdminReply, AuditEntry, AuditFilter, AuditReport, Category,
    is_deceptive_char,
};

use time::{
    Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description,
};

use super::{
    administer::administer,
    operations::Operation,
    output::{self, pretty, rfc3339, table},
};
use crate::config::Config;

/// How many events are read at once.
const A_PAGE: usize = 500;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Show the newest events
    List {
        #[command(flatten)]
        wanted: Wanted,
        /// Maximum number of events
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: u16,
        /// Only events older than the event with this number
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
    },
    /// Check that no event was changed, added or removed
    Verify,
    /// Print all events as JSON lines, oldest first
    Export {
        #[command(flatten)]
        wanted: Wanted,
    },
}

#[derive(Debug, Args)]
pub(super) struct Wanted {
    /// Only events of this kind
    #[arg(long = "kind", value_parser = category, value_name = "KIND")]
    category: Option<Category>,
    /// Only events about an account or application whose name contains this text
    #[arg(long, value_name = "TEXT")]
    who: Option<String>,
    /// Only events from this day or time (UTC), such as 2026-11-30 or 2026-11-30T12:00:00Z
    #[arg(long, value_parser = time, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only events before this day or time (UTC)
    #[arg(long, value_parser = time, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl Wanted {
    fn filter(self) -> Result<AuditFilter, String> {
        let Self {
            category,
            who,
            since,
            until,
        } = self;
        if since
            .zip(until)
            .is_some_and(|(since, until)| until <= since)
        {
            return Err("--until must be after --since.".to_owned());
        }
        Ok(AuditFilter {
            category,
            who,
            since,
            until,
        })
    }
}

/// Runs a command. The error is a sentence; a log with faults is a failure.
pub(super) async fn audit(
    config: &Config,
    command: AuditCommand,
    json: bool,
) -> Result<ExitCode, String> {
    match command {
        AuditCommand::List {
            wanted,
            limit,
            before,
        } => list(config, wanted.filter()?, limit.into(), before, json).await,
        AuditCommand::Verify => verify(config, json).await,
        AuditCommand::Export { wanted } => export(config, &wanted.filter()?).await,
    }
}

async fn list(
    config: &Config,
    filter: AuditFilter,
    limit: usize,
    before: Option<u64>,
    json: bool,
) -> Result<ExitCode, String> {
    let found = find(config, &filter, limit, before).await?;
    let text = match found.as_slice() {
        events if json => pretty(&events)?,
        [] => "No matching events.".to_owned(),
        events => table(
            &[
                "NUMBER", "TIME", "EVENT", "ACCOUNT", "BY", "FROM", "DETAILS",
            ],
            events.iter().map(row),
        ),
    };
    output::line(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// A request looks at a part of the audit log only; what is rare may be far back.
async fn find(
    config: &Config,
    filter: &AuditFilter,
    limit: usize,
    mut before: Option<u64>,
) -> Result<Vec<AuditEntry>, String> {
    let mut found = Vec::new();
    loop {
        let command = AdminCommand::ShowAudit {
            filter: filter.clone(),
            before,
            limit: limit - found.len(),
        };
        let AdminReply::AuditPage(page) = administer(config, Operation::showing(command)).await?
        else {
            return Err(unexpected());
        };
        found.extend(page.events);
        before = page.before;
        if found.len() >= limit || before.is_none() {
            return Ok(found);
        }
    }
}

async fn verify(config: &Config, json: bool) -> Result<ExitCode, String> {
    let AdminReply::AuditReport(report) =
        administer(config, Operation::showing(AdminCommand::VerifyAudit)).await?
    else {
        return Err(unexpected());
    };
    output::line(&if json {
        pretty(&report)?
    } else {
        report_text(&report)
    })?;
    Ok(if report.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn export(config: &Config, filter: &AuditFilter) -> Result<ExitCode, String> {
    let mut after = 0;
    loop {
        let command = AdminCommand::ExportAudit {
            filter: filter.clone(),
            after,
            limit: A_PAGE,
        };
        let AdminReply::AuditEntries(events) =
            administer(config, Operation::showing(command)).await?
        else {
            return Err(unexpected());
        };
        for event in &events {
            let line = serde_json::to_string(event)
                .map_err(|error| format!("Cannot write an event as JSON: {error}."))?;
            output::line(&line)?;
        }
        match events.last() {
            Some(last) if events.len() == A_PAGE => after = last.number,
            _ => return Ok(ExitCode::SUCCESS),
        }
    }
}

fn report_text(report: &AuditReport) -> String {
    let AuditReport {
        events,
        first,
        last,
        faults,
    } = report;
    let range = match (first, last) {
        (Some(first), Some(last)) => format!("Checked {events} events ({first} to {last})"),
        _ => "There are no events to check".to_owned(),
    };
    match faults.as_slice() {
        [] => format!("{range}: no problems found."),
        faults => format!("{range}. Problems found:\n  - {}", faults.join("\n  - ")),
    }
}

/// Clients and users chose the names, so they must not control the terminal.
fn row(entry: &AuditEntry) -> Vec<String> {
    let event = &entry.event;
    let by = match &event.by {
        Actor::User => "user".to_owned(),
        Actor::Administrator(own) => own.email.clone(),
        Actor::Terminal => "command line".to_owned(),
        Actor::Client => "application".to_owned(),
        Actor::Unknown(unknown) => format!("unknown {unknown}"),
    };
    let client = event.client.as_ref().map(|client| client.name.as_str());
    let times = event.times.map(|times| format!("{times} times"));
    let about = [client, event.about.as_deref(), times.as_deref()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ");
    let cells = [
        entry.number.to_string(),
        rfc3339(event.at),
        event.action.as_str().to_owned(),
        event
            .subject
            .as_ref()
            .map(|subject| subject.email.clone())
            .unwrap_or_default(),
        by,
        event
            .from
            .as_ref()
            .map(|from| from.address.clone())
            .unwrap_or_default(),
        about,
    ];
    cells
        .into_iter()
        .map(|cell| {
            cell.chars()
                .filter(|&letter| !is_deceptive_char(letter))
                .take(80)
                .collect()
        })
        .collect()
}

fn category(text: &str) -> Result<Category, String> {
    let names = || Category::ALL.map(Category::as_str).join(", ");
    Category::parse(text).ok_or_else(|| format!("the event kinds are {}", names()))
}

/// A day, which begins at midnight (UTC), or a time of RFC 3339.
fn time(text: &str) -> Result<Timestamp, String> {
    let day = format_description!("[year]-[month]-[day]");
    let time = Date::parse(text, day)
        .map(|date| date.midnight().assume_utc())
        .or_else(|_| OffsetDateTime::parse(text, &Rfc3339));
    let seconds = time.ok().map(OffsetDateTime::unix_timestamp);
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    seconds
        .map(Timestamp::from_seconds)
        .ok_or_else(|| "enter a day or time such as 2026-11-30 or 2026-11-30T12:00:00Z".to_owned())
}

fn unexpected() -> String {
    output::UNEXPECTED.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_or_an_instant_and_spans_are_not_turned_around() {
        let midnight = Timestamp::from_seconds(1_795_910_400);
        for (text, read) in [
            ("2026-11-29", Ok(midnight)),
            ("2026-11-29T01:00:00+01:00", Ok(midnight)),
        ] {
            assert_eq!(time(text), read, "{text}");
        }
        for nothing in [
            "",
            "2026-02-30",
            "yesterday",
            "2026-11-29T01:00",
            "1969-12-31",
        ] {
            assert!(time(nothing).is_err(), "{nothing}");
        }
        let wanted = |since, until| Wanted {
            category: None,
            who: None,
            since: Some(since),
            until: Some(until),
        };
        let later = Timestamp::from_seconds(midnight.seconds() + 1);
        assert!(wanted(midnight, later).filter().is_ok());
        assert!(wanted(midnight, midnight).filter().is_err());
    }

    #[test]
    fn a_report_says_what_was_checked_and_what_is_wrong() {
        let report = |faults: &[&str]| {
            let faults = faults.iter().map(ToString::to_string).collect();
            report_text(&AuditReport {
                events: 3,
                first: Some(1),
                last: Some(3),
                faults,
            })
        };
        assert_eq!(report(&[]), "Checked 3 events (1 to 3): no problems found.");
        assert!(
            report(&["event 2 was changed"]).ends_with("Problems found:\n  - event 2 was changed")
        );
        let nothing = AuditReport {
            events: 0,
            first: None,
            last: None,
            faults: Vec::new(),
        };
        assert_eq!(
            report_text(&nothing),
            "There are no events to check: no problems found."
        );
    }

    #[test]
    fn kinds_have_names() {
        assert_eq!(category("sign_ins"), Ok(Category::SignIns));
        assert!(category("x").is_err_and(|fault| fault.contains("sign_ins, credentials")));
    }
}
