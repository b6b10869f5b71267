//! The installation's settings: vars of `wrangler.toml` and secrets, read once and parsed into types.
//!
//! Called by `edge` with a look-up; reads no environment itself. Faults are collected, so that `/health` names all of
//! them at once. What belongs to the store (brand, sender, policy) is in `store.yaml`.

use crate::domain::identity::Identifier;
use crate::domain::ids::IdentifierHash;
use crate::domain::message::Stream;
use crate::domain::shard::ShardCount;
use crate::domain::time::Timestamp;
use crate::providers::ProviderKind;
use crate::providers::account::Account;
use crate::providers::registry::{for_stream, preference};
use crate::render::links::LinkKeys;
use crate::signing::identity::identity_hash;
use crate::signing::route_token;
use crate::signing::{Secrets, access, hmac_sha256, standard_webhooks};
use std::collections::BTreeMap;

/// Shortest key we hash identities with, in bytes.
const MIN_KEY_BYTES: usize = 16;

/// Hex digits of the fingerprint of `HASH_KEY`.
const FINGERPRINT_DIGITS: usize = 16;

/// Everything that `wrangler.toml` and the secrets say.
pub struct Settings {
    pub environment: Environment,
    pub mode: Mode,
    pub shards: ShardCount,
    /// Where the objects' data must stay, as Cloudflare names it (`eu`); fixed at install.
    pub jurisdiction: Option<String>,
    /// Order of preference; never empty.
    pub providers: Vec<ProviderKind>,
    accounts: BTreeMap<ProviderKind, Account>,
    /// When set, the only addresses or domains mail may go to.
    pub send_only_to: Option<Vec<String>>,
    /// Key of identity hashes. Never rotated: a new one would make every contact a stranger.
    pub hash_key: Secrets,
    /// Keys of links, newest first; none when the setting cannot be used.
    pub link_keys: Option<LinkKeys>,
    pub admin_tokens: Secrets,
    /// The team of Cloudflare Access whose people are operators.
    pub access: Option<access::Team>,
    /// What `notify:` steps are signed with, newest first.
    pub notify_secrets: Secrets,
    /// What the tokens of routes are derived from whose sender signs nothing.
    pub hook_token: Secrets,
    /// Address of this Worker for links in mails; learned from requests when unset.
    pub public_url: Option<String>,
    source_secrets: BTreeMap<String, Secrets>,
    /// Keys of the Segment-compatible API: of the store's server, and of its pages, where anybody can read it.
    pub segment_write_key: Secrets,
    pub segment_public_key: Secrets,
    /// Where the store's pages are besides `brand.url`, as `https://shop.example`: from there a browser may send.
    pub store_origins: Vec<String>,
    /// What is wrong or missing, for `/health`.
    pub faults: Vec<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Dev,
    Production,
}

/// `shadow` decides and keeps the ledger but sends nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Live,
    Shadow,
}

/// A setting that is wrong or missing, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub setting: &'static str,
    pub problem: String,
    /// Whether Wend can work without it.
    pub fatal: bool,
}

