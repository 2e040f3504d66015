//! `report.html`: the report as a page for people, in one file that refers to nothing outside of it.
//!
//! The page is a function of the report's data as `report.json` holds it, so it can be made again at any time. What a report
//! does not say is left out.

mod bars;
mod data;
mod diagram;
mod layout;
mod numbers;
mod stages;
mod summary;

pub use data::{Accuracy, Approximation, Available, Data, Layer, Measured, Memory, Resources, Stream};
pub use diagram::pipeline;

use maud::{DOCTYPE, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// The page.
pub fn html(data: &Data) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (data.network) " · xnorforge report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (summary::header(data))
                main {
                    (summary::figures(data))
                    section {
                        h2 { "Pipeline" }
                        p.note {
                            "Stages from image to answer. On a stream: elements of a word, and their type. The bar below a stage "
                            "is the share of the initiation interval in which it works."
                        }
                        div.diagram { (PreEscaped(diagram::pipeline(data))) }
                        (diagram::legend(data))
                    }
                    (stages::section(data))
                    (bars::resources(data))
                    (bars::memories(data))
                    (summary::approximations(data))
                    (summary::sensitive_steps(data))
                }
                footer {
                    "Made by xnorforge " (env!("CARGO_PKG_VERSION")) " from report.json, which has the same figures for programs."
                }
            }
        }
    };
    page.into_string() + "\n"
}
