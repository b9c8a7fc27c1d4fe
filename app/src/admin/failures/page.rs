//! Requests of clients that failed: what was asked for, what is known, what differs, and what
//! helps.

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use primitives::web_address::AddressParts;
use provider::{
    ClientStanding, FailedRequest, FailedStep, FailureKind, FailureView, RequestedParameters,
    RequestedText, Settings,
};

use crate::{
    admin::{
        actions::AddRedirectUri,
        context::AdminContext,
        failures::{
            difference::{Piece, of_address, of_words},
            messages,
        },
        messages as admin_messages,
        pagination::{Page, Pagination},
        parts::{ActionForm, NoneFound, Search},
    },
    clean,
    components::{Ago, Disclosure, PageSection, fill, sentence},
    messages::common,
    page::PageError,
    pages::AdminPage,
};

/// `/admin/failures?q=&page=`.
pub(crate) async fn load(admin: AdminContext) -> Result<AnyView, PageError> {
    let query = admin.context.query_decoded("q");
    let number = admin.context.query_decoded("page");
    let mut failures = admin.administration.failures().await?;
    if failures.is_empty() {
        return Ok(view! { <p class="quiet">{messages::NONE}</p> }.into_any());
    }
    failures.retain(|view| fits(&view.failure, query.trim()));
    // Those of clients in use first; within both groups the latest stay first.
    failures.sort_by_key(|view| !is_in_use(view.failure.standing));
    let page = Page::cut(failures, &number);
    let position = page.position();
    let none = page.rows.is_empty();
    let (in_use, others): (Vec<_>, Vec<_>) = page
        .rows
        .into_iter()
        .partition(|view| is_in_use(view.failure.standing));
    let known = Known::of(
        admin.context.provider.settings(),
        admin.now,
        admin.form_token.clone(),
    );
    let view = view! {
        <Search section=AdminPage::Failures label=messages::FIND button=messages::FIND_IT query=query.clone()/>
        {none.then(|| view! { <NoneFound section=AdminPage::Failures sentence=nothing_found(&query) show_all=messages::SHOW_ALL/> })}
        <Group id="in-use" title=messages::IN_USE hint="" rows=in_use known=&known/>
        <Group id="others" title=messages::OTHERS hint=messages::OTHERS_EXPLAINED rows=others known=&known/>
        <Pagination section=AdminPage::Failures query=&query position/>
    };
    Ok(view.into_any())
}

fn is_in_use(standing: ClientStanding) -> bool {
    matches!(standing, ClientStanding::Added | ClientStanding::Used)
}

/// Whether a failure matches a search: the number of a request, or a part of any other value.
fn fits(failure: &FailedRequest, query: &str) -> bool {
    let query = query.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&query);
    let of_attempts = failure.attempts.iter().any(|attempt| {
        attempt.requests.iter().any(|request| has(request))
            || texts(&attempt.asked).any(|asked| has(&asked.text))
    });
    let own = [
        &failure.client_id,
        &failure.last_from,
        &failure.code,
        &failure.description,
    ];
    of_attempts
        || own
            .into_iter()
            .chain(&failure.client_name)
            .any(|text| has(text))
}

/// All that was asked for.
fn texts(asked: &RequestedParameters) -> impl Iterator<Item = &RequestedText> {
    let RequestedParameters {
        redirect_uri,
        resource,
        scope,
        client_name,
    } = asked;
    [redirect_uri, resource, scope, client_name]
        .into_iter()
        .flatten()
}

/// What a row compares with, and what it needs besides its failure.
#[derive(Clone)]
pub(crate) struct Known {
    resources: Vec<String>,
    scopes: Vec<String>,
    schemes: Vec<String>,
    now: Timestamp,
    form_token: String,
}

