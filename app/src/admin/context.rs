//! The pages for administrators. All of them require the role and a recent sign-in.

use std::future::Future;

use leptos::prelude::*;
use oauth::Timestamp;
use provider::{Administration, AdministrationError, NotAdministrator};

use crate::{
    admin::{
        flash::{Attempt, FlashMessage},
        parts::{Navigation, ResultMessage},
    },
    context::PageContext,
    error_page::ErrorPage,
    flash::Flash,
    page::{PageError, PageView, public_page},
    pages::{AdminPage, PagePath, ReturnTo},
};

/// Where `/admin` leads to.
pub(crate) async fn start(_: PageContext) -> Result<PagePath, PageError> {
    Ok(PagePath::Admin(AdminPage::Accounts))
}

/// The request of an administrator for one of the pages.
pub(crate) struct AdminContext {
    pub(crate) context: PageContext,
    pub(crate) administration: Administration,
    pub(crate) flash: Option<Flash<FlashMessage>>,
    pub(crate) form_token: String,
    pub(crate) now: Timestamp,
}

impl AdminContext {
    /// Lets only administrators in.
    async fn open(context: PageContext, page: AdminPage) -> Result<Self, PageError> {
        let administration = context
            .provider
            .administrator(&context.browser)
            .await
            .map_err(|refusal| Self::refusal(refusal, page))?;
        Ok(Self {
            administration,
            flash: context.flash(),
            form_token: context.form_token(),
            now: context.provider.now(),
            context,
        })
    }

    /// What comes in place of the page.
    fn refusal(refusal: NotAdministrator, page: AdminPage) -> PageError {
        match refusal {
            NotAdministrator::NotSignedIn => PageError::Elsewhere(PagePath::Login(None)),
            NotAdministrator::ConfirmFirst => {
                PageError::Elsewhere(PagePath::Confirm(ReturnTo::Admin(page)))
            }
            NotAdministrator::WrongRole => ErrorPage::for_administrators().into(),
            NotAdministrator::Unavailable => ErrorPage::unavailable().into(),
        }
    }

    /// What was posted and refused, for the form that it came from.
    pub(crate) fn refused(&self) -> Option<Refused> {
        let flash = self.flash.clone()?;
        match flash.message {
            FlashMessage::Refused { attempt, why } => Some(Refused {
                attempt,
                why: why.text(),
            }),
            FlashMessage::Done(_)
            | FlashMessage::LinkMade { .. }
            | FlashMessage::ClientAdded { .. } => None,
        }
    }
}

/// What an administrator typed and the server refused, and why.
pub(crate) struct Refused {
    pub(crate) attempt: Attempt,
    pub(crate) why: String,
}

impl Refused {
    /// Address, role and fault, if it was an invitation.
    pub(crate) fn invitation(self) -> Option<(String, bool, Option<String>)> {
        if let Attempt::Invite {
            email,
            administrator,
        } = self.attempt
        {
            Some((email, administrator, Some(self.why)))
        } else {
            None
        }
    }

    /// Name, redirect URIs, whether it keeps a secret, and fault, if it was a client to be added.
    pub(crate) fn addition(self) -> Option<(String, String, bool, Option<String>)> {
        if let Attempt::AddClient {
            name,
            redirect_uris,
            confidential,
        } = self.attempt
        {
            Some((name, redirect_uris, confidential, Some(self.why)))
        } else {
            None
        }
    }

    /// Host and fault, if it was the blocking of a host.
    pub(crate) fn blocking(self) -> Option<(String, Option<String>)> {
        if let Attempt::BlockHost { host } = self.attempt {
            Some((host, Some(self.why)))
        } else {
            None
        }
    }
}

/// Renders what `load` returns, in the frame that all of these pages have, for an administrator.
pub(crate) fn admin_page<Load, Loading>(page: AdminPage, load: Load) -> impl IntoView
where
    Load: FnOnce(AdminContext) -> Loading + Send + 'static,
    Loading: Future<Output = Result<AnyView, PageError>> + Send + 'static,
{
    public_page(page.head(), move |context: PageContext| async move {
        let admin = AdminContext::open(context, page).await?;
        let outcome = outcome(&admin);
        let view = PageView::new(frame(page, outcome, load(admin).await?));
        Ok(view.with_islands(page == AdminPage::Resources))
    })
}

/// What became of the operation that led here.
fn outcome(admin: &AdminContext) -> AnyView {
    let flash = admin.flash.clone();
    let lifetime = admin.context.provider.settings().lifetimes.invitation;
    view! { <ResultMessage flash lifetime/> }.into_any()
}

/// The frame that all of these pages have.
fn frame(page: AdminPage, outcome: AnyView, content: AnyView) -> AnyView {
    view! {
        <Navigation current=page/>
        <h1>{page.title()}</h1>
        <p class="lead">{page.lead()}</p>
        {outcome}
        {content}
    }
    .into_any()
}

/// Reading fails only when the store does.
impl From<AdministrationError> for ErrorPage {
    fn from(_: AdministrationError) -> Self {
        Self::unavailable()
    }
}
