//! Times in tokens and documents: RFC 3339 in UTC, as PASETO registers `iat` and `exp`.

use serde::{Deserialize, Deserializer, Serializer, de, ser};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// The same instant in UTC without its fraction of a second.
pub(crate) fn whole_seconds(at: OffsetDateTime) -> OffsetDateTime {
    let utc = at.to_offset(UtcOffset::UTC);
    utc.replace_nanosecond(0).unwrap_or(utc)
}

pub(crate) fn serialize<S: Serializer>(at: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
    let text = whole_seconds(*at)
        .format(&Rfc3339)
        .map_err(ser::Error::custom)?;
    to.serialize_str(&text)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<OffsetDateTime, D::Error> {
    let text = String::deserialize(from)?;
    let at = OffsetDateTime::parse(&text, &Rfc3339).map_err(de::Error::custom)?;
    Ok(whole_seconds(at))
}

/// Like this module, for an optional member.
pub(crate) mod option {
    use serde::{Deserialize, Deserializer, Serializer};
    use time::OffsetDateTime;

    #[derive(Deserialize)]
    struct Present(#[serde(with = "super")] OffsetDateTime);

    #[expect(clippy::ref_option, reason = "the signature serde calls")]
    pub(crate) fn serialize<S: Serializer>(
        at: &Option<OffsetDateTime>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => super::serialize(at, to),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<OffsetDateTime>, D::Error> {
        Ok(Option::<Present>::deserialize(from)?.map(|present| present.0))
    }
}
