use oauth::resource::{ResourceIdentifier, ScopeDescription};
use primitives::{Digest, SigningAlgorithm};

use super::*;

const ISSUER: &str = "https://auth.example.com";

fn scope(name: &str, default: bool) -> ScopeDescription {
    ScopeDescription {
        name: name.to_owned(),
        sentence: String::new(),
        default,
    }
}

fn resource(identifier: &str) -> Resource {
    Resource::new(
        ResourceIdentifier::parse(identifier).expect("a valid identifier"),
        "Notes",
        vec![scope("notes:read", true), scope("notes:write", false)],
    )
}

fn notes() -> Resource {
    let mut notes = resource("https://notes.example.com/mcp");
    notes.id = Some("notes".to_owned());
    notes
}

fn with(algorithm: SigningAlgorithm, jwt_type: JwtType) -> Resource {
    let mut notes = notes();
    notes.token_format = TokenFormat::Jwt {
        algorithm,
        jwt_type,
    };
    notes
}

fn shown(stack: Stack, resource: &Resource) -> String {
    let issuer = Issuer::parse(ISSUER).expect("a valid issuer");
    recipe(stack, resource, &issuer)
}

#[test]
fn every_value_of_every_recipe_is_filled_in() {
    for &stack in Stack::ALL {
        for algorithm in SigningAlgorithm::ALL {
            let text = shown(stack, &with(algorithm, JwtType::AccessToken));
            assert!(!text.contains("{{"), "{}:\n{text}", stack.name());
            assert!(text.contains(ISSUER), "{}", stack.name());
            assert!(text.contains("/mcp"), "{}", stack.name());
            assert_eq!(Stack::parse(stack.name()), Some(stack));
        }
    }
    assert_eq!(Stack::NAMES.len(), 17);
    for other in ["", "TS", "ts ", "javascript", "ts\0"] {
        assert_eq!(Stack::parse(other), None, "{other:?}");
    }
}

#[test]
fn what_the_configuration_lacks_is_said_first() {
    let plain = resource("https://notes.example.com/mcp");
    let first_add = messages::first_add(plain.identifier.as_str());
    for &stack in Stack::ALL {
        let text = shown(stack, &plain);
        let first = text.lines().next().expect("a line");
        let says = |line: &str| {
            let own = format!("{}     {line}", stack.comment());
            text.lines().take(8).any(|other| other == own)
        };
        let needs_jwt = matches!(stack.demand(), Demand::Jwt { .. });
        assert_eq!(says("token = \"jwt\""), needs_jwt, "{}", stack.name());
        assert_eq!(says("id = \"notes\""), stack.needs_id(), "{}", stack.name());
        assert_eq!(first.contains(&first_add), stack != Stack::Rust);
    }
    assert!(shown(Stack::Spring, &plain).contains("#     jwt_type = \"JWT\"\n"));
    let eddsa = with(SigningAlgorithm::EdDsa, JwtType::AccessToken);
    for stack in [Stack::Aws, Stack::Spring, Stack::Dotnet] {
        let text = shown(stack, &eddsa);
        assert!(text.contains("     jwt_algorithm = \"RS256\"\n"), "{text}");
        assert!(!text.contains("     token = "), "{text}");
    }
    let mut complete = with(SigningAlgorithm::Rs256, JwtType::Jwt);
    complete.introspection_secret = Some(Digest::of(b"secret"));
    for &stack in Stack::ALL {
        let first_add = messages::first_add(complete.identifier.as_str());
        assert!(!shown(stack, &complete).contains(&first_add));
    }
}

#[test]
fn the_values_are_those_of_the_resource() {
    let text = shown(Stack::Express, &with(SigningAlgorithm::Es256, JwtType::Jwt));
    for line in [
        "const ISSUER = \"https://auth.example.com\";",
        "const RESOURCE = \"https://notes.example.com/mcp\";",
        "const METADATA = \"https://notes.example.com/.well-known/oauth-protected-resource/mcp\";",
        "const SCOPES = [\"notes:read\"];",
        "      algorithms: [\"ES256\"],",
        "      typ: \"JWT\",",
    ] {
        assert!(text.lines().any(|own| own == line), "{line} in\n{text}");
    }
    assert!(text.contains("add_note: [\"notes:write\"]"));
    assert!(text.contains("app.listen(8000,"));
}

#[test]
fn a_line_for_some_resources_is_for_those_alone() {
    let remote = shown(Stack::Nginx, &notes());
    assert!(remote.contains("\n  listen 443 ssl;\n"), "{remote}");
    assert!(remote.contains("\n  proxy_ssl_verify on;\n"), "{remote}");
    assert!(!remote.contains("listen 127.0.0.1"), "{remote}");
    assert!(remote.contains("\n  location = /.well-known/oauth-protected-resource {"));
    let issuer = Issuer::parse("http://localhost:3000").expect("a valid issuer");
    let local = recipe(Stack::Nginx, &resource("http://localhost:8123"), &issuer);
    assert!(local.contains("\n  listen 127.0.0.1:8123;\n"), "{local}");
    assert!(!local.contains("ssl"), "{local}");
    // The document is at one address, and nginx takes no two locations of one name.
    assert_eq!(local.matches("/forward-auth/").count(), 2, "{local}");
}

#[test]
fn a_server_on_this_computer_listens_where_its_identifier_says() {
    let local = shown(Stack::Python, &resource("http://localhost:8123/mcp"));
    assert!(local.contains("port=8123)"), "{local}");
    let issuer = Issuer::parse("http://localhost:3000").expect("a valid issuer");
    let beside = recipe(
        Stack::Python,
        &resource("http://localhost:3000/mcp"),
        &issuer,
    );
    assert!(beside.contains("port=8000)"), "{beside}");
}

#[test]
fn the_program_in_rust_is_the_example() {
    let Text::Program(example) = Stack::Rust.text() else {
        panic!("no program")
    };
    let document = include_str!("../../../access-token/examples/protected-resource.json");
    let plain = shown(Stack::Rust, &notes());
    let differs = |line: &&str| !line.starts_with(DOCUMENT);
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(differs);
        lines.map(str::to_owned).collect()
    };
    assert_eq!(lines(&plain), lines(example));
    let own = plain.lines().find(|line| line.starts_with(DOCUMENT));
    let own = own.and_then(|line| line.split("r##\"").nth(1)?.strip_suffix("\"##;"));
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(read(own.expect("a document")), read(document));
    let jwt = shown(Stack::Rust, &with(SigningAlgorithm::EdDsa, JwtType::Jwt));
    assert!(
        jwt.contains("Arc::new(RemoteKeys::jwks(ISSUER)?);"),
        "{jwt}"
    );
    assert!(jwt.contains("Verifier::jwt(ISSUER"), "{jwt}");
    assert!(
        jwt.contains(".of_type(access_token::JwtType::Jwt);"),
        "{jwt}"
    );
}

#[test]
fn a_strange_name_stays_within_its_quotation_marks() {
    let mut strange = notes();
    strange.name = "A \"b\" \\ {{issuer}}\n// é".to_owned();
    strange.id = None;
    strange.scopes.clear();
    for &stack in Stack::ALL {
        let text = shown(stack, &strange);
        assert!(!text.contains("A \"b\""), "{text}");
    }
    let text = shown(Stack::Ts, &strange);
    assert!(
        text.contains(r#"name: "A \"b\" \\ {{issuer}} // é""#),
        "{text}"
    );
    strange.name = "笔记".to_owned();
    assert!(shown(Stack::Nginx, &strange).contains("id = \"server\""));
}
