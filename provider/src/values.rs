//! How values of `oauth`, which knows no serialisation, stand in records, in backups and on the
//! control socket. A field of such a type says `#[serde(with = "crate::values")]`, an optional one
//! `#[serde(default, with = "crate::values")]`.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::{self, Display},
};

use oauth::{
    Digest, Id, Timestamp, epoch::Epoch, pkce::CodeChallenge, redirect::RedirectUri,
    resource::ResourceIdentifier, scope::Scopes,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A value with a plain form: a number, a text, or a list of texts.
pub(crate) trait Value: Sized {
    /// Writes the plain form.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads the plain form.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

pub(crate) fn serialize<V: Value, S: Serializer>(
    value: &V,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.write(serializer)
}

pub(crate) fn deserialize<'de, V: Value, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<V, D::Error> {
    V::read(deserializer)
}

/// A value inside of an option, a list or a map.
struct Written<'a, V>(&'a V);

impl<V: Value> Serialize for Written<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// A value from inside of an option, a list or a map.
struct Read<V>(V);

impl<'de, V: Value> Deserialize<'de> for Read<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        V::read(deserializer).map(Self)
    }
}

/// Values whose plain form is a number, with the functions to it and from it.
macro_rules! numbers {
    ($($value:ty: $write:expr, $read:expr;)+) => { $(
        impl Value for $value {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u64($write(*self))
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                u64::deserialize(deserializer).map($read)
            }
        }
    )+ };
}

/// Values whose plain form is a text, with the function that writes it and the one that reads it.
macro_rules! texts {
    ($($value:ty: $write:expr, $read:expr;)+) => { $(
        impl Value for $value {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&$write(self))
            }

            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text($read))
            }
        }
    )+ };
}

/// Reads a value from a text where it lies, without a copy of the text.
struct Text<F>(F);

impl<V, F: FnOnce(&str) -> Option<V>> de::Visitor<'_> for Text<F> {
    type Value = V;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V, E> {
        (self.0)(text).ok_or_else(|| E::custom(NOT_READABLE))
    }
}

const NOT_READABLE: &str = "a text that is not of its kind";

/// A record that is a value and nothing else.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Plain<V: Value>(#[serde(with = "crate::values")] V);

impl<V: Value + Copy> From<&V> for Plain<V> {
    fn from(value: &V) -> Self {
        Self(*value)
    }
}

/// The values that are records.
macro_rules! records {
    ($($value:ty),+) => { $(
        impl From<Plain<$value>> for $value {
            fn from(Plain(value): Plain<$value>) -> Self {
                value
            }
        }
    )+ };
}

records!(Epoch, Id, Timestamp);

numbers! {
    Timestamp: Timestamp::seconds, Timestamp::from_seconds;
    Epoch: Epoch::number, Epoch::new;
}

texts! {
    Id: displayed, Id::parse;
    Digest: Digest::as_str, Digest::parse;
    CodeChallenge: digest_of, challenge;
    // Parsed when it came in. A page that lists grants reads many, and a parser of URLs for each
    // would be most of its work.
    ResourceIdentifier: displayed, |text: &str| Some(ResourceIdentifier::parsed_before(text));
    // Validated when its client registered; what the settings allow is asked at each use.
    RedirectUri: RedirectUri::as_str, |text: &str| Some(RedirectUri::registered_before(text));
}

fn displayed<V: Display>(value: &V) -> &V {
    value
}

fn digest_of(challenge: &CodeChallenge) -> &str {
    challenge.digest().as_str()
}

fn challenge(text: &str) -> Option<CodeChallenge> {
    Digest::parse(text).map(CodeChallenge::from_digest)
}

impl Value for Scopes {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<String>::deserialize(deserializer).map(|words| words.into_iter().collect())
    }
}

impl<V: Value> Value for Option<V> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Written).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Option::<Read<V>>::deserialize(deserializer)?;
        Ok(read.map(|Read(value)| value))
    }
}

impl<V: Value> Value for Vec<V> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Written))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Vec::<Read<V>>::deserialize(deserializer)?;
        Ok(read.into_iter().map(|Read(value)| value).collect())
    }
}

impl<V: Value> Value for BTreeMap<String, V> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(name, value)| (name, Written(value))))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = BTreeMap::<String, Read<V>>::deserialize(deserializer)?;
        Ok(read
            .into_iter()
            .map(|(name, Read(value))| (name, value))
            .collect())
    }
}

impl<V: Value + Clone> Value for Cow<'_, V> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        V::write(self, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        V::read(deserializer).map(Cow::Owned)
    }
}

impl<V: Value + Clone> Value for Cow<'_, [V]> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Written))
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::read(deserializer).map(Cow::Owned)
    }
}
