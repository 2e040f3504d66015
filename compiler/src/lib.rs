//! From an imported model to a plan of hardware: `Graph` → [`Network`](network::network::Network) →
//! [`Plan`](plan::Plan).
//!
//! [`lower`] turns everything between two dot products into integer step functions by evaluating it exactly;
//! [`planner`] chooses parallelism; [`schedule`] predicts every clock cycle, [`values`] what
//! streams carry; [`replace`] puts other weights into a plan.

pub mod blocks;
pub mod chip;
pub mod codes;
pub mod datapath;
pub mod estimate;
pub mod lower;
pub mod plan;
pub mod planner;
pub mod replace;
pub mod report;
pub mod schedule;
pub mod values;
