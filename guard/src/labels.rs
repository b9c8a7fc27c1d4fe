//! The headers that mirror a call (SEP-2243).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use primitives::faults;

use crate::{RpcCall, call::name_member, rule::is_method};

/// The header with the method of a call.
pub const MCP_METHOD: &str = "mcp-method";
/// The header with the name that a call is about.
pub const MCP_NAME: &str = "mcp-name";
/// The header with the revision of MCP.
pub const MCP_PROTOCOL_VERSION: &str = "mcp-protocol-version";

/// The revision from which on servers compare the headers with the body.
const FIRST_VERSION: &str = "2026-07-28";

/// HTTP methods that carry no call: event streams, the end of a session, and questions of browsers.
const WITHOUT_CALL: [&str; 4] = ["GET", "HEAD", "DELETE", "OPTIONS"];

const ENCODED: &str = "=?base64?";
const ENCODED_END: &str = "?=";

/// What a request says of its call in its headers: every value of each header, in their order.
#[derive(Clone, Debug, Default)]
pub struct Labels<'a> {
    /// The HTTP method of the request.
    pub verb: &'a str,
    /// The values of [`MCP_PROTOCOL_VERSION`].
    pub version: Vec<&'a [u8]>,
    /// The values of [`MCP_METHOD`].
    pub method: Vec<&'a [u8]>,
    /// The values of [`MCP_NAME`].
    pub name: Vec<&'a [u8]>,
}

faults! {
    /// Why the headers of a request do not say what it calls.
    LabelFault {
        Missing: "the headers MCP-Protocol-Version (2026-07-28 or later), Mcp-Method and, for calls with a name, Mcp-Name are required",
        Repeated: "an MCP header was sent more than once",
        Malformed: "Mcp-Method or Mcp-Name is malformed",
    }
}

/// What the headers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Labelled {
    /// The request carries no call.
    NoCall,
    /// The calls that it may be.
    Calls(Vec<RpcCall>),
    /// It does not say, or is of a revision whose servers do not compare the headers with the body.
    Unknown,
}

impl Labels<'_> {
    /// Reads the headers. What is there has to be well-formed also where it does not count.
    pub(crate) fn read(&self) -> Result<Labelled, LabelFault> {
        if WITHOUT_CALL.contains(&self.verb) {
            return Ok(Labelled::NoCall);
        }
        let version = only(&self.version)?;
        let method = only(&self.method)?;
        let name = only(&self.name)?.map(decode).transpose()?;
        if method.is_some_and(|method| !is_method(method)) {
            return Err(LabelFault::Malformed);
        }
        let (true, Some(method)) = (version.is_some_and(is_compared), method) else {
            return Ok(Labelled::Unknown);
        };
        Ok(match name {
            None if name_member(method).is_some() => Labelled::Unknown,
            None => Labelled::Calls(vec![call(method, None)]),
            Some(names) => {
                let calls = names.into_iter().map(|name| call(method, Some(name)));
                Labelled::Calls(calls.collect())
            }
        })
    }
}

fn call(method: &str, name: Option<String>) -> RpcCall {
    RpcCall {
        method: method.to_owned(),
        name,
    }
}

/// The only value of a header.
fn only<'a>(values: &[&'a [u8]]) -> Result<Option<&'a str>, LabelFault> {
    match values {
        [] => Ok(None),
        [value] => {
            let text = str::from_utf8(value).map_err(|_| LabelFault::Malformed)?;
            Ok(Some(text.trim_matches([' ', '\t'])))
        }
        _ => Err(LabelFault::Repeated),
    }
}

