//! Resources that need more than a PASETO token: refreshes with JWTs, forward authentication, and the
//! reverse proxy with its event streams. Each is measured in turns with its floor. The limits of the
//! reverse proxy are judged, and a run that misses one fails.

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
    floor::{self, Bare, EVENTS, MCP, Official},
    judged::{Judged, verdict},
    load::{self, Meter, Sample, Scenario},
    process::{self, Process},
    scenario::{Allow, Exchange, Refresh, Repeat, TokenPool, VirtualUser, call},
    wire::Wire,
};

const CLIENTS: usize = 8;
const PATIENCE: Duration = Duration::from_mins(1);
const STREAMS: usize = 1000;
/// The size of a document, in bytes.
const DOCUMENT: usize = 1000;
/// Where the MCP servers behind the proxy are, and where event streams are.
const OFFICIAL: &str = "official.localhost";
const NOTES: &str = "notes.localhost";
const STREAMING: &str = "events.localhost";
/// The share of the calls of the official SDK's server that pass through the proxy in the same time, at
/// least.
const LEAST_SHARE: f64 = 0.6;
/// The same for a server that does next to nothing: no target, but what a slower proxy falls below.
const LEAST_SHARE_OF_BARE: f64 = 0.35;
/// What all open streams may cost together.
const MOST_MB: f64 = 200.0;

/// How long each work takes.
#[derive(Clone, Copy)]
pub(crate) struct Turns {
    rounds: usize,
    each: Duration,
}

impl Turns {
    pub(crate) const WHOLE: Self = Self {
        rounds: 6,
        each: Duration::from_secs(1),
    };
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        each: Duration::from_millis(300),
    };
}

/// A resource of the run: its id, the name of its line, and the format of its tokens.
const RESOURCES: [(&str, &str, TokenFormat); 4] = [
    ("paseto", "PASETO refresh", TokenFormat::Paseto),
    ("rs256", "JWT refresh, RS256", jwt(SigningAlgorithm::Rs256)),
    ("es256", "JWT refresh, ES256", jwt(SigningAlgorithm::Es256)),
    ("eddsa", "JWT refresh, EdDSA", jwt(SigningAlgorithm::EdDsa)),
];

const fn jwt(algorithm: SigningAlgorithm) -> TokenFormat {
    TokenFormat::Jwt {
        algorithm,
        jwt_type: JwtType::AccessToken,
    }
}

/// Prints a table for each engine.
///
/// # Errors
/// What could not be measured, or which limits were missed.
pub(crate) fn measure(binary: &Path, turns: Turns) -> Outcome<()> {
    let mut missed = Vec::new();
    for (name, engine) in [("Embedded store", Engine::File), ("Redis", Engine::Redis)] {
        eprintln!("==> {name}");
        let findings = findings(engine, binary, turns)?;
        println!("### {name}\n\n{}\n{}\n", findings.text, findings.judged);
        missed.extend(findings.judged.missed(name));
    }
    verdict(&missed)
}

/// The table, and what was judged of it.
#[derive(Default)]
struct Findings {
    text: String,
    judged: Judged,
}

impl Findings {
    fn row(&mut self, name: &str, floor: &str, line: &Line) {
        let _ = writeln!(
            self.text,
            "| {name} | {:.0} | {:.0} | {floor} | {:.0} | {:.0} |",
            line.work.rate(),
            line.work.cpu_each(),
            line.floor.rate(),
            line.floor.cpu_each()
        );
    }

    fn judge_share(&mut self, who: &str, line: &Line, least: f64) {
        let share = line.work.rate() / line.floor.rate();
        let what = format!(
            "{who} passes {:.0} % of the calls, wanted ≥ {:.0} %",
            share * 100.0,
            least * 100.0
        );
        self.judged.judge(&what, share >= least);
    }
}

