//! Values and places of a file.

use toml::de::{DeArray, DeTable, DeValue};

pub(super) fn text<'a>(table: &'a DeTable<'_>, key: &str) -> Option<&'a str> {
    table.get(key)?.get_ref().as_str()
}

/// A value of the file in the spelling the flag would have.
pub(super) fn text_of(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Boolean(on) => Ok(if *on { "on" } else { "off" }.to_owned()),
        DeValue::Array(items) => list(items),
        other => Err(format!("{} is not allowed here", kind(other))),
    }
}

pub(super) fn list(items: &DeArray<'_>) -> Result<String, String> {
    let texts = items
        .iter()
        .enumerate()
        .map(|(index, item)| match item.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            other => Err(format!(
                "item {} of the list must be a text in quotes, not {}",
                index + 1,
                kind(other)
            )),
        });
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join(","))
}

pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Line and column of an offset, from 1. Columns count characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (
        before.matches('\n').count() + 1,
        before[start..].chars().count() + 1,
    )
}

/// A text of a table in quotation marks after a space, if it is there.
pub(super) fn quoted(table: &DeTable<'_>, key: &str) -> String {
    text(table, key)
        .map(|text| format!(" \"{text}\""))
        .unwrap_or_default()
}
