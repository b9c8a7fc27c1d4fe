//! Types of claims that have more than one form (RFC 7519 sections 2 and 4.1).

use std::slice;

use primitives::Timestamp;
use serde::Deserialize;

/// The end of the year 9999, in seconds since 1970.
const LAST_DATE: f64 = 253_402_300_799.0;

/// The `aud` of a JWT: one value, or a list of values (RFC 7519 section 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum AudienceClaim {
    /// A value alone.
    One(String),
    /// A list, of which each value is one audience.
    Several(Vec<String>),
}

impl AudienceClaim {
    /// Its values, in order.
    pub const fn values(&self) -> &[String] {
        match self {
            Self::One(only) => slice::from_ref(only),
            Self::Several(several) => several.as_slice(),
        }
    }
}

/// Seconds since 1970, perhaps with a fraction, which is cut off (RFC 7519 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "f64")]
pub struct NumericDate(pub Timestamp);

impl TryFrom<f64> for NumericDate {
    type Error = &'static str;

    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        if !(0.0..=LAST_DATE).contains(&seconds) {
            return Err("it is not a date");
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range has just been checked"
        )]
        Ok(Self(Timestamp::from_seconds(seconds as u64)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    #[test]
    fn an_audience_is_one_value_or_a_list() {
        let read = |value: Value| from_value::<AudienceClaim>(value).ok();
        let values = |value| read(value).map(|audience| audience.values().to_vec());
        assert_eq!(values(json!("a")), Some(vec!["a".to_owned()]));
        assert_eq!(values(json!([])), Some(vec![]));
        assert_eq!(
            values(json!(["a", "b"])),
            Some(vec!["a".to_owned(), "b".to_owned()])
        );
        for bad in [json!(null), json!(1), json!(["a", 1]), json!({"a": "b"})] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn a_date_is_a_number_of_seconds_until_the_year_9999() {
        let read = |value: Value| from_value(value).ok().map(|NumericDate(at)| at.seconds());
        for (value, seconds) in [
            (json!(0), 0),
            (json!(-0.0), 0),
            (json!(1_800_000_000), 1_800_000_000),
            (json!(1_800_000_000.9), 1_800_000_000),
            (json!(253_402_300_799_u64), 253_402_300_799),
        ] {
            assert_eq!(read(value.clone()), Some(seconds), "{value}");
        }
        for bad in [
            json!(-1),
            json!(253_402_300_800_u64),
            json!(1e300),
            json!("1"),
            json!(null),
            json!([1]),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }
}
