//! What a setting is, in all the ways it is spelled.

/// How every environment variable of this server begins.
pub(super) const PREFIX: &str = "VESTIBULE_";

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The value when none is given; `None` where the default follows from other settings.
    pub default: Option<&'static str>,
    /// How the value is called.
    pub value_name: &'static str,
    /// What it sets, with the default where that is not spelled as a value.
    pub help: &'static str,
    /// When a changed value takes effect.
    pub changes: Changes,
}

/// When a changed value takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    /// At SIGHUP.
    AtReload,
    /// At the next start.
    AtRestart,
}

/// The tables of the configuration file that hold settings: `[redis] prefix` is the setting
/// `redis_prefix`.
pub(crate) const SECTIONS: [&str; 1] = ["redis"];

/// A setting with its key in the configuration file; the flag is the same with hyphens.
#[derive(Debug)]
pub(crate) struct Named {
    /// The key.
    pub key: &'static str,
    /// The setting.
    pub setting: Setting,
}

impl Named {
    /// The flag without its two hyphens.
    pub(crate) fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    /// The environment variable: the key in capitals.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.to_uppercase())
    }

    /// What it sets, with its default.
    pub(crate) fn help(&self) -> String {
        let help = self.setting.help;
        let default = self.setting.default.filter(|default| !default.is_empty());
        default.map_or_else(
            || help.to_owned(),
            |default| format!("{help} [default: {default}]"),
        )
    }

    /// The table of the file that holds it, if it does not stand at the top, and its key there.
    pub(crate) fn place(&self) -> (Option<&'static str>, &'static str) {
        let rest = |section: &'static str| self.key.strip_prefix(section)?.strip_prefix('_');
        let mut places = SECTIONS
            .iter()
            .filter_map(|section| Some((Some(*section), rest(section)?)));
        places.next().unwrap_or((None, self.key))
    }
}