impl Known {
    pub(crate) fn of(settings: &Settings, now: Timestamp, form_token: String) -> Self {
        let scopes = settings
            .resources
            .iter()
            .flat_map(|resource| &resource.scopes);
        let mut scopes: Vec<_> = scopes.map(|scope| scope.name.clone()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let resources = settings
            .resources
            .iter()
            .map(|resource| resource.identifier.as_str().to_owned())
            .collect();
        let schemes = settings
            .private_schemes
            .names()
            .map(str::to_owned)
            .collect();
        Self {
            resources,
            scopes,
            schemes,
            now,
            form_token,
        }
    }
}

/// Nothing in the list matches this search.
fn nothing_found(query: &str) -> AnyView {
    let query = view! { <bdi class="strong">{clean::sentence(query)}</bdi> };
    sentence!(messages::NONE_FOUND, query = query).into_any()
}

#[component]
fn Group<'a>(
    id: &'static str,
    title: &'static str,
    hint: &'static str,
    rows: Vec<FailureView>,
    known: &'a Known,
) -> impl IntoView + use<> {
    if rows.is_empty() {
        return ().into_any();
    }
    let rows = rows
        .into_iter()
        .map(|view| view! { <Row view known/> })
        .collect_view();
    view! {
        <PageSection id title>
            {(!hint.is_empty()).then(|| view! { <p class="hint">{hint}</p> })}
            <ul class="rows">{rows}</ul>
        </PageSection>
    }
    .into_any()
}

#[component]
pub(crate) fn Row<'a>(view: FailureView, known: &'a Known) -> impl IntoView + use<> {
    let FailureView {
        failure,
        registered,
        addable,
    } = view;
    let now = known.now;
    let client = view! { <bdi class="strong">{called(&failure)}</bdi> };
    let from = view! { <bdi class="address">{clean::sentence(&failure.last_from)}</bdi> };
    let (first, last) = (
        view! { <Ago then=failure.first_at now/> },
        view! { <Ago then=failure.last_at now/> },
    );
    let additions = addable
        .into_iter()
        .map(|uri| view! { <Addition failure=&failure uri form_token=&known.form_token/> });
    let additions = additions.collect_view();
    view! {
        <li class="row">
            <div>
                <p>{fill(messages::what(failure.kind), [("client", client.into_any())])}</p>
                {comparison(&failure, &registered, known)}
                <p>{messages::fix(failure.kind)}</p>
                <p class="quiet">
                    {messages::times(failure.times)}
                    {common::DOT}{sentence!(messages::LAST, when = last)}
                    {(failure.times > 1).then(|| view! { {common::DOT}{sentence!(messages::FIRST, when = first)} })}
                    {common::DOT}{sentence!(messages::FROM, address = from)}
                    {common::DOT}{messages::step(failure.step)}
                </p>
            </div>
            {additions}
            <Details failure/>
        </li>
    }
}

/// A part of what was asked for.
#[derive(Clone, Copy)]
enum Field {
    RedirectUri,
    Resource,
    Scope,
}

impl Field {
    const fn label(self) -> &'static str {
        match self {
            Self::RedirectUri => messages::ASKED_REDIRECT,
            Self::Resource => messages::ASKED_RESOURCE,
            Self::Scope => messages::ASKED_SCOPE,
        }
    }

    fn of(self, asked: &RequestedParameters) -> Option<RequestedText> {
        match self {
            Self::RedirectUri => asked.redirect_uri.clone(),
            Self::Resource => asked.resource.clone(),
            Self::Scope => asked.scope.clone(),
        }
    }
}

/// What of a failure is compared with what is known.
struct Compared<'a> {
    field: Field,
    known: &'a [String],
    /// What the known ones are called; nothing where none are listed.
    name: &'static str,
}

