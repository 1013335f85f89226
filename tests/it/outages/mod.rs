//! Parts of the house that die in the middle of their work: nothing is lost, and nothing is done twice.

mod asked_first;
mod database;
mod forgotten;
mod frozen;
mod lives_once;
mod lost_start;
mod lost_task;
mod messengers;
mod other_rules;
pub mod process;
mod providers;
mod refused_record;
mod restored;
mod returns;
mod server;
mod told_again;
mod worker;
mod zombie;