impl Settings {
    /// Reads every setting through `get`. Never fails: what is wrong becomes a [`Fault`], and the safe value is used.
    pub fn read(get: impl Fn(&str) -> Option<String>, of_sources: &[&'static str]) -> Self {
        let get = |name: &str| {
            get(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let mut faults = Vec::new();
        let environment = match get("ENVIRONMENT").as_deref() {
            Some("dev") => Environment::Dev,
            Some("production") | None => Environment::Production,
            Some(other) => {
                faults.push(Fault::fatal(
                    "ENVIRONMENT",
                    format!("`{other}` is neither `dev` nor `production`"),
                ));
                Environment::Production
            }
        };
        let mode = read_mode(get("MODE").as_deref(), &mut faults);
        let shards =
            ShardCount::parse(&get("SHARDS").unwrap_or_else(|| "1".to_owned())).unwrap_or_else(|error| {
                faults.push(Fault::fatal("SHARDS", error.to_string()));
                ShardCount::ONE
            });
        let providers = read_providers(get("EMAIL_PROVIDER").as_deref(), &mut faults);
        let accounts = read_accounts(&providers, &get, &mut faults);
        faults.extend(no_mail_in_production(environment, mode, &providers));
        faults.extend(no_marketing(&providers));
        let values_of = |name: &str| Secrets::new(&get(name).unwrap_or_default());
        let hash_key = values_of("HASH_KEY");
        faults.extend(too_short(&hash_key));
        let link_keys = LinkKeys::parse(&get("LINK_KEY").unwrap_or_default())
            .map_err(|error| faults.push(Fault::fatal("LINK_KEY", error.to_string())))
            .ok();
        let access = read_access(&get, &mut faults);
        let admin_tokens = values_of("ADMIN_TOKEN");
        faults.extend(guessable(environment, &admin_tokens));
        let (segment_write_key, segment_public_key) =
            (values_of("SEGMENT_WRITE_KEY"), values_of("SEGMENT_PUBLIC_KEY"));
        faults.extend(public_and_trusted(&segment_write_key, &segment_public_key));
        let store_origins = words(&get("STORE_ORIGINS").unwrap_or_default());
        faults.extend(no_origin(&store_origins));
        let source_secrets = of_sources
            .iter()
            .map(|name| ((*name).to_owned(), values_of(name)))
            .filter(|(_, secret)| !secret.is_empty())
            .collect();
        Self {
            environment,
            mode,
            shards,
            jurisdiction: get("JURISDICTION"),
            providers,
            accounts,
            send_only_to: get("SEND_ONLY_TO").map(|list| words(&list)),
            hash_key,
            link_keys,
            admin_tokens,
            access,
            notify_secrets: values_of("NOTIFY_WEBHOOK_SECRET"),
            hook_token: values_of(route_token::SETTING),
            public_url: get("PUBLIC_URL").map(|url| url.trim_end_matches('/').to_owned()),
            source_secrets,
            segment_write_key,
            segment_public_key,
            store_origins,
            faults,
        }
    }

    /// The settings of sources that are set; a source without the one that proves its deliveries is off.
    pub fn source_secrets(&self) -> &BTreeMap<String, Secrets> {
        &self.source_secrets
    }

    /// The hash that an identifier is known by, under `HASH_KEY`.
    pub fn hash(&self, identifier: &Identifier) -> IdentifierHash {
        let key = self.hash_key.iter().next().unwrap_or_default();
        identity_hash(key.as_bytes(), identifier)
    }

    /// What is set for a provider, named or not; it may lack something. Events of one that was named before still come.
    pub fn account(&self, provider: ProviderKind) -> &Account {
        static NOTHING_SET: Account = Account::empty();
        self.accounts.get(&provider).unwrap_or(&NOTHING_SET)
    }

    /// Tells one set of a provider's settings from another without giving them away: what it refused before is tried at once
    /// when they changed.
    pub fn fingerprint_of(&self, provider: ProviderKind) -> String {
        let key = self.hash_key.iter().next().unwrap_or_default();
        let account = self.account(provider);
        let values = account
            .values()
            .flat_map(|value| [value, "\n"])
            .map(str::as_bytes);
        let parts: Vec<&[u8]> = [b"wend/1/provider/fingerprint\n".as_slice()]
            .into_iter()
            .chain(values)
            .collect();
        let mut text = hex::encode(hmac_sha256(key.as_bytes(), &parts));
        text.truncate(FINGERPRINT_DIGITS);
        text
    }

    /// What keeps `notify:` steps from signing their webhooks. Asked only where a journey has one: nobody else needs the
    /// secret.
    pub fn notify_fault(&self) -> Option<Fault> {
        let problem = match self.notify_secrets.iter().next() {
            None => "is not set, and a journey has a `notify:` step: nobody is called, and after a day the journey goes on \
                     without an answer"
                .to_owned(),
            // Signing nothing with it tells whether it can sign.
            Some(secret) => standard_webhooks::sign(secret, "health", Timestamp::default(), b"")
                .err()?
                .to_string(),
        };
        Some(Fault {
            setting: "NOTIFY_WEBHOOK_SECRET",
            problem,
            fatal: false,
        })
    }

    /// Whether the installation can work at all.
    pub fn usable(&self) -> bool {
        !self.faults.iter().any(|fault| fault.fatal)
    }

    /// Tells one `HASH_KEY` from another without giving it away: kept at install, because it must never change.
    pub fn hash_key_fingerprint(&self) -> Option<String> {
        let key = self.hash_key.iter().next()?;
        let mut text = hex::encode(hmac_sha256(key.as_bytes(), &[b"wend/1/hash-key/fingerprint"]));
        text.truncate(FINGERPRINT_DIGITS);
        Some(text)
    }

    /// Whether the development routes exist: only in `dev`, and only when no mail can reach a person.
    pub fn dev_routes(&self) -> bool {
        let harmless = |kind: &ProviderKind| kind.reaches_nobody(self.account(*kind).url());
        self.environment == Environment::Dev && self.providers.iter().all(harmless)
    }
}

impl Fault {
    fn fatal(setting: &'static str, problem: String) -> Self {
        Self {
            setting,
            problem,
            fatal: true,
        }
    }
}

/// The outbox and catchers of test mail keep mails where a developer looks at them. In production nobody does, and each
/// would count as sent.
fn no_mail_in_production(environment: Environment, mode: Mode, providers: &[ProviderKind]) -> Option<Fault> {
    let catcher = providers
        .iter()
        .find(|kind| !kind.capabilities().reaches_people)?;
    let problem = format!(
        "names `{}`, which keeps mails and sends none; name an email API, or set ENVIRONMENT to `dev`",
        catcher.as_str()
    );
    (environment == Environment::Production).then(|| Fault {
        setting: "EMAIL_PROVIDER",
        problem,
        // In shadow mode no mail should leave anyway.
        fatal: mode == Mode::Live,
    })
}

/// Marketing then waits, message by message; the rest goes out.
fn no_marketing(providers: &[ProviderKind]) -> Option<Fault> {
    let names: Vec<&str> = providers.iter().map(|kind| kind.as_str()).collect();
    for_stream(providers, Stream::Marketing).is_empty().then(|| Fault {
        setting: "EMAIL_PROVIDER",
        problem: format!(
            "names `{}`, which may carry transactional mail only: marketing mails wait until another provider is named",
            names.join(" ")
        ),
        fatal: false,
    })
}

fn read_providers(setting: Option<&str>, faults: &mut Vec<Fault>) -> Vec<ProviderKind> {
    preference(setting.unwrap_or("outbox")).unwrap_or_else(|error| {
        faults.push(Fault::fatal("EMAIL_PROVIDER", error.to_string()));
        vec![ProviderKind::Outbox]
    })
}

fn too_short(hash_key: &Secrets) -> Option<Fault> {
    let is_short = hash_key.iter().next().is_none_or(|key| key.len() < MIN_KEY_BYTES);
    is_short.then(|| {
        let problem =
            "is missing or too short; set it once, to the output of `openssl rand -hex 32`, and keep it";
        Fault::fatal("HASH_KEY", problem.to_owned())
    })
}

fn read_mode(setting: Option<&str>, faults: &mut Vec<Fault>) -> Mode {
    match setting {
        Some("live") | None => Mode::Live,
        Some("shadow") => Mode::Shadow,
        Some(other) => {
            // A misspelt `shadow` must not send.
            let problem = format!("`{other}` is neither `live` nor `shadow`");
            faults.push(Fault::fatal("MODE", problem));
            Mode::Shadow
        }
    }
}

/// Whoever guesses it may stop the shop's mail.
fn guessable(environment: Environment, tokens: &Secrets) -> Option<Fault> {
    let is_short =
        environment == Environment::Production && tokens.iter().any(|token| token.len() < MIN_KEY_BYTES);
    is_short.then(|| Fault {
        setting: "ADMIN_TOKEN",
        problem: "is so short that it can be guessed; set it to the output of `openssl rand -hex 32`"
            .to_owned(),
        fatal: false,
    })
}

/// A page's key would then do all that the server's does.
fn public_and_trusted(trusted: &Secrets, public: &Secrets) -> Option<Fault> {
    let is_both = trusted.iter().any(|key| public.iter().any(|other| key == other));
    is_both.then(|| {
        let problem = "is also SEGMENT_WRITE_KEY, which must never stand in a page: set two different ones";
        Fault::fatal("SEGMENT_PUBLIC_KEY", problem.to_owned())
    })
}

/// As a browser writes it in `Origin`: anything else would match nothing.
fn no_origin(origins: &[String]) -> Option<Fault> {
    let is_origin = |text: &str| {
        let host = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '*', '@']))
    };
    let wrong = origins.iter().find(|text| !is_origin(text))?;
    Some(Fault {
        setting: "STORE_ORIGINS",
        problem: format!(
            "`{wrong}` is no origin; write it as https://shop.example, without a path or a star"
        ),
        fatal: false,
    })
}

