//! The console by plain HTTP: every page and every form, without a browser and without script.

mod associates;
mod benches;
mod coming_in;
mod handing_over;
mod insights;
mod live;
mod receivers;
mod support;