fn findings(engine: Engine, binary: &Path, turns: Turns) -> Outcome<Findings> {
    let generator = Builder::new_current_thread().enable_all().build();
    let generator = generator.map_err(context("a thread"))?;
    let user = VirtualUser::default();
    let bare = Bare::start(&user, DOCUMENT, DOCUMENT)?;
    let official = Official::start()?;
    let configuration = configuration(&bare.process, &official.process)?;
    let path = configuration.path().display().to_string();
    let settings = [("VESTIBULE_CONFIG", path.as_str())];
    let deployment = Deployment::open_with(engine, binary, &settings)?;
    let deployment = deployment.asking_for(identifier("paseto"));
    let run = Run {
        deployment: &deployment,
        bare: &bare,
        official: &official,
        turns,
    };
    let findings = generator.block_on(run.all(binary));
    findings.map_err(|fault| deployment.explain(&fault))
}

fn identifier(id: &str) -> String {
    format!("http://{id}.localhost/mcp")
}

/// The configuration file with all resources.
fn configuration(bare: &Process, official: &Process) -> Outcome<NamedTempFile> {
    let mut text = String::new();
    for (id, _, format) in RESOURCES {
        let token = format.algorithm().map_or_else(String::new, |algorithm| {
            format!(
                "token = \"jwt\"\njwt_algorithm = \"{}\"\n",
                algorithm.as_str()
            )
        });
        text += &resource(id, &identifier(id), &token);
    }
    let upstreams = [
        (OFFICIAL, official, MCP),
        (NOTES, bare, MCP),
        (STREAMING, bare, EVENTS),
    ];
    for (host, behind, path) in upstreams {
        let id = host.split('.').next().unwrap_or_default();
        let proxied = format!("upstream = \"http://{}{path}\"\n", behind.address());
        text += &resource(id, &identifier(id), &proxied);
    }
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

struct Run<'a> {
    deployment: &'a Deployment,
    bare: &'a Bare,
    official: &'a Official,
    turns: Turns,
}

/// A work and its floor, in turns.
#[derive(Default)]
struct Line {
    work: Sample,
    floor: Sample,
}

