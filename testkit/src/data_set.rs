//! A store with many accounts, clients and grants, written through the store in batches. The records
//! are the goldens of `provider` with other ids, names and times.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use store::{BatchStep, Result, Store, Ttl};

const ACCOUNT: &str = include_str!("../../provider/tests/golden/v1/account.with-a-password.json");
const CLIENT: &str = include_str!("../../provider/tests/golden/v1/client.registered.json");
const GRANT: &str = include_str!("../../provider/tests/golden/v1/grant.active.json");
/// The record of a list that sorts, once it is complete.
const SORTED: &str = r#"{"v":1,"complete":true,"after":null}"#;
/// What the goldens say where each of many has its own.
const ACCOUNT_ID: &str = "Fo5lY4vSTYcifRVZRB8mjA";
const ADDRESS: &str = "bob@example.com";
const CLIENT_ID: &str = "vc_WBvkyAKy6cwJZrmFOVGMiQ";
const CLIENT_NAME: &str = "Notes";
const GRANT_CLIENT: &str = "\"client_id\":\"remote\"";
const RESOURCE: &str = "http://localhost:18450/mcp";
const FAMILY: &str = "XBVc57T-pflABQ3vGdM2Sh3uqH2j0-jGBNGbo1YXpsY";
const CURRENT: &str = "28oP_3XCJ6G6d6SnBdZuPx2-j0ARhTF5kn6dhw6GR4o";
/// The times of the goldens begin with this, in the year 2100.
const THEN: u64 = 4_102_444_800;
const THEN_EXPIRES: u64 = 4_110_220_804;
/// How many records of a kind are written at once.
const BATCH: u64 = 2_000;
const DAY: Duration = Duration::from_hours(24);

/// The kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Accounts, each with the record of its address.
    Accounts,
    /// Clients that registered themselves.
    Clients,
    /// Grants, each of the account and the client of the same number.
    Grants,
}

impl Kind {
    /// The lists that sort the records.
    pub const fn sorted_lists(self) -> &'static [&'static str] {
        match self {
            Self::Accounts => &[
                "accounts-by-address",
                "accounts-by-sign-in",
                "accounts-by-creation",
            ],
            Self::Clients => &["clients-by-name", "clients-by-use", "clients-by-creation"],
            Self::Grants => &[],
        }
    }

    const fn ttl(self) -> Ttl {
        match self {
            Self::Accounts => Ttl::Forever,
            Self::Clients => Ttl::For(DAY.saturating_mul(180)),
            Self::Grants => Ttl::For(DAY.saturating_mul(90)),
        }
    }
}

/// As many accounts, clients and grants. They are numbered from 0; neighbouring numbers have
/// neighbouring ids, but names far from each other.
#[derive(Clone, Debug)]
pub struct DataSet {
    count: u64,
    made: u64,
    account: String,
    client: String,
    grant: String,
}

/// Everything that is written for one of a kind.
struct Row {
    records: Vec<(String, String)>,
    /// Lists and their members; those that sort are last.
    members: Vec<(String, String)>,
}

impl DataSet {
    /// `count` of each kind, made at `now` in seconds since 1970; the grants are for `resource`.
    pub fn new(count: u64, resource: &str, now: u64) -> Self {
        let compact = |golden: &str| {
            let value: Value = serde_json::from_str(golden).expect("a golden is JSON");
            let mut text = value.to_string();
            for seconds in 0..10 {
                text = text.replace(&(THEN + seconds).to_string(), &now.to_string());
            }
            text
        };
        let expires = now + 90 * DAY.as_secs();
        let grant = compact(GRANT)
            .replace(RESOURCE, resource)
            .replace(&THEN_EXPIRES.to_string(), &expires.to_string());
        Self {
            count,
            made: now,
            account: compact(ACCOUNT),
            client: compact(CLIENT),
            grant,
        }
    }

    /// How many there are of each kind.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// What the one in this place of the list by name is sorted by.
    pub fn name(kind: Kind, place: u64) -> String {
        match kind {
            Kind::Accounts => format!("person.{place:07}@example.com"),
            Kind::Clients | Kind::Grants => format!("client {place:07}"),
        }
    }

    /// The `client_id` of a client.
    pub fn client_id(number: u64) -> String {
        format!("vc_{}", id(Kind::Clients, number))
    }

    /// The valid refresh token of a grant.
    pub fn refresh_token(number: u64) -> String {
        format!(
            "vrt_{}{}{}{}",
            id(Kind::Accounts, number),
            id(Kind::Grants, number),
            URL_SAFE_NO_PAD.encode(secret("family", number)),
            URL_SAFE_NO_PAD.encode(secret("current", number)),
        )
    }

    /// Writes all of a kind. With `is_sorted`, the lists that sort them are written too, and marked as
    /// complete; without, as an earlier release would have left them.
    pub async fn fill(&self, store: &Store, kind: Kind, is_sorted: bool) -> Result<()> {
        let ttl = kind.ttl();
        for rows in self.batches(kind) {
            let mut steps = Vec::new();
            for row in &rows {
                let records = row.records.iter().map(|(key, value)| BatchStep::Insert {
                    key,
                    value: value.as_bytes(),
                    ttl,
                });
                steps.extend(records);
                let unsorted = row
                    .members
                    .iter()
                    .filter(|(list, _)| is_sorted || !kind.sorted_lists().contains(&&**list));
                steps.extend(unsorted.map(|(list, member)| BatchStep::SetAdd { list, member }));
            }
            store.batch(&steps).await?;
        }
        for list in kind.sorted_lists().iter().filter(|_| is_sorted) {
            let key = format!("sorting:{list}");
            store.insert(&key, SORTED.as_bytes(), Ttl::Forever).await?;
        }
        Ok(())
    }

