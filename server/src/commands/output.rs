//! What commands print: short sentences and tables for users, JSON for programs.

use std::io::Write as _;

use oauth::Timestamp;
use provider::{
    AccountSummary, AddedAccount, AddedClient, AdminReply, ChangedClient, ClientKind,
    ClientSummary, IssuerReport, KeySummary, is_deceptive_char,
};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::issuer;

/// Prints a reply; `outcome` is what to print when it has nothing to show. The error is a sentence.
pub(super) fn print(reply: &AdminReply, outcome: &str, json: bool) -> Result<(), String> {
    let text = if json {
        as_json(reply)?
    } else {
        as_text(reply, outcome)
    };
    line(&text)
}

/// The note about entries that are not listed.
pub(super) fn unreadable(count: usize) -> String {
    format!("{count} entries are not listed because this version cannot read them. See the log.")
}

/// The error when the running server sends a reply to a different request.
pub(super) const UNEXPECTED: &str = "The running server sent an unexpected reply. It may be a different version: restart it after an upgrade.";

/// Tells something besides the answer, on standard error: what is printed for programs stays as it
/// is.
pub(super) fn note(sentence: &str) {
    // It may be closed.
    let _ = writeln!(std::io::stderr().lock(), "vestibule: {sentence}");
}

/// Prints a text and ends the line. A reader that closed its end early is no error.
pub(super) fn line(text: &str) -> Result<(), String> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("Cannot write the output: {error}."))
        }
        _ => Ok(()),
    }
}

fn as_json(reply: &AdminReply) -> Result<String, String> {
    match reply {
        AdminReply::AddedAccount(added) => pretty(added),
        AdminReply::Accounts(page) => pretty(&page.rows),
        AdminReply::AddedClient(added) | AdminReply::ClientSecret(added) => pretty(added),
        AdminReply::ChangedClient(changed) => pretty(changed),
        AdminReply::Issuer(report) => pretty(report),
        AdminReply::Clients(page) => pretty(&page.rows),
        AdminReply::Keys(keys) => pretty(keys),
        AdminReply::Link(link) => pretty(&serde_json::json!({ "link": link })),
        AdminReply::AuditPage(page) => pretty(page),
        AdminReply::AuditEntries(events) => pretty(events),
        AdminReply::AuditReport(report) => pretty(report),
        AdminReply::Done | AdminReply::ChangedAccount(_) => {
            pretty(&serde_json::json!({ "done": true }))
        }
    }
}

pub(super) fn pretty<T: Serialize>(value: &T) -> Result<String, String> {
    serde_json::to_string_pretty(value)
        .map_err(|error| format!("Cannot write the result as JSON: {error}."))
}

pub(super) const ACCOUNT_HEADS: [&str; 8] = [
    "EMAIL",
    "NAME",
    "ROLE",
    "STATE",
    "PASSKEYS",
    "PASSWORD",
    "LINK EXPIRES",
    "CREATED",
];

pub(super) const CLIENT_HEADS: [&str; 5] =
    ["CLIENT ID", "NAME", "KIND", "REDIRECT URIS", "CREATED"];

fn as_text(reply: &AdminReply, outcome: &str) -> String {
    match reply {
        AdminReply::AddedAccount(added) => added_account(added),
        AdminReply::AddedClient(added) => added_client(added),
        AdminReply::ClientSecret(added) => {
            format!(
                "{} The old secret no longer works.",
                with_secret(&added.client_id, added.client_secret.as_deref())
            )
        }
        AdminReply::ChangedClient(changed) => changed_client(changed),
        AdminReply::Issuer(report) => issuer(report),
        AdminReply::Keys(keys) => table(
            &["KEY", "FORMAT", "STATE", "SINCE", "UNTIL"],
            keys.iter().map(key),
        ),
        AdminReply::Link(link) => {
            format!("Reset link (works once; earlier links no longer work):\n\n  {link}")
        }
        AdminReply::Done | AdminReply::ChangedAccount(_) => outcome.to_owned(),
        // The commands that ask for these print them.
        AdminReply::Accounts(_)
        | AdminReply::Clients(_)
        | AdminReply::AuditPage(_)
        | AdminReply::AuditEntries(_)
        | AdminReply::AuditReport(_) => String::new(),
    }
}

const INVITED: &str = "was invited. Send them this link to set up the account. It works once";
const INVITED_AGAIN: &str =
    "was already invited; here is a new link (the old one no longer works). It works once";

