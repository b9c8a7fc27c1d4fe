//! Records as bytes, and the steps on them that every deed needs.
//!
//! Expiry in the store is hygiene: it sets when a record may be forgotten, by a real clock. Expiry
//! in the record is law: it is judged against the server's own clock. The store keeps records a
//! little longer than the law needs.

mod listing;
mod unknown;

use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use store::{CasResult, Store, Ttl};

pub use self::listing::Listing;
use self::unknown::handed_on;
use crate::problem::Unavailable;

/// How often a change is tried again when others change the same record first. Each try means that
/// another one succeeded.
const MOST_TRIES: usize = 64;
/// How many names of a list are looked at when one is added.
const A_FEW: usize = 8;
const SLACK: Duration = Duration::from_mins(1);
/// Bytes that hold a grant, the record that is written most.
const USUAL_LENGTH: usize = 1024;

/// How long to keep a record that matters for `span`.
pub(crate) fn ttl(span: Duration) -> Ttl {
    Ttl::For(span.saturating_add(SLACK))
}

pub(crate) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL_LENGTH);
    #[expect(
        clippy::expect_used,
        reason = "our records have string keys and no failing serialisers"
    )]
    serde_json::to_writer(&mut bytes, record).expect("records serialise");
    bytes
}

pub(crate) fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, Unavailable> {
    serde_json::from_slice(bytes).map_err(|error| Unavailable::unreadable(key, &error))
}

/// Reads a record.
pub(crate) async fn read<T: DeserializeOwned>(
    store: &Store,
    key: &str,
) -> Result<Option<T>, Unavailable> {
    store
        .get(key)
        .await?
        .map(|bytes| decode(key, &bytes))
        .transpose()
}

/// What lies under a key.
pub(crate) enum Found<T> {
    Nothing,
    /// Something that this version cannot read; it is in the log.
    Unreadable,
    Record(T),
}

impl<T> Found<T> {
    /// The record; what cannot be read counts as nothing.
    pub(crate) fn record(self) -> Option<T> {
        match self {
            Self::Record(record) => Some(record),
            Self::Nothing | Self::Unreadable => None,
        }
    }
}

/// Makes of bytes what this version can.
pub(crate) fn found<T: DeserializeOwned>(key: &str, bytes: Option<Vec<u8>>) -> Found<T> {
    match bytes.map(|bytes| serde_json::from_slice(&bytes)) {
        None => Found::Nothing,
        Some(Ok(record)) => Found::Record(record),
        Some(Err(error)) => {
            tracing::warn!(key, %error, "a record cannot be read and is passed over");
            Found::Unreadable
        }
    }
}

/// Reads a record that may be one of a newer version.
pub(crate) async fn find<T: DeserializeOwned>(
    store: &Store,
    key: &str,
) -> Result<Found<T>, Unavailable> {
    Ok(found(key, store.get(key).await?))
}

/// One of several things in a record: one that this version does not know is kept as it is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Maybe<T> {
    Known(T),
    Unknown(Value),
}

impl<T> Maybe<T> {
    pub(crate) const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(one) => Some(one),
            Self::Unknown(_) => None,
        }
    }

    pub(crate) fn into_known(self) -> Option<T> {
        match self {
            Self::Known(one) => Some(one),
            Self::Unknown(_) => None,
        }
    }
}

/// Reads a record and removes it, in one step.
pub(crate) async fn take<T: DeserializeOwned>(
    store: &Store,
    key: &str,
) -> Result<Option<T>, Unavailable> {
    store
        .take(key)
        .await?
        .map(|bytes| decode(key, &bytes))
        .transpose()
}

/// Writes a record where none is. `false` when there is one.
pub(crate) async fn insert<T: Serialize>(
    store: &Store,
    key: &str,
    record: &T,
    ttl: Ttl,
) -> Result<bool, Unavailable> {
    Ok(store.insert(key, &encode(record), ttl).await?)
}

/// What a change leads to: the record to store, if any, for how long, and the answer.
pub(crate) struct Change<T, A> {
    pub(crate) next: Option<(T, Ttl)>,
    pub(crate) answer: A,
}

impl<T, A, E> Change<T, Result<A, E>> {
    /// Nothing changes, and the answer is no.
    pub(crate) const fn refuse(reason: E) -> Self {
        Self {
            next: None,
            answer: Err(reason),
        }
    }
}

