//! What must be refused: forged, tampered and stale posts, and everything while a provider is off.

use super::*;
use wend::domain::time::Delay;

/// A body of the provider's form that tells one event.
fn body(kind: ProviderKind) -> Value {
    match kind {
        ProviderKind::Resend => json!({"type": "email.delivered", "data": {}}),
        ProviderKind::Postmark => json!({"RecordType": "Delivery"}),
        ProviderKind::SendGrid => json!([{"event": "delivered"}]),
        ProviderKind::Mailgun => json!({"event-data": {"event": "delivered"}}),
        ProviderKind::Ses => notification(&json!({"eventType": "Delivery"})),
        ProviderKind::Brevo => json!({"event": "delivered"}),
        ProviderKind::SparkPost => json!([{"msys": {"message_event": {"type": "delivery"}}}]),
        ProviderKind::Mailtrap => json!({"events": [{"event": "delivery"}]}),
        ProviderKind::CloudflareEmail => json!({"type": "cf.email.sending.message.delivered", "payload": {}}),
        ProviderKind::UniSenderGo => json!({
            "auth": "PLACEHOLDER",
            "events_by_user": [{"events": [
                {"event_name": "transactional_email_status", "event_data": {"status": "delivered"}},
            ]}],
        }),
        ProviderKind::DashaMail => json!({"event": "delivered"}),
        ProviderKind::Outbox | ProviderKind::Mailpit => json!(null),
    }
}

fn genuine(kind: ProviderKind) -> Sent {
    sent(kind, body(kind).to_string().as_bytes())
}

/// The body is signed, and not only sent with a password.
fn covers_body(kind: ProviderKind) -> bool {
    matches!(
        kind,
        ProviderKind::Resend | ProviderKind::Mailtrap | ProviderKind::UniSenderGo
    )
}

fn status(result: Result<Genuine<'_>, Error>) -> u16 {
    result.map_or_else(|error| error.status(), |_| 200)
}

#[test]
fn what_a_provider_sends_is_taken_and_its_repetition_has_the_same_id() {
    for (kind, _) in tellers() {
        let sent = genuine(kind);
        let (one, again) = (sent.report().unwrap(), sent.report().unwrap());
        assert_eq!(one.events.len(), 1, "{kind:?}");
        assert_eq!(one, again, "{kind:?}");
        // Told again an hour later it is the same event.
        if !matches!(kind, ProviderKind::Resend | ProviderKind::Mailgun) {
            let later = now().plus(Delay::from_hours(1));
            let genuine = sent.verified_with(&account(kind), HOOK_TOKEN, later).unwrap();
            let later = kind.events().unwrap().read(&genuine, later).unwrap();
            assert_eq!(later.events[0].id, one.events[0].id, "{kind:?}");
        }
    }
}

#[test]
fn a_provider_without_its_secret_is_off_and_says_which() {
    for (kind, events) in tellers() {
        let (sent, nothing) = (genuine(kind), Account::default());
        assert!(!events.is_on(&nothing, &Secrets::new("")), "{kind:?}");
        assert!(
            events.is_on(&account(kind), &Secrets::new(HOOK_TOKEN)),
            "{kind:?}"
        );
        let Err(error) = sent.verified_with(&nothing, "", now()) else {
            panic!("{kind:?} took a post")
        };
        let setting = events.setting;
        assert_eq!(error, Error::Unconfigured { setting }, "{kind:?}");
        assert_eq!(error.status(), 401);
        assert!(error.to_string().contains(setting));
    }
}

#[test]
fn unusable_secrets_are_settings_to_mend() {
    for (kind, name) in [
        (ProviderKind::Resend, "RESEND_WEBHOOK_SECRET"),
        (ProviderKind::SendGrid, "SENDGRID_WEBHOOK_PUBLIC_KEY"),
    ] {
        let account = Account::read(kind, |wanted| (wanted == name).then(|| "whsec_".to_owned()));
        let refused = genuine(kind).verified_with(&account, "", now()).err();
        assert_eq!(refused, Some(Error::Unconfigured { setting: name }));
    }
}

#[test]
fn a_post_without_proof_or_with_anothers_is_refused() {
    for (kind, events) in tellers() {
        let mut bare = genuine(kind);
        bare.headers = Headers::new();
        bare.token = None;
        bare.body = body(kind).to_string().into_bytes();
        // The signature of SNS is in the body.
        if kind != ProviderKind::Ses {
            assert_eq!(status(bare.verified()), 401, "{kind:?}");
        }
        let sent = genuine(kind);
        let other = Account::read(kind, |name| {
            (name == events.setting).then(|| match kind {
                ProviderKind::Resend => "whsec_bm90IHRoZSBvbmU=".to_owned(),
                ProviderKind::SendGrid => P256_KEY.to_owned(),
                _ => "some:other".to_owned(),
            })
        });
        let refused = sent.verified_with(&other, "another-token", now());
        // Whose key an ECDSA signature was made with is shown by the vectors.
        let expected = if kind == ProviderKind::SendGrid { 200 } else { 401 };
        assert_eq!(status(refused), expected, "{kind:?}");
    }
}