/// Whether servers of this revision compare the headers with the body. A revision is a date, so
/// later ones are greater.
fn is_compared(version: &str) -> bool {
    let is_date = version.len() == FIRST_VERSION.len()
        && version
            .bytes()
            .enumerate()
            .all(|(index, byte)| match index {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
    is_date && version >= FIRST_VERSION
}

/// The names that a value of [`MCP_NAME`] may mean. A comma may be a part of the name, or stand
/// between the values of two headers that a proxy joined: then each of them counts.
fn decode(value: &str) -> Result<Vec<String>, LabelFault> {
    let whole = decode_one(value)?;
    let mut names = vec![whole];
    if value.contains(',') {
        for part in value.split(',') {
            names.push(decode_one(part.trim_matches([' ', '\t']))?);
        }
    }
    Ok(names)
}

/// A name, which is encoded where a header cannot carry it. The marks are in lower case; with
/// others, the value is the name.
fn decode_one(value: &str) -> Result<String, LabelFault> {
    let encoded = value
        .strip_prefix(ENCODED)
        .and_then(|rest| rest.strip_suffix(ENCODED_END));
    match encoded {
        Some(encoded) => {
            let bytes = BASE64_STANDARD.decode(encoded);
            let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
            text.ok_or(LabelFault::Malformed)
        }
        None if value.chars().all(|letter| matches!(letter, ' '..='~')) => Ok(value.to_owned()),
        None => Err(LabelFault::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn post<'a>(method: &'a [&'a str], name: &'a [&'a str]) -> Labels<'a> {
        let bytes = |values: &'a [&'a str]| values.iter().map(|value| value.as_bytes()).collect();
        Labels {
            verb: "POST",
            version: vec![b"2026-07-28"],
            method: bytes(method),
            name: bytes(name),
        }
    }

    fn calls(method: &str, names: &[&str]) -> Labelled {
        let calls = names
            .iter()
            .map(|name| call(method, Some((*name).to_owned())));
        Labelled::Calls(calls.collect())
    }

    #[test]
    fn headers_name_the_call() {
        let read = |method: &[&str], name: &[&str]| post(method, name).read();
        let tools = "tools/call";
        assert_eq!(
            read(&[tools], &["add_note"]),
            Ok(calls(tools, &["add_note"]))
        );
        assert_eq!(read(&[" tools/call\t"], &[" x "]), Ok(calls(tools, &["x"])));
        assert_eq!(
            read(&["tools/list"], &[]),
            Ok(Labelled::Calls(vec![call("tools/list", None)]))
        );
        assert_eq!(
            read(&[tools], &["=?base64?dMO2w7Zs?="]),
            Ok(calls(tools, &["t\u{f6}\u{f6}l"]))
        );
        // The marks have one spelling.
        for literal in ["=?BASE64?dMO2w7Zs?=", "=?base64?dMO2w7Zs", "dMO2w7Zs?="] {
            assert_eq!(read(&[tools], &[literal]), Ok(calls(tools, &[literal])));
        }
        assert_eq!(
            read(&[tools], &["a, =?base64?Yg==?="]),
            Ok(calls(tools, &["a, =?base64?Yg==?=", "a", "b"]))
        );
    }

    #[test]
    fn what_is_missing_is_unknown() {
        let read = |method: &[&str], name: &[&str]| post(method, name).read();
        for (method, name) in [
            (&[][..], &[][..]),
            (&[], &["x"]),
            (&["tools/call"], &[]),
            (&["resources/read"], &[]),
        ] {
            assert_eq!(read(method, name), Ok(Labelled::Unknown));
        }
    }

    #[test]
    fn what_is_malformed_or_repeated_is_refused() {
        let read = |method: &[&str], name: &[&str]| post(method, name).read();
        for name in [
            "=?base64?!?=",
            "=?base64?YQ?=",
            "=?base64?/w==?=",
            "t\u{f6}l",
            "a,=?base64?!?=",
        ] {
            assert_eq!(
                read(&["tools/call"], &[name]),
                Err(LabelFault::Malformed),
                "{name}"
            );
        }
        for method in ["", "a b", "tools/call,ping", "t\u{f6}l"] {
            assert_eq!(read(&[method], &[]), Err(LabelFault::Malformed), "{method}");
        }
        let repeated = Err(LabelFault::Repeated);
        assert_eq!(read(&["ping", "ping"], &[]), repeated);
        assert_eq!(read(&["tools/call"], &["a", "a"]), repeated);
        let mut labels = post(&["ping"], &[]);
        labels.version = vec![b"2026-07-28", b"2026-07-28"];
        assert_eq!(labels.read(), repeated);
        labels.version = vec![b"\xff"];
        assert_eq!(labels.read(), Err(LabelFault::Malformed));
    }

    #[test]
    fn labels_count_from_the_revision_that_has_them() {
        let read = |version: Option<&'static str>| {
            let mut labels = post(&["ping"], &[]);
            labels.version = version.map(str::as_bytes).into_iter().collect();
            labels.read()
        };
        for version in ["2026-07-28", "2026-07-29", "2027-01-01"] {
            assert_ne!(read(Some(version)), Ok(Labelled::Unknown), "{version}");
        }
        assert_eq!(read(None), Ok(Labelled::Unknown));
        for version in [
            "",
            "2025-06-18",
            "2026-07-27",
            "2026-07-28, 2025-06-18",
            "9999",
            "draft",
            "2026_07_28",
            "2o26-07-28",
        ] {
            assert_eq!(read(Some(version)), Ok(Labelled::Unknown), "{version}");
        }
    }

    #[test]
    fn streams_and_ends_of_sessions_call_nothing() {
        for (verb, is_call) in [
            ("GET", false),
            ("HEAD", false),
            ("DELETE", false),
            ("OPTIONS", false),
            ("POST", true),
            ("PUT", true),
            ("get", true),
            ("", true),
        ] {
            let labels = Labels {
                verb,
                ..Labels::default()
            };
            assert_eq!(labels.read() != Ok(Labelled::NoCall), is_call, "{verb}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(
            method in any::<Vec<u8>>(), name in any::<Vec<u8>>(), version in any::<Vec<u8>>()
        ) {
            let labels = Labels {
                verb: "POST", version: vec![&version], method: vec![&method], name: vec![&name],
            };
            let _ = labels.read();
        }

        #[test]
        fn every_name_survives_its_encoding(name in any::<String>()) {
            let encoded = format!("{ENCODED}{}{ENCODED_END}", BASE64_STANDARD.encode(&name));
            let read = post(&["tools/call"], &[&encoded]).read();
            prop_assert_eq!(read, Ok(calls("tools/call", &[&name])));
        }
    }
}
