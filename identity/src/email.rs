//! Email addresses, as far as a server that sends no mail must understand them: one notion for
//! pages, commands and settings.
//!
//! The domain is compared and kept in its ASCII form (IDNA, UTS #46), so that however it is spelled
//! it is one domain, and one that imitates another in a foreign script is seen for what it is. The
//! local part is kept in Unicode's composed form (NFC); beyond RFC 6532's freedom it may hold
//! letters, marks and digits of one script, and what RFC 5322 calls `atext`.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, GeneralCategoryGroup, Script},
};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::deceptive::is_deceptive_char;

/// The longest address that can receive mail (RFC 5321 section 4.5.3.1.3, less the angle brackets).
const LONGEST: usize = 254;
/// The characters that are allowed between letters and digits (RFC 5322 section 3.2.3).
const ATEXT: &str = "!#$%&'*+-/=?^_`{|}~";
/// The scripts of Japanese, Korean and Chinese, which are written together and with Latin.
const EAST_ASIAN: [Script; 6] = [
    Script::Latin,
    Script::Han,
    Script::Hiragana,
    Script::Katakana,
    Script::Bopomofo,
    Script::Hangul,
];

/// An address that could exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    local: String,
    domain: String,
}

impl Email {
    /// Reads what a user typed. `None` when no mail could ever get there, or when it could be taken
    /// for another address.
    pub fn parse(text: &str) -> Option<Self> {
        // Bounds the work before any of it: the text comes from outside.
        let text = Some(text.trim()).filter(|text| text.len() <= 2 * LONGEST)?;
        let (local, domain) = text.split_once('@')?;
        let local = nfc(local);
        let plain = !local.is_empty()
            && local.chars().all(may_be_local)
            && local == nfkc(&local)
            && is_of_one_script(&local);
        let first_is_mark = local.chars().next().is_some_and(is_mark);
        let dotted = local.split('.').any(str::is_empty);
        let email = Self {
            domain: domain_in_ascii(domain)?,
            local,
        };
        let fits = email.local.len() + 1 + email.domain.len() <= LONGEST;
        (plain && !first_is_mark && !dotted && fits).then_some(email)
    }

    /// The address for people to read: the local part as it was typed, and the domain in ASCII.
    pub fn shown(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }

    /// The part after the at sign, in ASCII and in lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The form in which addresses are compared, and under which an account is found.
    pub fn folded(&self) -> String {
        format!("{}@{}", lowered(&self.local), self.domain)
    }

    /// The same with a domain in Unicode, as accounts of earlier releases are keyed.
    fn folded_in_unicode(&self) -> String {
        format!(
            "{}@{}",
            lowered(&self.local),
            domain_in_unicode(&self.domain)
        )
    }
}

/// The forms under which the account of an address that was typed may be found: that of today, and
/// those of earlier releases, which took the address as it was typed. How many there are follows
/// from the text alone, not from who has an account.
pub fn folded_forms(text: &str) -> Vec<String> {
    let email = Email::parse(text);
    let earlier = Some(as_typed(text)).filter(|text| text.len() <= LONGEST && text.contains('@'));
    let mut forms = Vec::new();
    for folded in email
        .iter()
        .flat_map(|email| [email.folded(), email.folded_in_unicode()])
        .chain(earlier)
    {
        if !forms.contains(&folded) {
            forms.push(folded);
        }
    }
    forms
}

/// The form in which addresses are compared. Every text has one, so that guesses at any text are
/// counted as one.
pub fn folded(text: &str) -> String {
    Email::parse(text).map_or_else(|| as_typed(text), |email| email.folded())
}

/// The form of the beginning of an address, so that the form of a whole address begins with it.
pub fn folded_prefix(text: &str) -> String {
    Email::parse(text).map_or_else(|| lowered(text.trim()), |email| email.folded())
}