impl<'a> Compared<'a> {
    fn of(kind: FailureKind, registered: &'a [String], known: &'a Known) -> Option<Self> {
        let (field, known, name): (_, &[String], _) = match kind {
            FailureKind::WrongRedirect => (Field::RedirectUri, registered, messages::REGISTERED),
            FailureKind::UnknownScope => (Field::Scope, &known.scopes, messages::CONFIGURED),
            FailureKind::ScopeNotGranted => (Field::Scope, &[], ""),
            FailureKind::UnknownResource
            | FailureKind::MissingResource
            | FailureKind::SeveralResources
            | FailureKind::ResourceProof => {
                (Field::Resource, &known.resources, messages::CONFIGURED)
            }
            FailureKind::ResourceNotGranted => (Field::Resource, &[], ""),
            FailureKind::BadRegistration | FailureKind::SchemeNotAllowed | FailureKind::KeptOut => {
                (Field::RedirectUri, &[], "")
            }
            FailureKind::UnknownClient
            | FailureKind::BadDocument
            | FailureKind::Unreachable
            | FailureKind::NoCommonAuthentication
            | FailureKind::MalformedRequest
            | FailureKind::PersonNeeded
            | FailureKind::ClientProof
            | FailureKind::MalformedAuthentication
            | FailureKind::SecretOfPublicClient
            | FailureKind::BadCode
            | FailureKind::VerifierMismatch
            | FailureKind::BadRefreshToken
            | FailureKind::Replayed
            | FailureKind::AccountGone
            | FailureKind::RegistrationClosed
            | FailureKind::TooMany
            | FailureKind::RequestGone
            | FailureKind::Other => return None,
        };
        Some(Self { field, known, name })
    }
}

/// What was asked for, latest first, and what is known, where the two tell what went wrong.
fn comparison(failure: &FailedRequest, registered: &[String], known: &Known) -> Option<AnyView> {
    let compared = Compared::of(failure.kind, registered, known)?;
    let asked: Vec<_> = failure
        .attempts
        .iter()
        .rev()
        .map(|attempt| compared.field.of(&attempt.asked))
        .collect();
    let against = compared.known;
    if asked.iter().all(Option::is_none) && against.is_empty() {
        return None;
    }
    let by_words = matches!(failure.kind, FailureKind::UnknownScope);
    let rows = asked
        .into_iter()
        .map(|asked| view! { <dd class="plain">{marked(asked, against, by_words)}</dd> });
    let name = compared.name;
    Some(
        view! {
            <dl class="facts">
                <dt>{compared.field.label()}</dt>
                {rows.collect_view()}
                {(!name.is_empty()).then(|| view! { <dt>{name}</dt>{listed(against)} })}
                {scheme(failure, known)}
                {host(failure)}
            </dl>
        }
        .into_any(),
    )
}

fn marked(asked: Option<RequestedText>, against: &[String], by_words: bool) -> AnyView {
    let Some(RequestedText { text, altered }) = asked else {
        return messages::NOT_SENT.into_any();
    };
    let pieces = if by_words {
        of_words(&text, against)
    } else {
        of_address(&text, against)
    };
    let pieces = pieces.into_iter().map(|piece| match piece {
        Piece::Same(text) => text.into_any(),
        Piece::Different(text) => view! { <mark>{text}</mark> }.into_any(),
    });
    view! {
        <bdi class="host">{pieces.collect_view()}</bdi>
        {altered.then(|| view! { " "<span class="quiet">{messages::ALTERED}</span> })}
    }
    .into_any()
}

fn listed(known: &[String]) -> AnyView {
    if known.is_empty() {
        return view! { <dd class="plain">{messages::KNOWN_NONE}</dd> }.into_any();
    }
    known
        .iter()
        .map(|text| view! { <dd><bdi>{clean::sentence(text)}</bdi></dd> })
        .collect_view()
        .into_any()
}

/// The scheme of a client that the settings do not allow, beside those that they do.
fn scheme(failure: &FailedRequest, known: &Known) -> Option<AnyView> {
    let asked = failure.attempts.last()?.asked.redirect_uri.as_ref()?;
    let scheme = asked
        .text
        .split_once(':')
        .map(|(scheme, _)| scheme.to_owned())?;
    let is_web = matches!(scheme.as_str(), "https" | "http");
    if !matches!(
        failure.kind,
        FailureKind::BadRegistration | FailureKind::SchemeNotAllowed
    ) || is_web
    {
        return None;
    }
    Some(
        view! {
            <dt>{messages::SCHEME}</dt>
            <dd><bdi><mark>{scheme}</mark></bdi></dd>
            <dt>{messages::CONFIGURED}</dt>
            {listed(&known.schemes)}
        }
        .into_any(),
    )
}

