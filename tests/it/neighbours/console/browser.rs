//! A browser, and somebody before it.

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::sync::OnceCell;

use super::webdriver::{ENTER, Element, Session};
use crate::{
    neighbours::home,
    support::{
        Shop,
        people::{PASSWORD, person},
        runtime::until,
    },
};

const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=en-GB",
];

/// One for all tests of the binary. It ends when this process does: its shell reads a pipe of ours.
static DRIVER: OnceCell<Driver> = OnceCell::const_new();

struct Driver {
    url: String,
    _shell: Child,
}

impl Driver {
    async fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let script = format!("chromedriver --port={port} --log-level=SEVERE >/dev/null & driver=$!; cat >/dev/null; kill $driver");
        let shell = Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).spawn().context("sh does not run")?;
        let url = format!("http://127.0.0.1:{port}");
        until("chromedriver to answer: .ci/neighbours installs it", async || {
            Ok(crate::support::http::client()
                .get(format!("{url}/status"))
                .send()
                .await
                .ok()
                .filter(|answer| answer.status() == 200)
                .map(drop))
        })
        .await?;
        Ok(Self { url, _shell: shell })
    }
}

/// Where pictures and pages of failures are kept, and those that somebody asks for.
fn kept() -> PathBuf {
    std::env::var_os("OMS_PICTURES").map_or_else(|| std::env::temp_dir().join("oms-console"), PathBuf::from)
}

/// A browser of its own, with a profile of its own.
pub struct Browser<'a> {
    shop: &'a Shop,
    pub driver: Session,
    profile: tempfile::TempDir,
}

