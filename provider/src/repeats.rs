//! Repeated posts: a double click, or a browser that sends a form again because it got no response.
//!
//! A browser shows only the last response, so a second post must not fail because the first has
//! succeeded. The first of several identical posts of one browser does the work, and stores its
//! response for a minute; the others get that response. Posts of other browsers, or of another
//! session, are not affected.
//!
//! The response may contain a session, a one-time link or a client secret. It is encrypted under a
//! key that is derived from the browser's secret and a salt. The store has the salt and a digest of
//! that secret, so it cannot decrypt the response. It does not reveal what was posted either, since
//! the key of the record is derived from the same secret.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oauth::{Digest, Secret};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    browser_context::BrowserContext,
    context::Context,
    records::{self, Key, Swapped, Versioned, keys},
    state::Post,
    unavailable::Unavailable,
};

/// How long an answer is given again.
const REMEMBERED: Duration = Duration::from_mins(1);
/// How long the first post may take. After that another one is the first.
const PATIENCE: Duration = Duration::from_secs(30);
/// The interval and number of checks of the others.
const PAUSE: Duration = Duration::from_millis(50);
const MOST_LOOKS: usize = 200;
/// The maximum size of a stored response in bytes. Beyond it a second post is processed normally.
const MOST_BYTES: usize = 16 * 1024;

/// An answer to a post, to be given again.
pub struct PostAnswer {
    /// The stored response, unchanged.
    pub content: Value,
    /// The session that the answer begins.
    pub session: Option<Digest>,
}

/// What to do with one of several identical posts.
pub enum ClaimResult {
    /// This one is the first: pass its response to [`Provider::finish`].
    First(PostClaim),
    /// The first was answered, like this.
    Repeated(Value),
    /// It is processed on its own.
    Alone,
}

/// The claim of a first post.
pub struct PostClaim {
    key: Key<Post>,
    stored: Versioned<Post>,
    salt: Secret,
    sealing: Secret,
    session: Option<Digest>,
}

/// The encrypted content.
#[derive(Serialize, Deserialize)]
struct Remembered {
    /// The session of the first post.
    #[serde(default, with = "crate::values")]
    before: Option<Digest>,
    /// The one its answer began.
    #[serde(default, with = "crate::values")]
    after: Option<Digest>,
    answer: Value,
}

/// Forms that may be sent twice.
pub struct RepeatedPosts {
    pub(crate) context: Context,
}

impl RepeatedPosts {
    /// Checks whether a post is the first of its kind, and otherwise waits for the first one's
    /// response. If the store does not answer, the post is processed on its own.
    pub async fn claim(&self, browser: &BrowserContext, path: &str, body: &[u8]) -> ClaimResult {
        let secret = browser
            .secret
            .derive("identical post", &[path.as_bytes(), &[0], body].concat());
        let key = keys::post(&secret.derive("key", b"").digest());
        for _ in 0..MOST_LOOKS {
            match self.look(browser, &key, &secret).await {
                Ok(Some(result)) => return result,
                Ok(None) => sleep(PAUSE).await,
                Err(_) => return ClaimResult::Alone,
            }
        }
        ClaimResult::Alone
    }

