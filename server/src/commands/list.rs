//! `vestibule account list` and `client list`: page by page, so that the first one is printed at
//! once, however many there are.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use provider::{
    AccountSummary, AdminCommand, AdminReply, ClientSummary, PageRequest, SortOrder, SortedPage,
};
use serde::Serialize;

use super::{
    administer::administer,
    operations::Operation,
    output::{self, line, note, pretty, table},
};
use crate::config::Config;

#[derive(Debug, Args)]
pub(super) struct Listed {
    /// Only entries that start with this text
    beginning: Option<String>,
    /// Maximum number of entries
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Sort by name or address, last use, or age. With BEGINNING, the list is always by name
    #[arg(long, value_enum, default_value_t)]
    sort: Sort,
}

/// An order, as it is chosen.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Sort {
    /// By name, or by address
    #[default]
    #[value(alias = "address", alias = "email")]
    Name,
    /// Last used first
    Used,
    /// Newest first
    Newest,
}

impl From<Sort> for SortOrder {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Name => Self::Name,
            Sort::Used => Self::Used,
            Sort::Newest => Self::Newest,
        }
    }
}

impl From<Listed> for PageRequest {
    fn from(listed: Listed) -> Self {
        let Listed {
            beginning,
            limit,
            sort,
        } = listed;
        Self {
            order: sort.into(),
            prefix: beginning.unwrap_or_default(),
            after: None,
            limit: limit.map_or(usize::MAX, |limit| {
                usize::try_from(limit).unwrap_or(usize::MAX)
            }),
        }
    }
}

/// What a line of a list shows.
pub(super) trait Listable: Serialize + Sized {
    /// The heads of the columns.
    const HEADS: &'static [&'static str];
    /// What is printed when there is none.
    const NONE: &'static str;
    /// What is printed when no entry matches.
    const NONE_FOUND: &'static str;

    /// The operation that reads a page.
    fn operation(page: PageRequest) -> Operation;

    /// The page of its reply.
    fn page(reply: AdminReply) -> Option<SortedPage<Self>>;

    /// The columns.
    fn cells(&self) -> Vec<String>;
}

impl Listable for AccountSummary {
    const HEADS: &'static [&'static str] = &output::ACCOUNT_HEADS;
    const NONE: &'static str = "No accounts.";
    const NONE_FOUND: &'static str = "No matching accounts.";

    fn operation(page: PageRequest) -> Operation {
        // A changed issuer is told once.
        let is_first = page.after.is_none();
        let operation = Operation::showing(AdminCommand::ListAccounts { page });
        if is_first {
            operation.showing_users()
        } else {
            operation
        }
    }

    fn page(reply: AdminReply) -> Option<SortedPage<Self>> {
        let AdminReply::Accounts(page) = reply else {
            return None;
        };
        Some(page)
    }

    fn cells(&self) -> Vec<String> {
        output::account(self)
    }
}

impl Listable for ClientSummary {
    const HEADS: &'static [&'static str] = &output::CLIENT_HEADS;
    const NONE: &'static str = "No clients.";
    const NONE_FOUND: &'static str = "No matching clients.";

    fn operation(page: PageRequest) -> Operation {
        Operation::showing(AdminCommand::ListClients { page })
    }

    fn page(reply: AdminReply) -> Option<SortedPage<Self>> {
        let AdminReply::Clients(page) = reply else {
            return None;
        };
        Some(page)
    }

    fn cells(&self) -> Vec<String> {
        output::client(self)
    }
}

/// Prints the rows that are wanted. The error is a sentence.
pub(super) async fn list<T: Listable>(
    config: &Config,
    mut wanted: PageRequest,
    json: bool,
) -> Result<ExitCode, String> {
    let mut printed = Printed::new(json);
    loop {
        let reply = administer(config, T::operation(wanted.clone())).await?;
        let page = T::page(reply).ok_or_else(|| output::UNEXPECTED.to_owned())?;
        printed.page(&page)?;
        wanted.limit = wanted
            .limit
            .saturating_sub(page.rows.len() + page.unreadable);
        wanted.after = page.next;
        if wanted.limit == 0 || wanted.after.is_none() {
            return printed.end::<T>(&wanted.prefix).map(|()| ExitCode::SUCCESS);
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

    fn page<T: Listable>(&mut self, page: &SortedPage<T>) -> Result<(), String> {
        let is_first = self.rows == 0;
        self.rows += page.rows.len();
        self.unreadable += page.unreadable;
        if page.rows.is_empty() {
            return Ok(());
        }
        if self.json {
            return line(&items(&page.rows, is_first)?);
        }
        let text = table(T::HEADS, page.rows.iter().map(T::cells));
        let rows = text.split_once('\n').map_or("", |(_, rows)| rows);
        line(if is_first { &text } else { rows })
    }

    fn end<T: Listable>(self, beginning: &str) -> Result<(), String> {
        match (self.json, self.rows) {
            (true, 0) => line("[]")?,
            (true, _) => line("]")?,
            (false, 0) if beginning.is_empty() => line(T::NONE)?,
            (false, 0) => line(T::NONE_FOUND)?,
            (false, _) => {}
        }
        if self.unreadable > 0 {
            note(&output::unreadable(self.unreadable));
        }
        Ok(())
    }
}

/// Rows as members of a JSON array, which the first of them begin.
fn items<T: Serialize>(rows: &[T], is_first: bool) -> Result<String, String> {
    let array = pretty(&rows)?;
    let items = array.trim_start_matches('[').trim_end_matches(']');
    let begin = if is_first { '[' } else { ',' };
    Ok(format!("{begin}{}", items.trim_end()))
}
