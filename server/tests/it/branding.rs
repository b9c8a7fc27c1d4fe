//! Branding on every page, within the content security policy.

use app::Brand;
use http::header;
use server::{
    Guards, Options,
    brand::{Accent, Branding, Logo},
    proxies::Proxies,
    router,
    site::PageFiles,
};
use testkit::{
    EngineKind, on_both_engines,
    routed::{Browser, TestServer},
};

on_both_engines!(
    every_page_has_the_accent_and_the_logo,
    a_server_without_branding_has_neither
);

async fn every_page_has_the_accent_and_the_logo(engine: EngineKind) {
    let branding = branding();
    let Brand {
        sheet: Some(sheet),
        logo: Some(logo),
    } = branding.addresses()
    else {
        panic!("no addresses")
    };
    let server = with_branding(&TestServer::of_alice(engine).await, branding);
    let mut browser = Browser::new(&server);
    // Leptos pages, the 404 page, and pages that the server renders itself.
    for path in ["/login", "/setup/x", "/no/such/page", "/authorize"] {
        let answer = browser.get(path).await;
        let page = answer.document();
        let policy = answer
            .header(header::CONTENT_SECURITY_POLICY)
            .expect("a policy");
        assert!(
            policy.contains("style-src 'self';") && policy.contains("img-src 'self';"),
            "{path}: {policy}"
        );
        let links = page
            .attributes("link", "href")
            .filter(|address| *address == &*sheet);
        assert_eq!(links.count(), 1, "{path}");
        assert_eq!(
            page.attributes("img", "src").collect::<Vec<_>>(),
            [&*logo],
            "{path}"
        );
        assert_eq!(
            page.attributes("img", "alt").collect::<Vec<_>>(),
            [""],
            "{path}: the name stands beside it"
        );
        assert!(
            !answer.body.contains("masthead-mark"),
            "{path}: the built-in mark is gone"
        );
    }
    assert_eq!(
        server.get(&sheet).await.header(header::CONTENT_TYPE),
        Some("text/css; charset=utf-8")
    );
    assert_eq!(
        server.get(&logo).await.header(header::CONTENT_TYPE),
        Some("image/svg+xml")
    );
    assert_eq!(server.get("/brand/other.css").await.status, 404);
}

async fn a_server_without_branding_has_neither(engine: EngineKind) {
    let server = TestServer::empty(engine).await;
    for path in ["/login", "/authorize"] {
        let answer = server.get(path).await;
        assert!(
            !answer.body.contains("/brand/") && answer.body.contains("masthead-mark"),
            "{path}"
        );
    }
}

fn branding() -> Branding {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(
        file.path(),
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"/>",
    )
    .expect("written");
    let logo = Logo::read(file.path().to_str().expect("a path of UTF-8")).expect("a logo");
    Branding {
        accent: Some(Accent::parse("#b00020").expect("a colour")),
        logo: Some(logo),
    }
}

/// The same server with other branding.
fn with_branding(server: &TestServer, branding: Branding) -> TestServer {
    let site = PageFiles::new(None, None, "TestServer").with_branding(branding);
    let mut with_branding = server.clone();
    with_branding.router = router(
        server.provider.clone(),
        Options {
            proxies: Proxies::default(),
            site,
            guards: Guards::default(),
        },
    );
    with_branding
}
