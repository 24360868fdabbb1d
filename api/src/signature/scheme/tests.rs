use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};

use super::*;

fn signature(scheme: SignatureScheme) -> Signature {
    let tolerance = Duration::from_mins(5);
    Signature { scheme, secret: "S".to_owned(), header: None, prefix: None, tolerance, verify_token: None }
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    pairs.iter().map(pair).collect()
}

/// At so many seconds after the time that the sample was signed.
fn check(signature: &Signature, secret: &str, given: &[(&str, &str)], body: &str, at: i64) -> Result<(), Refused> {
    let now = DateTime::from_timestamp(at, 0).unwrap();
    verify(signature, secret, &headers(given), body.as_bytes(), now)
}

#[test]
fn standard_webhooks_are_verified_with_the_decoded_secret() {
    let scheme = signature(SignatureScheme::StandardWebhooks);
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let body = r#"{"email":"test@example.com","username":"test_user"}"#;
    let token = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
    let given = |token| {
        [
            ("webhook-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"),
            ("webhook-timestamp", "1649367553"),
            ("webhook-signature", token),
        ]
    };
    let at = 1_649_367_553;
    assert_eq!(check(&scheme, secret, &given(token), body, at), Ok(()));
    let several = format!("v1a,x v1,{} nonsense {token}", STANDARD.encode([0; 32]));
    assert_eq!(check(&scheme, secret, &given(&several), body, at), Ok(()));
    assert_eq!(check(&scheme, secret, &given(token), &body.replace('t', "T"), at), Err(Refused::Wrong));
    assert_eq!(check(&scheme, secret, &given("v2,x"), body, at), Err(Refused::Wrong));
    for (late, expected) in [(300, Ok(())), (-300, Ok(())), (301, Err(Refused::Time)), (-301, Err(Refused::Time))] {
        assert_eq!(check(&scheme, secret, &given(token), body, at + late), expected, "{late}");
    }
    let other = [("webhook-timestamp", "1649367553"), ("webhook-signature", token)];
    assert_eq!(check(&scheme, secret, &other, body, at), Err(Refused::Missing("webhook-id".to_owned())));
    assert_eq!(check(&scheme, "whsec_?", &given(token), body, at), Err(Refused::Secret));
}

#[test]
fn a_standard_webhook_may_hold_any_letters() {
    let given = [
        ("webhook-id", "msg_demo0001"),
        ("webhook-timestamp", "1767322445"),
        ("webhook-signature", "v1,SKm28K+c0QYuciPq4bw5Q8uD0m1WHiizJYDgZ9JXL5g="),
    ];
    let body = "{\"type\":\"run.finished\",\"timestamp\":\"2026-01-02T03:04:05Z\",\"data\":{\"run_id\":\"r-1\",\"greeting\":\"\u{5e9}\u{5dc}\u{5d5}\u{5dd}\"}}";
    let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    let scheme = signature(SignatureScheme::StandardWebhooks);
    assert_eq!(check(&scheme, secret, &given, body, 1_767_322_445), Ok(()));
}

#[test]
fn meta_signs_the_bytes_that_it_sends_and_no_other_spelling_of_them() {
    let scheme = signature(SignatureScheme::Meta);
    let body = r#"{"object":"whatsapp_business_account","entry":[{"id":"1000000001","changes":[{"field":"messages","value":{"note":"\u05e9\u05dc\u05d5\u05dd"}}]}]}"#;
    let raw = body.replace(r"\u05e9\u05dc\u05d5\u05dd", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}");
    let escaped = "sha256=3dfcf4a2cd929192a6051629be8b297426c7dd3c96f74607226bf7d847408a3e";
    let of_raw = "sha256=f9171c83696c72446b8d14087bfd610bfed843d37e157d5d33fe7ca133dbfcd3";
    let verdict = |tag, body: &str| check(&scheme, "demo-app-secret", &[("x-hub-signature-256", tag)], body, 0);
    assert_eq!((verdict(escaped, body), verdict(of_raw, &raw)), (Ok(()), Ok(())));
    assert_eq!((verdict(escaped, &raw), verdict(of_raw, body)), (Err(Refused::Wrong), Err(Refused::Wrong)));
    let missing = Err(Refused::Missing("x-hub-signature-256".to_owned()));
    assert_eq!(check(&scheme, "demo-app-secret", &[("x-hub-signature", "sha1=00")], body, 0), missing);
    for malformed in ["", "3dfc", "sha256=", "sha256=zz", &escaped[..70]] {
        assert_eq!(verdict(malformed, body), missing, "{malformed}");
    }
}

#[test]
fn github_and_plain_hmac_sign_the_body_alone() {
    let tag = "c3792b205164835fb70c99646878b0ceec84926e82f4303adb10cb1162238c2a";
    let (secret, body) = ("demo-secret", r#"{"zen":"x"}"#);
    let github = signature(SignatureScheme::Github);
    assert_eq!(check(&github, secret, &[("x-hub-signature-256", &format!("sha256={tag}"))], body, 0), Ok(()));
    let mut own = signature(SignatureScheme::HmacSha256);
    assert_eq!(check(&own, secret, &[("x-signature", &tag.to_uppercase())], body, 0), Ok(()));
    (own.header, own.prefix) = (Some("X-Shop-Hmac".to_owned()), Some("mac:".to_owned()));
    let encoded = STANDARD.encode(from_hex(tag).unwrap());
    assert_eq!(check(&own, secret, &[("x-shop-hmac", &format!("mac:{encoded}"))], body, 0), Ok(()));
    assert_eq!(check(&own, "other", &[("x-shop-hmac", &format!("mac:{encoded}"))], body, 0), Err(Refused::Wrong));
    let twice = [("x-signature", tag), ("x-signature", tag)];
    let plain = signature(SignatureScheme::HmacSha256);
    assert_eq!(check(&plain, secret, &twice, body, 0), Err(Refused::Missing("x-signature".to_owned())));
}

#[test]
fn stripe_signs_time_and_body_with_the_secret_as_it_is_shown() {
    let scheme = signature(SignatureScheme::Stripe);
    let tag = "60067f9a061d7144f797538f78970795a21c562b974e96521344bec232e9fbdc";
    let verdict =
        |value: &str, at| check(&scheme, "whsec_demo", &[("stripe-signature", value)], r#"{"id":"evt_1"}"#, at);
    let at = 1_767_322_445;
    assert_eq!(verdict(&format!("t={at},v1={tag}"), at + 299), Ok(()));
    assert_eq!(verdict(&format!("t={at},v0=1,v1={},v1={tag}", "0".repeat(64)), at), Ok(()));
    assert_eq!(verdict(&format!("t={at},v1={tag}"), at + 301), Err(Refused::Time));
    assert_eq!(verdict(&format!("t={},v1={tag}", at + 1), at), Err(Refused::Wrong), "the time is signed too");
    assert_eq!(verdict(&format!("v1={tag}"), at), Err(Refused::Missing("stripe-signature".to_owned())));
}

#[test]
fn slack_signs_version_time_and_body() {
    // The sample of Slack's documentation.
    let scheme = signature(SignatureScheme::Slack);
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let given = [
        ("x-slack-request-timestamp", "1531420618"),
        ("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
    ];
    let secret = "8f742231b10e8888abcd99yyyzzz85a5";
    assert_eq!(check(&scheme, secret, &given, body, 1_531_420_618), Ok(()));
    assert_eq!(check(&scheme, secret, &given, body, 1_531_421_000), Err(Refused::Time));
    assert_eq!(check(&scheme, "other", &given, body, 1_531_420_618), Err(Refused::Wrong));
}
