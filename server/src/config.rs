//! The configuration: gathered from four sources, read as a whole, all faults named at once.

mod derived;
mod file;
mod flags;
mod own_address;
mod parse;
mod protected;
mod reader;
mod resources;
mod rules;
mod setting;
mod settings;
mod similar;
mod upstreams;
mod values;

use std::fmt;

pub(crate) use flags::Flags;
pub(crate) use parse::ListenAddress;
pub(crate) use protected::{Behind, ProtectedServer};
pub(crate) use reader::SealingKeySource;
pub(crate) use setting::Named;
pub(crate) use settings::{Config, SETTINGS};

use reader::Reader;
use values::Values;

/// Everything that is wrong with a configuration, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Config {
    /// Reads the settings: flag before environment before file before default.
    pub(crate) fn resolve(
        flags: &Flags,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Faults> {
        match Self::examine(flags, environment) {
            (config, faults) if faults.is_empty() => Ok(config),
            (_, faults) => Err(Faults(faults)),
        }
    }

    /// The same for a caller that goes on in spite of faults: what is faulty has a harmless value
    /// in the result.
    pub(crate) fn examine(
        flags: &Flags,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> (Self, Vec<String>) {
        let mut faults = Vec::new();
        let flag = |key: &str| flags.value(key).map(str::to_owned);
        let values = Values::gather(SETTINGS, flags.config(), &flag, environment, &mut faults);
        let mut reader = Reader::new(values, faults);
        if let Some(server) = flags.protected() {
            let entry = server.entry(&reader.issuer);
            reader.values.resources.get_or_insert_default().push(entry);
        }
        let config = Self::read(&mut reader);
        (config, reader.faults)
    }
}

/// Variables that look like settings of this server and are not, each with the one that may have
/// been meant.
pub(crate) fn unknown_variables(names: impl IntoIterator<Item = String>) -> Vec<String> {
    values::unknown_variables(SETTINGS, names)
}

#[cfg(test)]
mod tests;
