//! As much of WebDriver (<https://www.w3.org/TR/webdriver2/>) as the tests speak. A crate for it turns on an order of keys for every JSON of the
//! workspace, so that the house would be tested with another than it runs with.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::http::client;

/// What names an element in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
pub const ENTER: char = '\u{e007}';
pub const TAB: char = '\u{e004}';

/// A browser's session.
pub struct Session {
    url: String,
}

/// Something on a page.
pub struct Element(Value);

impl Session {
    /// A new browser with these arguments, whose console is kept.
    pub async fn open(driver_url: &str, arguments: &[String]) -> Result<Self> {
        let wanted = json!({"browserName": "chrome", "goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": 60_000, "pageLoad": 60_000}});
        let body = json!({"capabilities": {"alwaysMatch": wanted}});
        let made = ask(Method::POST, &format!("{driver_url}/session"), &body).await?;
        let id = made["sessionId"].as_str().context("a session has an id")?;
        Ok(Self { url: format!("{driver_url}/session/{id}") })
    }

    pub async fn close(&self) -> Result<()> {
        self.ask(Method::DELETE, "", &Value::Null).await.map(drop)
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        ask(method, &format!("{}{path}", self.url), body).await
    }

    async fn get_text(&self, path: &str) -> Result<String> {
        Ok(self.ask(Method::GET, path, &Value::Null).await?.as_str().unwrap_or_default().to_owned())
    }

    pub async fn goto(&self, url: &str) -> Result<()> {
        self.ask(Method::POST, "/url", &json!({"url": url})).await.map(drop)
    }

    pub async fn url(&self) -> Result<String> {
        self.get_text("/url").await
    }

    pub async fn source(&self) -> Result<String> {
        self.get_text("/source").await
    }

    /// A picture, as PNG in base 64.
    pub async fn picture(&self) -> Result<String> {
        self.get_text("/screenshot").await
    }

    /// What a script returns.
    pub async fn run(&self, script: &str) -> Result<Value> {
        self.ask(Method::POST, "/execute/sync", &json!({"script": script, "args": []})).await
    }

    /// What a script gives to its last argument.
    pub async fn run_async(&self, script: &str) -> Result<Value> {
        self.ask(Method::POST, "/execute/async", &json!({"script": script, "args": []})).await
    }

    /// The first that a selector names, if it is there.
    pub async fn find(&self, selector: &str) -> Result<Option<Element>> {
        let found = self.ask(Method::POST, "/elements", &json!({"using": "css selector", "value": selector})).await?;
        Ok(found.get(0).map(|element| Element(element[ELEMENT].clone())))
    }

    pub async fn send_keys(&self, Element(id): &Element, text: &str) -> Result<()> {
        let path = format!("/element/{}/value", id.as_str().context("an element has an id")?);
        self.ask(Method::POST, &path, &json!({"text": text})).await.map(drop)
    }

    pub async fn click(&self, Element(id): &Element) -> Result<()> {
        let path = format!("/element/{}/click", id.as_str().context("an element has an id")?);
        self.ask(Method::POST, &path, &json!({})).await.map(drop)
    }

    /// Keys, one after the other, to whatever has the focus.
    pub async fn type_keys(&self, keys: &str) -> Result<()> {
        let press = |key: char| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        let actions: Vec<Value> = keys.chars().flat_map(press).collect();
        let keyboard = json!([{"type": "key", "id": "keyboard", "actions": actions}]);
        self.ask(Method::POST, "/actions", &json!({"actions": keyboard})).await.map(drop)
    }

    /// What its console has said since it was last asked.
    pub async fn console(&self) -> Result<Vec<(String, String)>> {
        let said = self.ask(Method::POST, "/se/log", &json!({"type": "browser"})).await?;
        let line = |entry: &Value| Some((entry["level"].as_str()?.to_owned(), entry["message"].as_str()?.to_owned()));
        Ok(said.as_array().into_iter().flatten().filter_map(line).collect())
    }

    /// A command of Chromium's own protocol.
    pub async fn chromium(&self, command: &str, parameters: Value) -> Result<Value> {
        self.ask(Method::POST, "/goog/cdp/execute", &json!({"cmd": command, "params": parameters})).await
    }
}

async fn ask(method: Method, url: &str, body: &Value) -> Result<Value> {
    let request = client().request(method, url);
    let request = if body.is_null() { request } else { request.json(body) };
    let answer = request.send().await?;
    let status = answer.status();
    let mut said: Map<String, Value> = answer.json().await?;
    let value = said.remove("value").unwrap_or_default();
    ensure!(status.is_success(), "{url}: {}: {}", value["error"], value["message"]);
    Ok(value)
}
