//! `vestibule account list`: page by page, so that the first one is printed at once, however many
//! there are.

use std::process::ExitCode;

use clap::Args;
use provider::{AccountSummary, AdminCommand, AdminReply, PageRequest, SortedPage};

use super::{
    administer::administer,
    operations::Operation,
    output::{self, line, note, pretty, table},
};
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct Listed {
    /// Those that begin with this only
    beginning: Option<String>,
    /// How many at the most
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

impl From<Listed> for PageRequest {
    fn from(Listed { beginning, limit }: Listed) -> Self {
        Self {
            prefix: beginning.unwrap_or_default(),
            after: None,
            limit: limit.map_or(usize::MAX, |limit| {
                usize::try_from(limit).unwrap_or(usize::MAX)
            }),
        }
    }
}

/// Prints the accounts that are wanted. The error is a sentence.
pub(super) async fn accounts(
    config: &Config,
    mut wanted: PageRequest,
    json: bool,
) -> Result<ExitCode, String> {
    let mut printed = Printed::new(json);
    loop {
        let page = wanted.clone();
        let operation = Operation::showing(AdminCommand::ListAccounts { page });
        // A changed issuer is told once.
        let operation = if wanted.after.is_none() {
            operation.showing_users()
        } else {
            operation
        };
        let AdminReply::Accounts(page) = administer(config, operation).await? else {
            return Err(output::UNEXPECTED.to_owned());
        };
        printed.page(&page)?;
        wanted.limit = wanted
            .limit
            .saturating_sub(page.rows.len() + page.unreadable);
        wanted.after = page.next;
        if wanted.limit == 0 || wanted.after.is_none() {
            return printed.end(&wanted.prefix).map(|()| ExitCode::SUCCESS);
        }
    }
}

/// What was printed so far.
struct Printed {
    json: bool,
    rows: usize,
    unreadable: usize,
}

impl Printed {
    const fn new(json: bool) -> Self {
        Self {
            json,
            rows: 0,
            unreadable: 0,
        }
    }

    fn page(&mut self, page: &SortedPage<AccountSummary>) -> Result<(), String> {
        let is_first = self.rows == 0;
        self.rows += page.rows.len();
        self.unreadable += page.unreadable;
        if page.rows.is_empty() {
            return Ok(());
        }
        if self.json {
            return line(&items(&page.rows, is_first)?);
        }
        let text = table(
            &output::ACCOUNT_HEADS,
            page.rows.iter().map(output::account),
        );
        let rows = text.split_once('\n').map_or("", |(_, rows)| rows);
        line(if is_first { &text } else { rows })
    }

    fn end(self, beginning: &str) -> Result<(), String> {
        match (self.json, self.rows) {
            (true, 0) => line("[]")?,
            (true, _) => line("]")?,
            (false, 0) if beginning.is_empty() => line("There is no account yet.")?,
            (false, 0) => line("No address begins with that.")?,
            (false, _) => {}
        }
        if self.unreadable > 0 {
            note(&output::unreadable(self.unreadable));
        }
        Ok(())
    }
}

/// Rows as members of a JSON array, which the first of them begin.
fn items(rows: &[AccountSummary], is_first: bool) -> Result<String, String> {
    let array = pretty(&rows)?;
    let items = array.trim_start_matches('[').trim_end_matches(']');
    let begin = if is_first { '[' } else { ',' };
    Ok(format!("{begin}{}", items.trim_end()))
}
