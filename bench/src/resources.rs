//! Resources that need more than a PASETO token: refreshes with JWTs, forward authentication, and the
//! reverse proxy with its event streams. Each is measured in turns with its floor.

use std::{fmt::Write as _, io::Write as _, path::Path, time::Duration};

use access_token::{JwtType, SigningAlgorithm, TokenFormat};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Builder,
};

use crate::{
    Outcome, context,
    deployment::{Deployment, Engine},
    floor::{self, ANSWER, Bare},
    load::{self, Meter, Sample, Scenario},
    process,
    scenario::{Allow, Exchange, Refresh, Repeat, TokenPool, VirtualUser, message},
    wire::Wire,
};

const CLIENTS: usize = 8;
const ROUNDS: usize = 6;
const TURN: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_mins(1);
const STREAMS: usize = 1000;
/// The size of an answer of the server behind the proxy, in bytes.
const ANSWERED: usize = 1000;
/// Where the server behind the proxy is.
const PROXIED: &str = "notes.localhost";

/// A resource of the run: its id, and the format of its tokens.
const RESOURCES: [(&str, TokenFormat); 4] = [
    ("paseto", TokenFormat::Paseto),
    ("rs256", jwt(SigningAlgorithm::Rs256)),
    ("es256", jwt(SigningAlgorithm::Es256)),
    ("eddsa", jwt(SigningAlgorithm::EdDsa)),
];

const fn jwt(algorithm: SigningAlgorithm) -> TokenFormat {
    TokenFormat::Jwt {
        algorithm,
        jwt_type: JwtType::AccessToken,
    }
}

/// Prints a table for each engine.
pub(crate) fn measure(binary: &Path) -> Outcome<()> {
    for (name, engine) in [("Embedded store", Engine::File), ("Redis", Engine::Redis)] {
        eprintln!("==> {name}");
        println!("### {name}\n\n{}", table(engine, binary)?);
    }
    Ok(())
}

fn table(engine: Engine, binary: &Path) -> Outcome<String> {
    let generator = Builder::new_current_thread().enable_all().build();
    let generator = generator.map_err(context("a thread"))?;
    let user = VirtualUser {
        issuer: String::new(),
        client: String::new(),
        resource: String::new(),
        callback: "",
        cookies: testkit::cookies::CookieJar::new(),
    };
    let bare = Bare::start(&user, ANSWERED, ANSWERED)?;
    let configuration = configuration(&bare)?;
    let path = configuration.path().display().to_string();
    let settings = [("VESTIBULE_CONFIG", path.as_str())];
    let deployment = Deployment::open_with(engine, binary, &settings)?;
    let deployment = deployment.asking_for(identifier("paseto"));
    let run = Run {
        deployment: &deployment,
        bare: &bare,
    };
    let text = generator.block_on(run.all(binary));
    text.map_err(|fault| deployment.explain(&fault))
}

fn identifier(id: &str) -> String {
    format!("http://{id}.localhost/mcp")
}

/// The configuration file with all resources.
fn configuration(bare: &Bare) -> Outcome<NamedTempFile> {
    let mut text = String::new();
    let proxied = format!("upstream = \"http://{}{ANSWER}\"\n", bare.process.address());
    for (id, format) in RESOURCES {
        let token = format.algorithm().map_or_else(String::new, |algorithm| {
            format!(
                "token = \"jwt\"\njwt_algorithm = \"{}\"\n",
                algorithm.as_str()
            )
        });
        text += &resource(id, &identifier(id), &token);
    }
    text += &resource("notes", &format!("http://{PROXIED}/mcp"), &proxied);
    let mut file = NamedTempFile::new().map_err(context("a file"))?;
    file.write_all(text.as_bytes()).map_err(context("a file"))?;
    Ok(file)
}

fn resource(id: &str, identifier: &str, more: &str) -> String {
    format!(
        "[[resource]]\nid = \"{id}\"\nidentifier = \"{identifier}\"\nname = \"{id}\"\n{more}\
         [[resource.scope]]\nname = \"{id}:use\"\nsentence = \"Use it\"\n"
    )
}

fn row(text: &mut String, name: &str, floor: &str, line: &Line) {
    let _ = writeln!(
        text,
        "| {name} | {:.0} | {:.0} | {floor} | {:.0} | {:.0} |",
        line.work.rate(),
        line.work.cpu_each(),
        line.floor.rate(),
        line.floor.cpu_each()
    );
}

struct Run<'a> {
    deployment: &'a Deployment,
    bare: &'a Bare,
}

/// A work and its floor, in turns.
#[derive(Default)]
struct Line {
    work: Sample,
    floor: Sample,
}