fn read_access(get: &impl Fn(&str) -> Option<String>, faults: &mut Vec<Fault>) -> Option<access::Team> {
    let warned = |setting: &'static str, problem: &str| Fault {
        setting,
        problem: problem.to_owned(),
        fatal: false,
    };
    let fault = match (get("ACCESS_TEAM_DOMAIN"), get("ACCESS_AUD")) {
        (None, None) => return None,
        (Some(domain), Some(audience)) => match access::Team::new(&domain, &audience) {
            Some(team) => return Some(team),
            None => warned(
                "ACCESS_TEAM_DOMAIN",
                "is no team's domain, as `your-team.cloudflareaccess.com`: Cloudflare Access signs nobody in",
            ),
        },
        (Some(_), None) => warned(
            "ACCESS_AUD",
            "is not set: copy the Application Audience tag of the application in Cloudflare Access",
        ),
        (None, Some(_)) => warned(
            "ACCESS_TEAM_DOMAIN",
            "is not set: it is `your-team.cloudflareaccess.com`, as Cloudflare Access names it",
        ),
    };
    faults.push(fault);
    None
}

fn read_accounts(
    providers: &[ProviderKind],
    get: &impl Fn(&str) -> Option<String>,
    faults: &mut Vec<Fault>,
) -> BTreeMap<ProviderKind, Account> {
    let mut accounts = BTreeMap::new();
    for provider in ProviderKind::ALL {
        let account = Account::read(provider, get);
        let wanted = providers.contains(&provider);
        faults.extend(account.lacks(provider).filter(|_| wanted).map(|missing| Fault {
            setting: missing.name,
            problem: format!("is missing, and EMAIL_PROVIDER names `{}`", provider.as_str()),
            fatal: false,
        }));
        accounts.insert(provider, account);
    }
    accounts
}

