//! Records as bytes.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{key::Key, version};
use crate::unavailable::Unavailable;

/// The size of a grant, the record that is written most.
const USUAL_LENGTH: usize = 1024;

/// What a key leads to: a type of the domain, and the shape in which it is stored. The shape is a
/// contract with other releases; the type is free to change.
pub(crate) trait Record: Sized {
    /// The newest shape, which borrows from the record, or from the bytes it is read from.
    type Stored<'a>: Serialize + Deserialize<'a>
    where
        Self: 'a;

    /// The shape to store.
    fn to_stored(&self) -> Self::Stored<'_>;

    /// The record of a stored shape.
    ///
    /// # Errors
    /// [`Malformed`] when the domain does not allow the value.
    fn from_stored(stored: Self::Stored<'_>) -> Result<Self, Malformed>;
}

/// Implements [`Record`] for types with `From` and `TryFrom` between them and their shape.
macro_rules! stored_as {
    ($($record:ty => $shape:ty),+ $(,)?) => { $(
        impl $crate::records::Record for $record {
            type Stored<'a> = $shape;

            fn to_stored(&self) -> Self::Stored<'_> {
                self.into()
            }

            fn from_stored(
                stored: Self::Stored<'_>,
            ) -> Result<Self, $crate::records::Malformed> {
                Ok(stored.try_into()?)
            }
        }
    )+ };
}

/// Implements [`Record`] for types that are their own shape.
macro_rules! stored_as_itself {
    ($($record:ty),+ $(,)?) => { $(
        impl $crate::records::Record for $record {
            type Stored<'a> = $crate::records::Itself<'a, Self>;

            fn to_stored(&self) -> Self::Stored<'_> {
                $crate::records::Itself::Borrowed(self)
            }

            fn from_stored(
                stored: Self::Stored<'_>,
            ) -> Result<Self, $crate::records::Malformed> {
                stored.into_owned()
            }
        }
    )+ };
}

pub(crate) use {stored_as, stored_as_itself};

/// A stored value that the domain does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a member cannot be used: {}", self.0)
    }
}

impl From<std::convert::Infallible> for Malformed {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// A record that is its own shape: borrowed to be written, owned when it was read.
pub(crate) enum Itself<'a, T> {
    /// To be written.
    Borrowed(&'a T),
    /// As it was read.
    Owned(T),
}

impl<T> Itself<'_, T> {
    /// The value that was read.
    ///
    /// # Errors
    /// [`Malformed`] for shapes that are only written.
    pub(crate) fn into_owned(self) -> Result<T, Malformed> {
        match self {
            Self::Owned(record) => Ok(record),
            Self::Borrowed(_) => Err(Malformed("it is only borrowed")),
        }
    }
}

impl<T: Serialize> Serialize for Itself<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Borrowed(record) => record.serialize(serializer),
            Self::Owned(record) => record.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Itself<'_, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Owned)
    }
}

/// The bytes of a record.
pub(crate) fn encode<T: Record>(record: &T) -> Vec<u8> {
    to_json(&record.to_stored())
}

/// How many bytes a record takes.
pub(crate) fn size<T: Record>(record: &T) -> usize {
    encode(record).len()
}

/// The bytes of a value that is no record: a line of a backup, the input of a hash.
pub(crate) fn to_json<T: Serialize>(shape: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(USUAL_LENGTH);
    #[expect(
        clippy::expect_used,
        reason = "our shapes have string keys and no failing serialisers"
    )]
    serde_json::to_writer(&mut bytes, shape).expect("shapes serialise");
    bytes
}

/// Reads the bytes of a record.
///
/// # Errors
/// Why they are none that this release reads.
pub(crate) fn parse<T: Record>(bytes: &[u8]) -> Result<T, String> {
    let stored = serde_json::from_slice(bytes)
        .map_err(|error| version::fault_of(bytes).unwrap_or_else(|| error.to_string()))?;
    T::from_stored(stored).map_err(|malformed| malformed.to_string())
}

/// Reads the bytes under a key.
///
/// # Errors
/// [`Unavailable`] when this release cannot read them; the log says why.
pub(crate) fn decode<T: Record>(key: &Key<T>, bytes: &[u8]) -> Result<T, Unavailable> {
    parse(bytes).map_err(|why| Unavailable::unreadable(key.as_str(), &why))
}

stored_as_itself!(u64);