impl Run<'_> {
    async fn all(&self, binary: &Path) -> Outcome<Findings> {
        let (user, form_token) = self.deployment.furnish(binary).await?;
        let mut findings = Findings::default();
        findings.text.push_str(
            "| work | requests/s | server CPU µs each | floor | requests/s | CPU µs each |\n|---|--:|--:|---|--:|--:|\n",
        );
        let of = |id: &str| VirtualUser {
            resource: identifier(id),
            ..user.clone()
        };
        for (id, name, format) in RESOURCES {
            let line = self.refreshes(of(id), &form_token, format).await?;
            findings.row(name, "signature", &line);
        }
        let token = self.access_token(&user, &form_token).await?;
        let asking = Repeat {
            request: user.with_token("/forward-auth/paseto", &token),
            status: 200,
        };
        let bare = &self.bare.process;
        let asking = vec![asking; CLIENTS];
        let beside = (bare, vec![self.bare.get(); CLIENTS]);
        let line = self.beside(&asking, beside).await?;
        findings.row("forward auth", "bare route", &line);

        let tokens = [
            self.access_token(&of("official"), &form_token).await?,
            self.access_token(&of("notes"), &form_token).await?,
        ];
        self.protects(&tokens, &mut findings).await?;
        let token = self.access_token(&of("events"), &form_token).await?;
        self.streams(&token, &mut findings).await?;
        Ok(findings)
    }

    /// The servers behind the reverse proxy, each beside itself without one.
    async fn protects(
        &self,
        [official, notes]: &[String; 2],
        findings: &mut Findings,
    ) -> Outcome<()> {
        let sessions = self.official.sessions(CLIENTS).await?;
        let proxied = floor::calls(OFFICIAL, official, &sessions);
        let beside = (&self.official.process, self.official.calls(&sessions));
        let line = self.proxied(&proxied, beside).await?;
        findings.row(
            "protect, server of the official SDK",
            "the same without a proxy",
            &line,
        );
        findings.judge_share("`protect`, server of the official SDK,", &line, LEAST_SHARE);

        let proxied = Repeat {
            request: call(NOTES, MCP, notes, None),
            status: 200,
        };
        let beside = (&self.bare.process, vec![self.bare.call(); CLIENTS]);
        let line = self.proxied(&vec![proxied; CLIENTS], beside).await?;
        findings.row("protect, server in Rust", "the same without a proxy", &line);
        findings.judge_share("`protect`, server in Rust,", &line, LEAST_SHARE_OF_BARE);
        Ok(())
    }

    /// Refreshes with tokens of a format, beside its signatures.
    async fn refreshes(
        &self,
        user: VirtualUser,
        form_token: &str,
        format: TokenFormat,
    ) -> Outcome<Line> {
        let tokens = self.tokens(&user, form_token).await?;
        let refresh = Refresh { user, tokens };
        let mut line = Line::default();
        for _ in 0..self.turns.rounds {
            line.floor = line.floor + floor::sign_as(format, self.turns.each)?;
            line.work = line.work + self.at_deployment(vec![refresh.clone(); CLIENTS]).await?;
        }
        Ok(line)
    }

    /// Calls through the proxy beside the same without one, after one that gets the answer of the tool.
    async fn proxied(&self, calls: &[Repeat], beside: (&Process, Vec<Repeat>)) -> Outcome<Line> {
        for call in calls {
            let mut wire = Wire::connect(self.deployment.server().address()).await?;
            let answer = wire.send(&call.request).await?;
            if !answer.text().contains(r#""text":"Buy milk""#) {
                return Err(answer.unexpected());
            }
        }
        self.beside(calls, beside).await
    }

    /// Turns of a work, each after one of a process without this server. The first of both does not
    /// count: a JIT compiles what it runs often.
    async fn beside(
        &self,
        work: &[Repeat],
        (process, bare): (&Process, Vec<Repeat>),
    ) -> Outcome<Line> {
        let mut line = Line::default();
        let meter = Meter {
            server: process.id(),
            redis: None,
        };
        for round in 0..=self.turns.rounds {
            let clients = bare.clone();
            let floor = load::run(process.address(), meter, clients, self.turns.each).await?;
            let work = self.at_deployment(work.to_vec()).await?;
            if round > 0 {
                line = Line {
                    work: line.work + work,
                    floor: line.floor + floor,
                };
            }
        }
        Ok(line)
    }

    async fn at_deployment<E: Scenario>(&self, clients: Vec<E>) -> Outcome<Sample> {
        let address = self.deployment.server().address();
        load::run(address, self.deployment.meter(), clients, self.turns.each).await
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

    /// Opens event streams through the proxy, and judges what they cost.
    async fn streams(&self, token: &str, findings: &mut Findings) -> Outcome<()> {
        let before = process::memory(self.deployment.server().id()).resident;
        let mut open = Vec::new();
        for _ in 0..STREAMS {
            open.push(self.stream(token).await?);
        }
        let after = process::memory(self.deployment.server().id()).resident;
        let what = format!(
            "{} open event streams: {before:.0} MB before, {after:.0} MB with them, wanted < {MOST_MB:.0} MB more",
            open.len()
        );
        findings.judged.judge(&what, after - before < MOST_MB);
        Ok(())
    }

    /// A stream whose first event has arrived.
    async fn stream(&self, token: &str) -> Outcome<TcpStream> {
        let request = format!(
            "GET /mcp HTTP/1.1\r\nhost: {STREAMING}\r\nauthorization: Bearer {token}\r\naccept: text/event-stream\r\n\r\n"
        );
        let fault = context("a stream");
        let address = self.deployment.server().address();
        let mut stream = TcpStream::connect(address).await.map_err(&fault)?;
        stream.write_all(request.as_bytes()).await.map_err(&fault)?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"data: x\n\n\r\n") {
            let read = stream.read_buf(&mut answer).await.map_err(&fault)?;
            if read == 0 {
                let said = String::from_utf8_lossy(&answer);
                return Err(format!("a stream ended: {said}"));
            }
        }
        Ok(stream)
    }
}
