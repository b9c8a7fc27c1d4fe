//! `vestibule settings`: every setting, as flag and as environment variable.

use std::process::ExitCode;

use serde::Serialize;

use super::output;
use crate::config::{Named, SETTINGS};

/// A setting, for programs.
#[derive(Serialize)]
struct Row {
    key: &'static str,
    flag: String,
    variable: String,
    default: Option<&'static str>,
    help: &'static str,
}

impl Row {
    fn of(named: &Named) -> Self {
        Self {
            key: named.key,
            flag: format!("--{}", named.flag()),
            variable: named.variable(),
            default: named.setting.default,
            help: named.setting.help,
        }
    }
}

/// All settings, for people.
pub(super) fn text() -> String {
    let entry = |named: &Named| {
        let flag = format!("--{} {}", named.flag(), named.setting.value_name);
        let (variable, help) = (named.variable(), named.help());
        format!("  {flag:<42} {variable}\n      {help}\n")
    };
    let settings: String = SETTINGS.iter().map(entry).collect();
    format!("Settings:\n{}", settings.trim_end())
}

/// Prints all settings. The error is a sentence.
pub(super) fn print(json: bool) -> Result<ExitCode, String> {
    let text = if json {
        let rows: Vec<_> = SETTINGS.iter().map(Row::of).collect();
        output::pretty(&rows)?
    } else {
        text()
    };
    output::line(&text)?;
    Ok(ExitCode::SUCCESS)
}
