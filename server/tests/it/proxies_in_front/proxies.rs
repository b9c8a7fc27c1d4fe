//! Proxies that run with their recipes as `vestibule resource show` prints them.

use std::{fs, process::Command};

use app::recipes::{Stack, recipe};
use oauth::{Issuer, resource::Resource};

/// Where the server behind is, in recipes.
const BEHIND: &str = "127.0.0.1:8080";

/// A recipe as printed, but for the address of the server behind, and a folder with its files.
pub(super) struct Recipe {
    text: String,
    folder: tempfile::TempDir,
}

impl Recipe {
    pub(super) fn of(stack: Stack, resource: &Resource, issuer: &Issuer, behind: &str) -> Self {
        Self {
            text: recipe(stack, resource, issuer).replace(BEHIND, behind),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Writes the recipe under a name, and returns a command that runs beside it.
    fn beside(&self, name: &str, program: &str) -> Command {
        self.write(name, &self.text);
        let mut command = Command::new(program);
        command.current_dir(self.folder.path());
        command
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("written");
    }
}

/// Starts a proxy.
pub(super) type Start = fn(&Recipe) -> Command;

/// The recipe is for the `http` block of a configuration.
pub(super) fn nginx(recipe: &Recipe) -> Command {
    let mut command = recipe.beside("notes.conf", "nginx");
    let folder = recipe.folder.path().display();
    let places: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {folder}/{name};\n"))
        .concat();
    recipe.write(
        "nginx.conf",
        &format!(
            "daemon off; master_process off; pid {folder}/pid; error_log stderr;\n\
             events {{}}\nhttp {{ access_log off;\n{places}include {folder}/notes.conf;\n}}"
        ),
    );
    command.args(["-e", "stderr", "-c", &format!("{folder}/nginx.conf")]);
    command
}

pub(super) fn caddy(recipe: &Recipe) -> Command {
    let mut command = recipe.beside("Caddyfile", "caddy");
    let folder = recipe.folder.path();
    command
        .args(["run", "--config", "Caddyfile"])
        // Its administration has one port for all.
        .env("CADDY_ADMIN", format!("unix/{}/admin", folder.display()))
        .env("HOME", folder)
        .env("XDG_CONFIG_HOME", folder)
        .env("XDG_DATA_HOME", folder);
    command
}

pub(super) fn haproxy(recipe: &Recipe) -> Command {
    let mut command = recipe.beside("haproxy.sh", "sh");
    command.arg("haproxy.sh");
    command
}

/// Fails with a hint where a program is missing.
pub(super) fn demand(program: &str) {
    let found = Command::new("which").arg(program).output();
    assert!(
        found.is_ok_and(|found| found.status.success()),
        "tests need {program} (Debian: apt-get install {program})"
    );
}
