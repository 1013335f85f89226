//! The console by plain HTTP: every page and every form, without a browser and without script.

mod associates;
mod benches;
mod coming_in;
mod insights;
mod handing_over;
mod live;
mod support;