/// The domain of email addresses in ASCII and lower case, however it is spelled. `None` for what
/// is no domain name.
pub fn domain_in_ascii(text: &str) -> Option<String> {
    if text.len() > LONGEST || text.chars().any(is_deceptive_char) {
        return None;
    }
    let ascii = Uts46::new()
        .to_ascii(
            text.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()?;
    // The last label of an address in numbers would be a number.
    let named = ascii
        .rsplit('.')
        .next()
        .is_some_and(|label| !label.bytes().all(|byte| byte.is_ascii_digit()));
    let honest = domain_in_unicode(&ascii).split('.').all(is_of_one_script);
    (named && honest).then(|| ascii.into_owned())
}

/// The domain in Unicode. Only for domains of the settings, which imitate no other one.
pub fn domain_in_unicode(ascii: &str) -> String {
    idna::domain_to_unicode(ascii).0
}

/// Whether mail to an address stays on one machine: the domain has no dot, which may be a typo.
pub fn has_local_domain(email: &str) -> bool {
    email
        .rsplit_once('@')
        .is_some_and(|(_, domain)| !domain.contains('.'))
}

fn as_typed(text: &str) -> String {
    text.trim().to_lowercase()
}

fn lowered(local: &str) -> String {
    nfc(&local.to_lowercase())
}

/// A text in Unicode's composed form (NFC).
pub(crate) fn nfc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(text)
        .into_owned()
}

/// A text in Unicode's compatibility form (NFKC): letters that differ in their looks alone are one.
pub fn nfkc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc()
        .normalize(text)
        .into_owned()
}

fn may_be_local(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_alphanumeric() || letter == '.' || ATEXT.contains(letter);
    }
    let category = category(letter);
    let written = [GeneralCategoryGroup::Letter, GeneralCategoryGroup::Mark]
        .iter()
        .any(|group| group.contains(category));
    (written || category == GeneralCategory::DecimalNumber) && !is_deceptive_char(letter)
}

fn is_mark(letter: char) -> bool {
    GeneralCategoryGroup::Mark.contains(category(letter))
}

fn category(letter: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(letter)
}

