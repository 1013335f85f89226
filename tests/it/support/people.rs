//! People at the console: made and invited as an admin would, and coming in as they would.

use anyhow::{Context, Result, ensure};
use reqwest::{
    Method, RequestBuilder,
    header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE},
    redirect::Policy,
};
use serde_json::{Value, json};

use super::{Shop, basket::unique};

/// What everybody's password is.
pub const PASSWORD: &str = "correct horse battery";

/// Somebody of these roles who has set a password: their address.
pub async fn person(shop: &Shop, roles: &[&str], facilities: &[&str]) -> Result<String> {
    let email = format!("{}@people.example", unique("p").to_lowercase());
    let mut body = json!({"email": email, "name": "Kim Example", "roles": roles});
    if !facilities.is_empty() {
        body["facilities"] = json!(facilities);
    }
    let made: Value = shop.post("/v1/people", &body).await?.view(201)?;
    let accept = json!({"token": made["invitation"]["token"], "password": PASSWORD});
    shop.post("/v1/invitations/accept", &accept).await?.view::<Value>(204)?;
    Ok(email)
}

/// A page as it came.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub html: String,
    /// Where it leads, if it leads elsewhere.
    pub to: Option<String>,
}

impl Page {
    /// The key of the first form that leads to this path.
    pub fn key(&self, action: &str) -> Result<String> {
        let form = self.html.split("<form ").find(|form| form.contains(&format!("action=\"{action}\"")));
        let form = form.with_context(|| format!("no form leads to {action}: {}", self.html))?;
        let key = form.split("name=\"key\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        key.map(str::to_owned).context("the form has no key")
    }
}

/// Somebody at a browser without script.
pub struct Visitor<'a> {
    shop: &'a Shop,
    client: reqwest::Client,
    pub cookie: String,
}

impl<'a> Visitor<'a> {
    /// Who has not come in.
    pub fn stranger(shop: &'a Shop) -> Result<Self> {
        let client = reqwest::Client::builder().redirect(Policy::none()).build()?;
        Ok(Self { shop, client, cookie: String::new() })
    }

    /// Who has come in by the form.
    pub async fn of(shop: &'a Shop, email: &str) -> Result<Self> {
        let mut visitor = Self::stranger(shop)?;
        let page = visitor.send("/console/login", &[("email", email), ("password", PASSWORD), ("next", "/console/orders")]).await?;
        ensure!((page.status, page.to.as_deref()) == (303, Some("/console/orders")), "{page:?}");
        ensure!(!visitor.cookie.is_empty(), "no cookie");
        Ok(visitor)
    }

    /// With these roles, everywhere.
    pub async fn with(shop: &'a Shop, roles: &[&str]) -> Result<Self> {
        Self::of(shop, &person(shop, roles, &[]).await?).await
    }

    async fn page(&mut self, request: RequestBuilder) -> Result<Page> {
        let response = request.header(COOKIE, &self.cookie).send().await?;
        let status = response.status().as_u16();
        for cookie in response.headers().get_all(SET_COOKIE) {
            self.keep(cookie.to_str()?.split(';').next().unwrap_or_default());
        }
        let to = response.headers().get(LOCATION).map(|to| to.to_str().map(str::to_owned)).transpose()?;
        Ok(Page { status, html: response.text().await?, to })
    }

    /// Keeps a cookie in place of the one of its name.
    fn keep(&mut self, cookie: &str) {
        let name = cookie.split('=').next().unwrap_or_default();
        let others = self.cookie.split("; ").filter(|known| !known.is_empty() && known.split('=').next() != Some(name));
        self.cookie = others.chain([cookie]).collect::<Vec<_>>().join("; ");
    }

    /// Listens to what changes.
    pub async fn listen(&self, topics: &str) -> Result<reqwest::Response> {
        let path = format!("/console/live?topics={}", encoded(topics));
        Ok(self.client.get(self.shop.url(&path)).header(COOKIE, &self.cookie).send().await?)
    }

    /// Opens a page.
    pub async fn open(&mut self, path: &str) -> Result<Page> {
        let request = self.client.request(Method::GET, self.shop.url(path));
        self.page(request).await
    }

    /// Opens a page that must be there.
    pub async fn opens(&mut self, path: &str) -> Result<Page> {
        let page = self.open(path).await?;
        ensure!(page.status == 200, "{path}: {} {}", page.status, page.html);
        Ok(page)
    }

    /// Sends a form, as a page of ours would.
    pub async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let request = self.client.request(Method::POST, self.shop.url(path)).header(ORIGIN, self.shop.url(""));
        self.page(request.header("content-type", "application/x-www-form-urlencoded").body(body.join("&"))).await
    }

    /// Sends a form that must be taken, and opens the page that it leads to.
    pub async fn does(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Page> {
        let sent = self.send(path, fields).await?;
        ensure!(sent.status == 303, "{path}: {} {}", sent.status, sent.html);
        let to = sent.to.context("it leads nowhere")?;
        self.opens(&to).await
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
