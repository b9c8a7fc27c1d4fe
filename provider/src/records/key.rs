//! Typed keys of the store.

use std::{borrow::Cow, fmt, marker::PhantomData, ops::Deref, sync::Arc};

use super::keys::Kind;

/// The key of a record, with its type. Only `records::keys` creates them, one constructor for each
/// kind of record, so that a record is never read as another type.
pub(crate) struct Key<T> {
    kind: Kind,
    text: Cow<'static, str>,
    record: PhantomData<fn() -> T>,
}

/// The name of a list of records, and how a name in it leads to one.
pub(crate) struct List<T> {
    name: Cow<'static, str>,
    key_of: Arc<KeyOf<T>>,
}

/// The key of the record of a list entry.
type KeyOf<T> = dyn Fn(&str) -> Key<T> + Send + Sync;

impl<T> Key<T> {
    /// The key of the one record of a kind.
    pub(super) const fn only(kind: Kind) -> Self {
        Self {
            kind,
            text: Cow::Borrowed(kind.prefix()),
            record: PhantomData,
        }
    }

    /// The key of one of many records of a kind.
    pub(super) fn new(kind: Kind, name: fmt::Arguments<'_>) -> Self {
        let text = format!("{}{name}", kind.prefix());
        Self {
            kind,
            text: Cow::Owned(text),
            record: PhantomData,
        }
    }

    /// A key as the store spells it.
    #[cfg(test)]
    pub(super) fn spelled(kind: Kind, text: &str) -> Self {
        Self {
            kind,
            text: Cow::Owned(text.to_owned()),
            record: PhantomData,
        }
    }

    /// As the store spells it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The same key, to read a part of the record.
    pub(crate) fn part<P: PartOf<T>>(self) -> Key<P> {
        Key {
            kind: self.kind,
            text: self.text,
            record: PhantomData,
        }
    }
}

/// Some members of a record, read instead of all.
pub(crate) trait PartOf<T> {}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        Self {
            kind: self.kind,
            text: self.text.clone(),
            record: PhantomData,
        }
    }
}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T> Eq for Key<T> {}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl<T> fmt::Display for Key<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl<T> Deref for Key<T> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl<T> List<T> {
    pub(super) fn new(
        name: impl Into<Cow<'static, str>>,
        key_of: impl Fn(&str) -> Key<T> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            key_of: Arc::new(key_of),
        }
    }

    /// As the store spells it.
    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }

    /// The key of the record of a name in the list.
    pub(crate) fn key(&self, name: &str) -> Key<T> {
        (self.key_of)(name)
    }
}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            key_of: Arc::clone(&self.key_of),
        }
    }
}

impl<T> Deref for List<T> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}
