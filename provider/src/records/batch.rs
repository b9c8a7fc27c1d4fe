//! Several records in one round trip.

use std::{marker::PhantomData, time::Duration};

use store::{BatchStep, CasResult, StepResult, Store, Ttl};

use super::{
    encoding::{Record, decode, encode},
    key::{Key, List},
    steps::{self, Found},
    versioned::{StoredBytes, Swapped, Versioned},
};
use crate::unavailable::Unavailable;

/// Steps that are sent together: see [`store::Engine::batch`]. Adding one returns a ticket for its
/// result.
#[derive(Default)]
pub(crate) struct Batch(Vec<OwnedStep>);

#[derive(Clone)]
enum OwnedStep {
    Get(String),
    Insert(String, Vec<u8>, Ttl),
    Swap {
        key: String,
        expected: Vec<u8>,
        new: Vec<u8>,
        ttl: Ttl,
    },
    Remove(String),
    Add(String, u64, Duration),
    SetAdd(String, String),
    SetRemove(String, String),
    SetRange(String, Option<String>, usize),
    IfChanged,
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

/// The place of the names of a list.
pub(crate) struct NamesTicket(usize);

/// The place of a swap.
pub(crate) struct SwapTicket<T> {
    place: usize,
    key: Key<T>,
    next: Versioned<T>,
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

    /// Replaces the bytes that a record was read from, with its unknown members.
    pub(crate) fn swap<T: Record>(
        &mut self,
        key: &Key<T>,
        stored: StoredBytes,
        next: T,
        ttl: Ttl,
    ) -> SwapTicket<T> {
        let (expected, next) = stored.replaced(next);
        let step = OwnedStep::Swap {
            key: key.as_str().to_owned(),
            expected,
            new: next.bytes().to_vec(),
            ttl,
        };
        SwapTicket {
            place: self.push(step),
            key: key.clone(),
            next,
        }
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

    /// Reads the first names of a list, at most so many.
    pub(crate) fn first_names<T>(&mut self, list: &List<T>, most: usize) -> NamesTicket {
        self.names_after(list, None, most)
    }

    /// Reads the names of a list after a text, at most so many.
    pub(crate) fn names_after<T>(
        &mut self,
        list: &List<T>,
        after: Option<String>,
        most: usize,
    ) -> NamesTicket {
        NamesTicket(self.push(OwnedStep::SetRange(list.as_str().to_owned(), after, most)))
    }

    /// Ends the batch here, unless the step before changed something: whether it did. Tickets of
    /// later steps have a result only then.
    pub(crate) fn if_changed(&mut self) -> WriteTicket<bool> {
        self.write(OwnedStep::IfChanged)
    }

    /// Adds the steps of another batch, whose tickets lead to nothing here.
    pub(crate) fn copy(&mut self, others: &Self) {
        self.0.extend(others.0.iter().cloned());
    }

    /// Sends the steps.
    ///
    /// # Errors
    /// When the store does not answer. Any of the writes may have happened.
    pub(crate) async fn run(self, store: &Store) -> Result<BatchResults, Unavailable> {
        if self.0.is_empty() {
            return Ok(BatchResults(Vec::new()));
        }
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
            Self::Swap {
                key,
                expected,
                new,
                ttl,
            } => BatchStep::CompareAndSwap {
                key,
                expected,
                new,
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
            Self::SetRange(list, after, most) => BatchStep::SetRange {
                list,
                after: after.as_deref(),
                limit: *most,
            },
            Self::IfChanged => BatchStep::IfChanged,
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

    /// Whether a write changed something, or a condition holds.
    ///
    /// # Errors
    /// When the engine answered something else.
    pub(crate) fn changed(&mut self, ticket: &WriteTicket<bool>) -> Result<bool, Unavailable> {
        Ok(self.result(ticket.place)?.changed()?)
    }

    /// The result of a swap.
    ///
    /// # Errors
    /// When this release cannot read what is there instead.
    pub(crate) fn swapped<T: Record>(
        &mut self,
        ticket: SwapTicket<T>,
    ) -> Result<Swapped<T>, Unavailable> {
        Ok(match self.result(ticket.place)?.swap()? {
            CasResult::Done => Swapped::Done(ticket.next),
            CasResult::Changed(other) => Swapped::Changed(Versioned::of(&ticket.key, other)?),
        })
    }

    /// The names of a list.
    ///
    /// # Errors
    /// When the engine answered something else.
    pub(crate) fn names(&mut self, ticket: &NamesTicket) -> Result<Vec<String>, Unavailable> {
        Ok(self.result(ticket.0)?.members()?)
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