    /// Removes all of a kind but one of `kept`.
    pub async fn thin_out(&self, store: &Store, kind: Kind, kept: usize) -> Result<()> {
        for rows in self.batches(kind) {
            let mut steps = Vec::new();
            let removed = rows.iter().enumerate();
            for (_, row) in removed.filter(|(number, _)| number % kept != 0) {
                let records = row.records.iter().map(|(key, _)| BatchStep::Remove { key });
                steps.extend(records);
                let members = row.members.iter();
                steps.extend(members.map(|(list, member)| BatchStep::SetRemove { list, member }));
            }
            store.batch(&steps).await?;
        }
        Ok(())
    }

    fn batches(&self, kind: Kind) -> impl Iterator<Item = Vec<Row>> {
        let starts = (0..self.count).step_by(usize::try_from(BATCH).unwrap_or(usize::MAX));
        starts.map(move |first| {
            let numbers = first..self.count.min(first + BATCH);
            numbers.map(|number| self.row(kind, number)).collect()
        })
    }

    fn row(&self, kind: Kind, number: u64) -> Row {
        match kind {
            Kind::Accounts => self.account(number),
            Kind::Clients => self.client(number),
            Kind::Grants => self.grant(number),
        }
    }

    fn account(&self, number: u64) -> Row {
        let id = id(Kind::Accounts, number);
        let address = Self::name(Kind::Accounts, self.place(number));
        let record = self.account.replace(ACCOUNT_ID, &id);
        let by_address = format!("email:{}", digest(address.as_bytes()));
        let made = self.backwards();
        Row {
            records: vec![
                (format!("account:{id}"), record.replace(ADDRESS, &address)),
                (by_address, format!("\"{id}\"")),
            ],
            members: vec![
                ("accounts".to_owned(), id.clone()),
                ("accounts-by-address".to_owned(), format!("{address} {id}")),
                (
                    "accounts-by-sign-in".to_owned(),
                    format!("{made}{made} {id}"),
                ),
                ("accounts-by-creation".to_owned(), format!("{made} {id}")),
            ],
        }
    }

    fn client(&self, number: u64) -> Row {
        let id = Self::client_id(number);
        let name = Self::name(Kind::Clients, self.place(number));
        let record = self.client.replace(CLIENT_ID, &id);
        let made = self.backwards();
        Row {
            records: vec![(format!("client:{id}"), record.replace(CLIENT_NAME, &name))],
            members: vec![
                ("clients".to_owned(), id.clone()),
                ("clients-by-name".to_owned(), format!("{name}\t{id}")),
                ("clients-by-use".to_owned(), format!("{made}{made}\t{id}")),
                ("clients-by-creation".to_owned(), format!("{made}\t{id}")),
            ],
        }
    }

    fn grant(&self, number: u64) -> Row {
        let account = id(Kind::Accounts, number);
        let grant = id(Kind::Grants, number);
        let client = format!("\"client_id\":\"{}\"", Self::client_id(number));
        let record = self
            .grant
            .replace(GRANT_CLIENT, &client)
            .replace(FAMILY, &digest(&secret("family", number)))
            .replace(CURRENT, &digest(&secret("current", number)));
        Row {
            records: vec![(format!("grant:{account}:{grant}"), record)],
            members: vec![(format!("grants:{account}"), grant)],
        }
    }

    /// When all were made and used, as the lists have it.
    fn backwards(&self) -> String {
        format!("{:010}", 9_999_999_999_u64.saturating_sub(self.made))
    }

    /// The place of a number in the list by name: a permutation, since the factor is a prime number.
    fn place(&self, number: u64) -> u64 {
        const PRIME: u128 = 2_654_435_761;
        let place = u128::from(number) * PRIME % u128::from(self.count);
        u64::try_from(place).unwrap_or_default()
    }
}

/// Sixteen bytes in base64url. They grow with the number, so that a tree is filled from left to right.
fn id(kind: Kind, number: u64) -> String {
    let spread = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let low = (spread << 8 | kind as u128) & (u128::MAX >> 32);
    let bytes = (u128::from(number) << 96 | low).to_be_bytes();
    URL_SAFE_NO_PAD.encode(bytes)
}

fn secret(purpose: &str, number: u64) -> [u8; 32] {
    Sha256::digest(format!("{purpose} {number}")).into()
}

fn digest(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_its_own_id_and_name() {
        let set = DataSet::new(1000, "https://notes.example", 1_800_000_000);
        for kind in [Kind::Accounts, Kind::Clients, Kind::Grants] {
            let rows: Vec<Row> = set.batches(kind).flatten().collect();
            assert_eq!(rows.len(), 1000);
            let keys: BTreeSet<_> = rows.iter().map(|row| &row.records[0].0).collect();
            let members: BTreeSet<_> = rows.iter().map(|row| row.members.last()).collect();
            assert_eq!((keys.len(), members.len()), (1000, 1000), "{kind:?}");
        }
    }

    #[test]
    fn nothing_of_the_goldens_is_left_that_should_differ() {
        let set = DataSet::new(10, "https://notes.example", 1_800_000_000);
        for kind in [Kind::Accounts, Kind::Clients, Kind::Grants] {
            let row = set.row(kind, 7);
            let (_, record) = &row.records[0];
            for old in [
                ACCOUNT_ID,
                ADDRESS,
                CLIENT_ID,
                CLIENT_NAME,
                GRANT_CLIENT,
                RESOURCE,
                FAMILY,
                CURRENT,
                "41024448",
                "41102208",
            ] {
                assert!(!record.contains(old), "{old} in {record}");
            }
        }
    }
}