/// Runs a test in a browser of its own; what it shows when it fails is kept.
pub async fn in_browser(shop: &Shop, name: &str, test: impl AsyncFnOnce(&Browser<'_>) -> Result<()>) -> Result<()> {
    let browser = Browser::open(shop).await?;
    let mut ran = test(&browser).await;
    if let Err(error) = ran {
        let picture = browser.keep(&format!("failed-{name}")).await?;
        ran = Err(error.context(format!("what it showed is in {}", picture.display())));
    }
    browser.driver.close().await?;
    browser.profile.close()?;
    ran
}

impl<'a> Browser<'a> {
    async fn open(shop: &'a Shop) -> Result<Self> {
        let chromedriver = DRIVER.get_or_try_init(Driver::start).await?;
        let profile = tempfile::tempdir()?;
        let own = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<String> = ARGUMENTS.iter().map(|argument| (*argument).to_owned()).chain([own]).collect();
        let driver = Session::open(&chromedriver.url, &arguments).await?;
        let browser = Self { shop, driver, profile };
        browser.resize(1_280, 900).await?;
        Ok(browser)
    }

    /// A screen so large, in CSS pixels.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.driver.chromium("Emulation.setDeviceMetricsOverride", size).await?;
        Ok(())
    }

    /// Cuts the line, or mends it.
    pub async fn offline(&self, is_cut: bool) -> Result<()> {
        let line = json!({"offline": is_cut, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        self.driver.chromium("Network.enable", json!({})).await?;
        self.driver.chromium("Network.emulateNetworkConditions", line).await?;
        Ok(())
    }

    /// Comes in as somebody of these roles.
    pub async fn come_in(&self, roles: &[&str], facilities: &[&str]) -> Result<()> {
        let email = person(self.shop, roles, facilities).await?;
        self.open_page("/console/login").await?;
        self.write("[name=email]", &email).await?;
        self.write("[name=password]", &format!("{PASSWORD}{ENTER}")).await?;
        self.until_at("/console").await
    }

    /// Opens a page, and looks at it.
    pub async fn open_page(&self, path: &str) -> Result<()> {
        self.driver.goto(&self.shop.url(path)).await?;
        self.sound().await
    }

    pub async fn find(&self, selector: &str) -> Result<Element> {
        until(selector, async || self.driver.find(selector).await).await
    }

    /// Writes into a field.
    pub async fn write(&self, selector: &str, text: &str) -> Result<()> {
        self.driver.send_keys(&self.find(selector).await?, text).await
    }

    /// Writes into the field of this name, in place of what is there.
    pub async fn put(&self, name: &str, text: &str) -> Result<()> {
        self.find(&format!("[name='{name}']")).await?;
        self.driver.run(&format!("document.querySelector(\"[name='{name}']\").value = ''")).await?;
        self.write(&format!("[name='{name}']"), text).await
    }

    /// As a finger or a mouse does.
    pub async fn click(&self, selector: &str) -> Result<()> {
        self.driver.click(&self.find(selector).await?).await
    }

    /// Opens what this stands in.
    pub async fn open_details(&self, selector: &str) -> Result<()> {
        self.find(selector).await?;
        self.driver.run(&format!("document.querySelector(\"{selector}\").closest('details').open = true")).await.map(drop)
    }

    /// Width and height of the first sheet that the page prints on, as a PDF says it in points.
    pub async fn paper_mm(&self) -> Result<(u32, u32)> {
        let pdf = self.driver.chromium("Page.printToPDF", json!({"preferCSSPageSize": true})).await?;
        let pdf = decoded(pdf["data"].as_str().context("a PDF")?);
        let text = String::from_utf8_lossy(&pdf);
        let size = text.split("/MediaBox").nth(1).and_then(|rest| rest.split(']').next()).context("a sheet")?;
        let points: Vec<f64> = size.trim_start_matches([' ', '[']).split_whitespace().filter_map(|number| number.parse().ok()).collect();
        let mm = |points: f64| (points / 72.0 * 25.4).round() as u32;
        match points.as_slice() {
            [_, _, width, height] => Ok((mm(*width), mm(*height))),
            _ => anyhow::bail!("{size} is no size of a sheet"),
        }
    }

    /// Types into whatever has the focus, as a keyboard or a scanner would.
    pub async fn type_keys(&self, keys: &str) -> Result<()> {
        self.driver.type_keys(keys).await
    }

    /// A code, as a scanner in keyboard mode sends it.
    pub async fn scan(&self, code: &str) -> Result<()> {
        self.type_keys(&format!("{code}{ENTER}")).await
    }

    /// Where it is.
    pub async fn path(&self) -> Result<String> {
        let url = self.driver.url().await?;
        let path = url.strip_prefix(&self.shop.url("")).unwrap_or(&url);
        Ok(path.split(['?', '#']).next().unwrap_or_default().to_owned())
    }

    pub async fn until_at(&self, path: &str) -> Result<()> {
        until(&format!("the browser to be at {path}"), async || Ok((self.path().await? == path).then_some(()))).await
    }

    /// Waits until the page says so.
    pub async fn until_says(&self, text: &str) -> Result<()> {
        until(&format!("the page to say {text}"), async || Ok(self.text().await?.contains(text).then_some(()))).await
    }

    pub async fn text(&self) -> Result<String> {
        let text = self.driver.run("return document.body ? document.body.innerText : ''").await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// What always holds: no error on the console (what is against a page's policy is one), nothing that axe finds, no page wider than the
    /// screen, one heading.
    pub async fn sound(&self) -> Result<()> {
        let path = self.path().await?;
        let said = self.driver.console().await?;
        let wrong: Vec<_> = said.into_iter().filter(|(level, text)| level != "INFO" && level != "DEBUG" && !is_refusal(text)).collect();
        ensure!(wrong.is_empty(), "{path}: {wrong:#?}");
        let axe = fs::read_to_string(home()?.join("node_modules/axe-core/axe.min.js")).context("axe-core: .ci/neighbours installs it")?;
        self.driver.run(&axe).await?;
        let found = self.driver.run_async(AXE).await?;
        ensure!(found.as_array().is_some_and(Vec::is_empty), "{path}: {found:#}");
        let shape = self.driver.run(SHAPE).await?;
        ensure!(shape["wide"].as_i64().is_some_and(|wide| wide <= 0) && shape["headings"] == 1, "{path}: {shape}");
        Ok(())
    }

    /// A picture of the page, and the page.
    pub async fn keep(&self, name: &str) -> Result<PathBuf> {
        let folder = kept();
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{name}.html")), self.driver.source().await?)?;
        let picture = folder.join(format!("{name}.png"));
        fs::write(&picture, decoded(&self.driver.picture().await?))?;
        Ok(picture)
    }
}

/// What axe finds, in short.
const AXE: &str = "const done = arguments[arguments.length - 1];
    const node = (found) => found.html + ' ' + found.failureSummary;
    const brief = (found) => ({id: found.id, help: found.help, nodes: found.nodes.slice(0, 3).map(node)});
    axe.run(document, {resultTypes: ['violations']}).then((all) => done(all.violations.map(brief)))";
const SHAPE: &str = "const page = document.documentElement;
    return {wide: page.scrollWidth - page.clientWidth, headings: document.querySelectorAll('h1').length}";

/// Base 64, which has nothing but its own signs here.
fn decoded(text: &str) -> Vec<u8> {
    let value = |sign: u8| match sign {
        b'A'..=b'Z' => Some(sign - b'A'),
        b'a'..=b'z' => Some(sign - b'a' + 26),
        b'0'..=b'9' => Some(sign - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let signs: Vec<u8> = text.bytes().filter_map(value).collect();
    let bytes = signs.chunks(4).flat_map(|chunk| {
        let bits = chunk.iter().fold(0_u32, |bits, sign| bits << 6 | u32::from(*sign)) << (6 * (4 - chunk.len()));
        bits.to_be_bytes().into_iter().skip(1).take(chunk.len() - 1)
    });
    bytes.collect()
}

/// A browser says of an answer in the four hundreds that it is one: what a page does with it is the test's to see.
fn is_refusal(message: &str) -> bool {
    message.contains("Failed to load resource: the server responded with a status of 4")
}