#[test]
fn a_tampered_body_is_refused_where_it_is_signed() {
    for (kind, _) in tellers().filter(|(kind, _)| covers_body(*kind)) {
        let sent = genuine(kind);
        let text = String::from_utf8(sent.body.clone()).unwrap();
        for (from, to) in [("deliver", "DELIVER"), ("}", " }")] {
            let mut changed = sent.clone();
            changed.body = text.replacen(from, to, 1).into_bytes();
            assert_ne!(changed.body, sent.body);
            assert_eq!(status(changed.verified()), 401, "{kind:?} {from}");
        }
        let mut longer = sent.clone();
        longer.body.push(b'\n');
        assert_eq!(status(longer.verified()), 401, "{kind:?}");
    }
}

/// Mailgun signs a time and a token, not the event: what is altered verifies, and has the id of what it was made of.
#[test]
fn a_token_of_mailgun_is_one_event_whatever_it_is_repeated_with() {
    let sent = genuine(ProviderKind::Mailgun);
    let mut altered = sent.clone();
    let text = String::from_utf8(sent.body.clone()).unwrap();
    altered.body = text.replace("delivered", "complained").into_bytes();
    let (one, other) = (sent.report().unwrap(), altered.report().unwrap());
    assert_ne!(one.events[0].kind, other.events[0].kind);
    assert_eq!(one.events[0].id, other.events[0].id);
    let mut forged = sent.clone();
    forged.body = text.replace("token-1", "token-2").into_bytes();
    assert_eq!(status(forged.verified()), 401);
}

#[test]
fn stale_posts_are_refused_where_the_time_is_signed() {
    let minutes = Delay::from_minutes;
    for (kind, oldest) in [
        (ProviderKind::Resend, minutes(5)),
        (ProviderKind::SendGrid, minutes(25 * 60)),
        (ProviderKind::Mailgun, minutes(9 * 60)),
    ] {
        let at = |at| status(sent_at(kind, body(kind).to_string().as_bytes(), at).verified());
        let second = Delay::from_seconds(1);
        for (sent_at, expected) in [
            (now(), 200),
            (now().minus(oldest), 200),
            (now().minus(oldest).minus(second), 401),
            (now().plus(minutes(5)), 200),
            (now().plus(minutes(5)).plus(second), 401),
        ] {
            assert_eq!(at(sent_at), expected, "{kind:?} {sent_at}");
        }
    }
    for time in ["", "soon", "+1767722400", "1767722400.5", "99999999999999999999"] {
        let mut sent = genuine(ProviderKind::SendGrid);
        sent.headers = Headers::new()
            .with("X-Twilio-Email-Event-Webhook-Signature", P256_SIGNATURE)
            .with("X-Twilio-Email-Event-Webhook-Timestamp", time);
        assert_eq!(status(sent.verified()), 401, "{time:?}");
    }
}

#[test]
fn passwords_are_compared_whole_and_by_their_scheme() {
    let with = |value: &str| {
        let mut sent = genuine(ProviderKind::Postmark);
        sent.headers = Headers::new().with("Authorization", value);
        status(sent.verified())
    };
    let basic = |pair: &str| format!("Basic {}", BASE64.encode(pair));
    assert_eq!(with(&basic("hook:S3cr3t")), 200);
    for wrong in [
        basic("hook:S3cr3"),
        basic("hook:S3cr3t "),
        basic("hook"),
        basic(""),
        "Basic".to_owned(),
        "Bearer hook:S3cr3t".to_owned(),
        "Basic hook:S3cr3t".to_owned(),
        "Digest hook:S3cr3t".to_owned(),
        String::new(),
    ] {
        assert_eq!(with(&wrong), 401, "{wrong}");
    }
    // A token is no password, and an empty setting is no token.
    let mut token = genuine(ProviderKind::Brevo);
    token.headers = Headers::new().with("Authorization", &basic("brevo-token"));
    assert_eq!(status(token.verified()), 401);
}