/// Whether its letters are of one script, or of scripts that are not confused (UTS #39 section 5.2,
/// "highly restrictive").
fn is_of_one_script(text: &str) -> bool {
    let scripts = CodePointMapData::<Script>::new();
    let of_letters = text.chars().map(|letter| scripts.get(letter));
    let mut written =
        of_letters.filter(|script| ![Script::Common, Script::Inherited].contains(script));
    let Some(first) = written.next() else {
        return true;
    };
    let rest: Vec<_> = written.collect();
    let east_asian = |script: &Script| EAST_ASIAN.contains(script);
    rest.iter().all(|script| *script == first)
        || (east_asian(&first) && rest.iter().all(east_asian))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        Email::parse(text).map(|email| email.shown())
    }

    #[test]
    fn an_address_is_kept_in_one_form() {
        let longest = format!("{}@example.com", "a".repeat(LONGEST - 12));
        for (typed, kept) in [
            ("a@example.com", "a@example.com"),
            ("a@localhost", "a@localhost"),
            (" Ada.L+x@Example.COM ", "Ada.L+x@example.com"),
            ("o'brien@example.com", "o'brien@example.com"),
            ("j\u{fc}rgen@example.com", "j\u{fc}rgen@example.com"),
            ("ju\u{308}rgen@example.com", "j\u{fc}rgen@example.com"),
            ("ada@b\u{fc}cher.example", "ada@xn--bcher-kva.example"),
            ("ada@B\u{dc}CHER.example", "ada@xn--bcher-kva.example"),
            ("ada@bu\u{308}cher.example", "ada@xn--bcher-kva.example"),
            ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
            (
                "\u{7530}\u{4e2d}@example.com",
                "\u{7530}\u{4e2d}@example.com",
            ),
            (
                "\u{915}\u{94d}\u{937}@example.com",
                "\u{915}\u{94d}\u{937}@example.com",
            ),
            (&longest, &longest),
        ] {
            assert_eq!(shown(typed).as_deref(), Some(kept), "{typed}");
        }
    }

    #[test]
    fn what_no_mail_reaches_or_imitates_another_is_none() {
        let too_long = format!("{}@example.com", "a".repeat(LONGEST - 11));
        for bad in [
            "",
            "a",
            "@",
            "a@",
            "@example.com",
            "a@b@c",
            "a b@example.com",
            "a@exa\nmple.com",
            "a@.com",
            "a@b..c",
            "a@b.",
            "a@b\u{0}",
            ".a@example.com",
            "a.@example.com",
            "a..b@example.com",
            "<img/src=x>\"'@x.example",
            "\"a\"@example.com",
            "a,b@example.com",
            "a;b@example.com",
            "a:b@example.com",
            "a(b)@example.com",
            "a\\b@example.com",
            "a[b]@example.com",
            "a@exa_mple.com",
            "a@-b.example",
            "a@b-.example",
            "a@[192.0.2.1]",
            "a@192.0.2.1",
            "a@b/c",
            "a@b?c",
            "a@b:25",
            "bo\u{200b}b@example.com",
            "bob@example.com\u{202e}",
            "bob\u{202e}@example.com",
            "bo\u{ad}b@example.com",
            "bob@exam\u{ad}ple.com",
            "\u{301}a@example.com",
            "a\u{2028}b@example.com",
            "\u{1f980}@example.com",
            // Cyrillic among Latin letters, full-width letters, a ligature.
            "\u{430}da@example.com",
            "bob@ex\u{430}mple.com",
            "bob@xn--exmple-4nf.com",
            "\u{ff41}da@example.com",
            "\u{fb01}n@example.com",
            &too_long,
        ] {
            assert_eq!(shown(bad), None, "{bad:?}");
        }
        assert_eq!(shown(&"\u{fc}@".repeat(100_000)), None);
    }

    #[test]
    fn one_person_has_one_address_however_it_is_typed() {
        let key = |text| Email::parse(text).expect("an address").folded();
        assert_eq!(key("Ada@Example.com"), key(" ada@example.COM"));
        assert_eq!(
            key("J\u{dc}RGEN@b\u{fc}cher.example"),
            key("ju\u{308}rgen@XN--BCHER-KVA.example")
        );
        assert_ne!(key("ada@example.com"), key("ada@example.org"));
        assert_eq!(
            folded("J\u{dc}RGEN@b\u{fc}cher.example"),
            folded("ju\u{308}rgen@XN--BCHER-KVA.example")
        );
    }

    #[test]
    fn accounts_of_earlier_releases_are_found() {
        let earlier = |text: &str| text.trim().to_lowercase();
        for (stored, typed) in [
            ("Ada@Example.com", "ada@example.com"),
            ("ada@B\u{fc}cher.example", "ada@xn--bcher-kva.example"),
            ("ada@B\u{fc}cher.example", "ADA@b\u{fc}cher.example"),
            ("J\u{fc}rgen@example.com", "ju\u{308}rgen@example.com"),
            ("<img/src=x>\"'@x.example", "<IMG/src=x>\"'@x.example"),
        ] {
            assert!(
                folded_forms(typed).contains(&earlier(stored)),
                "{stored} by {typed}"
            );
        }
        // In ASCII there is one key, as ever.
        assert_eq!(
            folded_forms(" Ada@Example.com "),
            [earlier("ada@example.com")]
        );
        assert_eq!(
            (folded_forms("nobody"), folded_forms(&"x@".repeat(1000))),
            (vec![], vec![])
        );
    }

    #[test]
    fn a_domain_without_a_dot_is_noticed() {
        assert!(
            has_local_domain("bob@local")
                && !has_local_domain("bob@example.com")
                && !has_local_domain("bob")
        );
    }

    #[test]
    fn what_is_typed_may_be_longer_than_the_address_it_is() {
        let decomposed = format!("{}@x.example", "e\u{301}".repeat(90));
        assert!(decomposed.len() > LONGEST + 2);
        assert!(Email::parse(&decomposed).is_some());
        let endless = format!("{}@x.example", " ".repeat(2 * LONGEST));
        assert_eq!(Email::parse(&endless), None);
    }

    #[test]
    fn a_domain_may_be_typed_in_254_bytes() {
        let wide = |letters: usize| "\u{ff41}".repeat(letters);
        let longest = format!("{}.{}b", wide(62), wide(22));
        assert_eq!(longest.len(), LONGEST);
        assert!(domain_in_ascii(&longest).is_some());
        assert_eq!(domain_in_ascii(&format!("{longest}b")), None);
    }

    #[test]
    fn every_text_has_a_folded_form() {
        assert_eq!(folded(" Ada@Example.com "), "ada@example.com");
        assert_eq!(folded(" No Address "), as_typed(" No Address "));
        assert_eq!(as_typed(" No Address "), "no address");
    }
}
