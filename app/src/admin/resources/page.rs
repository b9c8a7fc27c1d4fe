//! Resources, and what the developers of their servers need.

use leptos::prelude::*;
use oauth::resource::{Resource, ScopeDescription};
use primitives::TokenFormat;

use crate::{
    RECIPE,
    admin::{
        context::AdminContext,
        pagination::address,
        resource_guide::{self, ResourceGuide},
        resources::messages,
    },
    clean,
    components::{Disclosure, sentence},
    islands::CopyText,
    page::PageError,
    pages::{AdminPage, PagePath},
    recipes::{Stack, name_of, recipe},
};

/// The recipe that is shown when none is asked for.
const FIRST: Stack = Stack::Ts;

/// `/admin/resources?for=`.
pub(crate) async fn load(admin: AdminContext) -> Result<AnyView, PageError> {
    let settings = admin.context.provider.settings();
    if settings.resources.is_empty() {
        return Ok(view! { <p class="quiet">{messages::NONE}</p> }.into_any());
    }
    let chosen = Stack::parse(&admin.context.query("for"));
    let section = |(index, resource): (usize, &Resource)| {
        let guide = ResourceGuide::of(resource, &settings.issuer, &settings.resources);
        let issuer = settings.issuer.to_string();
        let text = recipe(chosen.unwrap_or(FIRST), resource, &settings.issuer);
        view! { <OneResource index resource=resource.clone() guide issuer chosen text/> }
    };
    let sections = settings.resources.iter().enumerate().map(section);
    Ok(sections.collect_view().into_any())
}

#[component]
fn OneResource(
    index: usize,
    resource: Resource,
    guide: ResourceGuide,
    issuer: String,
    chosen: Option<Stack>,
    text: String,
) -> impl IntoView {
    let id = format!("resource-{index}");
    let name = clean::name(&resource.name, resource.identifier.host());
    let scopes = view! { <Scopes scopes=resource.scopes.clone()/> };
    let identifier = resource.identifier.to_string();
    let shown =
        view! { <Recipe index resource=resource.clone() stack=chosen.unwrap_or(FIRST) text/> };
    let content = view! { <Needs resource guide issuer/> };
    view! {
        <section aria-labelledby=id>
            <h2 id=id.clone()><bdi>{name.clone()}</bdi></h2>
            <p><bdi class="host">{identifier}</bdi></p>
            {scopes}
            <Disclosure summary=messages::RECIPE object=name.clone() open=chosen.is_some()>{shown}</Disclosure>
            <Disclosure summary=messages::REQUIREMENTS object=name>{content}</Disclosure>
        </section>
    }
}

/// What its server has to answer and to check.
#[component]
fn Needs(resource: Resource, guide: ResourceGuide, issuer: String) -> impl IntoView {
    view! {
        <Description guide=guide.clone()/>
        <ChallengeExample challenge=guide.challenge.clone()/>
        <OtherLanguages resource guide issuer/>
    }
}

#[component]
fn Scopes(scopes: Vec<ScopeDescription>) -> impl IntoView {
    if scopes.is_empty() {
        return view! { <p class="quiet">{messages::NO_SCOPES}</p> }.into_any();
    }
    let marked = scopes.iter().any(|scope| !scope.default);
    let rows = scopes
        .into_iter()
        .map(|scope| view! { <ScopeRow scope marked/> });
    view! {
        <table class="scopes">
            <caption class="unseen">{messages::SCOPES}</caption>
            <thead><tr><th scope="col">{messages::SCOPE}</th><th scope="col">{messages::SCOPE_DESCRIPTION}</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
        {marked.then(|| view! { <p class="hint">{messages::DEFAULT_EXPLAINED}</p> })}
    }
    .into_any()
}

/// A scope; `marked` where default scopes have to be distinguished from the others.
#[component]
fn ScopeRow(scope: ScopeDescription, marked: bool) -> impl IntoView {
    let mark = (marked && scope.default)
        .then(|| view! { " "<span class="mark">{messages::DEFAULT}</span> });
    view! {
        <tr>
            <th scope="row"><span class="host">{scope.name}</span>{mark}</th>
            <td>{clean::sentence(&scope.sentence)}</td>
        </tr>
    }
}