#[test]
fn sns_is_asked_for_its_topic_before_anything_is_fetched() {
    let kind = ProviderKind::Ses;
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut body = body(kind);
        change(&mut body);
        let sent = sent(kind, body.to_string().as_bytes());
        let (account, hook_token) = (account(kind), Secrets::new(""));
        let keys = Keys {
            account: &account,
            hook_token: &hook_token,
            certificate: None,
            now: now(),
        };
        match kind.events().unwrap().verify(sent.post(), &keys) {
            Err(error) => error.to_string(),
            Ok(Verified::NeedsCertificate { url }) => url,
            Ok(_) => panic!("nothing was fetched"),
        }
    };
    assert_eq!(refused(&|_| ()), CERTIFICATE_URL);
    let topic = refused(&|body| body["TopicArn"] = json!("arn:aws:sns:eu-west-1:999:evil"));
    assert!(topic.contains("SES_SNS_TOPIC_ARN"), "{topic}");
    let host = refused(&|body| body["SigningCertURL"] = json!("https://evil.example/a.pem"));
    assert!(host.contains("certificate"), "{host}");
    for url in [
        "https://sns.eu-west-1.amazonaws.com/?Action=x",
        "https://sns.eu-west-1.amazonaws.com/?x=.pem",
    ] {
        assert!(!refused(&|body| body["SigningCertURL"] = json!(url)).starts_with("https"));
    }
    let raw = refused(&|body| *body = json!({"eventType": "Delivery"}));
    assert!(raw.contains("raw message delivery"), "{raw}");

    let mut raw = genuine(kind);
    raw.headers = Headers::new().with("x-amz-sns-rawdelivery", "true");
    assert_eq!(status(raw.verified()), 401);
}

#[test]
fn a_certificate_of_another_address_is_not_used_and_a_broken_one_is_refused() {
    let kind = ProviderKind::Ses;
    let (sent, account, hook_token) = (genuine(kind), account(kind), Secrets::new(""));
    let with = |url, pem: &str| {
        let keys = Keys {
            account: &account,
            hook_token: &hook_token,
            certificate: Some(Certificate {
                url,
                pem: pem.as_bytes(),
            }),
            now: now(),
        };
        kind.events().unwrap().verify(sent.post(), &keys)
    };
    let other = with("https://sns.us-east-1.amazonaws.com/a.pem", &certificate());
    assert!(matches!(other, Ok(Verified::NeedsCertificate { .. })));
    let broken = with(CERTIFICATE_URL, "<html>Not Found</html>");
    assert!(matches!(broken, Err(Error::Unauthorized { .. })));
    assert!(matches!(
        with(CERTIFICATE_URL, &certificate()),
        Ok(Verified::Pending(_))
    ));
}

#[test]
fn a_subscription_is_confirmed_at_amazon_only() {
    let report = |url: &str| {
        let mut body = body(ProviderKind::Ses);
        body["Type"] = json!("SubscriptionConfirmation");
        body["SubscribeURL"] = json!(url);
        told(ProviderKind::Ses, &body)
    };
    let url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37fb";
    assert_eq!(report(url).confirm.as_deref(), Some(url));
    let evil = report("https://evil.example/?Action=ConfirmSubscription");
    assert_eq!((evil.confirm, evil.unread.len()), (None, 1));
}

#[test]
fn a_signature_that_does_not_hold_ends_it() {
    let sent = genuine(ProviderKind::SendGrid);
    let (account, hook_token) = (account(ProviderKind::SendGrid), Secrets::new(""));
    let keys = Keys {
        account: &account,
        hook_token: &hook_token,
        certificate: None,
        now: now(),
    };
    let events = ProviderKind::SendGrid.events().unwrap();
    let Ok(Verified::Pending(pending)) = events.verify(sent.post(), &keys) else {
        panic!()
    };
    assert_eq!(status(pending.settle(false)), 401);
}

#[test]
fn one_route_token_opens_one_route() {
    for kind in [ProviderKind::CloudflareEmail, ProviderKind::DashaMail] {
        let mut sent = genuine(kind);
        for token in [
            None,
            Some(String::new()),
            Some(HOOK_TOKEN.to_owned()),
            Some(route_token::derive(HOOK_TOKEN, "delivery/other")),
        ] {
            sent.token.clone_from(&token);
            assert_eq!(status(sent.verified()), 401, "{kind:?} {token:?}");
        }
    }
}

#[test]
fn a_body_that_is_no_json_is_refused_with_a_hint() {
    for (kind, _) in tellers() {
        for broken in [
            "",
            "<html>",
            "event=delivered",
            "{\"a\":",
            "[{]",
            "\"text\"",
            "12",
            "null",
        ] {
            let form = kind == ProviderKind::DashaMail && broken.contains('=');
            if form {
                continue;
            }
            let refused = sent(kind, broken.as_bytes()).report();
            let Err(error) = refused else {
                panic!("{kind:?} read {broken:?}")
            };
            assert!(matches!(error.status(), 400 | 401), "{kind:?} {broken:?}");
            assert!(error.to_string().len() > 30, "{error}");
        }
        let latin = sent(kind, &[b'{', 0xe9, b'}']).report();
        assert!(latin.is_err(), "{kind:?}");
    }
}

#[test]
fn only_unisender_asks_by_get() {
    let asking: Vec<_> = tellers().filter(|(_, events)| events.asks_by_get).collect();
    assert_eq!(asking.len(), 1);
    assert_eq!(asking[0].0, ProviderKind::UniSenderGo);
}
