//! Coming in and going out, and what a page says of itself.

use anyhow::{Result, ensure};

use crate::support::{
    in_shop,
    people::{PASSWORD, Visitor, person},
};

#[test]
fn whoever_is_not_in_is_asked_to_come_in_and_led_back() -> Result<()> {
    in_shop(async |shop| {
        let mut stranger = Visitor::stranger(shop)?;
        let sent = stranger.open("/console/orders?status=created").await?;
        ensure!(sent.to.as_deref() == Some("/console/login?next=%2Fconsole%2Forders%3Fstatus%3Dcreated"), "{sent:?}");
        let login = stranger.opens("/console/login?next=%2Fconsole%2Forders%3Fstatus%3Dcreated").await?;
        ensure!(login.html.contains("name=\"next\" value=\"/console/orders?status=created\""), "{}", login.html);
        let email = person(shop, &["support"], &[]).await?;
        let refused = stranger.send("/console/login", &[("email", &email), ("password", "not the password")]).await?;
        ensure!(refused.status == 401 && refused.html.contains("Nobody has this e-mail address and this password."), "{refused:?}");
        ensure!(!refused.html.contains("not the password"), "a password is not shown again");
        let away = [("email", email.as_str()), ("password", PASSWORD), ("next", "https://evil.example/")];
        ensure!(stranger.send("/console/login", &away).await?.to.as_deref() == Some("/console"), "nobody is led elsewhere");
        ensure!(stranger.opens("/console").await?.html.contains("Kim Example"));
        stranger.send("/console/logout", &[]).await?;
        ensure!(stranger.open("/console").await?.status == 303);
        Ok(())
    })
}

#[test]
fn pages_are_what_their_headers_say_and_forms_come_from_pages_of_ours() -> Result<()> {
    in_shop(async |shop| {
        let visitor = Visitor::with(shop, &["support"]).await?;
        let page = crate::support::http::client().get(shop.url("/console")).header("cookie", &visitor.cookie).send().await?;
        let header = |name: &str| page.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        ensure!(header("content-security-policy").contains("script-src 'self'"), "{:?}", page.headers());
        ensure!(header("referrer-policy") == "same-origin" && header("cache-control") == "private, no-store", "{:?}", page.headers());
        let html = page.text().await?;
        ensure!(!html.contains("style=") && !html.contains("onclick"), "{html}");
        let asset = html.split("href=\"/console/assets/").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let asset = crate::support::http::client().get(shop.url(&format!("/console/assets/{asset}"))).send().await?;
        ensure!(asset.status() == 200 && asset.headers()["cache-control"].to_str()?.contains("immutable"), "{asset:?}");
        let forged = crate::support::http::client().post(shop.url("/console/logout")).header("cookie", &visitor.cookie);
        let forged = forged.header("origin", "https://evil.example").send().await?;
        ensure!(forged.status() == 403, "{forged:?}");
        Ok(())
    })
}

#[test]
fn pages_speak_the_browsers_language_or_the_chosen_one() -> Result<()> {
    in_shop(async |shop| {
        let ask = async |language: &str, cookie: &str| {
            let request = crate::support::http::client().get(shop.url("/console/login")).header("accept-language", language);
            anyhow::Ok(request.header("cookie", cookie).send().await?.text().await?)
        };
        ensure!(ask("de-AT,de;q=0.9", "").await?.contains("Anmelden"));
        ensure!(ask("fr", "").await?.contains("Log in"));
        let mirrored = ask("de", "oms_language=ar-XB").await?;
        ensure!(mirrored.contains("dir=\"rtl\"") && mirrored.contains('\u{202e}'), "{mirrored}");
        let mut visitor = Visitor::stranger(shop)?;
        let sent = visitor.send("/console/preferences", &[("language", "de"), ("theme", "dark"), ("next", "/console/login")]).await?;
        ensure!(sent.to.as_deref() == Some("/console/login"), "{sent:?}");
        ensure!(ask("en", &format!("{}; oms_theme=dark", visitor.cookie)).await?.contains("data-theme=\"dark\""));
        Ok(())
    })
}
