//! Reading the settings one after the other. A fault does not end it: all are named at once.

use std::{fmt, path::PathBuf, time::Duration};

use oauth::Issuer;

use super::{
    file::Given,
    parse::{self, ListenAddress},
    values::Values,
};

/// Where the sealing key is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum SealingKeySource {
    /// The PASERK itself.
    Given(String),
    /// A file that holds it.
    File(PathBuf),
}

impl fmt::Debug for SealingKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(_) => f.write_str("Given(…)"),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

/// The given values, and what was wrong with those that were read.
pub(super) struct Reader {
    pub(super) values: Values,
    pub(super) faults: Vec<String>,
    /// The issuer, on which other defaults depend.
    pub(super) issuer: Issuer,
}

impl Reader {
    /// Reads the issuer first. `faults` are those of the file.
    pub(super) fn new(values: Values, faults: Vec<String>) -> Self {
        let mut reader = Self {
            values,
            faults,
            issuer: local_issuer(),
        };
        if let Some(issuer) = reader.read("issuer", parse::issuer) {
            reader.issuer = issuer;
        }
        reader
    }

    /// A setting, if it is given or has a default, and is sound.
    pub(super) fn read<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Given { text, source } = self.values.value(key)?;
        parse(&text)
            .map_err(|fault| self.faults.push(format!("{source}: {fault}.")))
            .ok()
    }

    /// The same for a list: every faulty entry is named.
    pub(super) fn read_list<T>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Given { text, source } = self.values.value(key)?;
        let whole = match parse(&text) {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        let mut faults: Vec<_> = parse::items(&text)
            .filter_map(|item| parse(item).err())
            .collect();
        if faults.is_empty() {
            faults.push(whole);
        }
        self.faults.extend(
            faults
                .into_iter()
                .map(|fault| format!("{source}: {fault}.")),
        );
        None
    }

    /// A list, or its type's default where it is faulty.
    pub(super) fn list<T: Default>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        self.read_list(key, parse).unwrap_or_default()
    }

    /// A duration between two bounds.
    pub(super) fn duration(&mut self, key: &str, least: &str, most: &str) -> Duration {
        self.read(key, |text| parse::duration_within(text, least, most))
            .unwrap_or_default()
    }

    /// Where to listen. By default it is the issuer's own port where the issuer is this computer,
    /// and 3000, for a proxy, elsewhere.
    pub(super) fn listen(&mut self, key: &str) -> Vec<ListenAddress> {
        self.read_list(key, parse::listen)
            .unwrap_or_else(|| listen_for(&self.issuer))
    }
}

pub(super) fn listen_for(issuer: &Issuer) -> Vec<ListenAddress> {
    let plain = issuer.is_loopback() && !issuer.is_https();
    let port = issuer.as_url().port_or_known_default();
    let port = port.filter(|_| plain).unwrap_or(3000);
    let host = match issuer.host().trim_matches(['[', ']']) {
        address if plain && address.parse::<std::net::IpAddr>().is_ok() => address.to_owned(),
        _ => "localhost".to_owned(),
    };
    vec![ListenAddress { host, port }]
}

/// Stands in for an issuer that is faulty, so that the other settings are checked too.
fn local_issuer() -> Issuer {
    #[expect(clippy::expect_used, reason = "a constant")]
    Issuer::parse("http://localhost:3000").expect("a sound issuer")
}