#[component]
fn Description(guide: ResourceGuide) -> impl IntoView {
    let address = view! { <bdi class="host">{guide.document_address}</bdi> };
    let explained = if guide.is_served_here {
        sentence!(messages::DOCUMENT_SERVED, address = address).into_any()
    } else {
        sentence!(
            messages::DOCUMENT_EXPLAINED,
            address = address,
            kind = code(resource_guide::JSON),
            header = code(resource_guide::CORS)
        )
        .into_any()
    };
    view! {
        <div class="part">
            <h3>{messages::DOCUMENT}</h3>
            <p>{explained}</p>
            <pre><code>{guide.document}</code></pre>
        </div>
    }
}

#[component]
fn ChallengeExample(challenge: String) -> impl IntoView {
    let explained = sentence!(
        messages::CHALLENGE_EXPLAINED,
        error = code(resource_guide::INVALID_TOKEN),
        scope = code(resource_guide::INSUFFICIENT_SCOPE)
    );
    view! {
        <div class="part">
            <h3>{messages::CHALLENGE}</h3>
            <p>{explained}</p>
            <pre><code>{challenge}</code></pre>
        </div>
    }
}

/// The recipe of a stack, and the way to the others.
#[component]
fn Recipe(index: usize, resource: Resource, stack: Stack, text: String) -> impl IntoView {
    let place = PagePath::Admin(AdminPage::Resources);
    let others = Stack::ALL.iter().map(|&other| {
        let link = format!(
            "{}#resource-{index}",
            address(&place, &[("for", other.name())])
        );
        let current = (other == stack).then_some("true");
        view! { <li><a class="link" href=link aria-current=current>{other.title()}</a></li> }
    });
    let fields = [("resource", name_of(&resource)), ("for", stack.name())];
    let plain = address(&RECIPE, &fields);
    let target = format!("recipe-{index}");
    view! {
        <div class="part">
            <p>{messages::RECIPE_EXPLAINED}</p>
            <ul class="choices">{others.collect_view()}</ul>
            <p><a class="link" href=plain>{messages::PLAIN_TEXT}</a></p>
            <CopyText target=target.clone()/>
            <pre><code id=target>{text}</code></pre>
        </div>
    }
}

/// What a program in another language checks, and how it asks.
#[component]
fn OtherLanguages(resource: Resource, guide: ResourceGuide, issuer: String) -> impl IntoView {
    let shown = |text: String| view! { <bdi class="host">{text}</bdi> };
    let [format, place] = match resource.token_format {
        TokenFormat::Paseto => messages::PASETO,
        TokenFormat::Jwt { .. } => messages::JWT,
    };
    let explained = sentence!(
        messages::TOKEN_CHECK_EXPLAINED,
        format = format,
        place = place,
        address = shown(guide.keys_address),
        kid = code("kid"),
        iss = code("iss"),
        issuer = shown(issuer),
        aud = code("aud"),
        resource = shown(resource.identifier.to_string()),
        exp = code("exp"),
        scope = code("scope"),
    );
    let may_ask = resource.introspection_secret.is_some();
    view! {
        <div class="part">
            <h3>{messages::TOKEN_CHECK}</h3>
            <p>{explained}</p>
        </div>
        <IntrospectionPart address=guide.introspection_address may_ask/>
    }
}

/// Where a server asks about tokens, and whether it may.
#[component]
fn IntrospectionPart(address: String, may_ask: bool) -> impl IntoView {
    let address = view! { <bdi class="host">{address}</bdi> };
    let may_ask = if may_ask {
        messages::INTROSPECTION_READY.into_any()
    } else {
        sentence!(
            messages::INTROSPECTION_MISSING,
            command = code(resource_guide::SECRET_COMMAND)
        )
        .into_any()
    };
    view! {
        <div class="part">
            <h3>{messages::INTROSPECTION}</h3>
            <p>{sentence!(messages::INTROSPECTION_EXPLAINED, address = address)}</p>
            <p>{may_ask}</p>
        </div>
    }
}

fn code(text: &'static str) -> impl IntoView {
    view! { <code>{text}</code> }
}
