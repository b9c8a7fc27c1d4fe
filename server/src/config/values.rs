//! Where settings come from: flag, then environment, then file, then default.

use std::{collections::BTreeMap, path::Path};

use super::{
    file::{File, Given, ResourceEntry},
    setting::{Named, PREFIX},
    similar::closest,
};

/// The environment variable that names the configuration file.
pub(super) const CONFIG_ENVIRONMENT: &str = "VESTIBULE_CONFIG";

/// All settings that were given, before they are understood.
#[derive(Debug)]
pub(super) struct Values {
    table: &'static [Named],
    given: BTreeMap<&'static str, Given>,
    pub(super) resources: Option<Vec<ResourceEntry>>,
}

impl Values {
    /// Gathers the values of the settings in `table`; the more specific source wins. `path` is the
    /// file that a flag names. Faults of the file are appended to `faults`.
    pub(super) fn gather(
        table: &'static [Named],
        path: Option<&str>,
        flag: &dyn Fn(&str) -> Option<String>,
        environment: &dyn Fn(&str) -> Option<String>,
        faults: &mut Vec<String>,
    ) -> Self {
        let mut values = Self {
            table,
            given: BTreeMap::new(),
            resources: None,
        };
        if let Some(path) = path
            .map(str::to_owned)
            .or_else(|| environment(CONFIG_ENVIRONMENT))
        {
            values.take_file(File::read(Path::new(&path), table), faults);
        }
        for named in table {
            // An empty variable counts as unset: compose files and unit files pass them on so.
            let variable = named.variable();
            let of_environment = environment(&variable)
                .filter(|text| !text.is_empty())
                .map(|text| (text, variable));
            let of_flag = flag(named.key).map(|text| (text, format!("--{}", named.flag())));
            if let Some((text, source)) = of_flag.or(of_environment) {
                values.given.insert(named.key, Given { text, source });
            }
        }
        values
    }

    /// What is set for `key`, or its default; `None` when it has neither.
    pub(super) fn value(&self, key: &str) -> Option<Given> {
        self.given.get(key).cloned().or_else(|| {
            let named = self.table.iter().find(|named| named.key == key)?;
            let default = named.setting.default?;
            Some(Given {
                text: default.to_owned(),
                source: key.to_owned(),
            })
        })
    }

    fn take_file(&mut self, file: File, faults: &mut Vec<String>) {
        self.resources = file.resources;
        self.given.extend(
            file.given
                .into_iter()
                .map(|(named, given)| (named.key, given)),
        );
        faults.extend(file.faults);
    }
}

/// Variables that look like settings and are not, each with a suggestion. What Kubernetes adds for
/// a service of the name "vestibule" is none of them.
pub(super) fn unknown_variables(
    table: &[Named],
    names: impl IntoIterator<Item = String>,
) -> Vec<String> {
    let known: Vec<_> = table
        .iter()
        .map(Named::variable)
        .chain([CONFIG_ENVIRONMENT.to_owned()])
        .collect();
    let is_foreign =
        |rest: &str| rest.starts_with("SERVICE_") || rest == "PORT" || rest.starts_with("PORT_");
    let is_unknown = |name: &String| {
        name.strip_prefix(PREFIX)
            .is_some_and(|rest| !is_foreign(rest))
            && !known.contains(name)
    };
    let mut unknown: Vec<_> = names.into_iter().filter(is_unknown).collect();
    unknown.sort_unstable();
    // What all names have in common says nothing about what was meant.
    let rests = || known.iter().filter_map(|name| name.strip_prefix(PREFIX));
    let told = |name: &String| {
        let meant = closest(name.trim_start_matches(PREFIX), rests());
        let meant = meant.map_or_else(String::new, |meant| {
            format!("; did you mean {PREFIX}{meant}")
        });
        format!("{name}: unknown environment variable, ignored{meant}.")
    };
    unknown.iter().map(told).collect()
}
