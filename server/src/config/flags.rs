//! The settings as flags, taken by every command before or after its name.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Command};

use super::{protected::ProtectedServer, settings::SETTINGS};

/// The flags that were given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    config: Option<String>,
    values: BTreeMap<&'static str, String>,
    /// The server that `vestibule protect` names.
    protected: Option<ProtectedServer>,
}

impl Flags {
    /// The configuration file named on the command line.
    pub(crate) fn config(&self) -> Option<&str> {
        self.config.as_deref()
    }

    /// The same flags, in front of this server.
    pub(crate) fn protecting(self, server: ProtectedServer) -> Self {
        let protected = Some(server);
        Self { protected, ..self }
    }

    /// The server that `vestibule protect` names.
    pub(super) fn protected(&self) -> Option<&ProtectedServer> {
        self.protected.as_ref()
    }

    /// The value of the flag for the setting `key`.
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        if let Some(path) = matches.get_one::<String>("config") {
            self.config = Some(path.clone());
        }
        for named in SETTINGS {
            if let Some(text) = matches.get_one::<String>(named.key) {
                self.values.insert(named.key, text.clone());
            }
        }
        Ok(())
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .help("A configuration file (TOML)");
        let settings = SETTINGS.iter().map(|named| {
            let setting = &named.setting;
            let arg = Arg::new(named.key)
                .long(named.flag())
                .value_name(setting.value_name);
            // Its values may begin with a minus.
            let arg = arg.allow_hyphen_values(named.key == "private_schemes");
            // `vestibule help settings` lists them, so that the help of a command is short.
            arg.help(named.help()).hide(true)
        });
        let all = std::iter::once(config).chain(settings);
        command.args(all.map(|arg| arg.global(true)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
