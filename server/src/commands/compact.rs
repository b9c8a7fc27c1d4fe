//! `vestibule compact`: the file of a stopped server is made smaller.

use std::process::ExitCode;

use serde_json::json;
use store::{Compacted, Store};

use super::{administer::refuse_memory, output};
use crate::{
    config::Config,
    open::{self, StoreOpenError},
};

const ON_REDIS: &str =
    "The store is on Redis, which frees the memory of removed records automatically.";

/// Makes the file smaller. The error is a sentence.
pub(super) async fn compact(config: &Config, json: bool) -> Result<ExitCode, String> {
    refuse_memory(config)?;
    // A folder without a store in use is named as such.
    let there = open::open_existing(config).await;
    drop(there.map_err(StoreOpenError::into_sentence)?);
    let folder = config.data_folder().ok_or(ON_REDIS)?;
    let compacted = Store::compact(folder).await;
    let Compacted { before, after } =
        compacted.map_err(|error| open::explain(config, &error).into_sentence())?;
    output::line(&if json {
        json!({ "before": before, "after": after }).to_string()
    } else {
        format!(
            "The store {} now takes {} instead of {}.",
            config.store,
            megabytes(after),
            megabytes(before)
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20)
}
