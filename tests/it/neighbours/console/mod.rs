//! The console in a real browser: Debian's `chromium` and `chromedriver`. On every page: nothing against its own policy, no error on its
//! console, nothing that axe finds.

mod browser;
mod journeys;
mod killed;
mod looks;
mod report;
mod webdriver;
