use std::{io::Write as _, time::Duration};

use clap::FromArgMatches as _;
use guard::{Rule, Rules, Unlabelled};
use oauth::{Digest, redirect::PrivateSchemes, resource::Disclosed};
use oauth_clients::document::DocumentPolicy;
use primitives::{JwtType, SigningAlgorithm, TokenFormat};
use provider::{Settings, SignUpPolicy};
use store::StoreLocation;

use super::*;
use crate::brand::{Accent, Branding};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config.example.toml");

fn flags(arguments: &[&str]) -> Flags {
    let command = <Flags as clap::Args>::augment_args(clap::Command::new("vestibule"));
    let matches = command
        .try_get_matches_from([&["vestibule"], arguments].concat())
        .expect("known flags");
    Flags::from_arg_matches(&matches).expect("flags")
}

fn resolve(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Config, Faults> {
    let variable = |name: &str| {
        environment
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Config::resolve(&flags(arguments), &variable)
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().expect("a path of UTF-8")
}

#[test]
fn defaults_are_those_of_the_issue() {
    let config = resolve(&[], &[]).expect("defaults are sound");
    assert_eq!(config.issuer.as_str(), "http://localhost:3000");
    assert_eq!(
        config.listen,
        [ListenAddress {
            host: "localhost".into(),
            port: 3000
        }]
    );
    assert_eq!(config.store, StoreLocation::File("./vestibule-data".into()));
    assert!(config.registration);
    assert_eq!(config.registration_limit, 20);
    assert!(config.rate_limits);
    assert_eq!(config.code_lifetime, Duration::from_mins(1));
    assert_eq!(config.access_token_lifetime, Duration::from_hours(1));
    assert_eq!(config.refresh_token_lifetime, Duration::from_hours(90 * 24));
    assert_eq!(config.refresh_replay_window, Duration::from_secs(30));
    assert_eq!(config.consent_lifetime, Duration::from_hours(90 * 24));
    assert_eq!(config.audit_retention, Duration::from_hours(365 * 24));
    assert_eq!(config.sign_up, SignUpPolicy::Invitation);
    assert_eq!(config.branding(), Branding::default());
    assert_eq!(
        config.resources[0].identifier.as_str(),
        "http://localhost:3000/mcp"
    );
}

#[test]
fn the_defaults_agree_with_the_providers() {
    let config = resolve(&[], &[]).expect("defaults are sound");
    let (ours, theirs) = (
        config.settings(),
        Settings::new(config.issuer.clone(), app::pages::link_pages()),
    );
    assert_eq!(ours.name, theirs.name);
    assert_eq!(ours.lifetimes.code, theirs.lifetimes.code);
    assert_eq!(ours.lifetimes.access_token, theirs.lifetimes.access_token);
    assert_eq!(ours.lifetimes.refresh_token, theirs.lifetimes.refresh_token);
    assert_eq!(
        ours.lifetimes.refresh_replay_window,
        theirs.lifetimes.refresh_replay_window
    );
    assert_eq!(ours.lifetimes.consent, theirs.lifetimes.consent);
    assert_eq!(ours.lifetimes.audit, theirs.lifetimes.audit);
    assert_eq!(ours.sign_up, theirs.sign_up);
    assert_eq!(ours.client_documents, theirs.client_documents);
    assert_eq!(
        ours.registration.limit_per_hour,
        theirs.registration.limit_per_hour
    );
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let file =
        file("code_lifetime = \"10s\"\naccess_token_lifetime = \"10m\"\nregistration_limit = 5\n");
    let environment = [
        ("VESTIBULE_CONFIG", path(&file)),
        ("VESTIBULE_CODE_LIFETIME", "20s"),
        ("VESTIBULE_REGISTRATION_LIMIT", "6"),
    ];
    let config = resolve(&["--code-lifetime", "30s"], &environment).expect("sound");
    assert_eq!(config.code_lifetime, Duration::from_secs(30));
    assert_eq!(config.registration_limit, 6);
    assert_eq!(config.access_token_lifetime, Duration::from_mins(10));
}

#[test]
fn every_fault_is_named_at_once_with_its_source() {
    let file = file(
        "colour = \"blue\"\nstore = 7\n[[resource]]\nidentifier = \"mcp\"\nname = \"Notes\"\n",
    );
    let environment = [
        ("VESTIBULE_CODE_LIFETIME", "60"),
        ("VESTIBULE_TRUSTED_PROXIES", "everyone"),
    ];
    let Err(Faults(faults)) = resolve(
        &["--issuer", "http://example.com", "--config", path(&file)],
        &environment,
    ) else {
        panic!("accepted");
    };
    for part in [
        "--issuer",
        "VESTIBULE_CODE_LIFETIME",
        "VESTIBULE_TRUSTED_PROXIES",
        "colour",
        "store",
        "identifier",
        "scope",
    ] {
        assert_eq!(
            faults.iter().filter(|fault| fault.contains(part)).count(),
            1,
            "{part}: {faults:#?}"
        );
    }
    assert_eq!(faults.len(), 7, "{faults:#?}");
}

/// The faults of a file, without its name.
fn faults_of(text: &str) -> Vec<String> {
    let file = file(text);
    match resolve(&["--config", path(&file)], &[]) {
        Ok(_) => Vec::new(),
        Err(Faults(faults)) => faults
            .into_iter()
            .map(|fault| fault.replace(path(&file), "FILE"))
            .collect(),
    }
}

#[test]
fn every_error_of_the_syntax_has_its_line_and_hides_no_other_fault() {
    let faults = faults_of(
        "issuer = http://x\nlisten = \"nowhere\"\n# é\nserver_name = \"unfinished\ncode_lifetime = \"60\"\n",
    );
    let starts = [
        "FILE, line 1, column 10: invalid TOML: ",
        "FILE, line 4, column ",
    ];
    for start in starts {
        assert_eq!(
            faults
                .iter()
                .filter(|fault| fault.starts_with(start))
                .count(),
            1,
            "{start}: {faults:#?}"
        );
    }
    for other in [
        "listen in FILE, line 2: \"nowhere\"",
        "code_lifetime in FILE, line 5: \"60\"",
    ] {
        assert_eq!(
            faults
                .iter()
                .filter(|fault| fault.starts_with(other))
                .count(),
            1,
            "{other}: {faults:#?}"
        );
    }
    assert_eq!(faults.len(), 4, "{faults:#?}");
    let twice = faults_of("store = \"memory:\"\nstore = \"memory:\"\n");
    assert!(
        twice.len() == 1 && twice[0].starts_with("FILE, line 2, column 1: "),
        "{twice:#?}"
    );
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    let faults = faults_of(
        "isuer = \"http://localhost:1\"\ncolour = \"blue\"\n\n[[resources]]\nidentifier = \"https://a.example\"\n",
    );
    assert_eq!(
        faults,
        [
            "colour in FILE, line 2: unknown setting.",
            "isuer in FILE, line 1: unknown setting; did you mean issuer.",
            "resources in FILE, line 4: unknown setting; did you mean resource.",
        ]
    );
}

#[test]
fn every_fault_of_every_resource_is_named_with_its_place() {
    let faults = faults_of(
        "[[resource]]\nidentifier = \"mcp\"\nname = \"Notes\"\n[[resource.scope]]\nname = \"read all\"\nsentance = \"Read\"\n\n\
         [[resource]]\nidentifier = \"https://a.example\"\nnmae = \"A\"\n[[resource.scope]]\nname = \"a b\"\nsentence = \"\"\n\
         default = false\n[[resource.scope]]\nname = 7\nsentence = \"x\"\ndefault = \"no\"\n\n\
         [[resource]]\nidentifier = \"https://a.example\"\nname = \"\"\n",
    );
    let (first, second) = (
        "[[resource]] 1 \"mcp\" in FILE, line 1",
        "[[resource]] 2 \"https://a.example\" in FILE, line 8",
    );
    let third = "[[resource]] 3 \"https://a.example\" in FILE, line 20";
    for fault in [
        format!(
            "{first}: the identifier must be an absolute http or https URI without a fragment."
        ),
        format!(
            "{first}: scope 1 \"read all\", line 4: unknown key sentance (line 6); did you mean sentence."
        ),
        format!("{first}: scope 1 \"read all\", line 4: sentence is missing."),
        format!("{second}: unknown key nmae (line 10); did you mean name."),
        format!("{second}: name is missing."),
        format!("{second}: scope 2, line 15: name must be a text in quotes, not an integer."),
        format!("{second}: scope 2, line 15: default must be true or false."),
        format!("{third}: the identifier is already used by {second}."),
        format!("{third}: the name is empty."),
        format!("{third}: [[resource.scope]] is missing."),
    ] {
        assert_eq!(
            faults.iter().filter(|named| **named == fault).count(),
            1,
            "{fault}\n{faults:#?}"
        );
    }
    assert_eq!(
        faults_of("[resource]\nidentifier = \"https://a.example\"\n").len(),
        1
    );
}

#[test]
fn every_faulty_entry_of_a_list_is_named() {
    let faults = faults_of(
        "listen = [\"localhost:3000\", \"0.0.0.0:99999\", \"proxy\"]\ntrusted_proxies = \"proxy, 10.0.0.0/8, 10.0.0.0/99\"\n\
         private_schemes = [\"Cursor://\", \"zed\", \"https\"]\nsign_up = [\"a@b.example\", \"example.com\", \"x\"]\n\
         client_documents = [\"https://claude.ai\", \"claude.ai\", \"a b\"]\nlogo = [\"a\", 7]\n",
    );
    for part in [
        "0.0.0.0:99999",
        "\"proxy\" is not an address",
        "\"proxy\" is not a network",
        "10.0.0.0/99",
        "Cursor://",
        "\"https\"",
        "a@b.example",
        "\"x\"",
        "https://claude.ai",
        "a b",
        "item 2 of the list must be a text in quotes, not an integer",
    ] {
        assert_eq!(
            faults.iter().filter(|fault| fault.contains(part)).count(),
            1,
            "{part}: {faults:#?}"
        );
    }
    assert_eq!(faults.len(), 11, "{faults:#?}");
}

#[test]
fn a_variable_that_is_no_setting_is_named_with_the_one_that_was_meant() {
    let names = [
        "VESTIBULE_ISSUR",
        "PATH",
        "VESTIBULE_ISSUER",
        "VESTIBULE_CONFIG",
        "VESTIBULE_COLOUR",
    ]
    .map(str::to_owned);
    assert_eq!(
        unknown_variables(names),
        [
            "VESTIBULE_COLOUR: unknown environment variable, ignored.",
            "VESTIBULE_ISSUR: unknown environment variable, ignored; did you mean VESTIBULE_ISSUER.",
        ]
    );
    let kubernetes = [
        "VESTIBULE_SERVICE_HOST",
        "VESTIBULE_SERVICE_PORT_HTTP",
        "VESTIBULE_PORT",
        "VESTIBULE_PORT_3000_TCP_ADDR",
    ];
    assert_eq!(
        unknown_variables(kubernetes.map(str::to_owned)),
        [] as [String; 0]
    );
}

#[test]
fn values_out_of_bounds_are_faults() {
    for (flag, value) in [
        ("--code-lifetime", "0s"),
        ("--code-lifetime", "11m"),
        ("--access-token-lifetime", "2d"),
        ("--refresh-replay-window", "2h"),
        ("--audit-retention", "23h"),
        ("--audit-retention", "0s"),
        ("--registration-limit", "-1"),
        ("--rate-limits", "maybe"),
        ("--server-name", "  "),
        ("--issuer", "https://example.com/path"),
        ("--issuer", "https://example.com/"),
        ("--sealing-key", "k4.local.short"),
    ] {
        let argument = format!("{flag}={value}");
        assert!(resolve(&[&argument], &[]).is_err(), "{argument}");
    }
}

#[test]
fn clients_with_documents_are_let_in_by_host() {
    let policy = |text: &str| {
        resolve(&[&format!("--client-documents={text}")], &[])
            .map(|config| config.settings().client_documents)
    };
    assert_eq!(policy("on"), Ok(DocumentPolicy::Open));
    assert_eq!(policy("off"), Ok(DocumentPolicy::Off));
    assert_eq!(
        policy("claude.ai,.example.com"),
        DocumentPolicy::parse("claude.ai, .example.com").map_err(|part| Faults(vec![part]))
    );
    let Err(Faults(faults)) = policy("https://claude.ai") else {
        panic!("accepted")
    };
    assert_eq!(
        faults,
        [
            "--client-documents: \"https://claude.ai\" must be on, off, or a host such as claude.ai or .example.com."
        ]
    );
    let file = file("client_documents = [\"claude.ai\", \".example.com\"]\n");
    let config = resolve(&["--config", path(&file)], &[]).expect("sound");
    assert_eq!(
        Ok(config.client_documents),
        policy("claude.ai,.example.com")
    );
}

#[test]
fn sign_up_reaches_the_provider_from_everywhere() {
    let sign_up = |arguments: &[&str], environment: &[(&str, &str)]| {
        resolve(arguments, environment)
            .map(|config| config.settings().sign_up)
            .map_err(|Faults(faults)| faults)
    };
    let domains = Ok(SignUpPolicy::Domains(vec![
        "example.com".to_owned(),
        "example.org".to_owned(),
    ]));
    let file = file("sign_up = [\"Example.com\", \"example.org\"]\naudit_retention = \"30d\"\n");
    assert_eq!(sign_up(&["--config", path(&file)], &[]), domains);
    assert_eq!(
        sign_up(&["--sign-up", "example.com, example.ORG"], &[]),
        domains
    );
    assert_eq!(
        sign_up(&["--config", path(&file)], &[("VESTIBULE_SIGN_UP", "open")]),
        Ok(SignUpPolicy::Open)
    );
    let fault =
        "--sign-up: \"everybody\" must be invitation, open, or a domain such as example.com.";
    assert_eq!(
        sign_up(&["--sign-up", "everybody"], &[]),
        Err(vec![fault.to_owned()])
    );
    let config = resolve(&["--config", path(&file)], &[]).expect("sound");
    assert_eq!(
        config.settings().lifetimes.audit,
        Duration::from_hours(30 * 24)
    );
}

#[test]
fn the_look_is_a_colour_and_a_picture() {
    let logo = file("<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    let environment = [
        ("VESTIBULE_ACCENT_COLOR", "#1a6b52"),
        ("VESTIBULE_LOGO", path(&logo)),
    ];
    let Branding { accent, logo } = resolve(&[], &environment).expect("sound").branding();
    assert_eq!(accent, Accent::parse("#1a6b52").ok());
    assert_eq!(logo.map(|logo| logo.content_type()), Some("image/svg+xml"));

    let page = file("<!DOCTYPE html><html></html>");
    let Err(Faults(faults)) = resolve(&["--accent-color", "green", "--logo", path(&page)], &[])
    else {
        panic!("accepted")
    };
    let not_a_picture = format!(
        "--logo: \"{}\" is not an SVG, PNG, JPEG or WebP image.",
        path(&page)
    );
    assert_eq!(
        faults,
        [
            "--accent-color: \"green\" is not a color such as #1a6b52.",
            &not_a_picture
        ]
    );
}

#[test]
fn a_resource_is_refused_that_could_not_be_protected() {
    let faults = |identifier: &str, scope: &str| {
        let file = file(&format!(
            "[[resource]]\nidentifier = \"{identifier}\"\nname = \"Notes\"\n[[resource.scope]]\nname = \"{scope}\"\nsentence = \"Read\"\n"
        ));
        resolve(&["--config", path(&file)], &[])
            .map(|_| ())
            .map_err(|Faults(faults)| faults)
    };
    for identifier in [
        "https://notes.example/mcp",
        "http://localhost:4000/mcp",
        "http://127.0.0.1/mcp",
        "http://[::1]:1/mcp?x=1",
    ] {
        assert_eq!(faults(identifier, "read"), Ok(()), "{identifier}");
    }
    for (identifier, scope, part) in [
        ("http://notes.example/mcp", "read", "https"),
        ("http://192.168.1.2:4000", "read", "https"),
        ("http://localhost.evil.example/", "read", "https"),
        (
            "https://notes.example/mcp",
            "offline_access",
            "offline_access",
        ),
        ("https://notes.example/mcp", "email", "reserved scopes"),
        ("https://notes.example/mcp", "name", "reserved scopes"),
        (
            "https://notes.example/mcp",
            "read write",
            "must not contain spaces",
        ),
        ("https://notes.example/mcp", "", "must not contain spaces"),
    ] {
        let Err(faults) = faults(identifier, scope) else {
            panic!("accepted: {identifier} {scope}")
        };
        assert!(faults.len() == 1 && faults[0].contains(part), "{faults:?}");
    }
}

#[test]
fn a_resource_may_ask_about_tokens_when_it_has_the_hash_of_a_secret() {
    let resolved = |line: &str| {
        let file = file(&format!(
            "[[resource]]\nidentifier = \"https://notes.example/mcp\"\nname = \"Notes\"\n{line}\n[[resource.scope]]\nname = \"read\"\nsentence = \"Read\"\n"
        ));
        resolve(&["--config", path(&file)], &[])
    };
    let secret = |config: Config| config.resources[0].introspection_secret.clone();
    // FIPS 180-2 appendix B.1.
    let hash = "introspection_secret_hash = \"ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0\"";
    assert_eq!(resolved(hash).map(secret), Ok(Some(Digest::of(b"abc"))));
    assert_eq!(resolved("").map(secret), Ok(None));
    for wrong in [
        "",
        "abc",
        "vis_abc",
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ] {
        let faults = resolved(&format!("introspection_secret_hash = \"{wrong}\"")).map(|_| ());
        assert!(
            faults.is_err_and(|Faults(faults)| faults.len() == 1
                && faults[0].contains("vestibule resource secret")),
            "{wrong}"
        );
    }
}

#[test]
fn calls_of_a_resource_need_the_scopes_of_its_rules() {
    let read = |lines: &str| {
        let file = file(&format!(
            "[[resource]]\nidentifier = \"https://a.example\"\nname = \"A\"\n{lines}\n[[resource.scope]]\nname = \"read\"\nsentence = \"Read\"\n"
        ));
        resolve(&["--config", path(&file)], &[])
            .map_err(|Faults(faults)| faults.join("\n").replace(path(&file), "FILE"))
    };
    let rules = |config: &Config| config.guards.rules(&config.resources[0].identifier);
    let config = read("").expect("without rules");
    assert!(rules(&config).is_empty());
    let config = read(
        "unlabelled = \"all-scopes\"\n[[resource.rule]]\nmethod = \"tools/call\"\nname = \"add_*\"\nscope = \"read\"\n\
         [[resource.rule]]\nmethod = \"tools/list\"\nscope = \"read\"",
    )
    .expect("with rules");
    let rule = |method, name| Rule::new(method, name, "read").expect("a rule");
    let expected = vec![
        rule(Some("tools/call"), Some("add_*")),
        rule(Some("tools/list"), None),
    ];
    assert_eq!(rules(&config), Rules::new(expected, Unlabelled::AllScopes));
    let place = "[[resource]] 1 \"https://a.example\" in FILE, line 1";
    let fault = |lines: &str| read(lines).map(|_| ());
    let of_rule = |lines: &str| fault(&format!("[[resource.rule]]\n{lines}"));
    for (lines, words) in [
        ("scope = \"read\"", "method or name is required"),
        (
            "name = \"a\"\nscope = \"write\"",
            "the resource has no scope \"write\"",
        ),
        (
            "name = \"a\"\nscope = \"read write\"",
            "the resource has no scope \"write\"",
        ),
        ("name = \"a\"\nscope = \"\"", "the scope is empty"),
        (
            "name = \"a**\"\nscope = \"read\"",
            "the name must be a pattern of 1 to 256 characters, in which * stands for any characters",
        ),
        (
            "method = \"tools/*\"\nscope = \"read\"",
            "the method is not a JSON-RPC method such as tools/call",
        ),
        (
            "method = \"tools/list\"\nname = \"a\"\nscope = \"read\"",
            "calls of this method have no name that a rule can check",
        ),
        ("name = \"a\"", "scope is missing"),
        (
            "name = 7\nmethod = \"ping\"\nscope = \"read\"",
            "name must be a text in quotes, not an integer",
        ),
        (
            "nam = \"a\"\nmethod = \"ping\"\nscope = \"read\"",
            "unknown key nam (line 5); did you mean name",
        ),
    ] {
        assert_eq!(
            of_rule(lines),
            Err(format!("{place}: rule 1, line 4: {words}."))
        );
    }
    assert_eq!(
        fault("unlabelled = \"allow\""),
        Err(format!(
            "{place}: unlabelled must be one of \"refuse\", \"all-scopes\", not \"allow\"."
        ))
    );
    assert_eq!(
        fault("rule = \"tools/call\""),
        Err(format!(
            "{place}: write [[resource.rule]] on its own line to start a rule."
        ))
    );
}

#[test]
fn private_schemes_are_the_known_ones_and_those_that_are_added() {
    let schemes = |arguments: &[&str], environment: &[(&str, &str)]| {
        resolve(arguments, environment).map(|config| config.settings().private_schemes)
    };
    assert_eq!(schemes(&[], &[]), Ok(PrivateSchemes::default()));
    assert_eq!(
        schemes(&[], &[("VESTIBULE_PRIVATE_SCHEMES", "")]),
        Ok(PrivateSchemes::default())
    );
    let none = Ok(PrivateSchemes::read([]).expect("none"));
    assert_eq!(schemes(&[], &[("VESTIBULE_PRIVATE_SCHEMES", "none")]), none);
    assert_eq!(schemes(&["--private-schemes="], &[]), none);
    let file = file("private_schemes = [\"my-agent\"]\n");
    assert_eq!(
        schemes(&["--config", path(&file)], &[]),
        Ok(parse::adjusted(["my-agent"]).expect("a name"))
    );
    let without = Ok(parse::adjusted(["-cursor", "my-agent"]).expect("names"));
    assert_eq!(
        schemes(&["--private-schemes", "-cursor,my-agent"], &[]),
        without
    );
    assert_eq!(
        schemes(&[], &[("VESTIBULE_PRIVATE_SCHEMES", "-cursor, my-agent")]),
        without
    );
    assert_eq!(
        schemes(&["--private-schemes", "none,my-agent"], &[]),
        Ok(PrivateSchemes::read(["my-agent"]).expect("a name"))
    );
    assert!(schemes(&["--private-schemes", "javascript"], &[]).is_err());
}

#[test]
fn r_p4_a_scope_is_default_unless_the_file_says_otherwise_and_one_has_to_be() {
    let scope = |name: &str, rest: &str| {
        format!("[[resource.scope]]\nname = \"{name}\"\nsentence = \"Use it\"\n{rest}\n")
    };
    let read = |scopes: &[String]| {
        let file = file(&format!(
            "[[resource]]\nidentifier = \"https://a.example\"\nname = \"A\"\n{}",
            scopes.concat()
        ));
        let config = resolve(&["--config", path(&file)], &[])?;
        Ok(config.resources[0]
            .default_scopes()
            .map(str::to_owned)
            .collect::<Vec<_>>())
    };
    let scopes = [
        scope("read", ""),
        scope("write", "default = false"),
        scope("list", "default = true"),
    ];
    assert_eq!(
        read(&scopes),
        Ok(vec!["read".to_owned(), "list".to_owned()])
    );
    let Err(Faults(faults)) = read(&scopes[1..2]) else {
        panic!("accepted")
    };
    assert!(
        faults.len() == 1 && faults[0].contains("default"),
        "{faults:?}"
    );
}

#[test]
fn r_k6_one_resource_may_be_the_default() {
    let entry = |identifier: &str, rest: &str| {
        let scope = "[[resource.scope]]\nname = \"read\"\nsentence = \"Read it\"\n";
        format!("[[resource]]\nidentifier = \"{identifier}\"\nname = \"A\"\n{rest}\n{scope}")
    };
    let read = |entries: &[String]| {
        let file = file(&entries.concat());
        let config = resolve(&["--config", path(&file)], &[])?;
        Ok(config
            .settings()
            .default_resource
            .map(|identifier| identifier.to_string()))
    };
    let (a, b) = (
        entry("https://a.example", ""),
        entry("https://B.example/", "default = true"),
    );
    assert_eq!(
        read(&[a.clone(), b.clone()]),
        Ok(Some("https://b.example".to_owned()))
    );
    assert_eq!(
        read(&[a.clone(), entry("https://b.example", "default = false")]),
        Ok(None)
    );
    let Err(Faults(faults)) = read(&[a, b, entry("https://c.example", "default = true")]) else {
        panic!("accepted")
    };
    assert!(
        faults.len() == 1
            && faults[0].contains("https://c.example")
            && faults[0].contains("only one"),
        "{faults:?}"
    );
}

#[test]
fn the_listening_port_follows_a_loopback_issuer() {
    let listen =
        |issuer: &str| resolve(&["--issuer", issuer], &[]).expect("sound").listen[0].to_string();
    assert_eq!(listen("http://localhost:4100"), "localhost:4100");
    assert_eq!(listen("http://127.0.0.1:4100"), "127.0.0.1:4100");
    assert_eq!(listen("http://[::1]:4100"), "[::1]:4100");
    assert_eq!(listen("https://auth.example.com"), "localhost:3000");
}

#[test]
fn a_sealing_key_is_never_repeated() {
    let Err(faults) = resolve(&["--sealing-key", "k4.local.hunter2"], &[]) else {
        panic!("accepted")
    };
    assert!(!faults.to_string().contains("hunter2"));
    let file = SealingKeySource::File("a/key".into());
    assert_eq!(
        format!(
            "{:?} {file:?}",
            SealingKeySource::Given("k4.local.hunter2".into())
        ),
        "Given(…) File(a/key)"
    );
}

#[test]
fn the_example_file_holds_every_setting_with_its_default() {
    let config = resolve(&["--config", EXAMPLE], &[]).expect("the example is sound");
    assert_eq!(config, resolve(&[], &[]).expect("defaults are sound"));

    let text = std::fs::read_to_string(EXAMPLE).expect("the example");
    let (top, redis) = text.split_once("\n[redis]\n").expect("the table");
    for named in SETTINGS {
        let (section, key) = named.place();
        let part = if section.is_some() { redis } else { top };
        let has = |line: &str| {
            line.trim_start_matches("# ")
                .starts_with(&format!("{key} = "))
        };
        assert_eq!(
            part.lines().filter(|line| has(line)).count(),
            1,
            "{}",
            named.key
        );
        let variable = named.variable();
        assert!(text.contains(&variable), "{variable}");
    }
}

#[test]
fn the_settings_of_redis_stand_in_a_table_of_their_own() {
    let redis = file(
        "store = \"redis+sentinel://a,b/name\"\n[redis]\nprefix = \"other:\"\nwait_for_replica = \"3s\"\nusername = \"me\"\ndatabase = 2\n\
         sentinel_password = \"hush\"\npassword_file = \"/run/password\"\n",
    );
    let config = resolve(&["--config", path(&redis)], &[]).expect("sound");
    let options = config.redis();
    assert_eq!(options.prefix, "other:");
    assert_eq!(options.wait_for_replica, Some(Duration::from_secs(3)));
    assert_eq!(options.username.as_deref(), Some("me"));
    assert_eq!(options.database, Some(2));
    assert_eq!(options.password_file, Some("/run/password".into()));
    assert_eq!(options.connect_timeout, Duration::from_secs(1));
    assert!(!format!("{config:?}").contains("hush"));
    let environment = [("VESTIBULE_REDIS_PREFIX", "third:")];
    let config = resolve(&["--config", path(&redis)], &environment).expect("sound");
    assert_eq!(config.redis().prefix, "third:");
    let config = resolve(&["--redis-wait-for-replica", "1s"], &[]).expect("sound");
    assert_eq!(
        config.redis().wait_for_replica,
        Some(Duration::from_secs(1))
    );
    let config = resolve(&[], &[]).expect("sound");
    assert_eq!(config.redis(), store::RedisOptions::default());

    for (text, fault) in [
        ("[redis]\nprefixes = \"a\"", "[redis] prefixes"),
        ("[redis]\nprefixes = \"a\"", "did you mean prefix"),
        (
            "[redis]\nprefix = \"{a}\"",
            "must not contain braces or spaces",
        ),
        ("[redis]\nconnect_timeout = \"0s\"", "too short"),
        ("redis_prefix = \"a\"", "unknown setting"),
        ("redis = \"a\"", "[redis] on its own line"),
    ] {
        let written = file(text);
        let Faults(faults) = resolve(&["--config", path(&written)], &[]).expect_err(text);
        assert!(
            faults.len() == 1 && faults[0].contains(fault),
            "{text}: {faults:?}"
        );
    }
}

/// What a resource with these lines is read as, or its faults without their place.
fn resource_with(lines: &str) -> Result<Config, Vec<String>> {
    let file = file(&format!(
        "[[resource]]\nidentifier = \"http://localhost:3000/notes\"\nname = \"Notes\"\n{lines}\n[[resource.scope]]\nname = \"read\"\nsentence = \"Read\"\n"
    ));
    resolve(&["--config", path(&file)], &[]).map_err(|Faults(faults)| {
        let place = format!(
            "[[resource]] 1 \"http://localhost:3000/notes\" in {}, line 1: ",
            path(&file)
        );
        let told = faults.iter().map(|fault| fault.replace(&place, ""));
        told.collect()
    })
}

#[test]
fn a_resource_chooses_the_format_of_its_tokens() {
    let format = |lines: &str| resource_with(lines).map(|config| config.resources[0].token_format);
    let jwt = |algorithm, jwt_type| TokenFormat::Jwt {
        algorithm,
        jwt_type,
    };
    let rs256 = jwt(SigningAlgorithm::Rs256, JwtType::AccessToken);
    for (lines, read) in [
        ("", TokenFormat::Paseto),
        ("token = \"paseto\"", TokenFormat::Paseto),
        ("token = \"jwt\"", rs256),
        (
            "token = \"jwt\"\njwt_algorithm = \"ES256\"\njwt_type = \"JWT\"",
            jwt(SigningAlgorithm::Es256, JwtType::Jwt),
        ),
        (
            "token = \"jwt\"\njwt_algorithm = \"EdDSA\"",
            jwt(SigningAlgorithm::EdDsa, JwtType::AccessToken),
        ),
    ] {
        assert_eq!(format(lines), Ok(read), "{lines}");
    }
    for (lines, fault) in [
        (
            "token = \"JWT\"",
            "token must be \"paseto\" or \"jwt\", not \"JWT\".",
        ),
        (
            "jwt_algorithm = \"RS256\"",
            "jwt_algorithm requires token = \"jwt\".",
        ),
        (
            "token = \"paseto\"\njwt_type = \"JWT\"",
            "jwt_type requires token = \"jwt\".",
        ),
        (
            "token = \"jwt\"\njwt_algorithm = \"HS256\"",
            "jwt_algorithm must be one of \"RS256\", \"ES256\", \"EdDSA\", not \"HS256\".",
        ),
        (
            "token = \"jwt\"\njwt_type = \"at\"",
            "jwt_type must be one of \"at+jwt\", \"JWT\", not \"at\".",
        ),
        (
            "token = 1",
            "token must be a text in quotes, not an integer.",
        ),
    ] {
        assert_eq!(format(lines), Err(vec![fault.to_owned()]), "{lines}");
    }
}

#[test]
fn a_resource_has_an_id_and_claims_of_its_own() {
    let config = resource_with("id = \"notes-2.a_b\"\nclaims = [\"email\"]").expect("sound");
    let resource = &config.resources[0];
    assert_eq!(resource.id.as_deref(), Some("notes-2.a_b"));
    assert!(resource.disclosed.email);
    let without = resource_with("claims = []").expect("sound");
    assert_eq!(without.resources[0].disclosed, Disclosed::default());
    let long = "a".repeat(65);
    for id in ["", "a:b", "A", "a/b", "ä", "..", "-", "a b", &long] {
        let faults = resource_with(&format!("id = \"{id}\"")).map(|_| ());
        let is_of_id = |faults: &Vec<String>| faults.len() == 1 && faults[0].contains("the id");
        assert!(faults.as_ref().is_err_and(is_of_id), "{id}: {faults:?}");
    }
    for (claims, email, name) in [
        ("[\"name\"]", false, true),
        ("[\"email\", \"name\"]", true, true),
        ("[\"name\", \"email\"]", true, true),
    ] {
        let config = resource_with(&format!("claims = {claims}")).expect("sound");
        let disclosed = config.resources[0].disclosed;
        assert_eq!(disclosed, Disclosed { email, name }, "{claims}");
    }
    for (claims, fault) in [
        (
            "[\"email\", \"phone\"]",
            "claims must not contain \"phone\", only \"email\" and \"name\".",
        ),
        ("[\"Name\"]", "claims must not contain \"Name\""),
        (
            "[\"name\", \"email\", \"name\"]",
            "claims contain \"name\" twice.",
        ),
        ("[\"email\", \"email\"]", "claims contain \"email\" twice."),
        ("\"email\"", "claims"),
        ("[1]", "claims"),
    ] {
        let faults = resource_with(&format!("claims = {claims}")).map(|_| ());
        let is_told = |faults: &Vec<String>| faults.len() == 1 && faults[0].contains(fault);
        assert!(faults.as_ref().is_err_and(is_told), "{claims}: {faults:?}");
    }
    let scope = "[[resource.scope]]\nname = \"read\"\nsentence = \"Read\"\n";
    let twice = file(&format!(
        "[[resource]]\nid = \"a\"\nidentifier = \"https://a.example\"\nname = \"A\"\n{scope}\
         [[resource]]\nid = \"a\"\nidentifier = \"https://b.example\"\nname = \"B\"\n{scope}"
    ));
    let Err(Faults(faults)) = resolve(&["--config", path(&twice)], &[]) else {
        panic!("an id twice");
    };
    assert!(
        faults.len() == 1
            && faults[0].starts_with("[[resource]] 2")
            && faults[0].contains("the id is already used by [[resource]] 1"),
        "{faults:?}"
    );
}

#[test]
fn an_upstream_is_another_server_and_its_resource_hides_no_page() {
    let upstreams = |lines: &str| resource_with(lines).map(|config| config.upstreams.len());
    assert_eq!(upstreams(""), Ok(0));
    assert_eq!(upstreams("upstream = \"http://127.0.0.1:8080/mcp\""), Ok(1));
    for own in [
        "http://localhost:3000/mcp",
        "http://127.0.0.1:3000/other",
        "http://[::1]:3000/",
        "http://0.0.0.0:3000/",
    ] {
        let faults = upstreams(&format!("upstream = \"{own}\""));
        let words = format!("upstream \"{own}\" is an address of Vestibule itself.");
        assert_eq!(faults, Err(vec![words]));
    }
    for bad in [
        "",
        "127.0.0.1:8080",
        "ftp://a.example/",
        "http://u:p@a.example/",
        "http://a.example/?x",
    ] {
        let faults = upstreams(&format!("upstream = \"{bad}\""));
        assert!(faults.is_err_and(|faults| faults.len() == 1), "{bad}");
    }
    let secret = "upstream_authorization_file = \"/does/not/exist\"";
    let faults = upstreams(secret);
    assert_eq!(
        faults,
        Err(vec![
            "upstream_authorization_file requires upstream.".to_owned()
        ])
    );
    let faults = upstreams(&format!("upstream = \"http://127.0.0.1:8080/\"\n{secret}"));
    assert!(faults.is_err_and(|faults| faults.len() == 1 && faults[0].contains("/does/not/exist")));
    for taken in [
        "/token",
        "/admin",
        "/admin/mcp",
        "/.well-known/mcp",
        "/pkg/a",
        "/",
        "/login",
    ] {
        let file = file(&format!(
            "[[resource]]\nidentifier = \"http://localhost:3000{taken}\"\nname = \"A\"\nupstream = \"http://127.0.0.1:1/\"\n\
             [[resource.scope]]\nname = \"read\"\nsentence = \"Read\"\n"
        ));
        let refused = resolve(&["--config", path(&file)], &[]);
        assert!(
            refused.is_err_and(|Faults(faults)| faults.len() == 1
                && faults[0].contains("is used by Vestibule itself")),
            "{taken}"
        );
    }
}