fn added_account(added: &AddedAccount) -> String {
    let email = &added.account.email;
    let Some(link) = &added.enrolment_link else {
        return format!(
            "{email} was added and can sign in with the password.{}",
            local_domain_note(email)
        );
    };
    let until = added
        .link_expires_at
        .map(|at| format!(" and expires at {}", rfc3339(at)))
        .unwrap_or_default();
    let told = if added.invited_again {
        INVITED_AGAIN
    } else {
        INVITED
    };
    format!(
        "{email} {told}{until}:\n\n  {link}{}",
        local_domain_note(email).replacen(' ', "\n\n", 1)
    )
}

/// The note about an address whose domain cannot receive email from the internet.
pub(super) fn local_domain_note(email: &str) -> &'static str {
    if provider::has_local_domain(email) {
        " The part after the @ has no dot: check the address for a typo."
    } else {
        ""
    }
}

fn added_client(added: &AddedClient) -> String {
    let id = &added.client_id;
    if added.unchanged {
        return format!(
            "client_id  {id}\n\nThis client already exists with these values. Nothing was changed. A client secret is shown only \
             once; run \"vestibule client secret {id}\" to create a new one."
        );
    }
    with_secret(id, added.client_secret.as_deref())
}

fn changed_client(changed: &ChangedClient) -> String {
    let told = match changed.changed.as_slice() {
        [] => "Nothing to change: the client already has these values.".to_owned(),
        changed => format!("Changed: {}.", changed.join(", ")),
    };
    format!(
        "{}\n\n{told}",
        with_secret(&changed.client_id, changed.client_secret.as_deref())
    )
}

fn with_secret(id: &str, secret: Option<&str>) -> String {
    match secret {
        Some(secret) => format!(
            "client_id      {id}\nclient_secret  {secret}\n\nCopy the secret now: it is shown only once."
        ),
        None => format!("client_id  {id}"),
    }
}

fn issuer(report: &IssuerReport) -> String {
    let recorded = report.recorded.as_ref().map_or_else(
        || "none yet (recorded when the server next starts)".to_owned(),
        |recorded| format!("{}, since {}", recorded.issuer, rfc3339(recorded.since)),
    );
    let mut text = format!("Recorded    {recorded}\nConfigured  {}", report.configured);
    if let Some(change) = report.change() {
        text = format!("{text}\n\n{}", issuer::explained(&change));
    }
    text
}

pub(super) fn account(account: &AccountSummary) -> Vec<String> {
    vec![
        account.email.clone(),
        account.name.clone().unwrap_or_else(|| "-".to_owned()),
        account.role.as_str().to_owned(),
        if account.disabled {
            "disabled"
        } else if account.is_pending() {
            "invited"
        } else {
            "active"
        }
        .to_owned(),
        account.passkeys.to_string(),
        if account.has_password { "yes" } else { "no" }.to_owned(),
        account
            .link_expires_at
            .map_or_else(|| "-".to_owned(), rfc3339),
        rfc3339(account.created_at),
    ]
}

/// The client chose its name, so it must not control the terminal.
pub(super) fn client(client: &ClientSummary) -> Vec<String> {
    vec![
        client.client_id.clone(),
        client
            .name
            .chars()
            .filter(|&letter| !is_deceptive_char(letter))
            .take(40)
            .collect(),
        kind(client).to_owned(),
        client.redirect_uris.join(" "),
        rfc3339(client.created_at),
    ]
}

const fn kind(client: &ClientSummary) -> &'static str {
    match (client.blocked, client.kind, client.confidential) {
        (true, ..) => "blocked",
        (_, ClientKind::Document, _) => "document",
        (_, _, true) => "confidential",
        (_, _, false) => "public",
    }
}

fn key(key: &KeySummary) -> Vec<String> {
    let shown = |timestamp: Option<Timestamp>| timestamp.map(rfc3339).unwrap_or_default();
    vec![
        key.kid.clone(),
        key.algorithm.clone().unwrap_or_else(|| "PASETO".to_owned()),
        key.state.as_str().to_owned(),
        shown(key.since),
        shown(key.until),
    ]
}

pub(super) fn rfc3339(timestamp: Timestamp) -> String {
    let seconds = i64::try_from(timestamp.seconds()).ok();
    let time = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    time.and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Columns as wide as their widest cell.
pub(super) fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let heads = heads.iter().map(ToString::to_string).collect();
    let rows: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
    let widths = widths(&rows);
    let line = |row: &Vec<String>| {
        let cells: Vec<_> = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:<width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The width of the widest cell of each column.
fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let mut widths = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bbb"], ["cccc", ""]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            table(&["X", "Y"], rows.into_iter()),
            "X     Y\na     bbb\ncccc"
        );
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(rfc3339(Timestamp::from_seconds(0)), "1970-01-01T00:00:00Z");
    }
}