/// The blocked host.
fn host(failure: &FailedRequest) -> Option<AnyView> {
    if failure.kind != FailureKind::KeptOut {
        return None;
    }
    let asked = failure
        .attempts
        .last()
        .and_then(|attempt| attempt.asked.redirect_uri.as_ref());
    let own = failure
        .client_id
        .starts_with("https://")
        .then_some(failure.client_id.as_str());
    let uri = own.or(asked.map(|asked| asked.text.as_str()))?;
    let host = clean::sentence(AddressParts::split(uri).host_or_scheme());
    Some(view! { <dt>{messages::HOST}</dt><dd><bdi>{host}</bdi></dd> }.into_any())
}

/// The second step: it names exactly what is added, and to what.
#[component]
fn Addition<'a>(
    failure: &'a FailedRequest,
    uri: String,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let shown = || view! { <bdi class="host">{uri.clone()}</bdi> };
    let client = view! { <bdi class="strong">{called(failure)}</bdi> };
    let consequence = sentence!(messages::ADD_CONSEQUENCE, client = client, uri = shown());
    let button = sentence!(messages::ADD_IT, uri = shown());
    let spoken = admin_messages::spoken(messages::ADD_REDIRECT, &uri);
    let fields = vec![
        ("client_id", failure.client_id.clone()),
        ("redirect_uri", uri.clone()),
    ];
    let act = view! {
        <ActionForm
            action=AddRedirectUri::url() form_token fields spoken
            consequence=consequence.into_any() button=button.into_any()
        />
    };
    view! { <Disclosure summary=messages::ADD_REDIRECT object=uri>{act}</Disclosure> }
}

/// What a developer needs to know, with its labels.
fn fields(failure: &FailedRequest) -> Vec<(&'static str, String)> {
    let id = clean::sentence(&failure.client_id);
    let id = if id.is_empty() {
        messages::NO_CLIENT_ID.to_owned()
    } else {
        id
    };
    let latest = failure
        .attempts
        .iter()
        .max_by_key(|attempt| attempt.last_at)
        .map(|attempt| attempt.asked.clone())
        .unwrap_or_default();
    let requests: Vec<_> = failure
        .attempts
        .iter()
        .rev()
        .flat_map(|attempt| attempt.requests.iter().rev().cloned())
        .collect();
    let asked = |field: Field| {
        let text = field.of(&latest)?;
        Some((field.label(), clean::sentence(&text.text)))
    };
    let mut fields = vec![
        (messages::CODE, clean::sentence(&failure.code)),
        (messages::DESCRIPTION, clean::sentence(&failure.description)),
        (messages::CLIENT_ID, id),
    ];
    fields.extend(
        [Field::RedirectUri, Field::Resource, Field::Scope]
            .into_iter()
            .filter_map(asked),
    );
    fields.extend((!requests.is_empty()).then(|| (messages::REQUEST_IDS, requests.join(" "))));
    fields
}

#[component]
fn Details(failure: FailedRequest) -> impl IntoView {
    let rows = fields(&failure)
        .into_iter()
        .map(|(label, value)| view! { <dt>{label}</dt><dd><bdi>{value}</bdi></dd> })
        .collect_view();
    view! { <Disclosure summary=messages::DETAILS object=called(&failure)><dl class="facts">{rows}</dl></Disclosure> }
}

/// The name of the client, or what it called itself. One that registers has no id yet, and may
/// have said a name.
fn called(failure: &FailedRequest) -> String {
    let asked = failure
        .attempts
        .last()
        .and_then(|attempt| attempt.asked.client_name.as_ref())
        .map(|name| name.text.as_str());
    let own = if failure.step == FailedStep::Register {
        ""
    } else {
        failure.client_id.as_str()
    };
    clean::name(
        failure.client_name.as_deref().or(asked).unwrap_or(own),
        common::NAMELESS_APPLICATION,
    )
}