    /// `None` while the first post is at work.
    async fn look(
        &self,
        browser: &BrowserContext,
        key: &Key<Post>,
        secret: &Secret,
    ) -> Result<Option<ClaimResult>, Unavailable> {
        let now = self.context.now();
        let salt = self.context.entropy().secret();
        let claim = Post {
            until: now.after(PATIENCE),
            salt: salt.encode(),
            answer: None,
        };
        let session = browser.session.as_ref().map(Secret::digest);
        let first = |stored| {
            Some(ClaimResult::First(PostClaim {
                key: key.clone(),
                stored,
                salt: salt.clone(),
                sealing: sealing_key(secret, &salt),
                session: session.clone(),
            }))
        };
        if records::insert(self.context.store(), key, &claim, records::ttl(PATIENCE)).await? {
            return Ok(first(Versioned::supposed(claim)));
        }
        let Some(there) = Versioned::read(self.context.store(), key).await? else {
            return Ok(None);
        };
        if there.record.until.has_passed(now) {
            let swapped = there
                .swap(self.context.store(), key, claim, records::ttl(PATIENCE))
                .await?;
            return Ok(match swapped {
                Swapped::Done(stored) => first(stored),
                Swapped::Changed(_) => None,
            });
        }
        let post = there.record;
        let Some(sealed) = post.answer else {
            return Ok(None);
        };
        let opened =
            Secret::decode(&post.salt).and_then(|salt| open(&sealing_key(secret, &salt), &sealed));
        let own = opened.filter(|opened| session == opened.before || session == opened.after);
        Ok(Some(own.map_or(ClaimResult::Alone, |opened| {
            ClaimResult::Repeated(opened.answer)
        })))
    }

    /// Stores the response of a first post for identical ones. Without one, the next of them is the
    /// first again. After a failure, the others get no response, and this one is not affected.
    pub async fn finish(&self, claim: PostClaim, answer: Option<PostAnswer>) {
        let PostClaim {
            key,
            stored,
            salt,
            sealing,
            session,
        } = claim;
        let sealed = answer.and_then(|answer| {
            seal(
                &sealing,
                &Remembered {
                    before: session,
                    after: answer.session,
                    answer: answer.content,
                },
            )
        });
        let is_stored = sealed.is_some();
        let post = Post {
            until: self.context.now().after(REMEMBERED),
            salt: salt.encode(),
            answer: sealed,
        };
        // The store has no conditional removal, but a conditional swap with a short lifetime.
        let ttl = if is_stored {
            records::ttl(REMEMBERED)
        } else {
            store::Ttl::For(Duration::ZERO)
        };
        if let Err(error) = stored.swap(self.context.store(), &key, post, ttl).await {
            tracing::warn!(%error, "the response to a form could not be kept for a repeated submission");
        }
    }
}

fn sealing_key(secret: &Secret, salt: &Secret) -> Secret {
    secret.derive("answer", salt.bytes())
}

/// The key is used once, since the salt is new, so a fixed nonce is safe.
fn cipher(key: &Secret) -> Option<(LessSafeKey, Nonce)> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key.bytes()).ok()?;
    Some((
        LessSafeKey::new(key),
        Nonce::assume_unique_for_key([0; NONCE_LEN]),
    ))
}

fn seal(key: &Secret, remembered: &Remembered) -> Option<String> {
    let (cipher, nonce) = cipher(key)?;
    let mut bytes = records::to_json(remembered);
    if bytes.len() > MOST_BYTES {
        return None;
    }
    cipher
        .seal_in_place_append_tag(nonce, Aad::empty(), &mut bytes)
        .ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

fn open(key: &Secret, sealed: &str) -> Option<Remembered> {
    let (cipher, nonce) = cipher(key)?;
    let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    serde_json::from_slice(cipher.open_in_place(nonce, Aad::empty(), &mut bytes).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sealed_answer_opens_under_its_own_key_alone() {
        let answer = json!({"status": 303, "body": "secret"});
        let remembered = Remembered {
            before: None,
            after: Some(Digest::of(b"session")),
            answer: answer.clone(),
        };
        let (one, other) = (Secret::new([1; 32]), Secret::new([2; 32]));
        let sealed = seal(&one, &remembered).expect("sealed");
        assert!(open(&one, &sealed).is_some_and(|opened| opened.answer == answer));
        assert!(
            open(&other, &sealed).is_none()
                && open(&one, &sealed[1..]).is_none()
                && open(&one, "%").is_none()
        );
        let too_long = json!({"status": 303, "body": "x".repeat(MOST_BYTES)});
        assert!(
            seal(
                &one,
                &Remembered {
                    before: None,
                    after: None,
                    answer: too_long
                }
            )
            .is_none()
        );
    }
}