/// A record, and what this version would store of it: members that it does not know are missing
/// there.
fn current<T: Serialize + DeserializeOwned>(
    key: &str,
    bytes: Option<&[u8]>,
) -> Result<(Option<T>, Vec<u8>), Unavailable> {
    let Some(bytes) = bytes else {
        return Ok((None, Vec::new()));
    };
    let record = decode(key, bytes)?;
    let known = encode(&record);
    Ok((Some(record), known))
}

/// The bytes of a record in the place of another one, whose members that this version does not know
/// it hands on.
pub(crate) fn succeeding<T: Serialize>(stored: &[u8], known: &T, next: &T) -> Vec<u8> {
    handed_on(stored, &encode(known), encode(next))
}

/// Changes a record by compare-and-swap, starting from `bytes`; `decide` is asked anew whenever
/// another was faster.
pub(crate) async fn change_from<T, A>(
    store: &Store,
    key: &str,
    mut bytes: Option<Vec<u8>>,
    mut decide: impl FnMut(Option<T>) -> Change<T, A>,
) -> Result<A, Unavailable>
where
    T: Serialize + DeserializeOwned,
{
    for _ in 0..MOST_TRIES {
        let (current, known) = current(key, bytes.as_deref())?;
        let change = decide(current);
        let (Some((next, ttl)), Some(expected)) = (change.next, &bytes) else {
            return Ok(change.answer);
        };
        let next = handed_on(expected, &known, encode(&next));
        match store.compare_and_swap(key, expected, &next, ttl).await? {
            CasResult::Done => return Ok(change.answer),
            CasResult::Changed(other) => bytes = other,
        }
    }
    Err(Unavailable::contended())
}

/// Changes a record by compare-and-swap. A record that does not exist is never made.
pub(crate) async fn change<T, A>(
    store: &Store,
    key: &str,
    decide: impl FnMut(Option<T>) -> Change<T, A>,
) -> Result<A, Unavailable>
where
    T: Serialize + DeserializeOwned,
{
    let bytes = store.get(key).await?;
    change_from(store, key, bytes, decide).await
}

/// Writes a record by compare-and-swap, or by insert where none is: `decide` says what, and is
/// asked anew whenever another was faster.
pub(crate) async fn put<T>(
    store: &Store,
    key: &str,
    mut decide: impl FnMut(Option<T>) -> (T, Ttl),
) -> Result<T, Unavailable>
where
    T: Serialize + DeserializeOwned,
{
    let mut bytes = store.get(key).await?;
    for _ in 0..MOST_TRIES {
        let (current, known) = current(key, bytes.as_deref())?;
        let (next, ttl) = decide(current);
        let encoded = encode(&next);
        match &bytes {
            Some(expected) => {
                let encoded = handed_on(expected, &known, encoded);
                match store.compare_and_swap(key, expected, &encoded, ttl).await? {
                    CasResult::Done => return Ok(next),
                    CasResult::Changed(other) => bytes = other,
                }
            }
            None if store.insert(key, &encoded, ttl).await? => return Ok(next),
            None => bytes = store.get(key).await?,
        }
    }
    Err(Unavailable::contended())
}

/// What became of many steps, which go on when one fails.
#[derive(Default)]
pub(crate) struct Outcomes {
    first: Option<Unavailable>,
    in_a_row: usize,
}

impl Outcomes {
    /// How many failures in a row mean that the store does not answer at all.
    const ENOUGH: usize = 3;

    /// Adds one. The error is the first of all, when it makes no sense to go on.
    pub(crate) fn add<T>(
        &mut self,
        outcome: Result<T, Unavailable>,
    ) -> Result<Option<T>, Unavailable> {
        match outcome {
            Ok(done) => {
                self.in_a_row = 0;
                Ok(Some(done))
            }
            Err(error) => {
                let first = self.first.get_or_insert(error).clone();
                self.in_a_row += 1;
                if self.in_a_row < Self::ENOUGH {
                    Ok(None)
                } else {
                    Err(first)
                }
            }
        }
    }

    /// The first failure, if there was one.
    pub(crate) fn end(self) -> Result<(), Unavailable> {
        self.first.map_or(Ok(()), Err)
    }
}

/// Names in a list outlive the records they name. Looking at a few, from the random name `from` on,
/// whenever one is added keeps the list about as long as there are records.
pub(crate) async fn forget_lapsed(
    store: &Store,
    list: &str,
    from: &str,
    key: impl Fn(&str) -> String,
) -> Result<(), Unavailable> {
    for name in store.set_range(list, Some(from), A_FEW).await? {
        if store.get(&key(&name)).await?.is_none() {
            store.set_remove(list, &name).await?;
        }
    }
    Ok(())
}
