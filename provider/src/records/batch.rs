//! Several records in one round trip.

use std::{marker::PhantomData, time::Duration};

use store::{BatchStep, StepResult, Store, Ttl};

use super::{
    encoding::{Record, decode, encode},
    key::{Key, List},
    steps::{self, Found},
    versioned::Versioned,
};
use crate::unavailable::Unavailable;

/// Steps that are sent together: see [`store::Engine::batch`]. Adding one returns a ticket for its
/// result.
#[derive(Default)]
pub(crate) struct Batch(Vec<OwnedStep>);

enum OwnedStep {
    Get(String),
    Insert(String, Vec<u8>, Ttl),
    Remove(String),
    Add(String, u64, Duration),
    SetAdd(String, String),
    SetRemove(String, String),
}

/// The place of a record that a batch reads.
pub(crate) struct ReadTicket<T> {
    place: usize,
    key: Key<T>,
}

/// The place of a write.
pub(crate) struct WriteTicket<T> {
    place: usize,
    result: PhantomData<fn() -> T>,
}

/// The results of a batch.
pub(crate) struct BatchResults(Vec<Option<StepResult>>);

impl Batch {
    /// Reads a record.
    pub(crate) fn read<T>(&mut self, key: Key<T>) -> ReadTicket<T> {
        let place = self.push(OwnedStep::Get(key.as_str().to_owned()));
        ReadTicket { place, key }
    }

    /// Writes a record where none is: whether there was none.
    pub(crate) fn insert<T: Record>(
        &mut self,
        key: &Key<T>,
        record: &T,
        ttl: Ttl,
    ) -> WriteTicket<bool> {
        self.write(OwnedStep::Insert(
            key.as_str().to_owned(),
            encode(record),
            ttl,
        ))
    }

    /// Removes a record: whether there was one.
    pub(crate) fn remove<T>(&mut self, key: &Key<T>) -> WriteTicket<bool> {
        self.write(OwnedStep::Remove(key.as_str().to_owned()))
    }

    /// Adds an amount to a counter: its value.
    pub(crate) fn add(&mut self, key: &Key<u64>, amount: u64, ttl: Duration) -> WriteTicket<u64> {
        self.write(OwnedStep::Add(key.as_str().to_owned(), amount, ttl))
    }

    /// Lists a name: whether it was not listed.
    pub(crate) fn list_name<T>(&mut self, list: &List<T>, name: &str) -> WriteTicket<bool> {
        self.write(OwnedStep::SetAdd(list.as_str().to_owned(), name.to_owned()))
    }

    /// Takes a name out of a list: whether it was listed.
    pub(crate) fn unlist_name<T>(&mut self, list: &List<T>, name: &str) -> WriteTicket<bool> {
        self.write(OwnedStep::SetRemove(
            list.as_str().to_owned(),
            name.to_owned(),
        ))
    }

    /// Sends the steps.
    ///
    /// # Errors
    /// When the store does not answer. Any of the writes may have happened.
    pub(crate) async fn run(self, store: &Store) -> Result<BatchResults, Unavailable> {
        let steps: Vec<_> = self.0.iter().map(OwnedStep::borrowed).collect();
        let results = store.batch(&steps).await?;
        Ok(BatchResults(results.into_iter().map(Some).collect()))
    }

    fn write<T>(&mut self, step: OwnedStep) -> WriteTicket<T> {
        WriteTicket {
            place: self.push(step),
            result: PhantomData,
        }
    }

    fn push(&mut self, step: OwnedStep) -> usize {
        self.0.push(step);
        self.0.len() - 1
    }
}

impl OwnedStep {
    fn borrowed(&self) -> BatchStep<'_> {
        match self {
            Self::Get(key) => BatchStep::Get { key },
            Self::Insert(key, value, ttl) => BatchStep::Insert {
                key,
                value,
                ttl: *ttl,
            },
            Self::Remove(key) => BatchStep::Remove { key },
            Self::Add(key, amount, ttl) => BatchStep::Add {
                key,
                amount: *amount,
                ttl: *ttl,
            },
            Self::SetAdd(list, member) => BatchStep::SetAdd { list, member },
            Self::SetRemove(list, member) => BatchStep::SetRemove { list, member },
        }
    }
}

impl BatchResults {
    /// A record that was read.
    ///
    /// # Errors
    /// When this release cannot read it.
    pub(crate) fn record<T: Record>(
        &mut self,
        ticket: &ReadTicket<T>,
    ) -> Result<Option<T>, Unavailable> {
        self.value(ticket.place)?
            .map(|bytes| decode(&ticket.key, &bytes))
            .transpose()
    }

    /// A record with its bytes.
    ///
    /// # Errors
    /// When this release cannot read it.
    pub(crate) fn versioned<T: Record>(
        &mut self,
        ticket: &ReadTicket<T>,
    ) -> Result<Option<Versioned<T>>, Unavailable> {
        let bytes = self.value(ticket.place)?;
        Versioned::of(&ticket.key, bytes)
    }

    /// A record that may be one of a newer version.
    ///
    /// # Errors
    /// When the engine answered something else.
    pub(crate) fn found<T: Record>(
        &mut self,
        ticket: &ReadTicket<T>,
    ) -> Result<Found<T>, Unavailable> {
        let bytes = self.value(ticket.place)?;
        Ok(steps::found(&ticket.key, bytes.as_deref()))
    }

    /// The bytes of a record.
    ///
    /// # Errors
    /// When the engine answered something else.
    pub(crate) fn bytes<T>(
        &mut self,
        ticket: &ReadTicket<T>,
    ) -> Result<Option<Vec<u8>>, Unavailable> {
        self.value(ticket.place)
    }

    /// Whether there is a record, also an unreadable one.
    ///
    /// # Errors
    /// When the engine answered something else.
    pub(crate) fn exists<T>(&mut self, ticket: &ReadTicket<T>) -> Result<bool, Unavailable> {
        Ok(self.value(ticket.place)?.is_some())
    }

    /// Whether a write changed something.
    ///
    /// # Errors
    /// When the engine answered something else.
    pub(crate) fn changed(&mut self, ticket: &WriteTicket<bool>) -> Result<bool, Unavailable> {
        Ok(self.result(ticket.place)?.changed()?)
    }

    /// The value of a counter.
    ///
    /// # Errors
    /// When the engine answered something else.
    pub(crate) fn sum(&mut self, ticket: &WriteTicket<u64>) -> Result<u64, Unavailable> {
        Ok(self.result(ticket.place)?.sum()?)
    }

    fn value(&mut self, place: usize) -> Result<Option<Vec<u8>>, Unavailable> {
        Ok(self.result(place)?.value()?)
    }

    fn result(&mut self, place: usize) -> Result<StepResult, Unavailable> {
        self.0
            .get_mut(place)
            .and_then(Option::take)
            .ok_or_else(Unavailable::interrupted)
    }
}