impl Run<'_> {
    async fn all(&self, binary: &Path) -> Outcome<String> {
        let (user, form_token) = self.deployment.furnish(binary).await?;
        let mut text = String::from(
            "| work | requests/s | server CPU µs each | floor | requests/s | CPU µs each |\n|---|--:|--:|---|--:|--:|\n",
        );
        for (id, format) in RESOURCES {
            let user = VirtualUser {
                resource: identifier(id),
                ..user.clone()
            };
            let tokens = self.tokens(&user, &form_token).await?;
            let refresh = Refresh { user, tokens };
            let mut line = Line::default();
            for _ in 0..ROUNDS {
                line.floor = line.floor + floor::sign_as(format, TURN)?;
                line.work = line.work + self.at_deployment(&refresh).await?;
            }
            row(&mut text, &format!("refresh, {id}"), "signature", &line);
        }
        let token = self.access_token(&user, &form_token).await?;
        let asking = Repeat {
            request: user.with_token("/forward-auth/paseto", &token),
            status: 200,
        };
        let line = self.beside(&asking, &self.bare.get()).await?;
        row(&mut text, "forward auth", "bare route", &line);
        let user = VirtualUser {
            resource: format!("http://{PROXIED}/mcp"),
            ..user
        };
        let token = self.access_token(&user, &form_token).await?;
        let proxied = Repeat {
            request: message(PROXIED, "/mcp", &token),
            status: 200,
        };
        let line = self.beside(&proxied, &self.bare.message()).await?;
        row(&mut text, "protect", "the server without a proxy", &line);
        text += &self.streams(&token).await?;
        Ok(text)
    }

    /// Turns of a work, each after one of a bare server.
    async fn beside(&self, work: &Repeat, bare: &Repeat) -> Outcome<Line> {
        let mut line = Line::default();
        for _ in 0..ROUNDS {
            line.floor = line.floor + self.at_bare(bare).await?;
            line.work = line.work + self.at_deployment(work).await?;
        }
        Ok(line)
    }

    async fn at_deployment<E: Scenario + Clone>(&self, work: &E) -> Outcome<Sample> {
        let address = self.deployment.server().address();
        let clients = vec![work.clone(); CLIENTS];
        load::run(address, self.deployment.meter(), clients, TURN).await
    }

    async fn at_bare(&self, work: &Repeat) -> Outcome<Sample> {
        let meter = Meter {
            server: self.bare.process.id(),
            redis: None,
        };
        let clients = vec![work.clone(); CLIENTS];
        load::run(self.bare.process.address(), meter, clients, TURN).await
    }

    /// A refresh token for each client.
    async fn tokens(&self, user: &VirtualUser, form_token: &str) -> Outcome<TokenPool> {
        let codes = self.codes(user, form_token, CLIENTS).await?;
        let tokens = TokenPool::default();
        let exchange = Exchange {
            user: user.clone(),
            codes,
            tokens: tokens.clone(),
        };
        let address = self.deployment.server().address();
        let meter = self.deployment.meter();
        load::run(address, meter, vec![exchange], PATIENCE).await?;
        Ok(tokens)
    }

    async fn codes(
        &self,
        user: &VirtualUser,
        form_token: &str,
        wanted: usize,
    ) -> Outcome<TokenPool> {
        let codes = TokenPool::default();
        let allow = Allow {
            user: user.clone(),
            form_token: form_token.to_owned(),
            wanted,
            codes: codes.clone(),
            waiting: None,
        };
        let address = self.deployment.server().address();
        load::run(address, self.deployment.meter(), vec![allow], PATIENCE).await?;
        Ok(codes)
    }

    async fn access_token(&self, user: &VirtualUser, form_token: &str) -> Outcome<String> {
        let codes = self.codes(user, form_token, 1).await?;
        let code = codes.take().ok_or("there is no code")?;
        let mut wire = Wire::connect(self.deployment.server().address()).await?;
        let answer = wire.send(&user.exchange(&code)).await?;
        answer.member("access_token").map(str::to_owned)
    }

    /// Opens event streams through the proxy, and says what they cost.
    async fn streams(&self, token: &str) -> Outcome<String> {
        let before = process::memory(self.deployment.server().id());
        let request = format!(
            "GET /mcp HTTP/1.1\r\nhost: {PROXIED}\r\nauthorization: Bearer {token}\r\naccept: text/event-stream\r\n\r\n"
        );
        let mut open = Vec::new();
        for _ in 0..STREAMS {
            let address = self.deployment.server().address();
            let mut stream = TcpStream::connect(address)
                .await
                .map_err(context("connecting"))?;
            let sent = stream.write_all(request.as_bytes()).await;
            sent.map_err(context("a stream"))?;
            let mut answer = Vec::new();
            while !answer.ends_with(b"data: x\n\n\r\n") {
                let read = stream
                    .read_buf(&mut answer)
                    .await
                    .map_err(context("a stream"))?;
                if read == 0 {
                    return Err(format!(
                        "a stream ended: {}",
                        String::from_utf8_lossy(&answer)
                    ));
                }
            }
            open.push(stream);
        }
        let after = process::memory(self.deployment.server().id());
        Ok(format!(
            "\n{} open event streams: {:.0} MB before, {:.0} MB with them.\n",
            open.len(),
            before.resident,
            after.resident
        ))
    }
}