fn words(list: &str) -> Vec<String> {
    list.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Settings {
        let get = |wanted: &str| {
            let found = values.iter().find(|(name, _)| *name == wanted);
            found
                .map(|(_, value)| (*value).to_owned())
                .or_else(|| match wanted {
                    "HASH_KEY" | "LINK_KEY" => Some("0123456789abcdef0123456789abcdef".to_owned()),
                    _ => None,
                })
        };
        Settings::read(get, &[])
    }

    #[test]
    fn the_outbox_is_for_development() {
        for (values, usable, faults) in [
            (&[("ENVIRONMENT", "dev")][..], true, 0),
            (&[("EMAIL_PROVIDER", "outbox")][..], false, 1),
            (&[("MODE", "shadow")][..], true, 1),
            (
                &[("EMAIL_PROVIDER", "resend outbox"), ("RESEND_API_KEY", "re_1")][..],
                false,
                1,
            ),
            (
                &[("EMAIL_PROVIDER", "resend"), ("RESEND_API_KEY", "re_1")][..],
                true,
                0,
            ),
        ] {
            let settings = read(values);
            assert_eq!(settings.usable(), usable, "{values:?}");
            assert_eq!(settings.faults.len(), faults, "{values:?}: {:?}", settings.faults);
        }
    }

    #[test]
    fn a_catcher_of_test_mail_is_for_development() {
        let development = read(&[("ENVIRONMENT", "dev"), ("EMAIL_PROVIDER", "mailpit")]);
        assert!(development.usable() && development.faults.is_empty() && development.dev_routes());
        assert!(!read(&[("EMAIL_PROVIDER", "mailpit")]).usable());
    }

    #[test]
    fn each_missing_setting_of_a_provider_is_named() {
        let settings = read(&[("EMAIL_PROVIDER", "ses"), ("SES_ACCESS_KEY_ID", "AKIDEXAMPLE")]);
        let named: Vec<&str> = settings.faults.iter().map(|fault| fault.setting).collect();
        assert_eq!(named, ["SES_SECRET_ACCESS_KEY", "SES_REGION"]);
        assert!(settings.usable());
    }

    #[test]
    fn what_proves_events_is_read_of_every_provider_and_missed_of_none() {
        let settings = read(&[
            ("EMAIL_PROVIDER", "resend"),
            ("RESEND_API_KEY", "re_1"),
            ("POSTMARK_WEBHOOK_AUTH", "hook:new hook:old"),
        ]);
        assert!(settings.faults.is_empty(), "{:?}", settings.faults);
        let account = settings.account(ProviderKind::Postmark);
        let auth = account.secrets("POSTMARK_WEBHOOK_AUTH").unwrap();
        assert_eq!(auth.iter().collect::<Vec<_>>(), ["hook:new", "hook:old"]);
    }

    #[test]
    fn marketing_without_a_provider_is_told_and_is_not_fatal() {
        let all = [
            ("CLOUDFLARE_EMAIL_API_TOKEN", "t"),
            ("CLOUDFLARE_EMAIL_ACCOUNT_ID", "a"),
            ("RESEND_API_KEY", "re_1"),
        ];
        let named = |providers| {
            let mut values = all.to_vec();
            values.push(("EMAIL_PROVIDER", providers));
            read(&values)
        };
        let alone = named("cloudflare_email");
        let [fault] = alone.faults.as_slice() else {
            panic!("{:?}", alone.faults);
        };
        assert!(alone.usable() && !fault.fatal && fault.setting == "EMAIL_PROVIDER");
        assert!(
            fault.problem.contains("marketing mails wait"),
            "{}",
            fault.problem
        );
        assert!(named("cloudflare_email resend").faults.is_empty());
    }

    #[test]
    fn a_secret_that_cannot_sign_webhooks_is_named_and_is_not_fatal() {
        for (secret, expected) in [
            ("", Some("is not set")),
            ("!!!!", Some("no usable secret")),
            ("whsec_", Some("no usable secret")),
            ("whsec_o0ygLlFNMFgTtPSFpb5ytVm2ZGcsfjVVzWPCW3nZrgM=", None),
            // The newest one signs; the old one is for those who still verify by it.
            ("bmV3LWtleQ== whsec_b2xkLWtleQ==", None),
        ] {
            let settings = read(&[("ENVIRONMENT", "dev"), ("NOTIFY_WEBHOOK_SECRET", secret)]);
            assert!(settings.usable() && settings.faults.is_empty(), "{secret:?}");
            let fault = settings.notify_fault();
            assert_eq!(fault.is_some(), expected.is_some(), "{secret:?}: {fault:?}");
            if let (Some(fault), Some(expected)) = (fault, expected) {
                assert_eq!((fault.setting, fault.fatal), ("NOTIFY_WEBHOOK_SECRET", false));
                assert!(fault.problem.contains(expected), "{}", fault.problem);
            }
        }
    }

    #[test]
    fn the_door_of_admin_is_checked_and_is_never_fatal() {
        for (values, fault) in [
            (&[("ACCESS_TEAM_DOMAIN", "shop"), ("ACCESS_AUD", "a1")][..], None),
            (&[("ACCESS_TEAM_DOMAIN", "shop")][..], Some("ACCESS_AUD")),
            (&[("ACCESS_AUD", "a1")][..], Some("ACCESS_TEAM_DOMAIN")),
            (
                &[("ACCESS_TEAM_DOMAIN", "evil.example"), ("ACCESS_AUD", "a1")][..],
                Some("ACCESS_TEAM_DOMAIN"),
            ),
            (
                &[("ADMIN_TOKEN", "0123456789abcdef short")][..],
                Some("ADMIN_TOKEN"),
            ),
            (&[("ADMIN_TOKEN", "0123456789abcdef")][..], None),
        ] {
            let live = [("EMAIL_PROVIDER", "resend"), ("RESEND_API_KEY", "re_1")];
            let settings = read(&[values, &live].concat());
            let found: Vec<&str> = settings.faults.iter().map(|fault| fault.setting).collect();
            assert_eq!(found, fault.into_iter().collect::<Vec<_>>(), "{values:?}");
            assert!(settings.usable());
            assert_eq!(settings.access.is_some(), values.len() == 2 && fault.is_none());
        }
        assert!(
            read(&[("ENVIRONMENT", "dev"), ("ADMIN_TOKEN", "dev-admin")])
                .faults
                .is_empty()
        );
    }

    #[test]
    fn keys_and_origins_of_pages_are_checked() {
        let faults_of = |values: &[(&str, &str)]| -> Vec<(&str, bool)> {
            let values = [values, &[("ENVIRONMENT", "dev")]].concat();
            let faults = read(&values).faults;
            faults.iter().map(|fault| (fault.setting, fault.fatal)).collect()
        };
        let keys = |public| {
            [
                ("SEGMENT_WRITE_KEY", "server-key other"),
                ("SEGMENT_PUBLIC_KEY", public),
            ]
        };
        assert_eq!(faults_of(&keys("page-key")), []);
        assert_eq!(faults_of(&keys("page-key other")), [("SEGMENT_PUBLIC_KEY", true)]);
        for (origins, wrong) in [
            ("https://shop.example, http://127.0.0.1:8080", false),
            ("https://shop.example/", true),
            ("shop.example", true),
            ("https://*.shop.example", true),
        ] {
            let faults = faults_of(&[("STORE_ORIGINS", origins)]);
            assert_eq!(!faults.is_empty(), wrong, "{origins}: {faults:?}");
        }
    }

    #[test]
    fn the_fingerprint_tells_keys_apart() {
        let of = |key: &str| read(&[("HASH_KEY", key)]).hash_key_fingerprint().unwrap();
        let (one, other) = (of("a-key-of-some-length"), of("b-key-of-some-length"));
        assert_ne!(one, other);
        assert_eq!(one, of("a-key-of-some-length"));
        assert_eq!(one.len(), FINGERPRINT_DIGITS);
    }
}
