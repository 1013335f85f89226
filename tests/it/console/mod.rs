//! The console by plain HTTP: every page and every form, without a browser and without script.

mod associates;
mod coming_in;
mod insights;
mod support;
