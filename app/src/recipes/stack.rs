//! The table of stacks.

use primitives::{JwtType, SigningAlgorithm};

/// What a recipe is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// A text with `{{name}}` in place of each value, and `{{if name}}` before each line that is for
    /// some resources alone.
    Template(&'static str),
    /// A program that compiles, for a resource that is none.
    Program(&'static str),
}

/// What a stack needs of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Nothing: it verifies tokens of both formats.
    Nothing,
    /// A JWT of one of these algorithms, and perhaps of one type alone.
    Jwt {
        algorithms: &'static [SigningAlgorithm],
        jwt_type: Option<JwtType>,
    },
    /// An id: it asks this server for each request.
    Id,
    /// An id and a secret: it uses introspection.
    Secret,
}

const ANY: Demand = Demand::Jwt {
    algorithms: &SigningAlgorithm::ALL,
    jwt_type: None,
};
const NO_EDDSA: Demand = Demand::Jwt {
    algorithms: &[SigningAlgorithm::Rs256, SigningAlgorithm::Es256],
    jwt_type: None,
};
/// Its default validator refuses `at+jwt`.
const SPRING: Demand = Demand::Jwt {
    algorithms: &[SigningAlgorithm::Rs256, SigningAlgorithm::Es256],
    jwt_type: Some(JwtType::Jwt),
};
const RS256: Demand = Demand::Jwt {
    algorithms: &[SigningAlgorithm::Rs256],
    jwt_type: None,
};

macro_rules! stacks {
    ($($(#[$doc:meta])* $stack:ident $name:literal $title:literal $comment:literal $demand:expr, $text:ident $file:literal;)+) => {
        /// Something that serves MCP, or stands in front of it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Stack {
            $($(#[$doc])* $stack,)+
        }

        impl Stack {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$stack,)+];
            /// Their names.
            pub const NAMES: &[&'static str] = &[$($name,)+];

            /// Its name on the command line and in addresses.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$stack => $name,)+
                }
            }

            /// What people call it.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$stack => $title,)+
                }
            }

            /// How a comment begins.
            pub(super) const fn comment(self) -> &'static str {
                match self {
                    $(Self::$stack => $comment,)+
                }
            }

            /// What it needs of a resource.
            pub(super) const fn demand(self) -> Demand {
                match self {
                    $(Self::$stack => $demand,)+
                }
            }

            /// What its recipe is made from.
            pub(super) const fn text(self) -> Text {
                match self {
                    $(Self::$stack => Text::$text(include_str!($file)),)+
                }
            }
        }
    };
}

stacks! {
    /// Version 2 of the TypeScript SDK, on Express.
    Ts "ts" "TypeScript, SDK 2" "//" ANY, Template "../../recipes/ts.txt";
    /// Version 1 of the TypeScript SDK, on Express.
    Express "express" "TypeScript, SDK 1" "//" ANY, Template "../../recipes/express.txt";
    /// Version 2 of the TypeScript SDK, on Hono.
    Hono "hono" "Hono" "//" ANY, Template "../../recipes/hono.txt";
    /// The Python SDK.
    Python "python" "Python" "#" ANY, Template "../../recipes/python.txt";
    /// `FastMCP`.
    Fastmcp "fastmcp" "FastMCP" "#" ANY, Template "../../recipes/fastmcp.txt";
    /// The Go SDK.
    Go "go" "Go" "//" ANY, Template "../../recipes/go.txt";
    /// rmcp and the crate `access-token`.
    Rust "rust" "Rust" "//" Demand::Nothing, Program "../../../access-token/examples/mcp_server.rs";
    /// The C# SDK.
    Dotnet "dotnet" ".NET" "//" NO_EDDSA, Template "../../recipes/dotnet.txt";
    /// Spring AI.
    Spring "spring" "Spring" "#" SPRING, Template "../../recipes/spring.txt";
    /// agentgateway.
    Agentgateway "agentgateway" "agentgateway" "#" ANY, Template "../../recipes/agentgateway.txt";
    /// Envoy.
    Envoy "envoy" "Envoy" "#" Demand::Id, Template "../../recipes/envoy.txt";
    /// Kong Gateway Enterprise.
    Kong "kong" "Kong" "#" Demand::Secret, Template "../../recipes/kong.txt";
    /// An HTTP API of AWS.
    Aws "aws" "AWS" "#" RS256, Template "../../recipes/aws.txt";
    /// nginx.
    Nginx "nginx" "nginx" "#" Demand::Id, Template "../../recipes/nginx.txt";
    /// Caddy.
    Caddy "caddy" "Caddy" "#" Demand::Id, Template "../../recipes/caddy.txt";
    /// Traefik.
    Traefik "traefik" "Traefik" "#" Demand::Id, Template "../../recipes/traefik.txt";
    /// `HAProxy`.
    Haproxy "haproxy" "HAProxy" "#" Demand::Id, Template "../../recipes/haproxy.txt";
}

impl Stack {
    /// The stack of this name.
    pub fn parse(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|stack| stack.name() == name)
    }

    /// Whether the recipe has the id of the resource.
    pub(super) const fn needs_id(self) -> bool {
        matches!(self.demand(), Demand::Id | Demand::Secret)
    }
}
